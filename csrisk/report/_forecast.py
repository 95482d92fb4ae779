"""Forecast totals of a book from the probabilities of its accounts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from csrisk.report._content import Forecast

__all__ = ["Bias", "churn_forecast", "mrr_forecast", "read_bias"]

if TYPE_CHECKING:
    from collections.abc import Mapping

Floats = npt.NDArray[np.float64]
_EXACT_UP_TO = 20_000


def churn_forecast(probability: Floats, *, level: float = 0.9) -> Forecast:
    """Forecast the number of accounts expected to churn, with the interval of a Poisson-binomial count.

    The exact distribution of a sum of independent, differently likely events is built by convolution
    (Hong 2013, "On computing the distribution function for the Poisson binomial distribution"); above
    20,000 accounts by the normal approximation.

    Parameters
    ----------
    probability : ndarray of shape (n,)
        Calibrated probabilities.
    level : float, default 0.9
        Coverage of the interval.

    Returns
    -------
    Forecast

    Examples
    --------
    >>> import numpy as np
    >>> fair = churn_forecast(np.full(4, 0.5), level=0.5)
    >>> fair.expected, fair.low, fair.high
    (2.0, 1.0, 3.0)
    """
    expected = float(probability.sum())
    tail = (1 - level) / 2
    if len(probability) > _EXACT_UP_TO:
        spread = _normal_quantile(1 - tail) * float(np.sqrt((probability * (1 - probability)).sum()))
        low, high = max(0.0, expected - spread), min(float(len(probability)), expected + spread)
        return Forecast(expected, float(np.floor(low)), float(np.ceil(high)), level, "normal approximation")
    cumulative = np.cumsum(_count_distribution(probability))
    low, high = (float(np.searchsorted(cumulative, q - 1e-12)) for q in (tail, 1 - tail))
    return Forecast(expected, low, min(high, float(len(probability))), level, "Poisson-binomial")


def mrr_forecast(probability: Floats, mrr: Floats, *, level: float = 0.9) -> Forecast:
    """Revenue expected to leave, with a normal approximation of its spread.

    Parameters
    ----------
    probability, mrr : ndarray of shape (n,)
        Calibrated probability and monthly recurring revenue by account; those of unknown revenue are left out.
    level : float, default 0.9
        Coverage of the interval.

    Returns
    -------
    Forecast

    Examples
    --------
    >>> import numpy as np
    >>> mrr_forecast(np.array([0.5, 0.1]), np.array([100.0, 200.0])).expected
    70.0
    """
    known = ~np.isnan(mrr)
    probability, mrr = probability[known], mrr[known]
    expected = float((probability * mrr).sum())
    spread = _normal_quantile(0.5 + level / 2) * float(np.sqrt((mrr**2 * probability * (1 - probability)).sum()))
    low, high = max(0.0, expected - spread), min(float(mrr.sum()), expected + spread)
    return Forecast(expected, low, high, level, "normal approximation")


@dataclass(frozen=True, slots=True)
class Bias:
    """How far the forward test found the log-odds of churn off, with its 95 % interval; 0 where totals were right."""

    shift: float
    low: float
    high: float

    @property
    def beyond_chance(self) -> bool:
        """Whether the test shows that totals are off, or only that they may be."""
        return self.low > 0 or self.high < 0

    def total(self, probability: Floats, weight: Floats, *, level: float = 0.9) -> Forecast:
        """Total of a book with every probability moved by the shift; its range holds what is unknown of the shift too.

        Parameters
        ----------
        probability, weight : ndarray of shape (n,)
            Calibrated probability, and 1 or the revenue of each account; those of unknown revenue are left out.
        level : float, default 0.9
            Coverage of the range.

        Returns
        -------
        Forecast
        """
        known = ~np.isnan(weight)
        probability, weight = np.clip(probability[known], 1e-9, 1 - 1e-9), weight[known]
        margin = np.log(probability / (1 - probability))
        middle, *ends = (1 / (1 + np.exp(-margin - shift)) for shift in (self.shift, self.low, self.high))
        low, high = (float((end * weight).sum()) for end in ends)
        own = float((weight**2 * middle * (1 - middle)).sum())
        spread = _normal_quantile(0.5 + level / 2) * math.sqrt(
            own + ((high - low) / (2 * _normal_quantile(0.975))) ** 2
        )
        expected, most = float((middle * weight).sum()), float(weight.sum())
        return Forecast(
            expected, max(0.0, expected - spread), min(most, expected + spread), level, "shift by the forward test"
        )


def read_bias(evaluation: pd.DataFrame | Mapping[str, pd.DataFrame] | None) -> Bias | None:
    """Read the calibration intercept of the model off an evaluation; None where it has no interval."""
    table = evaluation if isinstance(evaluation, pd.DataFrame) else next(iter((evaluation or {}).values()), None)
    if table is None or "calibration_intercept" not in table.index:
        return None
    row = table.loc[["calibration_intercept"], ["estimate", "low", "high"]].to_numpy(np.float64)[0]
    shift, low, high = row.tolist()
    return Bias(shift, low, high) if math.isfinite(shift + low + high) else None


def _count_distribution(probability: Floats) -> Floats:
    mass = np.zeros(len(probability) + 1)
    mass[0] = 1.0
    for done, p in enumerate(probability, start=1):
        mass[1 : done + 1] = mass[1 : done + 1] * (1 - p) + mass[:done] * p
        mass[0] *= 1 - p
    return mass


def _normal_quantile(share: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)
