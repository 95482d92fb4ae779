"""The edge: whatever the user brings becomes a view of the engine with plain column types."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk.data._declared._kinds import UnreadableError
from csrisk.data._engines._arrow_types import plain_table
from csrisk.data._engines._from_pandas import from_pandas
from csrisk.data._findings._breach import Breach
from csrisk.data._reading._files import Source, open_path, repeated, twice, types_of, why_unreadable
from csrisk.data._reading._parts import find_parts, is_path, size_of
from csrisk.data._reading._readers import ROW
from csrisk.data._reading._workbook import is_workbook, sheet_of

if TYPE_CHECKING:
    from csrisk.data._engines._engine import DuckDBEngine

__all__ = ["Source", "is_large", "is_polars", "is_relation", "open_source"]

_LARGE_ROWS, _LARGE_BYTES = 500_000, 16_000_000


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
    # an Arrow table; a stream cannot be told its size, and is read once
    if hasattr(brought, "append_column"):
        brought = plain_table(brought)
        if is_large(brought):
            brought = _written(engine, view, brought)
    if is_path(brought):
        opened = open_path(engine, view, table, brought)
        # of a frame that was written to a file first, nobody knows the file
        return opened if given or isinstance(opened, Breach) else replace(opened, mixed=mixed, parts=None)
    return _register(engine, view, table, brought) or Source(view, types_of(engine, view), mixed=mixed)


def is_polars(brought: object) -> bool:
    """Whether a table is a Polars frame, lazy or not."""
    return type(brought).__module__.split(".")[0] == "polars"


def is_relation(brought: object) -> bool:
    """Whether a table is a relation of DuckDB."""
    return type(brought).__module__.split(".")[0] in ("duckdb", "_duckdb")


def is_large(brought: object) -> bool:
    """Whether a table is worth a file of its own; what has no size counts as large."""
    if is_path(brought):
        return size_of(brought) > _LARGE_BYTES
    rows = getattr(brought, "num_rows", getattr(brought, "height", None))
    if isinstance(brought, pd.DataFrame):
        rows = len(brought)
    return not isinstance(rows, int) or rows > _LARGE_ROWS


def _register(engine: DuckDBEngine, view: str, table: str, arrow: Any) -> Breach | None:
    if again := twice(table, arrow.schema.names):
        return again
    if hasattr(arrow, "append_column"):
        # positions go along, as the engine may scan in any order and messages name those of the input
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
    # repeated names go on as they are, to be refused by name
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
    # a lazy frame streams into a file, so that it need not fit into memory
    if is_polars(brought) and hasattr(brought, "sink_parquet"):
        path = engine.folder / f"{engine.fresh_name('polars')}.parquet"
        brought.sink_parquet(path)
        return path, none
    if is_polars(brought) and hasattr(brought, "to_arrow"):
        return brought.to_arrow(), none
    # versions of DuckDB call it otherwise
    for method in ("to_arrow_reader", "fetch_arrow_reader"):
        if hasattr(brought, method):
            return getattr(brought, method)(), none
    if type(brought).__module__.startswith("pyarrow") and hasattr(brought, "schema"):
        return (brought.scanner().to_reader() if hasattr(brought, "scanner") else brought), none
    return None, none


def _reason(error: Exception, brought: object) -> str:
    try:
        return why_unreadable(find_parts(brought) if is_path(brought) else None, error)
    except UnreadableError as found:
        return str(found)
