"""What the risks are worth: revenue expected to be lost, and the profit of looking after the accounts at risk."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from csrisk._machine import product
from csrisk._params import check_resamples
from csrisk.evaluation._measuring._bootstrap import interval, resampled
from csrisk.evaluation._measuring._rows import read_rows

__all__ = ["expected_loss", "profit_curve"]


def expected_loss(
    y: Any,
    risk: Any,
    value: Any,
    groups: Any = None,
    *,
    n_bootstrap: int = 200,
    random_state: int = 0,
) -> pd.DataFrame:
    """Compare the value that the risks said would be lost with the value that was.

    Parameters
    ----------
    y : array-like of bool or 0 and 1
        Outcomes; missing ones are left out.
    risk : array-like
        Probabilities.
    value : array-like
        What an event costs, for example the revenue of the horizon.
    groups, n_bootstrap, random_state
        As in `evaluate_scores`.

    Returns
    -------
    DataFrame
        Index ``metric``, columns ``estimate``, ``low``, ``high``: expected_loss (sum of risk x value), actual_loss (sum
        of value over events), ratio (actual over expected), value (sum of value).

    Raises
    ------
    ValueError
        If a value is missing or negative, or as in `evaluate_scores`.

    Examples
    --------
    >>> from csrisk.evaluation import expected_loss
    >>> expected_loss([1, 0], [0.5, 0.25], [100, 200])["estimate"].to_dict()
    {'expected_loss': 100.0, 'actual_loss': 100.0, 'ratio': 1.0, 'value': 300.0}
    """
    check_resamples(n_bootstrap, random_state)
    rows = read_rows(y, groups, scores={"risk": risk}, amounts={"value": value}, probability=True)
    target, score, worth = rows.target, rows["risk"], rows["value"]

    def metrics(weights: np.ndarray) -> dict[str, np.ndarray]:
        expected, actual = product(weights, score * worth), product(weights, target * worth)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = actual / expected
        # value is resampled too: a resample holds as many accounts, but not the same value
        return {"expected_loss": expected, "actual_loss": actual, "ratio": ratio, "value": product(weights, worth)}

    estimate, drawn = resampled(metrics, rows.codes, n_bootstrap, random_state)
    return pd.DataFrame({"estimate": estimate}).join(interval(drawn)).rename_axis("metric")


def profit_curve(
    y: Any,
    scores: Any,
    groups: Any = None,
    *,
    value: Any,
    cost: Any,
    save_rate: float,
    n_bootstrap: int = 200,
    random_state: int = 0,
) -> pd.DataFrame:
    """Profit of looking after the snapshots with the highest scores, by how many are.

    Looking after a snapshot costs `cost`; if it would churn, it is kept with probability `save_rate`, which is worth
    `value`. The table is honest about the ranking alone: that help works equally well for all, and that nobody is lost
    by being disturbed, are assumptions that only a randomised treatment can check.

    Parameters
    ----------
    y, scores, groups
        As in `evaluate_scores`.
    value : float or array-like
        What keeping an account is worth.
    cost : float or array-like
        What looking after an account costs.
    save_rate : float
        Share of the accounts that would churn and stay when looked after.
    n_bootstrap, random_state
        As in `evaluate_scores`.

    Returns
    -------
    DataFrame
        Index ``capacity`` (0, .05, ... 1), columns ``profit`` (for each snapshot of the book), ``low``, ``high``, and
        ``is_best``, true in the row of the largest profit.

    Raises
    ------
    ValueError
        If `save_rate` is not in [0, 1], an amount is missing or negative, or as in `evaluate_scores`.

    Notes
    -----
    The deterministic form of the maximum profit measure of Verbraken, Verbeke and Baesens (2013), without their
    distribution over the save rate.

    Examples
    --------
    >>> from csrisk.evaluation import profit_curve
    >>> table = profit_curve([1, 0, 0, 0], [4, 3, 2, 1], value=100, cost=10, save_rate=0.5)
    >>> table.loc[[0.25, 1.0], "profit"].tolist()
    [10.0, 2.5]
    """
    if not 0 <= save_rate <= 1:
        raise ValueError(f"save_rate={save_rate}: must lie in [0, 1], the share that stays when looked after")
    check_resamples(n_bootstrap, random_state)
    read = read_rows(y, groups, scores={"scores": scores}, amounts={"value": value, "cost": cost})
    # before resampling: what each snapshot brings when looked after depends on no other one
    score, gain = read["scores"], read.target * save_rate * read["value"] - read["cost"]
    shares = np.linspace(0, 1, 21).round(2)
    order = np.argsort(-score, kind="stable")
    # equal scores are looked after in one step: their order would choose the winners
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) != 0])

    def profits(weights: np.ndarray) -> dict[str, np.ndarray]:
        ranked = weights[:, order]
        rows = np.add.reduceat(ranked, starts, axis=1).cumsum(axis=1)
        gained = np.add.reduceat(ranked * gain[order], starts, axis=1).cumsum(axis=1)
        made = [
            np.interp(shares * one[-1], np.r_[0.0, one], np.r_[0.0, other]) / one[-1]
            for one, other in zip(rows, gained, strict=True)
        ]
        return {str(number): column for number, column in enumerate(np.asarray(made).T)}

    estimate, drawn = resampled(profits, read.codes, n_bootstrap, random_state)
    bounds = interval(drawn)
    profit = estimate.to_numpy()
    table = {"profit": profit, "low": bounds["low"].to_numpy(), "high": bounds["high"].to_numpy()}
    # the first of equal profits is the smallest effort
    best = np.arange(len(shares)) == int(np.argmax(profit))
    return pd.DataFrame(table | {"is_best": best}, index=pd.Index(shares, name="capacity"))
