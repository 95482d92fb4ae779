"""From margins to probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

if TYPE_CHECKING:
    from csrisk.models._canonical import Sample

__all__ = ["fit_sigmoid", "sigmoid_loss"]

_MIN_SLOPE = 0.01


def fit_sigmoid(margin: np.ndarray, target: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Fit slope and intercept of a logistic regression of the outcome on margins.

    Parameters
    ----------
    margin, target, weight : ndarray
        Margins of rows that the members have not seen, outcomes 0 or 1, weights.

    Returns
    -------
    tuple of float
        Slope and intercept. A slope below 0.01 (margins that tell nothing, or worse) becomes 0.01, so that the
        probability always rises with the margin.

    Notes
    -----
    Targets are smoothed to ``(n1 + 1) / (n1 + 2)`` and ``1 / (n0 + 2)``, which keeps the slope finite where the classes
    are separated; Newton steps with halving. Source: Platt (1999) and Lin, Lin and Weng (2007).
    """
    positive = float(weight[target == 1].sum())
    negative = float(weight[target == 0].sum())
    smooth = np.where(target == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    center = float(np.average(margin, weights=weight))
    theta = np.array([1.0, center])
    centred = margin - center
    loss = _loss(theta, centred, smooth, weight)
    for _ in range(100):
        step = _newton_step(theta, centred, smooth, weight)
        size = 1.0
        while size > 1e-10 and _loss(theta + size * step, centred, smooth, weight) > loss:
            size /= 2
        theta = theta + size * step
        before, loss = loss, _loss(theta + 0.0, centred, smooth, weight)
        if before - loss <= 1e-12 * max(1.0, abs(before)):
            break
    if theta[0] < _MIN_SLOPE:
        theta = _intercept_alone(smooth, weight)
    return float(theta[0]), float(theta[1] - theta[0] * center)


def sigmoid_loss(line: tuple[float, float], margin: np.ndarray, sample: Sample) -> float:
    """Sum the log-loss of calibrated margins.

    Parameters
    ----------
    line : tuple of float
        Slope and intercept.
    margin : ndarray
        Margins.
    sample : Sample
        Rows of these margins.

    Returns
    -------
    float
    """
    return _loss(np.asarray(line), margin, sample.target, sample.weight)


def _intercept_alone(smooth: np.ndarray, weight: np.ndarray) -> np.ndarray:
    rate = float(np.average(smooth, weights=weight))
    return np.array([_MIN_SLOPE, np.log(rate / (1 - rate))])


def _loss(theta: np.ndarray, margin: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    score = theta[0] * margin + theta[1]
    return float(np.sum(weight * (np.logaddexp(0.0, score) - target * score)))


def _newton_step(theta: np.ndarray, margin: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    probability = expit(theta[0] * margin + theta[1])
    error = weight * (probability - target)
    curvature = weight * probability * (1 - probability)
    gradient = np.array([error @ margin, error.sum()])
    cross = float(curvature @ margin)
    # the ridge is there for constant margins, whose slope nothing can tell
    hessian = np.array([[curvature @ margin**2 + 1e-9, cross], [cross, curvature.sum() + 1e-9]])
    return np.asarray(-np.linalg.solve(hessian, gradient))
