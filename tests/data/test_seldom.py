"""Tables that are seldom brought: each is read right, or refused in words."""

from __future__ import annotations

import datetime as dt
import os
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from csrisk import CustomerData
from csrisk.data import Column
from csrisk.data._query import far_table
from csrisk.exceptions import ConfigError, DataContractError
from csrisk.testing import on_engine
from csrisk.testing._engines import spark_session

pytestmark = pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning", "ignore::DeprecationWarning")

USAGE = pd.DataFrame({"account_id": ["a", "b"] * 3, "at": pd.date_range("2025-01-01", periods=6)})


def usage_of(table, **given):
    return CustomerData({"usage": table}, **given).frame("usage")


@pytest.fixture
def database():
    ibis = pytest.importorskip("ibis", reason="the extra ibis is not installed")
    connection = ibis.duckdb.connect()
    days = "SELECT 'secret' || i AS word, 'a' AS account_id, DATE '2025-01-01' + i::INTEGER AS at FROM range(4) r(i)"
    connection.raw_sql(f"CREATE TABLE usage AS {days}")
    return connection


def test_an_error_of_the_database_is_a_refusal_without_a_value(database):
    table = database.table("usage")
    odd = table.mutate(quantity=table.word.cast("int64")).drop("word")
    with pytest.raises(DataContractError, match=r"CSD006 table=usage .*the engine says ConversionException") as caught:
        CustomerData({"usage": odd})
    assert "secret" not in str(caught.value)


def test_tables_of_other_kinds_stand_beside_those_of_a_database(database):
    pl = pytest.importorskip("polars", reason="the extra polars is not installed")
    usage = database.table("usage").drop("word")
    frame = pl.DataFrame({"account_id": ["a"], "signed": [dt.datetime(2024, 1, 1)], "vip": [True]})
    data = CustomerData({"usage": usage, "accounts": frame})
    assert data.frame("accounts")[["signed", "vip"]].iloc[0].tolist() == [pd.Timestamp("2024-01-01"), True]
    assert data.attributes == {"vip": "vip"}
    twice = pa.table([pa.array(["a"])] * 2, names=["account_id", "account_id"])
    with pytest.raises(DataContractError, match="CSD005 table=accounts column=account_id"):
        CustomerData({"usage": usage, "accounts": twice})


def test_yes_and_no_as_a_quantity_are_one_and_none(database):
    table = database.table("usage")
    assert usage_of(table.mutate(quantity=table.word == "secret1").drop("word"))["quantity"].tolist() == [0, 1, 0, 0]
    assert usage_of(USAGE.assign(quantity=[True, False] * 3))["quantity"].tolist() == [1, 0] * 3


@pytest.mark.parametrize("engine", ["duckdb", "ibis-duckdb"])
def test_a_column_without_a_value_has_any_type(engine):
    struct = pa.struct([("x", pa.int64())])
    columns = {
        "account_id": ["a", "b"],
        "at": pa.array([1, 2], pa.timestamp("s")),
        "quantity": pa.array([None] * 2, struct),
    }
    table = pa.table(columns)
    if engine == "ibis-duckdb":
        ibis = pytest.importorskip("ibis", reason="the extra ibis is not installed")
        table = ibis.duckdb.connect().create_table("usage", table)
    assert usage_of(table)["quantity"].tolist() == [1.0, 1.0]


def test_words_of_a_dictionary_are_read_as_words():
    words = pa.array(["f", "g", None] * 2).dictionary_encode()
    table = pa.table({"account_id": pa.array(list("ab") * 3).dictionary_encode(), "at": USAGE["at"], "feature": words})
    read = usage_of(table)
    assert read["account_id"].tolist() == list("ab") * 3
    assert read["feature"].fillna("").tolist() == ["f", "g", ""] * 2


def test_a_stream_is_read_once():
    table = pa.table({"account_id": USAGE["account_id"], "at": USAGE["at"]})
    assert usage_of(table.to_reader())["at"].tolist() == USAGE["at"].tolist()


def test_a_cell_without_an_end_is_said_with_its_line(tmp_path):
    path = tmp_path / "usage.csv"
    path.write_text(f'account_id,at,feature\na,2025-01-01,"{"x" * 200_000}"\nb,2025-01-02\n')
    with pytest.raises(DataContractError, match=r"CSD006 .*line 2 holds a cell of more than 131,072 signs"):
        CustomerData({"usage": path})


@pytest.mark.parametrize("path", ["a\0b.csv", ["a\0b.csv"]])
def test_what_can_be_no_path_is_said(path):
    with pytest.raises(DataContractError, match=r"CSD006 .*it is no path"):
        CustomerData({"usage": path})


def test_a_workbook_that_is_not_there_is_said(tmp_path):
    with pytest.raises(DataContractError, match=r"CSD006 .*No such file"):
        CustomerData({"usage": tmp_path / "usage.xlsx"})


def test_a_folder_that_cannot_be_listed_is_said(tmp_path, monkeypatch):
    (tmp_path / "usage").mkdir()

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataContractError, match=r"CSD006 .*Permission denied"):
        CustomerData({"usage": tmp_path / "usage"})


def test_where_has_names():
    with pytest.raises(DataContractError, match=r"CSD002 .*where is no mapping"):
        CustomerData({"usage": USAGE}, where=["status"])


def test_a_word_is_no_number_of_a_filter():
    kinds = USAGE.assign(kind=["1", "one", "2"] * 2)
    assert len(usage_of(kinds, where={"usage": {"kind": [1]}})) == 2
    with pytest.raises(DataContractError, match=r"CSD025 .*the values are Int64"):
        CustomerData({"usage": USAGE.assign(kind=range(6))}, where={"usage": {"kind": ["one", 1]}})


def test_a_date_may_be_a_constant():
    dated = {"usage": {"at": {"constant": dt.date(2025, 1, 3)}}}
    assert set(usage_of(USAGE[["account_id"]], columns=dated)["at"]) == {pd.Timestamp("2025-01-03")}


def test_some_scores_off_their_scale_are_missing_and_many_refuse_all():
    def scores(odd):
        score = np.where(np.arange(100) < odd, 11, 4)
        accounts = [f"a{i}" for i in range(100)]
        table = {"account_id": accounts, "sent_at": "2025-01-01", "answered_at": "2025-01-02", "kind": "CSAT"}
        return CustomerData({"surveys": pd.DataFrame({**table, "score": score})}).frame("surveys")["score"]

    assert scores(12).isna().sum() == 12
    with pytest.raises(DataContractError, match=r"CSD304 .*count=30.*of 100, so all may be of another scale"):
        scores(30)


def test_a_rule_has_both_ends():
    assert Column("share", "number", "A share.", low=0, high=1).rule == "0 to 1"


def test_queries_over_files_that_cannot_be_read_are_refused(tmp_path):
    (tmp_path / "plans.csv").write_text('plan_id,price\n1,"2\n')
    for query, words in (
        (
            "SELECT * FROM 'plans.csv'",
            r"query: 'plans.csv' cannot be read: a quoted cell that begins in line 2 ends nowhere",
        ),
        ("SELECT nothing FROM (SELECT 1 AS one)", r"query cannot be run: Binder Error.*TRY_CAST"),
        ("SELECT * FROM 'absent.csv'", r"FROM 'absent\.csv'"),
    ):
        with pytest.raises(ConfigError, match=rf"(?s){words}"):
            CustomerData.from_folder(tmp_path, queries={"usage": query})


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT FROM WHERE (", "it cannot be parsed"),
        ("SELECT 1; SELECT 2", "it holds 2 statements"),
        ("SELECT account_id, uuid() AS at FROM usage", "which is not on the list|differs from run to run"),
        ("SELECT account_id, missing AS at FROM usage", "the database says [A-Za-z]+; run it there first"),
    ],
)
def test_queries_that_a_database_cannot_run_are_refused(database, query, words):
    with pytest.raises(ConfigError, match=words):
        far_table(database, query, ["usage"])


def test_on_polars_a_book_is_computed_in_polars():
    pytest.importorskip("polars", reason="the extra polars is not installed")
    data = CustomerData(on_engine({"usage": USAGE}, "polars"))
    assert type(data.lazy("usage").to_native()).__module__.startswith("polars")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["date", "timestamp", "timestamp_ntz"])
def test_times_of_spark_are_read_whatever_their_type(kind):
    pytest.importorskip("pyspark", reason="the extra spark is not installed")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("no Java is installed, which Spark needs")
    session = spark_session()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    try:
        words = session.createDataFrame(
            [("a", "2025-01-01 10:20:30.5"), ("b", "2025-01-02 00:00:00")], ["account_id", "at"]
        )
        table = words.selectExpr("account_id", f"CAST(at AS {kind}) AS at")
        read = usage_of(table).set_index("account_id")["at"]
    finally:
        session.conf.set("spark.sql.session.timeZone", "America/New_York")
    first = pd.Timestamp("2025-01-01 10:20:30")
    assert read["a"] == (first.normalize() if kind == "date" else first)
    assert read["b"] == pd.Timestamp("2025-01-02")
