"""Several threads on one CustomerData get the bits of one; a fork of its process is told so."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import csrisk as cr
from csrisk.data._engines._engine import DuckDBEngine
from csrisk.datasets import make_saas
from csrisk.exceptions import ConfigError
from csrisk.features import Relationship, SurveySentiment
from csrisk.testing import on_engine

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.promise("Threads and forks get the bits of one")

TABLES = {name: table for name, table in make_saas(25, 14, seed=3).tables.items() if name != "usage"}
KINDS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "arrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}


@pytest.fixture(scope="module", params=list(KINDS))
def data(request: pytest.FixtureRequest) -> cr.CustomerData:
    return cr.CustomerData({name: KINDS[request.param](table) for name, table in TABLES.items()})


def everything(data: cr.CustomerData) -> list[pd.DataFrame | pd.Series[Any]]:
    """What a service asks of its data: frames, rejected rows, snapshots, features and labels."""
    snapshots = cr.Snapshots.every(data, "QS", horizon="90D")
    return [
        *(data.frame(name) for name in data.tables),
        data.rejected,
        cr.build_features(data, snapshots, [Relationship(), SurveySentiment()]),
        cr.label_churn(data, snapshots),
    ]


def differences(found: list[Any], wanted: list[Any]) -> int:
    return sum(not a.equals(b) for a, b in zip(found, wanted, strict=True))


def test_four_threads_get_the_bits_of_one(data: cr.CustomerData) -> None:
    wanted = everything(data)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: everything(data), range(4)))
    assert [differences(one, wanted) for one in found] == [0] * 4


def some(data: cr.CustomerData) -> list[Any]:
    """A little of everything: frames, rejected rows and labels; a frame of the engine that is dropped again."""
    snapshots = cr.Snapshots.every(data, "QS", horizon="90D")
    features = cr.build_features(data, snapshots, [Relationship()])
    return [data.frame("accounts"), data.rejected, cr.label_churn(data, snapshots), features]


def same_in_threads(data: cr.CustomerData, threads: int) -> None:
    wanted = some(data)
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda _: some(data), range(threads)))
    assert [differences(one, wanted) for one in found] == [0] * threads


@pytest.mark.slow
def test_24_threads_get_the_bits_of_one() -> None:
    same_in_threads(cr.CustomerData(TABLES), 24)


@pytest.mark.slow
def test_8_threads_on_a_connection_of_ibis_get_the_bits_of_one() -> None:
    same_in_threads(cr.CustomerData(on_engine(TABLES, "ibis-duckdb")), 8)


@pytest.mark.slow
def test_8_threads_on_spark_get_the_bits_of_one() -> None:
    # few tables: Spark plans each of nine times anew, for seconds a table
    tables = {name: TABLES[name] for name in ("accounts", "subscriptions", "surveys")}
    same_in_threads(cr.CustomerData(on_engine(tables, "pyspark")), 8)


def shared_sqlite() -> dict[str, Any]:
    """Tables on a connection that any thread may use, one at a time."""
    tables = on_engine(TABLES, "ibis-sqlite")
    backend = next(iter(tables.values())).get_backend()
    (path,) = [row[2] for row in backend.con.execute("PRAGMA database_list")]
    again = ibis.sqlite.from_connection(sqlite3.connect(path, check_same_thread=False))
    return {name: again.table(table.get_name()) for name, table in tables.items()}


@pytest.mark.slow
def test_8_threads_on_sqlite_get_the_bits_of_one_where_its_connection_is_for_all() -> None:
    same_in_threads(cr.CustomerData(shared_sqlite()), 8)


def test_other_threads_than_that_of_sqlite_are_told_so() -> None:
    data = cr.CustomerData(on_engine(TABLES, "ibis-sqlite"))
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(ConfigError, match=r"SQLite serve the thread that opened .* check_same_thread=False"),
    ):
        pool.submit(some, data).result()


def test_two_threads_that_keep_the_same_frame_of_ibis_do_not_drop_it_for_each_other() -> None:
    data = cr.CustomerData(on_engine(TABLES, "ibis-duckdb"))
    rows, wanted = data.lazy("surveys"), len(TABLES["surveys"])
    begun, ended = threading.Event(), threading.Event()

    def other() -> None:
        with data.engine.scratch():
            data.engine.materialise(rows)
            begun.set()
            ended.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    begun.wait(10)
    with data.engine.scratch():
        mine = data.engine.materialise(rows)
        ended.set()
        thread.join()
        assert len(data.engine.collect(mine)) == wanted
        with data.engine.scratch():
            data.engine.materialise(rows)
        assert len(data.engine.collect(mine)) == wanted


def test_workers_of_asyncio_get_the_bits_of_one(data: cr.CustomerData) -> None:
    async def serve() -> list[Any]:
        return await asyncio.gather(*(asyncio.to_thread(data.frame, "accounts") for _ in range(8)))

    wanted = data.frame("accounts")
    assert all(found.equals(wanted) for found in asyncio.run(serve()))


def test_a_thread_that_ends_leaves_its_connection_to_the_next() -> None:
    engine = DuckDBEngine(on_disk=False)
    engine.settle()
    seen = set()
    for _ in range(5):
        one = threading.Thread(target=lambda: seen.add(id(engine.connection)))
        one.start()
        one.join()
    assert len(seen) == 1
    engine.close()


def test_temporary_tables_of_one_thread_are_not_dropped_by_another() -> None:
    engine = DuckDBEngine(on_disk=False)
    begun, ended = threading.Event(), threading.Event()

    def other() -> None:
        with engine.scratch():
            engine.from_pandas(pd.DataFrame({"a": [1]}))
            begun.set()
            ended.wait(10)

    thread = threading.Thread(target=other)
    with engine.scratch():
        mine = engine.from_pandas(pd.DataFrame({"a": [1, 2]}))
        thread.start()
        begun.wait(10)
        ended.set()
        thread.join()
        assert engine.collect(mine)["a"].tolist() == [1, 2]
    engine.close()


def in_child(work: Callable[[], object]) -> int:
    """Exit code of a fork that works and then ends as a Python program does; 99 if it hangs."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            os._exit(7 if isinstance(error, ConfigError) and ("fork" in str(error)) else 8)
        sys.stdout.flush()
        os._exit(0)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 99


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.parametrize(
    "work",
    [lambda data: data.frame("accounts"), lambda data: data.lazy("surveys"), lambda data: data.rejected, everything],
    ids=["frame", "lazy", "rejected", "everything"],
)
def test_a_fork_is_told_to_open_the_tables_anew(data: cr.CustomerData, work: Callable[[Any], object]) -> None:
    assert in_child(lambda: work(data)) == 7


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_fork_opens_tables_of_its_own() -> None:
    wanted = cr.CustomerData(TABLES).frame("accounts")

    def work() -> None:
        assert cr.CustomerData(TABLES).frame("accounts").equals(wanted)

    assert in_child(work) == 0


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="no /proc")
def test_a_fork_of_a_process_with_polars_at_work_is_refused_rather_than_hung() -> None:
    tables = {name: pl.from_pandas(table) for name, table in TABLES.items()}
    tables["accounts"].lazy().select(pl.all()).collect()
    assert in_child(lambda: cr.CustomerData(tables)) == 7


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_fork_ends_without_a_crash_where_its_parent_has_data_open() -> None:
    data = cr.CustomerData(TABLES)
    child = os.fork()
    if child == 0:
        del data
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(data.frame("accounts")) == len(np.unique(TABLES["accounts"]["account_id"]))
