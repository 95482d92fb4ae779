"""Maximum profit over an uncertain save rate (EMPC), and cost curves: exact, by the convex hull of the ROC curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betainc
from sklearn.isotonic import isotonic_regression

from csrisk._deprecated import grouped, require_none_left

# not @: kernels of BLAS add in an order of their own, and the last bits would be those of the processor
from csrisk._machine import product
from csrisk._params import check_resamples
from csrisk.evaluation._measuring._bootstrap import interval, resampled
from csrisk.evaluation._measuring._rows import read_rows

__all__ = ["Offer", "cost_curve", "expected_maximum_profit"]


@dataclass(frozen=True, kw_only=True)
class Offer:
    r"""What a contact costs and brings: your own figures, as there are no honest defaults.

    Parameters
    ----------
    value : float
        What an account that stays is worth, above 0.
    incentive : float
        What the offer costs, 0 or more and less than `value`.
    contact_cost : float
        What a contact costs, 0 or more; together with `incentive` above 0.
    save_rate : (float, float)
        The two parameters of the Beta distribution of the share :math:`\gamma` of those who would leave that takes the
        offer and stays; its mean is ``a / (a + b)``. (6, 14) of Verbraken et al. has mean .3 and standard deviation .1.

    Raises
    ------
    ValueError
        If an amount makes no sense.

    Examples
    --------
    >>> from csrisk.evaluation import Offer
    >>> Offer(value=200, incentive=10, contact_cost=1, save_rate=(6, 14)).value
    200
    """

    value: float
    incentive: float
    contact_cost: float
    save_rate: tuple[float, float]

    def __post_init__(self) -> None:
        if not (np.isfinite(self.value) and self.value > 0):
            raise ValueError(f"value={self.value}: must be above 0, what an account that stays is worth")
        if not 0 <= self.incentive < self.value:
            raise ValueError(f"incentive={self.incentive}: must be 0 or more and less than value={self.value}")
        # where contacts are free it pays to contact everybody, and no cut is better than another
        if not (np.isfinite(self.contact_cost) and self.contact_cost >= 0) or self.incentive + self.contact_cost == 0:
            raise ValueError(
                f"contact_cost={self.contact_cost}: must be 0 or more, and above 0 where the incentive costs nothing"
            )
        if len(self.save_rate) != 2 or not all(np.isfinite(part) and part > 0 for part in self.save_rate):
            raise ValueError(f"save_rate={self.save_rate}: must be the two parameters of a Beta distribution, above 0")


def expected_maximum_profit(
    y: Any,
    scores: Any,
    groups: Any = None,
    *,
    offer: Offer | None = None,
    n_bootstrap: int = 200,
    random_state: int = 0,
    **others: Any,
) -> pd.DataFrame:
    r"""Profit of the best campaign by a ranking, averaged over how well campaigns work (EMPC).

    All accounts above a cut are contacted, each at a cost, and offered an incentive. Those who would have stayed take
    it; of those who would have left a share :math:`\gamma` takes it and stays, which is worth their value.
    :math:`\gamma` is not known beforehand: it has a Beta distribution, and for each :math:`\gamma` the best cut is
    taken. All amounts are yours; there are no honest defaults.

    Parameters
    ----------
    y, scores, groups
        As in `evaluate_scores`.
    offer : Offer
        What a contact costs and brings. It must be given.
    n_bootstrap, random_state
        As in `evaluate_scores`.
    **others
        Fields of `Offer` by their own name, as earlier releases took them; deprecated.

    Returns
    -------
    DataFrame
        Index ``metric``, columns ``estimate``, ``low``, ``high``: ``empc`` (money for each snapshot of the book),
        ``contacted`` (share of the snapshots that is contacted, on average over :math:`\gamma`), ``empc_constant``
        (the same for a score that tells nothing), ``empc_perfect`` (for one that tells all), and the counts
        ``n_snapshots, n_accounts, n_events``.

    Raises
    ------
    TypeError
        If there is no offer.
    ValueError
        As in `evaluate_scores`.

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
    >>> from csrisk.evaluation import Offer, expected_maximum_profit
    >>> offer = Offer(value=200, incentive=10, contact_cost=1, save_rate=(6, 14))
    >>> table = expected_maximum_profit([1, 1, 0, 0], [4, 3, 2, 1], offer=offer)
    >>> table.loc[["empc", "contacted"], "estimate"].round(3).tolist()  # half x (.3 x (200 - 10) - 1)
    [28.0, 0.5]
    """
    offer = grouped("expected_maximum_profit", "offer", Offer, offer, others)
    require_none_left("expected_maximum_profit", others)
    if offer is None:
        raise TypeError("expected_maximum_profit() needs offer=Offer(value=..., ...): the costs are your own")
    check_resamples(n_bootstrap, random_state)
    rows = read_rows(y, groups, scores={"scores": scores})
    target = rows.target
    ranked = _Ranked(target, rows["scores"])
    # shares of the value, the delta and phi of Verbraken et al. 2013: gamma is compared with numbers without a unit
    delta, phi = offer.incentive / offer.value, offer.contact_cost / offer.value
    save_rate = offer.save_rate

    def metrics(weights: np.ndarray) -> dict[str, np.ndarray]:
        made = [_profit(one, rate, delta, phi, save_rate) for one, rate in map(ranked.hull, weights)]
        churn = product(weights, target) / weights.sum(axis=1)
        # a score that tells nothing has one segment, with the rate of churn of the resample
        flat = [_profit(np.ones(1), np.array([p]), delta, phi, save_rate)[0] for p in churn]
        # one that tells all has two: churners alone (rate 1), then the others (rate 0)
        full = [_profit(np.array([p, 1 - p]), np.array([1.0, 0.0]), delta, phi, save_rate)[0] for p in churn]
        return {
            "empc": offer.value * np.array([profit for profit, _ in made]),
            "contacted": np.array([share for _, share in made]),
            "empc_constant": offer.value * np.array(flat),
            "empc_perfect": offer.value * np.array(full),
        }

    estimate, drawn = resampled(metrics, rows.codes, n_bootstrap, random_state)
    out = pd.DataFrame({"estimate": estimate}).join(interval(drawn))
    return pd.concat([out, pd.DataFrame({"estimate": pd.Series(rows.counts(), dtype=float)})]).rename_axis("metric")


class _Ranked:
    """Snapshots in order of their scores, equal scores together."""

    def __init__(self, target: np.ndarray, score: np.ndarray) -> None:
        # sorted once: resamples weigh rows, they never reorder them
        self.order = np.argsort(-score, kind="stable")
        self.target = target[self.order]
        # rows of one score are contacted together or not at all, so no order among them may gain anything
        self.starts = np.flatnonzero(np.r_[True, np.diff(score[self.order]) != 0])

    def hull(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weight and rate of churn on the convex hull, for each distinct score, highest first."""
        ranked = weights[self.order]
        rows = np.add.reduceat(ranked, self.starts)
        events = np.add.reduceat(ranked * self.target, self.starts)
        # a resample may hold no row of a score, and the rate of nothing is 0 / 0
        there = rows > 0
        rows, events = rows[there], events[there]
        # pooling violators of a falling rate gives the slopes of the convex hull of the ROC curve
        return rows, np.asarray(isotonic_regression(events / rows, sample_weight=rows, increasing=False))


def _profit(
    rows: np.ndarray, rate: np.ndarray, delta: float, phi: float, save_rate: tuple[float, float]
) -> tuple[float, float]:
    """Profit over value, and share contacted, for each snapshot."""
    a, b = save_rate
    # rate 0: no save rate pays for the contact, the infinite least becomes 1
    with np.errstate(divide="ignore"):
        least = (phi + (delta + phi) * (1 - rate) / rate) / (1 - delta)
    # gamma is a share: a segment that pays at no gamma has an integral of 0, one that pays at all gammas the whole
    least = np.clip(least, 0.0, 1.0)
    share = 1 - betainc(a, b, least)
    # the integral of gamma over a Beta(a, b) density is its mean times that of Beta(a + 1, b)
    saved = a / (a + b) * (1 - betainc(a + 1, b, least))
    gain = rate * (1 - delta) * saved - (rate * phi + (1 - rate) * (delta + phi)) * share
    return float(product(rows, gain) / rows.sum()), float(product(rows, share) / rows.sum())


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
    # Drummond and Holte's probability cost: share of the worst cost that missed churners make up
    yours = float(churn * miss_cost / (churn * miss_cost + (1 - churn) * contact_cost))
    # rounded, as the steps are labels of the index; sorted in, so that your own point lies on the curve
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
    # events over the hull and not as they were: the sum is then the cost of the best cut at each point
    events, others = rows * rate, rows * (1 - rate)
    # shares of either class need one of each
    if not events.sum() or not others.sum():
        return np.full(len(points), np.nan)
    missed = np.outer(points, events / events.sum())
    disturbed = np.outer(1 - points, others / others.sum())
    return np.asarray(np.minimum(missed, disturbed).sum(axis=1))
