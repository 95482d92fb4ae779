"""The rest of a goal, opened: what was told before stays, the parts add up, and the nested value is Winter's."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier

from csrisk import explain
from csrisk._explain._games._game import nested_maps, owen_maps

GOALS = ("churn", "footprint", "advocacy")


@pytest.fixture(scope="module")
def why():
    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.normal(size=(300, 24)), columns=[f"f{i}" for i in range(24)])
    y = X.to_numpy() @ np.tile([1.0, 0.6, 0.9, 0.5, 0.8, 0.7], 4) + rng.normal(size=300) > 0
    model = LGBMClassifier(n_estimators=60, num_leaves=6, verbose=-1, n_jobs=1, random_state=0).fit(X, y)
    goals = {name: GOALS[i % 3] for i, name in enumerate(X)}
    return explain(model, X[:20], reference=X, declarations=goals, n_reference=24)


def test_what_was_told_stays_and_everything_adds_up(why):
    rows = np.arange(len(why))
    told = why.feature_game(rows)[0]
    opened, left = why.opened_game(rows)
    known = ~np.isnan(told)
    np.testing.assert_array_equal(opened[known], told[known])
    goal = np.array([why.goals_present.index(f.goal) for f in why.declarations])
    for place in range(3):
        whole = np.nansum(opened[:, goal == place], axis=1) + left[:, place]
        np.testing.assert_allclose(whole, why.contributions[:, place], atol=1e-9)


def test_named_features_carry_four_fifths_of_a_goal(why):
    left = why.opened_game(np.arange(len(why)))[1]
    before = why.feature_game(np.arange(len(why)))[1]
    large = np.abs(why.contributions) >= 1
    carried = 1 - np.abs(left[large]) / np.abs(why.contributions[large])
    assert (carried >= 0.8).mean() > 0.95
    assert (1 - np.abs(before[large]) / np.abs(why.contributions[large]) >= 0.8).mean() < 0.8


def test_nested_maps_are_means_over_the_orders_that_keep_unions_together():
    # players: 0 and 1 beside the inner union {2, 3, 4}, which is one of three of its goal; 5 and 6 are other goals
    rng = np.random.default_rng(0)
    worth = rng.normal(size=1 << 7)
    total, count = np.zeros(3), 0
    inner = list(itertools.permutations([2, 3, 4]))
    for goals in itertools.permutations(["own", 5, 6]):
        for places in itertools.permutations([0, 1, "rest"]):
            for last in inner:
                own = [p for place in places for p in (last if place == "rest" else [place])]
                order = [p for goal in goals for p in (own if goal == "own" else [goal])]
                mask = 0
                for player in order:
                    if player in (2, 3, 4):
                        total[player - 2] += worth[mask | 1 << player] - worth[mask]
                    mask |= 1 << player
                count += 1
    np.testing.assert_allclose(nested_maps(2, 2, 3) @ worth, total / count, atol=1e-12)


def test_without_players_beside_it_the_union_is_its_goal():
    np.testing.assert_allclose(nested_maps(3, 0, 2), owen_maps(3, 2).reshape(2, -1))
