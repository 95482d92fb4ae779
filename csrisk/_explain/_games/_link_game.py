"""The game behind a link (probability): the margin of every mixed row is needed, because the link is not linear.

Each tree and player has one bit per leaf: set if the splits of that player leave the leaf open. The leaf of the row
that takes the players of S from x and the others from z is the one bit left in ``AND over S of x's words & AND over
notS of z's words``. Rows that share the same open leaves share their line of outputs.

Coalitions are played as a tree of prefixes, player by player: what a tree of the forest adds depends on its own players
alone, so that it is added where the last of them has taken a side, and counts for every coalition below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from csrisk._explain._games._backend import kernels
from csrisk._explain._games._blocks import aligned, in_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from csrisk._explain._adapters._codes import Forest

    Matrix = NDArray[np.float64]

__all__ = ["LinkGame", "Side"]

_WORD_BYTES, _LINE_BYTES, _MOST_ROWS = 48 << 20, 24 << 20, 1024


@dataclass(frozen=True, eq=False)
class Side:
    """Rows on one side of the game."""

    codes: NDArray[Any]  # shape (columns, n)
    terms: Matrix | None = None  # linear part of the margin by feature, shape (n, p)
    margin: Matrix | None = None  # what the model itself gives, shape (n,)

    def __len__(self) -> int:
        return int(self.codes.shape[1])

    def take(self, rows: NDArray[np.intp] | slice) -> Side:
        """Take some of the rows."""
        terms = None if self.terms is None else self.terms[rows]
        margin = None if self.margin is None else self.margin[rows]
        # an array with gaps is another type to numba, which would compile every kernel once more
        return Side(np.ascontiguousarray(self.codes[:, rows]), terms, margin)

    def linear(self, columns: NDArray[np.bool_]) -> Matrix:
        """Linear part of some features."""
        return np.zeros(len(self)) if self.terms is None else self.terms[:, columns].sum(axis=1)


@dataclass(frozen=True, eq=False)
class LinkGame:
    """Mean of a link over mixed rows."""

    forest: Forest
    left_leaves: NDArray[np.uint64]  # leaves below each side of each node, as bits of 64-bit words
    right_leaves: NDArray[np.uint64]
    intercept: float
    link: Callable[[Matrix], Matrix]

    @classmethod
    def of(cls, forest: Forest, intercept: float, link: Callable[[Matrix], Matrix]) -> LinkGame:
        """Set up the game of a forest."""
        return cls(forest, *forest.leaves_below, intercept, link)

    def worth(
        self,
        rows: Side,
        reference: Side,
        player_of_feature: NDArray[np.int64],
        coalitions: Sequence[int],
        n_jobs: int = 1,
        title: str = "",
        *,
        words: NDArray[np.uint64] | None = None,
    ) -> Matrix:
        """Worth of some coalitions for every row; `words` are those of the reference, where they are known."""
        others = self.words(reference.codes, player_of_feature) if words is None else words
        asked = self.forest.asked(player_of_feature)
        order = _in_turn(asked, int(player_of_feature.max()) + 1)
        stages = _stages(order, asked)
        first_players = [sum(1 << player for player in order[:stage]) for stage in range(len(stages))]
        begun = [{coalition & players for coalition in coalitions} for players in first_players]
        values = np.empty((len(rows), len(coalitions)))
        place = {coalition: column for column, coalition in enumerate(coalitions)}
        forest, run = self.forest, kernels()

        def work(first: int, last: int) -> None:
            part = rows.take(slice(first, last))
            mine = self.words(part.codes, player_of_feature)
            # for each block its own, as blocks run in threads
            levels, table = _rooms(len(part), len(reference), len(stages))

            def play(stage: int, coalition: int) -> None:
                """Add the trees of a stage to what its players before have made of the coalition."""
                level = levels[stage]
                level[:] = levels[stage - 1] if stage else 0.0
                run.mixed_margins(
                    mine, others, forest.leaf_start, forest.value, stages[stage], asked, coalition, level, table
                )
                if stage == len(order):
                    finish(coalition, level[:, : len(reference)])
                    return
                for next_one in (coalition, coalition | 1 << order[stage]):
                    if next_one in begun[stage + 1]:
                        play(stage + 1, next_one)

            def finish(coalition: int, margin: Matrix) -> None:
                inside = (coalition >> player_of_feature & 1).astype(bool)
                beside = (part.linear(inside) + self.intercept)[:, None] + reference.linear(~inside)
                values[first:last, place[coalition]] = self.link(margin + beside).mean(axis=1)

            play(0, 0)

        in_blocks(work, len(rows), self._rows_at_once(len(order), len(reference)), n_jobs, title)
        return values

    def paired_worth(
        self,
        rows: Side,
        partners: Side,
        player_of_feature: NDArray[np.int64],
        coalitions: Sequence[int],
        n_jobs: int = 1,
        title: str = "",
    ) -> Matrix:
        """Worth of some coalitions for rows that each have one reference row of their own; see `worth`."""
        n_players = int(player_of_feature.max()) + 1
        values = np.empty((len(rows), len(coalitions)))
        member = np.arange(n_players)

        def work(first: int, last: int) -> None:
            part, other = rows.take(slice(first, last)), partners.take(slice(first, last))
            words = [self.words(side.codes, player_of_feature) for side in (part, other)]
            for place, coalition in enumerate(coalitions):
                mine = (coalition >> member & 1).astype(bool)[player_of_feature]
                margin = part.linear(mine) + other.linear(~mine) + self.intercept
                kernels().paired_margins(*words, self.forest.leaf_start, self.forest.value, coalition, margin)
                values[first:last, place] = self.link(margin)

        in_blocks(work, len(rows), self._rows_at_once(2 * n_players, 1), n_jobs, title)
        return values

    def words(self, codes: NDArray[Any], player_of_feature: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Say with a bit for each leaf whether a player leaves it open: shape (trees, players, words, n)."""
        forest, n_players = self.forest, int(player_of_feature.max()) + 1
        shape = (forest.n_trees, n_players, self.left_leaves.shape[1], codes.shape[1])
        # bits behind the last leaf of a tree stay set; they are harmless, as the lowest open bit counts
        words = np.full(shape, ~np.uint64(0))
        player = player_of_feature[forest.feature]
        kernels().leaf_words(
            forest.node_start, forest.column, forest.cut, codes, player, self.left_leaves, self.right_leaves, words
        )
        return words

    def _rows_at_once(self, n_players: int, n_reference: int) -> int:
        row_words = 8 * self.forest.n_trees * n_players * self.left_leaves.shape[1]
        # a line of sums for each stage and six of trees, eight bytes each
        fits = min(_WORD_BYTES // max(row_words, 1), _LINE_BYTES // (8 * (n_players + 7) * (n_reference + 8)))
        return int(max(16, min(_MOST_ROWS, fits)))


def _in_turn(asked: NDArray[np.int64], n_players: int) -> list[int]:
    """Players in the order in which they take sides: those that most trees ask first."""
    times = (asked[:, None] >> np.arange(n_players) & 1).sum(axis=0)
    return list(np.argsort(-times, kind="stable").tolist())


def _stages(order: Sequence[int], asked: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """Trees by the last of their players: those without one first, then those of each player in turn."""
    last = np.zeros(len(asked), dtype=np.int64)
    for turn, player in enumerate(order):
        last[asked >> player & 1 == 1] = turn + 1
    return [np.flatnonzero(last == stage) for stage in range(len(order) + 1)]


def _rooms(n_rows: int, n_reference: int, n_stages: int) -> tuple[Matrix, Matrix]:
    """Make room for the sums of each stage and for the kernel: (n, m padded to 8)."""
    wide = -(-n_reference // 8) * 8
    lines = aligned((n_stages + 6) * n_rows, wide).reshape(n_stages + 6, n_rows, wide)
    return lines[:n_stages], lines[n_stages:]
