"""Curves of evaluation: identities that hold on every level."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from csrisk.evaluation import (
    calibration_curve,
    capacity_curve,
    evaluate_scores,
    expected_loss,
    plot_calibration,
    plot_capacity,
    plot_profit,
    profit_curve,
)


@pytest.fixture(scope="module")
def book() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    risk = expit(rng.normal(-1, 1.5, 600))
    return pd.DataFrame({"risk": risk, "y": rng.random(600) < risk, "account": rng.integers(120, size=600)})


def test_levels_of_the_calibration_curve_add_up_to_the_book(book):
    table = calibration_curve(book["y"], book["risk"], book["account"], n_bins=5)
    assert table["n_snapshots"].tolist() == [120] * 5
    assert table["n_events"].sum() == book["y"].sum()
    assert (table["mean_risk"] * table["n_snapshots"]).sum() == pytest.approx(book["risk"].sum())
    assert (table["event_rate"] * table["n_snapshots"]).sum() == pytest.approx(book["y"].sum())
    assert ((table["low"] <= table["event_rate"]) & (table["event_rate"] <= table["high"])).all()
    assert table["mean_risk"].is_monotonic_increasing


def test_risks_that_are_right_lie_within_the_interval_on_nearly_all_levels():
    inside = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        risk = expit(rng.normal(-1, 1.5, 600))
        table = calibration_curve(rng.random(600) < risk, risk, n_bins=5, n_bootstrap=100)
        inside.append(table["mean_risk"].between(table["low"], table["high"]).mean())
    assert 0.88 <= np.mean(inside) <= 1.0


def test_equal_risks_stay_on_one_level():
    table = calibration_curve([0, 1, 0, 1, 1], [0.2, 0.2, 0.2, 0.2, 0.9], n_bins=4)
    assert table["n_snapshots"].tolist() == [4, 1]
    assert table["event_rate"].tolist() == [0.5, 1.0]


def test_the_brier_score_is_reliability_minus_resolution_plus_uncertainty():
    # Murphy 1973, exact where every level holds one value of risk
    rng = np.random.default_rng(1)
    risk = rng.choice([0.1, 0.3, 0.6], 300)
    y = (rng.random(300) < risk).astype(int)
    table = calibration_curve(y, risk, n_bins=50)
    share = table["n_snapshots"] / 300
    reliability = (share * (table["mean_risk"] - table["event_rate"]) ** 2).sum()
    resolution = (share * (table["event_rate"] - y.mean()) ** 2).sum()
    brier = evaluate_scores(y, risk, probability=True).loc["brier", "estimate"]
    assert brier == pytest.approx(reliability - resolution + y.mean() * (1 - y.mean()))


def test_the_capacity_curve_agrees_with_evaluate_and_ends_at_one(book):
    table = capacity_curve(book["y"], book["risk"], book["account"])
    one = evaluate_scores(book["y"], book["risk"], book["account"], capacity=0.1)
    assert table.loc[0.1, "capture"] == pytest.approx(one.loc["capture_at_10", "estimate"])
    assert table.loc[0.1, "low"] == pytest.approx(one.loc["capture_at_10", "low"])
    assert table.loc[0.1, "lift"] == pytest.approx(one.loc["lift_at_10", "estimate"])
    assert table["capture"].is_monotonic_increasing
    assert table.loc[1.0, ["capture", "low", "high", "lift"]].tolist() == pytest.approx([1.0] * 4)


def test_expected_loss_of_right_risks_is_the_actual_loss(book):
    value = np.linspace(10, 100, 600)
    table = expected_loss(book["y"], book["risk"], value, book["account"])
    assert table.loc["expected_loss", "estimate"] == pytest.approx((book["risk"] * value).sum())
    assert table.loc["actual_loss", "estimate"] == pytest.approx((book["y"] * value).sum())
    assert table.loc["ratio", "low"] < 1 < table.loc["ratio", "high"]


def test_profit_by_hand():
    # the first two cost 10 each and one of them, worth 100, stays with probability 0.3: 30 - 20 over 4 snapshots
    table = profit_curve([0, 1, 1, 0], [4, 3, 2, 1], value=100, cost=10, save_rate=0.3)
    assert table.loc[0.0, "profit"] == 0
    assert table.loc[0.5, "profit"] == pytest.approx(10 / 4)
    assert table.loc[0.75, "profit"] == pytest.approx(30 / 4)
    assert table.loc[1.0, "profit"] == pytest.approx(20 / 4)
    assert table.index[table["is_best"]].tolist() == [0.75]


def test_help_that_is_never_worth_its_cost_is_best_left_undone():
    table = profit_curve([0, 1, 1, 0], [4, 3, 2, 1], value=100, cost=50, save_rate=0.3)
    assert table.index[table["is_best"]].tolist() == [0.0]


def test_plots_draw_the_tables(book):
    curve = calibration_curve(book["y"], book["risk"])
    drawn = plot_calibration(curve).lines[1]
    np.testing.assert_array_equal(drawn.get_xydata(), curve[["mean_risk", "event_rate"]])
    capacity = capacity_curve(book["y"], book["risk"])
    np.testing.assert_array_equal(plot_capacity(capacity).lines[1].get_ydata(), capacity["capture"])
    profit = profit_curve(book["y"], book["risk"], value=10, cost=1, save_rate=0.4)
    ax = plot_profit(profit)
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), profit["profit"])
    assert plot_profit(profit, ax=ax) is ax


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: calibration_curve([0, 1], [0.1, 0.2], n_bins=0),
            "n_bins=0 must be a whole number, at least 1 and at most 1000",
        ),
        (lambda: calibration_curve([0, 1], [0.1, 2]), r"1 of 2 are missing or outside of \[0, 1\]"),
        (lambda: capacity_curve([0, 1], [1, 2], capacities=[0.5, 2]), r"capacities=\[0.5, 2.0\]: each must lie in"),
        (lambda: expected_loss([0, 1], [0.1, 0.2], [1, np.nan]), "value: 1 of 2 are missing, negative or infinite"),
        (lambda: profit_curve([0, 1], [1, 2], value=1, cost=-1, save_rate=0.1), "cost: 2 of 2 are missing, negative"),
        (lambda: profit_curve([0, 1], [1, 2], value=1, cost=1, save_rate=2), "save_rate=2: must lie in"),
    ],
)
def test_input_that_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
