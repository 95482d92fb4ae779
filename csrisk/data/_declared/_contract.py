"""The table contract, declared once: validation, canonical form and documentation are derived from it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from csrisk.data._declared import _event_tables, _relation_tables
from csrisk.data._declared._declaration import Column, Kind, Order, Table
from csrisk.data._declared._event_tables import ADVOCACY, CONTACTS, EXPECTATIONS, FEATURES, MEASURES, SURVEYS, USAGE
from csrisk.data._declared._relation_tables import (
    ACCOUNTS,
    ATTRIBUTES,
    FINANCE,
    INVOICES,
    PEOPLE,
    SUBSCRIPTIONS,
    TREATMENTS,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CONTRACT",
    "DECLARED",
    "Column",
    "Kind",
    "Order",
    "Table",
    "announced_times",
    "beginnings",
    "observed_tables",
    "planned_times",
    "told_times",
]

_TABLES = (
    ACCOUNTS,
    SUBSCRIPTIONS,
    USAGE,
    FEATURES,
    CONTACTS,
    SURVEYS,
    ADVOCACY,
    EXPECTATIONS,
    FINANCE,
    TREATMENTS,
    PEOPLE,
    INVOICES,
    MEASURES,
    ATTRIBUTES,
)


def _declared() -> tuple[Table, ...]:
    """Tables of the two files of declarations: in the order in which people meet them, then what was added."""
    every = [value for module in (_relation_tables, _event_tables) for value in vars(module).values()]
    return tuple(dict.fromkeys([*_TABLES, *(table for table in every if isinstance(table, Table))]))


# the one place where a table is declared; a test may declare one more
DECLARED: dict[str, Table] = {table.name: table for table in _declared()}
CONTRACT: Mapping[str, Table] = MappingProxyType(DECLARED)


def planned_times() -> frozenset[str]:
    """Names of times that are agreed beforehand; a name that is none in some table is masked everywhere."""
    times = [table[name] for table in CONTRACT.values() for name in table.times]
    return frozenset({time.name for time in times if time.planned} - {time.name for time in times if not time.planned})


def told_times() -> frozenset[str]:
    """Names of second times that ``known_at`` hides where it does not hide their row."""
    states = [table for table in CONTRACT.values() if table.begins]
    waits = ((table, name) for table in states for name in table.second_times if name != table.begins)
    return frozenset(name for table, name in waits if not table[name].announced)


def announced_times() -> frozenset[str]:
    """Names of second times that are known when they come, whatever ``known_at`` says of their row."""
    return frozenset(name for table in CONTRACT.values() for name in table.times if table[name].announced)


def beginnings() -> frozenset[str]:
    """Names of times at which rows begin that are known from then on."""
    return frozenset(table.begins for table in CONTRACT.values() if table.begins)


def observed_tables() -> tuple[str, ...]:
    """Names of the tables whose rows come as things happen, so that the last one shows until when the book was seen."""
    return tuple(name for name, table in CONTRACT.items() if table.event and table.shows_end)
