"""One set of rules: each planted breach has the same code, count, rows and examples on every engine."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import warnings
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from csrisk import CustomerData, RiskSpec
from csrisk._pipeline._load import open_source
from csrisk.data import CODES
from csrisk.exceptions import DataContractError, DataWarning
from csrisk.testing import on_engine

pytestmark = pytest.mark.promise("One rule finds the same rows on every engine")

IDS = ["a", "b", "c", "a", "b", "c"]
DAY = pd.Timestamp("2025-01-01")
# moments of Spark know no other zone than UTC, so nothing is said of times without zone
ZONE = "CSD206"


def days(*numbers: float | None) -> pd.Series[Any]:
    """Days after the first of 2025; fractions are times of day."""
    return pd.Series([pd.NaT if n is None else DAY + pd.Timedelta(days=n) for n in numbers]).astype("datetime64[us]")


def usage(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"account_id": IDS, "at": days(0, 1, 2, 3, 4, 5), "feature": list("xyxyxz"), **columns})


def accounts(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"account_id": ["a", "b", "c"], "segment": ["s", "t", "s"], **columns})


def contacts(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"account_id": IDS, "opened_at": days(0, 1, 2, 3, 4, 5), **columns})


def surveys(**columns: Any) -> pd.DataFrame:
    plain = {"sent_at": days(0, 1, 2), "answered_at": days(1, 2, 3), "kind": ["NPS", "CSAT", "CES"]}
    return pd.DataFrame({"account_id": ["a", "b", "c"], **plain, "score": [9.0, 5.0, 7.0], **columns})


def subscriptions(**columns: Any) -> pd.DataFrame:
    plain = {"start_at": days(0, 0, 0), "end_at": days(None, 9, None), "mrr": [10.0, 20.0, 30.0]}
    return pd.DataFrame({"account_id": ["a", "b", "c"], **plain, **columns})


HALF = 0.5 / 86_400  # half a second
WIDE = {f"wide_{i}": [1.0, np.inf if i == 39 else 2.0, 3.0] for i in range(40)}

# code, tables, count, rows, examples
PLANTED: list[tuple[str, dict[str, pd.DataFrame], int, tuple[int, ...], tuple[str, ...]]] = [
    ("CSD010", {"usage": usage(), "finance": usage()[:0].assign(revenue=1.0)}, 0, (), ()),
    ("CSD013", {"usage": usage(), "contacts": contacts(account_id=[" "] * 6)}, 6, (), ()),
    ("CSD015", {"usage": usage(**{"User ID": list("uvwxyz")})}, 1, (), ()),
    ("CSD101", {"usage": usage(account_id=["a", None, " ", "b", "\t", "c"])}, 3, (1, 2, 4), ()),
    ("CSD102", {"usage": usage(), "accounts": accounts(account_id=["a", "a", "c"])}, 1, (0, 1), ()),
    ("CSD103", {"usage": usage(), "accounts": pd.concat([accounts(), accounts()])}, 3, (3, 4, 5), ()),
    ("CSD104", {"usage": usage(), "accounts": accounts()[:2]}, 2, (2, 5), ()),
    ("CSD106", {"usage": usage(account_id=[1, 2, 3] * 2), "contacts": contacts(account_id=list("123123"))}, 1, (), ()),
    ("CSD107", {"usage": usage(account_id=[1.0, 2.0, 9.1e15, 1.5, 1.0, np.nan])}, 2, (2, 3), ()),
    ("CSD108", {"usage": usage(account_id=["a"] * 6)}, 1, (), ()),
    ("CSD109", {"usage": usage(account_id=["7", "007", "b", "B ", "d", "e"])}, 4, (), ()),
    ("CSD110", {"contacts": contacts(contact_id=["k", "k", None, None, "l", "k"])}, 2, (), ()),
    ("CSD104", {"usage": usage(account_id=["1", "2", None] * 2), "accounts": accounts()}, 4, (0, 1, 3, 4), ()),
    (
        "CSD111",
        {"usage": usage(account_id=["1.0", "2.0", "3.0"] * 2), "contacts": contacts(account_id=list("123123"))},
        3,
        (),
        (),
    ),
    ("CSD111", {"usage": usage(), "surveys": surveys(), "contacts": contacts(account_id=list("uvwuvw"))}, 3, (), ()),
    ("CSD112", {"usage": usage(account_id=["NULL", "a", "None", "b", "nan", "NA"])}, 4, (0, 2, 4, 5), ()),
    ("CSD113", {"usage": usage(), "features": pd.DataFrame({"feature": ["p", "q"]})}, 2, (), ()),
    ("CSD201", {"usage": usage(at=days(0, None, 2, None, 4, 5))}, 2, (1, 3), ()),
    ("CSD203", {"usage": usage(at=days(0, -200_000, 2, 40_000, 4, 5))}, 2, (1, 3), ("1477-06-03", "2134-07-09")),
    (
        "CSD204",
        {"contacts": contacts(resolved_at=days(-HALF, 1 + HALF, 2 - HALF, None, 4, 5))},
        2,
        (0, 2),
        ("2024-12-31 before 2025-01-01", "2025-01-02 before 2025-01-03"),
    ),
    (
        "CSD204",
        {"contacts": contacts(opened_at=days(*[0.5] * 6), resolved_at=days(*[0.5 - HALF, 0, 0.5] * 2))},
        2,
        (0, 3),
        ("2025-01-01 before 2025-01-01",),
    ),
    (
        "CSD204",
        {"usage": usage(), "accounts": accounts(started_at=days(0, 0, 0), ended_at=days(1, -1, 0))},
        1,
        (1,),
        ("2024-12-31 before 2025-01-01",),
    ),
    (
        "CSD208",
        {"usage": pd.concat([usage()] * 40 + [usage()[:1].assign(at=days(2000))])},
        1,
        (),
        ("2030-06-24",),
    ),
    ("CSD209", {"subscriptions": subscriptions()}, 1, (), ()),
    ("CSD210", {"surveys": surveys(answered_at=days(1, None, 3))}, 1, (1,), ()),
    ("CSD302", {"usage": usage(quantity=[1.0, np.inf, 3.0, -np.inf, np.nan, 6.0])}, 2, (1, 3), ("-inf", "inf")),
    ("CSD302", {"usage": usage(), "accounts": accounts(**WIDE)}, 1, (1,), ("inf",)),
    ("CSD303", {"usage": usage(quantity=[1.0, -2.0, 3.0, -0.5, 0.0, 6.0])}, 2, (1, 3), ("-2", "-0.5")),
    ("CSD303", {"usage": usage(), "subscriptions": subscriptions(mrr=[-1.0, 2.0, 3.0])}, 1, (0,), ("-1",)),
    ("CSD304", {"surveys": surveys(score=[11.0, 5.0, 0.0])}, 2, (0, 2), ("CES 0", "NPS 11")),
    ("CSD305", {"surveys": surveys(kind=["nps", " CSAT", "smile"])}, 1, (2,), ("smile",)),
    ("CSD306", {"contacts": contacts(reopened=[0.0, 1.0, 2.0, 0.5, -1.0, np.nan])}, 2, (3, 4), ("-9", "9.9")),
    ("CSD307", {"contacts": contacts(resolved_at=days(*[None] * 6))}, 6, (), ()),
    ("CSD308", {"contacts": contacts(channel=["email"] * 6)}, 6, (), ()),
    ("CSD309", {"usage": pd.concat([usage(), usage()[:2], usage()[:1]])}, 3, (), ()),
    (
        "CSD310",
        {
            "subscriptions": subscriptions(
                account_id=["a"] * 3, start_at=days(0, 5, 12), end_at=days(6, 20, 20), product=["p", None, None]
            ),
            "usage": usage(),
        },
        1,
        (),
        (),
    ),
]
QUICK = (
    "handed over",  # pandas without a bound: Polars takes the rows over once DuckDB has read them
    "duckdb",
    "polars",
    "ibis-duckdb",
    "ibis-sqlite",
)
SLOW = ("ibis-postgres", "pyspark")
ENGINES = [*QUICK, *(pytest.param(engine, marks=pytest.mark.slow) for engine in SLOW)]


def handed(tables: dict[str, pd.DataFrame], engine: Any, request: Any, monkeypatch: Any) -> dict[str, Any]:
    if engine == "handed over":
        return {name: table.reset_index(drop=True) for name, table in tables.items()}
    if engine == "pyspark":
        pytest.importorskip("pyspark", reason="the extra spark is not installed")
        if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
            pytest.skip("no Java is installed, which Spark needs")
    elif engine.startswith("ibis"):
        pytest.importorskip("ibis", reason="the extra ibis is not installed")
    if engine == "ibis-postgres":
        monkeypatch.setenv("CSRISK_TEST_POSTGRES", request.getfixturevalue("postgres"))
    return on_engine({name: table.reset_index(drop=True) for name, table in tables.items()}, engine)


def bound(engine: str) -> int | None:
    """Threads of the embedded engine, which a bound keeps at work."""
    return None if engine == "handed over" else 1


def found(tables: dict[str, Any], threads: int | None = 1, **more: Any) -> tuple[Any, ...]:
    """Breaches as (code, table, column, count, effect, rows, examples), and the rows set aside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            with CustomerData(tables, threads=threads, **more) as data:
                aside = data.rejected
                rows = list(zip(aside["table"], aside["row"].astype(object), aside["code"], strict=True))
                return data.breaches, rows
        except DataContractError as error:
            return error.breaches, []


FIRST = {row[0]: i for i, row in reversed([*enumerate(PLANTED)])}
# the slow engines take one book for each code
CASES = [
    pytest.param(*row, engine, id=f"{row[0]}-{i}-{engine}", marks=[pytest.mark.slow] if engine in SLOW else [])
    for i, row in enumerate(PLANTED)
    for engine in (*QUICK, *SLOW)
    if engine in QUICK or FIRST[row[0]] == i
]


@pytest.mark.parametrize(("code", "tables", "count", "rows", "examples", "engine"), CASES)
def test_planted(code, tables, count, rows, examples, engine, request, monkeypatch) -> None:
    breaches, aside = found(handed(tables, engine, request, monkeypatch), bound(engine))
    breach = next(breach for breach in breaches if breach.code == code)
    positions = engine not in ("pyspark", "ibis-postgres")  # whose tables have no order
    assert (breach.count, breach.rows, breach.examples) == (count, rows if positions else (), examples)
    assert breach.effect in (CODES[code].effect, "row set aside", "refused", "value missing")
    expected, rows_aside = found(tables)
    said = {(b.code, b.table, b.column, b.count, b.effect, b.examples) for b in breaches if b.code != ZONE}
    assert said == {(b.code, b.table, b.column, b.count, b.effect, b.examples) for b in expected if b.code != ZONE}
    if positions:
        assert {b.code: b.rows for b in breaches if b.code != ZONE} == {
            b.code: b.rows for b in expected if b.code != ZONE
        }
        assert aside == rows_aside
    else:
        assert sorted((table, code) for table, _, code in aside) == sorted((t, c) for t, _, c in rows_aside)


@pytest.mark.parametrize("engine", ENGINES)
def test_events_from_the_end_on(engine, request, monkeypatch) -> None:
    tables = {"usage": usage(at=days(0, 1, 2, 3 - HALF / 1e5, 3, 4))}
    breaches, _ = found(handed(tables, engine, request, monkeypatch), bound(engine), end="2025-01-04")
    (breach,) = [breach for breach in breaches if breach.code == "CSD205"]
    assert (breach.count, breach.examples) == (2, ("2025-01-04", "2025-01-05"))


TEXTS = [
    *("2025-01-01", "2025-01-02 10:00", "2025-01-02T10:00:30.25", "2025-1-3", "2025-01-02 10:00:00+02:00"),
    *("2025-01-02 10:00:00.5-0530", "2025-01-02 10:00Z", " 2025-01-05 ", "2025-02-29", "01/02/2025", "2460000", "now"),
    *("", "NULL", None, "2025-01-02 24:10:00", "2025-01-02 10:00:00 UTC", "2025-13-01", "2025-01-02 10:00:00+02"),
]


def test_times_that_a_database_keeps_as_text_are_read_alike_at_every_door(tmp_path):
    ibis = pytest.importorskip("ibis", reason="the extra ibis is not installed")
    usage = pd.DataFrame({"account_id": [f"a{i:02d}" for i in range(len(TEXTS))], "at": TEXTS})
    path = tmp_path / "book.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        usage.to_sql("usage", connection, index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        doors = [
            CustomerData({"usage": usage}),
            open_source(path, RiskSpec()),
            CustomerData({"usage": ibis.sqlite.connect(path).table("usage")}),
        ]
    first, *others = doors
    assert doors[-1].engine.name == "ibis sqlite"
    assert {b.code: b.count for b in first.breaches if b.column == "at"} == {"CSD201": 3, "CSD202": 6, "CSD207": 3}
    for other in others:
        assert other.breaches == first.breaches
        pd.testing.assert_frame_equal(other.rejected, first.rejected)
        pd.testing.assert_frame_equal(other.frame("usage"), first.frame("usage"), check_dtype=False)


def test_text_in_numbers_of_sqlite_is_no_nought_at_any_door(tmp_path):
    ibis = pytest.importorskip("ibis", reason="the extra ibis is not installed")
    path = tmp_path / "book.db"
    rows = [
        ("a", "2025-01-01", "many", ""),
        ("b", "2025-01-02", "", "x"),
        ("c", "2025-01-03", "7", 2.5),
        ("c", "2025-01-04", 0, 1),
    ]
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE usage (account_id TEXT, at TEXT, quantity INTEGER, value REAL)")
        connection.execute("CREATE TABLE contacts (account_id TEXT, opened_at TEXT, reopened BOOLEAN)")
        connection.executemany("INSERT INTO usage VALUES (?, ?, ?, ?)", rows)
        contacts = [("a", "2025-01-01", "perhaps"), ("b", "2025-01-02", ""), ("c", "2025-01-03", 1)]
        connection.executemany("INSERT INTO contacts VALUES (?, ?, ?)", contacts)
        connection.commit()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        first = open_source(path, RiskSpec())
        far = ibis.sqlite.connect(path)
        other = CustomerData({name: far.table(name) for name in first.tables})
    assert other.breaches == first.breaches
    pd.testing.assert_frame_equal(other.rejected, first.rejected)
    assert first.frame("usage")["quantity"].tolist() == [1.0, 7.0, 0.0]
    assert first.frame("usage")["value"].isna().tolist() == [True, False, False]
    for name in first.tables:
        pd.testing.assert_frame_equal(other.frame(name), first.frame(name), check_dtype=False)


@pytest.mark.parametrize("engine", ENGINES)
def test_words_for_nothing_are_no_user_case_or_feature(engine, request, monkeypatch) -> None:
    words = {"user_id": ["NULL", "None", "\\N", "u"], "feature": ["NULL", "nan", "\\N", "NA"]}
    uses = usage(at=days(0, 1, 2, 3), account_id=["a", "a", "b", "b"], **words)
    cases = pd.DataFrame(
        {"account_id": ["a", "a", "b"], "opened_at": days(0, 1, 2), "case_id": ["(null)", "-", "c"], "handler": "<NA>"}
    )
    tables = handed({"usage": uses, "contacts": cases}, engine, request, monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        data = CustomerData(tables, threads=bound(engine))
    assert data.frame("usage")["user_id"].dropna().tolist() == ["u"]
    # North America is a region, and may be a feature
    assert data.frame("usage")["feature"].dropna().tolist() == ["NA"]
    assert data.frame("contacts")["case_id"].dropna().tolist() == ["c"]
    assert not data.has("contacts", "handler")


@pytest.mark.parametrize("kind", ["pandas", "arrow", "polars", "ibis-duckdb", "ibis-polars"])
def test_decimal_ids_are_exact_however_large(kind):
    large = [Decimal(9007199254740992), Decimal(9007199254740993), Decimal("12.00")]
    table = pa.table({"account_id": pa.array(large, pa.decimal128(20, 2)), "at": days(0, 1, 2)})
    if kind == "polars":
        table = pytest.importorskip("polars").from_arrow(table)
    elif kind.startswith("ibis"):
        ibis = pytest.importorskip("ibis", reason="the extra ibis is not installed")
        backend = ibis.duckdb.connect() if kind == "ibis-duckdb" else ibis.polars.connect()
        table = backend.create_table("usage", table)
    elif kind == "pandas":
        table = pd.DataFrame({"account_id": large, "at": days(0, 1, 2)})
    with CustomerData({"usage": table}) as data:
        assert list(data.accounts) == ["12", "9007199254740992", "9007199254740993"]
    broken = pa.table({"account_id": pa.array([Decimal("1.5"), Decimal(2)], pa.decimal128(20, 2)), "at": days(0, 1)})
    if kind == "ibis-duckdb":
        broken = backend.create_table("broken", broken)
    with pytest.raises(DataContractError, match=r"CSD107 table=usage column=account_id count=1 .*: 1 id is written"):
        CustomerData({"usage": broken})
