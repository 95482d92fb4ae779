"""How good is an uplift ranking: Qini, AUUC and the value of a policy, with intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from csrisk._params import check_resamples, check_share
from csrisk.evaluation._measuring import interval, read_rows, resampled
from csrisk.exceptions import NotEnoughDataError

__all__ = ["evaluate_uplift", "qini_curve"]

_NOBODY = 1e-9  # what rounding leaves of a count that is nought


def qini_curve(score: pd.Series, y: pd.Series, treated: pd.Series) -> pd.DataFrame:
    """Draw the Qini curve: how many more stay by treating the first k of a ranking.

    Parameters
    ----------
    score : pandas.Series
        Ranking, highest first; equal scores share their place.
    y : pandas.Series
        Churn; rows without a label are left out.
    treated : pandas.Series
        Boolean: who got the play, by chance. All three are put together by their index.

    Returns
    -------
    pandas.DataFrame
        ``share`` of the accounts ranked first; ``saved`` per account of the book: churn of the others, scaled to the
        number of treated, less churn of the treated (Radcliffe 2007); ``random``: the straight line to the same end.

    References
    ----------
    Radcliffe, N. J. (2007). Using control groups to target on predicted lift: building and assessing uplift models.
    Direct Marketing Analytics Journal 1, 14-21.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import qini_curve
    >>> curve = qini_curve(pd.Series([4, 3, 2, 1]), pd.Series([0, 1, 1, 1]), pd.Series([True, False, True, False]))
    >>> curve["saved"].tolist()  # of the first two, the treated one stays and the other leaves
    [0.0, 0.0, 0.25, 0.25, 0.25]
    """
    rows = read_rows(y, np.arange(len(y)), scores={"score": score}, sides={"treated": treated})
    ranked = _Ranked(rows["score"])
    sums = ranked.sums(np.ones((1, len(rows))), rows.target, rows["treated"])
    place = np.arange(len(rows) + 1.0)
    # straight between distinct scores: rows of one score are treated in any order
    saved = np.interp(place, np.r_[0.0, sums.rows[0]], np.r_[0.0, sums.saved()[0]])
    share = place / len(rows)
    return pd.DataFrame({"share": share, "saved": saved, "random": share * saved[-1]})


def evaluate_uplift(
    score: pd.Series,
    y: pd.Series,
    treated: pd.Series,
    *,
    capacity: float = 0.2,
    n_bootstrap: int = 200,
    random_state: int = 0,
) -> pd.DataFrame:
    """Measure an uplift ranking on rows that chance has treated or not.

    Parameters
    ----------
    score : pandas.Series
        Ranking, highest first: predicted uplift, or risk to compare with. Equal scores share their place, so the order
        of rows changes nothing.
    y : pandas.Series
        Churn; rows without a label are left out. Score, churn and treated are put together by their index.
    treated : pandas.Series
        Boolean.
    capacity : float, default 0.2
        Share of accounts that can be treated, for `saved_at_capacity`.
    n_bootstrap : int, default 200
        Draws of whole accounts for the intervals.
    random_state : int, default 0
        Seed.

    Returns
    -------
    pandas.DataFrame
        Index metric; ``estimate``, ``low``, ``high`` (95 %). ``qini``: area between the Qini curve and the straight
        line, in accounts saved per account of the book, so that it grows with the share that was treated;
        ``qini_per_treated``: the same per treated account, by which campaigns of other shares can be compared;
        ``auuc``: area under the curve; ``saved_at_capacity``: churn of the others
        less churn of the treated among the first `capacity`, per account of the book (NaN where one side is empty
        there); ``effect``: the same over all rows; and the counts ``n_treated``, ``n_other``, ``n_events``.

    Raises
    ------
    NotEnoughDataError
        If one side is empty.
    ValueError
        If indexes hold other rows, a score or a side is missing, a label is neither 0 nor 1, or a parameter is out of
        range.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import evaluate_uplift
    >>> score, churn = pd.Series([4, 3, 2, 1]), pd.Series([0, 1, 1, 1])
    >>> table = evaluate_uplift(score, churn, pd.Series([True, False, True, False]), capacity=0.5, n_bootstrap=10)
    >>> float(table.loc["saved_at_capacity", "estimate"])  # half of the book, difference 1
    0.5
    """
    check_share("capacity", capacity, "the accounts that can be treated")
    check_resamples(n_bootstrap, random_state)
    rows = read_rows(y, scores={"score": score}, sides={"treated": treated})
    side = rows["treated"]
    if not 0 < side.sum() < len(rows):
        message = f"{int(side.sum())} of {len(rows)} rows are treated; both sides are needed"
        raise NotEnoughDataError(message)
    ranked = _Ranked(rows["score"])

    def metrics(weights: np.ndarray) -> dict[str, np.ndarray]:
        return _metrics(ranked.sums(weights, rows.target, side), capacity)

    estimate, drawn = resampled(metrics, rows.codes, n_bootstrap, random_state)
    out = pd.DataFrame({"estimate": estimate}).join(interval(drawn))
    counts = {"n_treated": side.sum(), "n_other": (1 - side).sum(), "n_events": rows.target.sum()}
    return pd.concat([out, pd.DataFrame({"estimate": pd.Series(counts, dtype=float)})]).rename_axis("metric")


class _Sums(NamedTuple):
    """Rows, treated, and churn on either side, summed from the top of the ranking to each distinct score."""

    rows: np.ndarray
    treated: np.ndarray
    left: np.ndarray
    left_other: np.ndarray

    def saved(self) -> np.ndarray:
        """Churn of the others, scaled to the treated, less churn of the treated, per account of the book."""
        others = self.rows - self.treated
        with np.errstate(divide="ignore", invalid="ignore"):
            # with nobody left alone so far there is nothing to compare: no gain, no loss
            scaled = np.where(others > 0, self.left_other * self.treated / others, self.left)
        return np.asarray((scaled - self.left) / self.rows[:, -1:])

    def at(self, share: float) -> _Sums:
        """Take the first share of the rows; those of one score share what is left of it."""
        room = share * self.rows[:, -1]
        cut = zip(room, self.rows, *self, strict=True)
        found = [
            [np.interp(wanted, np.r_[0.0, place], np.r_[0.0, one]) for one in sums] for wanted, place, *sums in cut
        ]
        return _Sums(*np.asarray(found).T[:, :, np.newaxis])

    def effect(self) -> np.ndarray:
        """Churn rate of the others less that of the treated, at the end; NaN where a side is empty."""
        treated, others = self.treated[:, -1], (self.rows - self.treated)[:, -1]
        with np.errstate(divide="ignore", invalid="ignore"):
            both = self.left_other[:, -1] / others - self.left[:, -1] / treated
        # interpolated weights of a resample leave dust where a side is empty
        return np.where((treated > _NOBODY) & (others > _NOBODY), both, np.nan)


class _Ranked:
    """A ranking, highest first, in which equal scores are one place: no order of rows decides between them."""

    def __init__(self, score: np.ndarray) -> None:
        self.order = np.argsort(-score, kind="stable")
        self.starts = np.flatnonzero(np.r_[True, np.diff(score[self.order]) != 0])

    def sums(self, weights: np.ndarray, y: np.ndarray, treated: np.ndarray) -> _Sums:
        """Sum weighted rows down the ranking."""
        each = (np.ones(len(y)), treated, y * treated, y * (1 - treated))
        return _Sums(
            # all resamples at once, one in each row
            *(np.add.reduceat((weights * one)[:, self.order], self.starts, axis=1).cumsum(axis=1) for one in each)
        )


def _metrics(sums: _Sums, capacity: float) -> dict[str, np.ndarray]:
    saved, total = sums.saved(), sums.rows[:, -1]
    # the curve is straight between distinct scores; its mean over the n + 1 points of n rows
    steps = np.diff(sums.rows, axis=1, prepend=0.0)
    area = (steps * (saved + np.column_stack([np.zeros(len(saved)), saved[:, :-1]]))).sum(axis=1) / 2
    mean = (area + saved[:, -1] / 2) / (total + 1)
    first, qini, treated = sums.at(capacity), mean - saved[:, -1] / 2, sums.treated[:, -1]
    # a resample may hold nobody who was treated
    per_treated = np.divide(qini * total, treated, out=np.full(len(qini), np.nan), where=treated > _NOBODY)
    return {
        "qini": qini,
        "qini_per_treated": per_treated,
        "auuc": mean,
        "saved_at_capacity": first.effect() * capacity,
        "effect": sums.effect(),
    }
