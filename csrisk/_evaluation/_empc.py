"""Maximum profit over an uncertain save rate (EMPC), and cost curves: exact, by the convex hull of the ROC curve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betainc
from sklearn.isotonic import isotonic_regression

from csrisk._evaluation._bootstrap import interval, resampled
from csrisk._evaluation._rows import read_rows
from csrisk._products import product
from csrisk.models._params import check_resamples

__all__ = ["cost_curve", "expected_maximum_profit"]


def expected_maximum_profit(
    y: Any,
    scores: Any,
    groups: Any = None,
    *,
    value: float,
    incentive: float,
    contact_cost: float,
    save_rate: tuple[float, float],
    n_bootstrap: int = 200,
    random_state: int = 0,
) -> pd.DataFrame:
    r"""Profit of the best campaign by a ranking, averaged over how well campaigns work (EMPC).

    All accounts above a cut are contacted, each for `contact_cost`, and offered an `incentive`. Those who would have
    stayed take it; of those who would have left a share :math:`\gamma` takes it and stays, which is worth `value`.
    :math:`\gamma` is not known beforehand: it has a Beta distribution, and for each :math:`\gamma` the best cut is
    taken. All amounts are yours; there are no honest defaults.

    Parameters
    ----------
    y, scores, groups
        As in `evaluate_scores`.
    value : float
        What an account that stays is worth, above 0.
    incentive : float
        What the offer costs, 0 or more and less than `value`.
    contact_cost : float
        What a contact costs, 0 or more; together with `incentive` above 0.
    save_rate : (float, float)
        The two parameters of the Beta distribution of :math:`\gamma`; its mean is ``a / (a + b)``. (6, 14) of the
        paper has mean .3 and standard deviation .1.
    n_bootstrap, random_state
        As in `evaluate_scores`.

    Returns
    -------
    DataFrame
        Index ``metric``, columns ``estimate``, ``low``, ``high``: ``empc`` (money for each snapshot of the book),
        ``contacted`` (share of the snapshots that is contacted, on average over :math:`\gamma`), ``empc_constant``
        (the same for a score that tells nothing), ``empc_perfect`` (for one that tells all), and the counts
        ``n_snapshots, n_accounts, n_events``.

    Raises
    ------
    ValueError
        If an amount makes no sense, or as in `evaluate_scores`.

    Notes
    -----
    With p the rate of churn in a segment of the convex hull of the ROC curve, it pays to contact the segment from
    :math:`\gamma(p) = (\phi + (\delta + \phi)(1 - p) / p) / (1 - \delta)` on, where :math:`\delta` and :math:`\phi` are
    incentive and contact cost over value; so the integral over :math:`\gamma` is a sum over snapshots of incomplete
    Beta functions, without a grid. The rates of the hull are those of an isotonic regression of y on the scores.

    References
    ----------
    Verbraken, T., Verbeke, W. and Baesens, B. (2013). A novel profit maximizing metric for measuring classification
    performance of customer churn prediction models. IEEE Transactions on Knowledge and Data Engineering 25, 961-973.

    Examples
    --------
    >>> from csrisk.evaluation import expected_maximum_profit
    >>> costs = {"value": 200, "incentive": 10, "contact_cost": 1, "save_rate": (6, 14)}
    >>> table = expected_maximum_profit([1, 1, 0, 0], [4, 3, 2, 1], **costs)
    >>> table.loc[["empc", "contacted"], "estimate"].round(3).tolist()  # half x (.3 x (200 - 10) - 1)
    [28.0, 0.5]
    """
    _check_amounts(value, incentive, contact_cost, save_rate)
    check_resamples(n_bootstrap, random_state)
    rows = read_rows(y, groups, scores={"scores": scores})
    target = rows.target
    ranked = _Ranked(target, rows["scores"])
    delta, phi = incentive / value, contact_cost / value

    def metrics(weights: np.ndarray) -> dict[str, np.ndarray]:
        made = [_profit(one, rate, delta, phi, save_rate) for one, rate in map(ranked.hull, weights)]
        churn = product(weights, target) / weights.sum(axis=1)
        flat = [_profit(np.ones(1), np.array([p]), delta, phi, save_rate)[0] for p in churn]
        full = [_profit(np.array([p, 1 - p]), np.array([1.0, 0.0]), delta, phi, save_rate)[0] for p in churn]
        return {
            "empc": value * np.array([profit for profit, _ in made]),
            "contacted": np.array([share for _, share in made]),
            "empc_constant": value * np.array(flat),
            "empc_perfect": value * np.array(full),
        }

    estimate, drawn = resampled(metrics, rows.codes, n_bootstrap, random_state)
    out = pd.DataFrame({"estimate": estimate}).join(interval(drawn))
    return pd.concat([out, pd.DataFrame({"estimate": pd.Series(rows.counts(), dtype=float)})]).rename_axis("metric")


class _Ranked:
    """Snapshots in order of their scores, equal scores together."""

    def __init__(self, target: np.ndarray, score: np.ndarray) -> None:
        self.order = np.argsort(-score, kind="stable")
        self.target = target[self.order]
        self.starts = np.flatnonzero(np.r_[True, np.diff(score[self.order]) != 0])

    def hull(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weight and rate of churn on the convex hull, for each distinct score, highest first."""
        ranked = weights[self.order]
        rows = np.add.reduceat(ranked, self.starts)
        events = np.add.reduceat(ranked * self.target, self.starts)
        there = rows > 0
        rows, events = rows[there], events[there]
        return rows, np.asarray(isotonic_regression(events / rows, sample_weight=rows, increasing=False))


def _profit(
    rows: np.ndarray, rate: np.ndarray, delta: float, phi: float, save_rate: tuple[float, float]
) -> tuple[float, float]:
    """Profit over value, and share contacted, for each snapshot."""
    a, b = save_rate
    with np.errstate(divide="ignore"):
        least = (phi + (delta + phi) * (1 - rate) / rate) / (1 - delta)
    least = np.clip(least, 0.0, 1.0)
    share = 1 - betainc(a, b, least)
    saved = a / (a + b) * (1 - betainc(a + 1, b, least))
    gain = rate * (1 - delta) * saved - (rate * phi + (1 - rate) * (delta + phi)) * share
    return float(product(rows, gain) / rows.sum()), float(product(rows, share) / rows.sum())


def _check_amounts(value: float, incentive: float, contact_cost: float, save_rate: tuple[float, float]) -> None:
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"value={value}: must be above 0, what an account that stays is worth")
    if not 0 <= incentive < value:
        raise ValueError(f"incentive={incentive}: must be 0 or more and less than value={value}")
    if not (np.isfinite(contact_cost) and contact_cost >= 0) or incentive + contact_cost == 0:
        raise ValueError(
            f"contact_cost={contact_cost}: must be 0 or more, and above 0 where the incentive costs nothing"
        )
    if len(save_rate) != 2 or not all(np.isfinite(part) and part > 0 for part in save_rate):
        raise ValueError(f"save_rate={save_rate}: must be the two parameters of a Beta distribution, above 0")


def cost_curve(
    y: Any,
    scores: Any,
    groups: Any = None,
    *,
    miss_cost: float,
    contact_cost: float,
    n_bootstrap: int = 200,
    random_state: int = 0,
) -> pd.DataFrame:
    """Cost of deciding by a score, over all ratios of costs and all rates of churn, with your own marked.

    A churner who is not looked after costs `miss_cost`, an account looked after that would have stayed costs
    `contact_cost`. Expected cost is given as a share of the cost of deciding wrongly throughout; at each point the best
    cut is taken.

    Parameters
    ----------
    y, scores, groups
        As in `evaluate_scores`.
    miss_cost : float
        What is lost by not looking after a churner, above 0: the value at stake times the share that could be kept.
    contact_cost : float
        What is lost by looking after an account that would have stayed, above 0.
    n_bootstrap, random_state
        As in `evaluate_scores`.

    Returns
    -------
    DataFrame
        Index ``probability_cost``: the share of missed churners in the worst cost, 0 to 1 in steps of .05 and your own;
        columns ``cost``, ``low``, ``high`` (95 %), ``trivial`` (the better of looking after all and after nobody), and
        ``is_yours``, true in one row.

    Raises
    ------
    ValueError
        If a cost is not above 0, or as in `evaluate_scores`.

    References
    ----------
    Drummond, C. and Holte, R. C. (2006). Cost curves: an improved method for visualizing classifier performance.
    Machine Learning 65, 95-130.

    Examples
    --------
    >>> from csrisk.evaluation import cost_curve
    >>> table = cost_curve([1, 0, 0, 0], [3, 4, 2, 1], miss_cost=300, contact_cost=100)  # .25 x 300 = .75 x 100
    >>> [round(float(table.loc[0.5, name]), 3) for name in ("cost", "trivial")]  # one of three for nothing: .5 x 1 / 3
    [0.167, 0.5]
    """
    for name, amount in (("miss_cost", miss_cost), ("contact_cost", contact_cost)):
        if not (np.isfinite(amount) and amount > 0):
            raise ValueError(f"{name}={amount}: must be above 0, your own figure")
    check_resamples(n_bootstrap, random_state)
    rows = read_rows(y, groups, scores={"scores": scores})
    target = rows.target
    ranked = _Ranked(target, rows["scores"])
    churn = target.mean()
    yours = float(churn * miss_cost / (churn * miss_cost + (1 - churn) * contact_cost))
    points = np.unique(np.r_[np.linspace(0, 1, 21).round(2), yours])

    def metrics(weights: np.ndarray) -> dict[str, np.ndarray]:
        costs = np.array([_normalised(*ranked.hull(one), points) for one in weights])
        return {str(place): column for place, column in enumerate(costs.T)}

    estimate, drawn = resampled(metrics, rows.codes, n_bootstrap, random_state)
    bounds = interval(drawn)
    table = {"cost": estimate.to_numpy(), "low": bounds["low"].to_numpy(), "high": bounds["high"].to_numpy()}
    table |= {"trivial": np.minimum(points, 1 - points), "is_yours": points == yours}
    return pd.DataFrame(table, index=pd.Index(points, name="probability_cost"))


def _normalised(rows: np.ndarray, rate: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Sum over the hull of the cheaper of missing its churners and of contacting its others."""
    events, others = rows * rate, rows * (1 - rate)
    if not events.sum() or not others.sum():
        return np.full(len(points), np.nan)
    missed = np.outer(points, events / events.sum())
    disturbed = np.outer(1 - points, others / others.sum())
    return np.asarray(np.minimum(missed, disturbed).sum(axis=1))
