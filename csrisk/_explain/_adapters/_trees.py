"""LightGBM's text model as arrays, read strictly: what does not look like a tree is refused."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from csrisk.exceptions import ExplanationError
from csrisk.models._boosting import as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Tree", "Trees", "read_booster", "read_text"]

_INT, _FLOAT = "int64", "float64"
_NODE = {
    "split_feature": _INT,
    "threshold": _FLOAT,
    "decision_type": _INT,
    "left_child": _INT,
    "right_child": _INT,
    "internal_count": _FLOAT,
}
_LEAF = {"leaf_value": _FLOAT, "leaf_count": _FLOAT}
_CATEGORY = {"cat_boundaries": _INT, "cat_threshold": _INT}


@dataclass(frozen=True, eq=False)
class Tree:
    """One decision tree in LightGBM's layout."""

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]  # or the number of the category set
    decision: NDArray[np.int64]  # bits: 1 categorical, 2 default left, 4 and 8 missing type (0 none, 1 zero, 2 NaN)
    left: NDArray[np.int64]  # a child comes after its parent; negative numbers are leaves, ~leaf
    right: NDArray[np.int64]
    cover: NDArray[np.float64]  # training rows that passed the node
    value: NDArray[np.float64]
    leaf_cover: NDArray[np.float64]
    sets: tuple[NDArray[np.int64], ...] = ()  # categories that go left


@dataclass(frozen=True, eq=False)
class Trees:
    """An ensemble whose margin is the sum of its trees."""

    trees: tuple[Tree, ...]
    n_features: int
    members: tuple[Trees, ...] = ()  # what it is the mean of, tree after tree

    def scaled(self, factor: float) -> Trees:
        """Multiply every output."""
        return Trees(tuple(replace(tree, value=tree.value * factor) for tree in self.trees), self.n_features)

    @staticmethod
    def mean(members: Sequence[Trees]) -> Trees:
        """Average several ensembles into one."""
        scaled = [member.scaled(1 / len(members)) for member in members]
        trees = tuple(tree for member in scaled for tree in member.trees)
        return Trees(trees, members[0].n_features, tuple(members))


def read_booster(booster: Any) -> Trees:
    """Read a LightGBM booster, up to its best iteration."""
    return read_text(as_text(booster))


def read_text(text: str) -> Trees:
    """Read the text of a LightGBM model."""
    head, _, body = text.partition("\nTree=")
    header = _fields(head)
    if header.get("num_tree_per_iteration") != "1":
        outputs = header.get("num_tree_per_iteration", "unknown")
        raise ExplanationError(f"num_tree_per_iteration={outputs}: only models with one output per row are explained")
    n_features = int(_array(header, "max_feature_idx", _INT, 1, 0)[0]) + 1
    # importances and parameters follow, whose lines look like fields of the last tree
    body = body.partition("\nend of trees")[0]
    blocks = body.split("\nTree=") if body else []
    trees = Trees(tuple(_tree(block, number, n_features) for number, block in enumerate(blocks)), n_features)
    # a random forest predicts the mean of its trees
    return trees.scaled(1 / len(blocks)) if "average_output" in head.split("\n") and blocks else trees


def _fields(block: str) -> dict[str, str]:
    return {key: value for key, found, value in (line.partition("=") for line in block.split("\n")) if found}


def _array(fields: dict[str, str], name: str, dtype: str, size: int, number: int) -> NDArray[Any]:
    try:
        values = np.array(fields[name].split(), dtype=dtype)
    except (KeyError, ValueError, OverflowError) as error:
        raise ExplanationError(f"model text: tree {number} has no readable {name}; train or save it again") from error
    if len(values) != size:
        raise ExplanationError(f"model text: tree {number} has {len(values)} {name}, {size} are needed; save it again")
    return values


def _tree(block: str, number: int, n_features: int) -> Tree:
    fields = _fields(block)
    if fields.get("is_linear", "0") != "0":
        message = (
            f"model text: tree {number} has linear leaves, which cannot be explained; train with linear_tree=False"
        )
        raise ExplanationError(message)
    n_leaves = int(_array(fields, "num_leaves", _INT, 1, number)[0])
    n_nodes = n_leaves - 1
    node = {
        name: _array(fields, name, kind, n_nodes, number) if n_nodes else np.empty(0, kind)
        for name, kind in _NODE.items()
    }
    value = _array(fields, "leaf_value", _FLOAT, n_leaves, number)
    cover = _array(fields, "leaf_count", _FLOAT, n_leaves, number) if n_nodes else np.ones(1)
    tree = Tree(
        node["split_feature"],
        node["threshold"],
        node["decision_type"],
        node["left_child"],
        node["right_child"],
        node["internal_count"],
        value,
        cover,
        _category_sets(fields, number),
    )
    _require_tree(tree, number, n_features)
    return tree


def _category_sets(fields: dict[str, str], number: int) -> tuple[NDArray[np.int64], ...]:
    n_sets = int(_array(fields, "num_cat", _INT, 1, number)[0])
    if not n_sets:
        return ()
    bounds = _array(fields, "cat_boundaries", _INT, n_sets + 1, number)
    words = _array(fields, "cat_threshold", _INT, int(bounds[-1]), number)
    if bounds[0] != 0 or np.any(np.diff(bounds) < 0) or np.any((words < 0) | (words >= 1 << 32)):
        raise ExplanationError(f"model text: tree {number} has damaged category sets; train or save it again")
    # little by name: the same bits on machines of either byte order
    bits = np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")
    return tuple(np.flatnonzero(bits[32 * a : 32 * b]) for a, b in itertools.pairwise(bounds))


def _require_tree(tree: Tree, number: int, n_features: int) -> None:
    """Each node and leaf has one parent, which comes before it; every number makes sense."""
    n_nodes, n_leaves = len(tree.feature), len(tree.value)
    children = np.concatenate([tree.left, tree.right])
    parents = np.tile(np.arange(n_nodes), 2)
    expected = np.concatenate([np.arange(-n_leaves, 0), np.arange(1, n_nodes)]) if n_nodes else np.empty(0, int)
    is_set = (tree.decision & 1) == 1
    sound = (
        np.array_equal(np.sort(children), expected)
        and bool(np.all((children < 0) | (children > parents)))
        and bool(np.all((tree.feature >= 0) & (tree.feature < n_features)))
        and bool(np.all(np.isfinite(tree.value)) and not np.any(np.isnan(tree.threshold)))
        and bool(np.all((tree.threshold[is_set] >= 0) & (tree.threshold[is_set] < len(tree.sets))))
    )
    if not sound:
        raise ExplanationError(f"model text: tree {number} is damaged; train or save the model again")
