"""Backtests: each model learns from what was final and is judged on what came after."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import csrisk as cr
from csrisk.evaluation import evaluate_scores
from csrisk.exceptions import SnapshotError

DATES = ["2024-06-01", "2024-09-01"]


@pytest.fixture(scope="module")
def panel() -> tuple[pd.DataFrame, pd.Series, cr.Snapshots]:
    rng = np.random.default_rng(0)
    accounts = [f"a{number:03d}" for number in range(120)]
    days = pd.date_range("2023-12-01", "2025-01-31", freq="D")
    usage = pd.DataFrame({"account_id": rng.choice(accounts, 4000), "at": rng.choice(days, 4000)})
    data = cr.CustomerData({"usage": usage}, end="2025-02-01")
    index = pd.MultiIndex.from_product([accounts, pd.date_range("2024-01-01", "2024-12-01", freq="MS")])
    snapshots = cr.Snapshots.of(data, index.set_names(["account_id", "as_of"]), horizon=30)
    X = pd.DataFrame({"days_since_use": rng.exponential(20, len(snapshots))}, index=snapshots.index)
    X["plan"] = pd.Categorical(rng.choice(["basic", "pro"], len(X)))
    X.loc[rng.random(len(X)) < 0.05, "days_since_use"] = np.nan
    y = pd.Series(rng.random(len(X)) < expit(-3 + X["days_since_use"].fillna(40) / 15), index=X.index, dtype="boolean")
    return X, y, snapshots


@pytest.fixture(scope="module")
def backtest(panel) -> cr.evaluation.Backtest:
    X, y, snapshots = panel
    health = (100 - X["days_since_use"]).fillna(0.0)
    return cr.backtest(
        cr.ChurnModel(2, random_state=0),
        X,
        y,
        snapshots,
        DATES,
        baselines={"health": -health},
        measurement=cr.evaluation.Measurement(n_bootstrap=20),
    )


def test_each_model_learns_from_what_was_final_and_scores_what_came_after(panel, backtest):
    X, y, snapshots = panel
    train, test = cr.ForwardSplit.at(snapshots, DATES[1])
    assert X[train].index.get_level_values("as_of").max() == pd.Timestamp("2024-08-01")
    by_hand = cr.ChurnModel(2, random_state=0).fit(X[train], y[train]).predict_proba(X[test])[:, 1]
    scored = backtest.scores.loc[pd.Timestamp(DATES[1])]
    np.testing.assert_array_equal(scored["model"], by_hand)
    np.testing.assert_array_equal(scored["outcome"], y[test].astype(float))
    assert scored["base_rate"].unique() == pytest.approx(y[train].mean())
    assert (scored["age"] == (scored.index.get_level_values("as_of") - pd.Timestamp(DATES[1])).days).all()
    assert backtest.baselines == ("recency", "health", "base_rate")


def test_the_newest_model_scores_each_snapshot(backtest):
    fresh = backtest.fresh
    trained, as_of = (fresh.index.get_level_values(name) for name in ("trained_at", "as_of"))
    assert not fresh.index.droplevel("trained_at").duplicated().any()
    assert ((trained == pd.Timestamp(DATES[1])) == (as_of >= pd.Timestamp(DATES[1]))).all()


def test_tables_are_those_of_the_scores(backtest):
    first = backtest.fresh.loc[pd.Timestamp(DATES[0])]
    for score, probability in (("model", True), ("recency", False)):
        expected = evaluate_scores(
            first["outcome"].to_numpy(),
            first[score].to_numpy(),
            first.index.get_level_values("account_id"),
            probability=probability,
            n_bootstrap=20,
        )
        row = backtest.by_date().loc[(pd.Timestamp(DATES[0]), score)]
        assert row["auc"] == expected.loc["auc", "estimate"]
        assert row["auc_low"] == expected.loc["auc", "low"]
        assert row["n_events"] == expected.loc["n_events", "estimate"]
    assert backtest.by_date().loc[(pd.Timestamp(DATES[0]), "base_rate"), "auc"] == 0.5


def test_groups_add_up_to_the_whole(panel, backtest):
    X, _, _ = panel
    overall = backtest.overall().loc["model"]
    for table in (backtest.by_date(), backtest.by_segment(X["plan"])):
        assert table.xs("model", level="score")["n_events"].sum() == overall["n_events"]
    by_age = backtest.by_age((0, 60)).xs("model", level="score")
    assert list(by_age.index) == [0, 60]
    assert by_age["n_snapshots"].sum() == len(backtest.scores)


def test_by_lead_measures_other_labels_on_the_same_scores(panel, backtest):
    _, y, _ = panel
    later = y.mask(y.index.get_level_values("as_of") >= "2024-11-01")
    table = backtest.by_lead({0: y, 30: later})
    assert table.loc[(0, "model"), "auc"] == backtest.overall().loc["model", "auc"]
    assert table.loc[(30, "model"), "n_snapshots"] < table.loc[(0, "model"), "n_snapshots"]


def test_a_segment_that_is_missing_is_unknown(panel, backtest):
    X, _, _ = panel
    table = backtest.by_segment(X["plan"].iloc[: len(X) // 2])
    assert set(table.index.get_level_values("plan")) == {"basic", "pro", "unknown"}


def test_input_that_makes_no_sense_is_refused(panel):
    X, y, snapshots = panel
    model = cr.ChurnModel()
    with pytest.raises(SnapshotError, match="X: 1320 of 1440 rows are not in snapshots"):
        cr.backtest(model, X, y, snapshots[snapshots.as_of == "2024-01-01"], DATES)
    with pytest.raises(ValueError, match="y and X have different indexes"):
        cr.backtest(model, X, y[1:], snapshots, DATES)
    with pytest.raises(ValueError, match=r"baselines\['health'\]: \d+ of 1440 scores are missing"):
        cr.backtest(model, X, y, snapshots, DATES, baselines={"health": X["days_since_use"]})
    with pytest.raises(SnapshotError, match="train 0 and test"):
        cr.backtest(model, X, y, snapshots, ["2023-01-01"])


def test_what_belongs_to_snapshots_is_found_by_the_names_of_levels(panel, backtest):
    _, y, _ = panel
    segment = pd.Series(np.where(np.arange(len(y)) % 2, "a", "b"), index=y.index, name="segment")
    pd.testing.assert_frame_equal(backtest.by_segment(segment.swaplevel()), backtest.by_segment(segment))
    pd.testing.assert_frame_equal(backtest.by_lead({14: y.swaplevel().sort_index()}), backtest.by_lead({14: y}))
    with pytest.raises(ValueError, match=r"segment: holds none of \d+ snapshots; give it on the index"):
        backtest.by_segment(segment.reset_index(drop=True))
    with pytest.raises(ValueError, match=r"labels\[14\]: holds none of"):
        backtest.by_lead({14: y.droplevel("as_of")})
