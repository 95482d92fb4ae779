"""Whole tables as real systems export them, on four engines: the same finding, or the same right number, on each."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from csrisk import CustomerData, Snapshots
from csrisk.testing import on_engine

from ._case import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Tables: TypeAlias = dict[str, pd.DataFrame]

ENGINES = ("duckdb", "polars", "ibis-duckdb", "ibis-sqlite")
IDS = [f"kanarie-{letter}" for letter in "abcdefghijkl"]
FIRST, DAYS = pd.Timestamp("2025-01-01"), 120
END = FIRST + pd.Timedelta(days=DAYS)
LATER = pd.Timedelta(days=1)


def _grid(column: str, days: pd.DatetimeIndex, **more: Any) -> pd.DataFrame:
    n = len(days)
    return pd.DataFrame({"account_id": np.tile(IDS, n), column: np.repeat(days, len(IDS))}).assign(**more)


@cache
def _whole() -> Tables:
    """Twelve accounts that keep the contract."""
    daily = pd.date_range(FIRST, periods=DAYS).as_unit("us")
    surveys = _grid("sent_at", daily[5::40], kind="NPS", score=np.arange(36) % 11 * 1.0)
    contracts = _grid("start_at", daily[:1], mrr=np.linspace(90, 110, 12), seats=10.0, plan="pro")
    return {
        "accounts": pd.DataFrame({"account_id": IDS, "started_at": FIRST, "segment": ["small", "large"] * 6}),
        "subscriptions": contracts.assign(end_at=[END - 20 * LATER] * 6 + [pd.NaT] * 6),
        "usage": _grid("at", daily, feature=np.resize(["x", "y"], 12 * DAYS), quantity=1.0),
        "contacts": _grid("opened_at", daily[::10]).assign(resolved_at=lambda rows: rows["opened_at"] + LATER),
        "surveys": surveys.assign(answered_at=lambda rows: rows["sent_at"] + LATER),
        "finance": _grid("at", daily[27::30], revenue=100.0),
    }


def _with(table: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Tables:
    tables = {name: frame.copy() for name, frame in _whole().items()}
    return {**tables, table: change(tables[table])}


def _col(table: str, column: str, change: Any) -> Tables:
    """Put values, or what becomes of those that are there, into a column."""

    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        there = rows[column] if column in rows else rows.iloc[:, 0]
        return rows.assign(**{column: change(there) if callable(change) else change})

    return _with(table, changed)


def _some(n: int, value: Any) -> Callable[[pd.Series], Any]:
    """Put a value into the first rows."""
    return lambda cells: cells.where(np.arange(len(cells)) >= n, value)


def _numbered(change: Callable[[pd.Series], Any], table: str = "usage") -> Tables:
    """Whole numbers as ids everywhere, those of one table changed."""
    tables = {name: f.assign(account_id=f["account_id"].map(IDS.index) + 1) for name, f in _whole().items()}
    return {**tables, table: tables[table].assign(account_id=change(tables[table]["account_id"]))}


def _versions(*spans: tuple[int, int | None]) -> Tables:
    """Contracts of all accounts over spans of days."""
    parts = [
        pd.DataFrame({"account_id": IDS, "start_at": FIRST + first * LATER, "mrr": 100.0}).assign(
            end_at=pd.NaT if last is None else FIRST + last * LATER
        )
        for first, last in spans
    ]
    return {**_whole(), "subscriptions": pd.concat(parts, ignore_index=True)}


def _hole(first: int, last: int) -> Tables:
    return _with("usage", lambda rows: rows[~rows["at"].between(FIRST + first * LATER, FIRST + last * LATER)])


def _ahead(days: int, n: int) -> Tables:
    return _with(
        "usage",
        lambda rows: rows.assign(
            at=rows["at"] + pd.to_timedelta(days * (np.arange(len(rows)) >= len(rows) - n), unit="D")
        ),
    )


def _known(days: int | None, table: str = "usage") -> Tables:
    return _with(table, lambda rows: rows.assign(known_at=END - LATER if days is None else rows["at"] + days * LATER))


# what it is; the code, its table and count; the tables
_SAID: dict[str, tuple[str, str, int, Callable[[], Tables]]] = {
    "a feed that stood still for five weeks": ("CSD214", "usage", 35, lambda: _hole(50, 84)),
    "a feed that stopped": ("CSD211", "usage", 49, lambda: _hole(70, 200)),
    "one clock a year ahead": ("CSD208", "usage", 1, lambda: _ahead(365, 1)),
    "a whole day dated a year ahead": ("CSD208", "usage", 12, lambda: _ahead(365, 12)),
    "known three weeks late": ("CSD219", "usage", 12 * DAYS, lambda: _known(21)),
    "the day of the export as known_at": ("CSD220", "usage", 12 * (DAYS - 14), lambda: _known(None)),
    "contacts marked as deleted": (
        "CSD330",
        "contacts",
        3,
        lambda: _col("contacts", "is_deleted", lambda c: np.arange(len(c)) < 3),
    ),
    "accounts of tests": (
        "CSD330",
        "accounts",
        2,
        lambda: _col("accounts", "is_test", lambda c: np.arange(len(c)) < 2),
    ),
    "sums of months at the first": (
        "CSD221",
        "usage",
        60,
        lambda: {
            **_whole(),
            "usage": _grid(
                "at", pd.date_range("2025-01-01", periods=5, freq="MS"), quantity=np.resize([0.0, 40.0], 60)
            ),
        },
    ),
    "an export joined twice": (
        "CSD322",
        "usage",
        12 * DAYS,
        lambda: _with("usage", lambda rows: pd.concat([rows] * 2)),
    ),
    "contracts joined twice": (
        "CSD310",
        "subscriptions",
        12,
        lambda: _with("subscriptions", lambda rows: pd.concat([rows] * 2)),
    ),
    "accounts joined twice": ("CSD103", "accounts", 12, lambda: _with("accounts", lambda rows: pd.concat([rows] * 2))),
    "ends that are last days": ("CSD215", "subscriptions", 12, lambda: _versions((0, 58), (59, None))),
    "ends just before midnight": (
        "CSD215",
        "subscriptions",
        6,
        lambda: _col("subscriptions", "end_at", lambda c: c + LATER - pd.Timedelta(seconds=1)),
    ),
    "contracts without an amount": (
        "CSD323",
        "subscriptions",
        2,
        lambda: _col("subscriptions", "mrr", _some(2, np.nan)),
    ),
    "negative amounts": ("CSD303", "subscriptions", 2, lambda: _col("subscriptions", "mrr", _some(2, -5.0))),
    "yearly beside monthly": (
        "CSD325",
        "subscriptions",
        5,
        lambda: _col("subscriptions", "mrr", lambda c: c * np.where(np.arange(12) < 5, 12, 1)),
    ),
    "cents beside units": (
        "CSD326",
        "subscriptions",
        5,
        lambda: _col("subscriptions", "mrr", lambda c: c * np.where(np.arange(12) < 5, 100, 1)),
    ),
    "bookings in cents": ("CSD326", "finance", 12, lambda: _col("finance", "revenue", lambda c: c * 100)),
    "some amounts without a currency": (
        "CSD329",
        "subscriptions",
        3,
        lambda: _col("subscriptions", "currency", ["EUR"] * 9 + [None] * 3),
    ),
    "paid by the year": ("CSD325", "subscriptions", 12, lambda: _col("subscriptions", "interval", "year")),
    "for ever: 9999-12-31": (
        "CSD203",
        "subscriptions",
        6,
        lambda: _col("subscriptions", "end_at", lambda c: c.fillna(pd.Timestamp("9999-12-31").as_unit("us"))),
    ),
    "started on 1900-01-01": (
        "CSD203",
        "accounts",
        12,
        lambda: _col("accounts", "started_at", pd.Timestamp("1900-01-01")),
    ),
    "started on 1970-01-01": (
        "CSD203",
        "accounts",
        2,
        lambda: _col("accounts", "started_at", _some(2, pd.Timestamp("1970-01-01"))),
    ),
    "ended before it began": (
        "CSD204",
        "subscriptions",
        2,
        lambda: _col("subscriptions", "end_at", _some(2, FIRST - 9 * LATER)),
    ),
    "resolved before opened": (
        "CSD204",
        "contacts",
        4,
        lambda: _col("contacts", "resolved_at", _some(4, FIRST - LATER)),
    ),
    "accounts that the list lacks": ("CSD104", "finance", 8, lambda: _with("accounts", lambda rows: rows.iloc[:10])),
    "a catalogue in capitals": (
        "CSD113",
        "features",
        2,
        lambda: {**_whole(), "features": pd.DataFrame({"feature": ["X", "Y"]})},
    ),
    "surveys of an unknown kind": ("CSD305", "surveys", 36, lambda: _col("surveys", "kind", "pulse")),
    "scores without kind": ("CSD327", "surveys", 36, lambda: _with("surveys", lambda rows: rows.drop(columns="kind"))),
    "surveys without times of answers": (
        "CSD328",
        "surveys",
        36,
        lambda: _with("surveys", lambda rows: rows.drop(columns="answered_at")),
    ),
    "no quantity but corrections": ("CSD303", "usage", 5, lambda: _col("usage", "quantity", _some(5, -1.0))),
    "words for nothing as ids": (
        "CSD112",
        "usage",
        4,
        lambda: _col("usage", "account_id", lambda c: ["NULL", "nan", "(blank)", "unknown", *c[4:]]),
    ),
    "the foot of a report": (
        "CSD112",
        "finance",
        1,
        lambda: _col("finance", "account_id", lambda c: [*c[:-1], "Grand Total"]),
    ),
    "the header in the middle": (
        "CSD112",
        "finance",
        1,
        lambda: _col("finance", "account_id", lambda c: [*c[:20], "account_id", *c[21:]]),
    ),
    "the sum at the foot, without an id": (
        "CSD101",
        "finance",
        1,
        lambda: _col("finance", "account_id", lambda c: [*c[:-1], None]),
    ),
    "some ids in capitals": (
        "CSD104",
        "usage",
        9,
        lambda: _col("usage", "account_id", lambda c: [*c[:9].str.upper(), *c[9:]]),
    ),
    "contact ids that repeat": (
        "CSD110",
        "contacts",
        96,
        lambda: _col("contacts", "contact_id", lambda c: (np.arange(len(c)) // 3).astype(str)),
    ),
}
_REFUSED: dict[str, tuple[str, str, Callable[[], Tables]]] = {
    "scores from 0 to 100 as NPS": ("CSD304", "surveys", lambda: _col("surveys", "score", lambda c: c * 10)),
    "scores from 0 to 10 as CSAT": ("CSD304", "surveys", lambda: _col("surveys", "kind", "CSAT")),
    "shares as CSAT": (
        "CSD304",
        "surveys",
        lambda: _with("surveys", lambda rows: rows.assign(kind="CSAT", score=rows["score"] / 20)),
    ),
    "two currencies": (
        "CSD324",
        "subscriptions",
        lambda: _col("subscriptions", "currency", ["EUR", "USD"] * 6),
    ),
    "two currencies in two tables": (
        "CSD324",
        "",
        lambda: {
            **_col("finance", "currency", "USD"),
            "subscriptions": _whole()["subscriptions"].assign(currency="EUR"),
        },
    ),
    "ids 007 beside 7": ("CSD104", "usage", lambda: _numbered(lambda c: c.map("{:03d}".format))),
    "ids 7.0 as text beside 7": ("CSD104", "usage", lambda: _numbered(lambda c: c.map("{}.0".format))),
    "ids of parts of accounts": ("CSD107", "usage", lambda: _numbered(lambda c: c + 0.5)),
    "ids in capitals": ("CSD104", "usage", lambda: _col("usage", "account_id", lambda c: c.str.upper())),
    "ids with a blank": ("CSD104", "usage", lambda: _col("usage", "account_id", lambda c: c + " ")),
    "accounts with two segments": (
        "CSD102",
        "accounts",
        lambda: _with("accounts", lambda rows: pd.concat([rows, rows.assign(segment="other")])),
    ),
    "days as numbers of a spreadsheet": (
        "CSD011",
        "usage",
        lambda: _col("usage", "at", lambda c: np.arange(len(c)) + 45658.0),
    ),
    "seconds since 1970": ("CSD011", "usage", lambda: _col("usage", "at", lambda c: np.arange(len(c)) + 1_735_689_600)),
    "without a time": ("CSD004", "usage", lambda: _with("usage", lambda rows: rows.drop(columns="at"))),
}


def _eligible(data: CustomerData, day: int, rule: Any = "active") -> int:
    return len(Snapshots.at(data, FIRST + day * LATER, eligible=rule, look_back=30))


_READ: dict[str, tuple[Callable[[], Tables], Callable[[CustomerData], bool]]] = {
    "a spine of days without use": (
        lambda: _col("usage", "quantity", lambda c: np.where(np.arange(len(c)) % 12 < 6, 0.0, 1.0)),
        lambda data: _eligible(data, 100) == 6,
    ),
    "contracts that follow on the day": (
        lambda: _versions((0, 59), (59, None)),
        lambda data: _eligible(data, 59, "contract") == _eligible(data, 60, "contract") == 12,
    ),
    "known before it happened": (lambda: _known(-9), lambda data: _eligible(data, 5) == 12),
    "terms in years to come": (
        lambda: _col("subscriptions", "end_at", pd.Timestamp("2099-12-31")),
        lambda data: data.end == END and _eligible(data, 100, "contract") == 12,
    ),
    "times with a zone": (
        lambda: _col("usage", "at", lambda c: (c + pd.Timedelta(hours=12)).dt.tz_localize("Europe/Berlin")),
        lambda data: data.frame("usage")["at"].min() == FIRST + pd.Timedelta(hours=11),
    ),
    "ids as numbers and as text": (lambda: _numbered(lambda c: c.astype(str)), lambda data: len(data.accounts) == 12),
    "ids as whole floats": (
        lambda: _numbered(lambda c: c.astype(float)),
        lambda data: list(data.accounts)[:2] == ["1", "10"],
    ),
    "categories that nobody has": (
        lambda: _col("accounts", "segment", lambda c: pd.Categorical(c, categories=["small", "large", "none"])),
        lambda data: set(data.frame("accounts")["segment"]) == {"small", "large"},
    ),
    "a column without values": (
        lambda: _col("subscriptions", "mrr", np.nan),
        lambda data: not data.has("subscriptions", "mrr"),
    ),
    "credits": (
        lambda: _col("finance", "revenue", _some(4, -50.0)),
        lambda data: data.frame("finance")["revenue"].sum() == 44 * 100 - 4 * 50,
    ),
}


def _said(code: str, table: str, count: int) -> Callable[[Any, Any], bool]:
    def right(data: CustomerData, _: Any) -> bool:
        return any((b.code, b.count) == (code, count) and b.table in (table, "") for b in data.breaches)

    return right


def _load(tables: Callable[[], Tables], engine: str) -> Callable[[Any], CustomerData]:
    return lambda _: CustomerData(on_engine(tables(), engine))  # type: ignore[arg-type]  # names of the list above


def _engines(place: int) -> tuple[str, str]:
    """The embedded engine, and in turn one of the others: `tests/data` compares the rules themselves on all of them."""
    return ENGINES[0], ENGINES[1 + place % (len(ENGINES) - 1)]


def book_cases() -> Iterator[Case]:
    """Every situation on two engines."""
    for place, (what, (code, table, count, tables)) in enumerate(_SAID.items()):
        for engine in _engines(place):
            yield Case(
                "books", what, engine, code, _load(tables, engine), effect="kept", right=_said(code, table, count)
            )
    for place, (what, (code, table, refused)) in enumerate(_REFUSED.items()):
        for engine in _engines(place):
            yield Case("books", what, engine, code, _load(refused, engine), match=f"{code}.*{table}")
    for place, (what, (tables, number)) in enumerate(_READ.items()):
        for engine in _engines(place):
            yield Case(
                "books",
                what,
                engine,
                "read right",
                _load(tables, engine),
                effect="read",
                right=lambda data, _, number=number: number(data),
            )
