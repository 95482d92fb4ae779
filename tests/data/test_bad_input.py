"""A table of bad input: what csrisk says to each, and what it does with it."""

from __future__ import annotations

import datetime as dt
import decimal
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from csrisk import CustomerData
from csrisk.data import CODES, Breach
from csrisk.exceptions import DataContractError, DataWarning

if TYPE_CHECKING:
    from collections.abc import Callable

IDS = ["a", "b", "c"]
DAYS = [f"{day:%Y-%m-%d}" for day in pd.date_range("2025-01-01", periods=200)]


def usage(**columns: Any) -> pd.DataFrame:
    """Three plain uses; columns replace or extend them."""
    plain = {"account_id": IDS, "at": ["2025-01-01", "2025-01-02", "2025-01-03"], "feature": ["x", "y", "x"]}
    return pd.DataFrame({**plain, **columns})


def usage_days(*days: Any) -> pd.DataFrame:
    """Every account on each of the days."""
    return pd.DataFrame({"account_id": IDS * len(days), "at": [day for day in days for _ in IDS]})


def accounts(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"account_id": IDS, "name": ["A", "B", "C"], **columns})


def subscriptions(**columns: Any) -> pd.DataFrame:
    plain = {"account_id": IDS, "start_at": ["2024-01-01"] * 3, "mrr": [10.0, 20.0, 30.0], "seats": [1, 2, 3]}
    return pd.DataFrame({**plain, **columns})


def contacts(**columns: Any) -> pd.DataFrame:
    plain = {"account_id": IDS, "opened_at": ["2025-01-01 10:00"] * 3, "transfers": [0, 1, 2]}
    return pd.DataFrame({**plain, **columns})


def surveys(**columns: Any) -> pd.DataFrame:
    plain = {
        "account_id": IDS,
        "sent_at": ["2025-01-01"] * 3,
        "answered_at": ["2025-01-02"] * 3,
        "kind": ["NPS", "CSAT", "CES"],
        "score": [10, 5, 7],
    }
    return pd.DataFrame({**plain, **columns})


def stamps(*texts: str, zone: str | None = None) -> Any:
    return pd.Series(pd.to_datetime(list(texts)).tz_localize(zone))


BERLIN, UTC = dt.timezone(dt.timedelta(hours=1)), dt.UTC
WITHOUT_COLUMN = contacts().drop(columns="opened_at")
MONTHS = pd.DataFrame({"account_id": "a", "at": pd.date_range("2024-01-01", freq="MS", periods=12)})
CENTS = pd.DataFrame({"account_id": list("abcd") * 5, "start_at": "2024-01-01", "mrr": [49.0] * 10 + [4900.0] * 10})
RETRIED = usage(account_id=["a", "a", "b"], event_id=["x", "x", "x"])
DOUBLED = pd.DataFrame([["a", "2025-01-01", "2025-01-02"]], columns=["account_id", "at", "at"])

# what it is, tables, further arguments, code, count; then what is refused
REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str, int]] = [
    (
        "a meaning of known_at that is none",
        {"usage": usage(), "subscriptions": subscriptions()},
        {"known_at": {"subscriptions": "loaded"}},
        "CSD218",
        1,
    ),
    ("unknown table", {"usages": usage()}, {}, "CSD001", 1),
    ("mapping of an unknown table", {"usage": usage()}, {"columns": {"uses": {"at": "at"}}}, "CSD001", 1),
    ("mapping of an unknown column", {"usage": usage()}, {"columns": {"usage": {"ta": "at"}}}, "CSD002", 1),
    ("mapping to an absent column", {"usage": usage()}, {"columns": {"usage": {"at": "when"}}}, "CSD003", 1),
    ("required column missing", {"contacts": WITHOUT_COLUMN}, {}, "CSD004", 1),
    ("column name twice", {"usage": DOUBLED}, {}, "CSD005", 1),
    ("column name twice but for case", {"usage": usage(AT=["1", "2", "3"])}, {}, "CSD005", 2),
    ("missing file", {"usage": "nowhere/usage.parquet"}, {}, "CSD006", 1),
    ("not a table", {"usage": 42}, {}, "CSD007", 1),
    ("list of rows", {"usage": [("a", "2025-01-01")]}, {}, "CSD007", 1),
    ("no table", {}, {}, "CSD008", 0),
    ("no dated table", {"accounts": accounts()}, {}, "CSD008", 0),
    ("only a catalogue", {"features": pd.DataFrame({"feature": ["x"]})}, {}, "CSD008", 0),
    ("all tables empty", {"usage": usage().iloc[:0]}, {}, "CSD008", 0),
    ("times as numbers", {"usage": usage(at=[1, 2, 3])}, {}, "CSD011", 1),
    ("ids as lists", {"usage": usage(account_id=[["a"], ["b"], ["c"]])}, {}, "CSD011", 1),
    ("durations for times", {"contacts": contacts(resolved_at=pd.to_timedelta([1, 2, 3], unit="h"))}, {}, "CSD011", 1),
    ("end is no date", {"usage": usage()}, {"end": "soon"}, "CSD012", 1),
    ("end is NaT", {"usage": usage()}, {"end": pd.NaT}, "CSD012", 1),
    (
        "scores from 0 to 100 as NPS",
        {
            "surveys": pd.DataFrame(
                {
                    "account_id": IDS * 10,
                    "sent_at": DAYS[:30],
                    "answered_at": DAYS[:30],
                    "kind": "NPS",
                    "score": range(0, 90, 3),
                }
            )
        },
        {},
        "CSD304",
        26,
    ),
    ("end before all events", {"usage": usage()}, {"end": "2020-01-01"}, "CSD012", 1),
    ("no row of a table is right", {"usage": usage(account_id=[None] * 3, at=[None] * 3)}, {}, "CSD013", 3),
    (
        "account twice, differently",
        {"accounts": accounts(account_id=["a", "a", "b"]), "usage": usage()},
        {},
        "CSD102",
        1,
    ),
    (
        "ids written differently",
        {"accounts": accounts(account_id=["001", "002", "003"]), "usage": usage(account_id=[1, 2, 3])},
        {},
        "CSD104",
        3,
    ),
    (
        "ids through a float column, without a table of accounts",
        {"usage": usage(account_id=["1.0", "2.0", "3.0"]), "subscriptions": subscriptions(account_id=["1", "2", "3"])},
        {},
        "CSD111",
        3,
    ),
    (
        "an empty id hides no difference in writing",
        {"accounts": accounts(), "usage": usage(account_id=["1", "2", None])},
        {},
        "CSD104",
        2,
    ),
    (
        "ids with a fraction",
        {"usage": usage(account_id=[decimal.Decimal("1.5"), decimal.Decimal("2.0"), None])},
        {},
        "CSD107",
        1,
    ),
    ("ids rounded by float", {"usage": usage(account_id=[9.1e15, 9.2e15, 1.0])}, {}, "CSD107", 2),
    ("two currencies", {"subscriptions": subscriptions(currency=["EUR", "USD", "EUR"])}, {}, "CSD324", 2),
    ("no time can be read", {"usage": usage(at=["01/02/2025", "02/02/2025", "03/02/2025"])}, {}, "CSD202", 3),
]

# what it is, tables, further arguments, code, count, effect
LISTED: list[tuple[str, dict[str, Any], dict[str, Any], str, int, str]] = [
    ("empty table", {"usage": usage(), "contacts": contacts().iloc[:0]}, {}, "CSD010", 0, "kept"),
    (
        "attribute of lists",
        {"accounts": accounts(tags=[["x"]] * 3), "usage": usage()},
        {},
        "CSD011",
        1,
        "column left out",
    ),
    ("nearly a name of the contract", {"usage": usage(**{"User ID": ["u"] * 3})}, {}, "CSD015", 1, "kept"),
    ("null account_id", {"usage": usage(account_id=["a", None, "c"])}, {}, "CSD101", 1, "row set aside"),
    ("blank account_id", {"usage": usage(account_id=["a", "  ", "c"])}, {}, "CSD101", 1, "row set aside"),
    (
        "account twice, alike",
        {"accounts": pd.concat([accounts(), accounts().iloc[[0, 0]]]), "usage": usage()},
        {},
        "CSD103",
        2,
        "row set aside",
    ),
    ("ids not in accounts", {"accounts": accounts().iloc[:2], "usage": usage()}, {}, "CSD104", 1, "kept"),
    (
        "int and str ids in a column",
        {"usage": usage(account_id=pd.Series([1, "b", 3], dtype=object))},
        {},
        "CSD105",
        1,
        "kept",
    ),
    (
        "int and str ids across tables",
        {"usage": usage(account_id=[1, 2, 3]), "contacts": contacts(account_id=["1", "2", "3"])},
        {},
        "CSD106",
        1,
        "kept",
    ),
    ("one account", {"usage": usage(account_id=["a"] * 3)}, {}, "CSD108", 1, "kept"),
    ("leading zeros lost", {"usage": usage(account_id=["7", "007", "b"])}, {}, "CSD109", 2, "kept"),
    ("ids that differ by case", {"usage": usage(account_id=["X", "x", "b"])}, {}, "CSD109", 2, "kept"),
    ("contact twice", {"contacts": contacts(contact_id=["k", "k", "l"])}, {}, "CSD110", 1, "kept"),
    (
        "tables that share no account",
        {"usage": usage(), "contacts": contacts(account_id=["u", "v", "w"])},
        {},
        "CSD111",
        3,
        "kept",
    ),
    ("words for nothing as ids", {"usage": usage(account_id=["a", "\\N", "NULL"])}, {}, "CSD112", 2, "row set aside"),
    (
        "catalogue of other features",
        {"usage": usage(), "features": pd.DataFrame({"feature": ["p", "q"]})},
        {},
        "CSD113",
        2,
        "kept",
    ),
    (
        "NaT in the primary time",
        {"usage": usage(at=[pd.Timestamp("2025-01-01"), pd.NaT, pd.Timestamp("2025-01-03")])},
        {},
        "CSD201",
        1,
        "row set aside",
    ),
    (
        "no feature in the catalogue",
        {"usage": usage(), "features": pd.DataFrame({"feature": ["x", None]})},
        {},
        "CSD201",
        1,
        "row set aside",
    ),
    (
        "time that cannot be read",
        {"usage": usage(at=["2025-01-01", "yesterday", "2025-01-03"])},
        {},
        "CSD202",
        1,
        "row set aside",
    ),
    ("30 February", {"usage": usage(at=["2025-01-01", "2025-02-30", "2025-01-03"])}, {}, "CSD202", 1, "row set aside"),
    (
        "zone by name",
        {"usage": usage(at=["2025-01-01", "2025-01-02 10:00 Europe/Berlin", "2025-01-03"])},
        {},
        "CSD202",
        1,
        "row set aside",
    ),
    (
        "second time that cannot be read",
        {"contacts": contacts(resolved_at=["later", None, None])},
        {},
        "CSD202",
        1,
        "value missing",
    ),
    (
        "known_at that cannot be read",
        {"usage": usage(known_at=["later", None, None])},
        {},
        "CSD202",
        1,
        "row set aside",
    ),
    ("year 1677", {"usage": usage(at=["1677-09-21", "2025-01-02", "2025-01-03"])}, {}, "CSD203", 1, "row set aside"),
    (
        "end in 9999",
        {"subscriptions": subscriptions(end_at=["9999-12-31", None, None]), "usage": usage()},
        {},
        "CSD203",
        1,
        "value missing",
    ),
    (
        "end before start",
        {"subscriptions": subscriptions(end_at=["2023-12-31", None, None]), "usage": usage()},
        {},
        "CSD204",
        1,
        "row set aside",
    ),
    (
        "resolved before opened",
        {"contacts": contacts(resolved_at=["2025-01-01 09:00", None, "2025-01-01"])},
        {},
        "CSD204",
        1,
        "row set aside",
    ),
    (
        "answered before sent",
        {"surveys": surveys(answered_at=["2024-12-31", "2025-01-01", "2025-01-02"])},
        {},
        "CSD204",
        1,
        "row set aside",
    ),
    (
        "account ended before it started",
        {"accounts": accounts(started_at=["2024-01-01"] * 3, ended_at=["2023-01-01", None, None]), "usage": usage()},
        {},
        "CSD204",
        1,
        "value missing",
    ),
    ("events at or after end", {"usage": usage()}, {"end": "2025-01-03"}, "CSD205", 1, "row set aside"),
    ("naive times", {"usage": usage(at=stamps("2025-01-01", "2025-01-02", "2025-01-03"))}, {}, "CSD206", 1, "kept"),
    (
        "zones in some texts only",
        {"usage": usage(at=["2025-01-01T10:00:00Z", "2025-01-02 10:00", "2025-01-03T00:00+02:00"])},
        {},
        "CSD207",
        1,
        "kept",
    ),
    (
        "aware and naive objects",
        {
            "usage": usage(
                at=pd.Series(
                    [
                        dt.datetime(2025, 1, 1, tzinfo=BERLIN),
                        dt.datetime(2025, 1, 2),
                        dt.datetime(2025, 1, 3, tzinfo=UTC),
                    ],
                    dtype=object,
                )
            )
        },
        {},
        "CSD207",
        1,
        "kept",
    ),
    (
        "one event years later",
        {"usage": pd.concat([usage()] * 40 + [usage(at=["2025-01-01", "2025-01-02", "2031-01-01"])])},
        {},
        "CSD208",
        1,
        "kept",
    ),
    (
        "a table that stops while another goes on",
        {
            "usage": usage(account_id=["a"] * 60, at=DAYS[:60], feature=["x"] * 60),
            "contacts": contacts(account_id=["b"] * 200, opened_at=DAYS, transfers=[0] * 200),
        },
        {},
        "CSD211",
        141,
        "kept",
    ),
    ("after the clock", {"usage": usage(at=["2090-01-01", "2090-01-02", "2090-01-03"])}, {}, "CSD212", 3, "kept"),
    (
        "end long after the last row",
        {"usage": usage(account_id=["a"] * 60, at=DAYS[:60], feature=["x"] * 60)},
        {"end": "2025-06-01"},
        "CSD213",
        91,
        "kept",
    ),
    (
        "six weeks that were not loaded",
        {"usage": usage_days(*pd.date_range("2025-01-01", "2025-02-28"), *pd.date_range("2025-04-12", "2025-06-30"))},
        {},
        "CSD214",
        42,
        "kept",
    ),
    (
        "rows that are known weeks after they happen",
        {"usage": usage_days(*DAYS[:20]).assign(known_at=[day for day in DAYS[20:40] for _ in IDS])},
        {},
        "CSD219",
        60,
        "kept",
    ),
    (
        "the day of the export as known_at",
        {"usage": usage_days(*DAYS[:20]).assign(known_at=DAYS[60])},
        {},
        "CSD220",
        60,
        "kept",
    ),
    (
        "the last day of a contract as its end",
        {
            "subscriptions": pd.DataFrame(
                {
                    "account_id": IDS * 4,
                    "start_at": [day for month in range(1, 5) for day in [f"2025-0{month}-01"] * 3],
                    "end_at": [day for month in (31, 28, 31, 30) for day in [month] * 3],
                }
            ).assign(end_at=lambda rows: rows["start_at"].str[:8] + rows["end_at"].astype(str)),
            "usage": usage(),
        },
        {},
        "CSD215",
        9,
        "kept",
    ),
    (
        "the zero of a clock",
        {"usage": usage(at=["2025-01-01", "1970-01-01", "2025-01-03"])},
        {},
        "CSD203",
        1,
        "row set aside",
    ),
    (
        "some amounts without a currency",
        {"subscriptions": subscriptions(mrr=[1, 2, 3], currency=["EUR", "EUR", None]), "usage": usage()},
        {},
        "CSD329",
        1,
        "kept",
    ),
    ("rows marked as deleted", {"usage": usage(is_deleted=[True, False, True])}, {}, "CSD330", 2, "kept"),
    ("times of deletion", {"usage": usage(_deleted_at=["2025-02-01", None, None])}, {}, "CSD330", 1, "kept"),
    ("a header in the middle", {"usage": usage(account_id=["a", "b", "account_id"])}, {}, "CSD112", 1, "row set aside"),
    ("the foot of a report", {"usage": usage(account_id=["a", "b", "Grand Total"])}, {}, "CSD112", 1, "row set aside"),
    ("no event to tell the end", {"subscriptions": subscriptions()}, {}, "CSD209", 1, "kept"),
    (
        "score without answered_at",
        {"surveys": surveys(answered_at=[None, "2025-01-02", "2025-01-02"])},
        {},
        "CSD210",
        1,
        "kept",
    ),
    (
        "number that cannot be read",
        {"subscriptions": subscriptions(mrr=["10", "1.234,50", "30"]), "usage": usage()},
        {},
        "CSD301",
        1,
        "value missing",
    ),
    (
        "infinite",
        {"subscriptions": subscriptions(mrr=[10.0, np.inf, -np.inf]), "usage": usage()},
        {},
        "CSD302",
        2,
        "value missing",
    ),
    (
        "negative mrr",
        {"subscriptions": subscriptions(mrr=[10.0, -5.0, 0.0]), "usage": usage()},
        {},
        "CSD303",
        1,
        "value missing",
    ),
    (
        "negative seats",
        {"subscriptions": subscriptions(seats=[-1, 2, 3]), "usage": usage()},
        {},
        "CSD303",
        1,
        "value missing",
    ),
    ("returns among uses", {"usage": usage(quantity=[1, -2, 3])}, {}, "CSD303", 1, "row set aside"),
    ("scores out of scale", {"surveys": surveys(score=[11, 0, 7])}, {}, "CSD304", 2, "value missing"),
    ("unknown survey kind", {"surveys": surveys(kind=["NPS", "stars", "CES"])}, {}, "CSD305", 1, "kept"),
    ("unknown initiator", {"contacts": contacts(initiated_by=["Customer", "bot", None])}, {}, "CSD305", 1, "kept"),
    (
        "yes or no that cannot be read",
        {"contacts": contacts(reopened=["yes", "perhaps", "no"])},
        {},
        "CSD306",
        1,
        "value missing",
    ),
    ("column of NaN", {"subscriptions": subscriptions(seats=[np.nan] * 3), "usage": usage()}, {}, "CSD307", 3, "kept"),
    ("column of None", {"contacts": contacts(resolved_at=[None] * 3)}, {}, "CSD307", 3, "kept"),
    ("constant column", {"contacts": contacts(channel=["email"] * 3)}, {}, "CSD308", 3, "kept"),
    ("events twice", {"usage": pd.concat([usage(), usage().iloc[:2]])}, {}, "CSD309", 2, "kept"),
    (
        "subscriptions overlap",
        {
            "subscriptions": subscriptions(
                account_id=["a", "a", "b"],
                end_at=["2024-06-01", None, None],
                start_at=["2024-01-01", "2024-05-01", "2024-01-01"],
            ),
            "usage": usage(),
        },
        {},
        "CSD310",
        1,
        "kept",
    ),
    ("a report of months", {"usage": pd.concat([MONTHS] * 2, ignore_index=True)}, {}, "CSD221", 24, "kept"),
    ("a calendar joined to events", {"usage": usage(quantity=[1, None, 3])}, {}, "CSD345", 1, "kept"),
    ("a retried load", {"usage": pd.concat([usage()] * 6)}, {}, "CSD322", 15, "kept"),
    ("an event delivered twice", {"usage": RETRIED}, {}, "CSD321", 1, "row set aside"),
    ("mrr on request", {"subscriptions": subscriptions(mrr=[10, None, 30])}, {}, "CSD323", 1, "kept"),
    ("a discount line", {"subscriptions": subscriptions(mrr=[10, -2, 30])}, {}, "CSD323", 1, "kept"),
    (
        "paid by the year",
        {"subscriptions": subscriptions(interval=["month", "month", "year"])},
        {},
        "CSD325",
        1,
        "kept",
    ),
    ("cents beside euros", {"subscriptions": CENTS}, {}, "CSD326", 10, "kept"),
    ("scores of no kind", {"surveys": surveys(kind=[None, "CSAT", "CES"])}, {}, "CSD327", 1, "kept"),
    ("only answers", {"surveys": surveys().drop(columns=["answered_at", "score"])}, {}, "CSD328", 3, "kept"),
]

ODD_NAMES = ["row", "day", "known", "broken", "as_of", "id", "account", "n", "cut", "snapshot", "seen_day"]
ODD_NAMES += ["a.b", "bad__at", "x:y", "select", 'quo"te']

# what it is, tables: nothing to complain about
FINE: list[tuple[str, dict[str, Any], Callable[[CustomerData], bool]]] = [
    (
        "long whole numbers of a DECIMAL column",
        {"usage": usage(account_id=[decimal.Decimal(9007199254740993), decimal.Decimal(9007199254740992), None])[:2]},
        lambda data: list(data.accounts) == ["9007199254740992", "9007199254740993"],
    ),
    *(
        (
            f"an attribute called {name}",
            {"accounts": accounts(**{name: [50, 60, 70]}), "usage": usage()},
            lambda data, name=name: list(data.frame("accounts")[name]) == [50, 60, 70],
        )
        for name in (
            "row",
            "day",
            "known",
            "broken",
            "as_of",
            "id",
            "account",
            "n",
            "cut",
            "snapshot",
            "seen_day",
            "a.b",
            "bad__at",
            "x:y",
            "select",
            'quo"te',
        )
    ),
    (
        "HTML and formulas in names",
        {
            "accounts": accounts(name=["<script>alert(1)</script>", "=1+1", "x'; DROP TABLE usage; --"]),
            "usage": usage(),
        },
        lambda data: list(data.frame("accounts")["name"])[1:] == ["=1+1", "x'; DROP TABLE usage; --"],
    ),
    (
        "known before it happens, as a booked meeting is",
        {"usage": usage(known_at=["2024-12-01", None, None])},
        lambda data: list(data.frame("usage")["known_at"].dt.year.dropna()) == [2024],
    ),
    (
        "yes and no as text",
        {"contacts": contacts(reopened=["yes", "No", "TRUE"])},
        lambda data: list(data.frame("contacts")["reopened"]) == [True, False, True],
    ),
    (
        "numbers as text",
        {"contacts": contacts(transfers=["0", " 1.5 ", "NA"])},
        lambda data: list(data.frame("contacts")["transfers"].dropna()) == [0.0, 1.5],
    ),
    (
        "NA is a region",
        {"accounts": accounts(region=["NA", "EU", "EU"]), "usage": usage()},
        lambda data: list(data.frame("accounts")["region"]) == ["NA", "EU", "EU"],
    ),
    (
        "Decimal",
        {"subscriptions": subscriptions(mrr=[decimal.Decimal("10.50"), decimal.Decimal(3), 7]), "usage": usage()},
        lambda data: list(data.frame("subscriptions")["mrr"]) == [10.5, 3.0, 7.0],
    ),
    (
        "categoricals with ids as integers",
        {"usage": usage(account_id=pd.Categorical([1, 2, 1]))},
        lambda data: list(data.accounts) == ["1", "2"],
    ),
    (
        "integer ids that became floats",
        {"usage": usage(account_id=[1.0, 2.0, 3.0])},
        lambda data: list(data.accounts) == ["1", "2", "3"],
    ),
    (
        "resolved on the same day, by date",
        {"contacts": contacts(resolved_at=["2025-01-01", "2025-01-01", None])},
        lambda data: data.rejected.empty,
    ),
    (
        "survey kinds in lower case",
        {"surveys": surveys(kind=["nps", "csat ", "Ces"])},
        lambda data: list(data.frame("surveys")["kind"]) == ["NPS", "CSAT", "CES"],
    ),
]


def loud_and_quiet(tables: dict[str, Any], more: dict[str, Any]) -> tuple[CustomerData, list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = CustomerData(tables, **more)
    return data, [one for one in caught if issubclass(one.category, DataWarning)]


def only(breaches: tuple[Breach, ...], code: str) -> Breach:
    found = [breach for breach in breaches if breach.code == code]
    assert len(found) == 1, f"{code}: {[str(breach) for breach in breaches]}"
    return found[0]


@pytest.mark.parametrize(
    ("tables", "more", "code", "count"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_refused(tables: dict[str, Any], more: dict[str, Any], code: str, count: int) -> None:
    with pytest.raises(DataContractError, match=code) as caught:
        CustomerData(tables, **more)
    breach = only(caught.value.breaches, code)
    assert (breach.fatal, breach.count) == (True, count)
    assert CODES[code].next_step in str(caught.value)


@pytest.mark.parametrize(
    ("tables", "more", "code", "count", "effect"), [row[1:] for row in LISTED], ids=[row[0] for row in LISTED]
)
def test_listed(tables: dict[str, Any], more: dict[str, Any], code: str, count: int, effect: str) -> None:
    data, said = loud_and_quiet(tables, more)
    breach = only(data.breaches, code)
    assert (breach.count, breach.effect) == (count, effect)
    assert len(said) <= 1
    assert any(code in str(one.message) for one in said) is not breach.quiet
    assert (code in set(data.rejected["code"])) is (effect == "row set aside")
    if effect == "row set aside":
        assert (data.rejected["code"] == code).sum() == count


@pytest.mark.parametrize(("tables", "holds"), [row[1:] for row in FINE], ids=[row[0] for row in FINE])
def test_fine(tables: dict[str, Any], holds: Callable[[CustomerData], bool]) -> None:
    data, said = loud_and_quiet(tables, {})
    assert not said
    assert holds(data)


def test_files_that_cannot_be_read(tmp_path: Any) -> None:
    latin = tmp_path / "latin.csv"
    latin.write_bytes("account_id,at,feature\nM\xfcller,2025-01-01,x\n".encode("latin-1"))
    late = tmp_path / "late.csv"
    late.write_bytes(b"account_id,at\n" + b"a,2025-01-01\n" * 200_000 + "M\xfcller,2025-01-01\n".encode("latin-1"))
    ragged = tmp_path / "ragged.csv"
    ragged.write_text("account_id,at\na,2025-01-01,secret,secret\n")
    whole = tmp_path / "whole.parquet"
    pq.write_table(pa.Table.from_pandas(usage()), whole)
    truncated = tmp_path / "truncated.parquet"
    truncated.write_bytes(whole.read_bytes()[:-20])
    nothing = tmp_path / "nothing.csv"
    nothing.write_text("")
    twice = tmp_path / "twice.csv"
    twice.write_text("account_id,at,at\na,2025-01-01,2025-01-01\n")
    for path, code, words in (
        (latin, "CSD006", "not UTF-8"),
        (late, "CSD006", "line 200002 is not UTF-8"),
        (ragged, "CSD006", "line 2 has 4 cells, the header 2"),
        (truncated, "CSD006", "cut short"),
        (nothing, "CSD006", "no header"),
        (twice, "CSD005", "column=at"),
    ):
        with pytest.raises(DataContractError, match=code) as caught:
            CustomerData({"usage": path})
        assert words in str(caught.value)
        assert "ller" not in str(caught.value)
        assert "secret" not in str(caught.value)


def test_folder_without_a_known_table(tmp_path: Any) -> None:
    (tmp_path / "things.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataContractError, match="CSD009 count=0"):
        CustomerData.from_folder(tmp_path)


def test_folder_with_two_files_for_a_table(tmp_path: Any) -> None:
    usage().to_csv(tmp_path / "usage.csv", index=False)
    assert CustomerData.from_folder(tmp_path).tables == ("usage",)
    usage().to_parquet(tmp_path / "usage.parquet")
    with pytest.raises(DataContractError, match=r"CSD009 table=usage count=2: .*usage\.csv.*usage\.parquet"):
        CustomerData.from_folder(tmp_path)


def test_every_code_has_an_example() -> None:
    """The codes of files, cures, contracts, presets, measures, invoices and reasons have tests of their own."""
    shown = {row[3] for row in REFUSED} | {row[3] for row in LISTED}
    cures = {"CSD024", "CSD025", "CSD026", "CSD027"}
    shown |= cures | {"CSD340", "CSD341", "CSD342", "CSD343", "CSD344"}
    assert set(CODES) - shown == {"CSD009", "CSD021", "CSD022", "CSD023", "CSD331", "CSD332", "CSD333", "CSD334"}


def test_all_breaches_come_at_once() -> None:
    tables = {
        "usage": usage(account_id=["a", None, "c"]),
        "contacts": WITHOUT_COLUMN,
        "surveys": surveys(score=[11, 5, 7]),
        "subscription": subscriptions(),
    }
    with pytest.raises(DataContractError, match="5 breaches of the table contract, 2 of them fatal") as caught:
        CustomerData(tables)
    assert [breach.code for breach in caught.value.breaches] == ["CSD001", "CSD004", "CSD101", "CSD304", "CSD308"]


def test_messages_say_what_was_found() -> None:
    assert "count=1: 1 account, so that nothing can be learned (kept)" in str(Breach("CSD108", column="account_id"))
    assert "0 rows in the table (kept)" in str(Breach("CSD010", "usage", count=0))
    assert "is not read (kept)" in str(Breach("CSD015", "usage", "user_id"))
    assert "and are not read (kept)" in str(Breach("CSD015", "usage", "user_id", 2))


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("count", [0, 1, 7])
def test_each_code_says_what_was_found_and_how_much(code: str, count: int) -> None:
    said = str(Breach(code, "usage", "at", count))
    found = Breach(code, "usage", "at", count).found
    assert found.startswith(f"{count} ")
    assert f": {found} ({CODES[code].effect})" in said
    assert not set("{|}") & set(found)
    assert CODES[code].rule not in found
    assert said.endswith(CODES[code].next_step)
    assert Breach(code, count=1).found != Breach(code, count=7).found.replace("7", "1", 1)


def test_a_refusal_folds_what_is_not_fatal() -> None:
    tables = {"usage": usage(account_id=["a", None, "c"]), "contacts": WITHOUT_COLUMN}
    with pytest.raises(DataContractError) as caught:
        CustomerData(tables)
    head, fatal, rest = str(caught.value).splitlines()
    assert head == "3 breaches of the table contract, 1 of them fatal:"
    assert fatal.startswith("  CSD004 table=contacts column=opened_at count=1: 1 required column is missing (refused)")
    assert rest == "  and 2 further findings, not fatal: CSD101, CSD308; see .breaches of the error"
