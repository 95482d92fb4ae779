"""Tables behind the curves: calibration by level of risk, events found by capacity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from csrisk._machine import product
from csrisk._params import check_resamples, check_whole
from csrisk._wilson import Z_95, share_interval
from csrisk.evaluation._measuring._bootstrap import interval, resampled
from csrisk.evaluation._measuring._rows import read_rows
from csrisk.models._rows import floats

__all__ = ["calibration_curve", "capacity_curve"]

_MOST_BINS = 1_000  # each takes a column of the rows; no picture shows more


def calibration_curve(
    y: Any,
    risk: Any,
    groups: Any = None,
    *,
    n_bins: int = 10,
    n_bootstrap: int = 200,
    random_state: int = 0,
) -> pd.DataFrame:
    """Compare the risk that was told with the share of events that came, by level of risk.

    Parameters
    ----------
    y : array-like of bool or 0 and 1
        Outcomes; missing ones are left out.
    risk : array-like
        Probabilities.
    groups : array-like, optional
        Account of each row; default is the index level ``account_id`` of `y`, else each row is its own.
    n_bins : int, default 10
        Levels of about as many snapshots each; equal risks stay together, so there may be fewer.
    n_bootstrap : int, default 200
        Resamples of accounts behind the intervals.
    random_state : int, default 0
        Seed of the resamples.

    Returns
    -------
    DataFrame
        Index ``level`` (1 is the lowest risk), columns ``mean_risk``, ``event_rate``, ``low``, ``high`` (95 %
        percentile interval of the event rate; of a level without events, or with nothing else, the interval of
        Wilson 1927 over its accounts), ``n_snapshots``, ``n_events``.

    Raises
    ------
    ValueError
        If lengths or indexes differ, a risk is missing or outside of [0, 1], or n_bins is below 1.

    Examples
    --------
    >>> from csrisk.evaluation import calibration_curve
    >>> calibration_curve([0, 0, 0, 1, 1, 0, 1, 1], [0.1] * 4 + [0.8] * 4, n_bins=2)["event_rate"].tolist()
    [0.25, 0.75]
    """
    check_whole("n_bins", n_bins, 1, _MOST_BINS)
    check_resamples(n_bootstrap, random_state)
    rows = read_rows(y, groups, scores={"risk": risk}, probability=True)
    target, score, codes = rows.target, rows["risk"], rows.codes
    # the last row of each level by rank; edges that are risks keep equal risks on one side
    last = np.maximum(np.arange(1, n_bins) * len(score) // n_bins - 1, 0)
    edges = np.unique(np.sort(score)[last])
    level = np.unique(np.searchsorted(edges, score, side="left"), return_inverse=True)[1]
    # one column of 0 and 1 for each level: all rates of a resample are two products
    inside = np.eye(level.max() + 1)[level]

    def rates(weights: np.ndarray) -> dict[str, np.ndarray]:
        with np.errstate(invalid="ignore"):
            # a resample may hold no row of a level; percentiles leave its NaN out
            rate = product(weights, inside * target[:, None]) / product(weights, inside)
        return {str(number): rate[:, number] for number in range(rate.shape[1])}

    estimate, drawn = resampled(rates, codes, n_bootstrap, random_state)
    n_rows = inside.sum(axis=0)
    bounds = _of_few(interval(drawn), estimate.to_numpy(), inside, codes)
    return pd.DataFrame(
        {
            "mean_risk": (inside * score[:, None]).sum(axis=0) / n_rows,
            "event_rate": estimate.to_numpy(),
            "low": bounds["low"].to_numpy(),
            "high": bounds["high"].to_numpy(),
            "n_snapshots": n_rows.astype(int),
            "n_events": (inside * target[:, None]).sum(axis=0).astype(int),
        },
        index=pd.RangeIndex(1, len(n_rows) + 1, name="level"),
    )


def _of_few(bounds: pd.DataFrame, rate: np.ndarray, inside: np.ndarray, codes: np.ndarray) -> pd.DataFrame:
    """Put right where every resample says the same: of levels without any event, or with nothing else, by Wilson."""
    # accounts and not rows are what chance draws
    n_accounts = np.array([len(np.unique(codes[level > 0])) for level in inside.T])
    wilson = np.column_stack(share_interval(rate * n_accounts, n_accounts, Z_95))
    alike = ((rate == 0) | (rate == 1))[:, None]
    return pd.DataFrame(np.where(alike, wilson, bounds), index=bounds.index, columns=bounds.columns)


def capacity_curve(
    y: Any,
    scores: Any,
    groups: Any = None,
    *,
    capacities: Any = None,
    n_bootstrap: int = 200,
    random_state: int = 0,
) -> pd.DataFrame:
    """Events found when the snapshots with the highest scores are looked after, by how many that can be.

    Parameters
    ----------
    y, scores, groups
        As in `evaluate_scores`.
    capacities : array-like, optional
        Shares of the snapshots; default .05, .10, ... 1.
    n_bootstrap, random_state
        As in `evaluate_scores`.

    Returns
    -------
    DataFrame
        Index ``capacity``, columns ``capture`` (share of all events), ``low``, ``high``, and ``lift`` (capture over
        capacity).

    Raises
    ------
    ValueError
        If a capacity is not in (0, 1], or as in `evaluate_scores`.

    Examples
    --------
    >>> from csrisk.evaluation import capacity_curve
    >>> capacity_curve([1, 0, 1, 0], [4, 3, 2, 1], capacities=[0.25, 0.75])["capture"].tolist()
    [0.5, 1.0]
    """
    check_resamples(n_bootstrap, random_state)
    shares = (
        # rounded: .15000000000000002 would be a label of the index
        np.linspace(0.05, 1, 20).round(2) if capacities is None else np.atleast_1d(floats(capacities, "capacities"))
    )
    if not ((shares > 0) & (shares <= 1)).all():
        raise ValueError(f"capacities={shares.tolist()}: each must lie in (0, 1], a share of the snapshots")
    rows_read = read_rows(y, groups, scores={"scores": scores})
    target, score, codes = rows_read.target, rows_read["scores"], rows_read.codes
    order = np.argsort(-score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) != 0])

    def captures(weights: np.ndarray) -> dict[str, np.ndarray]:
        ranked = weights[:, order]
        events = np.add.reduceat(ranked * target[order], starts, axis=1).cumsum(axis=1)
        rows = np.add.reduceat(ranked, starts, axis=1).cumsum(axis=1)
        found = [_found(one, other, shares) for one, other in zip(rows, events, strict=True)]
        return {str(number): column for number, column in enumerate(np.asarray(found).T)}

    estimate, drawn = resampled(captures, codes, n_bootstrap, random_state)
    bounds = interval(drawn)
    capture = estimate.to_numpy()
    table = {"capture": capture, "low": bounds["low"].to_numpy(), "high": bounds["high"].to_numpy()}
    return pd.DataFrame(table | {"lift": capture / shares}, index=pd.Index(shares, name="capacity"))


def _found(rows: np.ndarray, events: np.ndarray, shares: np.ndarray) -> np.ndarray:
    if events[-1] == 0:
        return np.full(len(shares), np.nan)
    # between two scores a tie is shared evenly, as in the lift and capture of evaluate
    return np.asarray(np.interp(shares * rows[-1], np.r_[0.0, rows], np.r_[0.0, events]) / events[-1])
