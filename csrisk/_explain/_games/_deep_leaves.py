"""Leaves whose path holds so many features that a table of all their masks would be too large.

The features of one goal on a path are far fewer, and the other goals need one bit each; so one table per goal suffices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from csrisk._explain._games._backend import kernels
from csrisk.exceptions import ExplanationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk._explain._kernels._tabulate import Layout

    Matrix = NDArray[np.float64]

__all__ = ["DeepLeaf", "deep_leaves"]

_MOST_BITS = 22  # a table of 2^22 doubles takes 32 MB, for each feature of the goal


@dataclass(frozen=True, eq=False)
class DeepLeaf:
    """One leaf with its tables, one per goal on the path."""

    tree: int
    leaf: int
    features: NDArray[np.int64]  # feature at each position of the path
    goals: NDArray[np.int64]
    effects: tuple[Matrix, ...]  # Owen values (features of the goal, masks), goals in sorted order

    def add(self, layout: Layout, codes: NDArray[Any], out: Matrix) -> None:
        """Add the contributions of this leaf for every row."""
        failed = _failed(layout, self.tree, self.leaf, len(self.features), codes)
        # np.unique sorts, as it did where the effects were made
        for goal, effect in zip(np.unique(self.goals), self.effects, strict=True):
            index = _index(failed, self.goals, int(goal))
            for own, feature in enumerate(self.features[self.goals == goal]):
                out[:, feature] += effect[own, index]


def deep_leaves(
    layout: Layout,
    leaf_feature: NDArray[np.int64],
    goal_of_feature: NDArray[np.int64],
    value: Matrix,
    codes: NDArray[Any],
) -> tuple[DeepLeaf, ...]:
    """Find the leaves without rows in the layout and tabulate them against the reference."""
    found = []
    # the layout gives no rows to leaves below more players than a table of masks may have
    for leaf in np.flatnonzero(np.diff(layout.leaf_row) == 0):
        tree = int(np.searchsorted(layout.leaf_start, leaf, side="right")) - 1
        features = leaf_feature[leaf][leaf_feature[leaf] >= 0]
        goals = goal_of_feature[features]
        failed = _failed(layout, tree, int(leaf), len(features), codes)
        effects = []
        for goal in np.unique(goals):
            n_own, n_others = int((goals == goal).sum()), len(np.unique(goals)) - 1
            if n_own + n_others > _MOST_BITS:
                message = f"a path of tree {tree} holds {n_own} features of one goal; train with max_depth={_MOST_BITS}"
                raise ExplanationError(message)
            count = np.bincount(_index(failed, goals, int(goal)), minlength=1 << (n_own + n_others))
            effects.append(kernels().owen_effects(value[leaf] * count / codes.shape[1], n_own, n_others))
        found.append(DeepLeaf(tree, int(leaf), features, goals, tuple(effects)))
    return tuple(found)


def _failed(layout: Layout, tree: int, leaf: int, width: int, codes: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell for each position of the path which rows fail there: shape (width, n)."""
    start = layout.node_start[tree]
    failed = np.zeros((width, codes.shape[1]), dtype=bool)
    node, side = layout.leaf_parent[leaf], layout.leaf_side[leaf]
    while node >= 0:
        goes_left = codes[layout.column[start + node]] <= layout.cut[start + node]
        # or: a feature may split several times on the path, and one failed split is enough
        failed[layout.position[start + node]] |= ~goes_left if side == 0 else goes_left
        side, node = layout.node_side[start + node], layout.node_parent[start + node]
    return failed


def _index(failed: NDArray[np.bool_], goals: NDArray[np.int64], goal: int) -> NDArray[np.int64]:
    """Masks of (features of one goal in the low bits, other goals above)."""
    own = failed[goals == goal]
    others = [failed[goals == other].any(axis=0) for other in np.unique(goals) if other != goal]
    bits = [*own, *others]
    return np.asarray(sum(row.astype(np.int64) << place for place, row in enumerate(bits)), dtype=np.int64)
