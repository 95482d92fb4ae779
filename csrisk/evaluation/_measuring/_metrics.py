"""Metrics of weighted rows, for many weightings at once: the arithmetic behind every interval."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import expit, logit

from csrisk._machine import product
from csrisk._text import number

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "BASE_RATE",
    "METRICS",
    "Metric",
    "Weighted",
    "calibration_lines",
    "measured",
    "metric_of",
    "missing",
    "ranking_metrics",
]

BASE_RATE = "base_rate"  # the score that gives every account the share of events in the training
# keeps log-odds of told risks of 0 and 1 finite: one wrong such risk costs 34.5 of log loss, not infinity
_SMALLEST = 1e-15
_STEPS = 30
_WIDEST = 100.0


@dataclass(frozen=True, eq=False)
class Weighted:
    """Rows under many weightings at once; what several metrics need is computed when the first one asks."""

    # weights of shape (b, n), target 0 or 1 and score of shape (n,): higher is more at risk
    weights: np.ndarray
    target: np.ndarray
    score: np.ndarray
    capacity: float

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Weighted means of values of shape (n,) or (n, k): one for each resample."""
        total = self.weights.sum(axis=1)
        return np.asarray(product(self.weights, values) / (total if values.ndim == 1 else total[:, None]))

    @cached_property
    def ranks(self) -> tuple[np.ndarray, ...]:
        """Events and rows of each distinct score, highest first, and their sums from the top."""
        # sorted once for all resamples, which weigh the rows anew
        order = np.argsort(-self.score, kind="stable")
        ranked = self.score[order]
        # rows of one score are one step of the ranking: their order among themselves is chance
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        sorted_weights = self.weights[:, order]
        events = np.add.reduceat(sorted_weights * self.target[order], starts, axis=1)
        rows = np.add.reduceat(sorted_weights, starts, axis=1)
        return events, rows, events.cumsum(axis=1), rows.cumsum(axis=1)

    @cached_property
    def one_class(self) -> np.ndarray:
        """Whether a resample holds one class alone, so that nothing can be ranked."""
        _, _, events_above, rows_above = self.ranks
        return np.asarray((events_above[:, -1] <= 0) | (events_above[:, -1] >= rows_above[:, -1]))

    @cached_property
    def capture(self) -> np.ndarray:
        """Share of the events within the capacity; ties share what is left of it."""
        _, _, events_above, rows_above = self.ranks
        return np.asarray(_captured(events_above, rows_above, self.capacity) / events_above[:, -1])

    @cached_property
    def losses(self) -> np.ndarray:
        """Log loss, Brier score and mean risk, one column each."""
        inside, target = np.clip(self.score, _SMALLEST, 1 - _SMALLEST), self.target
        # log1p: 1 - inside would lose the digits of a risk that is nearly 0
        log_loss = -(target * np.log(inside) + (1 - target) * np.log1p(-inside))
        # Brier takes the score as told: a square needs no clipping
        return self.mean(np.column_stack([log_loss, (self.score - target) ** 2, self.score]))

    @cached_property
    def calibration(self) -> tuple[np.ndarray, np.ndarray]:
        """Slope and intercept."""
        inside = np.clip(self.score, _SMALLEST, 1 - _SMALLEST)
        return calibration_lines(self.weights, self.target, logit(inside))


@dataclass(frozen=True)
class Metric:
    """One metric: all that evaluation, backtests, reports and documentation say of it."""

    # {capacity} in name, label and meaning stands for percent
    name: str
    label: str
    meaning: str
    # 1: more is better, -1: less is, 0: neither
    direction: Literal[-1, 0, 1]
    # None for what is counted and not measured
    formula: Callable[[Weighted], np.ndarray] | None = None
    needs: Literal["ranks", "probability", "outcomes"] = "ranks"


def _auc(rows: Weighted) -> np.ndarray:
    """Pairs of an event and another row that are ranked right; ties count half."""
    events, all_rows, events_above, rows_above = rows.ranks
    wins = ((all_rows - events) * (events_above - events / 2)).sum(axis=1)
    return np.asarray(wins / (events_above[:, -1] * (rows_above[:, -1] - events_above[:, -1])))


def _average_precision(rows: Weighted) -> np.ndarray:
    events, _, events_above, rows_above = rows.ranks
    # 0 / 0 at the top, where a resample holds no row of the first scores
    precision = np.where(rows_above > 0, events_above / rows_above, 0.0)
    return np.asarray((events * precision).sum(axis=1) / events_above[:, -1])


METRICS: tuple[Metric, ...] = (
    Metric("auc", "AUC", "Chance that a churner is ranked above a stayer; 0.5 is a coin, 1 is perfect.", 1, _auc),
    Metric(
        "average_precision",
        "Average precision",
        "Precision averaged over the ranking; the base rate is the floor.",
        1,
        _average_precision,
    ),
    Metric(
        "lift_at_{capacity}",
        "Lift at {capacity} %",
        "Churn among the riskiest {capacity} %, over that of all.",
        1,
        lambda rows: rows.capture / rows.capacity,
    ),
    Metric(
        "capture_at_{capacity}",
        "Capture at {capacity} %",
        "Share of all churners found among the riskiest {capacity} %.",
        1,
        lambda rows: rows.capture,
    ),
    Metric(
        "log_loss",
        "Log loss",
        "Penalty for confident mistakes; lower is better.",
        -1,
        lambda rows: rows.losses[:, 0],
        "probability",
    ),
    Metric(
        "brier",
        "Brier score",
        "Mean squared error of the probability; lower is better.",
        -1,
        lambda rows: rows.losses[:, 1],
        "probability",
    ),
    Metric(
        "calibration_slope",
        "Calibration slope",
        "1 is right; below 1 the probabilities are too extreme.",
        0,
        lambda rows: rows.calibration[0],
        "probability",
    ),
    Metric(
        "calibration_intercept",
        "Calibration intercept",
        "0 is right; below 0 churn was overestimated.",
        0,
        lambda rows: rows.calibration[1],
        "probability",
    ),
    Metric(
        "mean_risk",
        "Mean risk",
        "Mean of the forecast probabilities.",
        0,
        lambda rows: rows.losses[:, 2],
        "probability",
    ),
    Metric("event_rate", "Event rate", "Share that really left.", 0, lambda rows: rows.mean(rows.target), "outcomes"),
    Metric("n_snapshots", "Snapshots", "Rows that were scored.", 0),
    Metric("n_accounts", "Accounts", "Customers behind these rows.", 0),
    Metric("n_events", "Churn events", "Rows that turned out to be churn.", 0),
)


def measured(rows: Weighted, *needs: str) -> dict[str, np.ndarray]:
    """Compute the metrics of some kinds."""
    found = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        # resamples of one class divide by 0; they become NaN, which percentiles leave out
        for metric in METRICS:
            if metric.formula is not None and metric.needs in needs:
                values = metric.formula(rows)
                found[_named(metric.name, rows.capacity)] = (
                    np.where(rows.one_class, np.nan, values) if metric.needs == "ranks" else values
                )
    return found


def missing(rows: Weighted) -> dict[str, np.ndarray]:
    """NaN for each metric that needs probabilities, of scores that are none."""
    names = (metric.name for metric in METRICS if metric.needs == "probability")
    return {_named(name, rows.capacity): np.full(len(rows.weights), np.nan) for name in names}


def ranking_metrics(
    weights: np.ndarray, target: np.ndarray, score: np.ndarray, capacity: float
) -> dict[str, np.ndarray]:
    """Compute the metrics that depend on ranks alone; parameters as of `Weighted`."""
    return measured(Weighted(weights, target, score, capacity), "ranks")


def metric_of(name: str) -> Metric | None:
    """Look up what a row of a table of metrics says, its capacity written in."""
    for metric in METRICS:
        # the form of :g, which _named writes: 10, 2.5 or 1e-05
        pattern = re.escape(metric.name).replace(re.escape("{capacity}"), r"([0-9.e+-]+)")
        if found := re.fullmatch(pattern, name):
            capacity = "".join(found.groups())
            label, meaning = metric.label.format(capacity=capacity), metric.meaning.format(capacity=capacity)
            return replace(metric, name=name, label=label, meaning=meaning)
    return None


def _named(name: str, capacity: float) -> str:
    return name.format(capacity=number(100 * capacity))


def _captured(events_above: np.ndarray, rows_above: np.ndarray, capacity: float) -> np.ndarray:
    room = capacity * rows_above[:, -1]
    # room and sums are rounded: a capacity that ends at a step must not reach into the next one
    place = np.minimum((rows_above < room[:, None] * (1 - 1e-12)).sum(axis=1), rows_above.shape[1] - 1)
    each = np.arange(len(room))
    # index -1 would be the last step
    before = np.maximum(place - 1, 0)
    rows_before = np.where(place > 0, rows_above[each, before], 0.0)
    events_before = np.where(place > 0, events_above[each, before], 0.0)
    rows_here = rows_above[each, place] - rows_before
    # a tie at the capacity gives the share of its events that is expected of a draw from it
    share = np.where(rows_here > 0, (room - rows_before) / rows_here, 0.0)
    return np.asarray(events_before + share * (events_above[each, place] - events_before))


def calibration_lines(weights: np.ndarray, target: np.ndarray, margin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Calibration slope and calibration in the large."""
    if np.ptp(margin) == 0:  # the steps of Newton would lead nowhere, a hundred times for each resample
        return np.full(len(weights), np.nan), _newton(weights, target, margin, free=False)[1]
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
        # where told risks are sure and wrong the curvature is nearly 0, and a full step would overshoot by far
        return np.zeros(len(weights)), np.clip(error.sum(axis=1) / second, -2.0, 2.0)
    # two by two by hand, for all resamples at once
    cross, first = product(curvature, margin), product(curvature, margin**2)
    at_slope, at_intercept = product(error, margin), error.sum(axis=1)
    determinant = first * second - cross**2
    by_slope = (second * at_slope - cross * at_intercept) / determinant
    by_intercept = (first * at_intercept - cross * at_slope) / determinant
    return np.clip(by_slope, -1.0, 1.0), np.clip(by_intercept, -2.0, 2.0)
