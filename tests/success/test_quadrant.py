"""The quadrant of sentiment and profit, by hand and against the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from scipy.stats import t as student

import csrisk as cr
from csrisk.exceptions import ConfigError
from csrisk.success import QUADRANTS, company_happiness, happiness, quadrant_migration, success_quadrant

TWO = pd.DataFrame({"account_id": ["a", "b"], "started_at": pd.Timestamp("2024-01-01")})


def _frames(position: list[float], value: list[float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    happy = pd.DataFrame({"position": position})
    happy = happy.assign(low=happy["position"] - 0.1, high=happy["position"] + 0.1)
    company = pd.DataFrame({"value": value, "measure": "profit"})
    return happy, company.assign(low=company["value"] - 5, high=company["value"] + 5)


def test_quadrants_by_hand() -> None:
    table = success_quadrant(*_frames([0.8, 0.3, 0.65, 0.5, np.nan], [100, 50, -20, -1, 10]))
    assert table["quadrant"].tolist()[:4] == list(QUADRANTS)
    assert pd.isna(table["quadrant"].iloc[4])
    assert table["certain"].tolist() == [True, True, False, False, False]


def test_profitable_but_neutral_is_a_business_risk() -> None:
    table = success_quadrant(*_frames([0.5, 0.5, 0.3, 0.9], [100, 10, 100, 100]))
    assert table["business_risk"].tolist() == [True, False, False, False]


def test_thresholds_are_stated_and_adjustable() -> None:
    table = success_quadrant(*_frames([0.5], [10]), happy_from=0.45, value_from=20)
    assert table["quadrant"].tolist() == ["work to keep: costly"]
    assert table[["happy_from", "value_from"]].iloc[0].tolist() == [0.45, 20]
    with pytest.raises(ConfigError, match=r"neutral_from=0.7 and happy_from=0.6 must be in order"):
        success_quadrant(*_frames([0.5], [10]), neutral_from=0.7)
    happy, company = _frames([0.5], [10])
    with pytest.raises(ConfigError, match=r"must share their index"):
        success_quadrant(happy, company.set_axis([7]))


def test_profit_by_hand_and_known_only() -> None:
    finance = pd.DataFrame(
        {
            "account_id": ["a"] * 3,
            "at": pd.to_datetime(["2025-04-30", "2025-05-31", "2025-06-30"]),
            "revenue": [100.0, 100.0, 100.0],
            "cost_to_serve": [40.0, 60.0, 90.0],
            "known_at": pd.to_datetime(["2025-05-05", "2025-06-05", "2025-07-05"]),
        }
    )
    data = cr.CustomerData({"accounts": TWO, "finance": finance}, end="2025-07-01")
    row = company_happiness(data, _one(data)).iloc[0]
    assert row["value"] == pytest.approx((60 + 40) / 2)
    assert row["margin"] == pytest.approx(100 / 200)
    assert row["periods"] == 2
    assert row["high"] - row["value"] == pytest.approx(student.ppf(0.975, 1) * np.std([60, 40], ddof=1) / np.sqrt(2))


def _one(data: cr.CustomerData) -> cr.Snapshots:
    index = pd.MultiIndex.from_tuples([("a", pd.Timestamp("2025-07-01"))], names=["account_id", "as_of"])
    return cr.Snapshots.of(data, index)


def test_recurring_revenue_where_there_is_no_finance() -> None:
    subscriptions = pd.DataFrame(
        {
            "account_id": ["a", "a", "a"],
            "start_at": pd.to_datetime(["2024-01-01", "2025-01-01", "2025-02-01"]),
            "end_at": pd.to_datetime(["2025-01-01", None, None]),
            "mrr": [50.0, 70.0, 5.0],
            "product": ["core", "core", "extra"],
        }
    )
    data = cr.CustomerData({"accounts": TWO, "subscriptions": subscriptions}, end="2025-07-01")
    row = company_happiness(data, _one(data)).iloc[0]
    assert (row["value"], row["measure"]) == (75.0, "mrr")


def test_confidence_by_hand() -> None:
    """Position .8 with low .7 is 2 x 1.96 standard errors above .6; value 100 with low 95 is 20 half widths above 0."""
    table = success_quadrant(*_frames([0.8, 0.6, np.nan], [100, 100, 100]))
    assert table["confidence"].tolist()[:2] == pytest.approx([norm.cdf(2 * norm.ppf(0.975)), 0.5])
    assert np.isnan(table["confidence"].iloc[2])
    happy, company = _frames([0.8], [100])
    company[["low", "high"]] = np.nan  # one booking period: taken as it is
    assert success_quadrant(happy, company)["confidence"].iloc[0] == pytest.approx(norm.cdf(2 * norm.ppf(0.975)))


def test_agrees_with_the_true_quadrant() -> None:
    """Where the evidence suffices for a confidence of .8, at least 80 % are where they truly are.

    The continuum has no unit in common with the true state, so the true threshold is the one with the same share above.
    """
    book = cr.datasets.make_saas(500, 24, seed=3)
    data = book.data()
    days = cr.Snapshots.at(data, ["2025-07-01", "2026-01-01"])
    happy, company = happiness(data, days), company_happiness(data, days)
    table = success_quadrant(happy, company)
    month = table.index.get_level_values("as_of") - pd.DateOffset(months=1)
    pairs = pd.MultiIndex.from_arrays([table.index.get_level_values("account_id"), month])
    truth = book.truth.months.reindex(pairs).set_axis(table.index)[table["quadrant"].notna()]
    table = table.loc[truth.index]
    limit = truth["happiness"].quantile(1 - (table["position"] >= 0.6).mean())
    agrees = ((truth["happiness"] >= limit) == (table["position"] >= 0.6)) & (
        (truth["profit"] > 0) == (table["value"] > 0)
    )
    enough = table["confidence"] >= 0.8
    assert enough.mean() > 0.4
    assert agrees[enough].mean() >= 0.85
    assert agrees[table["certain"]].mean() >= 0.9
    assert agrees.mean() > agrees[~enough].mean() + 0.1


def test_migration_counts_every_account_once(small_book: cr.CustomerData) -> None:
    days = cr.Snapshots.at(small_book, ["2025-04-01", "2025-07-01"])
    quadrants = success_quadrant(happiness(small_book, days), company_happiness(small_book, days))
    moves = quadrant_migration(quadrants)
    assert moves["accounts"].sum() == (quadrants.index.get_level_values("as_of") == "2025-04-01").sum()
    np.testing.assert_allclose(moves.groupby(["as_of", "before"])["share"].sum(), 1)
    assert (moves.groupby("before")["accounts"].sum() == moves.groupby("before")["of"].first()).all()
    assert ((moves["low"] <= moves["share"]) & (moves["share"] <= moves["high"])).all()


def test_credits_are_told_apart_from_revenue() -> None:
    """100 billed and 90 given back: 10 of revenue, of which the credits are .9 of what was billed."""
    finance = pd.DataFrame(
        {
            "account_id": "a",
            "at": pd.to_datetime(["2025-06-01", "2025-06-15"]),
            "revenue": [100.0, -90.0],
            "cost_to_serve": [5.0, 5.0],
        }
    )
    accounts = pd.DataFrame({"account_id": ["a", "b"], "started_at": "2025-01-01"})
    data = cr.CustomerData({"accounts": accounts, "finance": finance}, end="2025-07-01")
    row = company_happiness(data, cr.Snapshots.at(data, "2025-07-01", eligible="account")).droplevel("as_of").loc["a"]
    assert (row["credits"], row["margin"], row["value"]) == (0.9, 0.0, 0.0)
