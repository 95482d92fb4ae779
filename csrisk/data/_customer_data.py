"""CustomerData: the tables of a customer base, checked and brought into one canonical form."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd

from csrisk._text import html_table
from csrisk.data._declared._contract import CONTRACT
from csrisk.data._engines._engine import (
    DataEngine,
    DuckDBEngine,
    Engine,
    PolarsEngine,
    arrow_of,
    as_lazy,
    polars_of,
    require_polars,
)
from csrisk.data._engines._native_engines import is_native, native_engine, unwrapped
from csrisk.data._engines._seats import require_own_process
from csrisk.data._engines._source import is_large, is_polars
from csrisk.data._findings._breach import Breach, listed
from csrisk.data._findings._meaning import by_share, check_meaning
from csrisk.data._loading import Loaded, load
from csrisk.data._query import answered
from csrisk.data._reading._folder import FolderTables, find_tables
from csrisk.exceptions import DataContractError, DataWarning

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

__all__ = ["CustomerData"]

_IN_MEMORY_ROWS = 2_000_000


class CustomerData:
    """The tables of a customer base.

    Parameters
    ----------
    tables : Mapping of str to frame or path
        Tables by their name in the contract. A table is a pandas, Polars or Arrow frame, a DuckDB relation, a path (a
        file, a folder of parts, a pattern, or a list of them), a PySpark frame, or an Ibis table. A level of the index
        of a pandas frame that has a name is a column. Tables of Spark or of a database stay there: everything is
        computed where they are, pandas, Polars and Arrow tables beside them are sent there, and only features come
        home. All else is read by the embedded engine, DuckDB. It computes the features of large books and of DuckDB
        relations, Polars those of Polars frames and, where it is installed, of small books (up to 500,000 rows), for
        which it needs half the time; both give the same bits.
    columns : Mapping of str to Mapping, optional
        For a table, canonical column name to the name in the user's table: ``{"usage": {"at": "event_time"}}``. In the
        place of a name may stand what the column needs to become that of the contract, as
        ``{"surveys": {"kind": {"constant": "NPS"}, "sent_at": {"name": "created", "unit": "s"}}}``: keys are ``name``,
        ``constant``, ``unit``, ``dates``, ``factor``, ``scale``, ``leading_number``, ``words`` and ``rates``, see the
        page of the configuration. Upper and lower case of names are alike where that is no question.
    where : Mapping of str to Mapping, optional
        For a table, which of its rows count, by values of its own columns: ``{"subscriptions": {"status": ["active"],
        "plan": {"not": ["trial", "test"]}}}``. An empty text asks for what is missing. How many rows were left out is
        in :attr:`breaches`.
    end : date-like or Mapping of str to date-like, optional
        First day that was not observed any more. A mapping states it for each table that it names,
        ``{"usage": "2025-04-01"}``, whatever the table looks like. A date, in a mapping that of ``"book"``, holds for
        every table that does not stop earlier than the others. By default each table ends as its own rhythm tells,
        see :attr:`ends`.
    known_at : Mapping of str to {"updated", "entered"}, optional
        What the ``known_at`` of subscriptions, accounts and people is. By default the time of the last update: a
        contract is known from its beginning, and only its end waits for ``known_at``. ``{"subscriptions": "entered"}``
        says that the whole row was entered then, so that nothing of it is known before.
    memory_limit : str, optional
        Memory of the embedded engine, for example ``"2GB"``; it spills to disk above. Default: 1 GB, and 256 MB more
        for each thread. A bound keeps small books in it, too.
    threads : int, optional
        Threads of the embedded engine, a bound as well.

    Raises
    ------
    DataContractError
        If the tables break the contract in a way that cannot be set aside; lists every breach.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk import CustomerData
    >>> usage = pd.DataFrame({"account_id": ["a", "b", "a"], "at": ["2025-01-01", "2025-01-02", "2025-02-03"]})
    >>> data = CustomerData({"usage": usage})
    >>> data.end
    Timestamp('2025-02-04 00:00:00')
    """

    def __init__(
        self,
        tables: Mapping[str, Any],
        *,
        columns: Mapping[str, Mapping[str, Any]] | None = None,
        where: Mapping[str, Mapping[str, Any]] | None = None,
        end: Any = None,
        known_at: Mapping[str, str] | None = None,
        memory_limit: str | None = None,
        threads: int | None = None,
    ) -> None:
        engine: DataEngine
        _require_mappings(tables, columns, where)
        noted = tables.breaches if isinstance(tables, FolderTables) else ()
        if any(breach.fatal for breach in noted):
            raise DataContractError(listed(noted), noted)
        tables = {name: unwrapped(table) for name, table in tables.items()}
        if any(is_polars(table) for table in tables.values()):
            require_polars()
        native = [table for table in tables.values() if is_native(table)]
        if native:
            # the first decides; it refuses tables of other connections when it is to open them
            engine = native_engine(native[0])
        else:
            on_disk = any(is_large(table) for table in tables.values())
            engine = DuckDBEngine(memory_limit, threads, on_disk=on_disk, lends=True)
        loaded = load(engine, tables, columns or {}, end, known_at, where)
        loaded.breaches += noted
        try:
            self._settle(loaded, tables)
        except BaseException:
            loaded.engine.close()
            raise

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        *,
        columns: Mapping[str, Mapping[str, Any]] | None = None,
        where: Mapping[str, Mapping[str, Any]] | None = None,
        queries: Mapping[str, str] | None = None,
        end: Any = None,
        known_at: Mapping[str, str] | None = None,
        memory_limit: str | None = None,
        threads: int | None = None,
    ) -> CustomerData:
        """Read ``<table>.parquet``, ``.csv`` or ``.csv.gz``, or a folder of such parts, for each table of the contract.

        Parameters
        ----------
        folder : path
            The folder. Files in it that are no table are named in a warning.
        columns, where, end, known_at, memory_limit, threads
            As in the class.
        queries : Mapping of str to str, optional
            For a table, the SELECT that makes it of files of the folder, in the SQL of DuckDB:
            ``{"subscriptions": "SELECT *, price / 12 AS mrr FROM 'subs.csv' JOIN 'plans.csv' USING (plan_id)"}``.

        Returns
        -------
        CustomerData
        """
        more: dict[str, Any] = {"end": end, "known_at": known_at, "threads": threads}
        with answered(Path(folder), queries or {}, memory_limit=memory_limit) as answers:
            tables = find_tables(folder, answers=answers)
            return cls(tables, columns=columns, where=where, memory_limit=memory_limit, **more)

    def _settle(self, loaded: Loaded, tables: Mapping[str, Any]) -> None:
        self._loaded = loaded
        if not loaded.refused:
            repeated = by_share(loaded.breaches, loaded.evidence)
            loaded.breaches = [*repeated, *check_meaning(loaded.engine, loaded.canonical(), loaded.evidence)]
        self._breaches = tuple(sorted(loaded.breaches, key=lambda breach: (not breach.fatal, breach.code)))
        if loaded.refused:
            raise DataContractError(listed(self._breaches), self._breaches)
        loud = tuple(breach for breach in self._breaches if not breach.quiet)
        if loud:
            warnings.warn(listed(loud), DataWarning, stacklevel=_outside())
        self._accounts = loaded.accounts
        self._evidence = loaded.evidence
        self._start: pd.Timestamp = loaded.start
        # without fatal breach there is an end
        self._end: pd.Timestamp = loaded.end or loaded.start
        self._ends: Mapping[str, pd.Timestamp] = MappingProxyType(
            {n: loaded.ends[n] for n in CONTRACT if n in loaded.ends}
        )
        self._stated = frozenset(loaded.stated)
        self._holes = MappingProxyType(loaded.holes)
        self._rejected: pd.DataFrame | None = None
        self._engine: Engine = loaded.engine
        self._lazy = loaded.canonical()
        self._owner = os.getpid()
        # what was loaded is read over one connection, so by one thread at a time
        self._turn = threading.Lock()
        self._queries: dict[str, str] = {}
        if isinstance(self._engine, DuckDBEngine) and self._engine.lends:
            self._engine = PolarsEngine()
            self._lazy = {name: self._engine.materialise(loaded.ordered(name)) for name in self._lazy}
        elif all(is_polars(table) for table in tables.values()):
            self._engine = PolarsEngine()
            self._lazy = {name: self._to_polars(name) for name in self._lazy}
        elif isinstance(self._engine, DuckDBEngine):
            # a relation is bound to the connection that made it, SQL runs on that of any thread
            self._queries = {name: frame.to_native().sql_query() for name, frame in self._lazy.items()}
        if isinstance(loaded.engine, DuckDBEngine):
            loaded.engine.settle()

    def __repr__(self) -> str:
        counts = ", ".join(f"{name} {self._evidence[name]['']:,}{self._stops(name)}" for name in self.tables)
        span = f"{self._start:%Y-%m-%d} to {self._end - pd.Timedelta(days=1):%Y-%m-%d}"
        return f"CustomerData({len(self._accounts):,} accounts, {span}, {self._engine.name}; {counts})"

    def _repr_html_(self) -> str:
        """Show the tables, what is missing and what broke the contract in a notebook."""
        rows = [(name, f"{self._evidence[name]['']:,}{self._stops(name)}") for name in self.tables]
        notes = [f"No evidence: {', '.join(self.missing)}."] if self.missing else []
        many = f"{len(self._breaches)} breach{'es' * (len(self._breaches) > 1)}"
        notes += [f"{many} of the contract, see .breaches."] if self._breaches else []
        return html_table(f"{repr(self).split(';')[0]})", ("table", "rows"), rows, " ".join(notes))

    def _stops(self, table: str) -> str:
        """Say the last day observed of a table that ends elsewhere than the book."""
        end = self._ends.get(table, self._end)
        return "" if end == self._end else f" until {end - pd.Timedelta(days=1):%Y-%m-%d}"

    def __reduce__(self) -> NoReturn:
        message = (
            "CustomerData cannot be pickled or copied: it holds an open engine, and pickles should not carry customer "
            "tables; open the tables again where they are needed, for example with CustomerData.from_folder"
        )
        raise TypeError(message)

    def __enter__(self) -> CustomerData:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the embedded engine and remove its scratch folder; happens by itself when the object goes.

        In Spark or a database, what was kept there is dropped; session and connection stay open. Frames of :meth:`lazy`
        cannot be computed afterwards.
        """
        self._loaded.engine.close()

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that are there."""
        return tuple(name for name in CONTRACT if self._evidence.get(name, {}).get("", 0))

    @property
    def rows(self) -> dict[str, int]:
        """Number of rows of each table that is there."""
        return {name: int(self._evidence[name][""]) for name in self.tables}

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the tables that are not there, or empty."""
        return tuple(name for name in CONTRACT if name not in self.tables)

    @property
    def end(self) -> pd.Timestamp:
        """First day that was not observed any more (midnight UTC, naive): that of the table that goes on longest."""
        return self._end

    @property
    def ends(self) -> Mapping[str, pd.Timestamp]:
        """First day that was not observed any more, for each table with dates.

        It is that of the book (`end`), unless the user stated it for the table, or the table stops: its silence until
        the last day of the book is more than twice the longest gap between its rows within a year, and too long for
        chance. A handful of rows with a wrong clock, weeks after all others, moves no end. Labels are known only where
        the tables that they are read from are observed through the whole window.

        Examples
        --------
        >>> import pandas as pd
        >>> from csrisk import CustomerData
        >>> days = pd.date_range("2025-01-01", "2025-06-30").strftime("%Y-%m-%d")
        >>> usage = pd.DataFrame({"account_id": "a", "at": days[:90]})
        >>> contacts = pd.DataFrame({"account_id": "b", "opened_at": days})
        >>> data = CustomerData({"usage": usage, "contacts": contacts}, end={"usage": "2025-04-01"})
        >>> {table: str(end.date()) for table, end in data.ends.items()}
        {'usage': '2025-04-01', 'contacts': '2025-07-01'}
        """
        return self._ends

    @property
    def holes(self) -> Mapping[str, tuple[tuple[int, int], ...]]:
        """Spans in which a table stood still and then went on, in whole days since 1970-01-01, half-open.

        Silence in them is that of a feed: a label of the table is missing where its days reach into one.
        """
        return self._holes

    @property
    def stated(self) -> frozenset[str]:
        """Tables whose own end the user stated."""
        return self._stated

    @property
    def known_at(self) -> dict[str, str]:
        """What the user said that the ``known_at`` of a table is; the time of its last update where nothing was."""
        return dict(self._loaded.known_at)

    @property
    def start(self) -> pd.Timestamp:
        """First day with an event (midnight UTC, naive)."""
        return self._start

    @property
    def accounts(self) -> pd.Index[Any]:
        """Account ids, sorted; the position is the integer code ``account``."""
        return self._accounts

    @property
    def breaches(self) -> tuple[Breach, ...]:
        """Every rule of the contract that the tables break, loud and quiet."""
        return self._breaches

    @property
    def left_out(self) -> dict[str, int]:
        """Rows of each table that do not count, as `where` says."""
        return {breach.table: breach.count for breach in self._breaches if breach.code == "CSD024"}

    @property
    def rejected(self) -> pd.DataFrame:
        """Rows that were set aside: table, row (position from 0; missing where a table has no order), code, rule."""
        require_own_process(self._owner)
        with self._turn:
            if self._rejected is None:
                self._rejected = self._loaded.rejected()
            # what is kept serves all who ask, and one may change what it got
            return self._rejected.copy()

    @property
    def engine(self) -> Engine:
        """Where lazy frames are computed; safe to use from several threads."""
        require_own_process(self._owner)
        return self._engine

    def has(self, table: str, *columns: str) -> bool:
        """Whether a table has rows, and each of the columns a value somewhere.

        Parameters
        ----------
        table : str
            Name of the table.
        *columns : str
            Canonical names.

        Returns
        -------
        bool
        """
        evidence = self._evidence.get(table, {})
        return bool(evidence.get("", 0)) and all(evidence.get(column, 0) > 0 for column in columns)

    def given(self, table: str, column: str) -> bool:
        """Whether the user's table has a column at all, with or without values.

        Parameters
        ----------
        table, column : str
            Canonical names.

        Returns
        -------
        bool
        """
        return column in self._evidence.get(table, {})

    def lazy(self, table: str) -> nw.LazyFrame[Any]:
        """Give a canonical table as a lazy frame, to be computed by the thread that asks for it.

        Parameters
        ----------
        table : str
            Name of a table that is there.

        Returns
        -------
        narwhals.LazyFrame
        """
        if table not in self._lazy:
            raise DataContractError(f"table {table!r} is not there; tables are {list(self.tables)}")
        require_own_process(self._owner)
        if isinstance(self._engine, DuckDBEngine):
            return self._engine.query(self._queries[table])
        return self._lazy[table]

    def frame(self, table: str) -> pd.DataFrame:
        """Give a canonical table as a pandas frame, with account ids and datetimes.

        Parameters
        ----------
        table : str
            Name of a table that is there.

        Returns
        -------
        pandas.DataFrame
        """
        frame = self.lazy(table)
        # Polars was handed the rows in their order
        at_home = self._engine is not self._loaded.engine
        with self._turn:
            raw = self._engine.collect(frame) if at_home else self._loaded.rows(table)
        out: dict[str, Any] = {}
        for column in self._loaded.plans[table].all_columns:
            if column.name == "account_id":
                out[column.name] = self._accounts.take(raw["account"].to_numpy(dtype=np.int64))
            elif column.kind == "time":
                seconds = raw[f"{column.name}_second"]
                out[column.title] = pd.to_datetime(seconds, unit="s").astype("datetime64[us]")
            else:
                out[column.title] = raw[column.name]
        return pd.DataFrame(out)

    @property
    def attributes(self) -> dict[str, str]:
        """Further attributes of accounts that are no times, and the columns of ``lazy("accounts")`` that hold them."""
        plan = self._loaded.plans.get("accounts")
        extra = [] if plan is None else plan.all_columns[len(plan.table.columns) :]
        return {column.title: column.name for column in extra if column.kind != "time"}

    def _to_polars(self, table: str) -> nw.LazyFrame[Any]:
        """Hand a canonical table to Polars: in memory, or as a file that Polars scans where it is large."""
        import polars as pl

        duck, ordered = self._loaded.engine, self._loaded.ordered(table)
        if not isinstance(duck, DuckDBEngine):
            return self._lazy[table]
        if self._evidence[table][""] <= _IN_MEMORY_ROWS:
            return polars_of(arrow_of(ordered))
        path = duck.folder / f"canonical_{table}.parquet"
        ordered.to_native().write_parquet(str(path))
        return as_lazy(pl.scan_parquet(path))


def _require_mappings(tables: object, columns: object, where: object) -> None:
    """Refuse what has no names; a frame is a mapping of its columns, not of tables."""
    if not isinstance(tables, Mapping):
        breach = Breach("CSD007", detail=f"tables is a {type(tables).__name__}, not a mapping of name to table")
    elif columns is not None and not (
        isinstance(columns, Mapping) and all(isinstance(given, Mapping) for given in columns.values())
    ):
        breach = Breach("CSD002", detail='columns is no mapping of table to names, as {"usage": {"at": "event_time"}}')
    elif where is not None and not isinstance(where, Mapping):
        breach = Breach("CSD002", detail='where is no mapping, as {"subscriptions": {"status": ["active"]}}')
    else:
        return
    raise DataContractError(listed((breach,)), (breach,))


def _outside() -> int:
    """Stack level of the first caller outside of csrisk, for warnings."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).split(".")[0] == "csrisk":
        frame, level = frame.f_back, level + 1
    return level
