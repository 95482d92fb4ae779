"""The same book gives the same tables, breaches and features on every engine, and only features come home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from csrisk import CustomerData, Snapshots, build_features
from csrisk.exceptions import DataContractError, DataWarning
from csrisk.features import SurveySentiment
from csrisk.testing import on_engine, random_tables

END = "2026-01-01"
DATES = pd.to_datetime(["2024-02-11", "2024-07-15", "2025-02-10"])
# moments of Spark know no other zone than UTC, so nothing is said of times without zone
ZONE = "CSD206"


def hand_over(tables, engine, request, monkeypatch):
    if engine == "pyspark":
        pytest.importorskip("pyspark", reason="the extra spark is not installed")
        if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
            pytest.skip("no Java is installed, which Spark needs")
    elif engine.startswith("ibis"):
        pytest.importorskip("ibis", reason="the extra ibis is not installed")
    if engine == "ibis-postgres":
        monkeypatch.setenv("CSRISK_TEST_POSTGRES", request.getfixturevalue("postgres"))
    return tables if engine == "handed over" else on_engine(tables, engine)


def opened(tables, end=END, threads=1):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # the books are odd on purpose
        return CustomerData(tables, end=end, threads=threads)


def said(data):
    return {(b.code, b.table, b.column, b.count, b.effect) for b in data.breaches if b.code != ZONE}


def content(data, table):
    """Rows of a canonical table as they come home, sorted by all columns."""
    frame = data.engine.collect(data.lazy(table)).astype(object)
    rows = [tuple(None if pd.isna(value) else value for value in row) for row in frame.itertuples(index=False)]
    return list(frame.columns), sorted(rows, key=str)


ENGINES = [
    "handed over",  # without a bound Polars takes the rows over once DuckDB has read them
    "ibis-polars",
    "ibis-duckdb",
    pytest.param("ibis-sqlite", marks=pytest.mark.slow),
    pytest.param("ibis-postgres", marks=pytest.mark.slow),
    pytest.param("pyspark", marks=pytest.mark.slow),
]


@pytest.mark.promise("The same tables, breaches and features on every engine")
@pytest.mark.parametrize("engine", ENGINES)
def test_tables_breaches_and_all_features_are_the_same(engine, request, monkeypatch):
    tables = random_tables(5, n_accounts=5)
    threads = None if engine == "handed over" else 1
    data, other = opened(tables), opened(hand_over(tables, engine, request, monkeypatch), threads=threads)
    with data, other:
        polars = ("handed over", "ibis-polars")
        assert other.engine.name == ("polars" if engine in polars else engine.replace("-", " "))
        assert said(other) == said(data)
        assert (other.end, other.start, other.tables) == (data.end, data.start, data.tables)
        assert other.accounts.equals(data.accounts)
        for table in data.tables:
            assert content(other, table) == content(data, table), table
        pairs = pd.MultiIndex.from_product([data.accounts, DATES], names=["account_id", "as_of"])
        expected = build_features(data, Snapshots.of(data, pairs))
        found = build_features(other, Snapshots.of(other, pairs))
    assert list(found) == list(expected)
    assert len(found.columns) >= 60
    for name in expected:
        left, right = found[name], expected[name]
        if left.dtype == "category":
            assert left.astype(object).fillna("").tolist() == right.astype(object).fillna("").tolist(), name
            continue
        whole = right.isna() | (right == right.round())
        assert (left[whole].fillna(-1) == right[whole].fillna(-1)).all(), name
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("engine", ["ibis-polars", "ibis-duckdb", "ibis-sqlite"])
def test_a_loop_is_closed_by_an_action_or_a_refusal(engine, request, monkeypatch):
    acted, declined = (["2024-05-05", None, "2024-05-09", None], [None, "2024-05-06", "2024-05-07", None])
    tables = {
        "surveys": pd.DataFrame(
            {
                "account_id": ["a", "b", "c", "d"],
                "sent_at": pd.Timestamp("2024-05-01"),
                "answered_at": pd.Timestamp("2024-05-02"),
                "acted_at": pd.to_datetime(acted),
                "declined_at": pd.to_datetime(declined),
                "kind": "nps",
                "score": 5.0,
            }
        )
    }
    with opened(hand_over(tables, engine, request, monkeypatch)) as data:
        pairs = pd.MultiIndex.from_product(
            [data.accounts, pd.to_datetime(["2024-05-08"])], names=["account_id", "as_of"]
        )
        found = build_features(data, Snapshots.of(data, pairs), [SurveySentiment()])
    assert found["loops_closed_share_90d"].tolist() == [1, 1, 1, 0]
    assert found["oldest_open_loop_days"].fillna(-1).tolist() == [-1, -1, -1, 6]


BAD = {
    "accounts": pd.DataFrame(
        {
            "account_id": [1, 2, 2, 3],
            "started_at": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-02-01", "2024-03-01"]),
            "ended_at": pd.to_datetime([None, None, None, "2023-01-01"]),
            "segment": ["s", "s", "s", "s"],
        }
    ),
    "usage": pd.DataFrame(
        {
            "account_id": [1.0, 2.0, None, 3.0, 1.0, 4.0, 2.0],
            "at": pd.to_datetime(
                [
                    "2024-05-01 23:59:59.9",
                    None,
                    "2024-05-03",
                    "2024-05-04",
                    "2030-01-01",
                    "2024-05-06",
                    "1969-12-31 23:59:59.5",
                ],
                format="ISO8601",
            ),
            "quantity": [1.0, 2.0, 3.0, -4.0, 5.0, None, float("inf")],
            "user_id": ["u", " ", "", None, "v", "w", "x"],
        }
    ),
    "surveys": pd.DataFrame(
        {
            "account_id": ["1", "2", "2", "2"],
            "sent_at": pd.to_datetime(["2024-05-01", *["2024-05-02 12:00"] * 3], format="ISO8601"),
            "answered_at": pd.to_datetime(["2024-05-02", "2024-05-02", "2024-05-02 11:00", None], format="ISO8601"),
            "kind": ["nps", " CSAT", "ces", "smile"],
            "score": [11.0, 5.0, 3.0, 2.0],
        }
    ),
    "subscriptions": pd.DataFrame(
        {
            "account_id": ["1", "1", "1", "2", "2"],
            "start_at": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-05-01", "2024-01-01", "2024-01-01"]),
            "end_at": pd.to_datetime(["2024-03-01", None, None, "2024-02-01", "2024-02-01"]),
            "mrr": [10.0, -1.0, 3.0, 4.0, 4.0],
        }
    ),
}


@pytest.mark.parametrize("engine", ["ibis-duckdb", pytest.param("ibis-sqlite", marks=pytest.mark.slow)])
def test_bad_rows_break_the_same_rules(engine, request, monkeypatch):
    data, other = opened(BAD), opened(hand_over(BAD, engine, request, monkeypatch))
    with data, other:
        assert said(other) == said(data)
        assert {b.examples for b in other.breaches if b.code == "CSD305"} == {("smile",)}
        for table in data.tables:
            assert content(other, table) == content(data, table), table
        keys = ["table", "code", "rule"]
        assert other.rejected[keys].value_counts().to_dict() == data.rejected[keys].value_counts().to_dict()
        assert other.rejected["row"].tolist() == data.rejected["row"].tolist()


def test_local_tables_beside_those_of_a_database_are_sent_there():
    ibis = pytest.importorskip("ibis", reason="the extra ibis is not installed")
    tables = random_tables(2, n_accounts=3)
    connection = ibis.duckdb.connect()
    usage = connection.create_table("log", tables["usage"].rename(columns={"at": "event_time"}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        given = {"usage": usage, "advocacy": tables["advocacy"]}
        other = CustomerData(given, columns={"usage": {"at": "event_time"}}, end=END)
    with other:
        assert other.engine.name == "ibis duckdb"
        assert other.tables == ("usage", "advocacy")
        again = tables["usage"]["event_id"].notna() & tables["usage"].duplicated(["account_id", "event_id"])
        assert len(other.frame("usage")) == (~again).sum()
        assert "account_id" in other.frame("usage")
    # what was kept in the database is gone, the table of the user is not
    assert connection.con.sql("SELECT table_name FROM duckdb_tables()").fetchall() == [("log",)]


def test_tables_of_two_connections_are_refused(tmp_path):
    ibis = pytest.importorskip("ibis", reason="the extra ibis is not installed")
    tables = random_tables(2, n_accounts=3)
    one, two = ibis.duckdb.connect(), ibis.duckdb.connect()
    given = {"usage": one.create_table("t", tables["usage"]), "contacts": two.create_table("t", tables["contacts"])}
    with pytest.raises(DataContractError, match=r"CSD007 table=contacts .*same connection"):
        CustomerData(given, end=END)
    given = {"usage": given["usage"], "contacts": tmp_path / "contacts.parquet"}
    with pytest.raises(DataContractError, match=r"CSD007 table=contacts .*same connection"):
        CustomerData(given, end=END)


def test_times_as_text_are_refused_with_the_next_step():
    ibis = pytest.importorskip("ibis", reason="the extra ibis is not installed")
    log = ibis.duckdb.connect().create_table("t", pd.DataFrame({"account_id": ["a"], "at": ["2025-01-01"]}))
    with pytest.raises(DataContractError, match=r"CSD011 table=usage column=at .*cannot be read as time; convert"):
        CustomerData({"usage": log})


def test_neither_spark_nor_ibis_is_imported_for_local_tables():
    code = (
        "import sys, pandas as pd; from csrisk import CustomerData\n"
        "CustomerData({'usage': pd.DataFrame({'account_id': ['a', 'b'], 'at': ['2025-01-01', '2025-01-02']})})\n"
        "assert not {'pyspark', 'ibis', 'sqlglot'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
