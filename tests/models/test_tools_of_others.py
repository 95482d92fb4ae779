"""The usual moves of shap, optuna, skops and MLflow with the models; their packages are in the group ``tools``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from csrisk import ForwardSplit
from csrisk.models import AmountModel, ChurnModel, ExpansionModel

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
TRUSTED = ["csrisk.models._churn.ChurnModel", "csrisk.models._rows._encoder.ColumnEncoder", "lightgbm.basic.Booster"]


def book() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product(
        [range(60), pd.date_range("2025-01-01", periods=6, freq="MS")], names=["account_id", "as_of"]
    )
    X = pd.DataFrame({"idle": rng.exponential(15, 360), "seats": rng.normal(size=360)}, index=index)
    X["plan"] = pd.Categorical(rng.choice(["basic", "pro"], 360))
    return X, pd.Series(rng.random(360) < expit(X["idle"] / 10 - 2), index=index)


def small(**options: Any) -> ChurnModel:
    return ChurnModel(**{"n_members": 2, "blend": False, "random_state": 0, **options})


@pytest.fixture(scope="module")
def fitted() -> tuple[ChurnModel, pd.DataFrame]:
    X, y = book()
    return small().fit(X, y), X


def test_shap_explains_the_trees(fitted: tuple[ChurnModel, pd.DataFrame]) -> None:
    import shap

    model, X = fitted
    matrix = model.encode(X)
    for booster in model.boosters_:
        game = shap.TreeExplainer(booster)
        told = game.shap_values(matrix).sum(axis=1) + game.expected_value
        np.testing.assert_allclose(told, booster.predict(matrix, raw_score=True), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("made", [ChurnModel, ExpansionModel, AmountModel])
def test_shap_explains_the_prediction_of_a_frame(made: Any) -> None:
    """As its documentation has it: the function and a frame; the frames that it makes keep their names."""
    import shap

    X, y = book()
    X = X[["idle", "seats"]]
    model = made(2).fit(X, X["idle"].clip(0, 5) if made is AmountModel else y)
    predict = model.predict if made is AmountModel else lambda rows: model.predict_proba(rows)[:, 1]
    found = shap.Explainer(predict, X.head(20), algorithm="permutation")(X.head(3))
    told = found.values.sum(axis=1) + found.base_values  # noqa: PD011  # shap's own
    np.testing.assert_allclose(told, predict(X.head(3)), atol=1e-9)


def test_optuna_tunes_over_forward_splits() -> None:
    import optuna
    from sklearn.model_selection import cross_val_score

    X, y = book()
    splits = ForwardSplit(2, horizon="30D")

    def loss(trial: Any) -> float:
        leaves, rate = trial.suggest_int("num_leaves", 2, 15), trial.suggest_float("learning_rate", 0.05, 0.5, log=True)
        model = small(num_leaves=leaves, learning_rate=rate)
        return -float(cross_val_score(model, X, y, cv=splits, scoring="neg_log_loss", error_score="raise").mean())

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(loss, n_trials=3)
    assert study.best_value == min(trial.value for trial in study.trials)
    assert loss(optuna.trial.FixedTrial(study.best_params)) == study.best_value


def test_skops_keeps_a_model_without_pickle(fitted: tuple[ChurnModel, pd.DataFrame]) -> None:
    import skops.io

    model, X = fitted
    content = skops.io.dumps(model)
    assert skops.io.get_untrusted_types(data=content) == TRUSTED
    again = skops.io.loads(content, trusted=TRUSTED)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert again.get_params() == model.get_params()


def test_mlflow_keeps_a_model_as_it_keeps_those_of_scikit_learn(
    fitted: tuple[ChurnModel, pd.DataFrame], tmp_path: Path
) -> None:
    import mlflow

    model, X = fitted
    mlflow.sklearn.save_model(model, str(tmp_path / "model"), skops_trusted_types=TRUSTED)
    again = mlflow.sklearn.load_model(str(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    plain = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    np.testing.assert_array_equal(plain.predict(X), model.predict(X))
