"""LightGBM's text format, read strictly: its own loader was seen to crash and to hang on damaged text.

Only text that this grammar accepts reaches LightGBM: a header of known keys, trees whose arrays have the stated lengths
and whose nodes form one binary tree, finite leaves, and splits on columns that exist. Importances and parameters are
not needed to score and are not kept.
"""

from __future__ import annotations

import itertools
import re
from typing import NamedTuple

from csrisk.exceptions import ModelFileError

__all__ = ["checked_trees", "scoring_text"]

_HEADER = (
    "version",
    "num_class",
    "num_tree_per_iteration",
    "label_index",
    "max_feature_idx",
    "objective",
    "feature_names",
    "feature_infos",
)
# text of LightGBM 4 with one tree a round
_FIXED = {"version": "v4", "num_class": "1", "num_tree_per_iteration": "1", "label_index": "0"}
_OBJECTIVE = re.compile(r"(binary sigmoid:1|regression|cross_entropy|tweedie|poisson)")
_INTEGER = re.compile(r"-?\d{1,10}")
_NUMBER = re.compile(r"-?(\d{1,40}(\.\d{1,40})?(e[+-]?\d{1,3})?|inf)")
_MAX_VALUE = 1e12  # sums of leaves stay finite
_MAX_TREES, _MAX_LEAVES, _MAX_FEATURES = 20_000, 4_096, 50_000
_MAX_LINES = 20  # of a tree or the head
_MAX_WORDS = 2**17  # of the sets of categories of a tree, 32 categories each


class _Array(NamedTuple):
    per: str  # "node", "leaf", "category", "bounds" or "bits"
    whole: bool


_ARRAYS = {
    "split_feature": _Array("node", whole=True),
    "split_gain": _Array("node", whole=False),
    "threshold": _Array("node", whole=False),
    "decision_type": _Array("node", whole=True),
    "left_child": _Array("node", whole=True),
    "right_child": _Array("node", whole=True),
    "leaf_value": _Array("leaf", whole=False),
    "leaf_weight": _Array("leaf", whole=False),
    "leaf_count": _Array("leaf", whole=True),
    "internal_value": _Array("node", whole=False),
    "internal_weight": _Array("node", whole=False),
    "internal_count": _Array("node", whole=True),
    "cat_boundaries": _Array("bounds", whole=True),
    "cat_threshold": _Array("bits", whole=True),
}
_NEEDED = ("split_feature", "threshold", "decision_type", "left_child", "right_child", "leaf_value")
_SCALARS = ("num_leaves", "num_cat", "is_linear", "shrinkage")


def scoring_text(text: str) -> str:
    """Keep what scoring needs of a booster's text, without the byte counts that make the loader fragile."""
    head, *trees = text.split("end of trees", 1)[0].split("\nTree=")
    kept = dict(line.split("=", 1) for line in head.splitlines() if "=" in line)
    # names and ranges of columns stay in the specification of the model, where they are checked; here they only count
    width = int(kept["max_feature_idx"]) + 1
    kept["feature_names"] = " ".join(f"f{place}" for place in range(width))
    kept["feature_infos"] = " ".join(["none"] * width)
    return _join([["tree", *(f"{key}={kept[key]}" for key in _HEADER)], *(tree.split("\n") for tree in trees)])


def _join(blocks: list[list[str]]) -> str:
    text = "\n\nTree=".join("\n".join(line for line in block if line) for block in blocks)
    return text + "\n\nend of trees\n"


def checked_trees(content: bytes, n_features: int, name: str) -> str:
    """Give the text back if every line of it obeys the grammar."""
    try:
        text = content.decode("ascii")
        head, *trees = _split(text)
        _check_head(head, n_features)
        for place, tree in enumerate(trees):
            _check_tree(tree, place, n_features)
    except (_GrammarError, UnicodeDecodeError) as error:
        reason = str(error) if isinstance(error, _GrammarError) else "not plain text"
        message = f"model file: {name!r} breaks the grammar of trees: {reason}; train again or fetch it anew"
        raise ModelFileError(message) from None
    return text


class _GrammarError(Exception):
    """What is wrong, in two or three words."""


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise _GrammarError(what)


def _split(text: str) -> list[list[str]]:
    """Part head and trees into lines; how many there are is known before anything is parted."""
    _require(text.endswith("\n\nend of trees\n") and text.count("end of trees") == 1, "end of trees")
    n_trees = text.count("\n\nTree=")
    _require(1 <= n_trees <= _MAX_TREES, "number of trees")
    _require(text.count("\n") <= (n_trees + 1) * _MAX_LINES, "number of lines")
    blocks = [block.split("\n") for block in text.removesuffix("\n\nend of trees\n").split("\n\nTree=")]
    _require(all(all(block) for block in blocks), "blank lines")
    return blocks


def _check_head(lines: list[str], n_features: int) -> None:
    _require(bool(lines) and lines[0] == "tree", "first line")
    entries = _entries(lines[1:])
    _require(tuple(entries) == _HEADER, "keys of the header")
    _require(all(entries[key] == value for key, value in _FIXED.items()), "fixed values of the header")
    _require(0 < n_features <= _MAX_FEATURES and entries["max_feature_idx"] == str(n_features - 1), "number of columns")
    _require(_OBJECTIVE.fullmatch(entries["objective"].strip()) is not None, "objective")
    _require(entries["feature_names"] == " ".join(f"f{i}" for i in range(n_features)), "names of columns")
    _require(entries["feature_infos"] == " ".join(["none"] * n_features), "ranges of columns")


def _entries(lines: list[str]) -> dict[str, str]:
    pairs = [line.partition("=") for line in lines]
    _require(all(sep for _, sep, _ in pairs), "line without key")
    entries = {key: value for key, _, value in pairs}
    _require(len(entries) == len(pairs), "key given twice")
    return entries


def _check_tree(lines: list[str], place: int, n_features: int) -> None:
    _require(bool(lines) and lines[0] == str(place), "order of trees")
    entries = _entries(lines[1:])
    _require(set(entries) <= {*_ARRAYS, *_SCALARS} and set(_SCALARS) <= set(entries), "keys of a tree")
    n_leaves, n_cat = _whole(entries["num_leaves"]), _whole(entries["num_cat"])
    _require(1 <= n_leaves <= _MAX_LEAVES and 0 <= n_cat < n_leaves, "size of a tree")
    # linear models in leaves have lines that this grammar does not know
    _require(entries["is_linear"] == "0" and _NUMBER.fullmatch(entries["shrinkage"]) is not None, "kind of a tree")
    # a tree of one leaf has no node, and so no array of nodes
    _require(n_leaves == 1 or set(_NEEDED) <= set(entries), "missing part of a tree")
    _require("leaf_value" in entries, "missing leaves")
    lengths = {"node": n_leaves - 1, "leaf": n_leaves, "bounds": n_cat + 1}
    arrays = {key: _numbers(entries[key], kind, lengths) for key, kind in _ARRAYS.items() if entries.get(key)}
    _require(len(arrays.get("leaf_value", ())) == n_leaves, "number of leaves")
    _require(all(abs(value) <= _MAX_VALUE for value in arrays["leaf_value"]), "value of a leaf")
    if n_leaves > 1:
        _check_shape(arrays["left_child"], arrays["right_child"], n_leaves)
        _require(all(0 <= column < n_features for column in arrays["split_feature"]), "column of a split")
        _check_categories(arrays, n_cat)


def _whole(text: str) -> int:
    _require(_INTEGER.fullmatch(text) is not None, "whole number")
    return int(text)


def _numbers(text: str, kind: _Array, lengths: dict[str, int]) -> list[float]:
    length = text.count(" ") + 1  # known before the text is parted
    _require(length == lengths.get(kind.per, min(length, _MAX_WORDS)), "length of an array")
    parts = text.split(" ")
    pattern = _INTEGER if kind.whole else _NUMBER
    _require(all(pattern.fullmatch(part) for part in parts), "number in an array")
    return [float(part) for part in parts]


def _check_shape(left: list[float], right: list[float], n_leaves: int) -> None:
    """Each node but the root, and each leaf, has exactly one parent, and a parent comes before its child."""
    seen = set()
    for node, children in enumerate(zip(left, right, strict=True)):
        for child in children:
            # leaf n is written -n - 1; children lie behind their node, so that no walk goes round in a circle
            _require(-n_leaves <= child < n_leaves - 1 and (child < 0 or child > node), "child of a node")
            seen.add(child)
    _require(len(seen) == 2 * (n_leaves - 1), "child with two parents")  # as many as there are places


def _check_categories(arrays: dict[str, list[float]], n_cat: int) -> None:
    kinds = [int(kind) for kind in arrays["decision_type"]]
    # bit 0: categorical, bit 1: missing goes left, bits 2 and 3: one of three kinds of missing
    _require(all(0 <= kind <= 11 for kind in kinds), "kind of a split")
    # the threshold of a categorical split is the number of its set; each set has one split
    split = [cut for cut, kind in zip(arrays["threshold"], kinds, strict=True) if kind & 1]
    _require(sorted(split) == list(range(n_cat)), "categorical splits")
    if n_cat:
        bounds, bits = arrays.get("cat_boundaries", []), arrays.get("cat_threshold", [])
        steps = all(low < high for low, high in itertools.pairwise(bounds))
        _require(len(bounds) == n_cat + 1 and bounds[0] == 0 and steps and bounds[-1] == len(bits), "category sets")
        _require(all(0 <= word < 2**32 for word in bits), "category bits")
