"""Kernels in NumPy, for places without numba: the same numbers, some ten times slower."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from csrisk._explain._layout import group_nodes, parents, path_positions
from csrisk._explain._owen_tables import add_owen_pairs, owen_effects, owen_leaf
from csrisk._explain._tabulate import Layout, add_leaves, collect_leaves, failed_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Codes = NDArray[np.uint8] | NDArray[np.uint16]

__all__ = [
    "add_leaves",
    "add_owen_pairs",
    "add_rows",
    "coalition_margins",
    "collect_leaves",
    "count_rows",
    "group_nodes",
    "leaf_words",
    "mixed_margins",
    "number_codes",
    "owen_effects",
    "owen_table",
    "paired_margins",
    "parents",
    "path_positions",
    "scatter_rows",
]


def number_codes(values: NDArray[np.float64], cuts: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count the cuts below each value."""
    return np.searchsorted(cuts, values, side="left")


def add_rows(
    layout: Layout, codes: Codes, table: NDArray[np.float64], out: NDArray[np.float64], first_tree: int, last_tree: int
) -> None:
    """Add the table rows of all pieces of some trees to `out`, shape (n, outputs)."""
    row0 = layout.piece_row[layout.piece_start[first_tree]]
    for tree in range(first_tree, last_tree):
        for piece, index in _trace(layout, codes, tree):
            first, last = layout.piece_row[piece] - row0, layout.piece_row[piece + 1] - row0
            out += table[first:last][index]


def count_rows(layout: Layout, codes: Codes, count: NDArray[np.float64]) -> None:
    """Count how often each index of each piece occurs."""
    for tree in range(len(layout.node_start) - 1):
        for piece, index in _trace(layout, codes, tree):
            first, last = layout.piece_row[piece], layout.piece_row[piece + 1]
            count[first:last] += np.bincount(index, minlength=last - first)


def _trace(layout: Layout, codes: Codes, tree: int) -> Iterator[tuple[int, NDArray[np.uint16]]]:
    """Push failed bits down a tree; give each piece with its index for every row."""
    start, stop = layout.node_start[tree], layout.node_start[tree + 1]
    failed = {0: np.zeros(codes.shape[1], dtype=np.uint16)}
    found: dict[int, NDArray[np.uint16]] = {}
    for node in range(stop - start):
        here = start + node
        goes_left = codes[layout.column[here]] <= layout.cut[here]
        piece = int(layout.piece[here])
        if piece < 0:
            continue
        own = failed.pop(node)
        outcome = np.where(goes_left, np.uint16(1 << layout.bit[here]), np.uint16(0))
        found[piece] = (own if layout.piece_root[piece] == node else found[piece]) | outcome
        bit = np.uint16(1 << layout.position[here])
        for child, fails in ((layout.left[here], ~goes_left), (layout.right[here], goes_left)):
            if child >= 0:
                failed[int(child)] = own | np.where(fails, bit, np.uint16(0))
    yield from found.items()


def scatter_rows(
    layout: Layout,
    codes: Codes,
    table: NDArray[np.float64],
    table_start: NDArray[np.int64],
    n_outputs: NDArray[np.int64],
    output: NDArray[np.int64],
    out: NDArray[np.float64],
    first_tree: int,
    last_tree: int,
) -> None:
    """Add table rows of pieces to `out`, shape (n, features); each piece has outputs of its own."""
    base = table_start[layout.piece_start[first_tree]]
    for tree in range(first_tree, last_tree):
        for piece, index in _trace(layout, codes, tree):
            if not n_outputs[piece]:
                continue
            own = table[table_start[piece] - base : table_start[piece + 1] - base].reshape(-1, n_outputs[piece])
            out[:, output[piece, : n_outputs[piece]]] += own[index]


def owen_table(
    layout: Layout,
    leaf_goal: NDArray[np.int64],
    leaf_width: NDArray[np.int64],
    worth: NDArray[np.float64],
    n_outputs: NDArray[np.int64],
    slot: NDArray[np.int64],
    table_start: NDArray[np.int64],
    table: NDArray[np.float64],
    first_tree: int,
    last_tree: int,
) -> None:
    """Fill the tables of pieces with the Owen values of the features on the paths of their leaves."""
    base = table_start[layout.piece_start[first_tree]]
    for tree in range(first_tree, last_tree):
        for leaf in range(layout.leaf_start[tree], layout.leaf_start[tree + 1]):
            own, width = slice(layout.leaf_row[leaf], layout.leaf_row[leaf + 1]), leaf_width[leaf]
            if own.stop - own.start < 2:
                continue
            values = np.zeros((own.stop - own.start, width))
            owen_leaf(leaf_goal[leaf], width, worth[own], values)
            failed = failed_at(layout, tree, leaf)[2]
            piece = layout.piece[layout.node_start[tree] + layout.leaf_parent[leaf]]
            part = table[table_start[piece] - base : table_start[piece + 1] - base].reshape(-1, n_outputs[piece])
            part[:, slot[leaf, :width]] += values[failed]


def leaf_words(
    node_start: NDArray[np.int64],
    column: NDArray[np.int64],
    cut: NDArray[np.int64],
    codes: Codes,
    player: NDArray[np.int64],
    left_leaves: NDArray[np.uint64],
    right_leaves: NDArray[np.uint64],
    words: NDArray[np.uint64],
) -> None:
    """Clear the bits of leaves that a row cannot reach by the splits of each player; words (trees, players, W, n)."""
    for tree in range(len(node_start) - 1):
        for node in range(node_start[tree], node_start[tree + 1]):
            goes_left = codes[column[node]] <= cut[node]
            lost = np.where(goes_left, right_leaves[node][:, None], left_leaves[node][:, None])
            words[tree, player[node]] &= ~lost


def mixed_margins(
    row_words: NDArray[np.uint64],
    other_words: NDArray[np.uint64],
    leaf_start: NDArray[np.int64],
    value: NDArray[np.float64],
    coalition: int,
    out: NDArray[np.float64],
    table: NDArray[np.float64],  # noqa: ARG001  # working memory of the compiled kernel
) -> None:
    """Add to `out`, shape (n, m), the margin of every row with the players outside `coalition` taken from another."""
    for tree in range(row_words.shape[0]):
        mine, theirs = _intersect(row_words[tree], other_words[tree], coalition)
        leaf = _open_leaf(mine[:, :, None] & theirs[:, None, :])
        out[:, : theirs.shape[1]] += value[leaf_start[tree] + leaf]


def coalition_margins(
    row_words: NDArray[np.uint64],
    other_words: NDArray[np.uint64],
    present: NDArray[np.int64],
    leaf_start: NDArray[np.int64],
    value: NDArray[np.float64],
    coalitions: NDArray[np.int64],
    out: NDArray[np.float64],
    table: NDArray[np.float64],  # noqa: ARG001  # working memory of the compiled kernel
) -> None:
    """Add to `out`, shape (coalitions, m), the margins of one row for many coalitions; see `mixed_margins`.

    `present` tells which players split a tree: coalitions that agree on those share their line.
    """
    for tree in range(len(row_words)):
        kinds, kind = np.unique(coalitions & present[tree], return_inverse=True)
        line = np.empty((len(kinds), other_words.shape[3]))
        for k, coalition in enumerate(kinds):
            mine, theirs = _intersect(row_words[tree][:, :, None], other_words[tree], int(coalition))
            line[k] = value[leaf_start[tree] + _open_leaf(mine & theirs)]
        out[:, : line.shape[1]] += line[kind]


def paired_margins(
    row_words: NDArray[np.uint64],
    other_words: NDArray[np.uint64],
    leaf_start: NDArray[np.int64],
    value: NDArray[np.float64],
    coalition: int,
    out: NDArray[np.float64],
) -> None:
    """Add to `out`, shape (n,), the margin of each row with the players outside `coalition` taken from its partner."""
    for tree in range(row_words.shape[0]):
        mine, theirs = _intersect(row_words[tree], other_words[tree], coalition)
        out += value[leaf_start[tree] + _open_leaf(mine & theirs)]


def _intersect(
    row_words: NDArray[np.uint64], other_words: NDArray[np.uint64], coalition: int
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    inside = (coalition >> np.arange(len(row_words)) & 1).astype(bool)
    every = ~np.uint64(0)
    return (
        np.bitwise_and.reduce(row_words[inside], axis=0, initial=every),
        np.bitwise_and.reduce(other_words[~inside], axis=0, initial=every),
    )


def _open_leaf(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Lowest open leaf; words lie along the first axis."""
    word = np.argmax(words != 0, axis=0)
    found = np.take_along_axis(words, word[None], axis=0)[0]
    return np.asarray(64 * word + np.bitwise_count((found & (~found + np.uint64(1))) - np.uint64(1)))
