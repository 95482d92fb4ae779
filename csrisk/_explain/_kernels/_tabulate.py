"""Look-up tables of pieces: from what each leaf contributes to what a whole piece contributes.

Written once for NumPy; numba compiles the same source where it is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Layout", "add_leaves", "collect_leaves"]


class Layout(NamedTuple):
    """Where everything lies in the flat arrays of a forest, for one set of players.

    Nodes, leaves and pieces are numbered over the whole forest; children and roots inside their tree. See
    `csrisk._explain._kernels._layout` for the bits.
    """

    node_start: NDArray[np.int64]
    leaf_start: NDArray[np.int64]
    column: NDArray[np.int64]
    cut: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    node_parent: NDArray[np.int64]
    node_side: NDArray[np.int64]
    leaf_parent: NDArray[np.int64]
    leaf_side: NDArray[np.int64]
    position: NDArray[np.int64]
    width: NDArray[np.int64]
    piece: NDArray[np.int64]
    bit: NDArray[np.int64]
    piece_start: NDArray[np.int64]
    piece_root: NDArray[np.int64]
    piece_row: NDArray[np.int64]
    leaf_row: NDArray[np.int64]


def failed_at(layout: Layout, tree: int, leaf: int) -> Any:
    """Rows of the piece above a leaf, and the failed bits of the leaf for each index of that piece."""
    start = layout.node_start[tree]
    node, side = layout.leaf_parent[leaf], layout.leaf_side[leaf]
    piece = layout.piece[start + node]
    first, last = layout.piece_row[piece], layout.piece_row[piece + 1]
    index = np.arange(last - first)
    root = layout.piece_root[piece]
    # the low bits of an index are what failed above the piece
    failed = index & ((1 << layout.width[start + root]) - 1)
    while True:
        goes_left = (index >> layout.bit[start + node]) & 1
        fails = 1 - goes_left if side == 0 else goes_left
        failed = failed | (fails << layout.position[start + node])
        if node == root:
            return first, last, failed
        side = layout.node_side[start + node]
        node = layout.node_parent[start + node]


def add_leaves(layout: Layout, leaf_table: Any, piece_table: Any, first_tree: int, last_tree: int) -> None:
    """Sum the tables of leaves, ``(failed bits, output)``, into tables of pieces, ``(index, output)``."""
    row0 = layout.piece_row[layout.piece_start[first_tree]]
    leaf0 = layout.leaf_row[layout.leaf_start[first_tree]]
    for tree in range(first_tree, last_tree):
        if layout.node_start[tree] == layout.node_start[tree + 1]:
            continue
        for leaf in range(layout.leaf_start[tree], layout.leaf_start[tree + 1]):
            first, last, failed = failed_at(layout, tree, leaf)
            # no leaf is without a table here: goals are few, and only leaves below many players have none
            piece_table[first - row0 : last - row0] += leaf_table[failed + (layout.leaf_row[leaf] - leaf0)]


def collect_leaves(layout: Layout, piece_count: Any, leaf_count: Any) -> None:
    """Count failed bits of leaves from counted indices of pieces."""
    for tree in range(len(layout.node_start) - 1):
        if layout.node_start[tree] == layout.node_start[tree + 1]:
            continue
        for leaf in range(layout.leaf_start[tree], layout.leaf_start[tree + 1]):
            # below too many players: counted by _deep_leaves
            if layout.leaf_row[leaf] == layout.leaf_row[leaf + 1]:
                continue
            first, last, failed = failed_at(layout, tree, leaf)
            begin, end = layout.leaf_row[leaf], layout.leaf_row[leaf + 1]
            leaf_count[begin:end] += np.bincount(failed, piece_count[first:last], end - begin)
