"""Several threads on one CustomerData get the bits of one; a fork of its process is told so."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import csrisk as cr
from csrisk.data._engine import DuckDBEngine
from csrisk.datasets import make_saas
from csrisk.exceptions import ConfigError
from csrisk.features import Relationship, SurveySentiment

if TYPE_CHECKING:
    from collections.abc import Callable

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
