"""The blend of boosters: shares, slopes and sigmoids that are known are found."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from csrisk import ChurnModel
from csrisk.models._boosting._blend import choose_shares, kinds_of_trees
from csrisk.models._boosting._calibration import calibrate_ensemble, fit_sigmoid, probed_rows, spread_of_members
from csrisk.models._boosting._lightgbm import rescaled
from csrisk.models._rows._canonical import canonical_sample


def sample_of(margin: np.ndarray, seed: int = 0):
    rng = np.random.default_rng(seed)
    target = (rng.random(len(margin)) < expit(margin)).astype(float)
    return canonical_sample(margin[:, None], target, np.ones(len(margin)), None)


def test_the_sigmoid_finds_the_line_that_made_the_outcomes():
    margin = np.random.default_rng(0).normal(-1, 2, 200_000)
    sample = sample_of(margin)
    # outcomes follow the margin m; told as (m - 3) / 2, the line back is slope 2, intercept 3
    slope, intercept = fit_sigmoid((sample.matrix[:, 0] - 3) / 2, sample.target, sample.weight)
    assert slope == pytest.approx(2.0, abs=0.03)
    assert intercept == pytest.approx(3.0, abs=0.05)


def test_the_sigmoid_of_separated_outcomes_is_finite_and_smoothed():
    margin, target = np.r_[-np.ones(50), np.ones(50)], np.r_[np.zeros(50), np.ones(50)]
    slope, intercept = fit_sigmoid(margin, target, np.ones(100))
    # Platt's targets are 51/52 and 1/52, so the log-odds at 1 and -1 are ln 51 and -ln 51
    assert slope == pytest.approx(np.log(51))
    assert intercept == pytest.approx(0.0, abs=1e-6)


def test_the_slope_of_the_ensemble_undoes_the_noise_of_single_members():
    rng = np.random.default_rng(0)
    sample = sample_of(rng.normal(0, 1, 100_000))
    truth = sample.matrix[:, 0]
    noisy = truth + rng.normal(0, 0.7, (2, len(truth)))
    flat = fit_sigmoid(noisy.mean(axis=0), sample.target, sample.weight)
    assert flat[0] < 0.85
    # many members: their mean is the truth, whose slope is 1 and intercept 0
    noise = np.mean((noisy[0] - noisy[1]) ** 2) / 2
    assert noise == pytest.approx(0.7**2, rel=0.02)
    slope, intercept = calibrate_ensemble(noisy, 1000, sample, noise)
    assert slope == pytest.approx(1.0, abs=0.04)
    assert intercept == pytest.approx(0.0, abs=0.03)
    # the two members themselves are the ensemble: nothing to undo
    assert calibrate_ensemble(noisy, 2, sample, noise)[0] == pytest.approx(flat[0])
    # one round, and the same truth
    one = calibrate_ensemble(noisy[:1], 1000, sample, noise)
    assert one[0] == pytest.approx(1.0, abs=0.08)
    assert calibrate_ensemble(noisy[:1], 1000, sample) == fit_sigmoid(noisy[0], sample.target, sample.weight)


def test_members_of_one_kind_are_not_too_timid():
    slopes = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(11_000, 30))
        y = rng.random(11_000) < expit(X[:, :10] @ np.full(10, 0.4) - 2)
        model = ChurnModel(random_state=0, blend=False, learning_rate=0.15).fit(X[:3000], y[:3000])
        told = model.decision_function(X[3000:])
        slopes.append(fit_sigmoid(told, y[3000:].astype(float), np.ones(8000))[0])
    # 1.31 where the sigmoid of single members is used for their mean
    assert 0.9 < np.mean(slopes) < 1.2, slopes


def test_margins_that_tell_nothing_or_worse_keep_a_rising_probability():
    margin = np.linspace(-2, 2, 400)
    target = (margin < 0).astype(float)
    slope, intercept = fit_sigmoid(margin, target, np.ones(400))
    assert slope == 0.01
    assert expit(intercept) == pytest.approx(0.5, abs=0.01)


def test_shares_follow_the_kind_that_knows():
    rng = np.random.default_rng(1)
    truth = rng.normal(0, 2, 5000)
    sample = sample_of(truth)
    truth = sample.matrix[:, 0]
    noise = rng.normal(0, 2, (5000, 2))
    assert choose_shares(np.column_stack([noise[:, 0], truth, noise[:, 1]]), sample).tolist() == [0, 1, 0]
    # two witnesses with errors of their own are better than either
    half = choose_shares(np.column_stack([truth + noise[:, 0], truth + noise[:, 1]]), sample)
    assert half.tolist() == [0.5, 0.5]
    assert choose_shares(np.column_stack([truth, truth, truth]), sample).tolist() == [1, 0, 0]


def test_shallow_trees_have_depth_two_and_never_more_leaves_than_asked_for():
    kinds = kinds_of_trees({"num_leaves": 3, "seed": 0}, several=True)
    assert kinds["shallow"] == {"num_leaves": 3, "seed": 0, "max_depth": 2}
    assert list(kinds_of_trees({"num_leaves": 3, "seed": 0}, several=False)) == ["plain"]


def test_an_additive_truth_gets_shallow_trees_and_the_margin_stays_the_mean_of_the_boosters():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 6))
    y = rng.random(600) < expit(X @ np.array([1.0, 0.7, 0.5, 0.3, 0.0, 0.0]) - 1)
    model = ChurnModel(random_state=0).fit(X, y)
    assert sum(model.shares_.values()) == pytest.approx(1.0)
    assert model.shares_["shallow"] > 0.4
    assert len(model.boosters_) == 2 * 5 * sum(share > 0 for share in model.shares_.values())
    by_hand = np.mean([booster.predict(X, raw_score=True) for booster in model.boosters_], axis=0)
    np.testing.assert_allclose(model.decision_function(X), by_hand, atol=1e-12)
    alone = ChurnModel(random_state=0, blend=False).fit(X, y)
    assert alone.shares_ == {"plain": 1.0}
    assert len(alone.boosters_) == 5


def test_rescaling_changes_the_margin_and_nothing_else():
    X = np.random.default_rng(0).normal(size=(300, 3))
    member = ChurnModel(random_state=0, blend=False).fit(X, X[:, 0] > 0).boosters_[0]
    changed = rescaled(member, 0.5, -2.0)
    np.testing.assert_allclose(
        changed.predict(X, raw_score=True), 0.5 * member.predict(X, raw_score=True) - 2.0, atol=1e-12
    )
    np.testing.assert_array_equal(changed.predict(X, pred_leaf=True), member.predict(X, pred_leaf=True))


def test_the_raised_slope_does_not_depend_on_the_unit_and_keeps_the_share_of_events():
    rng = np.random.default_rng(3)
    sample = sample_of(rng.exponential(1.5, 20_000) - 3)
    noisy = sample.matrix[:, 0] + rng.normal(0, 0.5, (2, 20_000))
    slope, intercept = calibrate_ensemble(noisy, 1000, sample, 0.25)
    told = calibrate_ensemble(noisy * 0.1, 1000, sample, 0.0025)
    assert told == pytest.approx((slope / 0.1, intercept), rel=1e-3)
    # by hand: this much of the variance is left in the mean of 1000 members, and their mean risk is the share of events
    margin = noisy.mean(axis=0)
    kept = 1 - 0.25 * (1 / 2 - 1 / 1000) / margin.var()
    likely = margin.mean() + np.sqrt(kept) * (margin - margin.mean())
    assert expit(slope * likely + intercept).mean() == pytest.approx(sample.target.mean(), rel=1e-9)


def test_rows_that_are_probed_reach_from_the_first_to_the_last():
    assert probed_rows(5).tolist() == [0, 1, 2, 3, 4]
    many = probed_rows(100_001)
    assert (len(many), many[0], many[-1]) == (20_000, 0, 100_000)


def test_the_spread_of_members_by_hand():
    # the variance of what two members say of a row that they have seen: 2 of 1 and 3, 8 of 0 and 4
    margins, fold = np.array([[1.0, 3.0, 9.0], [5.0, 0.0, 4.0]]), np.array([2, 0])
    margins[1, 0] = 9.1
    # means of seen rows 2 and 2 do not differ: there is nothing to compare with
    assert spread_of_members(margins, fold, np.ones(2)) == 0
    margins[1, 1:] = [-1.0, 3.0]
    # now 2 and 1, whose variance is .25; that of the unseen rows 9 and 9.1 is .0025, a hundredth of it
    assert spread_of_members(margins, fold, np.array([1.0, 3.0])) == pytest.approx((2 + 3 * 8) / 4 * 0.01)
    margins[1, 0] = 5.0
    assert spread_of_members(margins, fold, np.ones(2)) == pytest.approx((2 + 8) / 2)
    assert spread_of_members(margins[:, :2], np.array([1, 0]), np.ones(2)) == 0
