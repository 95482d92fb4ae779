"""The driver of an account: how sure the first goal is, and why none is named."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from scipy.special import expit, logit

import csrisk as cr
from csrisk._explain import driver_words
from csrisk._explain._answers._drivers import _FITTED, SERVED, driver_terms, find_drivers

GOALS = {"a": "churn", "b": "footprint", "c": "advocacy", "d": "feedback", "e": "context"}


def table(seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(400, 5)), columns=list(GOALS))
    X.loc[:99, "d"] = np.nan
    X.loc[:49, "c"] = np.nan
    risk = expit(X.fillna(0.0) @ [1.5, 1.0, 0.5, 0.3, 0.8] - 1)
    return X, pd.Series(rng.random(400) < risk)


@pytest.fixture(scope="module")
def why() -> cr.Explanation:
    X, y = table()
    model = LGBMClassifier(n_estimators=40, num_leaves=6, verbose=-1, n_jobs=1).fit(X, y)
    return cr.explain(model, X, declarations=GOALS, n_reference=30)


def test_each_row_has_a_driver_or_says_why_not(why):
    found = why.drivers()
    assert found.columns.tolist() == ["goal", "probability", "named", "why_not"]
    assert found.index.equals(why.index)
    main = pd.Series(why.main_goals, index=why.index)
    served = main.isin(SERVED)
    assert found["goal"][served].tolist() == main[served].tolist()
    assert found["goal"][~served].isna().all()
    assert found["probability"].notna().equals(served)
    assert found["probability"].dropna().between(0, 1).all()
    assert (found["named"] == (found["probability"] >= _FITTED["threshold"])).all()
    assert (found["named"] == found["why_not"].isna()).all()
    assert 0 < found["named"].sum() < len(found)
    told = {str(words).split(":")[0] for words in found["why_not"].dropna()}
    assert "two goals are about as strong" in told


def test_the_probability_is_that_of_the_stated_formula(why):
    found, points = why.drivers(), why.goals()
    row = int(found["named"].to_numpy().argmax())
    reference, prediction = why.reference[row] / 100, why.prediction[row] / 100
    slope = (logit(prediction) - logit(reference)) / (prediction - reference)
    first, second = points[list(SERVED)].iloc[row].sort_values(ascending=False)[:2] / 100
    missing = 4 - why.measured()[list(SERVED)].iloc[row].sum()
    score = _FITTED["gap"] * np.log1p((first - second) * slope) + _FITTED["missing"] * missing
    expected = expit(score + _FITTED["goal"][found["goal"].iloc[row]])
    assert found["probability"].iloc[row] == pytest.approx(expected, rel=1e-9)


def test_what_lacks_evidence_is_less_sure_and_says_what_to_measure():
    points = np.array([[2.0, 0.5, 0.0, 0.0]] * 2)
    known = np.array([[True] * 4, [True, True, False, False]])
    terms = driver_terms(points, None, known)
    assert terms["missing"].tolist() == [0, 2]
    assert terms["gap"].tolist() == pytest.approx([np.log1p(1.5)] * 2)
    assert _FITTED["missing"] < 0 < _FITTED["gap"]
    words = driver_words({"named": False, "why_not": "not measured: advocacy, feedback"})
    assert words == "No driver named: not measured: advocacy, feedback; ask, log or call to learn of it."


def test_points_and_log_odds_give_the_same_terms_where_the_risk_does_not_move():
    points = np.array([[2.0, 1.0, 0.0, -3.0]])
    end = np.array([0.2])
    scaled = driver_terms(points, (end, end), np.ones((1, 4), bool))
    assert scaled["gap"].iloc[0] == pytest.approx(np.log1p(0.01 / (0.2 * 0.8)))


def test_what_was_not_checked_is_not_stated(why):
    X, y = table()
    model = LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1).fit(X, y)
    best = cr.explain(model, X, reference=cr.Reference.best(X, y.eq(False)), declarations=GOALS, n_reference=9)
    found = best.drivers()
    assert not found["named"].any()
    assert found["probability"].isna().all()
    assert found["why_not"].str.contains("with the book").any()
    amount = LGBMRegressor(n_estimators=5, verbose=-1, n_jobs=1).fit(X, y * 10.0)
    with pytest.raises(cr.exceptions.ExplanationError, match="drivers are named for a risk"):
        cr.explain(amount, X, output="amount", declarations=GOALS, n_reference=9).drivers()


def test_what_serves_no_goal_is_no_driver():
    X, y = table()
    model = LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1).fit(X[["e"]], y)
    found = cr.explain(model, X[["e"]], declarations=GOALS, n_reference=9).drivers()
    assert set(found["why_not"]) == {"what raises the risk most serves no goal", "no goal raises the risk"}
    assert not found["named"].any()


def test_drivers_are_worked_out_once_and_what_is_done_to_a_table_stays_there(why, monkeypatch):
    calls = []
    monkeypatch.setattr("csrisk._explain._explanation.find_drivers", lambda asked: calls.append(asked) or find(asked))
    find, fresh = find_drivers, dataclasses.replace(why)
    first = fresh.drivers()
    first["goal"] = None
    assert fresh.drivers()["goal"].notna().any()
    assert len(calls) == 1
