"""Engines of others: PySpark, and whatever Ibis reaches. Rows stay there; only results come home."""

from __future__ import annotations

import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import narwhals.stable.v2 as nw

from csrisk.data._engine import Engine, home

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

__all__ = ["IbisEngine", "NativeEngine", "SparkEngine", "is_native", "native_engine", "unwrapped"]


class NativeEngine(Engine, Protocol):
    """An engine that already holds the tables of the user."""

    def read(self, table: Any, names: Mapping[str, str], times: frozenset[str]) -> nw.LazyFrame[Any]:
        """Select columns under new names; times become seconds since 1970-01-01 UTC, rounded down, and NaN null."""

    def from_arrow(self, table: Any) -> nw.LazyFrame[Any]:
        """Bring an Arrow table into the engine."""

    def holds(self, table: Any) -> bool:
        """Whether a table lives in this very engine."""

    def close(self) -> None:
        """Let go of what was kept in the engine."""


class SparkEngine:
    """PySpark, wherever its session runs.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
        The session of the user's frames.
    """

    name = "pyspark"

    def __init__(self, session: Any) -> None:
        self._session = session
        self._kept: list[Any] = []
        _at_the_end(self, self._kept)

    @contextmanager
    def scratch(self) -> Iterator[None]:
        """Let go of what was materialised inside the block, also after a failure."""
        first = len(self._kept)
        try:
            yield
        finally:
            _release(self._kept, first)

    def holds(self, table: Any) -> bool:
        """Whether a table lives in this very engine."""
        return type(table).__module__.startswith("pyspark.sql.") and table.sparkSession is self._session

    def close(self) -> None:
        """Let go of what was kept in the engine."""
        _release(self._kept)

    def materialise(self, frame: nw.LazyFrame[Any], sort_by: tuple[str, ...] | list[str] = ()) -> nw.LazyFrame[Any]:  # noqa: ARG002  # Spark shuffles anyway
        """Keep a frame in memory, and on the disks of the workers where it does not fit."""
        from pyspark import StorageLevel

        kept = frame.to_native().persist(StorageLevel.MEMORY_AND_DISK)
        self._kept.append(_Persisted(kept))
        done: nw.LazyFrame[Any] = nw.from_native(kept)
        return done

    def from_pandas(self, frame: pd.DataFrame) -> nw.LazyFrame[Any]:
        """Bring a pandas frame (index dropped) into the engine."""
        import pyarrow as pa

        return self.from_arrow(pa.Table.from_pandas(frame.reset_index(drop=True), preserve_index=False))

    def from_arrow(self, table: Any) -> nw.LazyFrame[Any]:
        """Bring an Arrow table into the engine."""
        lazy: nw.LazyFrame[Any] = nw.from_native(self._session.createDataFrame(table))
        return lazy

    def collect(self, frame: nw.LazyFrame[Any]) -> pd.DataFrame:
        """Bring a frame home."""
        return home(frame.to_native().toArrow())

    def read(self, table: Any, names: Mapping[str, str], times: frozenset[str]) -> nw.LazyFrame[Any]:
        """Select columns under new names; times become seconds since 1970-01-01 UTC, rounded down, and NaN null."""
        kinds = {field.name: field.dataType.typeName() for field in table.schema.fields}
        columns = [_spark_value(table[old], kinds[old], new in times).alias(new) for new, old in names.items()]
        lazy: nw.LazyFrame[Any] = nw.from_native(table.select(*columns))
        return lazy


class IbisEngine:
    """Any database that Ibis reaches.

    Parameters
    ----------
    backend : ibis.BaseBackend
        The connection of the user's tables.
    """

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._kept: list[Any] = []
        self.name = f"ibis {backend.name}"
        _at_the_end(self, self._kept)

    @contextmanager
    def scratch(self) -> Iterator[None]:
        """Drop what was materialised inside the block, also after a failure."""
        first = len(self._kept)
        try:
            yield
        finally:
            _release(self._kept, first)

    def holds(self, table: Any) -> bool:
        """Whether a table lives in this very engine."""
        return hasattr(table, "get_backend") and table.get_backend() is self._backend

    def close(self) -> None:
        """Drop what was kept in the engine."""
        _release(self._kept)

    def materialise(self, frame: nw.LazyFrame[Any], sort_by: tuple[str, ...] | list[str] = ()) -> nw.LazyFrame[Any]:  # noqa: ARG002  # tables of a database have no order
        """Compute a frame once, into a temporary table."""
        kept = frame.to_native().cache()
        self._kept.append(kept)
        done: nw.LazyFrame[Any] = nw.from_native(kept)
        return done

    def from_pandas(self, frame: pd.DataFrame) -> nw.LazyFrame[Any]:
        """Bring a pandas frame (index dropped) into the engine."""
        import pyarrow as pa

        return self.from_arrow(pa.Table.from_pandas(frame.reset_index(drop=True), preserve_index=False))

    def from_arrow(self, table: Any) -> nw.LazyFrame[Any]:
        """Bring an Arrow table into the engine."""
        import ibis

        name = ibis.util.gen_name("csrisk")
        made = self._backend.create_table(name, table, temp=True)
        lazy: nw.LazyFrame[Any] = nw.from_native(made)
        self._kept.append(_Dropped(self._backend, name))
        return lazy

    def collect(self, frame: nw.LazyFrame[Any]) -> pd.DataFrame:
        """Bring a frame home."""
        return home(self._backend.to_pyarrow(frame.to_native()))

    def read(self, table: Any, names: Mapping[str, str], times: frozenset[str]) -> nw.LazyFrame[Any]:
        """Select columns under new names; times become seconds since 1970-01-01 UTC, rounded down, and NaN null."""
        columns = {new: self._value(table[old], new in times) for new, old in names.items()}
        lazy: nw.LazyFrame[Any] = nw.from_native(table.select(**columns))
        return lazy

    def _value(self, column: Any, is_time: bool) -> Any:
        import ibis

        if is_time and self._backend.name == "sqlite":
            # its epoch is a float of days, a hair before some midnights
            return column.cast("timestamp").strftime("%s").cast("int64")
        if is_time:
            # truncated first: some databases round where a second has a fraction
            return column.cast("timestamp").truncate("s").epoch_seconds().cast("int64")
        if column.type().is_floating() and self._backend.has_operation(ibis.expr.operations.IsNan):
            return column.isnan().ifelse(ibis.null(column.type()), column)
        return column


def _spark_value(column: Any, kind: str, is_time: bool) -> Any:
    from pyspark.sql import functions as f

    if kind in ("double", "float"):
        return f.when(~f.isnan(column), column)
    if not is_time:
        return column
    if kind == "timestamp":
        return f.unix_seconds(column)
    # a time without zone is taken as UTC, whatever the zone of the session is
    day = f.unix_date(f.to_date(column)).cast("bigint") * 86_400
    return day if kind == "date" else day + f.hour(column) * 3600 + f.minute(column) * 60 + f.second(column)


def _release(kept: list[Any], first: int = 0) -> None:
    for one in kept[first:]:
        one.release()
    del kept[first:]


def _at_the_end(engine: object, kept: list[Any]) -> None:
    """Release what was kept when the engine goes; at the end of the process the session does so itself."""
    weakref.finalize(engine, _release, kept).atexit = False


class _Persisted:
    """A frame that Spark keeps."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def release(self) -> None:
        """Let go of it."""
        self._frame.unpersist()


class _Dropped:
    """A table that was brought into a database, to be dropped."""

    def __init__(self, backend: Any, name: str) -> None:
        self._backend, self._name = backend, name

    def release(self) -> None:
        """Drop the table."""
        self._backend.drop_table(self._name, force=True)


def is_native(brought: object) -> bool:
    """Whether a table lives in an engine of its own: a PySpark frame or an Ibis table."""
    return type(brought).__module__.startswith("pyspark.sql.") or _is_ibis(brought)


def unwrapped(brought: Any) -> Any:
    """Give the Polars frame behind an Ibis table on Polars: Ibis lacks window functions there, Polars does not."""
    return brought.to_polars() if _is_ibis(brought) and brought.get_backend().name == "polars" else brought


def _is_ibis(brought: object) -> bool:
    return type(brought).__module__.split(".")[0] == "ibis" and hasattr(brought, "get_backend")


def native_engine(brought: Any) -> NativeEngine:
    """Give the engine in which a table lives."""
    if type(brought).__module__.startswith("pyspark.sql."):
        return SparkEngine(brought.sparkSession)
    return IbisEngine(brought.get_backend())
