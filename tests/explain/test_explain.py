"""Explanations keep their identities, whatever the scale and the model."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor

import csrisk
from csrisk._explain import Explanation, explain
from csrisk.exceptions import ExplanationError

from ._fakes import FakeModel, book, goals_of

OUTPUTS = ("probability", "log_odds")


@pytest.fixture(scope="module")
def frame():
    return book(300)[0]


@pytest.fixture(scope="module")
def model(frame):
    return FakeModel(linear=True).fit(frame, book(300)[1])


@pytest.fixture(scope="module", params=OUTPUTS)
def why(request, frame, model):
    return explain(
        model,
        frame.iloc[:6],
        reference=frame,
        declarations=goals_of(frame.columns),
        output=request.param,
        n_reference=20,
    )


def test_top_level_names():
    assert csrisk.explain is explain
    assert csrisk.Explanation is Explanation


def test_goals_and_reference_add_up_to_the_prediction(why, frame, model):
    goals = why.goals()
    contributions = goals[[str(goal) for goal in why.goals_present]]
    np.testing.assert_allclose(goals["reference"] + contributions.sum(axis=1), goals["prediction"], atol=1e-9)
    rows = frame.iloc[:6]
    said = 100 * model.predict_proba(rows)[:, 1] if why.output == "probability" else model.decision_function(rows)
    np.testing.assert_allclose(goals["prediction"], said, atol=1e-9)


def test_features_add_up_to_their_goal(why):
    points = why.features().pivot_table(index="account_id", columns="goal", values="points", aggfunc="sum")
    goals = why.goals().droplevel("as_of")
    pd.testing.assert_frame_equal(points, goals[points.columns], check_names=False, atol=1e-9)


def test_account_says_what_moves_it(why):
    table = why.account("acct-0002")
    assert list(table.columns) == ["goal", "feature", "points", "value", "typical", "sentence"]
    own = why.goals().loc["acct-0002"].iloc[0]
    np.testing.assert_allclose(table["points"].sum() + own["reference"], own["prediction"], atol=1e-9)
    assert table["sentence"].str.len().min() > 5


def test_json_is_plain_and_adds_up(why):
    content = json.loads(why.to_json())
    assert content["unit"] == why.unit
    for snapshot in content["snapshots"]:
        total = snapshot["reference"] + sum(feature["points"] for feature in snapshot["features"])
        assert total == pytest.approx(snapshot["prediction"], abs=1e-9)


def test_reasons_raise_the_prediction(why):
    table = why.to_frame(n_reasons=2)
    points = table["reason_1_points"].dropna()
    assert (points > 0).all()
    assert (table["reason_2_points"].dropna() <= points.loc[table["reason_2_points"].dropna().index]).all()


def test_plain_lightgbm_classifier_with_categories(frame):
    X = frame.assign(plan=pd.Categorical(np.where(frame["f1"] > 0, "gold", "basic")))
    model = LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1).fit(X, book(300)[1])
    why = explain(model, X.iloc[:4], reference=X, declarations=goals_of(X.columns), n_reference=15)
    np.testing.assert_allclose(why.goals()["prediction"], 100 * model.predict_proba(X.iloc[:4])[:, 1], atol=1e-9)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"declarations": {"f0": "churn"}}, "9 of 10 columns of the model have no goal"),
        ({"X": 0}, "X has 0 rows"),
        ({"reference": 0}, "reference='book' has 0 rows"),
        ({"model": object()}, "model=object: not recognised"),
    ],
)
def test_bad_input_is_named(frame, model, change, said):
    given = {"model": model, "X": 6, "reference": 300, "declarations": goals_of(frame.columns), **change}
    with pytest.raises(ExplanationError, match=said):
        explain(
            given["model"],
            frame.iloc[: given["X"]],
            reference=frame.iloc[: given["reference"]],
            declarations=given["declarations"],
        )


def test_regressor_has_no_probability(frame):
    model = LGBMRegressor(n_estimators=3, verbose=-1, n_jobs=1).fit(frame, frame["f0"].fillna(0))
    with pytest.raises(ExplanationError, match="gives no probability"):
        explain(model, frame.iloc[:2], reference=frame, declarations=goals_of(frame.columns))


def test_unknown_account_and_goal(why):
    with pytest.raises(ExplanationError, match="not among the 6 explained snapshots"):
        why.account("nobody")
    with pytest.raises(ExplanationError, match="goal='happiness'"):
        why.features("happiness")
