"""Tables handed to each engine as its users hold them."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd

from csrisk.data._engines import from_pandas
from csrisk.data._reading import quoted
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EngineName", "on_engine", "spark_session"]

EngineName = Literal["duckdb", "polars", "pyspark", "ibis-duckdb", "ibis-sqlite", "ibis-polars", "ibis-postgres"]
POSTGRES = "CSRISK_TEST_POSTGRES"


def on_engine(tables: Mapping[str, pd.DataFrame], engine: EngineName) -> dict[str, Any]:
    """Hand pandas tables to an engine, as frames or tables of its own.

    Parameters
    ----------
    tables : Mapping of str to pandas.DataFrame
        Tables as `random_tables` makes them.
    engine : str
        ``"duckdb"`` (relations, computed in the embedded engine), ``"polars"``, ``"pyspark"`` (a local session),
        ``"ibis-duckdb"``, ``"ibis-sqlite"``, ``"ibis-polars"``, ``"ibis-postgres"`` (the server named by the variable
        ``CSRISK_TEST_POSTGRES``, as ``postgres://user@host/database``).

    Returns
    -------
    dict of str to frame or table
        What `CustomerData` takes.

    Raises
    ------
    ConfigError
        If the engine is unknown, or no server is named.
    ImportError
        If the package of the engine is not installed.

    Examples
    --------
    >>> from csrisk.testing import on_engine, random_tables
    >>> type(on_engine(random_tables(1), "polars")["usage"]).__module__.split(".")[0]
    'polars'
    """
    if engine not in get_args(EngineName):
        raise ConfigError(f"engine={engine!r} must be one of {list(get_args(EngineName))}")
    if engine == "duckdb":
        import duckdb

        connection = duckdb.connect()
        return {name: connection.from_arrow(from_pandas(frame)[0]) for name, frame in tables.items()}
    if engine == "polars":
        import polars as pl

        return {name: pl.from_arrow(from_pandas(frame)[0]) for name, frame in tables.items()}
    if engine == "pyspark":
        session = spark_session()
        return {name: session.createDataFrame(_instants(from_pandas(frame)[0])) for name, frame in tables.items()}
    return _ibis_tables(tables, engine.removeprefix("ibis-"))


@cache
def spark_session() -> Any:
    """Start a local Spark session of one core; its zone is not UTC, as zones of sessions must not matter."""
    from pyspark.sql import SparkSession

    # workers need the packages of this environment, also where it is not activated
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master("local[1]")
    small = {
        "spark.sql.shuffle.partitions": "1",
        "spark.default.parallelism": "1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "America/New_York",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        # small books take most of their time to compile code that runs once
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
    }
    for name, value in small.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def _instants(table: Any) -> Any:
    """Make times moments, as Spark has them; those without zone were UTC."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            # moments of Spark are microseconds
            column = table[field.name].cast(pa.timestamp("us", field.type.tz or "UTC"))
            table = table.set_column(place, field.name, column)
    return table


def _ibis_tables(tables: Mapping[str, pd.DataFrame], backend: str) -> dict[str, Any]:
    import ibis

    if backend == "sqlite":
        return _sqlite(tables)
    if backend == "postgres":
        if POSTGRES not in os.environ:
            raise ConfigError(f"engine='ibis-postgres': name a server in {POSTGRES}, as postgres://user@host/database")
        connection = ibis.connect(os.environ[POSTGRES])
    else:
        connection = getattr(ibis, backend).connect()
    # every session of the server has tables of its own
    options = {"temp": True} if backend == "postgres" else {}
    return {
        name: connection.create_table(f"book_{name}", from_pandas(frame)[0], **options)
        for name, frame in tables.items()
    }


def _sqlite(tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Tables of SQLite, whose times are texts in UTC."""
    import ibis

    # stays when this returns: the tables are read later
    path = Path(tempfile.mkdtemp(prefix="csrisk-sqlite-")) / "book.db"
    with sqlite3.connect(path) as connection:
        for name, frame in tables.items():
            kinds = {str(column): _sqlite_type(frame[column]) for column in frame}
            stated = ", ".join(f"{quoted(column)} {kind}" for column, kind in kinds.items())
            connection.execute(f"CREATE TABLE {name} ({stated})")
            # objects of Python: sqlite3 stores whole numbers of numpy as bytes
            rows = [tuple(map(_sqlite_value, row)) for row in frame.astype(object).itertuples(index=False)]
            connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(kinds))})", rows)
    opened = ibis.sqlite.connect(path)
    return {name: opened.table(name) for name in tables}


def _sqlite_type(column: pd.Series) -> str:
    if pd.api.types.is_datetime64_any_dtype(column):
        return "TIMESTAMP"
    values = column.dropna()
    # truths with gaps are objects and would be taken for text
    if len(values) and values.map(lambda value: isinstance(value, bool)).all():
        return "BOOLEAN"
    if pd.api.types.is_float_dtype(column):
        return "DOUBLE"
    return "BIGINT" if pd.api.types.is_integer_dtype(column) else "TEXT"


def _sqlite_value(value: Any) -> Any:
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return f"{value.tz_convert('UTC') if value.tzinfo else value:%Y-%m-%d %H:%M:%S.%f}"
    return value
