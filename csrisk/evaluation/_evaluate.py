"""How good are these risks: one table with intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from csrisk._params import check_resamples, check_share
from csrisk.evaluation._measuring._bootstrap import interval, of_few, resampled
from csrisk.evaluation._measuring._metrics import Weighted, measured, missing
from csrisk.evaluation._measuring._rows import codes_of, labelled_rows, model_event, read_rows, rows_of
from csrisk.models._rows import align, first_index, index_accounts

__all__ = ["check_capacity", "compare", "evaluate", "evaluate_scores"]

_AREAS = ["auc", "average_precision"]


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
        Classifier with ``predict_proba`` and two ``classes_``, of which True, or 1 beside 0 or -1, is the event.
    X : DataFrame
        Features.
    y : array-like
        Labels that the model knows, brought to the rows of X by their index; rows without one are left out.
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
        Index ``metric``, columns ``estimate``, ``low``, ``high`` (95 % interval from resampled accounts: of the value
        that other accounts of the same kind would give this score): auc, average_precision, lift_at_10, capture_at_10,
        log_loss, brier, calibration_slope, calibration_intercept, mean_risk, event_rate, and the counts n_snapshots,
        n_accounts, n_events.

    Raises
    ------
    ValueError
        If y holds other rows than X or labels that the model does not know, no row has a label, the labels of the model
        do not say which is the event, or a parameter is out of range.

    See Also
    --------
    evaluate_scores : The same for scores without a model.
    compare : Paired interval of the difference of two scores.

    Notes
    -----
    The calibration slope is that of a logistic regression of the outcome on the log-odds, the calibration intercept
    that of one with the slope held at 1 (Van Calster et al., BMC Medicine 2019). Where the rows hold one class alone,
    metrics that need two are NaN. Intervals are percentiles; those of auc and average_precision are made in log-odds
    with Student's t, as percentiles are too narrow with few events (Pepe, The Statistical Evaluation of Medical Tests,
    2003, section 5.2).

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
    classes, event = model_event(model)
    target, kept = labelled_rows(y, X, classes, event)
    # column by the label of the event: classes_ are sorted, and -1 stands before 1
    risk = model.predict_proba(rows_of(X, kept))[:, classes.index(event)]
    index = first_index(X)
    owners = index_accounts(index) if groups is None else align(groups, index, "groups", "X")
    # accounts as plain numbers: the index is gone once unlabelled rows are
    groups = None if owners is None else codes_of(owners, len(kept))[kept]
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
        Higher is more at risk. What has an index is put together by it, whatever the order of rows and levels; what
        has none stands in the order of the rows.
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
        If lengths or the rows of indexes differ, a label is neither 0 nor 1, a score is missing, a probability lies
        outside of [0, 1], or a parameter is out of range.

    Examples
    --------
    >>> from csrisk.evaluation import evaluate_scores
    >>> evaluate_scores([0, 0, 1, 1], [1, 3, 2, 4]).loc["auc", "estimate"]
    np.float64(0.75)
    """
    check_capacity(capacity)
    check_resamples(n_bootstrap, random_state)
    rows = read_rows(y, groups, scores={"scores": scores}, probability=probability)
    target, score = rows.target, rows["scores"]

    def metrics(weights: np.ndarray) -> dict[str, np.ndarray]:
        drawn = Weighted(weights, target, score, capacity)
        found = measured(drawn, "ranks") | (measured(drawn, "probability") if probability else missing(drawn))
        return found | measured(drawn, "outcomes")

    estimate, drawn = resampled(metrics, rows.codes, n_bootstrap, random_state)
    table = pd.DataFrame({"estimate": estimate}).join(interval(drawn))
    # accounts of the rarer class, which is what the error of an area rests on
    few = min(len(np.unique(rows.codes[target == side])) for side in (0, 1))
    table.loc[_AREAS, ["low", "high"]] = of_few(estimate[_AREAS], drawn[_AREAS], few)
    counted = pd.DataFrame({"estimate": rows.counts(), "low": np.nan, "high": np.nan}, dtype=np.float64)
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
    check_capacity(capacity)
    check_resamples(n_bootstrap, random_state)
    rows = read_rows(y, groups, scores={"first": first, "second": second}, probability=probability)
    target = rows.target

    def metrics(score: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
        drawn = Weighted(weights, target, score, capacity)
        return measured(drawn, "ranks") | (measured(drawn, "probability") if probability else {})

    estimate, drawn = resampled(lambda weights: metrics(rows["first"], weights), rows.codes, n_bootstrap, random_state)
    # the same seed draws the same accounts: the difference is taken within each resample
    against, also_drawn = resampled(
        lambda weights: metrics(rows["second"], weights), rows.codes, n_bootstrap, random_state
    )
    table = pd.DataFrame({"first": estimate, "second": against, "difference": estimate - against})
    return table.join(interval(drawn - also_drawn)).rename_axis("metric")


def check_capacity(capacity: Any) -> None:
    """Require the share of snapshots that can be looked after."""
    check_share("capacity", capacity, "snapshots that can be looked after")
