"""Engines of others: PySpark, and whatever Ibis reaches. Rows stay there; only results come home."""

from __future__ import annotations

import threading
import weakref
from abc import ABC, abstractmethod
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from csrisk._text import MISSING_WORDS
from csrisk.data._engines._arrow_types import plain_table
from csrisk.data._engines._engine import as_lazy, home
from csrisk.data._engines._from_pandas import from_pandas
from csrisk.data._engines._native_table import NativeTable
from csrisk.data._engines._rules import DAY, SECOND, bad, raw, zone
from csrisk.data._engines._source import is_polars
from csrisk.data._engines._turns import Turn
from csrisk.data._findings._breach import Breach
from csrisk.data._reading._files import twice
from csrisk.data._reading._readers import BLANK, ROW, ZONE, read_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from csrisk.data._declared._contract import Kind

__all__ = ["IbisEngine", "NativeEngine", "SparkEngine", "is_native", "native_engine", "unwrapped"]

Lazy = nw.LazyFrame[Any]


class DriverError(RuntimeError):
    """What the engine of others raised, its cause: each driver has errors of its own, which may quote values."""


@contextmanager
def _driven() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise DriverError(type(error).__name__) from error


class NativeEngine(ABC):
    """An engine that already holds the tables of the user, where those of others are sent."""

    errors: tuple[type[Exception], ...] = (DriverError,)
    name: str
    keeps_text = False  # in columns of times and numbers too, where it is marked

    def __init__(self) -> None:
        self._kept: list[Callable[[], object]] = []
        self._blocks = threading.local()  # what one thread drops at the end of a block is not that of another
        # at the end of the process the session lets go by itself
        weakref.finalize(self, _release, self._kept).atexit = False

    def open(self, name: str, brought: Any) -> NativeTable | Breach:
        """Make a table readable, or say why it cannot be read."""
        mixed: frozenset[str] = frozenset()
        if not is_native(brought):
            arrow, mixed = _to_arrow(brought)
            if arrow is None:
                return self._strange(name)
            if again := twice(name, arrow.schema.names):
                return again
            arrow = plain_table(arrow)
            brought = self.from_arrow(arrow.append_column(ROW, [np.arange(len(arrow))])).to_native()
        elif not self.holds(brought):
            return self._strange(name)
        return twice(name, list(nw.from_native(brought).collect_schema())) or NativeTable(self, brought, mixed)

    def _strange(self, name: str) -> Breach:
        words = f"beside tables of {self.name} only pandas, Polars and Arrow tables, or others of the same connection"
        return Breach("CSD007", name, detail=words)

    def types(self, table: Any) -> dict[str, Any]:
        """Type of each column of the user."""
        schema = nw.from_native(table).collect_schema()
        return {name: dtype for name, dtype in schema.items() if name != ROW}

    def numbered(self, table: Any) -> Lazy:
        """Give a table with the positions of its rows, where they have any."""
        return as_lazy(table)

    def keep(self, frame: Lazy, name: str) -> Lazy:  # noqa: ARG002  # names of others are theirs
        """Compute a frame once, to stay as long as the engine."""
        return self.materialise(frame)

    def set_accounts(self, ids: list[str]) -> None:
        """Give each account a code: its position."""
        # of no ids Arrow would know no type; no account is called so, as blank is missing
        ids = ids or [""]
        codes = pd.DataFrame({"account_id": pd.Series(ids, dtype=object), "account": range(len(ids))})
        self._codes = self.from_pandas(codes)

    def with_codes(self, frame: Lazy) -> Lazy:
        """Add the code of the account to each row, null where there is none."""
        return frame.join(self._codes, on="account_id", how="left")

    def from_pandas(self, frame: pd.DataFrame) -> Lazy:
        """Bring a pandas frame (index dropped) into the engine."""
        import pyarrow as pa

        return self.from_arrow(pa.Table.from_pandas(frame.reset_index(drop=True), preserve_index=False))

    @abstractmethod
    def read(self, table: Any, names: Mapping[str, str], kinds: Mapping[str, Kind]) -> Lazy:
        """Select columns under new names beside the position, ``row``; times become microseconds, and NaN null."""

    @abstractmethod
    def from_arrow(self, table: Any) -> Lazy:
        """Bring an Arrow table into the engine."""

    @abstractmethod
    def holds(self, table: Any) -> bool:
        """Whether a table lives in this very engine."""

    @abstractmethod
    def has_order(self, table: Any) -> bool:
        """Whether the rows of a table have positions."""

    @abstractmethod
    def materialise(self, frame: Lazy, sort_by: tuple[str, ...] | list[str] = ()) -> Lazy:
        """Compute a frame once, and return it as a frame to go on with."""

    @abstractmethod
    def collect(self, frame: Lazy) -> pd.DataFrame:
        """Bring a frame home."""

    @contextmanager
    def scratch(self) -> Iterator[None]:
        """Let go of what this thread materialised inside the block, also after a failure."""
        outer = getattr(self._blocks, "kept", None)
        mine: list[Callable[[], object]] = []
        self._blocks.kept = mine
        try:
            yield
        finally:
            self._blocks.kept = outer
            _release(mine)

    def _held(self, release: Callable[[], object]) -> None:
        """Note what is called at the end of the block, or with the engine, which it must not hold itself."""
        block = getattr(self._blocks, "kept", None)
        (self._kept if block is None else block).append(release)

    def close(self) -> None:
        """Let go of what was kept in the engine."""
        _release(self._kept)


class SparkEngine(NativeEngine):
    """PySpark, wherever its session runs."""

    name = "pyspark"

    def __init__(self, session: Any) -> None:
        super().__init__()
        self._session = session

    def holds(self, table: Any) -> bool:
        """Whether a table lives in this very engine."""
        return type(table).__module__.startswith("pyspark.sql.") and table.sparkSession is self._session

    def materialise(self, frame: nw.LazyFrame[Any], sort_by: tuple[str, ...] | list[str] = ()) -> nw.LazyFrame[Any]:  # noqa: ARG002  # Spark shuffles anyway
        """Keep a frame in memory, and on the disks of the workers where it does not fit."""
        from pyspark import StorageLevel

        kept = frame.to_native().persist(StorageLevel.MEMORY_AND_DISK)
        self._held(kept.unpersist)
        return as_lazy(kept)

    def from_arrow(self, table: Any) -> nw.LazyFrame[Any]:
        """Bring an Arrow table into the engine."""
        return as_lazy(self._session.createDataFrame(table))

    def collect(self, frame: nw.LazyFrame[Any]) -> pd.DataFrame:
        """Bring a frame home."""
        with _driven():
            return home(frame.to_native().toArrow())

    def has_order(self, table: Any) -> bool:
        """Whether the rows of a table have positions: those that came from elsewhere."""
        return ROW in table.columns

    def read(self, table: Any, names: Mapping[str, str], kinds: Mapping[str, Kind]) -> nw.LazyFrame[Any]:
        """Select columns under new names beside the position, ``row``; times become microseconds, and NaN null."""
        from pyspark.sql import functions as f

        types = {field.name: field.dataType.typeName() for field in table.schema.fields}
        # a dot in a name is a path to Spark, unless the name stands in backticks
        there = {name: table[f"`{name.replace('`', '``')}`"] for name in types}
        row = there[ROW] if ROW in types else f.lit(None).cast("bigint")
        columns = [_spark_value(there[old], types[old], kinds[new] == "time").alias(new) for new, old in names.items()]
        return as_lazy(table.select(row.alias("row"), *columns))


class IbisEngine(NativeEngine):
    """Any database that Ibis reaches."""

    def __init__(self, backend: Any) -> None:
        super().__init__()
        self._backend = backend
        self._turn = Turn.of(backend)
        self.name = f"ibis {backend.name}"
        # SQLite has no type of times, and none that its columns insist on
        self.keeps_text = backend.name == "sqlite"

    def holds(self, table: Any) -> bool:
        """Whether a table lives in this very engine."""
        return hasattr(table, "get_backend") and table.get_backend() is self._backend

    def materialise(self, frame: nw.LazyFrame[Any], sort_by: tuple[str, ...] | list[str] = ()) -> nw.LazyFrame[Any]:  # noqa: ARG002  # tables of a database have no order
        """Compute a frame once, into a temporary table."""
        with self._turn, _driven():
            kept = frame.to_native().cache()
            self._turn.holders[kept.op().name] += 1
            self._held(partial(_release_cached, self._turn, kept))
        return as_lazy(kept)

    def from_arrow(self, table: Any) -> nw.LazyFrame[Any]:
        """Bring an Arrow table into the engine."""
        import ibis

        name = ibis.util.gen_name("csrisk")
        with self._turn:
            made = as_lazy(self._backend.create_table(name, table, temp=True))
        self._held(partial(_drop, self._turn, self._backend, name))
        return made

    def collect(self, frame: nw.LazyFrame[Any]) -> pd.DataFrame:
        """Bring a frame home."""
        with self._turn, _driven():
            return home(self._backend.to_pyarrow(frame.to_native()))

    def has_order(self, table: Any) -> bool:
        """Whether the rows of a table have positions: files of a database give rows in the order in which they came."""
        return ROW in table.columns or self._backend.name in ("duckdb", "sqlite")

    def numbered(self, table: Any) -> Lazy:
        """Give a table with the positions of its rows, where they have any."""
        import ibis

        plain = ROW in table.columns or not self.has_order(table)
        return as_lazy(table if plain else table.mutate(**{ROW: ibis.row_number()}))

    def read(self, table: Any, names: Mapping[str, str], kinds: Mapping[str, Kind]) -> nw.LazyFrame[Any]:
        """Select columns under new names beside the position, ``row``; times become microseconds, and NaN null."""
        import ibis

        row = ibis.row_number() if self.has_order(table) else ibis.null("int64")
        columns = {"row": table[ROW] if ROW in table.columns else row}
        columns |= {new: self._value(table[old], kinds[new] == "time") for new, old in names.items()}
        for new, old in names.items():
            if self.keeps_text and kinds[new] == "time" and table[old].type().is_string():
                columns |= _sqlite_time(table[old], new)
            elif self.keeps_text and kinds[new] in ("number", "bool"):
                columns |= _sqlite_number(table[old], new)
        return as_lazy(table.select(**columns))

    def _value(self, column: Any, is_time: bool) -> Any:
        import ibis

        if is_time and self._backend.name == "sqlite":
            # its epoch is a float of days, a hair before some midnights, and its fractions have three digits
            text = column.cast("string")
            fraction = (text.re_extract(r"\.(\d{1,6})", 1) + "000000").substr(0, 6).cast("int64").fill_null(0)
            whole = text.re_replace(r"\.\d+", "").cast("timestamp").strftime("%s")
            return whole.cast("int64") * SECOND + fraction
        if is_time:
            # truncated first: some databases round where a second has a fraction
            time = column.cast("timestamp")
            return time.truncate("s").epoch_seconds().cast("int64") * SECOND + time.microsecond().cast("int64")
        if column.type().is_floating() and self._backend.has_operation(ibis.expr.operations.IsNan):
            return column.isnan().ifelse(ibis.null(column.type()), column)
        return column


def _sqlite_time(column: Any, name: str) -> dict[str, Any]:
    """Read a time from text as it is read from files: the value, whether it cannot be read, its text and its zone."""
    import ibis

    moment = ibis.udf.scalar.python(read_moment, name="csrisk_moment", signature=((str,), int))(column)
    clock = column.contains(":")
    zones = clock.ifelse(column.re_search(f":.*{ZONE}[{BLANK}]*$"), ibis.null("boolean"))
    broken = column.notnull() & moment.isnull() & ~column.lower().strip().isin(MISSING_WORDS)  # noqa: PD003, PD004  # Ibis
    return {name: moment, bad(name): broken, raw(name): column, zone(name): zones}


def _sqlite_number(column: Any, name: str) -> dict[str, Any]:
    """Read a number as it is read from files: SQLite keeps text in any column, and would count it as 0."""
    import ibis

    text, is_text = column.cast("string"), column.typeof().isin(["text", "blob"])
    value = is_text.ifelse(ibis.null(column.type()), column)
    return {name: value, bad(name): is_text & ~text.lower().strip().isin(MISSING_WORDS), raw(name): text}


def _spark_value(column: Any, kind: str, is_time: bool) -> Any:
    from pyspark.sql import functions as f

    # Spark compares NaN as the largest number; here it means missing
    if kind in ("double", "float"):
        return f.when(~f.isnan(column), column)
    if not is_time:
        return column
    if kind == "timestamp":
        return f.unix_micros(column)
    # a time without zone is taken as UTC, whatever the zone of the session is
    day = f.unix_date(f.to_date(column)).cast("bigint") * DAY
    if kind == "date":
        return day
    seconds = f.hour(column) * 3600 + f.minute(column) * 60 + f.second(column)
    return day + seconds.cast("bigint") * SECOND + f.date_format(column, "SSSSSS").cast("bigint")


def _to_arrow(brought: Any) -> tuple[Any, frozenset[str]]:
    """Give an Arrow table, or None where it cannot be had from what was brought; and the columns of mixed values."""
    if isinstance(brought, pd.DataFrame):
        return from_pandas(brought)
    if is_polars(brought):
        return getattr(brought, "collect", lambda: brought)().to_arrow(), frozenset()
    whole = type(brought).__module__.startswith("pyarrow") and hasattr(brought, "append_column")
    return brought if whole else None, frozenset()


def _release(kept: list[Callable[[], object]]) -> None:
    while kept:
        kept.pop(0)()


def _drop(turn: Turn, backend: Any, name: str) -> None:
    with turn:
        backend.drop_table(name, force=True)


def _release_cached(turn: Turn, kept: Any) -> None:
    """Let go of a frame that Ibis keeps: one and the same for whoever keeps the same expression, so the last drops."""
    with turn:
        name = kept.op().name
        turn.holders[name] -= 1
        if not turn.holders[name]:
            del turn.holders[name]
            kept.release()


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
