"""The canonical tables: the same from every kind of input, in any order of rows, in UTC days and seconds."""

from __future__ import annotations

import datetime as dt
import decimal
import warnings
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from csrisk import CustomerData
from csrisk.data import CONTRACT
from csrisk.exceptions import DataContractError

ZONED = pd.to_datetime(["2025-01-01 23:30:00", "2025-01-03 00:00:00", None, "2025-02-01 12:00:30"]).tz_localize(
    "America/New_York"
)
USAGE = pd.DataFrame(
    {
        "account_id": ["b", "a", "c", "b"],
        "at": pd.to_datetime(
            ["2025-01-01 10:00", "2025-01-02", "2025-03-01 23:59:59", "2025-01-05 06:00"], format="mixed"
        ),
        "known_at": ZONED,
        "user_id": ["u1", None, "u2", "007"],
        "feature": ["x", "NA", "y", None],
        "quantity": [1.0, 2.5, None, 4.0],
    }
)
ACCOUNTS = pd.DataFrame(
    {
        "account_id": ["a", "b", "c"],
        "name": ["A", 'B "and" sons, Ltd', "<b>C</b>"],
        "started_at": ["2024-01-01", "2024-02-01", None],
        "zip": ["01234", "99999", "00001"],
        "headcount": [10, 20, 30],
        "trial": [True, False, True],
        "founded": pd.to_datetime(["1999-05-05", None, "2001-01-01"]),
    }
)
CONTACTS = pd.DataFrame(
    {
        "account_id": ["a", "c"],
        "opened_at": ["2025-01-01T10:00:00+02:00", "2025-01-02T00:30:00+01:00"],
        "resolved_at": ["2025-01-04T10:00:00Z", None],
        "transfers": [1, 0],
        "reopened": [True, False],
    }
)
CONNECTIONS: list[Any] = []  # a relation of DuckDB 1 does not keep its connection
TABLES = {"usage": USAGE, "accounts": ACCOUNTS, "contacts": CONTACTS}


def as_pandas(frame: pd.DataFrame, _: Any) -> Any:
    return frame


def as_arrow_types(frame: pd.DataFrame, _: Any) -> Any:
    return frame.convert_dtypes(dtype_backend="pyarrow")


def as_objects(frame: pd.DataFrame, _: Any) -> Any:
    return frame.astype(object)


def as_categories(frame: pd.DataFrame, _: Any) -> Any:
    return frame.astype({name: "category" for name, kind in frame.dtypes.items() if kind == "str"})


def as_arrow(frame: pd.DataFrame, _: Any) -> Any:
    return pa.Table.from_pandas(frame)


def as_stream(frame: pd.DataFrame, _: Any) -> Any:
    return pa.Table.from_pandas(frame).to_reader(max_chunksize=2)


def as_polars(frame: pd.DataFrame, _: Any) -> Any:
    return pl.from_pandas(frame)


def as_lazy_polars(frame: pd.DataFrame, _: Any) -> Any:
    return pl.from_pandas(frame).lazy()


def as_relation(frame: pd.DataFrame, _: Any) -> Any:
    connection = duckdb.connect()
    CONNECTIONS.append(connection)
    connection.register("brought", pa.Table.from_pandas(frame))
    return connection.table("brought")


def as_parquet(frame: pd.DataFrame, path: Any) -> Any:
    frame.to_parquet(path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


def as_parts(frame: pd.DataFrame, path: Any) -> Any:
    path.mkdir()
    frame.iloc[:1].to_parquet(path / "part-1.parquet")
    frame.iloc[1:].to_parquet(path / "part-2.parquet")
    return path


def as_csv(frame: pd.DataFrame, path: Any) -> Any:
    frame.to_csv(path.with_suffix(".csv"), index=False)
    return str(path.with_suffix(".csv"))


def as_zipped_semicolons(frame: pd.DataFrame, path: Any) -> Any:
    frame.to_csv(path.with_suffix(".csv.gz"), index=False, sep=";", encoding="utf-8-sig", lineterminator="\r\n")
    return path.with_suffix(".csv.gz")


WAYS = [
    as_pandas,
    as_arrow_types,
    as_objects,
    as_categories,
    as_arrow,
    as_stream,
    as_polars,
    as_lazy_polars,
    as_relation,
    as_parquet,
    as_parts,
    as_csv,
    as_zipped_semicolons,
]


@pytest.mark.parametrize("way", WAYS)
def test_same_canonical_tables_from_every_kind_of_input(way: Any, tmp_path: Any) -> None:
    plain = CustomerData(TABLES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # a row without its quantity stands among others that have one
        warnings.filterwarnings("ignore", "(?s)1 breach of the table contract:\n  CSD345 ")
        data = CustomerData({name: way(frame, tmp_path / name) for name, frame in TABLES.items()})
    assert data.engine.name == ("duckdb" if way is as_relation else "polars")
    assert (data.start, data.end, list(data.accounts)) == (plain.start, plain.end, list(plain.accounts))
    for name in TABLES:
        assert data.lazy(name).collect_schema() == plain.lazy(name).collect_schema()
        assert_frame_equal(data.frame(name), plain.frame(name))


def test_canonical_columns_and_values() -> None:
    data = CustomerData(TABLES)
    usage = data.engine.collect(data.lazy("usage"))
    day = 20_089  # 2025-01-01
    assert list(usage.columns[:3]) == ["account", "day", "known"]
    assert usage["account"].tolist() == [1, 0, 2, 1]
    assert usage["day"].tolist() == [day, day + 1, day + 59, day + 4]
    # 23:30 in New York is 04:30 of the next day in UTC; a known_at before the event makes nothing known earlier
    assert usage["known"].tolist() == [day + 1, day + 2, day + 59, day + 31]
    assert usage["at_second"].tolist()[0] == (day * 24 + 10) * 3600
    assert usage["quantity"].tolist() == [1.0, 2.5, 1.0, 4.0]
    assert usage["feature"].tolist()[:3] == ["x", "NA", "y"]
    contacts = data.frame("contacts")
    assert contacts["opened_at"].tolist() == [pd.Timestamp("2025-01-01 08:00"), pd.Timestamp("2025-01-01 23:30")]
    accounts = data.lazy("accounts").collect_schema()
    kinds = {name: str(accounts[name]) for name in ("zip", "headcount", "trial", "founded_day")}
    assert kinds == {"zip": "String", "headcount": "Float64", "trial": "Boolean", "founded_day": "Int64"}


@pytest.mark.parametrize("name", CONTRACT)
def test_every_column_of_the_contract_is_there(name: str) -> None:
    table = CONTRACT[name]
    tables: dict[str, Any] = {"usage": USAGE}
    row = {column: "2025-01-01" if column in table.times else "a" for column in table.required}
    tables[name] = pd.DataFrame({column: [value] * 2 for column, value in row.items()}).iloc[
        : 1 if name == "accounts" else 2
    ]
    data = CustomerData(tables, end="2025-04-01")
    there = data.lazy(name).collect_schema()
    kinds = {"time": "Int64", "number": "Float64", "bool": "Boolean"}
    for column in table.columns:
        if column.name != "account_id":
            names = [f"{column.name}_day", f"{column.name}_second"] if column.kind == "time" else [column.name]
            assert {str(there[one]) for one in names} == {kinds.get(column.kind, "String")}
    assert data.has(name)
    assert data.has(name, *table.required)
    if name != "usage":
        assert not any(data.has(name, column) for column in table.names if column not in table.required)


def test_what_is_there_and_what_is_missing() -> None:
    data = CustomerData({**TABLES, "surveys": pd.DataFrame({"account_id": [], "sent_at": []}).astype("str")})
    assert data.tables == ("accounts", "usage", "contacts")
    assert data.missing == tuple(name for name in CONTRACT if name not in ("accounts", "usage", "contacts"))
    assert data.has("usage", "at", "user_id")
    assert not data.has("usage", "product")
    assert not data.has("surveys")
    assert not data.has("nothing")
    with pytest.raises(DataContractError, match="table 'finance' is not there"):
        data.lazy("finance")


def test_columns_are_mapped_by_name() -> None:
    renamed = USAGE.rename(columns={"at": "event time", "account_id": 'the "customer"'})
    data = CustomerData({"usage": renamed}, columns={"usage": {"at": "event time", "account_id": 'the "customer"'}})
    assert_frame_equal(data.frame("usage"), CustomerData({"usage": USAGE}).frame("usage"))


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (None, "2025-03-02"),
        ("2025-06-01", "2025-06-01"),
        (pd.Timestamp("2025-06-01 13:00"), "2025-06-01"),
        (pd.Timestamp("2025-06-01 23:00", tz="America/New_York"), "2025-06-02"),
        (np.datetime64("2025-06-01"), "2025-06-01"),
    ],
)
def test_end_is_a_naive_midnight(end: Any, expected: str) -> None:
    assert CustomerData({"usage": USAGE}, end=end).end == pd.Timestamp(expected)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2025-01-05", "2025-01-05 00:00"),
        ("2025-1-5", "2025-01-05 00:00"),
        ("2025-01-05T06:07", "2025-01-05 06:07"),
        ("2025-01-05 06:07:08.999999999", "2025-01-05 06:07:08"),
        ("2025-01-05T06:07:08Z", "2025-01-05 06:07:08"),
        (" 2025-01-05 06:07:08 UTC ", "2025-01-05 06:07:08"),
        ("2025-01-05T06:07:08+02:00", "2025-01-05 04:07:08"),
        ("2025-01-05T06:07:08-0530", "2025-01-05 11:37:08"),
        ("2025-01-05 23:30-05", "2025-01-06 04:30"),
        ("1969-12-31 23:59:59", "1969-12-31 23:59:59"),
    ],
)
def test_times_as_text(text: str, utc: str) -> None:
    data = CustomerData({"usage": pd.DataFrame({"account_id": ["a", "b"], "at": [text, "2025-01-01"]})})
    assert data.frame("usage")["at"][0] == pd.Timestamp(utc)
    first = data.engine.collect(data.lazy("usage"))["day"][0]
    assert first == pd.Timestamp(utc).normalize().timestamp() // 86_400


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York", "Pacific/Auckland"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_zones_and_units_tell_the_same_moment(zone: str, unit: str) -> None:
    moments = pd.Series(pd.to_datetime(["2025-01-01 00:00:00", "2025-06-30 23:59:59"]).tz_localize("UTC"))
    there = moments.dt.tz_convert(zone).dt.as_unit(unit)
    data = CustomerData({"usage": pd.DataFrame({"account_id": ["a", "b"], "at": there})})
    assert data.frame("usage")["at"].tolist() == moments.dt.tz_localize(None).tolist()
    assert not data.breaches


@pytest.mark.parametrize("way", [as_pandas, as_arrow, as_parquet, as_csv])
def test_a_column_without_values_is_missing(way: Any, tmp_path: Any) -> None:
    frame = CONTACTS.assign(resolved_at=None, transfers=None, reopened=None, case_id=None)
    data = CustomerData({"contacts": way(frame, tmp_path / "contacts")})
    assert {breach.code for breach in data.breaches} == {"CSD307"}
    assert not any(data.has("contacts", name) for name in ("resolved_at", "transfers", "reopened", "case_id"))


MOMENTS = [dt.datetime(2025, 1, 1, 10), dt.datetime(2025, 1, 2, 10)]
ODD_POLARS = pl.DataFrame(
    {
        "account_id": pl.Series(["b", "a"], dtype=pl.Categorical),
        "start_at": pl.Series([moment.date() for moment in MOMENTS], dtype=pl.Date),
        "end_at": pl.Series([None, None], dtype=pl.Null),
        "planned_end": pl.Series(MOMENTS, dtype=pl.Datetime("ms", "Asia/Kolkata")),
        "mrr": pl.Series(["1.50", "2.25"]).cast(pl.Decimal(10, 2)),
        "seats": pl.Series([1, 2], dtype=pl.UInt8),
        "plan": pl.Series(["x", "y"], dtype=pl.Enum(["y", "x"])),
    }
)
ODD_ARROW = pa.table(
    {
        "account_id": pa.array(["b", "a"]).dictionary_encode(),
        "start_at": pa.array([moment.date() for moment in MOMENTS], type=pa.date64()),
        "end_at": pa.nulls(2),
        "planned_end": pa.array(MOMENTS, type=pa.timestamp("ns", tz="Asia/Kolkata")),
        "mrr": pa.array([decimal.Decimal("1.50"), decimal.Decimal("2.25")]),
        "seats": pa.array([1, 2], type=pa.uint64()),
        "plan": pa.array(["x", "y"], type=pa.large_string()),
    }
)
ODD_PANDAS = pd.DataFrame(
    {
        "account_id": pd.Series(["b", "a"], dtype="string[python]"),
        "start_at": [moment.date() for moment in MOMENTS],
        "end_at": pd.Series([pd.NaT, pd.NaT], dtype=object),
        "planned_end": pd.Series([pd.Timestamp(moment, tz="UTC") for moment in MOMENTS], dtype=object),
        "mrr": [decimal.Decimal("1.50"), decimal.Decimal("2.25")],
        "seats": pd.array([1, 2], dtype="UInt8"),
        "plan": pd.Categorical(["x", "y"]),
    }
)


@pytest.mark.parametrize("table", [ODD_POLARS, ODD_ARROW, ODD_PANDAS], ids=["polars", "arrow", "pandas"])
def test_unusual_types(table: Any) -> None:
    data = CustomerData({"subscriptions": table}, end="2025-06-01")
    assert {breach.code for breach in data.breaches} == {"CSD307"}  # end_at has no value
    found = data.frame("subscriptions")
    assert found["account_id"].tolist() == ["b", "a"]
    assert found["start_at"].tolist() == [pd.Timestamp("2025-01-01"), pd.Timestamp("2025-01-02")]
    # Polars takes the clock for the one of its zone, Arrow and pandas were given UTC
    assert (found["planned_end"] - pd.Series(MOMENTS)).abs().le(pd.Timedelta(hours=5.5)).all()
    assert found["mrr"].tolist() == [1.5, 2.25]
    assert found["seats"].tolist() == [1.0, 2.0]
    assert found["plan"].tolist() == ["x", "y"]


ODD_ATTRIBUTES = {
    "mixed": pd.Series([{"a": 1}, {"a": "x"}]),
    "lists": pd.Series([[1], ["x"]]),
    "sparse": pd.Series(pd.arrays.SparseArray([1, 0])),
    "spans": pd.Series(pd.cut([1, 5], [0, 3, 6])),
    "months": pd.Series(pd.Categorical(pd.PeriodIndex(["2024-01", "2024-02"], freq="M"))),
    "complex": pd.Series([1j, 2]),
    "large": pd.Series([2**70, 2**70 + 1], dtype=object),
    "decimals": pd.Series([decimal.Decimal("Infinity"), decimal.Decimal(2)], dtype=object),
}


def test_a_column_of_no_type_of_arrow_does_not_take_its_table_along() -> None:
    accounts = pd.DataFrame({"account_id": ["a", "b"], **ODD_ATTRIBUTES})
    usage = pd.DataFrame({"account_id": ["a", "b"], "at": MOMENTS, "properties": ODD_ATTRIBUTES["mixed"]})
    data = CustomerData({"accounts": accounts, "usage": usage})
    left_out = {breach.column for breach in data.breaches if breach.code == "CSD011"}
    assert left_out == {"mixed", "lists", "complex"}
    found = data.frame("accounts")
    assert found["sparse"].tolist() == [1.0, 0.0]
    assert found["spans"].tolist() == ["(0, 3]", "(3, 6]"]
    assert found["months"].tolist() == ["2024-01", "2024-02"]
    assert found["large"].tolist() == [str(2**70), str(2**70 + 1)]


def test_ids_of_more_than_64_bits_are_exact() -> None:
    usage = pd.DataFrame({"account_id": pd.Series([2**70, 2**70 + 1], dtype=object), "at": MOMENTS})
    assert CustomerData({"usage": usage}).accounts.tolist() == [str(2**70), str(2**70 + 1)]


def test_lists_as_ids_are_refused_by_their_column() -> None:
    usage = pd.DataFrame({"account_id": [[1], ["x"]], "at": MOMENTS})
    with pytest.raises(DataContractError, match="CSD011 table=usage column=account_id"):
        CustomerData({"usage": usage})


@pytest.mark.parametrize("beside", ["nothing", "ibis"])
def test_a_batch_with_half_floats_and_wide_decimals_is_read(beside: str) -> None:
    columns = {
        "account_id": pa.array([decimal.Decimal(9007199254740993), decimal.Decimal(12)], pa.decimal256(50, 2)),
        "at": pa.array(MOMENTS),
        "quantity": pa.array(np.array([0, 1.5], dtype=np.float16)),
    }
    tables: dict[str, Any] = {"usage": pa.record_batch(columns)}
    if beside == "ibis":
        ibis = pytest.importorskip("ibis", reason="the extra ibis is not installed")
        accounts = pa.table({"account_id": ["9007199254740993", "12"]})
        tables["accounts"] = ibis.duckdb.connect().create_table("accounts", accounts)
    data = CustomerData(tables)
    assert data.accounts.tolist() == ["12", "9007199254740993"]
    assert sorted(data.frame("usage")["quantity"]) == [0.0, 1.5]


@pytest.mark.parametrize("index", [["account_id"], ["account_id", "at"], ["known_at"], ["quantity", "at"]])
def test_what_stands_in_a_named_index_is_a_column_as_in_a_parquet_file(index: list[str], tmp_path: Any) -> None:
    usage = pd.DataFrame(
        {"account_id": ["a", "b"], "at": MOMENTS, "quantity": [0, 2], "known_at": pd.Timestamp("2025-03-01")}
    )
    moved = usage.set_index(index)
    moved.to_parquet(tmp_path / "usage.parquet")
    want = CustomerData({"usage": usage}).frame("usage")
    for brought in (moved, tmp_path / "usage.parquet", usage.set_index(index, drop=False)):
        pd.testing.assert_frame_equal(CustomerData({"usage": brought}).frame("usage"), want)


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "", None, "B"]),
        st.sampled_from(["2025-01-01", "2025-01-02 10:00", "2025-01-02T10:00:00+01:00", "never", None, "9999-01-01"]),
        st.sampled_from([1.0, -1.0, 2.0, float("inf"), None]),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=12)
@given(rows=ROWS, seed=st.integers(0, 2**32 - 1))
def test_order_of_rows_changes_nothing(rows: list[Any], seed: int) -> None:
    """Same tables, dates, breaches (but for row positions) and rejected rows, whatever the order."""
    frame = pd.DataFrame(
        [*rows, ("a", "2025-01-01", 1.0), ("b", "2025-01-01", 1.0)], columns=["account_id", "at", "quantity"]
    )
    order = np.random.default_rng(seed).permutation(len(frame))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = CustomerData({"usage": frame}, threads=1)
        shuffled = CustomerData({"usage": frame.iloc[order]}, threads=1)
    keys = list(plain.frame("usage").columns)
    assert_frame_equal(
        plain.frame("usage").sort_values(keys, ignore_index=True),
        shuffled.frame("usage").sort_values(keys, ignore_index=True),
    )
    said = [[(b.code, b.column, b.count, b.examples, b.effect) for b in data.breaches] for data in (plain, shuffled)]
    assert said[0] == said[1]
    assert (plain.start, plain.end, list(plain.accounts)) == (shuffled.start, shuffled.end, list(shuffled.accounts))
    back = shuffled.rejected.assign(row=order[shuffled.rejected["row"]]).sort_values(["row", "code"], ignore_index=True)
    assert_frame_equal(back, plain.rejected)


def test_row_positions_are_those_of_the_input(tmp_path: Any) -> None:
    n = 300_000
    frame = pd.DataFrame({"account_id": [f"a{i % 1000}" for i in range(n)], "at": ["2025-01-01"] * n})
    wrong = [3, 131_072, 250_001, n - 1]
    frame.loc[wrong, "at"] = None
    frame.to_csv(tmp_path / "usage.csv", index=False)
    frame.to_parquet(tmp_path / "usage.parquet", row_group_size=10_000)
    for source in (frame, tmp_path / "usage.csv", tmp_path / "usage.parquet"):
        with pytest.warns(UserWarning, match="CSD201"):
            data = CustomerData({"usage": source})
        assert data.rejected["row"].tolist() == wrong
