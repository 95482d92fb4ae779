"""LightGBM in fourteen configurations, and rows that are hard to route."""

from __future__ import annotations

import lightgbm
import numpy as np

__all__ = ["CONFIGURATIONS", "fit", "hard_rows"]

# a plain dict per case: what LightGBM is told, and how the data are bent before
CONFIGURATIONS = {
    "plain": {},
    "no missing handling": {"use_missing": False},
    "zero as missing": {"zero_as_missing": True},
    "categories": {"categorical_feature": [0, 4], "max_cat_to_onehot": 1, "min_data_per_group": 5, "cat_smooth": 1.0},
    "one-hot categories": {"categorical_feature": [0, 4], "max_cat_to_onehot": 64},
    "random forest": {"boosting": "rf", "bagging_fraction": 0.6, "bagging_freq": 1},
    "dart": {"boosting": "dart", "drop_rate": 0.5},
    "goss": {"data_sample_strategy": "goss", "learning_rate": 0.5},
    "extra trees": {"extra_trees": True},
    "monotone": {"monotone_constraints": [0, 1, -1, 0, 0, 1, 0, 0], "monotone_constraints_method": "advanced"},
    "stumps and constants": {"num_leaves": 2, "min_data_in_leaf": 60},
    "many bins": {"max_bin": 1023, "min_data_in_bin": 1},
    "many leaves": {"num_leaves": 150, "min_data_in_leaf": 2, "min_sum_hessian_in_leaf": 0.0},
    "deep chain": {"num_leaves": 40, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0.0, "learning_rate": 1.0},
}
_HARD = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-36, -1e-36, 1e-35, 2e-35, -1.0, -0.5, 0.5, 99.0, 3e9, 1e300]


def _data(n_rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 8))
    X[:, 0] = rng.integers(0, 40, n_rows)
    X[:, 4] = rng.integers(0, 6, n_rows)
    X[:, 1] = np.where(rng.random(n_rows) < 0.3, 0.0, X[:, 1])
    X[rng.random(X.shape) < 0.1] = np.nan
    score = np.nan_to_num(X[:, 1] * X[:, 2] + X[:, 5]) + (np.nan_to_num(X[:, 0]) % 3 == 1) - (X[:, 4] == 2)
    return X, (score + rng.logistic(size=n_rows) > 0.5).astype(float)


def hard_rows(seed: int) -> np.ndarray:
    """Rows of values that are missing, infinite, almost zero, negative or unknown categories."""
    rng = np.random.default_rng(seed)
    rows = _data(12, seed + 1)[0]
    hit = rng.random(rows.shape) < 0.5
    rows[hit] = rng.choice(_HARD, int(hit.sum()))
    return rows


def fit(name: str, rounds: int = 12) -> lightgbm.Booster:
    """Train one configuration."""
    X, y = _data(600, 3)
    told = {"objective": "binary", "verbose": -1, "num_threads": 1, "min_data_in_leaf": 5, **CONFIGURATIONS[name]}
    categories = told.pop("categorical_feature", "auto")
    return lightgbm.train(told, lightgbm.Dataset(X, y, categorical_feature=categories), rounds)
