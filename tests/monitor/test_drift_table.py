"""The table of drift and its sums by goal, row by row."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest

from csrisk.monitoring import drift_by_goal, drift_table
from csrisk.monitoring._judging._drift import LEAST_ACCOUNTS, USUAL_FACTOR
from csrisk.monitoring._judging._rules import check_book, check_realised, check_told

OLD = pd.DataFrame({"logins": np.arange(200.0), "nps": np.arange(200.0), "footprint_points": np.arange(200.0)})
NEW = OLD.assign(logins=OLD["logins"] + 100)
GOALS = {"logins": "footprint", "nps": "advocacy"}


def test_what_is_usual_is_nothing_where_nothing_is_told() -> None:
    assert (drift_table(OLD, NEW, GOALS)["usual"] == 0).all()
    told = drift_table(OLD, NEW, GOALS, usual=pd.Series({"logins": 0.2}))["usual"]
    assert told.to_dict() == {"logins": 0.2, "nps": 0.0, "footprint_points": 0.0}


@pytest.mark.parametrize(("usual", "drifts"), [(0.5 / 1.5, True), (0.34, False), (0.0, True)])
def test_half_as_much_again_as_usual(usual: float, drifts: bool) -> None:
    """Half of the accounts lie on another side, which is 1.5 times a third."""
    found = drift_table(OLD, NEW, GOALS, usual=pd.Series({"logins": usual})).loc["logins"]
    assert (found["distance"], bool(found["drifts"])) == (0.5, drifts)


def test_goals_with_a_feature_alone_and_with_a_score() -> None:
    found = drift_by_goal(drift_table(OLD, NEW, GOALS), OLD, NEW)
    assert found.index.tolist() == ["footprint", "advocacy"]
    assert found["drifts"].tolist() == [True, False], "a feature that drifts is enough, also where the score does not"
    assert found.loc["footprint", "score_distance"] == 0
    assert np.isnan(found.loc["advocacy", "score_distance"])
    turned = OLD.assign(footprint_points=OLD["footprint_points"] + 100)
    by_score = drift_by_goal(drift_table(OLD, turned, GOALS), OLD, turned)
    assert by_score["drifts"].tolist() == [True, False], "and so is the score alone"


def test_the_limits_by_default() -> None:
    defaults = {name: entry.default for name, entry in inspect.signature(drift_table).parameters.items()}
    assert (defaults["alpha"], defaults["limit"], USUAL_FACTOR, LEAST_ACCOUNTS) == (0.01, 0.1, 1.5, 50)


@pytest.mark.parametrize(
    ("now", "status"), [(50, "passed"), (49, "failed"), (200, "passed"), (201, "failed"), (240, "failed")]
)
def test_half_and_double_are_still_the_same_book(now: int, status: str) -> None:
    assert check_book(100, now).status == status
    assert check_book(100, now, is_sample=True).status == check_book(0, now).status == "not applicable"


def performance(events: int, high: float = 0.6) -> pd.DataFrame:
    rows = {"auc": (0.5, 0.4, high), "n_events": (events, np.nan, np.nan)}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["estimate", "low", "high"])


@pytest.mark.parametrize(
    ("events", "high", "status"), [(20, 0.6, "failed"), (19, 0.6, "not applicable"), (20, 0.65, "passed")]
)
def test_twenty_events_are_enough_to_judge_what_came(events: int, high: float, status: str) -> None:
    tested = performance(100).assign(low=0.65)
    assert check_realised(performance(events, high), tested).status == status
    assert check_realised(performance(events, np.nan), tested).status == "not applicable"
    assert check_realised(None, tested).status == check_realised(performance(20), None).status == "not applicable"


def test_one_label_that_arrived_is_judged() -> None:
    index = pd.MultiIndex.from_product([range(60), [pd.Timestamp("2025-01-01")]], names=["account_id", "as_of"])
    labels = pd.Series([True, False] * 25 + [None] * 10, index=index, dtype="boolean")
    risk = pd.Series(0.5, index=index)
    assert check_told(labels, risk).status == "passed"
    assert check_told(labels.mask(labels.notna()), risk).status == "not applicable"
