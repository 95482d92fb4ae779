"""The edge: whatever the user brings becomes a view of the engine with plain column types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk.data._breach import Breach
from csrisk.data._files import open_path, repeated, why_unreadable
from csrisk.data._from_pandas import from_pandas
from csrisk.data._kinds import UnreadableError
from csrisk.data._parts import Parts, find_parts, is_path, size_of
from csrisk.data._readers import ROW
from csrisk.data._workbook import is_workbook, sheet_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk.data._engine import DuckDBEngine

__all__ = ["Source", "is_large", "is_polars", "open_source"]

_LARGE_ROWS, _LARGE_BYTES = 500_000, 16_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """A table as the user brought it, readable by the engine.

    Parameters
    ----------
    view : str
        Name of the view in the engine.
    types : Mapping of str to str
        Type in the engine of each column, under the user's names.
    untyped : bool
        Everything came as text (CSV), so that types of further attributes are found out from the values.
    mixed : frozenset of str
        Columns that held both numbers and text.
    parts : Parts, optional
        The files, where it came as such.
    notes : tuple of Breach
        What is said of it before it is read.
    """

    view: str
    types: Mapping[str, str]
    untyped: bool = False
    mixed: frozenset[str] = field(default_factory=frozenset)
    parts: Parts | None = None
    notes: tuple[Breach, ...] = ()

    def why(self, error: Exception) -> str:
        """Say why the engine could not read it, without a word of what it holds."""
        return _why(error, self.parts)


def open_source(engine: DuckDBEngine, table: str, brought: object) -> Source | Breach:
    """Make a table readable by the engine, or say why it cannot be read."""
    view = engine.fresh_name(f"source_{table}")
    try:
        return _open(engine, view, table, brought)
    except UnreadableError as error:
        return Breach("CSD006", table, error.column, detail=str(error))
    except Exception as error:  # whatever a reader throws may quote rows, so only its kind is passed on
        return Breach("CSD006" if is_path(brought) else "CSD007", table, detail=_reason(error, brought))


def _open(engine: DuckDBEngine, view: str, table: str, brought: object) -> Source | Breach:
    mixed: frozenset[str] = frozenset()
    if is_workbook(brought):
        brought = sheet_of(brought)
    given = is_path(brought)
    if not given:
        brought, mixed = _to_arrow(engine, brought)
    if brought is None:
        return Breach("CSD007", table)
    if hasattr(brought, "append_column") and is_large(brought):
        brought = _written(engine, view, brought)
    opened = open_path(engine, view, table, brought) if is_path(brought) else _register(engine, view, table, brought)
    if isinstance(opened, Breach):
        return opened
    types = {row[0]: row[1] for row in engine.run(f"DESCRIBE {view}") if row[0] != ROW}
    if opened is None or not given:
        return Source(view, types, mixed=mixed)
    return Source(view, types, opened.untyped, opened.mixed, opened.parts, opened.notes)


def is_polars(brought: object) -> bool:
    """Whether a table is a Polars frame, lazy or not."""
    return type(brought).__module__.split(".")[0] == "polars"


def is_large(brought: object) -> bool:
    """Whether a table is worth a file of its own; what has no size counts as large."""
    if is_path(brought):
        return size_of(brought) > _LARGE_BYTES
    rows = getattr(brought, "num_rows", getattr(brought, "height", None))
    if isinstance(brought, pd.DataFrame):
        rows = len(brought)
    return not isinstance(rows, int) or rows > _LARGE_ROWS


def _register(engine: DuckDBEngine, view: str, table: str, arrow: Any) -> Breach | None:
    if again := repeated(list(arrow.schema.names)):
        return Breach("CSD005", table, ", ".join(again), count=len(again))
    if hasattr(arrow, "append_column"):
        engine.connection.register(view, arrow.append_column(ROW, [np.arange(len(arrow))]))
        return None
    engine.connection.register(view, arrow)
    if hasattr(arrow, "read_next_batch"):
        # a stream can be read once only, and validation reads again where something is wrong
        kept = f"book.{view}_kept"
        engine.run(f"CREATE TABLE {kept} AS SELECT * FROM {view}")
        engine.connection.unregister(view)
        engine.run(f"CREATE TEMP VIEW {view} AS SELECT *, rowid AS {ROW} FROM {kept}")
    return None


def _written(engine: DuckDBEngine, view: str, arrow: Any) -> Any:
    """Write a large table of plain columns to the scratch folder.

    In a file each text stands once for many rows, and the engine checks it once: reading took a fifth of the time.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    of = pa.types
    kinds = (of.is_string, of.is_large_string, of.is_string_view, of.is_integer, of.is_floating, of.is_boolean)
    plain = all(any(is_(kind) for is_ in (*kinds, of.is_timestamp, of.is_date)) for kind in arrow.schema.types)
    if not plain or repeated(arrow.schema.names):
        return arrow
    path = engine.folder / f"{view}.parquet"
    pq.write_table(arrow, path)
    return path


def _to_arrow(engine: DuckDBEngine, brought: Any) -> tuple[Any, frozenset[str]]:
    """Get an Arrow table or stream, or a path, or None where the kind is not known; and the columns of mixed values."""
    none: frozenset[str] = frozenset()
    if isinstance(brought, pd.DataFrame):
        return from_pandas(brought)
    if is_polars(brought) and hasattr(brought, "sink_parquet"):
        path = engine.folder / f"{engine.fresh_name('polars')}.parquet"
        brought.sink_parquet(path)
        return path, none
    if is_polars(brought) and hasattr(brought, "to_arrow"):
        return brought.to_arrow(), none
    for method in ("to_arrow_reader", "fetch_arrow_reader"):
        if hasattr(brought, method):
            return getattr(brought, method)(), none
    if type(brought).__module__.startswith("pyarrow") and hasattr(brought, "schema"):
        return (brought.scanner().to_reader() if hasattr(brought, "scanner") else brought), none
    return None, none


def _reason(error: Exception, brought: object) -> str:
    try:
        return _why(error, find_parts(brought) if is_path(brought) else None)
    except UnreadableError as found:
        return str(found)


def _why(error: Exception, parts: Parts | None) -> str:
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "memory ran out; raise memory_limit="
    return f"the engine says {type(error).__name__}" if parts is None else why_unreadable(parts, error)
