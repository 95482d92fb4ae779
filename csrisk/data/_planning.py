"""From a user's columns to the contract's: mapping, missing columns, types, further attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from csrisk.data._breach import Breach, did_you_mean
from csrisk.data._contract import CONTRACT, Column, Kind, Table
from csrisk.data._readers import NOTHING, Reader, quoted, readable, trimmed
from csrisk.data._staging import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk.data._engine import DuckDBEngine
    from csrisk.data._source import Source

__all__ = ["RESERVED", "RESERVED_ENDS", "Notes", "make_plan", "map_columns"]

RESERVED = ("account", "day", "known", "broken")
RESERVED_ENDS = ("_day", "_second", "__bad", "__raw", "__zone")
_NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "U", "FLOAT", "DOUBLE", "DECIMAL")
_SCREEN = r"^0\d"  # a code such as 007 is no number


@dataclass
class Notes:
    """Breaches found on the way."""

    table: Table
    breaches: list[Breach] = field(default_factory=list)

    def add(self, code: str, column: str = "", *, detail: str = "", count: int = 1, effect: str = "") -> None:
        self.breaches.append(Breach(code, self.table.name, column, count, detail=detail, effect=effect))


def make_plan(
    engine: DuckDBEngine, table: Table, source: Source, given: Mapping[str, str]
) -> tuple[Plan | None, list[Breach]]:
    """Decide which of the user's columns is read as what.

    Parameters
    ----------
    engine : DuckDBEngine
        For a look at attributes that came as text.
    table : Table
        The contract.
    source : Source
        The user's table.
    given : Mapping of str to str
        Canonical name to the user's name.

    Returns
    -------
    tuple of Plan or None and list of Breach
        No plan where the table cannot be read at all.
    """
    notes = Notes(table)
    mapping = map_columns(notes, source.types, given)
    readers = {name: Reader(table[name], mapping[name], source.types[mapping[name]]) for name in mapping}
    for name, reader in readers.items():
        if readable(reader.column, reader.kind):
            continue
        if not engine.run(f"SELECT count({quoted(reader.name)}) FROM {source.view}")[0][0]:
            # files and frames give a column without values some type or other
            readers[name] = Reader(reader.column, reader.name, NOTHING)
        else:
            notes.add("CSD011", name, detail=f"{reader.kind[:40]} cannot be read as {reader.column.kind}")
    if "account_id" in mapping and mapping["account_id"] in source.mixed:
        notes.add("CSD105", "account_id")
    if any(breach.fatal for breach in notes.breaches):
        return None, notes.breaches
    if table.name == "accounts":
        readers.update(_attributes(engine, notes, source, set(mapping.values())))
    return Plan(table, source, readers), notes.breaches


def map_columns(notes: Notes, types: Mapping[str, object], given: Mapping[str, str]) -> dict[str, str]:
    """Canonical name to the user's name for each column that is there; what is wrong or missing is noted."""
    table = notes.table
    mapping = {name: given.get(name, name) for name in table.names}
    mapping = {name: column for name, column in mapping.items() if column in types}
    for name, column in given.items():
        if name not in table.names:
            notes.add("CSD002", str(name), detail=did_you_mean(str(name), table.names))
        elif column not in types:
            notes.add("CSD003", name, detail=f"{column!r} is not there; {_meant(str(column), types, mapping)}")
    spare = {_folded(column): column for column in types if column not in mapping.values()}
    for name in table.names:
        if name in mapping or name in given:
            continue
        near = spare.get(_folded(name))
        if name in table.required:
            hint = f"did you mean {near!r}?" if near else _meant(name, types, mapping)
            notes.add("CSD004", name, detail=hint)
        elif near:
            notes.add("CSD015", name, detail=f"did you mean {near!r}?")
    unused = sorted(str(column) for column in spare.values())
    if unused and mapping and table.name != "accounts":
        notes.add("CSD022", ", ".join(unused[:20]), count=len(unused))
    return mapping


def _meant(wrong: str, types: Mapping[str, object], mapping: Mapping[str, str]) -> str:
    hint = did_you_mean(wrong, types)
    if mapping or hint.startswith("did"):
        return hint
    # what stands in the place of names may be the first row of data, with the names of customers
    return f"none of its {len(types)} columns has a name of the contract; is the first line a header?"


def _attributes(engine: DuckDBEngine, notes: Notes, source: Source, used: set[str]) -> dict[str, Reader]:
    """Readers of further columns of accounts, under their own names."""
    readers = {}
    own = {name.casefold() for name in CONTRACT["accounts"].names}
    for name, kind in source.types.items():
        if name in used or name.casefold() in own:
            continue
        if name.casefold() in RESERVED or name.casefold().endswith(RESERVED_ENDS):
            notes.add("CSD014", name)
            continue
        column = Column(name, _attribute_kind(engine, source, name, kind), "Further attribute.", low=None)
        if readable(column, kind):
            readers[name] = Reader(column, name, kind)
        else:
            notes.add("CSD011", name, detail=f"{kind[:40]} is no attribute", effect="column left out")
    return readers


def _attribute_kind(engine: DuckDBEngine, source: Source, name: str, kind: str) -> Kind:
    if kind.startswith(("TIMESTAMP", "DATE")):
        return "time"
    if kind == "BOOLEAN":
        return "bool"
    if kind.startswith(_NUMERIC) and kind != "UUID":
        return "number"
    return _looks_like(engine, source, name) if source.untyped else "category"


def _looks_like(engine: DuckDBEngine, source: Source, name: str) -> Kind:
    """Kind of an attribute that came as text, as far as all of its values agree."""
    word = trimmed(quoted(name))
    words = f"SELECT {word} AS word FROM {source.view} WHERE {word} <> ''"
    found = engine.run(
        f"SELECT count(*), count(*) FILTER (word SIMILAR TO '{_SCREEN}.*'), count(try_cast(word AS DOUBLE)), "
        f"count(*) FILTER (lower(word) IN ('true', 'false')), count(try_cast(word AS TIMESTAMP)) FROM ({words})"
    )[0]
    n_values, n_codes, n_numbers, n_bools, n_times = found
    if n_values and n_numbers == n_values and not n_codes:
        return "number"
    if n_values and n_bools == n_values:
        return "bool"
    return "time" if n_values and n_times == n_values else "category"


def _folded(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
