"""Where lazy frames are computed: embedded DuckDB, or Polars when every table came as Polars."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import weakref
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Protocol

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from csrisk._machine import lost_threads, scratch_folder
from csrisk.data._engines._seats import Seats
from csrisk.data._engines._source import is_large, is_relation, open_source
from csrisk.data._engines._sql_table import SqlTable
from csrisk.data._findings._breach import Breach
from csrisk.data._reading._parts import is_path
from csrisk.data._reading._readers import quoted
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from csrisk.data._engines._planning import Brought

__all__ = [
    "DataEngine",
    "DuckDBEngine",
    "Engine",
    "PolarsEngine",
    "arrow_of",
    "as_lazy",
    "home",
    "polars_of",
    "require_polars",
]

_POLARS = (1, 20)  # as in the extra "polars"
_SMALL_ROWS = 500_000  # of all tables together


class Engine(Protocol):
    """What csrisk asks of a place that computes lazy frames."""

    name: str

    def materialise(self, frame: nw.LazyFrame[Any], sort_by: tuple[str, ...] | list[str] = ()) -> nw.LazyFrame[Any]:
        """Compute a frame once, sorted, and return it as a frame to go on with."""

    def from_pandas(self, frame: pd.DataFrame) -> nw.LazyFrame[Any]:
        """Bring a pandas frame (index dropped) into the engine."""

    def collect(self, frame: nw.LazyFrame[Any]) -> pd.DataFrame:
        """Bring a frame home: integers as int64 or Int64, floats as float64, never Decimal."""

    def scratch(self) -> AbstractContextManager[None]:
        """Give a block after which whatever was materialised inside is dropped."""


class DataEngine(Engine, Protocol):
    """An engine that reads, checks and keeps the tables of the user."""

    errors: tuple[type[Exception], ...]

    def open(self, name: str, brought: Any) -> Brought | Breach:
        """Make a table readable, or say why it cannot be read."""

    def set_accounts(self, ids: list[str]) -> None:
        """Give each account a code: its position."""

    def with_codes(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Add the code of the account to each row, null where there is none."""

    def keep(self, frame: nw.LazyFrame[Any], name: str) -> nw.LazyFrame[Any]:
        """Compute a frame once, to stay as long as the engine."""

    def close(self) -> None:
        """Let go of what was kept in the engine."""


class DuckDBEngine:
    """Embedded DuckDB with a scratch folder of its own, removed when the engine goes.

    With `lends` it hands a small book over to Polars as soon as the values are read: for few rows DuckDB spends most of
    its time on the building of queries. All sums are of whole numbers, so the bits are the same.
    """

    name = "duckdb"

    def __init__(
        self,
        memory_limit: str | None = None,
        threads: int | None = None,
        *,
        on_disk: bool = True,
        lends: bool = False,
    ) -> None:
        import duckdb

        # a bound is one of DuckDB, so it keeps what it bounds
        self._lends, self._rows = lends and memory_limit is None and threads is None and _polars_serves(), 0
        self.errors: tuple[type[Exception], ...] = (duckdb.Error,)
        self.folder, held = _scratch_folder()
        self._counter = itertools.count()
        try:
            # extensions are never fetched: the same behaviour on every machine, and no network
            config: dict[str, Any] = {
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                # beside the book, so that what is spilled goes with the folder
                "temp_directory": str(self.folder / "spill"),
            }
            cores = threads if isinstance(threads, int) and threads > 0 else os.cpu_count() or 1
            config["memory_limit"] = memory_limit or f"{1024 + 256 * cores}MB"
            if threads is not None:
                config["threads"] = str(threads)
            self._seats = Seats(self._connect(config, memory_limit, threads))
            # in a file tables are compressed and leave memory free; small books are quicker in memory
            book = str(self.folder / "book.duckdb").replace("'", "''") if on_disk else ":memory:"
            self.run(f"ATTACH '{book}' AS book")
        except BaseException:
            _clear(self.folder, held)
            raise
        # given parts and not the engine: a finalizer that holds its object keeps it for ever
        self._finalizer = weakref.finalize(self, _remove, self._seats, self.folder, held, os.getpid())

    def _connect(self, config: dict[str, Any], memory_limit: str | None, threads: int | None) -> Any:
        import duckdb

        try:
            return duckdb.connect(":memory:", config=config)
        except duckdb.Error as error:
            message = (
                f"memory_limit={memory_limit!r}, threads={threads!r}: give them as '2GB' and as a number of at least 1"
            )
            raise ConfigError(message) from error

    @property
    def connection(self) -> Any:
        """The connection of this thread; all of them see the same database, and each its own temporary tables."""
        return self._seats.mine.connection

    @property
    def _scratch(self) -> list[str]:
        return self._seats.mine.scratch

    def settle(self) -> None:
        """Keep the connection that loaded the tables for what was loaded; threads take their own from now on."""
        self._seats.leave()

    def close(self) -> None:
        """Close the connections and remove the scratch folder."""
        self._finalizer()

    @contextmanager
    def scratch(self) -> Iterator[None]:
        """Drop the temporary tables that were made inside the block, also after a failure."""
        # blocks may stand in each other: names before this one are of the outer block
        first = len(self._scratch)
        try:
            yield
        finally:
            for name in self._scratch[first:]:
                self.run(f"DROP TABLE IF EXISTS {name}")
            del self._scratch[first:]

    def fresh_name(self, prefix: str = "scratch") -> str:
        """Make up a table name that is not taken."""
        return f"{prefix}_{next(self._counter)}"

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement to its end and return its rows."""
        # DuckDB 2 refuses other work on the connection while a result is unfinished
        rows: list[tuple[Any, ...]] = self.connection.execute(sql).fetchall()
        return rows

    def query(self, sql: str) -> nw.LazyFrame[Any]:
        """Give a query as a lazy frame."""
        return as_lazy(self.connection.sql(sql))

    def open(self, name: str, brought: Any) -> Brought | Breach:
        """Make a table readable, or say why it cannot be read."""
        source = open_source(self, name, brought)
        if isinstance(source, Breach):
            return source
        table = SqlTable(self, source)
        # relations stay in DuckDB; a large file is not counted, which is to read it
        if is_relation(brought) or (is_path(brought) and is_large(brought)):
            self._lends = False
        if self._lends:
            try:
                self._rows += table.n_rows()
            except self.errors:
                # said where the table is read
                self._lends = False
        return table

    @property
    def lends(self) -> bool:
        """Whether the rows that are kept go to Polars; settled when every table is open."""
        return self._lends and self._rows <= _SMALL_ROWS

    def set_accounts(self, ids: list[str]) -> None:
        """Give each account a code: its position."""
        # the type holds the ids by itself: the table of them goes with the block
        with self.scratch():
            codes = pd.DataFrame({"id": pd.Series(ids or [""], dtype=object), "code": range(len(ids) or 1)})
            self._stored(_table_of(codes))
            # casts to an enum type are quicker than joins; all ids are in it, as failing casts are slow
            self.run(f"CREATE TYPE book_accounts AS ENUM (SELECT id FROM {self._scratch[-1]} ORDER BY code)")

    def with_codes(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Add the code of the account to each row, null where there is none."""
        # enum_code gives as few bytes as the number of ids asks
        code = "CAST(enum_code(CAST(account_id AS book_accounts)) AS BIGINT) AS account"
        return as_lazy(frame.to_native().project(f"*, {code}"))

    def keep(self, frame: nw.LazyFrame[Any], name: str) -> nw.LazyFrame[Any]:
        """Compute a frame once, to stay as long as the engine."""
        if self.lends:
            return polars_of(arrow_of(frame))
        kept = f"book.{quoted(self.fresh_name(name))}"
        frame.to_native().query("it", f"CREATE TABLE {kept} AS SELECT * FROM it")
        return self.table(kept)

    def home(self, sql: str) -> pd.DataFrame:
        """Bring the rows of a query home."""
        return home(self.connection.sql(sql).to_arrow_table())

    def table(self, name: str) -> nw.LazyFrame[Any]:
        """Give a table or view of the engine as a lazy frame."""
        return as_lazy(self.connection.table(name))

    def materialise(self, frame: nw.LazyFrame[Any], sort_by: tuple[str, ...] | list[str] = ()) -> nw.LazyFrame[Any]:
        """Compute a frame once, sorted, into a temporary table."""
        name = self.fresh_name()
        relation = frame.to_native()
        order = f" ORDER BY {', '.join(quoted(column) for column in sort_by)}" if sort_by else ""
        relation.query("it", f"CREATE TEMP TABLE {name} AS SELECT * FROM it{order}")
        self._scratch.append(name)
        return self.table(name)

    def from_pandas(self, frame: pd.DataFrame) -> nw.LazyFrame[Any]:
        """Bring a pandas frame (index dropped) into the engine."""
        table = _table_of(frame)
        return polars_of(table) if self.lends else self._stored(table)

    def _stored(self, table: Any) -> nw.LazyFrame[Any]:
        name = self.fresh_name()
        self.connection.register(f"{name}_source", table)
        self.run(f"CREATE TEMP TABLE {name} AS SELECT * FROM {name}_source")
        self.connection.unregister(f"{name}_source")
        self._scratch.append(name)
        return self.table(name)

    def collect(self, frame: nw.LazyFrame[Any]) -> pd.DataFrame:
        """Bring a frame home."""
        return home(arrow_of(frame))


class PolarsEngine:
    """Polars, lazily, in this process."""

    name = "polars"

    def scratch(self) -> AbstractContextManager[None]:
        """Nothing to drop: frames go when nobody holds them."""
        return nullcontext()

    def materialise(self, frame: nw.LazyFrame[Any], sort_by: tuple[str, ...] | list[str] = ()) -> nw.LazyFrame[Any]:
        """Compute a frame once, sorted, and keep it in memory."""
        native = frame.to_native()
        if sort_by:
            native = native.sort(list(sort_by))
        return as_lazy(native.collect().lazy())

    def from_pandas(self, frame: pd.DataFrame) -> nw.LazyFrame[Any]:
        """Bring a pandas frame (index dropped) into the engine."""
        return polars_of(_table_of(frame))

    def collect(self, frame: nw.LazyFrame[Any]) -> pd.DataFrame:
        """Bring a frame home."""
        return home(arrow_of(frame))


def as_lazy(native: Any) -> nw.LazyFrame[Any]:
    """Give a frame of an engine as a lazy frame."""
    frame: nw.LazyFrame[Any] = nw.from_native(native)
    return frame


def _table_of(frame: pd.DataFrame) -> Any:
    import pyarrow as pa

    return pa.Table.from_pandas(frame.reset_index(drop=True), preserve_index=False)


def arrow_of(frame: nw.LazyFrame[Any]) -> Any:
    """Compute a frame of DuckDB or Polars, and give it as an Arrow table."""
    native = frame.to_native()
    return native.collect().to_arrow() if frame.implementation.is_polars() else native.to_arrow_table()


def polars_of(table: Any) -> nw.LazyFrame[Any]:
    """Give an Arrow table as a lazy frame of Polars."""
    import polars as pl

    return as_lazy(pl.from_arrow(table).lazy())  # type: ignore[union-attr]  # a table is no series


def require_polars() -> None:
    """Refuse Polars where it would wait for ever."""
    if lost_threads("polars"):
        raise ConfigError(
            "Polars was at work before this process was forked, and would wait for its threads for ever; start "
            "workers with 'spawn' or 'forkserver', or bring the tables as paths, pandas or Arrow"
        )


def _polars_serves() -> bool:
    """Whether Polars is installed in a version that csrisk knows, and its threads are at hand."""
    try:
        installed = version("polars")
    except PackageNotFoundError:
        return False
    found = re.match(r"(\d+)\.(\d+)", installed)
    return found is not None and tuple(map(int, found.groups())) >= _POLARS and not lost_threads("polars")


def home(table: Any) -> pd.DataFrame:
    """Arrow table to pandas with plain types: int64 or Int64, float64, bool or boolean, str, datetime64."""
    import pyarrow as pa

    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        # DuckDB sums whole numbers as HUGEINT, which comes as a decimal without places
        if pa.types.is_decimal(kind):
            whole = kind.scale == 0
            column = column.cast(pa.int64() if whole else pa.float64())
        elif pa.types.is_integer(kind):
            column = column.cast(pa.int64())
        elif pa.types.is_floating(kind):
            column = column.cast(pa.float64())
        columns[name] = _series(column)
    return pd.DataFrame(columns, columns=table.column_names)


def _series(column: Any) -> pd.Series[Any]:
    import pyarrow as pa

    # plain pandas turns whole numbers with gaps into floats, and truth values into objects
    if pa.types.is_integer(column.type) and column.null_count:
        return pd.Series(pd.array(column.to_pylist(), dtype="Int64"))
    if pa.types.is_boolean(column.type) and column.null_count:
        return pd.Series(pd.array(column.to_pylist(), dtype="boolean"))
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    series: pd.Series[Any] = column.to_pandas()
    if pa.types.is_floating(column.type):
        return series.astype(np.float64)
    if pa.types.is_timestamp(column.type):
        return series.astype("datetime64[us]")
    return series


def _remove(seats: Seats, folder: Path, held: int, owner: int) -> None:
    seats.close()
    # a forked child must not remove what its parent still uses
    if os.getpid() == owner:
        _clear(folder, held)


def _scratch_folder() -> tuple[Path, int]:
    try:
        return scratch_folder()
    except OSError as error:
        raise ConfigError(
            f"no scratch folder can be made ({error.strerror or type(error).__name__}); set TMPDIR to a writable "
            "folder with space, in a container a volume or tmpfs"
        ) from error


def _clear(folder: Path, held: int) -> None:
    # held to the end: a folder that nobody holds is swept by whoever starts next
    shutil.rmtree(folder, ignore_errors=True)
    os.close(held)
