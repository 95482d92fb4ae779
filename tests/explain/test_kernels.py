"""Kernels against brute force: every coalition predicted by LightGBM itself."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from csrisk._explain._adapters._codes import coded, compile_forest
from csrisk._explain._adapters._trees import read_booster
from csrisk._explain._games._direct import coalition_values
from csrisk._explain._games._game import interaction_map, leave_one_out_map, owen_maps, shapley_map
from csrisk._explain._games._link_game import LinkGame, Side
from csrisk._explain._games._margin_game import MarginGame
from csrisk._explain._games._owen_game import OwenGame
from csrisk._explain._games._points_game import PointsGame, table_of
from csrisk._explain._kernels import _plain
from csrisk.exceptions import ExplanationError

from ._configurations import CONFIGURATIONS, fit, hard_rows

pytestmark = pytest.mark.promise("Contributions equal brute force over every coalition")

GOAL = np.array([0, 1, 1, 2, 0, 3, 3, 2])
PLAYERS = [np.flatnonzero(k == GOAL) for k in range(4)]
MODULES = [
    "_games._margin_game",
    "_games._link_game",
    "_games._owen_game",
    "_games._deep_leaves",
    "_adapters._codes",
    "_games._points_game",
]


def _sigmoid(margin):
    return 1.0 / (1.0 + np.exp(-margin))


def _margin(booster):
    """LightGBM's raw score is not averaged over a random forest, but its probability is."""
    averaged = booster.params.get("boosting") == "rf"
    return lambda matrix: booster.predict(matrix, raw_score=True) / (booster.num_trees() if averaged else 1)


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def case(request):
    booster = fit(request.param)
    rows, reference = hard_rows(10), hard_rows(20)
    margin = _margin(booster)
    worth = {
        function: coalition_values(lambda matrix, f=function: f(margin(matrix)), rows, reference, PLAYERS)
        for function in (np.asarray, _sigmoid)
    }
    return booster, compile_forest(read_booster(booster)), rows, reference, worth


@pytest.fixture(params=["compiled", "plain"])
def _backend(request, monkeypatch):
    if request.param == "plain":
        for module in MODULES:
            monkeypatch.setattr(f"csrisk._explain.{module}.kernels", lambda: _plain)
    else:
        pytest.importorskip("numba")


def _sides(case):
    forest, rows, reference = case[1:4]
    return coded(forest, rows), coded(forest, reference)


@pytest.mark.usefixtures("_backend")
def test_log_odds(case):
    rows, reference = _sides(case)
    game = MarginGame.against(case[1], GOAL, 4, reference)
    linear_map = np.vstack([shapley_map(4), interaction_map(4), leave_one_out_map(4)])
    np.testing.assert_allclose(game.apply(rows, linear_map), case[4][np.asarray] @ linear_map.T, atol=1e-12, rtol=0)


@pytest.mark.usefixtures("_backend")
def test_probability(case):
    rows, reference = _sides(case)
    game = LinkGame.of(case[1], 0.0, _sigmoid)
    worth = game.worth(Side(rows), Side(reference), GOAL, range(16))
    np.testing.assert_allclose(worth, case[4][_sigmoid], atol=1e-12, rtol=0)


@pytest.mark.usefixtures("_backend")
def test_probability_of_pairs(case):
    rows, reference = _sides(case)
    game = LinkGame.of(case[1], 0.0, _sigmoid)
    paired = game.paired_worth(Side(rows), Side(reference), GOAL, range(16))
    for i in (1, 7):
        alone = game.worth(Side(rows[:, [i]]), Side(reference[:, [i]]), GOAL, range(16))
        np.testing.assert_allclose(paired[i], alone[0], atol=1e-12, rtol=0)


@pytest.mark.usefixtures("_backend")
def test_probability_of_strongest_features(case):
    """Goals of two features are shown whole, or with one feature and a rest."""
    booster, forest, x, z = case[:4]
    rows, reference = _sides(case)
    game = PointsGame.against(LinkGame.of(forest, 0.0, _sigmoid), Side(reference))
    tables = [table_of(0, np.array([4]), GOAL), table_of(1, np.array([1, 2]), GOAL), table_of(3, np.array([6]), GOAL)]
    for i in (0, 5):
        for table, worth in zip(tables, game.worth(Side(rows[:, [i]]), tables), strict=True):
            players = [np.flatnonzero(table.player == k) for k in range(table.n_inner + table.n_outer)]
            expected = coalition_values(lambda m: _sigmoid(_margin(booster)(m)), x[[i]], z, players)[0]
            np.testing.assert_allclose(worth, expected, atol=1e-12, rtol=0)


@pytest.mark.usefixtures("_backend")
def test_owen_values(case):
    booster, forest, x, z = case[:4]
    rows, reference = _sides(case)
    found = OwenGame.against(forest, GOAL, reference).apply(rows)
    for goal, own in enumerate(PLAYERS):
        players = [np.array([j]) for j in own] + [PLAYERS[k] for k in range(4) if k != goal]
        worth = coalition_values(_margin(booster), x, z, players)
        expected = np.einsum("rto,pto->rp", worth.reshape(len(x), 8, -1), owen_maps(3, len(own)))
        np.testing.assert_allclose(found[:, own], expected, atol=1e-12, rtol=0)


@pytest.mark.usefixtures("_backend")
def test_owen_values_of_pairs(case):
    forest = case[1]
    rows, reference = _sides(case)
    found = OwenGame.paired(forest, GOAL, rows, reference)
    for i in range(3):
        alone = OwenGame.against(forest, GOAL, reference[:, [i]]).apply(rows[:, [i]])
        np.testing.assert_allclose(found[i], alone[0], atol=1e-12, rtol=0)


@pytest.mark.usefixtures("_backend")
def test_path_dependent_expectation_is_that_of_lightgbm(case):
    """Goals add up to what LightGBM's pred_contrib adds up to."""
    booster, forest, x = case[:3]
    if booster.params.get("boosting") == "rf":
        pytest.skip("LightGBM does not average its own contributions")
    game = MarginGame.against(forest, GOAL, 4, None)
    total = game.apply(_sides(case)[0], shapley_map(4)).sum(axis=1)
    contributions = booster.predict(x, pred_contrib=True)
    np.testing.assert_allclose(total, contributions[:, :-1].sum(axis=1), atol=1e-9)


def test_deep_paths_need_no_table(monkeypatch):
    """Leaves below too many features take the way of one table per goal, and give the same numbers."""
    booster = fit("deep chain")
    forest = compile_forest(read_booster(booster))
    rows, reference = coded(forest, hard_rows(1)), coded(forest, hard_rows(2))
    expected = OwenGame.against(forest, GOAL, reference).apply(rows)
    monkeypatch.setattr("csrisk._explain._games._margin_game.MOST_BITS", 3)
    game = OwenGame.against(forest, GOAL, reference)
    assert len(game.deep) > 10
    np.testing.assert_allclose(game.apply(rows), expected, atol=1e-12, rtol=0)
    monkeypatch.setattr("csrisk._explain._games._deep_leaves._MOST_BITS", 2)
    with pytest.raises(ExplanationError, match=r"a path of tree \d+ holds \d+ features of one goal; .*max_depth=2"):
        OwenGame.against(forest, GOAL, reference)


def test_margin_of_the_forest_is_that_of_lightgbm(case):
    booster, forest, x = case[:3]
    game = LinkGame.of(forest, 0.0, _sigmoid)
    side = Side(coded(forest, x))
    worth = game.paired_worth(side, side, GOAL, [15])[:, 0]
    np.testing.assert_allclose(worth, booster.predict(x), atol=1e-14, rtol=0)


def test_many_sets_of_players_give_the_same_numbers():
    """More sets of players than are kept at once; NumPy keeps none."""
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 30))
    told = {"objective": "binary", "verbose": -1, "num_threads": 1, "num_leaves": 5, "feature_fraction": 0.2}
    booster = lightgbm.train({**told, "min_data_in_leaf": 5}, lightgbm.Dataset(X, (X.sum(axis=1) > 0).astype(int)), 300)
    forest, goal = compile_forest(read_booster(booster)), np.arange(30) % 2
    game = PointsGame.against(LinkGame.of(forest, 0.0, _sigmoid), Side(coded(forest, X[:9])))
    tables = [table_of(k, np.arange(k, 16, 2), goal) for k in (0, 1)]
    row = Side(coded(forest, X[[50]]))
    found = game.worth(row, tables)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("csrisk._explain._games._points_game.kernels", lambda: _plain)
        for one, other in zip(found, game.worth(row, tables), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-12, rtol=0)


def test_a_game_of_many_players_fits_the_room_that_is_made_for_it():
    """A node above two subtrees of five features each: 2^11 coalitions at once, in room doubled once."""
    pytest.importorskip("numba")
    bits = (np.arange(4096)[:, None] >> np.arange(12) & 1).astype(float)
    weights = 100 * 2.0 ** np.arange(5)
    y = 1e6 * bits[:, 11] + np.where(bits[:, 0] > 0, 1e5 + bits[:, 1:6] @ weights, bits[:, 6:11] @ weights)
    whole = {"num_leaves": 128, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0, "learning_rate": 1.0}
    told = {"objective": "regression", "verbosity": -1, "num_threads": 1, "min_data_in_bin": 1, **whole}
    booster = lightgbm.train(told, lightgbm.Dataset(bits, y), 1)
    assert len(set(booster.trees_to_dataframe()["split_feature"].dropna())) == 12
    forest, goal = compile_forest(read_booster(booster)), np.array([0] * 11 + [1])
    game = PointsGame.against(LinkGame.of(forest, 0.0, _sigmoid), Side(coded(forest, bits[:9])))
    tables, row = [table_of(0, np.arange(11), goal)], Side(coded(forest, bits[[4000]]))
    found = game.worth(row, tables)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("csrisk._explain._games._points_game.kernels", lambda: _plain)
        np.testing.assert_allclose(found[0], game.worth(row, tables)[0], atol=1e-12, rtol=0)


@pytest.mark.usefixtures("_backend")
@pytest.mark.parametrize("n_reference", [1, 9, 64, 65, 130])
def test_leaves_that_many_players_stay_away_from(n_reference):
    # one tree is a chain over all features: rows and reference rows part at the first node, and once at each after it
    rng = np.random.default_rng(n_reference)
    X = rng.integers(0, 2, size=(3_000, 12)).astype(float)
    y = np.cumprod(X, axis=1).sum(axis=1)
    options = {"num_leaves": 13, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0, "verbose": -1, "seed": 0}
    booster = lightgbm.train(options, lightgbm.Dataset(X, y), num_boost_round=3)
    reference = rng.integers(0, 2, size=(n_reference, 12)).astype(float)
    reference[0] = 1.0
    forest = compile_forest(read_booster(booster))
    game = PointsGame.against(LinkGame.of(forest, 0.0, _sigmoid), Side(coded(forest, reference)))
    # ten players alone, then three and a rest, so that players of the first game move together in the second
    goal = np.zeros(12, dtype=np.int64)
    tables = [table_of(0, np.arange(9), goal), table_of(0, np.array([2, 5, 11]), goal)]
    for row in (np.zeros((1, 12)), np.ones((1, 12)), X[:1]):
        found = game.worth(Side(coded(forest, row)), tables)
        for table, worth in zip(tables, found, strict=True):
            seats = [np.flatnonzero(table.player == player) for player in range(table.player.max() + 1)]
            right = coalition_values(lambda m: _sigmoid(booster.predict(m, raw_score=True)), row, reference, seats)
            np.testing.assert_allclose(worth, right[0], atol=1e-12)
