"""Features behind a link (percentage points): the strongest features of each goal one by one, the others as the rest.

For one row all goals are played at once, see the lattice of the kernels. Where many rows have the same strongest
features and trees are large, `LinkGame.worth` is the faster way, because rows share lines there.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from csrisk._explain._games._backend import kernels
from csrisk._explain._games._blocks import aligned
from csrisk._explain._games._game import owen_maps
from csrisk._machine import product

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from csrisk._explain._games._link_game import LinkGame, Side

    Matrix = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["PointsGame", "Table", "table_of"]

_NODES_AT_ONCE = 4096  # the codes gathered for a comparison of all nodes would take as much as the sides


@dataclass(frozen=True, eq=False)
class Table:
    """The game of one goal: some of its features, its rest, and the other goals."""

    goal: int
    features: NDArray[np.intp]
    player: Ints  # of each feature: `features` first, then the rest of the goal, if any, then the other goals
    n_inner: int  # players inside the goal
    n_outer: int  # other goals

    @property
    def size(self) -> int:
        """Number of coalitions."""
        return 1 << (self.n_inner + self.n_outer)

    def owen(self, worth: Matrix) -> tuple[Matrix, Matrix]:
        """Split the worth of all coalitions, shape (n, size), into that of the features and of the rest."""
        maps = owen_maps(self.n_outer, self.n_inner)
        values = product(worth, maps.reshape(len(maps), -1).T)
        return values[:, : len(self.features)], values[:, len(self.features) :].sum(axis=1)


def table_of(goal: int, features: NDArray[np.intp], goal_of_feature: Ints) -> Table:
    """Seat the players of a goal."""
    own, n_goals = np.flatnonzero(goal_of_feature == goal), int(goal_of_feature.max()) + 1
    n_inner = len(features) + (len(features) < len(own))
    # the number of this goal is free among the others, so those behind it move up
    player = np.where(goal_of_feature > goal, goal_of_feature - 1, goal_of_feature) + n_inner
    player[own] = len(features)
    player[features] = np.arange(len(features))
    return Table(goal, features, player, n_inner, n_goals - 1)


@dataclass(frozen=True, eq=False)
class PointsGame:
    """All coalitions of some tables, row by row, against one reference."""

    link: LinkGame
    reference: Side
    sides: NDArray[np.uint64]  # a bit for each reference row that goes left: shape (nodes, words)
    everyone: NDArray[np.uint64]  # a bit for each reference row

    @classmethod
    def against(cls, link: LinkGame, reference: Side) -> PointsGame:
        """Send the reference through the forest."""
        forest = link.forest
        sides = np.zeros((len(forest.column), -(-len(reference) // 64)), dtype=np.uint64)
        for first in range(0, len(sides), _NODES_AT_ONCE):
            nodes = slice(first, first + _NODES_AT_ONCE)
            sides[nodes] = _as_words(reference.codes[forest.column[nodes]] <= forest.cut[nodes, None])
        return cls(link, reference, sides, _as_words(np.ones((1, len(reference)), dtype=bool))[0])

    def worth(self, row: Side, tables: Sequence[Table]) -> list[Matrix]:
        """Worth of all coalitions of each table for one row."""
        forest = self.link.forest
        player, games = _common_players(tables)
        first = np.concatenate([[0], np.cumsum([table.size for table in tables])]).astype(np.int64)
        margin = aligned(int(first[-1]), -(-len(self.reference) // 8) * 8)
        kernels().lattice_margins(
            forest.node_start,
            forest.leaf_start,
            forest.left,
            forest.right,
            forest.value,
            player[forest.feature],
            row.codes[forest.column, 0] <= forest.cut,
            self.sides,
            self.everyone,
            games,
            first,
            margin,
        )
        # what stands behind the reference is padding and must not enter the mean
        total = margin[:, : len(self.reference)] + self.link.intercept
        if row.terms is not None and self.reference.terms is not None:
            # not strict: `first` also says where the last table ends
            for table, start in zip(tables, first, strict=False):
                mine = (np.arange(table.size)[:, None] >> table.player & 1).astype(float)
                linear = product(mine, row.terms[0][:, None]) + product(1 - mine, self.reference.terms.T)
                total[start : start + table.size] += linear
        worth = self.link.link(total).mean(axis=1)
        return [worth[a:b] for a, b in itertools.pairwise(first)]


def _common_players(tables: Sequence[Table]) -> tuple[Ints, Ints]:
    """Players fine enough for all tables: the player of each feature, and the bit of each player in each table."""
    seats = np.stack([table.player for table in tables])
    kinds, player = np.unique(seats, axis=1, return_inverse=True)
    return player.reshape(-1).astype(np.int64), np.ascontiguousarray(kinds).astype(np.int64)


def _as_words(flags: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Pack flags, the first as the lowest bit: shape (n, words)."""
    bits = np.zeros((len(flags), -(-flags.shape[1] // 64) * 64), dtype=bool)
    bits[:, : flags.shape[1]] = flags
    # "<u8": as the bytes stand, whatever the order of bytes of the machine
    return np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)
