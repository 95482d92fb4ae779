"""Whether amounts of money can be added up: none missing, one currency, one period, one unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from csrisk.data._engines._staging import how_many, number
from csrisk.data._findings._breach import Breach

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from csrisk.data._engines._engine import Engine

__all__ = ["check_money"]

Lazy = nw.LazyFrame[Any]
Evidence = dict[str, dict[str, int]]
_AMOUNTS = {"subscriptions": "mrr", "usage": "value", "finance": "revenue", "invoices": "amount"}
_MONTHLY = ("month", "monthly", "1 month", "m", "p1m")
_YEAR, _CENTS = 12.0, 100.0
# two heaps: each with so many amounts and such a share, with such a gap between them and their middles apart by the
# factor, give or take
_FEW, _SHARE, _GAP, _ABOUT = 5, 0.1, 4.0, 0.12
_ACCOUNTS, _OF_THEM = 3, 0.2  # accounts whose own bookings jump a hundredfold
_MOST = 0.5  # of the accounts, whose bookings are in another unit than their contracts


def check_money(engine: Engine, tables: Mapping[str, Lazy], evidence: Evidence) -> list[Breach]:
    """Find amounts that cannot be added up."""
    found = list(_currencies(engine, tables, evidence))
    contracts = evidence.get("subscriptions", {})
    if contracts.get("", 0):
        rows = tables["subscriptions"]
        holed = [column for column in ("mrr", "seats") if 0 < contracts.get(column, 0) < contracts[""]]
        found += [_unknown(engine, rows, column) for column in holed]
        if contracts.get("interval", 0) and contracts.get("mrr", 0):
            found += _intervals(engine, rows)
        if contracts.get("mrr", 0) >= 2 * _FEW:
            found += _heaps(engine, rows)
    if evidence.get("finance", {}).get("revenue", 0):
        found += _jumps(engine, tables["finance"])
        if contracts.get("mrr", 0):
            found += _other_unit(engine, tables)
    return found


def _unknown(engine: Engine, rows: Lazy, column: str) -> Breach:
    missing = engine.collect(rows.filter(nw.col(column).is_null()).select("account"))["account"]
    return Breach("CSD323", "subscriptions", column, len(missing), detail=f"of {missing.nunique()} accounts")


def _currencies(engine: Engine, tables: Mapping[str, Lazy], evidence: Evidence) -> Iterator[Breach]:
    names: dict[str, set[str]] = {}
    for table, amount in _AMOUNTS.items():
        if evidence.get(table, {}).get("currency", 0) and evidence[table].get(amount, 0):
            rows = tables[table].filter(~nw.col("currency").is_null(), ~nw.col(amount).is_null())
            found = engine.collect(rows.select("currency").unique())["currency"]
            names[table] = {str(name).strip().upper() for name in found}
            unstated = tables[table].filter(nw.col("currency").is_null(), ~nw.col(amount).is_null())
            if n := how_many(engine, unstated):
                yield Breach("CSD329", table, "currency", n, examples=tuple(sorted(names[table])[:5]))
    every = sorted(set().union(*names.values()))
    if len(every) > 1:
        several = [table for table, found in names.items() if len(found) > 1] or list(names)
        yield Breach("CSD324", ", ".join(several), "currency", len(every), examples=tuple(every[:5]))


def _intervals(engine: Engine, rows: Lazy) -> list[Breach]:
    priced = rows.filter(~nw.col("interval").is_null(), ~nw.col("mrr").is_null())
    found = engine.collect(priced.group_by("interval").agg(number().alias("n")))
    other = found[~found["interval"].astype(str).str.strip().str.lower().isin(_MONTHLY)]
    if other.empty:
        return []
    examples = tuple(sorted(other["interval"].astype(str).str[:24])[:5])
    return [Breach("CSD325", "subscriptions", "interval", int(other["n"].sum()), examples=examples)]


def _heaps(engine: Engine, rows: Lazy) -> list[Breach]:
    """Two heaps of amounts for one plan and product that lie twelvefold or a hundredfold apart."""
    priced = engine.collect(rows.filter(nw.col("mrr") > 0).select("plan", "product", "mrr"))
    found: dict[float, int] = {}
    # dropna: contracts without a plan are held against each other, too
    for _, amounts in priced.groupby(["plan", "product"], dropna=False)["mrr"]:
        factor, count = _two_heaps(amounts.to_numpy(np.float64))
        if count:
            found[factor] = found.get(factor, 0) + count
    codes = {_YEAR: "CSD325", _CENTS: "CSD326"}
    return [
        Breach(codes[factor], "subscriptions", "mrr", count, detail=f"about {factor:g} times the others of their plan")
        for factor, count in sorted(found.items())
    ]


def _two_heaps(amounts: np.ndarray[Any, Any]) -> tuple[float, int]:
    """Give the factor between the two heaps, and the number of amounts in the upper; 0 where there is one heap."""
    ordered = np.sort(amounts)
    least = max(_FEW, int(np.ceil(_SHARE * len(ordered))))
    if len(ordered) < 2 * least:
        return 0.0, 0
    gaps = ordered[1:] / ordered[:-1]
    # the widest gap among those that leave both heaps enough amounts
    place = int(np.argmax(gaps[least - 1 : len(gaps) - least + 1])) + least
    ratio = float(np.median(ordered[place:]) / np.median(ordered[:place]))
    for factor in (_YEAR, _CENTS):
        if gaps[place - 1] >= _GAP and abs(np.log(ratio / factor)) <= _ABOUT:
            return factor, len(ordered) - place
    return 0.0, 0


def _other_unit(engine: Engine, tables: Mapping[str, Lazy]) -> list[Breach]:
    """Accounts that book about a hundred times what their contracts say: one of the two is in cents."""
    sides = []
    for table, amount in (("subscriptions", "mrr"), ("finance", "revenue")):
        rows = tables[table].filter(nw.col(amount) > 0).group_by("account").agg(nw.col(amount).mean().alias(amount))
        sides.append(engine.collect(rows).set_index("account"))
    both = sides[0].join(sides[1], how="inner").to_numpy(np.float64)
    # either of the two may be the one in cents
    factor = np.abs(np.log(both[:, 1] / both[:, 0]))
    apart = int((np.abs(factor - np.log(_CENTS)) <= 2 * _ABOUT).sum())
    if apart < max(_FEW, _MOST * len(both)):
        return []
    detail = f"of {len(both)} accounts book about {_CENTS:g} times as much, or as little, as mrr says"
    return [Breach("CSD326", "finance", "revenue", apart, detail=detail)]


def _jumps(engine: Engine, rows: Lazy) -> list[Breach]:
    """Accounts whose largest booking is about a hundred times their smallest."""
    revenue = nw.col("revenue")
    spans = rows.filter(revenue > 0).group_by("account").agg(revenue.min().alias("low"), revenue.max().alias("high"))
    table = engine.collect(spans)
    ratio = table["high"].to_numpy(np.float64) / table["low"].to_numpy(np.float64)
    jumped = int((np.abs(np.log(ratio / _CENTS)) <= 2 * _ABOUT).sum())
    if jumped < max(_ACCOUNTS, _OF_THEM * len(table)):
        return []
    return [Breach("CSD326", "finance", "revenue", jumped, detail=f"of {len(table)} accounts jump about 100-fold")]
