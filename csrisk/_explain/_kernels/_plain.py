"""Kernels in NumPy, for places without numba: the same numbers, some ten times slower."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from csrisk._explain._kernels._layout import group_nodes, parents, path_positions
from csrisk._explain._kernels._owen_tables import add_owen_pairs, owen_effects, owen_leaf
from csrisk._explain._kernels._tabulate import Layout, add_leaves, collect_leaves, failed_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Codes = NDArray[np.uint8] | NDArray[np.uint16]

__all__ = [
    "add_leaves",
    "add_owen_pairs",
    "add_rows",
    "add_trees",
    "collect_leaves",
    "count_rows",
    "group_nodes",
    "lattice_margins",
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
    # the table holds these trees alone
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
        # what failed above the piece enters once, at its root; splits inside add their outcomes only
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
            # one row: no split above, so no feature; none: a deep leaf, which has tables of its own
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


def add_trees(
    node_start: NDArray[np.int64],
    column: NDArray[np.int64],
    cut: NDArray[np.int64],
    left_leaves: NDArray[np.uint64],
    right_leaves: NDArray[np.uint64],
    leaf_start: NDArray[np.int64],
    value: NDArray[np.float64],
    codes: Codes,
    first_tree: int,
    last_tree: int,
    out: NDArray[np.float64],
) -> None:
    """Add the outputs of some trees of at most 64 leaves to `out`, shape (n,), one tree after the other."""
    for tree in range(first_tree, last_tree):
        own = np.full(len(out), ~np.uint64(0))
        for node in range(node_start[tree], node_start[tree + 1]):
            own &= ~np.where(codes[column[node]] <= cut[node], right_leaves[node, 0], left_leaves[node, 0])
        out += value[leaf_start[tree] + _open_leaf(own[None])]


def mixed_margins(
    row_words: NDArray[np.uint64],
    other_words: NDArray[np.uint64],
    leaf_start: NDArray[np.int64],
    value: NDArray[np.float64],
    trees: NDArray[np.intp],
    asked: NDArray[np.int64],  # noqa: ARG001  # NumPy looks at every player
    coalition: int,
    out: NDArray[np.float64],
    table: NDArray[np.float64],  # noqa: ARG001  # working memory of the compiled kernel
) -> None:
    """Add some trees to `out`, shape (n, m): each row with the players outside `coalition` taken from another."""
    for tree in trees:
        mine, theirs = _intersect(row_words[tree], other_words[tree], coalition)
        leaf = _open_leaf(mine[:, :, None] & theirs[:, None, :])
        out[:, : theirs.shape[1]] += value[leaf_start[tree] + leaf]


def lattice_margins(
    node_start: NDArray[np.int64],
    leaf_start: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    value: NDArray[np.float64],
    player: NDArray[np.int64],
    goes_left: NDArray[np.bool_],
    sides: NDArray[np.uint64],
    everyone: NDArray[np.uint64],  # noqa: ARG001  # NumPy plays the padding too; nobody reads it
    games: NDArray[np.int64],
    first_line: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Add to `out` the margins of one row for all coalitions of several games; see the lattice of the kernels."""
    for tree in range(len(node_start) - 1):
        own = slice(node_start[tree], node_start[tree + 1])
        bits = np.unpackbits(sides[own].astype("<u8").view(np.uint8), axis=1, bitorder="little")
        goes = bits[:, : out.shape[1]].astype(bool)
        values = value[leaf_start[tree] : leaf_start[tree + 1]]
        for game, seats in enumerate(games):
            bit = 1 << seats[player[own]]
            line = _fold(bit, goes_left[own], left[own], right[own], values, goes)
            coalition = np.arange(first_line[game + 1] - first_line[game])
            known = np.bitwise_or.reduce(bit, initial=0)
            places = np.searchsorted(_subsets(int(known)), coalition & known)
            out[first_line[game] : first_line[game + 1]] += line[places]


def _fold(
    bit: NDArray[np.int64],
    goes_left: NDArray[np.bool_],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    value: NDArray[np.float64],
    sides: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Lines of the root of a tree, for each subset of its players in rising order."""
    found: dict[int, tuple[int, NDArray[np.float64]]] = {}

    def of(child: int, coalition: NDArray[np.int64]) -> NDArray[np.float64]:
        if child < 0:
            return np.asarray(value[~child])[None, None]
        below, lines = found[child]
        return lines[np.searchsorted(_subsets(below), coalition & below)]

    for node in range(len(bit) - 1, -1, -1):
        below = int(bit[node])
        for child in (left[node], right[node]):
            below |= found[child][0] if child >= 0 else 0
        coalition = _subsets(below)
        one, other = of(int(left[node]), coalition), of(int(right[node]), coalition)
        here = np.where((coalition & bit[node] > 0)[:, None], goes_left[node], sides[node])
        found[node] = below, np.where(here, one, other)
    return found[0][1] if found else np.full((1, 1), value[0])


def _subsets(players: int) -> NDArray[np.int64]:
    """All subsets of a set of players, as bit masks in rising order."""
    found = np.zeros(1, dtype=np.int64)
    for place in range(players.bit_length()):
        if players >> place & 1:
            found = np.concatenate([found, found | 1 << place])
    return found


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
    # bits behind the last leaf are set too, so only the lowest bit of the first open word is the leaf
    word = np.argmax(words != 0, axis=0)
    found = np.take_along_axis(words, word[None], axis=0)[0]
    # x & -x is the lowest bit alone; the ones below it count its place
    return np.asarray(64 * word + np.bitwise_count((found & (~found + np.uint64(1))) - np.uint64(1)))
