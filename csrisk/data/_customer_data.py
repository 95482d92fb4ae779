"""CustomerData: the tables of a customer base, checked and brought into one canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from csrisk.data._canonical import canonical_select, id_text
from csrisk.data._contract import CONTRACT
from csrisk.data._engine import DuckDBEngine, Engine, PolarsEngine
from csrisk.data._source import Source, is_polars, open_source, quoted
from csrisk.exceptions import DataContractError

__all__ = ["CustomerData"]

_OBSERVED = ("usage", "contacts", "surveys", "advocacy", "finance")


class CustomerData:
    """The tables of a customer base.

    Parameters
    ----------
    tables : Mapping of str to frame or path
        Tables by their name in the contract. A table is a pandas, Polars or Arrow frame, a DuckDB relation, or a path.
    columns : Mapping of str to Mapping, optional
        For a table, canonical column name to the name in the user's table: ``{"usage": {"at": "event_time"}}``.
    end : date-like, optional
        First day that was not observed any more; by default the day after the latest event.
    memory_limit : str, optional
        Memory of the embedded engine, for example ``"2GB"``.
    threads : int, optional
        Threads of the embedded engine.

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
        columns: Mapping[str, Mapping[str, str]] | None = None,
        end: Any = None,
        memory_limit: str | None = None,
        threads: int | None = None,
    ) -> None:
        duck = DuckDBEngine(memory_limit, threads)
        try:
            self._duck = duck
            self._load(dict(tables), columns or {}, end)
        except BaseException:
            duck.close()
            raise

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        *,
        columns: Mapping[str, Mapping[str, str]] | None = None,
        end: Any = None,
        memory_limit: str | None = None,
        threads: int | None = None,
    ) -> CustomerData:
        """Read ``<table>.parquet`` or ``<table>.csv`` for each table of the contract.

        Parameters
        ----------
        folder : path
            The folder.
        columns, end, memory_limit, threads
            As in the class.

        Returns
        -------
        CustomerData
        """
        folder = Path(folder)
        found = {
            name: path for name in CONTRACT for suffix in (".csv", ".parquet") if (path := folder / (name + suffix)).exists()
        }
        if not found:
            message = f"folder={folder.name!r} has no known table; name files <table>.parquet or <table>.csv with one of {list(CONTRACT)}"
            raise DataContractError(message)
        return cls(found, columns=columns, end=end, memory_limit=memory_limit, threads=threads)

    def _load(self, tables: dict[str, Any], columns: Mapping[str, Mapping[str, str]], end: Any) -> None:
        sources = {name: open_source(self._duck, name, tables[name]) for name in CONTRACT if name in tables}
        mappings = {name: _mapping(name, source, columns.get(name, {})) for name, source in sources.items()}
        self._accounts = self._account_ids(sources, mappings)
        self._evidence: dict[str, dict[str, int]] = {}
        for name, source in sources.items():
            select = canonical_select(CONTRACT[name], source, mappings[name])
            self._duck.run(f"CREATE TABLE book.{name} AS {select}")
            self._evidence[name] = self._count(name, mappings[name])
        self._find_range(end)
        self._engine: Engine = self._duck
        self._lazy = {name: self._duck.table(f"book.{name}") for name in sources}
        if tables and all(is_polars(table) for table in tables.values()):
            self._engine = PolarsEngine()
            self._lazy = {name: _to_polars(frame) for name, frame in self._lazy.items()}

    def _account_ids(self, sources: Mapping[str, Source], mappings: Mapping[str, Mapping[str, str]]) -> pd.Index[Any]:
        parts = []
        for name, source in sources.items():
            if CONTRACT[name].has_account:
                column = mappings[name]["account_id"]
                parts.append(f"SELECT {id_text(column, source.types[column])} AS id FROM {source.view}")
        query = f"SELECT DISTINCT id FROM ({' UNION ALL '.join(parts)}) WHERE id IS NOT NULL ORDER BY id"
        self._duck.run(f"CREATE TEMP TABLE account_ids AS {query}")
        self._duck.run("CREATE TYPE book_accounts AS ENUM (SELECT id FROM account_ids ORDER BY id)")
        ids = self._duck.connection.sql("SELECT id FROM account_ids ORDER BY id").to_arrow_table()
        return pd.Index(ids["id"].to_pandas().astype("str"), name="account_id")

    def _count(self, name: str, mapping: Mapping[str, str]) -> dict[str, int]:
        counted = {"": "count(*)"}
        for column in CONTRACT[name].columns:
            if column.name in mapping and column.name != "account_id":
                stored = f"{column.name}_day" if column.kind == "time" else column.name
                counted[column.name] = f"count({quoted(stored)})"
        row = self._duck.run(f"SELECT {', '.join(counted.values())} FROM book.{name}")[0]
        counts = dict(zip(counted, row, strict=True))
        return {"account_id": counts[""], **counts}

    def _find_range(self, end: Any) -> None:
        low, high = [], []
        for name, evidence in self._evidence.items():
            if evidence[""] and name in _OBSERVED:
                first, last = self._duck.run(f"SELECT min(day), max(day) FROM book.{name}")[0]
                low.append(first)
                high.append(last)
        self._start = pd.Timestamp(min(low), unit="D") if low else pd.NaT
        self._end = pd.Timestamp(end).normalize() if end is not None else pd.Timestamp(max(high) + 1, unit="D")

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that are there."""
        return tuple(name for name in CONTRACT if self._evidence.get(name, {}).get("", 0))

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the tables that are not there, or empty."""
        return tuple(name for name in CONTRACT if name not in self.tables)

    @property
    def end(self) -> pd.Timestamp:
        """First day that was not observed any more (midnight UTC, naive)."""
        return self._end

    @property
    def start(self) -> pd.Timestamp:
        """First day with an event (midnight UTC, naive)."""
        return self._start

    @property
    def accounts(self) -> pd.Index[Any]:
        """Account ids, sorted; the position is the integer code ``account``."""
        return self._accounts

    @property
    def engine(self) -> Engine:
        """Where lazy frames are computed."""
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
        """A canonical table as a lazy frame.

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
        return self._lazy[table]

    def frame(self, table: str) -> pd.DataFrame:
        """A canonical table as a pandas frame, with account ids and datetimes.

        Parameters
        ----------
        table : str
            Name of a table that is there.

        Returns
        -------
        pandas.DataFrame
        """
        raw = self.engine.collect(self.lazy(table))
        out = {}
        for name in raw.columns:
            if name == "account":
                out["account_id"] = self._accounts.take(raw[name].to_numpy())
            elif name.endswith("_second"):
                out[name.removesuffix("_second")] = pd.to_datetime(raw[name], unit="s").astype("datetime64[us]")
            elif name not in ("day", "known") and not name.endswith("_day"):
                out[name] = raw[name]
        return pd.DataFrame(out)


def _mapping(table: str, source: Source, given: Mapping[str, str]) -> dict[str, str]:
    """Canonical name to the user's name, for each column that is there."""
    contract = CONTRACT[table]
    mapping = {name: given.get(name, name) for name in contract.names}
    mapping = {name: column for name, column in mapping.items() if column in source.types}
    lacking = [name for name in contract.required if name not in mapping]
    if lacking:
        raise DataContractError(f"table {table!r}: required columns {lacking} are missing; map them with columns=")
    return mapping


def _to_polars(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    import polars as pl

    return nw.from_native(pl.from_arrow(frame.to_native().to_arrow_table()).lazy())  # type: ignore[union-attr]
