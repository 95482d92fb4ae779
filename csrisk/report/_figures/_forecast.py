"""Forecast totals of a book from the probabilities of its accounts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from csrisk._wilson import Z_95
from csrisk.evaluation._measuring import carried
from csrisk.report._content import Forecast

__all__ = ["Bias", "churn_forecast", "mrr_forecast", "read_bias"]

if TYPE_CHECKING:
    from collections.abc import Mapping

Floats = npt.NDArray[np.float64]
# convolution takes the square of the number of accounts
_EXACT_UP_TO = 20_000
_NORMAL = "normal approximation, chance alone"


def churn_forecast(probability: Floats, bias: Bias | None = None, *, level: float = 0.9) -> Forecast:
    """Forecast the number of accounts expected to churn, with the interval of a Poisson-binomial count.

    The exact distribution of a sum of independent, differently likely events is built by convolution
    (Hong 2013, "On computing the distribution function for the Poisson binomial distribution"); above
    20,000 accounts by the normal approximation.

    Parameters
    ----------
    probability : ndarray of shape (n,)
        Calibrated probabilities.
    bias : Bias, optional
        What the forward test found; the interval then holds the model's own error too, else chance alone.
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
    if bias is not None:
        return bias.around(probability, np.ones(len(probability)), level=level)
    expected = float(probability.sum())
    tail = (1 - level) / 2
    if len(probability) > _EXACT_UP_TO:
        spread = _normal_quantile(1 - tail) * float(np.sqrt((probability * (1 - probability)).sum()))
        low, high = max(0.0, expected - spread), min(float(len(probability)), expected + spread)
        # whole accounts, rounded outwards
        return Forecast(expected, float(np.floor(low)), float(np.ceil(high)), level, _NORMAL)
    cumulative = np.cumsum(_count_distribution(probability))
    # summed up rounding must not push an end to the next count
    low, high = (float(np.searchsorted(cumulative, q - 1e-12)) for q in (tail, 1 - tail))
    return Forecast(expected, low, min(high, float(len(probability))), level, "Poisson-binomial, chance alone")


def mrr_forecast(probability: Floats, mrr: Floats, bias: Bias | None = None, *, level: float = 0.9) -> Forecast:
    """Revenue expected to leave, with a normal approximation of its spread.

    Parameters
    ----------
    probability, mrr : ndarray of shape (n,)
        Calibrated probability and monthly recurring revenue by account; those of unknown revenue are left out.
    bias : Bias, optional
        As in `churn_forecast`.
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
    if bias is not None:
        return bias.around(probability, mrr, level=level)
    known = ~np.isnan(mrr)
    probability, mrr = probability[known], mrr[known]
    expected = float((probability * mrr).sum())
    spread = _normal_quantile(0.5 + level / 2) * float(np.sqrt((mrr**2 * probability * (1 - probability)).sum()))
    low, high = max(0.0, expected - spread), min(float(mrr.sum()), expected + spread)
    return Forecast(expected, low, high, level, _NORMAL)


@dataclass(frozen=True, slots=True)
class Bias:
    """How far the forward test found the log-odds of churn off, with its 95 % interval; 0 where totals were right."""

    shift: float
    low: float
    high: float

    @property
    def carried(self) -> tuple[float, float]:
        """Offset to be expected of the next book, and its standard error; at most a quarter of the shift."""
        # a 95 % interval is two quantiles of its error wide
        moved, error = carried(np.array(self.shift), np.array(((self.high - self.low) / (2 * Z_95)) ** 2))
        return float(moved), float(error)

    def total(self, probability: Floats, weight: Floats, *, level: float = 0.9) -> Forecast:
        """Total of a book with every probability moved by what is carried of the shift, with its error in the range."""
        return self._sum(probability, weight, *self.carried, level, "shift by the forward test, chance and its error")

    def around(self, probability: Floats, weight: Floats, *, level: float = 0.9) -> Forecast:
        """Total of the book as the model tells it; its range holds chance, and what is carried as an error."""
        # the total stays as the model tells it, so what would be moved is an error like the rest
        error = math.hypot(*self.carried)
        method = "normal approximation, chance and error of the forward test"
        return self._sum(probability, weight, 0.0, error, level, method)

    @staticmethod
    def _sum(probability: Floats, weight: Floats, moved: float, error: float, level: float, method: str) -> Forecast:
        known = ~np.isnan(weight)
        # log-odds of 0 and 1 are infinite
        probability, weight = np.clip(probability[known], 1e-9, 1 - 1e-9), weight[known]
        margin = np.log(probability / (1 - probability)) + moved
        low, middle, high = (1 / (1 + np.exp(-margin - step)) for step in (-error, 0.0, error))
        chance = float((weight**2 * middle * (1 - middle)).sum())
        # a shift moves all accounts together, so its spreads add up; chance is each one's own and adds up in squares
        spread = float(((high - low) * weight).sum()) / 2
        half = _normal_quantile(0.5 + level / 2) * math.hypot(math.sqrt(chance), spread)
        expected, most = float((middle * weight).sum()), float(weight.sum())
        return Forecast(expected, max(0.0, expected - half), min(most, expected + half), level, method)


def read_bias(evaluation: pd.DataFrame | Mapping[str, pd.DataFrame] | None) -> Bias | None:
    """Read the calibration intercept of the model off an evaluation; None where it has no interval."""
    # the first of several is the model
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
        # the right side is computed from the old mass before any of it is written
        mass[1 : done + 1] = mass[1 : done + 1] * (1 - p) + mass[:done] * p
        mass[0] *= 1 - p
    return mass


def _normal_quantile(share: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)
