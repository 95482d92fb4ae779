"""How good are these risks: one table with intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from csrisk._evaluation._bootstrap import account_codes, interval, resampled
from csrisk._evaluation._metrics import PROBABILITY_METRICS, probability_metrics, ranking_metrics
from csrisk.models._sample import check_same_index

__all__ = ["compare", "evaluate", "evaluate_scores", "labelled_rows"]


def evaluate(
    model: Any,
    X: pd.DataFrame,
    y: Any,
    *,
    groups: Any = None,
    capacity: float = 0.1,
    n_bootstrap: int = 200,
    random_state: int = 0,
) -> pd.DataFrame:
    """Measure a fitted classifier on rows that it has not seen.

    Parameters
    ----------
    model : object
        Classifier with ``predict_proba`` and two ``classes_``; the second is the event.
    X : DataFrame
        Features.
    y : array-like
        Labels; rows without one are left out.
    groups : array-like, optional
        Account of each row; default is the index level ``account_id``, else each row is its own.
    capacity : float, default 0.1
        Share of the snapshots that can be looked after.
    n_bootstrap : int, default 200
        Resamples of accounts behind the intervals.
    random_state : int, default 0
        Seed of the resamples.

    Returns
    -------
    DataFrame
        Index ``metric``, columns ``estimate``, ``low``, ``high`` (95 % percentile interval): auc, average_precision,
        lift_at_10, capture_at_10, log_loss, brier, calibration_slope, calibration_intercept, mean_risk, event_rate, and
        the counts n_snapshots, n_accounts, n_events.

    Raises
    ------
    ValueError
        If y has another index than X, no row has a label, or the capacity is not between 0 and 1.

    See Also
    --------
    evaluate_scores : The same for scores without a model.
    compare : Paired interval of the difference of two scores.

    Notes
    -----
    The calibration slope is that of a logistic regression of the outcome on the log-odds, the calibration intercept
    that of one with the slope held at 1 (Van Calster et al., BMC Medicine 2019). Where the rows hold one class alone,
    metrics that need two are NaN.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> import csrisk as cr
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"days_since_use": rng.exponential(20, 600)})
    >>> y = pd.Series(rng.random(600) < 1 / (1 + np.exp(3 - X["days_since_use"] / 20)))
    >>> model = cr.ChurnModel(random_state=0).fit(X[:300], y[:300])
    >>> table = cr.evaluate(model, X[300:], y[300:])
    >>> bool(table.loc["auc", "low"] < table.loc["auc", "estimate"] < table.loc["auc", "high"])
    True
    >>> table.loc["n_snapshots", "estimate"]
    np.float64(300.0)
    """
    target, kept = labelled_rows(y, X, model.classes_[1])
    risk = model.predict_proba(X[kept] if isinstance(X, pd.DataFrame) else np.asarray(X)[kept])[:, 1]
    if groups is None and isinstance(X, pd.DataFrame) and "account_id" in X.index.names:
        groups = X.index.get_level_values("account_id")
    groups = None if groups is None else pd.Index(groups)[kept]
    return evaluate_scores(
        target,
        risk,
        groups,
        probability=True,
        capacity=capacity,
        n_bootstrap=n_bootstrap,
        random_state=random_state,
    )


def evaluate_scores(
    y: Any,
    scores: Any,
    groups: Any = None,
    *,
    probability: bool = False,
    capacity: float = 0.1,
    n_bootstrap: int = 200,
    random_state: int = 0,
) -> pd.DataFrame:
    """Measure scores, for example those of a baseline.

    Parameters
    ----------
    y : array-like of bool or 0 and 1
        Outcomes; missing ones are left out.
    scores : array-like
        Higher is more at risk.
    groups : array-like, optional
        Account of each row; default is the index level ``account_id`` of `y`, else each row is its own.
    probability : bool, default False
        The scores are probabilities; otherwise log-loss, Brier and calibration are NaN.
    capacity, n_bootstrap, random_state
        As in `evaluate`.

    Returns
    -------
    DataFrame
        As `evaluate`.

    Raises
    ------
    ValueError
        If lengths or indexes differ, a score is missing, or a probability lies outside of [0, 1].

    Examples
    --------
    >>> from csrisk.evaluation import evaluate_scores
    >>> evaluate_scores([0, 0, 1, 1], [1, 3, 2, 4]).loc["auc", "estimate"]
    np.float64(0.75)
    """
    if not 0 < capacity <= 1:
        raise ValueError(f"capacity={capacity}: must lie in (0, 1], the share of snapshots that can be looked after")
    target, score, codes = read_scores(y, scores, groups, probability=probability)

    def metrics(weights: np.ndarray) -> dict[str, np.ndarray]:
        found = ranking_metrics(weights, target, score, capacity)
        if probability:
            found |= probability_metrics(weights, target, score)
        else:
            found |= {name: np.full(len(weights), np.nan) for name in PROBABILITY_METRICS}
        return found | {"event_rate": weights @ target / weights.sum(axis=1)}

    estimate, drawn = resampled(metrics, codes, n_bootstrap, random_state)
    table = pd.DataFrame({"estimate": estimate}).join(interval(drawn))
    counts = {"n_snapshots": len(target), "n_accounts": len(np.unique(codes)), "n_events": int(target.sum())}
    counted = pd.DataFrame({"estimate": counts, "low": np.nan, "high": np.nan}, dtype=np.float64)
    return pd.concat([table, counted]).rename_axis("metric")


def compare(
    y: Any,
    first: Any,
    second: Any,
    groups: Any = None,
    *,
    probability: bool = False,
    capacity: float = 0.1,
    n_bootstrap: int = 200,
    random_state: int = 0,
) -> pd.DataFrame:
    """Compare two scores on the same rows, with the interval of their difference.

    Parameters
    ----------
    y, groups, probability, capacity, n_bootstrap, random_state
        As in `evaluate_scores`.
    first, second : array-like
        Scores of two models for the same rows.

    Returns
    -------
    DataFrame
        Index ``metric``, columns ``first``, ``second``, ``difference`` (first - second), ``low``, ``high``. Both are
        measured on the same resamples of accounts, so the interval is that of the difference and not of either.

    Raises
    ------
    ValueError
        As `evaluate_scores`.

    Examples
    --------
    >>> from csrisk.evaluation import compare
    >>> compare([0, 0, 1, 1], [1, 2, 3, 4], [1, 3, 2, 4]).loc["auc", "difference"]
    np.float64(0.25)
    """
    target, one, codes = read_scores(y, first, groups, probability=probability)
    other = read_scores(y, second, groups, probability=probability)[1]

    def metrics(score: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
        found = ranking_metrics(weights, target, score, capacity)
        return found | (probability_metrics(weights, target, score) if probability else {})

    estimate, drawn = resampled(lambda weights: metrics(one, weights), codes, n_bootstrap, random_state)
    against, also_drawn = resampled(lambda weights: metrics(other, weights), codes, n_bootstrap, random_state)
    table = pd.DataFrame({"first": estimate, "second": against, "difference": estimate - against})
    return table.join(interval(drawn - also_drawn)).rename_axis("metric")


def labelled_rows(y: Any, X: Any, event: Any) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes 0 or 1 of the rows with a label, and the mask of these rows.

    Parameters
    ----------
    y : array-like
        Labels.
    X : object
        Features, whose index y must share.
    event : object
        The label that is the event.

    Returns
    -------
    tuple of ndarray

    Raises
    ------
    ValueError
        If y has another index or length than X, or no row has a label.
    """
    check_same_index(y, X, "y")
    values = pd.Series(y).reset_index(drop=True)
    if len(values) != len(X):
        raise ValueError(f"y has {len(values)} values, X has {len(X)} rows; give one label for each row")
    kept = values.notna().to_numpy()
    if not kept.any():
        raise ValueError(f"y: none of {len(values)} rows has a label; take snapshots whose label window is over")
    return (values[kept].astype(object) == event).to_numpy().astype(np.float64), kept


def read_scores(y: Any, scores: Any, groups: Any, *, probability: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes, scores and account codes of the rows with a label.

    Parameters
    ----------
    y, scores, groups, probability
        As in `evaluate_scores`.

    Returns
    -------
    tuple of ndarray

    Raises
    ------
    ValueError
        As `evaluate_scores`.
    """
    if isinstance(y, pd.Series) and isinstance(scores, pd.Series) and not y.index.equals(scores.index):
        raise ValueError("y and scores have different indexes; align them first, as in scores.loc[y.index]")
    target, kept = labelled_rows(y, y, True)
    others = ~pd.Series(y).dropna().isin([0, 1])
    if others.any():
        raise ValueError(f"y: {int(others.sum())} values are neither 0 nor 1; say which class is the event")
    score = np.asarray(scores, dtype=np.float64)
    if score.shape != kept.shape:
        raise ValueError(f"scores has shape {score.shape}, y has {len(kept)} values; give one score for each row")
    if groups is None and isinstance(y, pd.Series) and "account_id" in y.index.names:
        groups = y.index.get_level_values("account_id")
    score = score[kept]
    wrong = ~np.isfinite(score) | (probability & ((score < 0) | (score > 1)))
    if wrong.any():
        raise ValueError(
            f"scores: {int(wrong.sum())} of {len(score)} are missing or outside of "
            f"{'[0, 1]' if probability else 'the finite numbers'}; say what a missing score means before measuring it"
        )
    codes = account_codes(groups, len(kept))[kept]
    return target, score, np.unique(codes, return_inverse=True)[1]
