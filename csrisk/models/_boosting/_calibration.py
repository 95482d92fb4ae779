"""From margins to probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from csrisk._machine import product, solve_two

if TYPE_CHECKING:
    from csrisk.models._rows._canonical import Sample

__all__ = ["calibrate_ensemble", "fit_sigmoid", "probed_rows", "sigmoid_loss", "spread_of_members"]

# margins that tell nothing, or worse, get this slope: the probability still rises with the margin
_MIN_SLOPE = 0.01
# however noisy the members are, the slope is doubled at most
_LEAST_KEPT = 0.5
# every member has to predict these rows, beside those of its fold
_PROBED_ROWS = 20_000


def fit_sigmoid(margin: np.ndarray, target: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Fit slope and intercept of a logistic regression of the outcome on margins.

    Targets are smoothed to ``(n1 + 1) / (n1 + 2)`` and ``1 / (n0 + 2)``, which keeps the slope finite where the classes
    are separated; Newton steps with halving. Source: Platt (1999) and Lin, Lin and Weng (2007).
    """
    positive = float(weight[target == 1].sum())
    negative = float(weight[target == 0].sum())
    smooth = np.where(target == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    center = float(np.average(margin, weights=weight))
    # the first guess: margins are log-odds as they stand
    theta = np.array([1.0, center])
    centred = margin - center
    loss = _loss(theta, centred, smooth, weight)
    for _ in range(100):
        step = _newton_step(theta, centred, smooth, weight)
        size = 1.0
        # a full Newton step may overshoot where classes are nearly separated
        while size > 1e-10 and _loss(theta + size * step, centred, smooth, weight) > loss:
            size /= 2
        theta = theta + size * step
        before, loss = loss, _loss(theta + 0.0, centred, smooth, weight)
        if before - loss <= 1e-12 * max(1.0, abs(before)):
            break
    # cutting the slope alone would leave an intercept that belongs to another slope
    if theta[0] < _MIN_SLOPE:
        theta = _intercept_alone(smooth, weight)
    return float(theta[0]), float(theta[1] - theta[0] * center)


def calibrate_ensemble(margins: np.ndarray, n_members: int, sample: Sample, noise: float = 0.0) -> tuple[float, float]:
    """Fit slope and intercept for the mean of all members, from margins that only some of them gave.

    A row is unseen by one member of each round, so its out-of-fold margin is noisier than the mean of all members will
    be, and a sigmoid fitted to it is too flat: the risks would be too timid. The slope is raised as in a regression on
    a noisy variable (MacMahon et al. 1990).
    """
    margin = margins.mean(axis=0)
    slope, intercept = fit_sigmoid(margin, sample.target, sample.weight)
    # a slope that was set and not fitted has nothing to be corrected
    if noise <= 0 or slope <= _MIN_SLOPE:
        return slope, intercept
    center = float(np.average(margin, weights=sample.weight))
    spread = float(np.average((margin - center) ** 2, weights=sample.weight))
    # the mean over rounds has noise / rounds, that of all members noise / members: the rest is what flattens
    kept = max(1 - noise * (1 / len(margins) - 1 / n_members) / spread, _LEAST_KEPT) if spread > 0 else 1.0
    # margins of the whole ensemble lie this much closer together
    likely = center + np.sqrt(kept) * (margin - center)
    slope /= kept
    return slope, _level(slope * likely, sample)


def probed_rows(n_rows: int) -> np.ndarray:
    """Choose the rows that tell how far members lie apart: 20,000 at most, evenly over all."""
    return np.unique(np.linspace(0, n_rows - 1, _PROBED_ROWS).astype(np.int64))


def spread_of_members(margins: np.ndarray, fold: np.ndarray, weight: np.ndarray) -> float:
    """Variance of an unseen row's margin between members, told by those that have seen it."""
    # the variance needs two members that have seen the row, beside the one that has not
    if margins.shape[1] < 3:
        return 0.0
    # the one member that has not seen a row lacks the pull of its outcome, so it is no yardstick for chance
    unseen = fold[:, None] == np.arange(margins.shape[1])
    others = np.where(unseen, np.nan, margins)
    between = float(np.average(np.nanvar(others, axis=1, ddof=1), weights=weight))
    # margins of seen rows lie further apart, and so does their noise
    seen = float(np.nanmean(others, axis=1).var())
    return between * min(1.0, float(margins[unseen].var()) / seen) if seen > 0 else 0.0


def _level(score: np.ndarray, sample: Sample) -> float:
    """Find the intercept with which the mean probability is the share of events."""
    rate = float(product(sample.weight, sample.target) / sample.weight.sum())
    low, high = -50.0, 50.0
    for _ in range(100):
        # the mean probability rises with the intercept, so halving cannot miss it; 100 halvings end in one float
        middle = (low + high) / 2
        below = float(product(sample.weight, expit(score + middle))) / sample.weight.sum() < rate
        low, high = (middle, high) if below else (low, middle)
    return (low + high) / 2


def sigmoid_loss(line: tuple[float, float], margin: np.ndarray, sample: Sample) -> float:
    """Sum the log-loss of calibrated margins."""
    return _loss(np.asarray(line), margin, sample.target, sample.weight)


def _intercept_alone(smooth: np.ndarray, weight: np.ndarray) -> np.ndarray:
    rate = float(np.average(smooth, weights=weight))
    # smoothed targets are never all 0 or all 1, so the logarithm is finite
    return np.array([_MIN_SLOPE, np.log(rate / (1 - rate))])


def _loss(theta: np.ndarray, margin: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    score = theta[0] * margin + theta[1]
    # logaddexp: log(1 + exp(score)) would overflow from a score of 710 on
    return float(np.sum(weight * (np.logaddexp(0.0, score) - target * score)))


def _newton_step(theta: np.ndarray, margin: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    probability = expit(theta[0] * margin + theta[1])
    # products and the 2 x 2 system go without BLAS and LAPACK, so that every processor gives the same bytes
    error = weight * (probability - target)
    curvature = weight * probability * (1 - probability)
    gradient = np.array([product(error, margin), error.sum()])
    cross = float(product(curvature, margin))
    # the ridge is there for constant margins, whose slope nothing can tell
    hessian = np.array([[product(curvature, margin**2) + 1e-9, cross], [cross, curvature.sum() + 1e-9]])
    return -solve_two(hessian, gradient)
