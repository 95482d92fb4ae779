"""Checks of the panel: duplicates, windows of labels, events by account, goals without evidence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from csrisk import CustomerData, Feature, Snapshots
from csrisk.checks import check_duplicates, check_events, check_evidence, check_label_window
from csrisk.exceptions import LeakageWarning


def rows(n: int, seed: int = 0, prefix: str = "a") -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [[f"{prefix}{i}" for i in range(n)], pd.to_datetime(["2025-01-01"])], names=["account_id", "as_of"]
    )
    X = pd.DataFrame(rng.normal(size=(n, 6)), index=index, columns=list("abcdef"))
    return X.assign(plan=pd.Categorical(rng.choice(["x", "y"], n)))


def test_duplicates_under_another_account() -> None:
    train, test = rows(100), rows(50, seed=1, prefix="b")
    assert check_duplicates(train, test).status == "passed"
    copied = pd.concat([test, train.iloc[:5].set_axis(rows(5, prefix="c").index)])
    # the copy has its categories in another order
    copied["plan"] = copied["plan"].astype(pd.CategoricalDtype(["y", "x"]))
    with pytest.warns(LeakageWarning, match=r"CSR005 .*5 of 55 test rows \(9\.1\u00a0%\)"):
        assert check_duplicates(train, copied).failed


def test_the_same_account_may_look_the_same() -> None:
    train = rows(100)
    later = train.copy()
    later.index = later.index.set_levels(pd.to_datetime(["2025-06-01"]), level=1)
    assert check_duplicates(train, later).measure.startswith("0 of 100")


def test_rows_with_little_in_them_are_not_compared() -> None:
    empty = rows(60)
    empty[list("cdef")] = np.nan
    other = empty.set_axis(rows(60, prefix="b").index)
    assert check_duplicates(empty, other).status == "not applicable"


def test_label_window() -> None:
    index = pd.MultiIndex.from_product(
        [["a", "b"], pd.to_datetime(["2025-01-01", "2025-03-01"])], names=["account_id", "as_of"]
    )
    snapshots = Snapshots(index, lead=0, horizon=30, end=pd.Timestamp("2025-03-10"))
    y = pd.Series([True, pd.NA, False, pd.NA], index=index, dtype="boolean")
    assert check_label_window(y, snapshots).status == "passed"
    with pytest.warns(LeakageWarning, match="CSR006 .*2 of 4 labels have a window that was not observed"):
        assert check_label_window(y.fillna(False), snapshots).failed
    scoring = Snapshots(index, lead=0, horizon=None, end=pd.Timestamp("2025-03-10"))
    assert check_label_window(y, scoring).status == "not applicable"
    with pytest.raises(ValueError, match="y: 1 of 4 rows are not among the snapshots"):
        check_label_window(y, snapshots[np.array([True, True, True, False])])


def test_events_are_counted_by_account() -> None:
    many = pd.Series([True, False] * 30)
    assert check_events(many).status == "passed"
    index = pd.MultiIndex.from_product([[f"a{n}" for n in range(40)], range(3)], names=["account_id", "as_of"])
    # 19 accounts with three events each are 19, not 57
    y = pd.Series(np.repeat(np.arange(40) < 19, 3), index=index)
    check = check_events(y)
    assert check.failed
    assert check.measure == "19 accounts with the outcome, 21 without, in 120 snapshots"
    assert check_events(y, minimum=19).status == "passed"


def test_goals_without_evidence() -> None:
    X = pd.DataFrame({"events_30d": [1.0, 2.0], "nps_last": [np.nan, np.nan], "tenure_days": [4.0, 5.0]})
    check = check_evidence(X)
    assert check.failed
    assert check.found == ("advocacy", "feedback")
    own = [Feature(goal, goal, "count", "{value}") for goal in ("churn", "footprint", "advocacy", "feedback")]
    full = pd.DataFrame({feature.name: [1.0] for feature in own})
    assert check_evidence(full, declarations=own).status == "passed"
    assert check_evidence(pd.DataFrame({"unknown": [1.0]})).measure.startswith("4 of 4 goals without evidence")


def test_demo_has_evidence_for_all_goals(small_book: CustomerData) -> None:
    from csrisk import build_features

    X = build_features(small_book, Snapshots.at(small_book, small_book.end))
    assert check_evidence(X).status == "passed"
