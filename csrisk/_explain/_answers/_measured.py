"""Goals that nobody measured of an account carry no points: what the model makes of the silence is context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from csrisk._explain._games._game import leave_one_out_map, pairs
from csrisk._goals import Goal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from csrisk.features import Feature

    Matrix = NDArray[np.float64]
    Flags = NDArray[np.bool_]

__all__ = ["Game", "Engine", "MeasuredGame", "measured_game", "silent_goals"]


class Game(Protocol):
    """What an explanation asks of the engine that made it, for numbers that are computed only when wanted."""

    def interactions(self) -> Matrix:
        """Interaction of each pair of goals."""

    def without(self) -> Matrix:
        """Prediction less that with one goal as in the reference."""

    def moved(self) -> Matrix:
        """Say for each row what the goals that were not measured would have carried."""

    @property
    def silent(self) -> NDArray[np.bool_]:
        """Whether nothing is known of a goal for a row."""

    def features(self, rows: NDArray[np.intp], *, opened: bool = False) -> tuple[Matrix, Matrix]:
        """Contributions of features and of the rest of each goal, opened further if asked for."""


class Engine(Protocol):
    """What is asked of an engine that plays the game of the goals."""

    def contributions(self) -> Matrix:
        """Contribution of each goal."""

    def interactions(self) -> Matrix:
        """Interaction of each pair of goals."""

    def mapped(self, linear_map: Matrix) -> Matrix:
        """Apply any linear map of the game of goals."""

    def features(self, rows: NDArray[np.intp], *, opened: bool = False) -> tuple[Matrix, Matrix]:
        """Contributions of features and of the rest of each goal, opened further if asked for."""


@dataclass(frozen=True, eq=False)
class MeasuredGame:
    """The game of an engine, in which what was not measured moves points to context alone."""

    engine: Engine
    goals: tuple[Goal, ...]
    place: NDArray[np.intp]  # where each goal of the engine stands among `goals`
    silent: Flags
    columns: tuple[NDArray[np.intp], ...]  # features of each goal

    def contributions(self) -> Matrix:
        """Contribution of each goal: 0 where it was not measured."""
        points = self._wide(self.engine.contributions())
        return self._move(points, points, self.silent)

    def moved(self) -> Matrix:
        """Say for each row what the goals that were not measured would have carried."""
        points = self._wide(self.engine.contributions())
        return np.asarray(np.where(self.silent, points, 0.0).sum(axis=1))

    def interactions(self) -> Matrix:
        """Interaction of each pair of goals: 0 where one of them was not measured."""
        played = self.engine.interactions()
        square = np.zeros((len(played), len(self.goals), len(self.goals)))
        for column, (one, other) in enumerate(pairs(len(self.place))):
            a, b = sorted((int(self.place[one]), int(self.place[other])))
            square[:, a, b] = played[:, column]
        square[self.silent] = 0.0
        square.transpose(0, 2, 1)[self.silent] = 0.0
        ends = np.array(pairs(len(self.goals)), dtype=np.intp).reshape(-1, 2)
        return np.asarray(square[:, ends[:, 0], ends[:, 1]])

    def without(self) -> Matrix:
        """Prediction less that with one goal as in the reference."""
        return self._wide(self.engine.mapped(leave_one_out_map(len(self.place))))

    def features(self, rows: NDArray[np.intp], *, opened: bool = False) -> tuple[Matrix, Matrix]:
        """Contributions of features, and of what has no number of its own in each goal."""
        points, rest = self.engine.features(rows, opened=opened)
        rest, silent = self._wide(rest), self.silent[rows]
        total = rest.copy()
        for goal, own in enumerate(self.columns):
            here = np.flatnonzero(silent[:, goal])
            # before they are blanked: context takes the whole goal, named features and rest
            total[:, goal] += np.nansum(points[:, own], axis=1)
            points[np.ix_(here, own)] = np.nan
        return points, self._move(rest, total, silent)

    def _wide(self, played: Matrix) -> Matrix:
        out = np.zeros((len(played), len(self.goals)))
        out[:, self.place] = played
        return out

    def _move(self, points: Matrix, total: Matrix, silent: Flags) -> Matrix:
        """Take the total of goals that were not measured over into context."""
        if not silent.any():
            return points
        out = np.where(silent, 0.0, points)
        out[:, self.goals.index(Goal.CONTEXT)] += np.where(silent, total, 0.0).sum(axis=1)
        return out


def measured_game(
    engine: Engine, players: Mapping[Goal, NDArray[np.intp]], declared: Sequence[Feature], values: pd.DataFrame
) -> MeasuredGame:
    """Put what is known of each row between an engine and its explanation."""
    silent = silent_goals(players, declared, values)
    goals, columns = tuple(players), tuple(players.values())
    # what the model makes of the silence needs a place, or nothing would add up
    if silent.any() and Goal.CONTEXT not in players:
        goals = tuple(goal for goal in Goal if goal in players or goal == Goal.CONTEXT)
        columns = tuple(players.get(goal, np.array([], dtype=np.intp)) for goal in goals)
    place = np.array([goals.index(goal) for goal in players], dtype=np.intp)
    wide = np.zeros((len(values), len(goals)), dtype=bool)
    wide[:, place] = silent
    return MeasuredGame(engine, goals, place, wide, columns)


def silent_goals(players: Mapping[Goal, NDArray[np.intp]], declared: Sequence[Feature], values: pd.DataFrame) -> Flags:
    """Say for each row and goal whether no feature tells anything of it; what the account is (context) is known.

    A missing value tells nothing. Nor does a 0 of a family that counts rows of the account, beside missing ones:
    without a single row every count is 0, and what needs a row (the days since the last) is missing.
    """
    known = values.notna().to_numpy()
    told, counting = known.copy(), _counting_families()
    numeric = [pd.api.types.is_numeric_dtype(dtype) for dtype in values.dtypes]
    counts = [at for at, feature in enumerate(declared) if feature.family in counting and numeric[at]]
    told[:, counts] &= values.iloc[:, counts].to_numpy(np.float64, na_value=np.nan) != 0
    said = [
        told[:, own].any(axis=1) | known[:, own].all(axis=1) | (goal == Goal.CONTEXT) for goal, own in players.items()
    ]
    return ~np.column_stack(said)


def _counting_families() -> frozenset[str]:
    from csrisk import features

    return frozenset(type(builder).__name__ for builder in features.all_builders() if getattr(builder, "counts", False))
