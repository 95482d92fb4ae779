"""Contributions of all features on the margin (log-odds): Owen values, so features add up to their goal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from csrisk._explain._games._backend import kernels
from csrisk._explain._games._blocks import chunks, in_blocks
from csrisk._explain._games._deep_leaves import DeepLeaf, deep_leaves
from csrisk._explain._games._margin_game import layout_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk._explain._adapters._codes import Forest
    from csrisk._explain._kernels._tabulate import Layout

    Matrix = NDArray[np.float64]

__all__ = ["OwenGame"]

_TABLE_BYTES = 64 << 20  # tables of a whole forest grow with its leaves; trees are taken in chunks of this


@dataclass(frozen=True, eq=False)
class OwenGame:
    """Tables of Owen values against a reference of any size."""

    layout: Layout
    leaf_feature: NDArray[np.int64]  # feature at each position of the path, -1 behind the last
    leaf_goal: NDArray[np.int64]
    worth: Matrix  # leaf output times the share of the reference that fails exactly the features of a mask
    n_features: int
    deep: tuple[DeepLeaf, ...] = ()  # leaves with too many features above them for a table of masks

    @classmethod
    def against(cls, forest: Forest, goal_of_feature: NDArray[np.int64], codes: NDArray[Any]) -> OwenGame:
        """Count the reference."""
        n_features = len(goal_of_feature)
        layout, leaf_feature = layout_of(forest, np.arange(n_features), n_features)
        deepest = max(1, int((leaf_feature >= 0).sum(axis=1).max(initial=1)))
        # the layout has a column for every feature of the model, and paths are far shorter
        leaf_feature = np.ascontiguousarray(leaf_feature[:, :deepest])
        count, found = np.zeros(layout.piece_row[-1]), np.zeros(layout.leaf_row[-1])
        kernels().count_rows(layout, codes, count)
        kernels().collect_leaves(layout, count, found)
        worth = np.repeat(forest.value, np.diff(layout.leaf_row)) * found / codes.shape[1]
        deep = deep_leaves(layout, leaf_feature, goal_of_feature, forest.value, codes)
        # -1 picks the goal of the last feature; it lies behind the width of the path, where nobody reads
        return cls(layout, leaf_feature, goal_of_feature[leaf_feature], worth, n_features, deep)

    def apply(self, codes: NDArray[Any], n_jobs: int = 1) -> Matrix:
        """Owen value of every feature for every row."""
        layout, (n_outputs, output, _, starts) = self.layout, self._places
        out = np.zeros((codes.shape[1], self.n_features))
        for first, last in self._chunks:
            table = self._only_table if len(self._chunks) == 1 else self._table(first, last)
            add = partial(_add_part, (layout, table, starts, n_outputs, output), (first, last), codes, out)
            in_blocks(add, len(out), -(-len(out) // n_jobs), n_jobs, "")
        for leaf in self.deep:
            leaf.add(layout, codes, out)
        return out

    @cached_property
    def _chunks(self) -> list[tuple[int, int]]:
        """Ranges of trees whose tables fit into bounded memory."""
        return chunks(self._places[3][self.layout.piece_start] * 8, _TABLE_BYTES)

    @cached_property
    def _only_table(self) -> Matrix:
        """The table where one holds all trees: so small that it stays for the next rows."""
        return self._table(*self._chunks[0])

    def _table(self, first: int, last: int) -> Matrix:
        """Owen values of the features on the paths, for every piece of a range of trees."""
        layout, (n_outputs, _, slot, starts) = self.layout, self._places
        begin, end = layout.piece_start[[first, last]]
        table = np.zeros(starts[end] - starts[begin])
        width = (self.leaf_feature >= 0).sum(axis=1)
        kernels().owen_table(layout, self.leaf_goal, width, self.worth, n_outputs, slot, starts, table, first, last)
        return table

    @staticmethod
    def paired(
        forest: Forest, goal_of_feature: NDArray[np.int64], codes: NDArray[Any], partners: NDArray[Any]
    ) -> Matrix:
        """Owen values of rows that each have one reference row of their own: shape (n, p)."""
        n_features = len(goal_of_feature)
        layout, leaf_feature = layout_of(forest, np.arange(n_features), n_features)
        out = np.zeros((codes.shape[1], n_features))
        n_goals = int(goal_of_feature.max()) + 1
        kernels().add_owen_pairs(
            layout, leaf_feature, goal_of_feature[leaf_feature], forest.value, n_goals, codes, partners, out
        )
        return out

    @cached_property
    def _places(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Find the features of each piece, how many and which, where a leaf finds its own, and where tables start."""
        layout = self.layout
        tree = np.repeat(np.arange(len(layout.leaf_start) - 1), np.diff(layout.leaf_start))
        node = layout.node_start[tree] + np.maximum(layout.leaf_parent, 0)
        inside = layout.leaf_parent >= 0  # the only leaf of a tree without a split has no parent
        piece = np.full(len(node), -1)
        piece[inside] = layout.piece[node[inside]]
        leaf, position = np.nonzero((self.leaf_feature >= 0) & (piece >= 0)[:, None])
        pairs = np.column_stack([piece[leaf], self.leaf_feature[leaf, position]])
        # sorted by piece first, so that places within a piece count from where the piece begins
        kinds, kind = np.unique(pairs, axis=0, return_inverse=True)
        n_pieces = len(layout.piece_root)
        n_outputs = np.bincount(kinds[:, 0], minlength=n_pieces).astype(np.int64)
        begin = np.concatenate([[0], np.cumsum(n_outputs)])
        rank = np.arange(len(kinds)) - begin[kinds[:, 0]]
        output = np.zeros((n_pieces, int(n_outputs.max(initial=1))), dtype=np.int64)
        output[kinds[:, 0], rank] = kinds[:, 1]
        slot = np.zeros_like(self.leaf_feature)
        # ravel: numpy 2.0 gives the inverse of rows a second axis
        slot[leaf, position] = rank[kind.ravel()]
        starts = np.concatenate([[0], np.cumsum(np.diff(layout.piece_row) * n_outputs)]).astype(np.int64)
        return n_outputs, output, slot, starts


def _add_part(
    tables: tuple[Any, ...], trees: tuple[int, int], codes: NDArray[Any], out: Matrix, begin: int, end: int
) -> None:
    layout, *rest = tables
    # an array with gaps is another type to numba, which would compile the kernel once more for it
    part = codes if end - begin == codes.shape[1] else np.ascontiguousarray(codes[:, begin:end])
    kernels().scatter_rows(layout, part, *rest, out[begin:end], *trees)
