"""Estimators keep the contract of scikit-learn, in pipelines, searches and notebooks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.special import expit
from sklearn.base import is_classifier
from sklearn.compose import make_column_transformer
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from csrisk import ForwardSplit
from csrisk.models import AmountModel, ChurnModel, ExpansionModel

OLD = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 7)


def failing_of_old(estimator: Any) -> dict[str, str]:
    if not OLD or not is_classifier(estimator):
        return {}
    return {
        "check_sample_weight_equivalence_on_dense_data": "before 1.7 this check makes two classes of three by the "
        "first row, after it has shuffled one of the two samples: the two fits are given different outcomes"
    }


@pytest.mark.promise("Estimators keep the contract of scikit-learn")
@pytest.mark.filterwarnings("ignore::UserWarning")
@parametrize_with_checks(
    [ChurnModel(2), ExpansionModel(2, blend=False), AmountModel(2)], expected_failed_checks=failing_of_old
)
def test_estimators_keep_the_contract_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def panel() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product(
        [range(60), pd.date_range("2025-01-01", periods=6, freq="MS")], names=["account_id", "as_of"]
    )
    X = pd.DataFrame({"idle": rng.exponential(15, 360), "seats": rng.normal(size=360)}, index=index)
    X["plan"] = pd.Categorical(rng.choice(["basic", "pro"], 360))
    return X, pd.Series(rng.random(360) < expit(X["idle"] / 10 - 2), index=index)


def small(**options: Any) -> ChurnModel:
    return ChurnModel(2, blend=False, learning_rate=0.2, random_state=0, **options)


def test_groups_and_weights_are_routed_to_the_model_and_the_splitter(panel):
    X, y = panel
    groups, weight = np.asarray(X.index.get_level_values("account_id")), np.where(y, 3.0, 1.5)
    seen = []

    class Recorder(ChurnModel):
        def fit(self, X, y, *, groups=None, sample_weight=None):
            seen.append((len(X), len(np.unique(groups)), float(np.max(sample_weight))))
            return super().fit(X, y, groups=groups, sample_weight=sample_weight)

    model = Recorder(2, blend=False, learning_rate=0.2, random_state=0)
    with sklearn.config_context(enable_metadata_routing=True):
        model.set_fit_request(groups=True, sample_weight=True)
        found = cross_validate(
            make_pipeline("passthrough", model),
            X.reset_index(drop=True),
            y.to_numpy(),
            cv=GroupKFold(3),
            scoring=get_scorer("roc_auc").set_score_request(sample_weight=True),
            params={"groups": groups, "sample_weight": weight},
        )
    assert len(found["test_score"]) == 3
    # each fold keeps whole accounts: 40 of 60 with six rows each, and the rows' own weights
    assert seen == [(240, 40, 3.0)] * 3


def test_frames_from_set_output_keep_names_and_accounts(panel):
    X, y = panel
    scale = make_column_transformer((StandardScaler(), ["idle", "seats"]), remainder="passthrough")
    scale.set_output(transform="pandas").set_params(verbose_feature_names_out=False)
    piped = make_pipeline(scale, small()).fit(X, y)
    assert piped[-1].feature_names_in_.tolist() == ["idle", "seats", "plan"]
    # categories are still categories, and the index level account_id still says which rows belong together
    assert [column.kind for column in piped[-1].columns_] == ["number", "number", "category"]
    assert piped[-1].n_events_ == y.groupby(level="account_id").any().sum()


def test_grid_search_in_a_pipeline_over_forward_splits(panel):
    X, y = panel
    piped = make_pipeline("passthrough", small())
    cv = ForwardSplit(2, horizon="30D")
    search = GridSearchCV(piped, {"churnmodel__num_leaves": [3, 15]}, cv=cv, scoring="neg_log_loss").fit(X, y)
    assert search.cv_results_["mean_test_score"].shape == (2,)
    assert search.best_estimator_.predict_proba(X).shape == (len(X), 2)


def test_models_have_a_picture_for_notebooks():
    assert "ChurnModel" in ChurnModel()._repr_html_()
