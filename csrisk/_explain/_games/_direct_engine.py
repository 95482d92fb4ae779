"""Contributions for any function, by predicting every coalition. The cost is said before it is paid."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from csrisk._explain._games._blocks import in_blocks
from csrisk._explain._games._direct import coalition_values, n_predictions
from csrisk._explain._games._game import interaction_map, owen_maps, shapley_map
from csrisk._machine import product
from csrisk._text import number
from csrisk.exceptions import CsriskWarning, ExplanationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from csrisk._explain._reference import Comparison

    Matrix = NDArray[np.float64]

__all__ = ["DirectEngine"]

_WORTH_SAYING_SECONDS, _ROWS_AT_ONCE = 20.0, 64


@dataclass(frozen=True, eq=False)
class DirectEngine:
    """Everything needed to explain rows of any model."""

    function: Callable[[Matrix], Matrix]
    goal_of_feature: NDArray[np.int64]
    rows: Matrix
    reference: Matrix
    comparisons: tuple[Comparison, ...]
    n_strongest: int = 3

    @property
    def n_goals(self) -> int:
        """Number of goals K."""
        return int(self.goal_of_feature.max()) + 1

    @cached_property
    def ends(self) -> tuple[Matrix, Matrix]:
        """Mean of the reference and prediction, for each row."""
        return self._worth[:, 0], self._worth[:, -1]

    def mapped(self, linear_map: Matrix) -> Matrix:
        """Apply a linear map of the game of goals to every row: shape (n, P)."""
        return np.asarray(product(self._worth, linear_map.T))

    def contributions(self) -> Matrix:
        """Contribution of each goal: shape (n, K)."""
        return self.mapped(shapley_map(self.n_goals))

    def interactions(self) -> Matrix:
        """Interaction of each pair of goals: shape (n, K (K - 1) / 2)."""
        return self.mapped(interaction_map(self.n_goals))

    def features(self, rows: NDArray[np.intp], *, opened: bool = False) -> tuple[Matrix, Matrix]:  # noqa: ARG002  # dear
        """Contributions of features for some rows: points (NaN in the rest of a goal) and the rest of each goal.

        A rest is never opened: each of its features would double the rows that the model must predict.
        """
        points = np.full((len(rows), len(self.goal_of_feature)), np.nan)
        rest = np.zeros((len(rows), self.n_goals))
        self._say_cost(self._n_for_features(rows), len(rows))

        def work(first: int, last: int) -> None:
            for place in range(first, last):
                reference = self._reference_of(int(rows[place]))
                alone = self._alone(self.rows[rows[place]], reference)
                for goal in range(self.n_goals):
                    own = np.flatnonzero(self.goal_of_feature == goal)
                    order = np.argsort(-np.abs(alone[own]), kind="stable")
                    top = np.sort(own[order[: self.n_strongest]])
                    values = self._owen_of_goal(self.rows[rows[[place]]], reference, goal, top)
                    points[place, top] = values[: len(top)]
                    rest[place, goal] = values[len(top) :].sum()

        in_blocks(work, len(rows), 1, 1, "strongest features")
        return points, rest

    def _n_for_features(self, rows: NDArray[np.intp]) -> int:
        """Count the rows that are predicted for the features of some rows."""
        sizes = np.bincount(self.goal_of_feature, minlength=self.n_goals)
        inner = [min(int(size), self.n_strongest + 1) for size in sizes]
        each = [n_predictions(1, len(self._reference_of(int(rows[0]))), k + self.n_goals - 1) for k in inner]
        return len(rows) * sum(each)

    def _reference_of(self, row: int) -> Matrix:
        for comparison in self.comparisons:
            place = np.flatnonzero(comparison.rows == row)
            if len(place):
                chosen = comparison.reference[place] if comparison.paired else comparison.reference
                return self.reference[chosen]
        raise IndexError(row)

    def _alone(self, row: Matrix, reference: Matrix) -> Matrix:
        """Effect of giving the row each feature of a middle reference row; ranks features only."""
        # one reference row: p + 1 predictions for an account; it decides which features get a number, not the numbers
        middle = reference[len(reference) // 2]
        changed = np.tile(row, (len(row), 1))
        np.fill_diagonal(changed, middle)
        return np.asarray(self.function(row[None])[0] - self.function(changed))

    def _owen_of_goal(self, row: Matrix, reference: Matrix, goal: int, features: NDArray[np.intp]) -> Matrix:
        own = np.flatnonzero(self.goal_of_feature == goal)
        players = [np.array([feature]) for feature in features]
        if len(features) < len(own):
            players.append(np.setdiff1d(own, features))
        n_inner = len(players)
        players += [np.flatnonzero(self.goal_of_feature == g) for g in range(self.n_goals) if g != goal]
        # inner players came first and hold the low bits: [outer, inner]
        worth = coalition_values(self.function, row, reference, players).reshape(-1, 1 << n_inner)
        return np.asarray(np.einsum("to,pto->p", worth, owen_maps(self.n_goals - 1, n_inner)))

    @cached_property
    def _worth(self) -> Matrix:
        """Worth of every coalition of goals for every row: shape (n, 2^K)."""
        each = [(len(c.rows), 1 if c.paired else len(c.reference)) for c in self.comparisons]
        self._say_cost(sum(n_predictions(n, m, self.n_goals) for n, m in each), len(self.rows))
        players = [np.flatnonzero(self.goal_of_feature == goal) for goal in range(self.n_goals)]
        worth = np.empty((len(self.rows), 1 << self.n_goals))
        for comparison in self.comparisons:
            self._play(comparison, players, worth)
        # an infinite worth would turn contributions into NaN, as weights of both signs meet it
        if not np.isfinite(worth).all():
            message = (
                "some mixed rows are predicted with certainty, and the log-odds of 0 and 1 are infinite; explain "
                "output='probability', or smooth the model (for a forest: a larger min_samples_leaf)"
            )
            raise ExplanationError(message)
        return worth

    def _play(self, comparison: Comparison, players: list[NDArray[np.intp]], worth: Matrix) -> None:
        def work(first: int, last: int) -> None:
            rows = comparison.rows[first:last]
            if not comparison.paired:
                reference = self.reference[comparison.reference]
                worth[rows] = coalition_values(self.function, self.rows[rows], reference, players)
                return
            for row, other in zip(rows, comparison.reference[first:last], strict=True):
                worth[row] = coalition_values(self.function, self.rows[[row]], self.reference[[other]], players)

        in_blocks(work, len(comparison.rows), _ROWS_AT_ONCE, 1, "coalitions")

    def _say_cost(self, total: int, n_rows: int) -> None:
        # np.resize repeats rows: a few rows would time the call and not the work
        sample = np.resize(self.reference, (min(total, 2000), self.reference.shape[1]))
        start = time.perf_counter()
        self.function(sample)
        seconds = (time.perf_counter() - start) / len(sample) * total
        if seconds > _WORTH_SAYING_SECONDS:
            message = (
                f"{number(total, 0)} predictions are needed to explain {number(n_rows, 0)} snapshots of a model "
                f"without readable trees, about {number(seconds, 0)} seconds; explain fewer snapshots or lower "
                "n_reference"
            )
            warnings.warn(message, CsriskWarning, stacklevel=2)
