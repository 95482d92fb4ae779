"""The models that are compared: csrisk and its peers, each as a user would set it up."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, QuantileTransformer

import csrisk

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd


def csrisk_model(seed: int) -> Any:
    return csrisk.ChurnModel(random_state=seed, n_jobs=1)


def lightgbm_default(seed: int) -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(random_state=seed, n_jobs=1, verbosity=-1)


def hist_gradient_boosting(seed: int) -> Any:
    return HistGradientBoostingClassifier(random_state=seed, categorical_features="from_dtype")


def xgboost_default(seed: int) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(random_state=seed, n_jobs=1, enable_categorical=True, tree_method="hist")


def catboost_default(seed: int) -> Any:
    from catboost import CatBoostClassifier

    class WithCategories(CatBoostClassifier):
        def fit(self, X: pd.DataFrame, y: Any, **options: Any) -> Any:
            return super().fit(_words(X), y, cat_features=list(_categorical(X)), **options)

        def predict_proba(self, X: pd.DataFrame, **options: Any) -> Any:
            return super().predict_proba(_words(X), **options)

    return WithCategories(random_seed=seed, thread_count=1, verbose=0, allow_writing_files=False)


def logistic(seed: int) -> Any:  # noqa: ARG001  # every peer is made from a seed
    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        QuantileTransformer(n_quantiles=100, output_distribution="normal", subsample=None),
    )
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include=np.number)),
        (OneHotEncoder(handle_unknown="ignore", min_frequency=5), make_column_selector(dtype_include="category")),
    )
    model = LogisticRegressionCV(Cs=np.logspace(-3, 1, 9), scoring="neg_log_loss", max_iter=2000, l1_ratios=(0,))
    return make_pipeline(columns, model.set_params(use_legacy_attributes=False))


def random_forest(seed: int) -> Any:
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    columns = make_column_transformer(
        (encoder, make_column_selector(dtype_include="category")), remainder="passthrough"
    )
    return make_pipeline(
        columns, RandomForestClassifier(500, min_samples_leaf=5, random_state=seed, n_jobs=1), memory=None
    )


def ebm(seed: int) -> Any:
    from interpret.glassbox import ExplainableBoostingClassifier

    return make_pipeline(FunctionTransformer(_words), ExplainableBoostingClassifier(random_state=seed, n_jobs=1))


class AutoGluon:
    """A whole search by AutoGluon with one core, within `SECONDS` of wall time; its ensemble answers."""

    SECONDS = 60.0

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Any) -> AutoGluon:
        """Search within the time allowed."""
        from autogluon.tabular import TabularPredictor

        folder = tempfile.mkdtemp()
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        chosen = TabularPredictor("churned", "binary", "log_loss", path=folder, verbosity=0)
        frame = X.assign(churned=np.asarray(y, dtype=int)).sample(frac=1.0, random_state=self.seed)
        self._chosen = chosen.fit(frame, time_limit=self.SECONDS, num_cpus=1, num_gpus=0, calibrate=True)
        return self

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probability of both classes."""
        return np.asarray(self._chosen.predict_proba(X, as_pandas=False))


def _categorical(X: pd.DataFrame) -> pd.Index:
    return X.select_dtypes("category").columns


def _words(X: pd.DataFrame) -> pd.DataFrame:
    return X.astype(dict.fromkeys(_categorical(X), object)).fillna(dict.fromkeys(_categorical(X), "missing"))


PEERS: dict[str, Callable[[int], Any]] = {
    "csrisk": csrisk_model,
    "lightgbm": lightgbm_default,
    "histgb": hist_gradient_boosting,
    "xgboost": xgboost_default,
    "catboost": catboost_default,
    "logistic": logistic,
    "forest": random_forest,
    "ebm": ebm,
    "autogluon": AutoGluon,
}
