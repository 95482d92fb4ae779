"""How good are survival curves where some accounts are not seen to the end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from csrisk._machine import product
from csrisk._params import check_resamples
from csrisk.evaluation._measuring._bootstrap import interval, resampled
from csrisk.evaluation._measuring._metrics import ranking_metrics
from csrisk.evaluation._measuring._rows import codes_of, in_order
from csrisk.models._rows import align, first_index, floats, index_accounts, read_times

__all__ = ["evaluate_survival"]


def evaluate_survival(
    y: pd.DataFrame,
    survival: pd.DataFrame,
    groups: Any = None,
    *,
    n_bootstrap: int = 200,
    random_state: int = 0,
) -> pd.DataFrame:
    """Measure survival curves at each of their days.

    Parameters
    ----------
    y : DataFrame
        Columns ``duration`` and ``event``, as `label_time_to_churn` gives them; rows with a missing value are left out.
    survival : DataFrame
        Probability of staying beyond each number of days (columns), on the index of `y`.
    groups : array-like, optional
        Account of each row; default is the index level ``account_id`` of `y`, else each row is its own.
    n_bootstrap : int, default 200
        Resamples of accounts behind the intervals.
    random_state : int, default 0
        Seed of the resamples.

    Returns
    -------
    DataFrame
        Index (days, metric), columns ``estimate``, ``low``, ``high``; metrics auc, brier, mean_risk and event_rate.

    Raises
    ------
    ValueError
        If the indexes differ, or nobody is seen beyond one of the days.

    Notes
    -----
    Rows censored before a day weigh nothing there, the others the inverse probability of not being censored, from a
    Kaplan-Meier curve of the censoring: Graf et al. (1999) for the Brier score, Uno et al. (2007) for the AUC, in which
    accounts that churned by the day are held against those that stayed beyond it.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.evaluation import evaluate_survival
    >>> y = pd.DataFrame({"duration": [10, 40, 50], "event": [True, False, False]})
    >>> survival = pd.DataFrame({30: [0.5, 0.9, 0.7]})
    >>> evaluate_survival(y, survival)["estimate"].round(4).to_dict()[(30, "brier")]
    0.1167
    """
    check_resamples(n_bootstrap, random_state)
    index = first_index(survival, y)
    survival = survival if isinstance(survival, pd.DataFrame) else pd.DataFrame(survival)
    known, duration, event = read_times(y, index, "survival", reorder=True)
    if len(y) != len(survival):
        raise ValueError(f"survival has {len(survival)} rows, y has {len(y)}; give one for each row")
    owners = index_accounts(index) if groups is None else align(groups, index, "groups", "survival")
    curves = {days: _chances(survival[days], days)[known] for days in survival.columns}
    codes = None if owners is None else codes_of(owners, len(y))[known]
    rows = in_order(event.astype(np.float64), codes, {"duration": duration, **curves})
    duration, event, codes = rows["duration"], rows.target > 0, rows.codes
    tables = {}
    for days in survival.columns:
        tables[days] = _at(float(days), duration, event, 1 - rows[days], codes, n_bootstrap, random_state)
    return pd.concat(tables, names=["days", "metric"])


def _chances(values: pd.Series, days: Any) -> np.ndarray:
    found = floats(values, f"survival[{days!r}]")
    wrong = int((~((found >= 0) & (found <= 1))).sum())
    if wrong:
        raise ValueError(f"survival[{days!r}]: {wrong} of {len(found)} are missing or outside of [0, 1]")
    return found


def _at(
    days: float,
    duration: np.ndarray,
    event: np.ndarray,
    risk: np.ndarray,
    codes: np.ndarray,
    n_bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    # who is censored before the day is neither, and weighs nothing
    churned, stayed = event & (duration <= days), duration > days
    if not stayed.any():
        raise ValueError(f"days={days:g}: no row is seen beyond it; the longest duration is {duration.max():g}")
    # churn is seen if nothing was censored before it, staying if nothing was up to the day itself
    seen = np.where(
        churned,
        censoring_survival(duration, event, duration, before=True),
        censoring_survival(duration, event, np.full(len(duration), days), before=False),
    )
    inverse = np.where(churned | stayed, 1 / np.maximum(seen, 1e-12), 0.0)
    target = churned.astype(np.float64)

    def metrics(weights: np.ndarray) -> dict[str, np.ndarray]:
        # Brier divides by all rows (Graf et al. 1999), the rate by the weights, so that it stays a share
        weighted, total = weights * inverse, weights.sum(axis=1)
        with np.errstate(invalid="ignore"):
            event_rate = product(weighted, target) / weighted.sum(axis=1)
        return {
            "auc": ranking_metrics(weighted, target, risk, 0.1)["auc"],
            "brier": product(weighted, (risk - target) ** 2) / total,
            "mean_risk": product(weights, risk) / total,
            "event_rate": event_rate,
        }

    estimate, drawn = resampled(metrics, codes, n_bootstrap, seed)
    return pd.DataFrame({"estimate": estimate}).join(interval(drawn))


def censoring_survival(duration: np.ndarray, event: np.ndarray, at: np.ndarray, *, before: bool) -> np.ndarray:
    """Probability of not being censored by a time, or just before it."""
    times = np.unique(duration[~event])
    # censored at a time are still at risk there; churn of the same day is taken off below, it comes first
    at_risk = len(duration) - np.searchsorted(np.sort(duration), times, side="left")
    churned_then = np.searchsorted(np.sort(duration[event]), times, side="right") - np.searchsorted(
        np.sort(duration[event]), times, side="left"
    )
    ends = np.sort(duration[~event])
    censored = np.searchsorted(ends, times, side="right") - np.searchsorted(ends, times, side="left")
    # 1 before the first censoring
    curve = np.r_[1.0, np.cumprod(1 - censored / np.maximum(at_risk - churned_then, 1))]
    # left: censoring at the time itself is not counted yet
    return np.asarray(curve[np.searchsorted(times, at, side="left" if before else "right")])
