"""What stands in another file: the account of a row, or the price of a plan, fetched by a query."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from csrisk._proposal._accounts import Join
from csrisk._proposal._matching._names import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from csrisk._proposal._sources import Brought

__all__ = ["ACCOUNT", "PRICE", "find_price", "query_of"]

ACCOUNT, PRICE = "csrisk_account", "csrisk_price"  # names that no column of an export has
_PRICES = {"price", "mrr", "fee", "amount", "rate", "preis", "prix", "precio", "betrag", "charge", "cost"}
_MOSTLY = 0.98  # a plan that is not in the list has no price


def find_price(brought: Brought, tables: Sequence[Brought]) -> Join | None:
    """Find the one list that holds a price for what a column of contracts names."""
    found = []
    for other in tables:
        prices = [name for name, look in other.looks.items() if look.kind == "number" and _PRICES & set(words(name))]
        keys = [name for name, look in other.looks.items() if look.unique and look.kind == "text"]
        if other is brought or len(prices) != 1:  # of two prices nobody can tell which is paid
            continue
        for (column, look), key in itertools.product(brought.looks.items(), keys):
            shared = len(look.ids & other.looks[key].ids)
            if look.kind == "text" and shared and shared >= _MOSTLY * len(look.ids):
                found.append(Join(column, other.name, key, prices[0]))
    return found[0] if len(found) == 1 else None


def query_of(brought: Brought, joins: Iterable[tuple[str, Join]], *, database: bool) -> str:
    """Write the SELECT that puts a column of another table beside those of a file; rows without one stay."""
    place = _identifier if database else _text
    taken, joined = ["it.*"], []
    for number, (name, way) in enumerate(joins):
        other = f"other_{number}"
        taken.append(f"{other}.{_identifier(way.account)} AS {name}")
        on = f"it.{_identifier(way.column)} = {other}.{_identifier(way.key)}"
        joined.append(f"LEFT JOIN {place(way.table)} AS {other} ON {on}")
    return "\n".join([f"SELECT {', '.join(taken)}", f"FROM {place(brought.name)} AS it", *joined])


def _text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
