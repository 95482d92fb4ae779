"""Who is in the book today stayed through every label of the past, and members that saw it stay say too little."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

import csrisk as cr
from csrisk.models._boosting._seen import shift_of_seen


def told(unseen: float, seen: float, n: int, n_folds: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Margins of one round: `unseen` by the member that was kept from the account, `seen` by the others."""
    fold = np.arange(n) % n_folds
    margins = np.full((1, n_folds, n), seen)
    margins[0, fold, np.arange(n)] = unseen
    return margins, fold[np.newaxis]


def test_half_of_the_pull_where_one_of_two_members_saw_each_account():
    margins, folds = told(-2.0, -2.4, 40)
    # members that saw the account lie .4 lower; of the mean of both, half of that is missing
    assert shift_of_seen(margins, folds, np.ones(40, dtype=bool)) == pytest.approx(0.2, abs=1e-12)


def test_four_fifths_of_the_pull_where_four_of_five_members_saw_each_account():
    margins, folds = told(-3.0, -3.5, 100, n_folds=5)
    assert shift_of_seen(margins, folds, np.ones(100, dtype=bool)) == pytest.approx(0.8 * 0.5, abs=1e-12)


def test_accounts_that_training_never_had_ask_for_nothing():
    margins, folds = told(-2.0, -2.4, 80)
    seen = np.arange(80) < 40
    shift = shift_of_seen(margins, folds, seen)
    whole = np.full(80, -2.2)
    asked = expit(-2.0) * 40 + expit(-2.2) * 40
    assert expit(whole + shift).sum() == pytest.approx(asked, rel=1e-12)
    assert shift < 0.2


def test_too_few_accounts_tell_nothing():
    margins, folds = told(-2.0, -2.4, 29)
    assert shift_of_seen(margins, folds, np.ones(29, dtype=bool)) == 0.0


def book_of(seed: int, hazard: float = 0.1) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """Accounts that leave by chance alone, with features that tell each from all others; who is left is the book."""
    rng = np.random.default_rng(seed)
    traits = rng.normal(size=(150, 6))
    left = rng.geometric(hazard, 150) - 1
    rows = [(account, month) for account in range(150) for month in range(6) if left[account] >= month]
    index = pd.MultiIndex.from_tuples(rows, names=["account_id", "as_of"])
    X = pd.DataFrame(traits[index.get_level_values(0)], index=index, columns=list("abcdef"))
    y = pd.Series(left[index.get_level_values(0)] == index.get_level_values(1), index=index)
    there = np.flatnonzero(left >= 6)
    later = pd.DataFrame(traits[there], columns=list("abcdef"))
    later.index = pd.MultiIndex.from_product([there, [6]], names=["account_id", "as_of"])
    return X, y, later


@pytest.mark.parametrize("blend", [False, True])
def test_the_total_of_the_book_is_nearer_to_its_hazard(blend):
    plain, held, true = 0.0, 0.0, 0.0
    for seed in range(4):
        X, y, later = book_of(seed)
        model = cr.ChurnModel(blend=blend, random_state=0)
        plain += model.fit(X, y).predict_proba(later)[:, 1].sum()
        held += model.fit(X, y, later=later).predict_proba(later)[:, 1].sum()
        true += 0.1 * len(later)
    # it was too little, and most of what was missing is there
    assert plain < 0.95 * true
    assert abs(held - true) < 0.6 * abs(plain - true)


def test_order_and_names_of_accounts_change_no_bit_and_the_order_of_risks_stays():
    X, y, later = book_of(0)
    without = cr.ChurnModel(3, random_state=0).fit(X, y)
    model = cr.ChurnModel(3, random_state=0).fit(X, y, later=later)
    other = cr.ChurnModel(3, random_state=0)
    named = [frame.rename(index="a{}".format, level="account_id") for frame in (X, y, later)]
    mixed = np.random.default_rng(1).permutation(len(later))
    other.fit(named[0], named[1], later=named[2].iloc[mixed])
    np.testing.assert_array_equal(model.predict_proba(X), other.predict_proba(X))
    apart = model.decision_function(X) - without.decision_function(X)
    shift = model.calibration_[1] - without.calibration_[1]
    assert model.calibration_[0] == without.calibration_[0]
    assert shift > 0
    np.testing.assert_allclose(apart, shift, atol=1e-12)


def test_groups_name_the_accounts_of_training_where_its_index_does_not():
    X, y, later = book_of(0)
    by_index = cr.ChurnModel(3, random_state=0).fit(X, y, later=later)
    plain = X.reset_index(drop=True)
    groups = X.index.get_level_values("account_id")
    by_groups = cr.ChurnModel(3, random_state=0).fit(plain, y.to_numpy(), groups=groups, later=later)
    assert by_groups.calibration_ == by_index.calibration_


def test_rows_that_nobody_owns_are_refused():
    X, y, later = book_of(0)
    model = cr.ChurnModel(3, random_state=0)
    with pytest.raises(ValueError, match="later does not say which account a row belongs to"):
        model.fit(X, y, later=later.reset_index(drop=True))
    with pytest.raises(ValueError, match="X does not say which account a row belongs to"):
        model.fit(X.reset_index(drop=True), y.reset_index(drop=True), later=later)
    with pytest.raises(ValueError, match="feature names"):
        model.fit(X, y, later=later.rename(columns={"a": "z"}))


def test_a_backtest_gives_the_book_of_the_day_and_nothing_of_later_days():
    X, y, later = book_of(0)
    days = pd.date_range("2025-01-01", periods=7, freq="MS")
    X = pd.concat([X, later]).rename(index=dict(enumerate(days)), level="as_of")
    y = y.rename(index=dict(enumerate(days)), level="as_of").reindex(X.index).astype("boolean")
    y = y.fillna(value=False)
    snapshots = cr.Snapshots(X.index, lead=0, horizon=28, end=pd.Timestamp("2025-09-01"))
    make, few = cr.ChurnModel(3, random_state=0, min_events=2), cr.evaluation.Measurement(n_bootstrap=5)
    found = cr.backtest(make, X, y, snapshots, [days[4]], measurement=few)
    train = cr.ForwardSplit.at(snapshots, days[4])[0].reindex(X.index)
    book = X[X.index.get_level_values("as_of") == days[4]]
    scored = found.scores.loc[days[4]]
    by_hand = make.fit(X[train], y[train], later=book).predict_proba(X.loc[scored.index])[:, 1]
    np.testing.assert_array_equal(scored["model"], by_hand)
    assert logit(by_hand).mean() != logit(make.fit(X[train], y[train]).predict_proba(X.loc[scored.index])[:, 1]).mean()
    of_later = X.index.get_level_values("as_of") > days[4]
    changed = X.mask(of_later[:, None] & np.ones(X.shape, dtype=bool), X * -3)
    again = cr.backtest(make, changed, y, snapshots, [days[4]], measurement=few)
    on_the_day = scored.index.get_level_values("as_of") == days[4]
    np.testing.assert_array_equal(again.scores.loc[days[4]]["model"][on_the_day], scored["model"][on_the_day])
