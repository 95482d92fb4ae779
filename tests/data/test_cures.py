"""What a declaration says of columns and rows means the same at every door."""

from __future__ import annotations

import sqlite3
import warnings
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from csrisk import CustomerData, RiskSpec
from csrisk._pipeline._load import open_source
from csrisk.data._cures import filtered, require_where
from csrisk.data._engines._engine import DuckDBEngine
from csrisk.data._engines._native_engines import is_native, native_engine, unwrapped
from csrisk.exceptions import ConfigError, DataContractError, DataWarning
from csrisk.testing import on_engine

pytestmark = pytest.mark.promise("A cure of a column or row means the same at every door")

ENGINES = ["duckdb", "polars", "ibis-duckdb", "ibis-sqlite", "ibis-polars"]
FILES = ["csv", "parquet", "sqlite-file", "duckdb-file"]
DOORS = [*ENGINES, *FILES, pytest.param("pyspark", marks=pytest.mark.slow)]
TEXT_DOORS = ["duckdb", "polars", "ibis-polars", *FILES]  # those that bring text into another form before it is read

SUBSCRIPTIONS = pd.DataFrame(
    {
        "ACCOUNT_ID": ["a", "b", "c", "d", "e"],
        "Created": [1_704_067_200, 1_706_745_600, 1_709_251_200, 1_709_251_200, 1_709_251_200],
        "Annual": [1200.0, 2400.0, 600.0, 12.0, 7.0],
        "cur": ["eur", "USD ", "EUR", "EUR", "GBP"],
        "status": ["Active", "active ", "ACTIVE", "trial", None],
        "is_test": [0, 0, 0, 0, 1],
    }
)
SURVEYS = pd.DataFrame(
    {
        "account_id": ["a", "b", "c"],
        "sent": ["31/01/2024", "01/02/2024 9:05", "2.3.2024, 14:30:15"],
        "rating": ["9 - likely", "10", "3 (unlikely)"],
        "mood": ["Good", "bad", "good "],
        "percent": [0.0, 50.0, 100.0],
    }
)
DECLARED: dict[str, dict[str, Any]] = {
    "subscriptions": {
        "columns": {
            "start_at": {"name": "created", "unit": "s"},
            "mrr": {"name": "annual", "factor": "1/12"},
            "currency": {"name": "cur", "rates": {"EUR": 1, "USD": 0.5}},
            "auto_renews": {"constant": True},
            "product": {"constant": "Acme's one"},
        },
        "where": {"STATUS": ["active"], "is_test": {"not": [True]}},
    }
}


def opened(door: str, tables: dict[str, pd.DataFrame], declared: dict[str, Any], tmp_path: Any) -> CustomerData:
    """Tables as they come through one of the doors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        if door in FILES:
            spec = RiskSpec.from_dict({"tables": declared})
            return open_source(written(door, tables, tmp_path), spec, end="2025-01-01")
        said = {key: {name: one[key] for name, one in declared.items() if key in one} for key in ("columns", "where")}
        return CustomerData(on_engine(tables, door), **said, end="2025-01-01")  # type: ignore[arg-type]


def written(door: str, tables: dict[str, pd.DataFrame], folder: Any) -> Any:
    if door.endswith("-file"):
        path = folder / "book.db"
        for name, table in tables.items():
            if door == "sqlite-file":
                with sqlite3.connect(path) as connection:
                    table.to_sql(name, connection, index=False)
            else:
                import duckdb

                with duckdb.connect(str(path)) as connection:
                    connection.register("given", pa.Table.from_pandas(table))
                    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
        return path
    for name, table in tables.items():
        if door == "csv":
            table.to_csv(folder / f"{name}.csv", index=False)
        else:
            table.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


@pytest.mark.parametrize("door", DOORS)
def test_unit_factor_rate_constant_and_filter_at_every_door(door, tmp_path):
    """1200 a year in EUR is 100 a month; 2400 in USD at .5 is 100; the trial and the test user are left out."""
    data = opened(door, {"subscriptions": SUBSCRIPTIONS}, DECLARED, tmp_path)
    table = data.frame("subscriptions").sort_values("account_id", ignore_index=True)
    assert table["account_id"].tolist() == ["a", "b", "c"] == list(data.accounts)
    assert table["mrr"].tolist() == [100.0, 100.0, 50.0]
    assert table["currency"].tolist() == ["EUR"] * 3
    assert table["start_at"].dt.strftime("%Y-%m-%d %H:%M").tolist() == [f"2024-0{m}-01 00:00" for m in (1, 2, 3)]
    assert table["auto_renews"].tolist() == [True] * 3
    assert table["product"].tolist() == ["Acme's one"] * 3
    (left,) = (breach for breach in data.breaches if breach.code == "CSD024")
    assert (left.count, left.effect, left.detail) == (2, "row left out", "of 5")
    assert data.left_out == {"subscriptions": 2}
    assert "CSD206" not in {breach.code for breach in data.breaches}, "an epoch is UTC"


@pytest.mark.parametrize("door", TEXT_DOORS)
def test_day_first_dates_and_numbers_before_words(door, tmp_path):
    columns = {
        "sent_at": {"name": "sent", "dates": "day first"},
        "answered_at": {"name": "sent", "dates": "day first"},
        "kind": {"constant": "nps"},
        "score": {"name": "rating", "leading_number": True},
    }
    table = opened(door, {"surveys": SURVEYS}, {"surveys": {"columns": columns}}, tmp_path).frame("surveys")
    moments = table["sent_at"].dt.strftime("%Y-%m-%d %H:%M:%S").tolist()
    assert moments == ["2024-01-31 00:00:00", "2024-02-01 09:05:00", "2024-03-02 14:30:15"]
    assert table["score"].tolist() == [9.0, 10.0, 3.0]
    assert table["kind"].tolist() == ["NPS"] * 3


@pytest.mark.parametrize("door", DOORS)
def test_scales_and_words_at_every_door(door, tmp_path):
    """0, 50 and 100 of 0-100 are 1, 3 and 5 of 1-5; good is 5 and bad is 1."""
    surveys = SURVEYS.assign(sent=pd.to_datetime(["2024-01-31", "2024-02-01", "2024-03-02"]).astype("datetime64[us]"))
    for score in ({"name": "percent", "scale": "0-100 to 1-5"}, {"name": "mood", "words": {"good": 5, "Bad": 1}}):
        columns = {"sent_at": "sent", "answered_at": "sent", "kind": {"constant": "CSAT"}, "score": score}
        folder = tmp_path / str(len(score["name"]))
        folder.mkdir()
        table = opened(door, {"surveys": surveys}, {"surveys": {"columns": columns}}, folder).frame("surveys")
        expected = [1.0, 3.0, 5.0] if "scale" in score else [5.0, 1.0, 5.0]
        assert table.sort_values("account_id")["score"].tolist() == expected


@pytest.mark.parametrize("door", DOORS)
def test_a_word_that_is_not_declared_is_unreadable_and_counted(door, tmp_path):
    columns = {"opened_at": "at", "severity": {"name": "priority", "words": {"urgent": 1, "low": 4}}}
    days = pd.to_datetime(["2024-01-01"] * 4).astype("datetime64[us]")
    contacts = pd.DataFrame({"account_id": list("abca"), "at": days, "priority": ["Urgent", "high", "low", None]})
    data = opened(door, {"contacts": contacts}, {"contacts": {"columns": columns}}, tmp_path)
    assert sorted(data.frame("contacts")["severity"].dropna()) == [1.0, 4.0]
    (unread,) = (breach for breach in data.breaches if breach.code == "CSD301")
    assert (unread.column, unread.count, unread.examples) == ("severity", 1, ("aaaa",))


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
@pytest.mark.parametrize("door", ["csv", "ibis-sqlite"])
def test_a_wrong_unit_is_said_and_never_a_date(door, unit, tmp_path):
    """Milliseconds read as seconds lie after 2100, read as microseconds in 1970."""
    moments = [1_704_067_200_000, 1_704_153_600_000, 1_704_240_000_000]
    usage = pd.DataFrame({"account_id": list("aba"), "at": moments})
    declared = {"usage": {"columns": {"at": {"unit": unit}}}}
    if unit == "s":
        with pytest.raises(DataContractError, match="CSD203"):
            opened(door, {"usage": usage}, declared, tmp_path)
        return
    data = opened(door, {"usage": usage}, declared, tmp_path)
    assert data.frame("usage")["at"].dt.year.unique().tolist() == [2024 if unit == "ms" else 1970]


def test_month_first_and_day_first_differ_and_what_fits_neither_is_unreadable():
    usage = pd.DataFrame({"account_id": list("abab"), "at": ["02/03/2024", "2024-01-05", "31/12/2024", "1/2/24"]})
    read = {}
    for dates in ("day first", "month first"):
        with pytest.warns(DataWarning, match="CSD202"):
            data = CustomerData({"usage": usage}, columns={"usage": {"at": {"dates": dates}}})
        read[dates] = sorted(data.frame("usage")["at"].dt.strftime("%Y-%m-%d"))
    assert read == {
        "day first": ["2024-01-05", "2024-03-02", "2024-12-31"],
        "month first": ["2024-01-05", "2024-02-03"],
    }


@pytest.mark.parametrize("answer", ["1,5", "9/10", "nine", "-", "9likely"])
def test_a_number_that_runs_on_is_no_leading_number(answer):
    rows = {"account_id": ["a", "b"], "sent_at": ["2024-01-01"] * 2, "answered_at": ["2024-01-02"] * 2}
    surveys = pd.DataFrame({**rows, "score": ["7 of ten", answer]})
    columns = {"surveys": {"kind": {"constant": "NPS"}, "score": {"leading_number": True}}}
    with pytest.warns(DataWarning, match="CSD301 table=surveys column=score count=1"):
        data = CustomerData({"surveys": surveys}, columns=columns)
    assert data.frame("surveys")["score"].dropna().tolist() == [7.0]


def book(**columns: Any) -> pd.DataFrame:
    days = pd.date_range("2024-01-01", periods=4).astype("datetime64[us]")
    return pd.DataFrame({"account_id": list("abcd"), "at": days, **columns})


WHERE = [
    ({"state": "active"}, ["a", "b"]),
    ({"state": {"not": "active"}}, ["c", "d"]),  # without a state is not active
    ({"state": [""]}, ["d"]),
    ({"state": {"not": [""]}}, ["a", "b", "c"]),
    ({"state": ["active", ""]}, ["a", "b", "d"]),
    ({"level": [1, 2]}, ["a", "b"]),
    ({"level": ["1"]}, ["a"]),
    ({"level": {"not": [3]}}, ["a", "b", "d"]),
    ({"trial": [True]}, ["a"]),
    ({"trial": {"not": [True]}}, ["b", "c", "d"]),
    ({"gone_at": ""}, ["b", "c", "d"]),
    ({"gone_at": ""} | {"state": "active"}, ["b"]),
]


@pytest.mark.parametrize("door", ["duckdb", "csv", "parquet", "ibis-duckdb", "ibis-sqlite", "ibis-polars"])
def test_filters_mean_the_same_at_every_door(door, tmp_path):
    gone = pd.to_datetime(["2024-02-01", None, None, None]).astype("datetime64[us]")
    columns = {"state": ["Active", "active", "trial", None], "level": [1.0, 2.0, 3.0, None], "gone_at": gone}
    tables = {"usage": book(**columns, trial=pd.array([True, False, False, False], dtype=bool))}
    if door in FILES:
        engine, brought = DuckDBEngine(), written(door, tables, tmp_path) / f"usage.{door}"
    else:
        brought = unwrapped(on_engine(tables, door)["usage"])
        engine = native_engine(brought) if is_native(brought) else DuckDBEngine()
    opened = engine.open("usage", brought)
    for where, kept in WHERE:
        rows, (left,) = filtered(engine, "usage", opened, require_where(where))
        assert sorted(engine.collect(rows.rows().select("account_id"))["account_id"]) == kept, where
        assert (left.code, left.count) == ("CSD024", 4 - len(kept)), where
    engine.close()


def test_positions_are_those_of_the_table_that_came():
    usage = book(state=["trial", "active", "active", "active"], quantity=[1, 1, -5, 1])
    for engine in ("duckdb", "ibis-duckdb"):
        with pytest.warns(DataWarning, match=r"CSD303 table=usage column=quantity count=1 rows=\[2\]"):
            data = CustomerData(on_engine({"usage": usage}, engine), where={"usage": {"state": "active"}})
        assert data.rejected["row"].tolist() == [2]


def test_a_filter_that_leaves_nothing_is_refused_and_one_with_an_idle_value_said():
    usage = book(state=["active", "trial", "trial", "active"])
    with pytest.raises(DataContractError, match=r"CSD024 table=usage count=4: 4 rows are left out.*none is left"):
        CustomerData({"usage": usage}, where={"usage": {"state": ["activ"]}})
    with pytest.warns(DataWarning, match=r"CSD026 .* in no row .*entry 2 of the 2 of where.state"):
        CustomerData({"usage": usage}, where={"usage": {"state": ["active", "secret@x.org"]}})
    with pytest.raises(DataContractError, match=r"CSD025 .*where names 'stat'; did you mean 'state'"):
        CustomerData({"usage": usage}, where={"usage": {"stat": "active"}})
    with pytest.raises(DataContractError, match=r"CSD025 .*times, and can be asked for"):
        CustomerData({"usage": usage}, where={"usage": {"at": "2024-01-01"}})
    with pytest.raises(DataContractError, match=r"CSD001 .*in where="):
        CustomerData({"usage": usage}, where={"usag": {"state": "active"}})


@pytest.mark.parametrize("engine", ["duckdb", "ibis-duckdb"])
def test_an_amount_without_a_rate_is_refused(engine):
    table = SUBSCRIPTIONS.assign(cur=["EUR", "USD", "GBP", None, "EUR"])
    columns = {"start_at": {"name": "Created", "unit": "s"}, "mrr": "Annual"}
    columns |= {"currency": {"name": "cur", "rates": {"EUR": 1, "USD": 0.9}}}
    with pytest.raises(DataContractError, match=r"CSD027 .*count=2 examples=\[GBP\].* 1 state none"):
        CustomerData(on_engine({"subscriptions": table}, engine), columns={"subscriptions": columns})


def test_names_in_any_case_are_read_unless_that_is_a_question():
    shouted = pd.DataFrame({"ACCOUNT_ID": ["a", "b"], "AT": ["2024-01-01", "2024-01-02"], "Quantity": [1, 2]})
    for engine in ("duckdb", "ibis-duckdb"):
        table = shouted.assign(AT=pd.to_datetime(shouted["AT"]).astype("datetime64[us]"))
        data = CustomerData(on_engine({"usage": table}, engine), columns={"usage": {"quantity": "QUANTITY"}})
        assert data.frame("usage")["quantity"].tolist() == [1.0, 2.0]
    both = shouted.assign(at=shouted["AT"])
    with pytest.raises(DataContractError, match=r"CSD005"):
        CustomerData({"usage": both})


@pytest.mark.parametrize("engine", ["ibis-duckdb", "ibis-sqlite"])
def test_what_a_database_does_not_rewrite_is_refused_with_the_way_out(engine):
    columns = {"surveys": {"sent_at": {"name": "sent", "dates": "day first"}}}
    with pytest.raises(DataContractError, match=r"CSD011 .*sent_at.*write it in a query"):
        CustomerData(on_engine({"surveys": SURVEYS}, engine), columns=columns)


WRONG = [
    ({"unit": "min"}, r"at.unit = 'min' must be one of 's', 'ms', 'us'"),
    ({"unti": "s"}, "at: unknown key 'unti'; did you mean 'unit'"),
    ({"constant": 1, "name": "x"}, "a constant stands alone"),
    ({"unit": "s", "dates": "day first"}, "keep one of the two"),
    ({"dates": "dmy"}, "must be one of 'day first', 'month first'"),
    ({"factor": 0}, "a number that is not 0"),
    ({"factor": "1/0"}, "a number that is not 0"),
    ({"factor": True}, "a number that is not 0"),
    ({"factor": "1e999"}, "a number that is not 0"),
    ({"scale": "0-100"}, "0-100 to 0-10"),
    ({"scale": "10-0 to 0-10"}, "0-100 to 0-10"),
    ({"words": {}}, "a table of at most 100"),
    ({"words": {"A": 1, "a": 2}}, "no word stands twice"),
    ({"words": {str(i): i for i in range(101)}}, "a table of at most 100"),
    ({"rates": {"EUR": 2, "USD": 3}}, "one of them 1"),
    ({"rates": {"EUR": 1, "USD": float("nan")}}, "one of them 1"),
    ({"constant": float("inf")}, "text of at most"),
    ({"leading_number": "yes"}, "true, or left out"),
    ({}, "must be a name, or a table"),
    (3, "must be a name, or a table"),
]


@pytest.mark.parametrize(("told", "message"), WRONG, ids=[str(told)[:40] for told, _ in WRONG])
def test_a_cure_that_cannot_be_meant_is_refused_at_both_doors(told, message):
    with pytest.raises(ConfigError, match=message):
        RiskSpec.from_dict({"tables": {"usage": {"columns": {"at": told}}}})
    with pytest.raises(ConfigError, match=f"tables.usage: .*{message}"):
        CustomerData({"usage": book()}, columns={"usage": {"at": told}})


MISFITS = [
    ("at", {"factor": 2}, "factor is for a number, and at is a time"),
    ("quantity", {"unit": "s"}, "unit is for a time, and quantity is a number"),
    ("feature", {"leading_number": True}, "leading_number is for a number, and feature is a category"),
    ("quantity", {"constant": "three"}, "constant = 'three', and quantity is a number"),
    ("quantity", {"constant": True}, "constant = True, and quantity is a number"),
    ("account_id", {"constant": "a"}, "an account is told by its id"),
    ("at", {"constant": "31/12/2024"}, "constant = '31/12/2024', and at is a time"),
    ("quantity", {"words": {"many": "lots"}}, "words mean 'lots', and quantity is a number"),
    ("at", {"words": {"never": "2024-01-01"}}, "words mean '2024-01-01', and at is a time"),
    ("product", {"rates": {"EUR": 1}}, "rates are for the column currency"),
]


@pytest.mark.parametrize(("column", "told", "message"), MISFITS, ids=[f"{c}-{next(iter(t))}" for c, t, _ in MISFITS])
def test_a_cure_of_another_kind_is_refused(column, told, message):
    usage = book(quantity=1.0, feature="x", product="y")
    with pytest.raises(DataContractError, match=f"CSD002 table=usage column={column} .*{message}"):
        CustomerData({"usage": usage}, columns={"usage": {column: told}})


@pytest.mark.parametrize(
    "where", [["active"], {"a": {"in": [1]}}, {"a": {"not": []}}, {"a": []}, {"a": [None]}, {"a": 1e999}]
)
def test_a_filter_that_cannot_be_meant_is_refused(where):
    with pytest.raises(ConfigError, match="where"):
        RiskSpec.from_dict({"tables": {"usage": {"where": where}}})


def test_declarations_survive_toml_and_json():
    import json

    text = """
    [tables.surveys]
    where = { status = ["sent", ""], is_test = { not = [true] } }
    columns.kind = { constant = "NPS" }
    columns.sent_at = { name = "created", unit = "ms" }
    columns.answered_at = { constant = 2024-05-01 }
    columns.score = { name = "answer", words = { good = 5, bad = 1 } }
    """
    spec = RiskSpec.from_toml(text)
    assert RiskSpec.from_toml(spec.to_toml()) == spec
    assert RiskSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    assert spec.tables["surveys"].columns["answered_at"] == {"constant": "2024-05-01"}
