"""Where a query is run: a connection that sees some tables and reaches nothing else, for a limited time."""

from __future__ import annotations

import threading
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from csrisk.data._query._allowed import refused
from csrisk.data._reading._files import repeated
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["SEALED", "SECONDS", "write_answer"]

SECONDS = 300.0
_BATCH = 100_000
# no file but the database itself, no network, no extension, no Python variable, and no way to change that
SEALED: Mapping[str, str] = MappingProxyType(
    {
        "enable_external_access": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",
        "lock_configuration": "true",
    }
)


def write_answer(connection: Any, query: str, path: Path, seconds: float = SECONDS) -> Path:
    """Run a query that was checked on a sealed connection of DuckDB, and write its rows as Parquet."""
    import duckdb
    import pyarrow as pa

    late = threading.Event()

    def stop() -> None:
        late.set()
        connection.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.start()
    try:
        _write(connection.sql(query), path, late)
    except (duckdb.Error, pa.ArrowException, OSError, MemoryError) as error:
        raise _told(error, seconds if late.is_set() else 0.0) from None
    finally:
        # left running, it would interrupt whatever the connection does next
        timer.cancel()
    return path


def _write(relation: Any, path: Path, late: threading.Event) -> None:
    import duckdb
    import pyarrow.parquet as pq

    if again := repeated(list(relation.columns)):
        raise refused(f"its result has more than one column called {', '.join(again)[:80]}", "name them apart with AS")
    # windows and joins give their rows in an order of threads: the same query is to give the same table in every run
    relation = relation.order("ALL")
    # versions of DuckDB call it otherwise
    name = next(name for name in ("to_arrow_reader", "fetch_arrow_reader") if hasattr(relation, name))
    reader = getattr(relation, name)(_BATCH)
    with pq.ParquetWriter(path, reader.schema) as writer:
        for batch in reader:
            # an interrupt that comes while a batch is written stops nothing
            if late.is_set():
                raise duckdb.InterruptException("INTERRUPT Error: Interrupted!")
            writer.write_batch(batch)


def _told(error: Exception, seconds: float) -> ConfigError:
    import duckdb

    if seconds:
        instead = "narrow it, or hand over a table that is joined already"
        return refused(f"it was stopped after its limit of {seconds:g} seconds", instead)
    words = str(error)
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException) or "out of memory" in words.lower():
        return refused("memory ran out", "narrow it, or hand over a table that is joined already")
    if isinstance(error, duckdb.PermissionException):
        return refused("it reaches out of the source", "look at the views of the database that it reads")
    if isinstance(error, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException):
        # these speak of names and types, never of values
        said = words.splitlines()[0][:200]
        return ConfigError(f"query cannot be run: {said}; a column of mixed text needs TRY_CAST")
    return ConfigError(
        f"query cannot be run: {type(error).__name__}; a value could not be converted or computed; TRY_CAST gives a "
        "missing one"
    )
