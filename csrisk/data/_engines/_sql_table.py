"""A table that the embedded engine reads, in SQL."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from csrisk.data._engines._rules import bad, raw, zone
from csrisk.data._reading._readers import NOTHING, ROW, Reader, quoted, readable, trimmed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import narwhals.stable.v2 as nw

    from csrisk.data._cures import Given
    from csrisk.data._declared._contract import Column, Kind
    from csrisk.data._engines._engine import DuckDBEngine
    from csrisk.data._engines._source import Source

__all__ = ["SqlTable"]

_NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "U", "FLOAT", "DOUBLE", "DECIMAL")
_SCREEN = r"^0\d"  # a code such as 007 is no number


class SqlTable:
    """A table that the embedded engine reads."""

    ordered = rewrites = True

    def __init__(self, engine: DuckDBEngine, source: Source) -> None:
        self._engine, self._source = engine, source
        self.types: Mapping[str, str] = source.types
        self.mixed = source.mixed
        self.notes = source.notes
        self.why = source.why

    def readable(self, column: Column, name: str) -> bool:
        """Whether the type of a column can hold values of a kind."""
        return readable(column, self.types[name])

    def kind_of(self, name: str) -> Kind | None:
        """Kind of a further attribute; None where it is none."""
        kind = self.types[name]
        if kind.startswith(("TIMESTAMP", "DATE")):
            return "time"
        if kind == "BOOLEAN":
            return "bool"
        # the unsigned types begin with U, as UUID does
        if kind.startswith(_NUMERIC) and kind != "UUID" and not kind.endswith("]"):
            return "number"
        if kind.endswith("]") or not (kind == NOTHING or self.textual(name)):
            return None
        # only CSV says nothing of types; text of a frame was meant as text
        return self._looks_like(name) if self._source.untyped else "category"

    def textual(self, name: str) -> bool:
        """Whether values come as text."""
        return self.types[name].startswith(("VARCHAR", "ENUM", "UUID"))

    def naive(self, name: str) -> bool:
        """Whether it is a time whose type has a clock and no zone."""
        kind = self.types[name]
        return kind.startswith("TIMESTAMP") and not kind.startswith(("TIMESTAMPTZ", "TIMESTAMP WITH"))

    def without_values(self, names: list[str]) -> list[str]:
        """Columns that hold nothing, whose type says nothing therefore."""
        counts = ", ".join(f"count({quoted(name)})" for name in names)
        row = self._engine.run(f"SELECT {counts} FROM {self._source.view}")[0]
        return [name for name, count in zip(names, row, strict=True) if not count]

    def n_rows(self) -> int:
        """Count the rows as they came."""
        count: int = self._engine.run(f"SELECT count(*) FROM {self._source.view}")[0][0]
        return count

    def rows(self) -> nw.LazyFrame[Any]:
        """Give the rows as they came."""
        return self._engine.table(self._source.view)

    def only(self, condition: nw.Expr) -> SqlTable:
        """Give the table of the rows that meet a condition."""
        view = self._engine.fresh_name(self._source.view)
        rows: Any = self.rows().filter(condition).to_native()
        rows.create_view(view)  # by the engine: the SQL that DuckDB 1.3 writes of a view cannot be read again
        return SqlTable(self._engine, replace(self._source, view=view))

    def read(self, columns: Mapping[Column, Given], empty: frozenset[str]) -> nw.LazyFrame[Any]:
        """Give position, values and marks of columns."""
        parts = [f"{ROW} AS row"]
        for column, given in columns.items():
            kind = NOTHING if given.name in empty else self.types[given.name]
            reader = Reader(column, given.name, kind, given.dates, given.leading_number)
            parts.append(f"{reader.value} AS {quoted(column.name)}")
            if reader.bad:
                parts.append(f"{reader.bad} AS {quoted(bad(column.name))}")
                parts.append(f"{reader.raw} AS {quoted(raw(column.name))}")
            if column.kind == "time" and reader.textual:
                parts.append(f"{reader.zone} AS {quoted(zone(column.name))}")
        return self._engine.query(f"SELECT {', '.join(parts)} FROM {self._source.view}")

    def _looks_like(self, name: str) -> Kind:
        """Kind of an attribute that came as text, as far as all of its values agree."""
        word = trimmed(quoted(name))
        words = f"SELECT {word} AS word FROM {self._source.view} WHERE {word} <> ''"
        found = self._engine.run(
            f"SELECT count(*), count(*) FILTER (word SIMILAR TO '{_SCREEN}.*'), count(try_cast(word AS DOUBLE)), "
            f"count(*) FILTER (lower(word) IN ('true', 'false')), count(try_cast(word AS TIMESTAMP)) FROM ({words})"
        )[0]
        n_values, n_codes, n_numbers, n_bools, n_times = found
        if n_values and n_numbers == n_values and not n_codes:
            return "number"
        if n_values and n_bools == n_values:
            return "bool"
        return "time" if n_values and n_times == n_values else "category"
