"""Splits: forward in time, purged, by account where asked, each row in one role."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate

from csrisk import ForwardSplit, Snapshots
from csrisk.exceptions import SnapshotError

START = pd.Timestamp("2024-01-01")


def panel(n_accounts: int = 20, n_dates: int = 12, frequency: str = "MS", seed: int = 0) -> pd.DataFrame:
    dates = pd.date_range(START, periods=n_dates, freq=frequency)
    index = pd.MultiIndex.from_product([[f"a{n}" for n in range(n_accounts)], dates], names=["account_id", "as_of"])
    values = np.random.default_rng(seed).normal(size=(len(index), 2))
    return pd.DataFrame(values, index=index, columns=["one", "two"])


def days(X: pd.DataFrame, rows: np.ndarray) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(X.index[rows].get_level_values("as_of"))


@pytest.mark.promise("No label of training reaches into the test")
@settings(max_examples=50, deadline=None)
@given(
    n_splits=st.integers(1, 5),
    lead=st.integers(0, 30),
    horizon=st.integers(1, 90),
    grace=st.integers(0, 30),
    disjoint=st.booleans(),
    keep=st.integers(0, 1000),
)
def test_every_row_has_one_role_and_no_training_label_reaches_into_the_test(
    n_splits: int, lead: int, horizon: int, grace: int, disjoint: bool, keep: int
) -> None:
    X = panel(30).sample(frac=0.8, random_state=keep)
    y = pd.Series(np.random.default_rng(keep).random(len(X)) < 0.9, index=X.index, dtype="boolean").where(X["one"] < 1)
    split = ForwardSplit(n_splits, lead=lead, horizon=horizon, grace=grace, account_disjoint=disjoint)
    try:
        table = split.summary(X, y)
    except SnapshotError as error:
        # a fifth of thirty accounts may have no label in a short period: refused, as it should be
        if not disjoint or "train or test is empty" not in str(error):
            raise
        reject()
    assert (table[["train", "test", "not_final", "later", "other_accounts", "unlabelled"]].sum(axis=1) == len(X)).all()
    assert (table["unlabelled"] == y.isna().sum()).all()
    tested = np.zeros(len(X), dtype=int)
    last = None
    for number, (train, test) in enumerate(split.split(X, y), start=1):
        assert len(train) == table.loc[number, "train"]
        assert len(test) == table.loc[number, "test"]
        final = days(X, train) + pd.Timedelta(days=lead + horizon + grace)
        assert final.max() <= days(X, test).min()
        assert y.iloc[train].notna().all()
        assert y.iloc[test].notna().all()
        if last is not None:
            assert days(X, test).min() > last
        last = days(X, test).max()
        tested[test] += 1
        if disjoint:
            both = set(X.index[train].get_level_values(0)) & set(X.index[test].get_level_values(0))
            assert not both
    assert tested.max() == 1
    assert number == split.get_n_splits() == n_splits


def test_the_whole_last_period_is_tested_and_all_final_rows_are_trained_on() -> None:
    # 12 months, label window 31 days: 1 Jan + 31 = 1 Feb is final on 1 Feb, 1 Feb + 31 = 3 March is not on 1 March
    X = panel(3)
    table = ForwardSplit(2, horizon=31).summary(X)
    assert table["test_from"].tolist() == [pd.Timestamp("2024-05-01"), pd.Timestamp("2024-09-01")]
    assert table["test_to"].tolist() == [pd.Timestamp("2024-08-01"), pd.Timestamp("2024-12-01")]
    # 1 April + 31 days = 2 May is not final on 1 May; 1 August + 31 days = 1 September is
    assert table["train_to"].tolist() == [pd.Timestamp("2024-03-01"), pd.Timestamp("2024-08-01")]
    assert table["train"].tolist() == [9, 24]
    assert table["not_final"].tolist() == [3, 0]
    assert table["later"].tolist() == [12, 0]


def test_the_order_of_rows_changes_nothing() -> None:
    X = panel()
    mixed = X.sample(frac=1, random_state=1)
    for split in (ForwardSplit(3, horizon=30), ForwardSplit(3, horizon=30, account_disjoint=True)):
        pairs = zip(split.split(X), split.split(mixed), strict=True)
        for (train, test), (train_mixed, test_mixed) in pairs:
            assert set(X.index[train]) == set(mixed.index[train_mixed])
            assert set(X.index[test]) == set(mixed.index[test_mixed])


def test_seeds_deal_accounts_anew_and_repeat() -> None:
    X = panel(60)

    def first_accounts(seed: int) -> set[str]:
        _, test = next(ForwardSplit(3, horizon=30, account_disjoint=True, seed=seed).split(X))
        return set(X.index[test].get_level_values(0))

    assert first_accounts(0) == first_accounts(0)
    assert first_accounts(0) != first_accounts(1)
    assert 8 <= len(first_accounts(0)) <= 32


def test_works_in_cross_validate_and_grid_search() -> None:
    X = panel(40)
    y = pd.Series(X["one"] + np.random.default_rng(1).normal(size=len(X)) > 0, index=X.index)
    split = ForwardSplit(3, horizon="30D")
    scores = cross_validate(LogisticRegression(), X, y, cv=split, scoring="roc_auc", error_score="raise")
    assert len(scores["test_score"]) == 3
    assert (scores["test_score"] > 0.6).all()
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=split, scoring="roc_auc").fit(X, y)
    assert search.n_splits_ == 3
    assert "ForwardSplit" in repr(clone(search))


def test_cross_validate_leaves_out_missing_labels() -> None:
    X = panel(40)
    y = pd.Series(X["one"] > 0, index=X.index, dtype="boolean").where(X["two"] < 0.5)

    class Strict(LogisticRegression):
        def fit(self, X: pd.DataFrame, y: pd.Series) -> Strict:
            assert y.notna().all()
            return super().fit(X, y.astype(bool))

    split = ForwardSplit(3, horizon=30)
    scores = cross_validate(Strict(), X, y, cv=split, scoring=lambda m, X, y: m.score(X, y.astype(bool)))
    assert np.isfinite(scores["test_score"]).all()


def test_describe_says_what_is_left_out_and_why() -> None:
    words = ForwardSplit(2, horizon=31, grace=5).describe(panel(3))
    assert words.splitlines() == [
        "2 forward splits of 36 snapshots (lead 0, horizon 31, grace 5).",
        "Split 1 of 2: train on 9 snapshots up to 2024-03-01, test on 12 from 2024-05-01 to 2024-08-01. Left out: "
        "3 whose outcome was not final when the test period began, 12 after the test period.",
        "Split 2 of 2: train on 21 snapshots up to 2024-07-01, test on 12 from 2024-09-01 to 2024-12-01. Left out: "
        "3 whose outcome was not final when the test period began.",
    ]
    disjoint = ForwardSplit(2, horizon=31, account_disjoint=True).describe(panel(9))
    assert "of accounts on the other side of the split" in disjoint


def test_at_splits_snapshots_at_a_date() -> None:
    # horizon 30 and lead 5: final 35 days after as_of; observed until 1 January 2025
    snapshots = Snapshots(panel(4).index, lead=5, horizon=30, end=pd.Timestamp("2025-01-01"))
    train, test = ForwardSplit.at(snapshots, "2024-07-01")
    assert train.index.equals(snapshots.index)
    assert snapshots.as_of[train].max() == pd.Timestamp("2024-05-01")
    assert (snapshots.label_end[train] <= pd.Timestamp("2024-07-01")).all()
    assert snapshots.as_of[test].min() == pd.Timestamp("2024-07-01")
    assert snapshots.as_of[test].max() == pd.Timestamp("2024-11-01")
    assert not (train & test).any()
    assert not snapshots.censored[train | test].any()
    with_grace, _ = ForwardSplit.at(snapshots, "2024-07-01", grace="30D")
    assert snapshots.as_of[with_grace].max() == pd.Timestamp("2024-04-01")
    assert panel(4).loc[train].shape == (20, 2)


def test_at_can_hold_out_accounts() -> None:
    snapshots = Snapshots(panel(50).index, lead=0, horizon=30, end=pd.Timestamp("2025-01-01"))
    train, test = ForwardSplit.at(snapshots, "2024-07-01", test_accounts=0.3)
    accounts = snapshots.index.get_level_values(0)
    assert set(accounts[train]) | set(accounts[test]) == set(accounts)
    assert not set(accounts[train]) & set(accounts[test])
    assert 5 <= accounts[test].nunique() <= 25


def test_refusals() -> None:
    X = panel(4)
    with pytest.raises(SnapshotError, match=r"X: its index must have the levels account_id and as_of"):
        list(ForwardSplit(2, horizon=30).split(X.to_numpy()))
    with pytest.raises(SnapshotError, match=r"X: its index must have the levels"):
        list(ForwardSplit(2, horizon=30).split(X.reset_index(drop=True)))
    with pytest.raises(SnapshotError, match="n_splits=0 must be a whole number, at least 1"):
        list(ForwardSplit(0, horizon=30).split(X))
    with pytest.raises(SnapshotError, match=r"test_size=1.5 must be a whole number of dates, at least 1"):
        list(ForwardSplit(2, horizon=30, test_size=1.5).split(X))
    with pytest.raises(SnapshotError, match="horizon='3 moons' must be a whole number of days"):
        list(ForwardSplit(2, horizon="3 moons").split(X))
    with pytest.raises(SnapshotError, match=r"n_splits=12, test_size=1: 11 of 12 dates lie 31 days .* 12 are needed"):
        list(ForwardSplit(12, horizon=31).split(X))
    with pytest.raises(SnapshotError, match=r"n_splits=2, test_size=6: .* 12 are needed"):
        list(ForwardSplit(2, horizon=31, test_size=6).split(X))
    with pytest.raises(SnapshotError, match=r"split \d of 5: train or test is empty"):
        list(ForwardSplit(5, horizon=10, account_disjoint=True).split(panel(1)))
    snapshots = Snapshots(X.index, lead=0, horizon=30, end=pd.Timestamp("2024-12-20"))
    with pytest.raises(SnapshotError, match=r"date=2024-01-15: train 0 and test 40 of 48 snapshots"):
        ForwardSplit.at(snapshots, "2024-01-15")
    with pytest.raises(SnapshotError, match=r"date=2024-12-01: train \d+ and test 0 of 48"):
        ForwardSplit.at(snapshots, "2024-12-01")
    with pytest.raises(SnapshotError, match=r"test_accounts=1.5 must lie between 0 and 1"):
        ForwardSplit.at(snapshots, "2024-06-01", test_accounts=1.5)
    unlabelled = Snapshots(X.index, lead=0, horizon=None, end=pd.Timestamp("2024-12-20"))
    with pytest.raises(SnapshotError, match=r"snapshots\.horizon=None: a split needs label windows"):
        ForwardSplit.at(unlabelled, "2024-06-01")
