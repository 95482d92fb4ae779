"""Contributions for models whose margin is a forest, perhaps with a linear part: compiled exact games."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from csrisk._explain._games._game import interaction_map, shapley_map
from csrisk._explain._games._link_game import LinkGame, Side
from csrisk._explain._games._margin_game import MarginGame
from csrisk._explain._games._opened import open_rest
from csrisk._explain._games._owen_game import OwenGame
from csrisk._explain._games._strongest import Effort, Sides, strongest_features
from csrisk._explain._kept import Kept
from csrisk._machine import product

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from csrisk._explain._adapters._codes import Forest
    from csrisk._explain._reference import Comparison

    Matrix = NDArray[np.float64]

__all__ = ["Effort", "TreeEngine"]


@dataclass(frozen=True, eq=False)
class TreeEngine:
    """Everything needed to explain rows against their reference."""

    forest: Forest
    link: Callable[[Matrix], Matrix] | None  # None explains margins
    intercept: float  # of the margin, beside trees and linear terms
    goal_of_feature: NDArray[np.int64]
    rows: Side
    reference: Side
    comparisons: tuple[Comparison, ...]
    effort: Effort
    kept: Kept = field(default_factory=Kept)  # of the same forest

    @property
    def n_goals(self) -> int:
        """Number of goals K."""
        return int(self.goal_of_feature.max()) + 1

    @cached_property
    def ends(self) -> tuple[Matrix, Matrix]:
        """Mean of the reference and prediction, for each row."""
        link = self.link or _identity
        none = np.empty(len(self.rows))
        # margins that the model itself gives, not sums over the trees here, which add in another order
        mine, theirs = (_margin_of(side) for side in (self.rows, self.reference))
        other = link(theirs)
        for comparison in self.comparisons:
            own = other[comparison.reference]
            none[comparison.rows] = own if comparison.paired else own.mean()
        return none, link(mine)

    def mapped(self, linear_map: Matrix) -> Matrix:
        """Apply a linear map of the game of goals to every row: shape (n, P)."""
        # behind a link every mixed row counts, and of pairs each row would need tables of its own
        if self.link is not None or any(comparison.paired for comparison in self.comparisons):
            return np.asarray(product(self._worth, linear_map.T))
        out = np.empty((len(self.rows), len(linear_map)))
        for comparison in self.comparisons:
            codes, reference = self._sides(comparison)
            game = self.kept.get(
                "goals",
                (self.goal_of_feature, reference.codes),
                partial(MarginGame.against, self.forest, self.goal_of_feature, self.n_goals, reference.codes),
            )
            part = game.apply(codes.codes, linear_map, self.effort.n_jobs)
            # the linear part adds up over features, so that its game needs one number for each goal
            out[comparison.rows] = part + product(
                self._linear_goals(codes, reference), _additive(linear_map, self.n_goals)
            )
        return out

    def contributions(self) -> Matrix:
        """Contribution of each goal: shape (n, K)."""
        return self.mapped(shapley_map(self.n_goals))

    def interactions(self) -> Matrix:
        """Interaction of each pair of goals: shape (n, K (K - 1) / 2)."""
        return self.mapped(interaction_map(self.n_goals))

    def features(self, rows: NDArray[np.intp], *, opened: bool = False) -> tuple[Matrix, Matrix]:
        """Contributions of features for some rows."""
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
                continue
            sides, goals = Sides(*self._sides(part), part.paired), self.goal_of_feature
            found = strongest_features(self._link_game, sides, margin, self._worth[part.rows], goals, self.effort)
            if opened:
                found = open_rest(self._link_game, sides, margin, goals, *found)
            points[inside], rest[inside] = found
        return points, rest

    def _part(self, comparison: Comparison, rows: NDArray[np.intp]) -> Comparison:
        if not comparison.paired:
            return type(comparison)(rows, comparison.reference)
        # rows of a comparison are in rising order, as Reference.comparisons makes them
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
        # add.at: features share a goal, and += would keep the last of them only
        np.add.at(out.T, self.goal_of_feature, linear.T)
        return out

    def _owen(self, comparison: Comparison) -> Matrix:
        """Owen values on the margin."""
        rows, reference = self._sides(comparison)
        if comparison.paired:
            trees = OwenGame.paired(self.forest, self.goal_of_feature, rows.codes, reference.codes)
        else:
            game = self.kept.get(
                "features",
                (self.goal_of_feature, reference.codes),
                partial(OwenGame.against, self.forest, self.goal_of_feature, reference.codes),
            )
            trees = game.apply(rows.codes, self.effort.n_jobs)
        return trees + self._linear_features(rows, reference, paired=comparison.paired)

    @cached_property
    def _link_game(self) -> LinkGame:
        return LinkGame.of(self.forest, self.intercept, self.link or _identity)

    @cached_property
    def _worth(self) -> Matrix:
        """Worth of every coalition of goals for every row: shape (n, 2^K)."""
        size = 1 << self.n_goals
        worth = np.empty((len(self.rows), size))
        # these are the numbers that are printed; played again they could differ in the last bits
        worth[:, 0], worth[:, -1] = self.ends
        between = list(range(1, size - 1))
        for comparison in self.comparisons:
            worth[comparison.rows, 1:-1] = self._coalitions(comparison, self.goal_of_feature, between)
        return worth

    def _coalitions(self, comparison: Comparison, player: NDArray[np.int64], coalitions: list[int]) -> Matrix:
        rows, reference = self._sides(comparison)
        game, how = self._link_game, (self.effort.n_jobs, "coalitions")
        if comparison.paired:
            return game.paired_worth(rows, reference, player, coalitions, *how)
        words = self.kept.get("open leaves", (player, reference.codes), lambda: game.words(reference.codes, player))
        return game.worth(rows, reference, player, coalitions, *how, words=words)


def _additive(linear_map: Matrix, n_goals: int) -> Matrix:
    """Apply the map to a game that adds up one number per goal: shape (K, P)."""
    coalitions = np.arange(linear_map.shape[1])
    member = (coalitions[:, None] >> np.arange(n_goals) & 1).astype(float)
    return np.asarray(product(linear_map, member).T)


def _margin_of(side: Side) -> Matrix:
    if side.margin is None:
        raise ValueError("a side of the engine needs the margins of its rows")
    return side.margin


def _identity(margin: Matrix) -> Matrix:
    return margin
