"""Columns of a table that lives in another engine, read as the kinds that the contract states."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw

from csrisk.data._breach import Breach
from csrisk.data._contract import CONTRACT, Column, Kind, Table
from csrisk.data._planning import RESERVED, RESERVED_ENDS, Notes, map_columns
from csrisk.data._source import repeated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk.data._native_engines import NativeEngine

__all__ = ["BAD", "NativePlan", "is_finite", "plan_native", "read_value"]

Lazy = nw.LazyFrame[Any]
BAD = "__bad"
_LARGEST = 2**53  # from here on whole numbers cannot be told apart as floats


@dataclass(frozen=True, slots=True)
class NativePlan:
    """How a table in another engine is read.

    Parameters
    ----------
    table : Table
        The contract.
    rows : narwhals.LazyFrame
        Columns of the user under canonical names; times as seconds, no number is NaN.
    columns : tuple of Column
        Columns that are there, further attributes of accounts included.
    types : Mapping of str to dtype
        Type of each in the engine.
    naive : frozenset of str
        Times that do not state their zone.
    empty : frozenset of str
        Columns without values whose type says nothing.
    """

    table: Table
    rows: Lazy
    columns: tuple[Column, ...]
    types: Mapping[str, Any]
    naive: frozenset[str] = frozenset()
    empty: frozenset[str] = field(default_factory=frozenset)

    @property
    def names(self) -> frozenset[str]:
        """Canonical names of the columns that are there."""
        return frozenset(column.name for column in self.columns)


def plan_native(
    engine: NativeEngine, table: Table, brought: Any, given: Mapping[str, str]
) -> tuple[NativePlan | None, list[Breach]]:
    """Decide which of the user's columns is read as what.

    Parameters
    ----------
    engine : NativeEngine
        Where the table lives.
    table : Table
        The contract.
    brought : frame or table of that engine
        As the user brought it.
    given : Mapping of str to str
        Canonical name to the user's name.

    Returns
    -------
    tuple of NativePlan or None and list of Breach
        No plan where the table cannot be read at all.
    """
    types: Mapping[str, Any] = dict(nw.from_native(brought).collect_schema())
    if again := repeated(list(types)):
        return None, [Breach("CSD005", table.name, ", ".join(again), count=len(again))]
    notes = Notes(table)
    mapping = map_columns(notes, types, given)
    columns = {name: table[name] for name in mapping}
    if table.name == "accounts":
        for name, kind in _attributes(notes, types, set(mapping.values())).items():
            columns[name], mapping[name] = Column(name, kind, "Further attribute.", low=None), name
    odd = [name for name, column in columns.items() if not _readable(column, types[mapping[name]])]
    empty = frozenset(_without_values(engine, brought, {name: mapping[name] for name in odd}))
    for name in (name for name in odd if name not in empty):
        found = f"{types[mapping[name]]}"[:40]
        notes.add("CSD011", name, detail=f"{found} cannot be read as {columns[name].kind}; convert it in its engine")
    if any(breach.fatal for breach in notes.breaches):
        return None, notes.breaches
    times = [name for name, column in columns.items() if column.kind == "time" and name not in empty]
    kept = {name: old for name, old in mapping.items() if name not in empty}
    rows = engine.read(brought, kept, frozenset(times))
    kinds = {name: types[old] for name, old in mapping.items()}
    naive = frozenset(n for n in times if isinstance(kinds[n], nw.Datetime) and kinds[n].time_zone is None)
    return NativePlan(table, rows, tuple(columns.values()), kinds, naive, empty), notes.breaches


def read_value(plan: NativePlan, column: Column) -> tuple[nw.Expr, nw.Expr | None]:
    """Write the value of a column as its kind, null where missing, and whether a value cannot be read.

    Parameters
    ----------
    plan : NativePlan
        Where the column is.
    column : Column
        The column.

    Returns
    -------
    tuple of expression and expression or None
        No second one where every value can be read.
    """
    kind: Any = {"time": nw.Int64, "number": nw.Float64, "bool": nw.Boolean}.get(column.kind, nw.String)
    if column.name in plan.empty:
        return nw.lit(None).cast(kind), None
    value, dtype = nw.col(column.name), plan.types[column.name]
    if column.kind == "time":
        return value.cast(nw.Int64), None
    if column.kind == "number":
        return _number(value, dtype), None
    if column.kind == "bool":
        return _yes_or_no(value, dtype)
    return _words(value, dtype, column)


def is_finite(number: nw.Expr) -> nw.Expr:
    """Whether a number is finite; not every database knows the function."""
    return number.abs() <= sys.float_info.max


def _number(value: nw.Expr, dtype: Any) -> nw.Expr:
    if dtype == nw.Boolean:
        value = nw.when(value).then(1).otherwise(nw.when(~value).then(0))
    return value.cast(nw.Float64)


def _yes_or_no(value: nw.Expr, dtype: Any) -> tuple[nw.Expr, nw.Expr | None]:
    if dtype == nw.Boolean:
        return value, None
    number = _number(value, dtype)
    good = is_finite(number) & (number >= 1)
    yes = nw.when(good).then(nw.lit(True))
    read = nw.when(number == 0).then(nw.lit(False)).otherwise(yes)
    return read, ~number.is_null() & ~((number == 0) | good)


def _words(value: nw.Expr, dtype: Any, column: Column) -> tuple[nw.Expr, nw.Expr | None]:
    broken = None
    if dtype.is_float():
        number = _number(value, dtype)
        whole = (number.abs() < _LARGEST) & (number == number.floor())
        as_whole = nw.when(whole).then(number).cast(nw.Int64).cast(nw.String)
        text = nw.when(whole).then(as_whole).otherwise(nw.when(~number.is_null()).then(number.cast(nw.String)))
        broken = ~number.is_null() & ~whole if column.name == "account_id" else None
    else:
        text = value.cast(nw.String)
    plain: nw.Expr = nw.when(text.str.strip_chars() != "").then(text)
    folded = text.str.strip_chars().str.to_lowercase()
    for known in column.values:
        plain = nw.when(folded == known.lower()).then(nw.lit(known)).otherwise(plain)
    return plain, broken


def _readable(column: Column, dtype: Any) -> bool:
    if column.kind == "time":
        return isinstance(dtype, nw.Datetime | nw.Date)
    plain = dtype.is_numeric() or dtype == nw.Boolean
    if column.kind in ("number", "bool"):
        return bool(plain)
    return bool(plain or dtype in (nw.String, nw.Categorical, nw.Date) or isinstance(dtype, nw.Datetime | nw.Enum))


def _attributes(notes: Notes, types: Mapping[str, Any], used: set[str]) -> dict[str, Kind]:
    """Kinds of further columns of accounts, under their own names."""
    kinds: dict[str, Kind] = {}
    own = {name.casefold() for name in CONTRACT["accounts"].names}
    for name, dtype in types.items():
        folded = name.casefold()
        if name in used or folded in own:
            continue
        if folded in RESERVED or folded.endswith(RESERVED_ENDS):
            notes.add("CSD014", name)
        elif isinstance(dtype, nw.Datetime | nw.Date):
            kinds[name] = "time"
        elif dtype == nw.Boolean or dtype.is_numeric():
            kinds[name] = "bool" if dtype == nw.Boolean else "number"
        elif dtype in (nw.String, nw.Categorical) or isinstance(dtype, nw.Enum):
            kinds[name] = "category"
        else:
            notes.add("CSD011", name, detail=f"{dtype}"[:40] + " is no attribute", effect="column left out")
    return kinds


def _without_values(engine: NativeEngine, brought: Any, columns: Mapping[str, str]) -> list[str]:
    if not columns:
        return []
    counts = [(~nw.col(old).is_null()).cast(nw.Int64).sum().alias(new) for new, old in columns.items()]
    row = engine.collect(nw.from_native(brought).select(*counts)).iloc[0]
    return [name for name in columns if not row[name] > 0]  # the sum over no rows is missing
