"""Small models that keep to the protocol that explanations ask for."""

from __future__ import annotations

import lightgbm
import numpy as np
import pandas as pd

__all__ = ["FakeModel", "book", "goals_of"]

_GOALS = ["churn", "footprint", "advocacy", "feedback", "context"]


def goals_of(names) -> dict[str, str]:
    return {name: _GOALS[i % len(_GOALS)] for i, name in enumerate(names)}


def book(n_rows: int, n_columns: int = 10, seed: int = 0, missing: float = 0.1) -> tuple[pd.DataFrame, np.ndarray]:
    """Feature frame on a snapshot index, and labels with main effects and interactions across columns."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n_rows, n_columns)).round(2)
    score = matrix[:, 0] + matrix[:, 1] * matrix[:, 2] - 1.5 * (matrix[:, 3] > 0.5) * matrix[:, 4] + matrix[:, 5] ** 2
    label = (score + rng.logistic(size=n_rows) > 0.8).astype(int)
    matrix[rng.random(matrix.shape) < missing] = np.nan
    index = pd.MultiIndex.from_arrays(
        [[f"acct-{i:04d}" for i in range(n_rows)], pd.to_datetime(["2025-01-01"] * n_rows)],
        names=["account_id", "as_of"],
    )
    return pd.DataFrame(matrix, index=index, columns=[f"f{j}" for j in range(n_columns)]), label


class _Linear:
    intercept = -0.25

    def __init__(self, weights) -> None:
        self.weights = np.asarray(weights, dtype=float)

    def terms(self, matrix):
        return np.nan_to_num(matrix) * self.weights


class FakeModel:
    """Members averaged on the margin, a sigmoid calibrator, perhaps a linear part."""

    def __init__(self, n_members: int = 2, linear: bool = False, **parameters) -> None:
        self.n_members, self.linear, self.parameters = n_members, linear, parameters

    def fit(self, X, y):
        self.feature_names_in_ = np.array(X.columns, dtype=object)
        settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "num_leaves": 8, **self.parameters}
        self.boosters_ = tuple(
            lightgbm.train({**settings, "seed": k, "bagging_fraction": 0.7, "bagging_freq": 1}, self._data(X, y), 20)
            for k in range(self.n_members)
        )
        self.linear_ = _Linear(np.linspace(-0.5, 0.5, X.shape[1])) if self.linear else None
        return self

    def _data(self, X, y):
        return lightgbm.Dataset(X.to_numpy(dtype=float), y)

    def encode(self, X):
        return X[list(self.feature_names_in_)].to_numpy(dtype=float)

    def calibrate(self, margin):
        return 1.0 / (1.0 + np.exp(-(0.8 * np.asarray(margin) - 0.1)))

    def decision_function(self, X):
        matrix = self.encode(X)
        margin = np.mean([b.predict(matrix, raw_score=True) for b in self.boosters_], axis=0)
        if self.linear_ is not None:
            margin = margin + self.linear_.intercept + self.linear_.terms(matrix).sum(axis=1)
        return margin

    def predict_proba(self, X):
        p = self.calibrate(self.decision_function(X))
        return np.column_stack([1 - p, p])
