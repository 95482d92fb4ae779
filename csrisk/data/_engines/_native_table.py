"""A table that lives in another engine, read with expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw

from csrisk.data._declared._declaration import DTYPES
from csrisk.data._engines._rules import bad, is_finite, raw, zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk.data._cures import Given
    from csrisk.data._declared._contract import Column, Kind
    from csrisk.data._engines._native_engines import NativeEngine
    from csrisk.data._findings._breach import Breach

__all__ = ["NativeTable"]

_LARGEST = 2**53  # from here on whole numbers cannot be told apart as floats


class NativeTable:
    """A table that lives in another engine."""

    notes: tuple[Breach, ...] = ()
    rewrites = False

    def __init__(self, engine: NativeEngine, table: Any, mixed: frozenset[str] = frozenset()) -> None:
        self._engine, self._table = engine, table
        self.types: Mapping[str, Any] = engine.types(table)
        self.ordered = engine.has_order(table)
        self.mixed = mixed

    def why(self, error: Exception) -> str:
        """Say why the engine could not read it, without a word of what it holds."""
        return f"the engine says {error}"

    def readable(self, column: Column, name: str) -> bool:
        """Whether the type of a column can hold values of a kind."""
        dtype = self.types[name]
        if column.kind == "time":
            return isinstance(dtype, nw.Datetime | nw.Date) or (self._engine.keeps_text and self.textual(name))
        plain = dtype.is_numeric() or dtype == nw.Boolean
        if column.kind in ("number", "bool"):
            return bool(plain)
        return bool(plain or self.textual(name) or isinstance(dtype, nw.Datetime | nw.Date))

    def kind_of(self, name: str) -> Kind | None:
        """Kind of a further attribute; None where it is none."""
        dtype = self.types[name]
        if isinstance(dtype, nw.Datetime | nw.Date):
            return "time"
        if dtype == nw.Boolean or dtype.is_numeric():
            return "bool" if dtype == nw.Boolean else "number"
        return "category" if self.textual(name) else None

    def textual(self, name: str) -> bool:
        """Whether values come as text."""
        dtype = self.types[name]
        return dtype in (nw.String, nw.Categorical) or isinstance(dtype, nw.Enum)

    def naive(self, name: str) -> bool:
        """Whether it is a time whose type has a clock and no zone."""
        dtype = self.types[name]
        return isinstance(dtype, nw.Datetime) and dtype.time_zone is None

    def without_values(self, names: list[str]) -> list[str]:
        """Columns that hold nothing, whose type says nothing therefore."""
        frame: nw.LazyFrame[Any] = nw.from_native(self._table)
        counts = [(~nw.col(name).is_null()).cast(nw.Int64).sum().alias(f"n_{i}") for i, name in enumerate(names)]
        row = self._engine.collect(frame.select(*counts)).iloc[0]
        return [name for i, name in enumerate(names) if not row[f"n_{i}"] > 0]  # the sum over no rows is missing

    def rows(self) -> nw.LazyFrame[Any]:
        """Give the rows as they came, with their position where they have one."""
        return self._engine.numbered(self._table)

    def only(self, condition: nw.Expr) -> NativeTable:
        """Give the table of the rows that meet a condition."""
        return NativeTable(self._engine, self.rows().filter(condition).to_native(), self.mixed)

    def read(self, columns: Mapping[Column, Given], empty: frozenset[str]) -> nw.LazyFrame[Any]:
        """Give position, values and marks of columns."""
        there = {column: given.name for column, given in columns.items() if given.name not in empty}
        kinds = {column.name: column.kind for column in there}
        rows = self._engine.read(self._table, {column.name: name for column, name in there.items()}, kinds)
        values: list[Any] = ["row"]
        for column in columns:
            if column not in there:
                # of a column without values the type says nothing, and may not be castable to the kind
                values.append(nw.lit(None).cast(DTYPES[column.kind]).alias(column.name))
                continue
            value, broken = _value(column, self.types[there[column]])
            values.append(value.alias(column.name))
            if column.kind == "time" and self.textual(there[column]):
                values += [nw.col(bad(column.name)), nw.col(raw(column.name)), nw.col(zone(column.name))]
            if self._engine.keeps_text and column.kind in ("number", "bool"):
                marked = nw.col(bad(column.name))
                values += [
                    (marked if broken is None else marked | broken).alias(bad(column.name)),
                    nw.col(raw(column.name)),
                ]
            elif broken is not None:
                values.append(broken.alias(bad(column.name)))
                values.append(nw.col(column.name).cast(nw.String).alias(raw(column.name)))
        return rows.select(*values)


def _value(column: Column, dtype: Any) -> tuple[nw.Expr, nw.Expr | None]:
    """Value of a column as its kind, null where missing, and whether a value cannot be read."""
    value = nw.col(column.name)
    if column.kind == "time":
        return value.cast(nw.Int64), None
    if column.kind == "number":
        return _number(value, dtype), None
    if column.kind == "bool":
        return _yes_or_no(value, dtype)
    return _words(value, dtype, column)


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
        broken = ~number.is_null() & ~whole
    else:
        text = value.cast(nw.String)
    if dtype.is_decimal():
        # exact, however large; 12.00 is 12
        text = nw.when(text.str.contains(r"\.")).then(text.str.replace_all(r"\.?0+$", "")).otherwise(text)
        broken = text.str.contains(r"\.")
    plain: nw.Expr = nw.when(text.str.strip_chars() != "").then(text)
    folded = text.str.strip_chars().str.to_lowercase()
    # each case nests one deeper, and SQLite ends at a hundred levels
    if lower := [known for known in column.values if known == known.lower()]:
        plain = nw.when(folded.is_in(lower)).then(folded).otherwise(plain)
    for known in (known for known in column.values if known not in lower):
        plain = nw.when(folded == known.lower()).then(nw.lit(known)).otherwise(plain)
    # a rounded id may be that of another account
    return plain, broken if column.name == "account_id" else None
