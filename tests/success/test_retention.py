"""Retention by month of start and by days since the start, held against hands, labels and lifelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.exceptions import ConfigError, LabelError
from csrisk.success import cohorts, plot_cohorts, plot_retention, remaining_life, retention
from csrisk.success._longevity._retention import _curve, _mean
from csrisk.testing import on_engine

if TYPE_CHECKING:
    from csrisk.testing import EngineName

ROWS = (
    ("runs", "2025-01-01", None, 100.0),
    ("left", "2025-01-10", "2025-03-01", 50.0),
    # renewed within the grace, and grown
    ("late", "2025-01-05", "2025-02-05", 40.0),
    ("late", "2025-02-20", None, 80.0),
    # gone for three months: coming back is no retention
    ("back", "2025-01-31", "2025-02-10", 10.0),
    ("back", "2025-05-10", None, 10.0),
    ("young", "2025-04-15", None, 30.0),
    # ends within the grace before the end: not known to have left
    ("lately", "2025-02-01", "2025-05-25", 20.0),
    ("plans", "2025-02-01", "2026-02-01", 20.0),
)


def _book(rows: tuple[tuple[Any, ...], ...] = ROWS, **options: Any) -> cr.CustomerData:
    table = pd.DataFrame(rows, columns=["account_id", "start_at", "end_at", "mrr"])
    return cr.CustomerData({"subscriptions": table}, **{"end": "2025-06-15", **options})


def _numbers(table: pd.DataFrame, month: str, column: str) -> list[float | None]:
    return [None if pd.isna(value) else float(value) for value in table.loc[month][column]]


def test_cohorts_by_hand() -> None:
    table = cohorts(_book(), few=4)
    assert _numbers(table, "2025-01-01", "stayed") == [4, 3, 2, 2]
    assert _numbers(table, "2025-01-01", "retention") == [1, 0.75, 0.5, 0.5]
    assert _numbers(table, "2025-01-01", "mrr_stayed") == [200, 190, 180, 180]
    assert _numbers(table, "2025-01-01", "revenue_retention") == [1, 0.95, 0.9, 0.9]
    assert _numbers(table, "2025-02-01", "stayed") == [2, 2, 2, 2]
    # a month that is not over for everyone is missing, never 0
    assert _numbers(table, "2025-04-01", "stayed") == [1, 1, None, None]
    assert table["few"].groupby("start_month").first().tolist() == [False, True, True]
    assert "2025-05-01" not in table.index.get_level_values("start_month").astype(str)


def test_nothing_dated_at_or_after_until_counts() -> None:
    rows = tuple(row for row in ROWS if row[1] < "2025-04-01")
    early = tuple((a, s, None if e is not None and e >= "2025-04-01" else e, m) for a, s, e, m in rows)
    then = _book(early, end="2025-04-01")
    for of in (cohorts, retention):
        pd.testing.assert_frame_equal(of(_book(), until="2025-04-01"), of(then))


def test_what_the_label_calls_churn_has_left(small_book: cr.CustomerData) -> None:
    table = cohorts(small_book)
    contracts = small_book.frame("subscriptions").groupby("account_id")["start_at"].min()
    for month, after in [(month, after) for month, after in table.index if after in (2, 5)][:12]:
        began = contracts[contracts.dt.to_period("M").dt.to_timestamp() == month].dt.normalize()
        known = table.loc[(month, after), "stayed"]
        churned = 0
        for account, start in began.items():
            asked = pd.DataFrame({"account_id": [account], "as_of": [start + pd.Timedelta(days=1)]})
            days = ((start + pd.DateOffset(months=after)) - start).days - 1
            past = cr.Snapshots.of(small_book, asked, lead=0, horizon=days)
            churned += int(cr.label_churn(small_book, past, kind="contract").fillna(False).sum())
        assert pd.isna(known) or known == table.loc[(month, after), "accounts"] - churned


def test_curve_by_hand() -> None:
    # Freireich's remission times under treatment, as printed in textbooks
    time = np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35])
    event = np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0], dtype=bool)
    curve = _curve(np.zeros(21, dtype=np.int64), time, event)
    assert curve["at_risk"].to_dict() == {0: 21, 6: 21, 7: 17, 10: 15, 13: 12, 16: 11, 22: 7, 23: 6, 35: 1}
    told = curve["retention"].round(4).tolist()
    assert told == [1, 0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482, 0.4482]
    np.testing.assert_allclose(curve.loc[6, ["low", "high"]].astype(float), [0.6197, 0.9516], atol=1e-4)
    np.testing.assert_allclose(curve.loc[23, ["low", "high"]].astype(float), [0.1881, 0.6801], atol=1e-4)
    assert curve["left"].sum() + curve["censored"].sum() == 21


def test_survivors_of_older_years_are_no_loyalty() -> None:
    # only those are in the export who were still there in 2025
    rows = (
        ("old", "2020-01-01", None, 1.0),
        ("older", "2019-01-01", "2025-02-01", 1.0),
        ("new", "2025-01-01", "2025-01-21", 1.0),
        ("newer", "2025-01-01", None, 1.0),
    )
    table = retention(_book(rows), since="2025-01-01").loc["all"]
    assert table.loc[0, "at_risk"] == 2
    assert table.loc[21, ["at_risk", "left", "retention"]].tolist() == [2, 1, 0.5]
    assert retention(_book(rows), since="2018-12-01").loc[("all", 21), "retention"] == 0.75
    assert cohorts(_book(rows), since="2025-01-01").index.get_level_values(0).min() == pd.Timestamp("2025-01-01")


def test_remaining_life_by_hand() -> None:
    entry, event = np.zeros(4, dtype=np.int64), np.array([True, True, False, False])
    time = np.array([10, 20, 100, 100])
    assert _mean(entry, time, event, 0, 50)[:2] == pytest.approx((4, 10 + 0.75 * 10 + 0.5 * 30))
    assert _mean(entry, time, event, 10, 50)[:2] == pytest.approx((3, 10 + 2 / 3 * 40))
    # beyond what anybody was followed nothing is said
    assert np.isnan(_mean(entry, time, event, 60, 50)[1])
    # that nobody left is no certainty
    assert _mean(entry, time, event, 30, 50)[1:4:2] == (50, 50)
    assert 0 < _mean(entry, time, event, 30, 50)[2] < 25


def test_curve_without_events_is_not_certain() -> None:
    curve = _curve(np.zeros(5, dtype=np.int64), np.full(5, 90), np.zeros(5, dtype=bool))
    assert curve.loc[90, "retention"] == 1
    assert curve.loc[90, "low"] == pytest.approx(0.5655, abs=1e-3)


def test_groups_are_of_accounts_contracts_or_own() -> None:
    table = pd.DataFrame(ROWS, columns=["account_id", "start_at", "end_at", "mrr"])
    table["plan"] = ["basic"] * 3 + ["pro"] * 6
    book = cr.CustomerData({"subscriptions": table}, end="2025-06-15")
    # the plan of the first contract: "late" began as basic
    assert retention(book, "plan").groupby("group")["at_risk"].first().to_dict() == {"basic": 3, "pro": 4}
    own = pd.Series({"runs": "a", "left": "a"})
    assert retention(book, own).groupby("group")["at_risk"].first().to_dict() == {"a": 2, "unknown": 5}
    with pytest.raises(ConfigError, match="by='colour' is no column of accounts or subscriptions"):
        retention(book, "colour")
    with pytest.raises(ConfigError, match="1 accounts have more than one group"):
        retention(book, pd.Series(["a", "b"], index=["runs", "runs"]))


def test_trials_are_no_contracts() -> None:
    table = pd.DataFrame(ROWS, columns=["account_id", "start_at", "end_at", "mrr"])
    table["is_trial"] = [True, *[False] * 8]
    book = cr.CustomerData({"subscriptions": table}, end="2025-06-15")
    assert cohorts(book).loc[("2025-01-01", 0), "accounts"].item() == 3


def test_without_ends_it_is_refused() -> None:
    usage = pd.DataFrame({"account_id": ["a", "b"], "at": pd.to_datetime(["2025-06-01", "2025-06-02"])})
    book = cr.CustomerData({"usage": usage}, end="2025-07-01")
    for of in (cohorts, retention, remaining_life):
        with pytest.raises(LabelError, match=r"subscriptions\.end_at or accounts\.ended_at; the tables have neither"):
            of(book)
    with pytest.raises(ConfigError, match="since=2025-07-01 must lie before 2025-06-15"):
        cohorts(_book(), since="2025-07-01")


@pytest.mark.parametrize(
    "engine", ["polars", "ibis-duckdb", "ibis-sqlite", pytest.param("pyspark", marks=pytest.mark.slow)]
)
def test_every_engine_says_the_same(engine: EngineName) -> None:
    table = pd.DataFrame(ROWS, columns=["account_id", "start_at", "end_at", "mrr"])
    for name in ("start_at", "end_at"):
        table[name] = pd.to_datetime(table[name])
    here = cr.CustomerData({"subscriptions": table}, end="2025-06-15")
    there = cr.CustomerData(on_engine({"subscriptions": table}, engine), end="2025-06-15")
    for of in (cohorts, retention):
        pd.testing.assert_frame_equal(of(there), of(here))


def test_nobody_started_draws_an_empty_picture() -> None:
    book = _book((("old", "2024-01-01", None, 1.0), ("gone", "2024-01-01", "2024-05-01", 1.0)))
    nobody = cohorts(book, since="2025-01-01")
    assert nobody.empty
    assert plot_cohorts(nobody).get_xlabel() == "Full months since the start"
    assert len(plot_retention(retention(book, since="2025-01-01").iloc[:0])) == 2


@pytest.mark.slow
def test_lifelines_says_the_same(small_book: cr.CustomerData) -> None:
    lifelines = pytest.importorskip("lifelines")
    rng = np.random.default_rng(0)
    time, entry = rng.integers(50, 90, 300), rng.integers(0, 40, 300)
    event = rng.random(300) < 0.6
    ours = _curve(entry, time, event)
    curve = lifelines.KaplanMeierFitter().fit(time, event, entry=entry)
    theirs = curve.survival_function_at_times(ours.index)
    np.testing.assert_allclose(ours["retention"], theirs, atol=1e-9)
    left = ours[ours["left"] > 0]
    bounds = curve.confidence_interval_.reindex(left.index)
    np.testing.assert_allclose(left[["low", "high"]], bounds, atol=1e-6)
    past = cr.Snapshots.every(small_book, "MS", horizon="60D")
    y = cr.label_time_to_churn(small_book, past, only_known=True)
    assert (
        lifelines.KaplanMeierFitter().fit(y["duration"], y["event"]).event_table["observed"].sum() == y["event"].sum()
    )
