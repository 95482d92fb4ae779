"""How well one column of a file is one column of the contract, by its name and by its values."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from csrisk._proposal._cures import severities
from csrisk._proposal._matching._names import likeness, phrases, words
from csrisk._proposal._matching._words import ACCOUNT_WORDS, COLUMNS, TABLES, VALUES
from csrisk.data import CONTRACT

if TYPE_CHECKING:
    from csrisk._proposal._matching._looks import Look
    from csrisk._proposal._sources import Brought
    from csrisk.data import Column, Table

__all__ = ["Fit", "fit_of", "rarity"]

_OFTEN = 0.05
_ENDS = frozenset(rule.later for table in CONTRACT.values() for rule in table.orders)
_KEYS = frozenset({"event_id", "contact_id", "invoice_id"})  # one for each row
_PERSONS = frozenset({"user_id", "respondent", "handler"})
_KEY_WORDS = frozenset({"id", "key", "number", "code", "uuid", "guid", "zip", "phone", "year"})
_VALUES_AT_MOST = 0.75  # known words among the values are never as good as a clear name


class Fit(NamedTuple):
    """How well a pair fits."""

    score: float
    named: float


def fit_of(brought: Brought, name: str, table: Table, column: Column, last: pd.Timestamp | None) -> Fit:
    """Say how well a column of a file fits a column of the contract."""
    look = brought.looks[name]
    shape = 1.0 if column.name == "severity" and severities(look) else look.fits(column.kind)
    # known_at hides rows when it is wrong, so nothing but a name that says it counts
    if not shape or (column.name == "known_at" and words(name) not in _KNOWN):
        return Fit(0.0, 0.0)
    if column.kind == "number" and column.name != "severity" and set(words(name)[-1:]) & _KEY_WORDS:
        shape *= 0.3
    shape *= _range(look, column, last) * _often(look, table, column)
    named = 1.0 if name == column.name else 0.98 * _named(brought, name, table, column)
    # an address of e-mail is a person, whatever the column is called
    if look.addresses and column.name in (*_PERSONS, "person_id") and column.name != "handler":
        named = max(named, 0.5)
    return Fit(min(max(named, _by_values(look, table, column, named)) * shape, 1.0), named * shape)


_KNOWN = frozenset(phrase.words for phrase in phrases(COLUMNS["usage.known_at"]))


def rarity(column: str) -> float:
    """How much a column tells of its table: the less, the more tables have one of that name."""
    return 1 / math.sqrt(Counter(name for table in CONTRACT.values() for name in table.names)[column])


def _named(brought: Brought, name: str, table: Table, column: Column) -> float:
    told = COLUMNS.get(f"{table.name}.{column.name}", column.name.replace("_", " "))
    full = words(name)
    best = max(likeness(full, told), 0.98 * likeness(_bare(brought, full, table), told))
    if "." in name:  # of an object that the export names before its field
        best = max(best, 0.9 * likeness(words(name.rpartition(".")[2]), told))
    if full in (("id",), ("record", "id"), ("number",), ("key",)):  # of the table itself
        best = max(best, 0.98 * likeness((*brought.stem[-1:], full[-1]), told))
    return best


def _bare(brought: Brought, full: tuple[str, ...], table: Table) -> tuple[str, ...]:
    """Take the name of the table off the beginning of a name."""
    own = {word for line in (TABLES[table.name], ACCOUNT_WORDS) for one in phrases(line) for word in one.words[:1]}
    own = (own & set(brought.stem)) | {phrase.words[0] for phrase in phrases(TABLES[table.name]) if phrase.weight == 1}
    while len(full) > 1 and full[0] in own:
        full = full[1:]
    while len(full) > 2 and full[-1] in own:
        full = full[:-1]
    return full


def _by_values(look: Look, table: Table, column: Column, named: float) -> float:
    """Tell a category from its words; a name that says nothing is helped by them."""
    home = "subscriptions" if column.name == "currency" else table.name
    line = VALUES.get(f"{home}.{column.name}", "")
    if column.kind != "category" or not line or look.kind != "text" or look.distinct > 60:
        return 0.0
    known = {words(value.strip()) for value in line.split(",")}
    values = {words(value) for value in look.ids}
    share = len(values & known) / max(len(values), 1)
    return 0.0 if share < 0.5 else min(0.3 + 0.3 * share + 0.4 * named, _VALUES_AT_MOST)


def _often(look: Look, table: Table, column: Column) -> float:
    """Weigh how often ids come again: keys never do, persons do."""
    known = len(look.texts.dropna())
    if column.kind != "id" or known < 30:
        return 1.0
    if column.name in _KEYS:
        return 1.0 if look.distinct > 0.98 * known else 0.6  # a retry may have delivered a few again
    if column.name == "case_id":  # repeat contacts share it
        return 0.6 if look.distinct == known else 1.0
    person = column.name in _PERSONS or (column.name == "person_id" and table.name != "people")
    return 0.6 if person and look.distinct == known else 1.0


def _range(look: Look, column: Column, last: pd.Timestamp | None) -> float:
    """Weigh values outside of the range, missing ones and times to come."""
    if column.kind == "time":
        return _when(look, column, last)
    known = look.numbers.dropna()
    if column.kind != "number" or known.empty:
        return 0.5 if column.required and look.missing > 0.2 and look.kind != "empty" else 1.0
    if column.name == "score":  # scales that surveys have end at 10 or 100
        return 1.0 if known.between(0, 10).all() else 0.8 if known.between(0, 100).all() else 0.4
    low = -math.inf if column.low is None else column.low
    high = math.inf if column.high is None else column.high
    return 0.3 if float((~known.between(low, high)).mean()) > _OFTEN else 1.0


def _when(look: Look, column: Column, last: pd.Timestamp | None) -> float:
    known = look.times.dropna()
    if known.empty:
        return 0.5 if column.required else 1.0
    if column.required:
        return 0.5 if look.missing > 0.3 else 1.0
    later = 0.0 if last is None else float((known > last + pd.Timedelta(days=2)).mean())
    if column.planned:
        return 1.0 if later > 0.01 or last is None else 0.9
    if later > _OFTEN:
        return 0.7
    return 0.95 if not look.missing and column.name in _ENDS else 1.0  # what goes on has no end yet
