"""Features behind a link (percentage points): the strongest features of each goal one by one, the others as the rest.

For one row all goals are played at once, see `csrisk._explain._lattice`. Where many rows have the same strongest
features and trees are large, `LinkGame.worth` is the faster way, because rows share lines there.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from csrisk._explain._backend import kernels
from csrisk._explain._game import owen_maps
from csrisk._products import product

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from csrisk._explain._link_game import LinkGame, Side

    Matrix = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["PointsGame", "Table", "table_of"]

_NODES_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Table:
    """The game of one goal: some of its features, its rest, and the other goals.

    Parameters
    ----------
    goal : int
        The goal.
    features : ndarray of int
        Features with a number of their own.
    player : ndarray of int
        Player that brings each feature: `features` first, then the rest of the goal, if any, then the other goals.
    n_inner, n_outer : int
        Players inside the goal, and other goals.
    """

    goal: int
    features: NDArray[np.intp]
    player: Ints
    n_inner: int
    n_outer: int

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
    player = np.where(goal_of_feature > goal, goal_of_feature - 1, goal_of_feature) + n_inner
    player[own] = len(features)
    player[features] = np.arange(len(features))
    return Table(goal, features, player, n_inner, n_goals - 1)


@dataclass(frozen=True, eq=False)
class PointsGame:
    """All coalitions of some tables, row by row, against one reference.

    Parameters
    ----------
    link : LinkGame
        The forest and the link.
    reference : Side
        What is compared with.
    masks : ndarray of uint8
        Sides of the reference rows at each node, see `lattice_margins`.
    """

    link: LinkGame
    reference: Side
    masks: NDArray[np.uint8]

    @classmethod
    def against(cls, link: LinkGame, reference: Side) -> PointsGame:
        """Send the reference through the forest."""
        forest = link.forest
        sides = np.zeros((len(forest.column), -(-len(reference) // 8) * 8), dtype=bool)
        for first in range(0, len(sides), _NODES_AT_ONCE):
            nodes = slice(first, first + _NODES_AT_ONCE)
            sides[nodes, : len(reference)] = reference.codes[forest.column[nodes]] <= forest.cut[nodes, None]
        return cls(link, reference, np.packbits(sides, axis=1, bitorder="little"))

    def worth(self, row: Side, tables: Sequence[Table]) -> list[Matrix]:
        """Worth of all coalitions of each table for one row."""
        forest = self.link.forest
        player, games = _common_players(tables)
        first = np.concatenate([[0], np.cumsum([table.size for table in tables])]).astype(np.int64)
        margin = _aligned(int(first[-1]), 8 * self.masks.shape[1])
        kernels().lattice_margins(
            forest.node_start,
            forest.leaf_start,
            forest.left,
            forest.right,
            forest.value,
            player[forest.feature],
            row.codes[forest.column, 0] <= forest.cut,
            self.masks,
            games,
            first,
            margin,
        )
        total = margin[:, : len(self.reference)] + self.link.intercept
        if row.terms is not None and self.reference.terms is not None:
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


def _aligned(n_rows: int, n_columns: int) -> Matrix:
    """Zeros that begin at a cache line."""
    room = np.zeros(n_rows * n_columns + 8)
    skip = -(room.ctypes.data // 8) % 8
    return room[skip : skip + n_rows * n_columns].reshape(n_rows, n_columns)
