"""From a feature matrix to small integer codes, such that every split of a forest becomes ``code <= cut``.

LightGBM's rules (``Tree::NumericalDecision`` and ``CategoricalDecision``): a number within 1e-35 of zero is zero; NaN
is zero unless the split's missing type is NaN; missing values (NaN, or zero where the missing type is zero) take the
default side; a category goes left if its whole part is in the set, and right if it is NaN, negative or unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from csrisk._explain._games._backend import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk._explain._adapters._trees import Tree, Trees

__all__ = ["Column", "Forest", "coded", "compile_forest"]

_ZERO = float(np.float32(1e-35))  # kZeroThreshold of LightGBM, which is a float of 32 bits
_MISSING_ZERO, _MISSING_NAN = 1, 2


@dataclass(frozen=True, eq=False)
class Column:
    """One way to turn a feature into codes."""

    feature: int
    cuts: NDArray[np.float64]  # thresholds in rising order; or the categories of a set
    kind: str
    missing: int = 0  # missing type of LightGBM: 0 none, 1 zero, 2 NaN
    default_left: bool = False  # side of missing values

    def codes(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Codes of the values: the number of cuts below, or 0 for members of the set and 1 for all others."""
        if self.kind == "set":
            whole = np.trunc(np.where(np.abs(values) < 2.0**31, values, -1.0))  # NaN compares false
            return 1 - np.isin(whole, self.cuts)
        plain = np.where(np.abs(values) <= _ZERO, 0.0, values)
        absent = np.isnan(plain)
        if self.missing != _MISSING_NAN:
            plain = np.where(absent, 0.0, plain)
            # after NaN became 0: where zero is missing, NaN is too
            absent = (plain == 0) if self.missing == _MISSING_ZERO else np.zeros(len(plain), dtype=bool)
        found = kernels().number_codes(plain, self.cuts)
        # 0 lies left of every cut, the number of cuts right of every one
        return np.where(absent, 0 if self.default_left else len(self.cuts), found)


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees whose splits compare codes; flat arrays for kernels."""

    columns: tuple[Column, ...]
    node_start: NDArray[np.int64]
    leaf_start: NDArray[np.int64]
    column: NDArray[np.int64]
    cut: NDArray[np.int64]  # left if code <= cut
    feature: NDArray[np.int64]
    left: NDArray[np.int64]  # children inside the tree; negative numbers are leaves, ~leaf
    right: NDArray[np.int64]
    value: NDArray[np.float64]
    left_share: NDArray[np.float64]  # of training rows

    @property
    def n_trees(self) -> int:
        """Number of trees."""
        return len(self.node_start) - 1

    @property
    def tree_of_node(self) -> NDArray[np.int64]:
        """Tree of each node."""
        return np.repeat(np.arange(self.n_trees), np.diff(self.node_start))

    def asked(self, player_of_feature: NDArray[np.int64]) -> NDArray[np.int64]:
        """Players that each tree asks, as bits."""
        found = np.zeros(self.n_trees, dtype=np.int64)
        np.bitwise_or.at(found, self.tree_of_node, np.int64(1) << player_of_feature[self.feature])
        return found

    @property
    def max_leaves(self) -> int:
        """Leaves of the largest tree."""
        return int(np.diff(self.leaf_start).max(initial=1))

    @cached_property
    def leaves_below(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Leaves below the left and the right side of each node, as bits of 64-bit words: shape (nodes, W)."""
        n_words = max(1, -(-self.max_leaves // 64))
        left = np.zeros((len(self.left), n_words), dtype=np.uint64)
        right = np.zeros_like(left)
        for tree in range(self.n_trees):
            start, stop = int(self.node_start[tree]), int(self.node_start[tree + 1])
            # backwards: children come after their parent, so their leaves are known
            for node in range(stop - 1, start - 1, -1):
                for words, child in ((left, int(self.left[node])), (right, int(self.right[node]))):
                    if child >= 0:
                        words[node] = left[start + child] | right[start + child]
                    else:
                        words[node, ~child // 64] = np.uint64(1) << np.uint64(~child % 64)
        return left, right


def compile_forest(trees: Trees) -> Forest:
    """Collect the thresholds of each feature and write every split as a comparison of codes."""
    sizes = [len(tree.feature) for tree in trees.trees]
    keys, cuts, feature = _keys(trees)
    columns: list[Column] = []
    column, cut = np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=np.int64)
    rows: dict[tuple[int, ...], list[int]] = {}
    for node, key in enumerate(keys):
        rows.setdefault(key, []).append(node)
    for key, nodes in rows.items():
        own = np.array(nodes)
        column[own] = len(columns)
        if key[1] == 3:
            # the cut stays 0: members of the set have code 0 and go left
            columns.append(Column(key[0], np.array(key[3:], dtype=float), "set"))
            continue
        thresholds = np.unique(cuts[own])
        cut[own] = np.searchsorted(thresholds, cuts[own])
        columns.append(Column(key[0], thresholds, "number", key[1], bool(key[2])))
    return Forest(
        tuple(columns),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        np.concatenate([[0], np.cumsum([len(tree.value) for tree in trees.trees])]).astype(np.int64),
        column,
        cut,
        feature,
        _joined([tree.left for tree in trees.trees], np.int64).astype(np.int64),
        _joined([tree.right for tree in trees.trees], np.int64).astype(np.int64),
        _joined([tree.value for tree in trees.trees], np.float64),
        _joined([_left_share(tree) for tree in trees.trees], np.float64),
    )


def _joined(parts: list[NDArray[np.float64]] | list[NDArray[np.int64]], dtype: type) -> NDArray[np.float64]:
    return np.concatenate([np.empty(0, dtype), *parts]).astype(dtype)


def _left_share(tree: Tree) -> NDArray[np.float64]:
    """Share of training rows that went left, from LightGBM's counts."""

    def count(child: NDArray[np.int64]) -> NDArray[np.float64]:
        inner = tree.cover[np.maximum(child, 0)]
        return np.where(child >= 0, inner, tree.leaf_cover[np.where(child < 0, ~child, 0)])

    if not len(tree.left):
        return np.empty(0)
    left, right = count(tree.left), count(tree.right)
    return left / np.maximum(left + right, 1.0)


def _keys(trees: Trees) -> tuple[list[tuple[int, ...]], NDArray[np.float64], NDArray[np.int64]]:
    """One key per node; nodes of one key share a code column: (feature, missing type, default side) or (set ...)."""
    keys: list[tuple[int, ...]] = []
    for tree in trees.trees:
        missing = (tree.decision >> 2) & 3
        # no missing type, no default: both sides share one column of codes
        default = np.where(missing > 0, (tree.decision >> 1) & 1, 0)
        for node, (feature, kind) in enumerate(zip(tree.feature.tolist(), missing.tolist(), strict=True)):
            if tree.decision[node] & 1:
                # 3 is no missing type of LightGBM, so that it can mark sets
                keys.append((feature, 3, 0, *tree.sets[int(tree.threshold[node])].tolist()))
            else:
                keys.append((feature, kind, int(default[node])))
    cuts = _joined([tree.threshold for tree in trees.trees], np.float64)
    return keys, cuts, _joined([tree.feature for tree in trees.trees], np.int64)  # type: ignore[return-value]


def coded(forest: Forest, matrix: NDArray[np.float64]) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Codes of every row, one line per code column: shape (columns, n), one byte each where that suffices."""
    widest = max((len(column.cuts) for column in forest.columns if column.kind == "number"), default=1)
    # a code counts cuts, from 0 to their number: 255 of them still fit into a byte
    codes = np.empty((len(forest.columns), len(matrix)), dtype=np.uint8 if widest <= 255 else np.uint16)
    for place, column in enumerate(forest.columns):
        codes[place] = column.codes(matrix[:, column.feature])
    return codes
