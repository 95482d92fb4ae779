"""Engines: same results with plain types, scratch files removed whatever happens."""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
import threading
from decimal import Decimal
from functools import partial
from importlib.metadata import PackageNotFoundError
from typing import TYPE_CHECKING, Any

import duckdb
import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from csrisk import CustomerData
from csrisk.data import _customer_data
from csrisk.data._engines._engine import DuckDBEngine, PolarsEngine
from csrisk.exceptions import ConfigError, DataContractError

if TYPE_CHECKING:
    from pathlib import Path

ENGINES = [DuckDBEngine, PolarsEngine]


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where scratch folders go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "k": [2, 1, 2, 1],
            "v": [0.1, 0.2, np.nan, 0.4],
            "n": pd.array([1, None, 3, 4], dtype="Int64"),
            "s": ["x", None, "y", "x"],
            "b": [True, False, True, False],
            "t": pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-03", "2025-01-04"]),
        },
        index=[5, 6, 7, 8],
    )


@pytest.mark.parametrize("make", ENGINES)
def test_there_and_back(make: Any) -> None:
    engine = make()
    back = engine.collect(engine.materialise(engine.from_pandas(frame()), sort_by=["k", "t"]))
    assert back["k"].tolist() == [1, 1, 2, 2]
    assert {name: str(kind) for name, kind in back.dtypes.items()} == {
        "k": "int64",
        "v": "float64",
        "n": "Int64",
        "s": "str" if pd.__version__ >= "3" else "object",
        "b": "bool",
        "t": "datetime64[us]",
    }
    assert back["n"].tolist() == [pd.NA, 4, 1, 3] or back["n"].isna().tolist() == [True, False, False, False]
    assert list(back.index) == [0, 1, 2, 3]


@pytest.mark.parametrize("make", ENGINES)
def test_sums_come_home_as_plain_numbers(make: Any) -> None:
    engine = make()
    table = engine.from_pandas(
        pd.DataFrame({"k": [1, 1, 2], "i": np.array([2**31 - 1] * 3, dtype="int32"), "v": [0.5, 0.25, 1]})
    )
    summed = (
        table.with_columns(nw.col("i").cast(nw.Int64))
        .group_by("k")
        .agg(nw.col("i").sum(), nw.col("v").sum(), nw.len().alias("n"), nw.col("v").mean().alias("m"))
    )
    home = engine.collect(engine.materialise(summed, sort_by=["k"]))
    assert [str(home[c].dtype) for c in ("i", "v", "n", "m")] == ["int64", "float64", "int64", "float64"]
    assert home["i"].tolist() == [2 * (2**31 - 1), 2**31 - 1]
    assert home["v"].tolist() == [0.75, 1.0]


def test_decimals_come_home_as_floats() -> None:
    engine = DuckDBEngine()
    home = engine.home("SELECT 1.5 AS a, sum(x) AS b FROM (SELECT CAST(3 AS HUGEINT) AS x)")
    assert not any(isinstance(value, Decimal) for value in home.iloc[0])
    assert [str(kind) for kind in home.dtypes] == ["float64", "int64"]


@pytest.mark.parametrize("sort_by", [(), ["at"], ("group", "at")])
def test_words_of_sql_may_be_column_names(sort_by: Any) -> None:
    engine = DuckDBEngine()
    table = engine.from_pandas(pd.DataFrame({"at": [2, 1], "group": ["b", "a"]}))
    assert engine.collect(engine.materialise(table, sort_by=sort_by))["at"].sum() == 3


def test_scratch_goes_with_the_data(scratch: Path) -> None:
    data = CustomerData({"usage": pd.DataFrame({"account_id": ["a", "b"], "at": ["2025-01-01", "2025-01-02"]})})
    assert len(list(scratch.iterdir())) == 1
    del data
    gc.collect()
    assert not list(scratch.iterdir())


def test_scratch_goes_on_close_and_on_failure(scratch: Path) -> None:
    usage = pd.DataFrame({"account_id": ["a", "b"], "at": ["2025-01-01", "2025-01-02"]})
    with CustomerData({"usage": usage}) as data:
        assert len(list(scratch.iterdir())) == 1
    assert not list(scratch.iterdir())
    data.close()
    with pytest.raises(DataContractError, match="CSD001"):
        CustomerData({"use": usage})
    assert not list(scratch.iterdir())
    with pytest.raises(ConfigError, match="memory_limit='much'"):
        CustomerData({"usage": usage}, memory_limit="much")
    assert not list(scratch.iterdir())


def test_scratch_goes_at_exit(scratch: Path) -> None:
    code = (
        "import pandas as pd, tempfile; from csrisk import CustomerData; "
        f"tempfile.tempdir = {str(scratch)!r}; "
        "data = CustomerData({'usage': pd.DataFrame({'account_id': ['a', 'b'], 'at': ['2025-01-01', '2025-01-02']})}); "
        "raise SystemExit(3)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 3
    assert not list(scratch.iterdir())


def test_large_tables_are_kept_on_disk_and_spill(scratch: Path) -> None:
    n = 600_000
    rng = np.random.default_rng(0)
    usage = pd.DataFrame(
        {
            "account_id": np.char.add("account-", rng.integers(0, 2000, n).astype(str)),
            "at": np.datetime64("2025-01-01", "s") + rng.integers(0, 8_000_000, n),
            "feature": np.char.add("feature-", rng.integers(0, 500, n).astype(str)),
        }
    )
    data = CustomerData({"usage": usage}, memory_limit="150MB", threads=2)
    assert any(path.name == "book.duckdb" for path in scratch.rglob("*"))
    rolled = data.lazy("usage").group_by("account", "day", "feature").agg(nw.len().alias("n"))
    kept = data.engine.materialise(rolled, sort_by=["account", "day"])
    total = data.engine.collect(kept.select(nw.col("n").sum()))["n"].tolist()
    assert total == [n]
    data.close()
    assert not list(scratch.iterdir())


def _version(installed: str, name: str) -> str:
    assert name == "polars"
    if installed == "absent":
        raise PackageNotFoundError(name)
    return installed


def test_polars_computes_what_came_so_and_small_books_unless_the_engine_is_bounded_or_a_relation_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usage = pl.DataFrame({"account_id": ["a", "b"], "at": ["2025-01-01", "2025-01-02"]})
    contacts = pd.DataFrame({"account_id": ["a"], "opened_at": ["2025-01-01"]})
    relation = duckdb.connect().from_arrow(usage.to_arrow())

    def name_of(*, usage: Any = usage, **bounds: Any) -> str:
        return CustomerData({"usage": usage, "contacts": contacts}, **bounds).engine.name

    assert isinstance(CustomerData({"usage": usage}).lazy("usage").to_native(), pl.LazyFrame)
    assert name_of() == "polars"
    assert name_of(usage=relation) == name_of(threads=1) == name_of(memory_limit="500MB") == "duckdb"
    # Polars may not be installed, or too old, and after a fork it would wait for its threads for ever
    for there, lost in (("absent", ""), ("1.19.2", ""), ("1.20.0", "polars")):
        with monkeypatch.context() as other:
            other.setattr("csrisk.data._engines._engine.version", partial(_version, there))
            other.setattr("csrisk.data._engines._engine.lost_threads", lost.__eq__)
            assert name_of(usage=usage.to_pandas()) == "duckdb"
    monkeypatch.setattr("csrisk.data._engines._engine._SMALL_ROWS", 2)
    assert name_of() == "duckdb"
    assert CustomerData({"usage": usage}).engine.name == "polars"


def test_large_polars_tables_are_scanned(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = pl.DataFrame({"account_id": ["a", "b", None], "at": ["2025-01-01", "2025-01-02", "2025-01-02"]})
    with pytest.warns(UserWarning, match="CSD101"):
        small = CustomerData({"usage": usage})
    monkeypatch.setattr(_customer_data, "_IN_MEMORY_ROWS", 1)
    monkeypatch.setattr("csrisk.data._engines._engine._SMALL_ROWS", 1)
    with pytest.warns(UserWarning, match="CSD101"):
        large = CustomerData({"usage": usage.lazy()})
    assert "SCAN" in large.lazy("usage").to_native().explain()
    assert large.lazy("usage").collect_schema() == small.lazy("usage").collect_schema()
    pd.testing.assert_frame_equal(large.frame("usage"), small.frame("usage"))


def test_warnings_blame_the_line_of_the_caller(tmp_path: Path) -> None:
    usage = pd.DataFrame({"account_id": ["a", "b", None], "at": ["2025-01-01", "2025-01-02", "2025-01-02"]})
    usage.to_csv(tmp_path / "usage.csv")
    with pytest.warns(UserWarning, match="CSD101") as said:
        CustomerData({"usage": usage})
    with pytest.warns(UserWarning, match="CSD101") as said_of_files:
        CustomerData.from_folder(tmp_path)
    assert said[0].filename == said_of_files[0].filename == __file__


def test_another_thread_may_read() -> None:
    data = CustomerData({"usage": pd.DataFrame({"account_id": ["a", "b"], "at": ["2025-01-01", "2025-01-02"]})})
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(len(data.frame("usage"))))
    thread.start()
    thread.join()
    assert found == [2]


def test_ids_that_made_the_codes_of_accounts_stay_in_no_table() -> None:
    engine = DuckDBEngine()
    engine.set_accounts(["a", "b"])
    assert engine.connection.sql("SELECT table_name FROM duckdb_tables()").fetchall() == []
    assert engine.connection.sql("SELECT enum_code('b'::book_accounts)").fetchall() == [(1,)]
