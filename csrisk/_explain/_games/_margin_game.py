"""The goal game on the margin (log-odds) of a forest, exact for a reference of any size.

For leaf l let A_l(x) be the players all of whose splits on the path x satisfies, B_l(z) the same for z. Then
``F(x_S, z_notS) = sum_l w_l [S in A_l(x)] [notS in B_l(z)]``, so the reference enters through counts of B_l alone:
``v(S) = sum_l [S in A_l(x)] q[l, S]`` with ``q[l, S] = w_l P(notS in B_l)``. Every linear map of v (Shapley values,
interactions, leave one out) is then a sum of table rows.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from csrisk._explain._games._backend import kernels
from csrisk._explain._games._blocks import aligned, chunks
from csrisk._explain._kernels._layout import INDEX_BITS, MOST_BITS
from csrisk._explain._kernels._tabulate import Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk._explain._adapters._codes import Forest

    Matrix = NDArray[np.float64]

__all__ = ["MarginGame", "layout_of"]

_TABLE_BYTES = 64 << 20


def layout_of(forest: Forest, player_of_feature: NDArray[np.int64], n_players: int) -> tuple[Layout, NDArray[np.int64]]:
    """Lay the players on the paths of a forest; also give the players of each leaf by position."""
    run = kernels()
    edges = run.parents(forest.node_start, forest.leaf_start, forest.left, forest.right)
    player = player_of_feature[forest.feature]
    position, width, leaf_width, leaf_player = run.path_positions(
        forest.node_start, forest.leaf_start, edges[0], edges[2], player, n_players
    )
    piece, bit, piece_start, piece_root, piece_bits = run.group_nodes(
        forest.node_start, forest.left, forest.right, width, INDEX_BITS, MOST_BITS
    )
    layout = Layout(
        forest.node_start,
        forest.leaf_start,
        forest.column,
        forest.cut,
        forest.left,
        forest.right,
        edges[0],
        edges[1],
        edges[2],
        edges[3],
        position,
        width,
        piece,
        bit,
        piece_start,
        piece_root,
        _starts(1 << piece_bits),
        _starts(np.where(_in_piece(forest, edges[2], piece), 1 << np.minimum(leaf_width, MOST_BITS), 0)),
    )
    used = np.arange(n_players) < leaf_width[:, None]
    return layout, np.where(used, leaf_player, -1)


def _in_piece(forest: Forest, leaf_parent: NDArray[np.int64], piece: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which leaves have a table; leaves of trees without splits have one of a single row."""
    node = np.repeat(forest.node_start[:-1], np.diff(forest.leaf_start)) + leaf_parent
    # the 0 stands in where a forest has no node at all
    return np.asarray((leaf_parent < 0) | (np.append(piece, 0)[node] >= 0))


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


@dataclass(frozen=True, eq=False)
class MarginGame:
    """Worth of every leaf for every coalition of its players."""

    layout: Layout
    leaf_player: NDArray[np.int64]
    worth: Matrix  # q[l, S] of all leaves one after the other; S in bits of path positions

    @classmethod
    def against(
        cls, forest: Forest, player_of_feature: NDArray[np.int64], n_players: int, codes: NDArray[Any] | None
    ) -> MarginGame:
        """Set up the game against reference rows, or against the counts of training in the trees."""
        layout, leaf_player = layout_of(forest, player_of_feature, n_players)
        if codes is None:
            share = _path_shares(forest, layout)
        else:
            count = np.zeros(layout.piece_row[-1])
            found = np.zeros(layout.leaf_row[-1])
            kernels().count_rows(layout, codes, count)
            kernels().collect_leaves(layout, count, found)
            share = _subset_sums(found, layout, leaf_player) / codes.shape[1]
        value = np.repeat(forest.value, np.diff(layout.leaf_row))
        return cls(layout, leaf_player, value * share)

    def apply(self, codes: NDArray[Any], linear_map: Matrix, n_jobs: int = 1) -> Matrix:
        """Apply a linear map of v to every row."""
        n_outputs = len(linear_map)
        if not n_outputs:  # one goal alone has no pairs
            return np.empty((codes.shape[1], 0))
        # the kernel adds four or eight doubles at once
        wide = -(-n_outputs // 4) * 4
        out = aligned(codes.shape[1], wide)
        padded = np.zeros((wide, linear_map.shape[1]))
        # rows of the map sum to zero: a tree without splits gives all coalitions the same and is passed over
        padded[:n_outputs] = linear_map
        starts = self.layout.piece_row[self.layout.piece_start]
        for first, last in chunks(starts * 8 * wide, _TABLE_BYTES):
            table = self._table(padded, first, last)
            _over_rows(self.layout, codes, table, out, (first, last), n_jobs)
        return out[:, :n_outputs]

    def _table(self, linear_map: Matrix, first: int, last: int) -> Matrix:
        layout = self.layout
        leaves = slice(layout.leaf_start[first], layout.leaf_start[last])
        leaf_table = _leaf_tables(
            self.leaf_player[leaves], layout.leaf_row[leaves.start : leaves.stop + 1], self.worth, linear_map
        )
        rows = layout.piece_row[layout.piece_start[[first, last]]]
        table = aligned(rows[1] - rows[0], len(linear_map))
        kernels().add_leaves(layout, leaf_table, table, first, last)
        return table


def _over_rows(
    layout: Layout, codes: NDArray[Any], table: Matrix, out: Matrix, trees: tuple[int, int], n_jobs: int
) -> None:
    if n_jobs == 1:
        kernels().add_rows(layout, codes, table, out, *trees)
        return
    parts = np.linspace(0, codes.shape[1], n_jobs + 1).astype(int)
    with ThreadPoolExecutor(n_jobs) as pool:
        jobs = [
            # copied without gaps, else numba would compile the kernel once more
            pool.submit(kernels().add_rows, layout, np.ascontiguousarray(codes[:, a:b]), table, out[a:b], *trees)
            for a, b in itertools.pairwise(parts)
        ]
        for job in jobs:
            job.result()


def _groups(leaf_player: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], NDArray[np.intp]]]:
    """Leaves that have the same players at the same positions."""
    # leaves with the same players share the restricted map, so that it is made once for all of them
    kinds, kind = np.unique(leaf_player, axis=0, return_inverse=True)
    # ravel: numpy 2.0 gives the inverse of rows a second axis
    order = np.argsort(kind.ravel(), kind="stable")
    bounds = np.searchsorted(kind.ravel()[order], np.arange(len(kinds) + 1))
    return [(kinds[k][kinds[k] >= 0], order[bounds[k] : bounds[k + 1]]) for k in range(len(kinds))]


def _leaf_tables(
    leaf_player: NDArray[np.int64], leaf_row: NDArray[np.int64], worth: Matrix, linear_map: Matrix
) -> Matrix:
    """Sum up ``map[S] q[S]`` over the S without failed players, for each leaf and mask of failed players."""
    table = np.empty((leaf_row[-1] - leaf_row[0], len(linear_map)))
    for players, leaves in _groups(leaf_player):
        size = 1 << len(players)
        rows = leaf_row[leaves][:, None] + np.arange(size)
        part = worth[rows][:, :, None] * _restricted(linear_map, players)[None]
        _sum_over_subsets(part, len(players))
        # reversed: the coalitions that count are the subsets of those who did not fail, the complement
        table[rows - leaf_row[0]] = part[:, ::-1]
    return table


def _restricted(linear_map: Matrix, players: NDArray[np.int64]) -> Matrix:
    """Map of the game in which only these players matter, in bits of their positions: shape (2^d, P)."""
    coalitions = np.arange(linear_map.shape[1])
    own = np.zeros_like(coalitions)
    for position, player in enumerate(players):
        own |= (coalitions >> player & 1) << position
    restricted = np.zeros((1 << len(players), len(linear_map)))
    # coalitions that differ in players off the path are one coalition here; their weights add up
    np.add.at(restricted, own, linear_map.T)
    return restricted


def _sum_over_subsets(values: Matrix, n_bits: int) -> None:
    """Replace ``values[:, S]`` by the sum over the subsets of S, in place."""
    # one pass per bit takes d 2^d steps, where subset by subset it would be 3^d
    for bit in range(n_bits):
        split = values.reshape(len(values), -1, 2, 1 << bit, *values.shape[2:])
        split[:, :, 1] += split[:, :, 0]


def _subset_sums(count: Matrix, layout: Layout, leaf_player: NDArray[np.int64]) -> Matrix:
    """Count reference rows for which all players outside S pass: those whose failed players lie in S."""
    width = (leaf_player >= 0).sum(axis=1)
    total = np.empty_like(count)
    for bits in np.unique(width):
        rows = layout.leaf_row[:-1][width == bits][:, None] + np.arange(1 << bits)
        part = count[rows]
        _sum_over_subsets(part, int(bits))
        total[rows] = part
    return total


def _path_shares(forest: Forest, layout: Layout) -> Matrix:
    """LightGBM's expectation: outside S, a row goes down both sides in the proportions of training."""
    share = np.ones(layout.leaf_row[-1])
    for tree in range(forest.n_trees):
        start = layout.node_start[tree]
        for leaf in range(layout.leaf_start[tree], layout.leaf_start[tree + 1]):
            node, side = layout.leaf_parent[leaf], layout.leaf_side[leaf]
            coalition = np.arange(layout.leaf_row[leaf + 1] - layout.leaf_row[leaf])
            rows = slice(layout.leaf_row[leaf], layout.leaf_row[leaf + 1])
            while node >= 0:
                went = forest.left_share[start + node] if side == 0 else 1 - forest.left_share[start + node]
                # inside S the row goes its own way, which the mask of failed players decides
                outside = (coalition >> layout.position[start + node] & 1) == 0
                share[rows] *= np.where(outside, went, 1.0)
                side, node = layout.node_side[start + node], layout.node_parent[start + node]
    return share
