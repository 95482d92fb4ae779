"""How sure a told risk is: what the forward test says of accounts that were told as much, for the next book."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from csrisk._machine import product, solve_two
from csrisk._pipeline._model_files._strict_json import number
from csrisk._wilson import Z_95
from csrisk.evaluation._measuring import carried
from csrisk.exceptions import ModelFileError

__all__ = ["RiskBand"]

_LEAST = 10  # accounts that left, and that stayed; with fewer an interval would be a guess
_SMALLEST = 1e-6  # log-odds of 0 and 1 are infinite


@dataclass(frozen=True)
class RiskBand:
    """Line of what came on what was told, in log-odds, with its uncertainty."""

    # logistic regression of what came on the log-odds told, written around their mean
    intercept: float
    slope: float
    center: float
    # of intercept and slope, clustered by account
    variance: float
    covariance: float
    slope_variance: float

    @classmethod
    def fit(cls, outcome: pd.Series, risk: pd.Series) -> RiskBand | None:
        """Learn from a forward test."""
        event = outcome.to_numpy(dtype=np.float64)
        account = pd.factorize(outcome.index.get_level_values("account_id"))[0]
        # accounts and not snapshots: many of one account are hardly more evidence than one
        if min(len(np.unique(account[event == side])) for side in (0.0, 1.0)) < _LEAST:
            return None
        margin = _margin(risk.to_numpy(dtype=np.float64))
        center = float(margin.mean())
        # around the mean, where intercept and slope hardly depend on each other
        design = np.column_stack([np.ones(len(margin)), margin - center])
        weights = _line(design, event)
        if weights is None:
            return None
        told = expit(product(design, weights))
        # no BLAS here and in `_line`: its kernels differ by processor, and a model file must not
        bread = solve_two(product(design.T, design * (told * (1 - told))[:, None]), np.eye(2))
        # cluster-robust sandwich: scores are summed by account first (Liang and Zeger 1986)
        scores = np.column_stack([np.bincount(account, weights=(event - told) * column) for column in design.T])
        n_accounts = len(scores)
        spread = product(product(bread, product(scores.T, scores)), bread) * n_accounts / (n_accounts - 1)
        figures = (*weights, center, spread[0, 0], spread[0, 1], spread[1, 1])
        return cls(*map(float, figures))

    def bounds(self, risk: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Give the 95 % interval of the share that will leave among accounts told as much."""
        margin = _margin(risk)
        away = margin - self.center
        # log-odds of what came less log-odds told
        offset = self.intercept + self.slope * away - margin
        variance = self.variance + 2 * away * self.covariance + away**2 * self.slope_variance
        # rounding may leave a variance below 0. The told risk lies inside: no more is carried than the error allows for
        moved, error = carried(offset, np.maximum(variance, 0.0))
        return expit(margin + moved - Z_95 * error), expit(margin + moved + Z_95 * error)

    def to_dict(self) -> dict[str, float]:
        """Give plain values."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RiskBand:
        """Read what `to_dict` gave."""
        try:
            return cls(**{str(name): number(value) for name, value in values.items()})
        except (TypeError, ValueError) as error:
            raise ModelFileError("model file: band.json breaks its rules") from error


def _margin(risk: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(logit(np.clip(risk, _SMALLEST, 1 - _SMALLEST)))


def _line(design: np.ndarray[Any, Any], event: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """Newton steps of a logistic regression; None where the margins do not vary or part the outcomes."""
    if design[:, 1].std() < _SMALLEST:
        return None
    weights = np.array([float(logit(event.mean())), 1.0])  # slope 1: calibrated
    for _ in range(50):
        told = expit(product(design, weights))
        curvature = product(design.T, design * (told * (1 - told))[:, None])
        # margins that part the outcomes: the slope runs away, and the curvature vanishes
        if np.linalg.cond(curvature) > 1e12:
            return None
        step = solve_two(curvature, product(design.T, event - told))
        weights = weights + np.clip(step, -1, 1)  # full steps of Newton can overshoot far from the end
        if np.abs(step).max() < 1e-10:
            return np.asarray(weights)
    return None
