"""The world of people: users infect each other, and the account follows its users."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from csrisk.datasets import SaasBook, make_agents
from csrisk.datasets._agents._people import Users, log_odds, players, simulate
from csrisk.exceptions import ConfigError

GOALS = ["footprint", "churn", "advocacy", "feedback"]


@pytest.fixture(scope="module")
def world() -> SaasBook:
    return make_agents(500, 24, seed=3, monthly_churn=0.03)


def test_the_same_seed_gives_the_same_world() -> None:
    first, second = make_agents(40, 10, seed=2), make_agents(40, 10, seed=2)
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, second.tables[name])
    pd.testing.assert_frame_equal(first.truth.months, second.truth.months)
    assert not make_agents(40, 10, seed=3).tables["usage"].equals(first.tables["usage"])


@pytest.mark.parametrize("seed", [1, 2])
def test_tables_are_within_the_contract(seed: int) -> None:
    data = make_agents(100, 15, seed=seed).data()
    assert {breach.code for breach in data.breaches} <= {"CSD206", "CSD308"}
    assert data.rejected.empty


def test_log_odds_by_hand() -> None:
    rows = np.array([[0.5, 1.0, 0.0, 0.0, 0.2], [0.0, 0.4, 1.5, 2.0, -0.3]])
    by_hand = [1.4 * 0.5 + 1.1 * 1.0 + 0.5 * 1.0 + 0.2, 1.1 * 0.4 + 1.1 * 1.5 + 0.9 * 2.0 - 0.3]
    np.testing.assert_allclose(log_odds(rows), by_hand)


def test_what_plays_by_hand() -> None:
    """Two of four seats are empty: 3 (1/2 - 1/3) = .5; the two who are there are annoyed by .2 and .6."""
    shape = (1, 1, 4)
    present = np.array([[[True, True, False, False]]])
    ever = np.concatenate([np.ones(shape, dtype=bool), present], axis=1)
    annoyed = np.tile([0.2, 0.6, 9.0, 9.0], (1, 2, 1))
    users = Users(np.zeros((1, 2, 4)), annoyed, ever, np.zeros((1, 2, 4), int), np.full((1, 2), -1.0), np.zeros((1, 2)))
    np.testing.assert_allclose(players(users, np.array([10]))[0, 1], [0.5, 0.4, 0.7, 0.0, 0.0])


def test_annoyance_spreads_within_the_account() -> None:
    """Users of an account are more alike in their annoyance the more of it they take over from each other."""

    def alike(spread: float) -> float:
        users = simulate(np.full(300, 12), 18, spread, np.random.default_rng(1))
        last, there = users.annoyed[:, -1], users.present[:, -1]
        both = there[:, 3] & there[:, 4]
        return float(np.corrcoef(last[both, 3], last[both, 4])[0, 1])

    found = [alike(spread) for spread in (0.0, 0.15, 0.3)]
    assert found == sorted(found)
    assert found[2] > found[0] + 0.1


def test_the_champion_counts_for_many() -> None:
    """Where the champion left two months ago, the others are less engaged than before, and than elsewhere."""
    users = simulate(np.full(1500, 10), 12, 0.15, np.random.default_rng(2))
    gone = ~users.present[:, 6:9, 0].any(axis=1) & users.present[:, 5, 0]
    mood = [(users.engaged[:, at, 1:] * users.present[:, at, 1:]).sum(axis=1) for at in (5, 8)]
    count = [users.present[:, at, 1:].sum(axis=1) for at in (5, 8)]
    somebody = (count[0] > 0) & (count[1] > 0)
    change = mood[1][somebody] / count[1][somebody] - mood[0][somebody] / count[0][somebody]
    gone = gone[somebody]
    assert gone.sum() > 20
    assert change[gone].mean() < change[~gone].mean() - 0.05


def test_goals_add_up_to_the_log_hazard_of_the_window(world: SaasBook) -> None:
    goals = world.truth.goals("2025-06-01")
    np.testing.assert_allclose(goals[[*GOALS, "context"]].sum(axis=1), goals["risk"], atol=1e-9)
    now = world.truth.months.xs(pd.Timestamp("2025-05-01"), level="month").reindex(goals.index)
    difference = goals["risk"] - (now["churn_log_odds"] - now["churn_contract_term"])
    assert difference[now["term"] == 1].std() < 1e-9


def test_probability_orders_what_happens(world: SaasBook) -> None:
    ended = world.tables["accounts"].set_index("account_id")["ended_at"]
    rows = []
    for as_of in pd.date_range("2024-03-01", "2025-09-01", freq="3MS"):
        goals = world.truth.goals(as_of)
        end = ended.reindex(goals.index)
        at_risk = ~(end < as_of + pd.Timedelta(days=14))
        leaves = end < as_of + pd.Timedelta(days=104)
        rows.append(pd.DataFrame({"p": goals["probability"], "y": leaves})[at_risk])
    together = pd.concat(rows)
    rate = together["y"].groupby(pd.qcut(together["p"], 4, labels=False)).mean()
    assert rate.is_monotonic_increasing
    assert rate[3] > 4 * rate[0] + 0.05


def test_people_have_one_id_in_every_table(world: SaasBook) -> None:
    used = set(world.tables["usage"]["user_id"])
    called, answered = world.tables["contacts"]["person_id"], world.tables["surveys"]["respondent"]
    assert called.isin(used).mean() > 0.95
    roles = world.tables["people"]
    deciders = set(roles.loc[roles["role"] == "decider", "person_id"])
    assert (answered.isin(used) | answered.isin(deciders)).mean() > 0.95
    assert 0.05 < answered.isin(deciders).mean() < 0.2
    champions = roles[roles["role"] == "champion"].sort_values(["account_id", "from_at"])
    until = champions.groupby("account_id")["to_at"].shift(1)
    assert (until.dropna() == champions.loc[until.notna(), "from_at"]).all()


def test_nothing_is_dated_outside_of_the_life_of_its_account(world: SaasBook) -> None:
    accounts = world.tables["accounts"].set_index("account_id")
    dated = [
        ("usage", "at"),
        ("contacts", "opened_at"),
        ("surveys", "sent_at"),
        ("people", "from_at"),
        ("people", "to_at"),
    ]
    for table, column in dated:
        rows = world.tables[table].dropna(subset=[column])
        life, at = accounts.reindex(rows["account_id"]), rows[column].dt.floor("D").to_numpy()
        assert not (at >= life["ended_at"].to_numpy()).any(), (table, column)
        assert (at >= life["started_at"].to_numpy()).all(), (table, column)
        assert (at < world.end).all(), (table, column)


@pytest.mark.parametrize("spread", [-0.1, 0.5])
def test_a_spread_that_makes_no_sense_is_refused(spread: float) -> None:
    with pytest.raises(ConfigError, match=rf"spread={spread} must lie between 0 and 0.3"):
        make_agents(20, 6, spread=spread)
