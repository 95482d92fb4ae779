"""Models of other libraries are explained by their predictions, exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from csrisk import Reference, explain
from csrisk.exceptions import CsriskWarning, ExplanationError

from ._fakes import book, goals_of


@pytest.fixture(scope="module")
def data():
    X, y = book(200, 6, missing=0.0)
    return X.assign(plan=np.where(X["f1"] > 0, "gold", "basic")), y


def _xgboost():
    return pytest.importorskip("xgboost").XGBClassifier(n_estimators=5, max_depth=3, enable_categorical=True, n_jobs=1)


def _forest():
    return RandomForestClassifier(n_estimators=5, max_depth=3, random_state=0)


def _gradient_boosting():
    return GradientBoostingClassifier(n_estimators=5, max_depth=3, random_state=0)


def _histogram():
    return HistGradientBoostingClassifier(max_iter=5, max_depth=3, categorical_features="from_dtype")


def _pipeline():
    encoder = make_column_transformer((OneHotEncoder(), ["plan"]), remainder="passthrough")
    return make_pipeline(encoder, LogisticRegression())


@pytest.mark.parametrize("make", [_xgboost, _forest, _gradient_boosting, _histogram, _pipeline])
@pytest.mark.parametrize("output", ["probability", "log_odds"])
def test_any_classifier(data, make, output):
    X, y = data
    if make is not _pipeline:
        plain = make in (_forest, _gradient_boosting)
        X = X.drop(columns="plan") if plain else X.astype({"plan": "category"})
    model = make().fit(X, y)
    why = explain(model, X.iloc[:3], reference=X, declarations=goals_of(X.columns), n_reference=5, output=output)
    expected = model.predict_proba(X.iloc[:3])[:, 1].astype(float)
    prediction = why.prediction / 100 if output == "probability" else 1 / (1 + np.exp(-why.prediction))
    np.testing.assert_allclose(prediction, expected, atol=1e-9)
    np.testing.assert_allclose(why.reference + why.contributions.sum(axis=1), why.prediction, atol=1e-9)
    points, rest = why.feature_game(np.arange(3))
    np.testing.assert_allclose(np.nansum(points, axis=1) + rest.sum(axis=1), why.contributions.sum(axis=1), atol=1e-9)


def test_a_regressor_is_explained_on_its_own_scale(data):
    X = data[0].drop(columns="plan")
    for model in (RandomForestRegressor(n_estimators=3, random_state=0), LGBMRegressor(n_estimators=3, verbose=-1)):
        model.fit(X, X["f0"] * 10)
        why = explain(
            model, X.iloc[:2], reference=X, declarations=goals_of(X.columns), output="log_odds", n_reference=4
        )
        np.testing.assert_allclose(why.prediction, model.predict(X.iloc[:2]), atol=1e-9)


def test_amounts_behind_an_exponential_link(data):
    X = data[0].drop(columns="plan")
    model = LGBMRegressor(objective="tweedie", n_estimators=8, verbose=-1, n_jobs=1).fit(X, np.exp(X["f0"]) * 300)
    why = explain(model, X.iloc[:4], reference=X, declarations=goals_of(X.columns), output="amount", n_reference=20)
    np.testing.assert_allclose(why.prediction, model.predict(X.iloc[:4]), rtol=1e-12)
    np.testing.assert_allclose(why.reference + why.contributions.sum(axis=1), why.prediction, rtol=1e-12)
    printed = why.steps("acct-0002")["shown"]
    assert printed.sum() + round(why.reference[2]) == round(why.prediction[2])
    with pytest.raises(ExplanationError, match="this model gives no probability; use output='amount'"):
        explain(model, X.iloc[:4], reference=X, declarations=goals_of(X.columns))


def test_direct_and_compiled_games_agree(data):
    """The same LightGBM model, once through its trees and once through its predictions."""
    X, y = data
    X = X.astype({"plan": "category"})
    model = LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1).fit(X, y)

    class Hidden:
        feature_names_in_ = model.feature_names_in_
        predict_proba = staticmethod(model.predict_proba)

    settings = {"reference": X.iloc[:9], "declarations": goals_of(X.columns)}
    for reference in (X.iloc[:9], Reference.segment(X.iloc[:40], by="plan")):
        settings["reference"] = reference
        seen, hidden = explain(model, X.iloc[:4], **settings), explain(Hidden(), X.iloc[:4], **settings)
        pd.testing.assert_frame_equal(seen.goals(), hidden.goals(), atol=1e-9)
        pd.testing.assert_frame_equal(seen.interactions(), hidden.interactions(), atol=1e-9)
        pd.testing.assert_frame_equal(seen.without(), hidden.without(), atol=1e-9)


def test_cost_is_said_beforehand(data, monkeypatch):
    X, y = data
    X = X.drop(columns="plan")
    monkeypatch.setattr("csrisk._explain._games._direct_engine._WORTH_SAYING_SECONDS", 0.0)
    model = LogisticRegression().fit(X, y)
    with pytest.warns(CsriskWarning, match="predictions are needed to explain 2 snapshots"):
        why = explain(model, X.iloc[:2], reference=X, declarations=goals_of(X.columns), n_reference=3)
    # goals of 2, 1, 1, 1 and 1 features against 3 rows: 3 x (2^6 - 2 + 4 x (2^5 - 2)) mixed rows, 5 x (1 + 3) ends
    with pytest.warns(CsriskWarning, match=r"^566 predictions are needed to explain 1 "):
        why.account("acct-0001")


def test_certain_predictions_have_no_log_odds(data):
    X, y = data
    X = X.drop(columns="plan")
    model = RandomForestClassifier(n_estimators=2, random_state=0).fit(X, y)
    settings = {"reference": X, "declarations": goals_of(X.columns), "n_reference": 4}
    assert explain(model, X.iloc[:2], **settings).prediction.max() <= 100
    with pytest.raises(ExplanationError, match="log-odds of 0 and 1 are infinite"):
        explain(model, X.iloc[:2], **settings, output="log_odds")


def test_what_cannot_be_explained_is_refused(data):
    X, y = data
    X = X.drop(columns="plan")
    settings = {"reference": X, "declarations": goals_of(X.columns)}
    three = LGBMClassifier(n_estimators=2, verbose=-1, n_jobs=1).fit(X, np.arange(len(X)) % 3)
    with pytest.raises(ExplanationError, match="num_tree_per_iteration=3"):
        explain(three, X.iloc[:2], **settings, output="log_odds")
    linear = LGBMClassifier(n_estimators=2, verbose=-1, n_jobs=1, linear_tree=True).fit(X, y)
    with pytest.raises(ExplanationError, match="linear leaves"):
        explain(linear, X.iloc[:2], **settings)
    classes = LogisticRegression().fit(X, np.arange(len(X)) % 3)
    with pytest.raises(ExplanationError, match="only models of two classes"):
        explain(classes, X.iloc[:2], **settings)


@pytest.mark.filterwarnings("ignore:The argument 'eval_set'")  # its successor is newer than the oldest LightGBM
def test_early_stopping_counts(data):
    """Only the trees up to the best iteration are explained, as LightGBM predicts."""
    X, y = data
    X = X.drop(columns="plan")
    model = LGBMClassifier(n_estimators=30, verbose=-1, n_jobs=1)
    import lightgbm

    model.fit(X, y, eval_set=[(X.iloc[::3], 1 - y[::3])], callbacks=[lightgbm.early_stopping(2, verbose=False)])
    assert model.best_iteration_ < 30
    why = explain(model, X.iloc[:3], reference=X.iloc[:9], declarations=goals_of(X.columns))
    np.testing.assert_allclose(why.prediction, 100 * model.predict_proba(X.iloc[:3])[:, 1], atol=1e-9)
    np.testing.assert_allclose(why.feature_game(np.arange(3))[0].sum(axis=1), why.prediction - why.reference, atol=1e-9)
