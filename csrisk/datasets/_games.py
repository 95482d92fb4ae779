"""The truth of worlds whose log-odds are no sum: exact Shapley values by enumeration."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk.datasets._saas._contracts import OUTCOMES, called_lately, contract_term
from csrisk.datasets._saas._latent import GOALS
from csrisk.datasets._saas._reasons import last_drivers
from csrisk.datasets._saas._truth import SaasTruth, renewals

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from csrisk.datasets._saas._contracts import Book

    Score = Callable[[NDArray[np.float64]], NDArray[np.float64]]

__all__ = ["GameTruth", "shapley", "tell"]

PLAYERS = (*(f"{goal}_felt" for goal in GOALS), "context")  # in the order of the last axis of what plays in every world
_ROWS_AT_ONCE = 256  # held against all rows: memory
_ROWS_AGAINST = 100  # that the driver of a month is held against
_PUSHED = 0.25  # log-odds from which a mechanism counts as what drove somebody


def _no_game(players: NDArray[np.float64]) -> NDArray[np.float64]:
    raise NotImplementedError


@dataclass(frozen=True)
class GameTruth(SaasTruth):
    """What is true of a world whose log-odds are a game of four goals and the context; as `SaasTruth` else.

    ``months`` holds, by account and running month, ``{goal}_felt`` and ``context``, which play, ``{goal}_pushed``, what
    mechanisms add to the log-odds of churn beside the game, and the log-odds and what happened. ``goals`` has a column
    ``context`` beside those of the four goals: exact Shapley values, by every coalition.
    """

    # a default that is never used: the fields of SaasTruth have defaults, and those behind them must
    score: Score = field(default=_no_game, repr=False)

    def _contributions(self, now: pd.DataFrame) -> pd.DataFrame:
        """Give the Shapley values of the game, to which mechanisms add theirs."""
        values = shapley(self.score, now[list(PLAYERS)].to_numpy(dtype=float))
        out = pd.DataFrame(values, index=now.index, columns=[*GOALS, "context"])
        out[list(GOALS)] += now[[f"{goal}_pushed" for goal in GOALS]].to_numpy()
        return out


def shapley(
    score: Score, rows: NDArray[np.float64], reference: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Exact Shapley values of each row against reference rows (all by default), by every coalition of the players."""
    # players are often 0 or 1, so that rows repeat: each kind is played once
    kinds, place = np.unique(rows, axis=0, return_inverse=True)
    against, count = np.unique(rows if reference is None else reference, axis=0, return_counts=True)
    share, n = count / count.sum(), rows.shape[1]
    worth = np.zeros((2**n, len(kinds)))
    for coalition in range(2**n):
        inside = np.array([coalition >> player & 1 for player in range(n)], dtype=bool)
        for first in range(0, len(kinds), _ROWS_AT_ONCE):
            some = slice(first, first + _ROWS_AT_ONCE)
            worth[coalition, some] = score(np.where(inside, kinds[some, None, :], against)) @ share
    out = np.zeros(kinds.shape)
    for coalition in range(2**n):
        size = coalition.bit_count()
        for player in range(n):
            if not coalition >> player & 1:
                weight = factorial(size) * factorial(n - size - 1) / factorial(n)
                out[:, player] += weight * (worth[coalition | 1 << player] - worth[coalition])
    # numpy 2.0 gives the inverse of rows a second axis
    return np.asarray(out[place.reshape(-1)])


def tell(
    book: Book,
    ids: NDArray[np.object_],
    players: NDArray[np.float64],
    score: Score,
    more: dict[str, NDArray[Any]],
    treatment_effect: float,
) -> GameTruth:
    """Write the truth of a world; `more` are further columns by account and month."""
    account, month = np.nonzero(book.active)
    index = pd.MultiIndex.from_arrays(
        [ids[account], book.months[month].astype("datetime64[us]")], names=["account_id", "month"]
    )
    columns: dict[str, object] = dict(zip(PLAYERS, players[account, month].T, strict=True))
    columns |= {name: values[account, month] for name, values in more.items()}
    pushed = [push.by_goal("churn") for push in book.pushes.values()]
    for goal in GOALS:  # what mechanisms add is a sum, so that its share in the game is itself
        columns[f"{goal}_pushed"] = (np.zeros(book.shape) + sum(push[goal] for push in pushed))[account, month]
    columns |= renewals(book, account, month)
    for name, push in book.pushes.items():
        columns |= {part: level[account, month] for part, level in push.levels.items()}
        columns |= {f"{outcome}_{name}": push.effect(book, outcome)[account, month] for outcome in OUTCOMES}
    for outcome in OUTCOMES:
        columns[f"{outcome}_log_odds"] = book.log_odds[outcome][account, month]
        columns[f"{outcome}_contract_term"] = contract_term(book, outcome)[account, month]
        columns[outcome] = book.happened[outcome][account, month]
    columns["persuadable"] = book.uplift[account, month]
    columns["called"] = np.stack([called_lately(book, at) for at in range(book.shape[1])], axis=1)[account, month]
    months = pd.DataFrame(columns, index=index)
    months["driver"] = _drivers(months, score)
    by_account = months.groupby(level="account_id", sort=False)
    accounts = by_account[list(PLAYERS)].mean()
    accounts["driver"] = last_drivers(months)
    accounts["months"] = by_account.size()
    accounts["left"] = by_account["churn"].any()
    strength = {name: push.strength for name, push in book.pushes.items()}
    return GameTruth(months, accounts.reindex(ids).rename_axis("account_id"), treatment_effect, strength, score=score)


def _drivers(months: pd.DataFrame, score: Score) -> NDArray[np.object_]:
    """Goal with the largest value in each month, against the portfolio of that month; None where none is felt."""
    out, players = np.empty(len(months), dtype=object), months[list(PLAYERS)].to_numpy(dtype=float)
    pushed = months[[f"{goal}_pushed" for goal in GOALS]].to_numpy()
    for rows in months.groupby(level="month").indices.values():
        reference = players[rows[:: max(1, len(rows) // _ROWS_AGAINST)]]
        # what mechanisms add is a sum: its value against the portfolio is itself less its mean
        values = shapley(score, players[rows], reference)[:, :4] + pushed[rows] - pushed[rows].mean(axis=0)
        out[rows] = np.array(GOALS, dtype=object)[values.argmax(axis=1)]
    out[~players[:, :4].astype(bool).any(axis=1) & (pushed.max(axis=1) < _PUSHED)] = None
    return out
