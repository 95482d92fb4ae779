"""Text of trees: what LightGBM wrote scores the same after reduction, and no damaged text reaches LightGBM."""

from __future__ import annotations

import random

import lightgbm as lgb
import numpy as np
import pytest

from csrisk._pipeline._model_files._tree_text import checked_trees, scoring_text
from csrisk.exceptions import ModelFileError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 3))
X[:, 2] = RNG.integers(0, 70, 400)
X[::7, 0] = np.nan
Y = ((X[:, 0] + (X[:, 2] % 3 == 0)) > 0).astype(int)


def booster(**params: object) -> lgb.Booster:
    base = {"objective": "binary", "num_leaves": 6, "verbose": -1, "min_data_in_leaf": 5, "min_data_per_group": 2}
    return lgb.train({**base, **params}, lgb.Dataset(X, Y, categorical_feature=[2]), 5)


@pytest.mark.parametrize("params", [{}, {"max_cat_to_onehot": 1, "cat_smooth": 1}, {"min_data_in_leaf": 500}])
def test_reduced_text_scores_the_same(params: dict[str, object]) -> None:
    whole = booster(**params)
    text = checked_trees(scoring_text(whole.model_to_string()).encode(), 3, "t")
    again = lgb.Booster(model_str=text)
    assert again.num_trees() == whole.num_trees()
    np.testing.assert_array_equal(again.predict(X, raw_score=True), whole.predict(X, raw_score=True))


def test_reducing_twice_changes_nothing() -> None:
    text = scoring_text(booster().model_to_string())
    assert scoring_text(lgb.Booster(model_str=text).model_to_string()) == text


GOOD = scoring_text(booster().model_to_string())
FIRST = GOOD.index("left_child=") + len("left_child=")
DAMAGE = [
    (GOOD[: len(GOOD) // 2], "end of trees"),
    (GOOD.replace("version=v4", "version=v9"), "fixed values"),
    (GOOD.replace("max_feature_idx=2", "max_feature_idx=3"), "number of columns"),
    (GOOD.replace("objective=binary sigmoid:1", "objective=binary sigmoid:0"), "objective"),
    (GOOD.replace("tree\nversion", "tree\nfoo=1\nversion"), "keys of the header"),
    (GOOD.replace("Tree=1\n", "Tree=7\n"), "order of trees"),
    (GOOD.replace("num_leaves=6", "num_leaves=999999999", 1), "size of a tree"),
    (GOOD.replace("num_leaves=6", "num_leaves=5", 1), "length of an array"),
    (GOOD.replace("is_linear=0", "is_linear=1", 1), "kind of a tree"),
    (GOOD.replace("shrinkage=1", "shrinkage=1\nshrinkage=1", 1), "key given twice"),
    (GOOD.replace("leaf_value=", "leaf_value=1e9999 ", 1), "(length of an array|number in an array)"),
    (GOOD[:FIRST] + "0" + GOOD[FIRST + 1 :], "child"),
    (GOOD.replace("split_feature=0", "split_feature=9", 1), "column of a split"),
    (GOOD.replace("\nnum_cat=", "\nevil\nnum_cat=", 1), "line without key"),
    (GOOD + "\npandas_categorical:[]\n", "end of trees"),
]


@pytest.mark.parametrize(("text", "message"), DAMAGE)
def test_damage_is_named(text: str, message: str) -> None:
    assert text != GOOD
    with pytest.raises(ModelFileError, match=f"'t' breaks the grammar of trees: {message}"):
        checked_trees(text.encode(), 3, "t")


def test_mutants_are_refused_or_load() -> None:
    """Random damage either breaks the grammar or leaves a tree that LightGBM loads and scores without harm."""
    chance, accepted = random.Random(0), 0
    for _ in range(400):
        mutant = bytearray(GOOD.encode())
        for _ in range(chance.randint(1, 3)):
            mutant[chance.randrange(len(mutant))] = chance.choice(b"0123456789-+.e= \nabc\x00\xff")
        try:
            text = checked_trees(bytes(mutant), 3, "t")
        except ModelFileError:
            continue
        accepted += 1
        assert np.isfinite(lgb.Booster(model_str=text).predict(X[:20], raw_score=True)).all()
    assert 0 < accepted < 400
