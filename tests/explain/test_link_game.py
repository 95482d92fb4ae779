"""The link game against its definition: every mixed row put together by hand and scored by the trees themselves."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from csrisk._explain._adapters._codes import coded, compile_forest
from csrisk._explain._adapters._trees import read_booster
from csrisk._explain._games._link_game import LinkGame, Side

INTERCEPT = 0.25
WEIGHTS = np.array([0.5, -0.3, 0.2, 0.1])
PLAYERS = np.array([0, 1, 1, 2])
COALITIONS = list(range(8))


def logistic(margin: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return 1 / (1 + np.exp(-margin))


@pytest.fixture(scope="module")
def made() -> tuple[Any, lgb.Booster, np.ndarray[Any, Any]]:
    chance = np.random.default_rng(0)
    X = chance.normal(size=(400, 4)).round(2)
    y = chance.integers(0, 2, 400).astype(float)  # noise, so that the trees are as large as they may be
    booster = lgb.train(
        {"objective": "binary", "num_leaves": 130, "min_data_in_leaf": 1, "verbose": -1}, lgb.Dataset(X, y), 3
    )
    return compile_forest(read_booster(booster)), booster, X


def worth(
    booster: lgb.Booster, x: np.ndarray[Any, Any], others: np.ndarray[Any, Any], coalition: int, *, linear: bool
) -> float:
    mixed = others.copy()
    mine = np.isin(PLAYERS, [player for player in range(3) if coalition >> player & 1])
    mixed[:, mine] = x[mine]
    margin = booster.predict(mixed, raw_score=True) + INTERCEPT + (mixed @ WEIGHTS if linear else 0)
    return float(logistic(margin).mean())


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("n_reference", [1, 7, 40])
def test_the_worth_of_every_coalition(made: Any, linear: bool, n_reference: int) -> None:
    """The linear part too takes the players of the coalition from the row and the others from the reference."""
    forest, booster, X = made
    game = LinkGame.of(forest, INTERCEPT, logistic)
    assert (forest.max_leaves, game.left_leaves.shape[1]) == (130, 3), "64 leaves to a word"

    def side(rows: np.ndarray[Any, Any]) -> Side:
        return Side(coded(forest, rows), rows * WEIGHTS if linear else None)

    rows, others = X[:20], X[100 : 100 + n_reference]
    found = game.worth(side(rows), side(others), PLAYERS, COALITIONS)
    expected = [[worth(booster, x, others, S, linear=linear) for S in COALITIONS] for x in rows]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    partners = X[200:220]
    paired = game.paired_worth(side(rows), side(partners), PLAYERS, COALITIONS)
    expected = [
        [worth(booster, x, z[None], S, linear=linear) for S in COALITIONS] for x, z in zip(rows, partners, strict=True)
    ]
    np.testing.assert_allclose(paired, expected, atol=1e-12)


def test_many_rows_in_blocks_are_as_rows_alone(made: Any) -> None:
    forest, _, X = made
    game = LinkGame.of(forest, INTERCEPT, logistic)
    side = Side(coded(forest, X), X * WEIGHTS, X[:, 0])
    others = side.take(slice(0, 9))
    assert (others.margin == X[:9, 0]).all()
    whole = game.worth(side, others, PLAYERS, COALITIONS, n_jobs=2)
    alone = np.vstack([game.worth(side.take(slice(n, n + 1)), others, PLAYERS, COALITIONS) for n in (0, 17, 399)])
    np.testing.assert_array_equal(whole[[0, 17, 399]], alone)
    np.testing.assert_allclose(Side(side.codes).linear(np.array([True] * 4)), np.zeros(len(X)))
