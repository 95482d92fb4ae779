"""Context first: what kind of account it is explains before the goals do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from csrisk._explain._games._game import shapley_map
from csrisk._goals import Goal
from csrisk.exceptions import ExplanationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from csrisk._explain._answers._measured import Engine
    from csrisk.features import Feature

    Matrix = NDArray[np.float64]

__all__ = ["ContextFirst", "column_of"]


@dataclass(frozen=True, eq=False)
class ContextFirst:
    """The game of an engine within segments, to which context brings how the segment differs from the book.

    ``v(S)`` of the engine compares with the segment. Here it is lower by the shift for coalitions without context, so
    ``v(none)`` is the mean of the book, context takes the shift, and the sum over the goals holds as before. Within a
    segment its own column is the same on both sides and takes nothing: in the game of features the shift is all it has.
    """

    engine: Engine
    context: int  # which player is context
    column: int  # which feature is the segment
    shift: Matrix  # mean of the own segment less that of the book, shape (n,)
    n_goals: int

    def mapped(self, linear_map: Matrix) -> Matrix:
        """Apply a linear map of the game of goals, whose rows sum to zero, to every row."""
        inside = np.arange(1 << self.n_goals) >> self.context & 1 == 1
        # lower without context is the same as higher with it, as rows of the map sum to zero
        brought = self.shift[:, None] * linear_map[:, inside].sum(axis=1)
        return np.asarray(self.engine.mapped(linear_map) + brought)

    def contributions(self) -> Matrix:
        """Contribution of each goal."""
        return self.mapped(shapley_map(self.n_goals))

    def interactions(self) -> Matrix:
        """Interaction of each pair of goals: the shift adds to context alone."""
        return self.engine.interactions()

    def features(self, rows: NDArray[np.intp], *, opened: bool = False) -> tuple[Matrix, Matrix]:
        """Contributions of features and of the rest of each goal; the shift belongs to the segment."""
        points, rest = self.engine.features(rows, opened=opened)
        # NaN where the segment is in the rest of its goal: then the shift is all that it has by itself
        points[:, self.column] = np.nan_to_num(points[:, self.column]) + self.shift[rows]
        return points, rest


def column_of(name: str, declared: Sequence[Feature]) -> int:
    """Find the column that comes first among the features of the model; it must be context."""
    place = next((at for at, feature in enumerate(declared) if feature.name == name), None)
    if place is None or declared[place].goal != Goal.CONTEXT:
        what = "is no feature of the model" if place is None else f"serves the goal {declared[place].goal!s}"
        raise ExplanationError(f"first={name!r} {what}; name a feature of the model whose goal is context")
    return place
