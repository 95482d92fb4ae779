"""How sure a told risk is: what the forward test says of accounts that were told as much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from csrisk._pipeline._strict_json import number
from csrisk._products import product, solve_two
from csrisk.exceptions import ModelFileError

__all__ = ["RiskBand"]

_Z = 1.959963984540054  # two-sided 95 %
_LEAST = 10
_SMALLEST = 1e-6


@dataclass(frozen=True)
class RiskBand:
    """Line of what came on what was told, in log-odds, with its uncertainty.

    Parameters
    ----------
    intercept, slope : float
        Logistic regression of the outcomes of the forward test on the log-odds told.
    center : float
        Mean log-odds told; the line is written around it.
    variance, covariance, slope_variance : float
        Of intercept and slope, clustered by account.
    """

    intercept: float
    slope: float
    center: float
    variance: float
    covariance: float
    slope_variance: float

    @classmethod
    def fit(cls, outcome: pd.Series, risk: pd.Series) -> RiskBand | None:
        """Learn from a forward test.

        Parameters
        ----------
        outcome : pandas.Series
            0 or 1, on (account_id, as_of).
        risk : pandas.Series
            Probabilities on the same index.

        Returns
        -------
        RiskBand or None
            None where fewer than ten accounts churned, or stayed: an interval would be a guess.
        """
        event = outcome.to_numpy(dtype=np.float64)
        account = pd.factorize(outcome.index.get_level_values("account_id"))[0]
        if min(len(np.unique(account[event == side])) for side in (0.0, 1.0)) < _LEAST:
            return None
        margin = _margin(risk.to_numpy(dtype=np.float64))
        center = float(margin.mean())
        design = np.column_stack([np.ones(len(margin)), margin - center])
        weights = _line(design, event)
        if weights is None:
            return None
        told = expit(product(design, weights))
        bread = solve_two(product(design.T, design * (told * (1 - told))[:, None]), np.eye(2))
        scores = np.column_stack([np.bincount(account, weights=(event - told) * column) for column in design.T])
        n_accounts = len(scores)
        spread = product(product(bread, product(scores.T, scores)), bread) * n_accounts / (n_accounts - 1)
        figures = (*weights, center, spread[0, 0], spread[0, 1], spread[1, 1])
        return cls(*map(float, figures))

    def bounds(self, risk: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Give the 95 % interval around told risks.

        Parameters
        ----------
        risk : ndarray
            Probabilities.

        Returns
        -------
        tuple of ndarray
            Low and high: of the share that churned among accounts of the forward test that were told as much. Where
            the risk itself lies outside, the forward test contradicts the model; it is not stretched to hide that.
        """
        away = _margin(risk) - self.center
        middle = self.intercept + self.slope * away
        half = _Z * np.sqrt(np.maximum(self.variance + 2 * away * self.covariance + away**2 * self.slope_variance, 0.0))
        return expit(middle - half), expit(middle + half)

    def to_dict(self) -> dict[str, float]:
        """Give plain values.

        Returns
        -------
        dict
        """
        return dict(vars(self))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RiskBand:
        """Read what `to_dict` gave.

        Parameters
        ----------
        values : dict
            Plain values.

        Returns
        -------
        RiskBand

        Raises
        ------
        ModelFileError
            If they are something else.
        """
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
    weights = np.array([float(logit(event.mean())), 1.0])
    for _ in range(50):
        told = expit(product(design, weights))
        curvature = product(design.T, design * (told * (1 - told))[:, None])
        if np.linalg.cond(curvature) > 1e12:
            return None
        step = solve_two(curvature, product(design.T, event - told))
        weights = weights + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-10:
            return np.asarray(weights)
    return None
