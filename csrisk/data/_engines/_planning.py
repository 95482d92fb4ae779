"""From a user's columns to the contract's: mapping, missing columns, types, further attributes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import narwhals.stable.v2 as nw

from csrisk.data._cures import Given, cured, misfit
from csrisk.data._cures._apply import worded
from csrisk.data._cures._where import spelt
from csrisk.data._declared._contract import CONTRACT, Column, Kind, Table
from csrisk.data._engines._rules import NOBODY, bad
from csrisk.data._findings._breach import Breach, did_you_mean
from csrisk.data._presets import fitted

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["Brought", "Plan", "make_plan", "marks"]

# names of csrisk's own beside which an attribute needs another
_RESERVED = {"account", "ahead", "age", "as_of", "cut", "day", "id", "known", "lead", "n", "row", "snapshot", "told"}
# what programs write where there is no value, and what is never the name of anything
_NULL = ["NULL", "null", "Null", "(null)", "\\N", "#N/A", "<NA>", "nan", "NaN", "NAN", "NaT"]
# what they write where there is no id; a category may be called so: NA is a region, and none a plan
_NO_ID = [*_NULL, "None", "none", "NONE", "nil", "(blank)", "(none)", "-", "undefined", "NA", "N/A", "n/a"]
_NOBODY = [
    *(*_NO_ID, "unknown", "Unknown", "UNKNOWN"),
    *("Total", "total", "TOTAL", "Totals", "Grand Total", "Grand total", "Gesamt", "Summe"),  # foot of a report
]
_MARK = re.compile(
    r"_?(is)?_?(hard|soft)?_?(deleted|removed|voided|archived|test|testaccount)(_?(at|on|date|flag))?_?", re.IGNORECASE
)
# what begins or ends so are columns that csrisk makes beside those of the user
_PLAIN = re.compile(
    r"(?!bad__|raw__|zone__|words__|broken__|attribute__|moment__|.*_(day|second|right)$)\w[\w -]*", re.DOTALL
)


class Brought(Protocol):
    """A table as the user brought it, in the engine that is to read it."""

    types: Mapping[str, Any]
    mixed: frozenset[str]
    ordered: bool
    rewrites: bool
    notes: tuple[Breach, ...]

    def rows(self) -> nw.LazyFrame[Any]:
        """Give the rows as they came, with their position where they have one."""

    def only(self, condition: nw.Expr) -> Brought:
        """Give the table of the rows that meet a condition."""

    def why(self, error: Exception) -> str:
        """Say why the engine could not read it, without a word of what it holds."""

    def readable(self, column: Column, name: str) -> bool:
        """Whether the type of a column can hold values of a kind."""

    def kind_of(self, name: str) -> Kind | None:
        """Kind of a further attribute; None where it is none."""

    def textual(self, name: str) -> bool:
        """Whether values come as text."""

    def naive(self, name: str) -> bool:
        """Whether it is a time whose type has a clock and no zone."""

    def without_values(self, names: list[str]) -> list[str]:
        """Columns that hold nothing, whose type says nothing therefore."""

    def read(self, columns: Mapping[Column, Given], empty: frozenset[str]) -> nw.LazyFrame[Any]:
        """Give position, values and marks of columns; see `Plan`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a user's table is read."""

    table: Table
    brought: Brought
    there: tuple[Column, ...]
    read: nw.LazyFrame[Any]
    columns: frozenset[str]
    naive: frozenset[str] = frozenset()
    # whether account ids came as text
    textual: bool = True
    # whether known_at says when the whole row was entered
    entered: bool = False

    @property
    def all_columns(self) -> list[Column]:
        """Columns in canonical order: those of the contract, there or not, then further attributes."""
        return [*self.table.columns, *(column for column in self.there if column.name not in self.table.names)]

    @property
    def ordered(self) -> bool:
        """Whether rows have positions."""
        return self.brought.ordered

    @property
    def names(self) -> frozenset[str]:
        """Names of the columns that are there."""
        return frozenset(column.name for column in self.there)

    def marked(self, column: Column) -> bool:
        """Whether a value of a column may be unreadable."""
        return bad(column.name) in self.columns


@dataclass
class _Notes:
    """Breaches found on the way."""

    table: Table
    breaches: list[Breach] = field(default_factory=list)

    def add(self, code: str, column: str = "", *, detail: str = "", count: int = 1, effect: str = "") -> None:
        self.breaches.append(Breach(code, self.table.name, column, count, detail=detail, effect=effect))


def make_plan(table: Table, brought: Brought, given: Mapping[str, Given]) -> tuple[Plan | None, list[Breach]]:
    """Decide which of the user's columns is read as what."""
    given, said = fitted(table, brought.types, given)
    notes = _Notes(table, said)
    if any(breach.fatal for breach in said):
        return None, said
    mapping = {table[name]: one for name, one in _map_columns(notes, brought.types, given).items()}
    _check_cures(notes, brought, mapping)
    empty = _check_types(notes, brought, mapping)
    # where rows belong to accounts, account_id is declared first
    first = mapping.get(table.columns[0], Given(""))
    if first.name in brought.mixed and table.has_account:
        notes.add("CSD105", "account_id")
    if any(breach.fatal for breach in notes.breaches):
        return None, notes.breaches
    if table.name == "accounts":
        mapping |= _attributes(notes, brought, {one.name for one in mapping.values()})
    read = cured(brought.read(_asked(brought, mapping), empty), table, mapping)
    if table.has_account:
        # a header that stands in the middle is no account
        read = read.with_columns(nw.col("account_id").is_in([*_NOBODY, first.name]).fill_null(False).alias(NOBODY))
        named = nw.when(~nw.col(NOBODY)).then(nw.col("account_id"))
        read = read.with_columns(named.alias("account_id"))
    if without_nulls := _without_nulls(mapping):
        read = read.with_columns(*without_nulls)
    times = {c.title: one.name for c, one in mapping.items() if c.kind == "time" and not one.is_constant}
    naive = frozenset(title for title, user in times.items() if brought.naive(user))
    textual = not table.has_account or brought.textual(first.name)
    names = frozenset(read.collect_schema().names())
    return Plan(table, brought, tuple(mapping), read, names, naive, textual), notes.breaches


def _without_nulls(mapping: Mapping[Column, Given]) -> list[nw.Expr]:
    """Make words for nothing missing in further ids and categories, as they are in times and numbers."""
    words = {"id": _NO_ID, "category": _NULL}
    return [
        nw.when(~nw.col(column.name).is_in(words[column.kind])).then(nw.col(column.name)).alias(column.name)
        for column in mapping
        if column.kind in words and column.name != "account_id"
    ]


def _check_cures(notes: _Notes, brought: Brought, mapping: Mapping[Column, Given]) -> None:
    """Note cures that cannot be meant of a column."""
    for column, given in mapping.items():
        if why := misfit(column, given):
            notes.add("CSD002", column.name, detail=why)
        elif (given.dates or given.leading_number) and not brought.rewrites and brought.textual(given.name):
            key = f"dates = {given.dates!r}" if given.dates else "leading_number"
            detail = f"{key} is read from files, frames and database files; here write it in a query, or as words"
            notes.add("CSD011", column.name, detail=detail)


def _check_types(notes: _Notes, brought: Brought, mapping: Mapping[Column, Given]) -> frozenset[str]:
    """Note columns whose type cannot hold values of their kind, and give those that are empty."""
    asked = _asked(brought, mapping)
    odd = {column: one.name for column, one in asked.items() if not brought.readable(column, one.name)}
    # asked only where a type is odd: a column of no values may have any, and asking reads it
    empty = brought.without_values(list(odd.values())) if odd else []
    for column, user in odd.items():
        if user not in empty:
            detail = f"{brought.types[user]}"[:40] + f" cannot be read as {column.kind}; convert it where it comes from"
            notes.add("CSD011", column.name, detail=detail)
    return frozenset(empty)


def _asked(brought: Brought, mapping: Mapping[Column, Given]) -> dict[Column, Given]:
    """Give what is read: times that are counted as numbers, and the text that words are looked up in, too."""
    asked = {}
    for column, given in mapping.items():
        own = replace(column, kind="number") if given.unit else column
        if given.words:
            asked[Column(worded(column.name), "text", "Words.")] = given
        if not given.is_constant and not (given.words and not brought.readable(own, given.name)):
            asked[own] = given
    return asked


def marks(brought: Brought, mapped: frozenset[str]) -> dict[str, nw.LazyFrame[Any]]:
    """Rows that are marked as deleted or as of a test, by each column that is no column of the contract."""
    found = {}
    for name in brought.types:
        kind: Kind = "time" if re.search("(at|on|date)_?$", name, re.I) else "bool"
        column = Column("marked", kind, "Mark.")
        if name not in mapped and _MARK.fullmatch(name) and brought.readable(column, name):
            rows, marked = brought.read({column: Given(name)}, frozenset()), nw.col("marked")
            found[name] = rows.filter(marked if kind == "bool" else ~marked.is_null())
    return found


def _map_columns(notes: _Notes, types: Mapping[str, object], given: Mapping[str, Given]) -> dict[str, Given]:
    """Canonical name to what it is read from, for each column that is there; what is wrong or missing is noted."""
    table = notes.table
    # beside a preset a name of the contract is no more than a name of the vendor's
    alone = any(one.preset for one in given.values())
    asked = {name: given.get(name, Given(name)) for name in table.names if name in given or not alone}
    found = {name: spelt(one.name, list(types)) for name, one in asked.items()}
    mapping = {
        name: one if one.is_constant else replace(one, name=str(found[name]))
        for name, one in asked.items()
        if one.is_constant or found[name] is not None
    }
    for name, one in given.items():
        if name not in table.names:
            notes.add("CSD002", name, detail=did_you_mean(name, table.names))
        elif name not in mapping:
            notes.add("CSD003", name, detail=f"{one.name!r} is not there; {_meant(one.name, types, mapping)}")
    used = {one.name for one in mapping.values()}
    spare = {_folded(column): column for column in types if column not in used}
    for name in table.names:
        if name in mapping or name in given:
            continue
        near = spare.get(_folded(name))
        if name in table.required:
            hint = f"did you mean {near!r}?" if near else _meant(name, types, mapping)
            notes.add("CSD004", name, detail=hint)
        elif near and not alone:
            notes.add("CSD015", name, detail=f"did you mean {near!r}?")
    unused = sorted(str(column) for column in spare.values())
    # further columns of accounts are attributes
    if unused and mapping and table.name != "accounts":
        notes.add("CSD022", ", ".join(unused[:20]), count=len(unused))
    return mapping


def _meant(wrong: str, types: Mapping[str, object], mapping: Mapping[str, Given]) -> str:
    hint = did_you_mean(wrong, types)
    if mapping or hint.startswith("did"):
        return hint
    # what stands in the place of names may be the first row of data, with the names of customers
    return f"none of its {len(types)} columns has a name of the contract; is the first line a header?"


def _attributes(notes: _Notes, brought: Brought, used: set[str]) -> dict[Column, Given]:
    """Further columns of accounts, under their own names where csrisk has no column of that name."""
    found: dict[Column, Given] = {}
    own = {name.casefold() for name in CONTRACT["accounts"].names}
    for place, (name, dtype) in enumerate(brought.types.items()):
        if name in used or name.casefold() in own:
            continue
        kind = brought.kind_of(name)
        if kind is None:
            notes.add("CSD011", name, detail=f"{dtype}"[:40] + " is no attribute", effect="column left out")
            continue
        plain = _PLAIN.fullmatch(name.casefold()) and name.casefold() not in _RESERVED
        # times need a prefix of their own: what begins with attribute__ is never masked at a snapshot
        stored = name if plain else f"{'moment' if kind == 'time' else 'attribute'}__{place}"
        found[Column(stored, kind, "Further attribute.", label=name)] = Given(name)
    return found


def _folded(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
