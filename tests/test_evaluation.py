"""Measures of ranking and calibration: by hand, and equal to those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from csrisk import ChurnModel, evaluate
from csrisk.evaluation import compare, evaluate_scores
from csrisk.evaluation._measuring import METRICS, metric_of
from csrisk.report._tables import quality_table

PROBABILITY_METRICS = ["log_loss", "brier", "calibration_slope", "calibration_intercept", "mean_risk"]


def calibrated_book(n_rows: int, n_accounts: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    account = rng.integers(n_accounts, size=n_rows)
    risk = expit(rng.normal(-1.5, 1.0, n_accounts)[account] + rng.normal(0, 0.5, n_rows))
    return pd.DataFrame({"account": account, "risk": risk, "y": (rng.random(n_rows) < risk).astype(int)})


def test_hand_computed_values():
    table = evaluate_scores([1, 0, 1, 0, 0], [0.9, 0.8, 0.3, 0.2, 0.1], probability=True, capacity=0.4)
    # pairs won: 0.9 beats three, 0.3 beats two, of 2 * 3 pairs
    assert table.loc["auc", "estimate"] == pytest.approx(5 / 6)
    # precision 1/1 at the first event, 2/3 at the second
    assert table.loc["average_precision", "estimate"] == pytest.approx((1 + 2 / 3) / 2)
    # the two highest of five hold one of two events; chance would hold 40 %
    assert table.loc["capture_at_40", "estimate"] == pytest.approx(0.5)
    assert table.loc["lift_at_40", "estimate"] == pytest.approx(1.25)
    assert table.loc["brier", "estimate"] == pytest.approx((0.1**2 + 0.8**2 + 0.7**2 + 0.2**2 + 0.1**2) / 5)
    expected = -(np.log(0.9) + np.log(0.2) + np.log(0.3) + np.log(0.8) + np.log(0.9)) / 5
    assert table.loc["log_loss", "estimate"] == pytest.approx(expected)
    assert table.loc["event_rate", "estimate"] == pytest.approx(0.4)
    assert table.loc["n_events", "estimate"] == 2


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(5, 60), st.booleans())
def test_metrics_equal_those_of_scikit_learn(seed, n_rows, coarse):
    rng = np.random.default_rng(seed)
    risk = rng.random(n_rows)
    risk = np.round(risk, 1) * 0.9 + 0.05 if coarse else risk
    y = np.r_[0, 1, rng.integers(0, 2, n_rows - 2)]
    table = evaluate_scores(y, risk, probability=True, n_bootstrap=0)["estimate"]
    assert table["auc"] == pytest.approx(roc_auc_score(y, risk))
    assert table["average_precision"] == pytest.approx(average_precision_score(y, risk))
    assert table["log_loss"] == pytest.approx(log_loss(y, risk))
    assert table["brier"] == pytest.approx(brier_score_loss(y, risk))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_ranking_metrics_depend_on_ranks_alone(seed):
    rng = np.random.default_rng(seed)
    score, y = rng.normal(size=40), np.r_[0, 1, rng.integers(0, 2, 38)]
    plain = evaluate_scores(y, score, n_bootstrap=0)["estimate"]
    ranked = evaluate_scores(y, score.argsort().argsort(), n_bootstrap=0)["estimate"]
    pd.testing.assert_series_equal(plain, ranked)
    assert evaluate_scores(1 - y, -score, n_bootstrap=0).loc["auc", "estimate"] == pytest.approx(plain["auc"])


def test_ties_count_half_and_share_the_capacity():
    table = evaluate_scores([1, 0, 1, 0], [1, 1, 1, 1], capacity=0.5, n_bootstrap=0)["estimate"]
    assert table["auc"] == pytest.approx(0.5)
    assert table["lift_at_50"] == pytest.approx(1.0)


def test_probabilities_that_are_right_have_slope_one_and_intercept_zero():
    # four levels of risk, each with exactly its share of events
    levels = np.array([0.1, 0.3, 0.5, 0.8])
    risk = np.repeat(levels, 10)
    y = np.concatenate([np.r_[np.ones(round(10 * p)), np.zeros(10 - round(10 * p))] for p in levels])
    table = evaluate_scores(y, risk, probability=True, n_bootstrap=0)["estimate"]
    assert table["calibration_slope"] == pytest.approx(1.0)
    assert table["calibration_intercept"] == pytest.approx(0.0, abs=1e-9)
    # log-odds twice as far apart need half the slope; log-odds one too high need an intercept of -1
    wide = evaluate_scores(y, expit(2 * logit(risk)), probability=True, n_bootstrap=0)["estimate"]
    high = evaluate_scores(y, expit(logit(risk) + 1), probability=True, n_bootstrap=0)["estimate"]
    assert wide["calibration_slope"] == pytest.approx(0.5)
    assert high["calibration_intercept"] == pytest.approx(-1.0)
    assert table["mean_risk"] == pytest.approx(table["event_rate"])


def test_one_risk_for_all_has_an_intercept_and_no_slope():
    table = evaluate_scores([1, 0, 0, 0] * 5, np.full(20, 0.5), probability=True, n_bootstrap=20)
    assert table.loc["calibration_slope"].isna().all()
    assert table.loc["calibration_intercept", "estimate"] == pytest.approx(logit(0.25))  # log-odds told: 0
    assert table.loc["calibration_intercept", "low"] < logit(0.25) < table.loc["calibration_intercept", "high"]


def test_one_weight_for_each_account_makes_wider_intervals_than_one_for_each_row():
    book = calibrated_book(100, 100, seed=3)
    repeated = pd.concat([book] * 20, ignore_index=True)
    by_row = evaluate_scores(repeated["y"], repeated["risk"])
    by_account = evaluate_scores(repeated["y"], repeated["risk"], repeated["account"])
    width = by_account["high"] - by_account["low"], by_row["high"] - by_row["low"]
    assert width[0]["auc"] > 3 * width[1]["auc"]
    assert by_account.loc["n_accounts", "estimate"] == book["account"].nunique()


def test_evaluate_reads_accounts_from_the_index_and_leaves_out_rows_without_a_label():
    book = calibrated_book(400, 80, seed=0)
    index = pd.MultiIndex.from_arrays(
        [book["account"].map("a{}".format), pd.date_range("2025-01-01", periods=400)], names=["account_id", "as_of"]
    )
    X = pd.DataFrame({"x": logit(book["risk"].to_numpy())}, index=index)
    y = pd.Series(book["y"].astype(bool).to_numpy(), index=index, dtype="boolean")
    y.iloc[::10] = pd.NA
    model = ChurnModel(random_state=0).fit(X, y)
    table = evaluate(model, X, y, n_bootstrap=20)
    assert table.loc["n_snapshots", "estimate"] == 360
    assert table.loc["n_accounts", "estimate"] == X[y.notna()].index.get_level_values("account_id").nunique()
    assert table.loc["auc", "low"] <= table.loc["auc", "estimate"] <= table.loc["auc", "high"]
    again = evaluate(model, X, y, n_bootstrap=20)
    pd.testing.assert_frame_equal(table, again)


def test_a_score_without_probabilities_has_no_probability_metrics():
    table = evaluate_scores([0, 1, 1], [-3, 2, 8])
    assert table.loc[PROBABILITY_METRICS].isna().all(axis=None)


def test_one_class_alone_leaves_the_metrics_that_need_two_empty():
    table = evaluate_scores([0, 0, 0], [0.1, 0.2, 0.3], probability=True)
    assert table.loc[["auc", "average_precision", "lift_at_10"], "estimate"].isna().all()
    assert table.loc["brier", "estimate"] == pytest.approx((0.01 + 0.04 + 0.09) / 3)


def test_compare_is_zero_for_a_score_with_itself_and_the_mirror_for_the_other_way_round():
    book = calibrated_book(300, 60, seed=1)
    noisy = expit(logit(book["risk"]) + np.random.default_rng(0).normal(0, 1, 300))
    same = compare(book["y"], book["risk"], book["risk"], book["account"], probability=True)
    assert (same[["difference", "low", "high"]] == 0).all(axis=None)
    one = compare(book["y"], book["risk"], noisy, book["account"], probability=True)
    other = compare(book["y"], noisy, book["risk"], book["account"], probability=True)
    np.testing.assert_allclose(one["difference"], -other["difference"])
    np.testing.assert_allclose(one["low"], -other["high"])
    alone = evaluate_scores(book["y"], book["risk"], book["account"], probability=True)
    assert one.loc["auc", "first"] == alone.loc["auc", "estimate"]


@pytest.mark.slow
def test_intervals_cover_the_truth_about_as_often_as_they_say():
    truth = evaluate_scores(*calibrated_book(200_000, 20_000, 99)[["y", "risk"]].T.to_numpy(), probability=True)
    covered = pd.DataFrame(0.0, index=["auc", "log_loss", "brier", "calibration_slope"], columns=["share"])
    n_runs = 150
    for seed in range(n_runs):
        book = calibrated_book(1500, 150, seed)
        table = evaluate_scores(book["y"], book["risk"], book["account"], probability=True, random_state=seed)
        for metric in covered.index:
            inside = table.loc[metric, "low"] <= truth.loc[metric, "estimate"] <= table.loc[metric, "high"]
            covered.loc[metric, "share"] += inside / n_runs
    assert covered["share"].between(0.87, 0.995).all(), covered


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": [0.1, 0.2]}, r"scores has shape \(2,\), y has 3 values"),
        ({"scores": [0.1, np.nan, 0.3]}, "scores: 1 of 3 are missing"),
        ({"scores": [0.1, 1.2, 0.3], "probability": True}, r"1 of 3 are missing or outside of \[0, 1\]"),
        ({"capacity": 0.0}, r"capacity=0.0: must lie in \(0, 1\]"),
        ({"groups": ["a", None, "b"]}, "groups: 3 values, 1 of them missing"),
        ({"y": [0, 1, 7]}, "1 values are neither 0 nor 1"),
        ({"y": [None, None, None]}, "none of 3 rows has a label"),
    ],
)
def test_input_that_makes_no_sense_is_refused(change, message):
    arguments = {"y": [0, 1, 1], "scores": [0.1, 0.2, 0.3]} | change
    with pytest.raises(ValueError, match=message):
        evaluate_scores(**arguments)


def test_scores_of_another_index_are_refused():
    with pytest.raises(ValueError, match="scores and y have different indexes"):
        evaluate_scores(pd.Series([0, 1]), pd.Series([0.2, 0.1], index=[1, 2]))
    with pytest.raises(ValueError, match="groups and scores have different indexes"):
        evaluate_scores([0, 1], pd.Series([0.2, 0.1]), pd.Series(["a", "b"], index=[7, 8]))


def test_labels_of_another_index_are_refused_and_in_another_order_are_brought_to_their_rows():
    X = pd.DataFrame({"x": np.arange(40.0)})
    y = pd.Series(np.arange(40) > 20)
    model = ChurnModel(random_state=0).fit(X, y)
    want = evaluate(model, X, y, n_bootstrap=5)
    pd.testing.assert_frame_equal(evaluate(model, X, y[::-1], n_bootstrap=5), want)
    pd.testing.assert_frame_equal(evaluate(model, X[::-1], y, n_bootstrap=5), want)
    with pytest.raises(ValueError, match="y and X have different indexes"):
        evaluate(model, X, y.set_axis(y.index + 1))


def test_intervals_of_areas_hold_with_few_events() -> None:
    """Symmetric in log-odds, inside of (0, 1), Wilson's where nothing varies, and no statement from one event."""
    y, score = np.repeat([0, 1], [40, 10]), np.r_[np.arange(40), np.arange(35, 45)]
    low, middle, high = logit(evaluate_scores(y, score).loc["auc", ["low", "estimate", "high"]].to_numpy(float))
    assert high - middle == pytest.approx(middle - low)
    perfect = evaluate_scores(y, y)
    t = 2.2621571628  # Student, nine degrees of freedom
    assert perfect.loc["auc", "low"] == pytest.approx(10 / (10 + t**2))
    assert perfect.loc["auc", "high"] == 1
    one = evaluate_scores(np.repeat([0, 1], [40, 1]), np.arange(41))
    assert one.loc["average_precision", ["low", "high"]].tolist() == [0, 1]
    assert evaluate_scores(y, score, n_bootstrap=0).loc["auc", ["low", "high"]].isna().all()


def test_every_metric_is_one_entry_with_words_for_readers():
    table = evaluate_scores([0, 0, 1, 1], [0.1, 0.3, 0.2, 0.4], probability=True, capacity=0.25)
    entries = [metric_of(name) for name in table.index]
    assert [entry.name for entry in entries] == list(table.index)
    assert [METRICS[place].name.format(capacity=25) for place in range(len(METRICS))] == list(table.index)
    assert entries[2].label == "Lift at 25 %"
    assert {entry.name: entry.direction for entry in entries}["brier"] == -1
    assert all(entry.label and entry.meaning.endswith(".") for entry in entries)
    assert metric_of("lift_at_") is metric_of("auc_low") is None
    words = [row[0] for row in quality_table(table).rows]
    assert words == [entry.label for entry in entries]
