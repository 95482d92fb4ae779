"""Metrics of weighted rows, for many weightings at once: the arithmetic behind every interval."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from csrisk._products import product

__all__ = ["PROBABILITY_METRICS", "calibration_lines", "probability_metrics", "ranking_metrics"]

PROBABILITY_METRICS = ("log_loss", "brier", "calibration_slope", "calibration_intercept", "mean_risk")
_SMALLEST = 1e-15
_STEPS = 30
_WIDEST = 100.0


def ranking_metrics(
    weights: np.ndarray, target: np.ndarray, score: np.ndarray, capacity: float
) -> dict[str, np.ndarray]:
    """AUC, average precision, and lift and capture at a capacity.

    Parameters
    ----------
    weights : ndarray of shape (b, n)
        One weighting of the rows for each resample.
    target : ndarray of shape (n,)
        0 or 1.
    score : ndarray of shape (n,)
        Higher is more at risk. Ties count half in the AUC; at the capacity, they share what is left of it.
    capacity : float
        Share of the rows that can be looked after.

    Returns
    -------
    dict of str to ndarray of shape (b,)
        NaN where a resample holds one class alone.
    """
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    sorted_weights = weights[:, order]
    events = np.add.reduceat(sorted_weights * target[order], starts, axis=1)
    rows = np.add.reduceat(sorted_weights, starts, axis=1)
    events_above, rows_above = events.cumsum(axis=1), rows.cumsum(axis=1)
    n_events, n_rows = events_above[:, -1], rows_above[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        wins = ((rows - events) * (events_above - events / 2)).sum(axis=1)
        auc = wins / (n_events * (n_rows - n_events))
        precision = np.where(rows_above > 0, events_above / rows_above, 0.0)
        average_precision = (events * precision).sum(axis=1) / n_events
        capture = _captured(events_above, rows_above, capacity) / n_events
    one_class = (n_events <= 0) | (n_events >= n_rows)
    percent = f"{100 * capacity:g}"
    found = {
        "auc": auc,
        "average_precision": average_precision,
        f"lift_at_{percent}": capture / capacity,
        f"capture_at_{percent}": capture,
    }
    return {name: np.where(one_class, np.nan, values) for name, values in found.items()}


def _captured(events_above: np.ndarray, rows_above: np.ndarray, capacity: float) -> np.ndarray:
    room = capacity * rows_above[:, -1]
    place = np.minimum((rows_above < room[:, None] * (1 - 1e-12)).sum(axis=1), rows_above.shape[1] - 1)
    each = np.arange(len(room))
    before = np.maximum(place - 1, 0)
    rows_before = np.where(place > 0, rows_above[each, before], 0.0)
    events_before = np.where(place > 0, events_above[each, before], 0.0)
    rows_here = rows_above[each, place] - rows_before
    share = np.where(rows_here > 0, (room - rows_before) / rows_here, 0.0)
    return np.asarray(events_before + share * (events_above[each, place] - events_before))


def probability_metrics(weights: np.ndarray, target: np.ndarray, risk: np.ndarray) -> dict[str, np.ndarray]:
    """Log-loss, Brier score, calibration slope and intercept, and the mean risk.

    Parameters
    ----------
    weights : ndarray of shape (b, n)
        One weighting of the rows for each resample.
    target : ndarray of shape (n,)
        0 or 1.
    risk : ndarray of shape (n,)
        Probabilities.

    Returns
    -------
    dict of str to ndarray of shape (b,)
    """
    inside = np.clip(risk, _SMALLEST, 1 - _SMALLEST)
    losses = np.column_stack(
        [-(target * np.log(inside) + (1 - target) * np.log1p(-inside)), (risk - target) ** 2, risk]
    )
    means = product(weights, losses) / weights.sum(axis=1, keepdims=True)
    slope, intercept = calibration_lines(weights, target, logit(inside))
    return dict(zip(PROBABILITY_METRICS, (means[:, 0], means[:, 1], slope, intercept, means[:, 2]), strict=True))


def calibration_lines(weights: np.ndarray, target: np.ndarray, margin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Calibration slope and calibration in the large.

    Parameters
    ----------
    weights : ndarray of shape (b, n)
        One weighting of the rows for each resample.
    target : ndarray of shape (n,)
        0 or 1.
    margin : ndarray of shape (n,)
        Log-odds of the risk.

    Returns
    -------
    tuple of ndarray of shape (b,)
        Slope of a logistic regression of the outcome on the margin, and intercept of one with the slope held at 1
        (Van Calster et al. 2019). NaN where the outcome is one class or separated by the margin.
    """
    return _newton(weights, target, margin, free=True)[0], _newton(weights, target, margin, free=False)[1]


def _newton(
    weights: np.ndarray, target: np.ndarray, margin: np.ndarray, *, free: bool
) -> tuple[np.ndarray, np.ndarray]:
    slope, intercept = np.ones(len(weights)), np.zeros(len(weights))
    if len(weights) > 1:
        # resamples end close to the rows as they are, so two or three steps from there are enough
        near = _newton(np.ones((1, len(target))), target, margin, free=free)
        slope, intercept = slope * np.nan_to_num(near[0], nan=1.0), intercept + np.nan_to_num(near[1])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for _ in range(_STEPS):
            by_slope, by_intercept = _step(weights, target, margin, slope, intercept, free=free)
            slope, intercept = slope + by_slope, intercept + by_intercept
            # steps square their error, so what is left after this one is below 1e-10
            if np.nanmax(np.abs([by_slope, by_intercept]), initial=0.0) < 1e-5:
                break
    lost = ~(np.isfinite(slope) & np.isfinite(intercept)) | (np.abs(slope) > _WIDEST) | (np.abs(intercept) > _WIDEST)
    return np.where(lost, np.nan, slope), np.where(lost, np.nan, intercept)


def _step(
    weights: np.ndarray,
    target: np.ndarray,
    margin: np.ndarray,
    slope: np.ndarray,
    intercept: np.ndarray,
    *,
    free: bool,
) -> tuple[np.ndarray, np.ndarray]:
    probability = expit(slope[:, None] * margin + intercept[:, None])
    error = weights * (target - probability)
    curvature = weights * probability * (1 - probability)
    second = curvature.sum(axis=1)
    if not free:
        return np.zeros(len(weights)), np.clip(error.sum(axis=1) / second, -2.0, 2.0)
    cross, first = product(curvature, margin), product(curvature, margin**2)
    at_slope, at_intercept = product(error, margin), error.sum(axis=1)
    determinant = first * second - cross**2
    by_slope = (second * at_slope - cross * at_intercept) / determinant
    by_intercept = (first * at_intercept - cross * at_slope) / determinant
    return np.clip(by_slope, -1.0, 1.0), np.clip(by_intercept, -2.0, 2.0)
