"""Contributions for models whose margin is a forest, perhaps with a linear part: compiled exact games."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from csrisk._explain._blocks import in_blocks
from csrisk._explain._game import interaction_map, owen_maps, shapley_map
from csrisk._explain._link_game import LinkGame, Side
from csrisk._explain._margin_game import MarginGame
from csrisk._explain._owen_game import OwenGame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from csrisk._explain._codes import Forest
    from csrisk._explain._reference import Comparison

    Matrix = NDArray[np.float64]

__all__ = ["Effort", "TreeEngine"]

# from so many rows on, sharing lines between rows beats sharing them between coalitions
_SHARING_ROWS, _JOB_ROWS = 48, 1024


class Effort(NamedTuple):
    """How much to compute.

    Parameters
    ----------
    n_strongest : int
        Features of each goal that get their own contribution where there is a link.
    n_jobs : int
        Threads.
    """

    n_strongest: int = 3
    n_jobs: int = 1


@dataclass(frozen=True, eq=False)
class TreeEngine:
    """Everything needed to explain rows against their reference.

    Parameters
    ----------
    forest : Forest
        The trees.
    link : callable or None
        From margins to what is explained; None explains margins.
    intercept : float
        Constant of the margin beside trees and linear terms.
    goal_of_feature : ndarray of int
        Goal (as number 0 to K - 1) of each feature.
    rows, reference : Side
        What is explained, and all reference rows.
    comparisons : tuple of Comparison
        Which rows are compared with which reference rows.
    effort : Effort
        How much to compute, and with how many threads.
    """

    forest: Forest
    link: Callable[[Matrix], Matrix] | None
    intercept: float
    goal_of_feature: NDArray[np.int64]
    rows: Side
    reference: Side
    comparisons: tuple[Comparison, ...]
    effort: Effort

    @property
    def n_goals(self) -> int:
        """Number of goals K."""
        return int(self.goal_of_feature.max()) + 1

    @cached_property
    def ends(self) -> tuple[Matrix, Matrix]:
        """Mean of the reference and prediction, for each row."""
        link = self.link or _identity
        none = np.empty(len(self.rows))
        mine, theirs = (_margin_of(side) for side in (self.rows, self.reference))
        other = link(theirs)
        for comparison in self.comparisons:
            own = other[comparison.reference]
            none[comparison.rows] = own if comparison.paired else own.mean()
        return none, link(mine)

    def mapped(self, linear_map: Matrix) -> Matrix:
        """Apply a linear map of the game of goals to every row: shape (n, P)."""
        if self.link is not None or any(comparison.paired for comparison in self.comparisons):
            return self._worth @ linear_map.T
        out = np.empty((len(self.rows), len(linear_map)))
        for comparison in self.comparisons:
            codes, reference = self._sides(comparison)
            game = MarginGame.against(self.forest, self.goal_of_feature, self.n_goals, reference.codes)
            part = game.apply(codes.codes, linear_map, self.effort.n_jobs)
            out[comparison.rows] = part + self._linear_goals(codes, reference) @ _additive(linear_map, self.n_goals)
        return out

    def contributions(self) -> Matrix:
        """Contribution of each goal: shape (n, K)."""
        return self.mapped(shapley_map(self.n_goals))

    def interactions(self) -> Matrix:
        """Interaction of each pair of goals: shape (n, K (K - 1) / 2)."""
        return self.mapped(interaction_map(self.n_goals))

    def features(self, rows: NDArray[np.intp]) -> tuple[Matrix, Matrix]:
        """Contributions of features for some rows.

        Parameters
        ----------
        rows : ndarray of int
            Positions.

        Returns
        -------
        points : ndarray of shape (rows, p)
            NaN where a feature is part of the rest of its goal.
        rest : ndarray of shape (rows, K)
            Contribution of the features without a number of their own.
        """
        points = np.full((len(rows), len(self.goal_of_feature)), np.nan)
        rest = np.zeros((len(rows), self.n_goals))
        for comparison in self.comparisons:
            inside = np.isin(rows, comparison.rows)
            if not inside.any():
                continue
            part = self._part(comparison, rows[inside])
            margin = self._owen(part)
            if self.link is None:
                points[inside] = margin
            else:
                points[inside], rest[inside] = self._strongest(part, margin, rows[inside])
        return points, rest

    def _part(self, comparison: Comparison, rows: NDArray[np.intp]) -> Comparison:
        if not comparison.paired:
            return type(comparison)(rows, comparison.reference)
        place = np.searchsorted(comparison.rows, rows)
        return type(comparison)(rows, comparison.reference[place], paired=True)

    def _sides(self, comparison: Comparison) -> tuple[Side, Side]:
        return self.rows.take(comparison.rows), self.reference.take(comparison.reference)

    def _linear_features(self, rows: Side, reference: Side, *, paired: bool) -> Matrix:
        """Linear part: value minus mean of the reference, feature by feature."""
        if rows.terms is None or reference.terms is None:
            return np.zeros((len(rows), len(self.goal_of_feature)))
        return rows.terms - (reference.terms if paired else reference.terms.mean(axis=0))

    def _linear_goals(self, rows: Side, reference: Side) -> Matrix:
        out = np.zeros((len(rows), self.n_goals))
        linear = self._linear_features(rows, reference, paired=False)
        np.add.at(out.T, self.goal_of_feature, linear.T)
        return out

    def _owen(self, comparison: Comparison) -> Matrix:
        """Owen values on the margin."""
        rows, reference = self._sides(comparison)
        if comparison.paired:
            trees = OwenGame.paired(self.forest, self.goal_of_feature, rows.codes, reference.codes)
        else:
            trees = OwenGame.against(self.forest, self.goal_of_feature, reference.codes).apply(rows.codes)
        return trees + self._linear_features(rows, reference, paired=comparison.paired)

    @cached_property
    def _link_game(self) -> LinkGame:
        return LinkGame.of(self.forest, self.intercept, self.link or _identity)

    @cached_property
    def _worth(self) -> Matrix:
        """Worth of every coalition of goals for every row: shape (n, 2^K)."""
        size = 1 << self.n_goals
        worth = np.empty((len(self.rows), size))
        worth[:, 0], worth[:, -1] = self.ends
        between = list(range(1, size - 1))
        for comparison in self.comparisons:
            worth[comparison.rows, 1:-1] = self._coalitions(comparison, self.goal_of_feature, between)
        return worth

    def _coalitions(self, comparison: Comparison, player: NDArray[np.int64], coalitions: list[int]) -> Matrix:
        rows, reference = self._sides(comparison)
        play = self._link_game.paired_worth if comparison.paired else self._link_game.worth
        return play(rows, reference, player, coalitions, self.effort.n_jobs, "coalitions")

    def _few_coalitions(
        self, comparison: Comparison, player: NDArray[np.int64], coalitions: NDArray[np.int64]
    ) -> Matrix:
        """Worth of coalitions of single features, most of which are absent from most trees."""
        rows, reference = self._sides(comparison)
        if comparison.paired:
            return self._link_game.paired_worth(rows, reference, player, coalitions.tolist())
        if len(rows) >= _SHARING_ROWS:
            return self._link_game.worth(rows, reference, player, coalitions.tolist())
        places = [np.array([place]) for place in range(len(rows))]
        alone = [self._link_game.worth_of_one(rows.take(p), reference, player, coalitions) for p in places]
        return np.stack(alone)

    def _strongest(self, comparison: Comparison, margin: Matrix, rows: NDArray[np.intp]) -> tuple[Matrix, Matrix]:
        """Owen values behind the link, for the features of each goal that are strongest on the margin."""
        points = np.full(margin.shape, np.nan)
        rest = np.zeros((len(rows), self.n_goals))
        jobs = [job for goal in range(self.n_goals) for job in self._same_strongest(margin, goal)]
        self._worth  # noqa: B018  # computed once, before threads ask for it

        def work(first: int, last: int) -> None:
            for goal, features, places in jobs[first:last]:
                values = self._owen_of_goal(self._part(comparison, rows[places]), goal, features)
                points[np.ix_(places, features)] = values[:, : len(features)]
                rest[places, goal] = values[:, len(features) :].sum(axis=1)

        in_blocks(work, len(jobs), 1, self.effort.n_jobs, "strongest features")
        return points, rest

    def _same_strongest(self, margin: Matrix, goal: int) -> list[tuple[int, NDArray[np.intp], NDArray[np.intp]]]:
        """Rows that have the same strongest features of a goal: goal, features, positions of the rows."""
        own = np.flatnonzero(self.goal_of_feature == goal)
        order = np.argsort(-np.abs(margin[:, own]), axis=1, kind="stable")
        top = np.sort(own[order[:, : self.effort.n_strongest]], axis=1)
        kinds, kind = np.unique(top, axis=0, return_inverse=True)
        by_kind = np.argsort(kind.ravel(), kind="stable")
        bounds = np.searchsorted(kind.ravel()[by_kind], np.arange(len(kinds) + 1))
        groups = [(kinds[k], by_kind[bounds[k] : bounds[k + 1]]) for k in range(len(kinds))]
        size = _JOB_ROWS
        return [(goal, features, p[a : a + size]) for features, p in groups for a in range(0, len(p), size)]

    def _owen_of_goal(self, comparison: Comparison, goal: int, features: NDArray[np.intp]) -> Matrix:
        """Owen values of some features of a goal and of its remaining features together."""
        own = np.flatnonzero(self.goal_of_feature == goal)
        n_inner = len(features) + (len(features) < len(own))
        n_outer = self.n_goals - 1
        player = np.where(self.goal_of_feature > goal, self.goal_of_feature - 1, self.goal_of_feature) + n_inner
        player[own] = len(features)
        player[features] = np.arange(len(features))
        outer = np.arange(1 << n_outer)
        goals = (outer & ((1 << goal) - 1)) | (outer >> goal << (goal + 1))
        worth = np.empty((len(comparison.rows), 1 << n_outer, 1 << n_inner))
        known = self._worth[comparison.rows]
        worth[:, :, 0], worth[:, :, -1] = known[:, goals], known[:, goals | 1 << goal]
        inner = np.arange(1, (1 << n_inner) - 1)
        if len(inner):
            asked = (outer[:, None] << n_inner | inner).ravel()
            found = self._few_coalitions(comparison, player, asked)
            worth[:, :, 1:-1] = found.reshape(len(found), len(outer), len(inner))
        return np.asarray(np.einsum("rto,pto->rp", worth, owen_maps(n_outer, n_inner), optimize=True))


def _additive(linear_map: Matrix, n_goals: int) -> Matrix:
    """Apply the map to a game that adds up one number per goal: shape (K, P)."""
    coalitions = np.arange(linear_map.shape[1])
    member = (coalitions[:, None] >> np.arange(n_goals) & 1).astype(float)
    return np.asarray((linear_map @ member).T)


def _margin_of(side: Side) -> Matrix:
    if side.margin is None:
        raise ValueError("a side of the engine needs the margins of its rows")
    return side.margin


def _identity(margin: Matrix) -> Matrix:
    return margin
