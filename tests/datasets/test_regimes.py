"""The world of regimes: thresholds, delays, a common cause, a confounder, and calls that go where it hurts."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from csrisk.datasets import MECHANISMS, RegimeTraits, SaasBook, make_regimes
from csrisk.datasets._games import shapley
from csrisk.datasets._regimes._process import DELAY, felt, log_odds
from csrisk.exceptions import ConfigError, SnapshotError

GOALS = ["footprint", "churn", "advocacy", "feedback"]


@pytest.fixture(scope="module")
def world() -> SaasBook:
    return make_regimes(900, 24, seed=3, monthly_churn=0.03)


def test_the_same_seed_gives_the_same_world() -> None:
    first, second = make_regimes(60, 10, seed=2), make_regimes(60, 10, seed=2)
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, second.tables[name])
    pd.testing.assert_frame_equal(first.truth.months, second.truth.months)
    assert not make_regimes(60, 10, seed=3).tables["usage"].equals(first.tables["usage"])


def test_tables_are_within_the_contract() -> None:
    data = make_regimes(120, 18, seed=1).data()
    assert {breach.code for breach in data.breaches} <= {"CSD206", "CSD308"}
    assert data.rejected.empty


def test_a_goal_is_felt_when_it_was_broken_for_longer_than_its_delay() -> None:
    """Broken from the second month on, mended in the sixth: by hand, delays are 2, 0, 3 and 1 months."""
    regime = np.zeros((1, 7, 4), dtype=np.int64)
    regime[0, 1:6] = 2
    regime[0, 0] = 1  # strained moves nobody
    first = {goal: int(np.argmax(felt(regime)[0, :, place])) for place, goal in enumerate(GOALS)}
    assert (
        first == {goal: 1 + DELAY[goal] for goal in GOALS} == {"footprint": 3, "churn": 1, "advocacy": 4, "feedback": 2}
    )
    assert not felt(regime)[0, [0, 6]].any()


def test_log_odds_by_hand() -> None:
    rows = np.array([[1, 0, 0, 0, 0.9], [1, 1, 0, 0, 0.0], [0, 1, 1, 1, -1.1]])
    np.testing.assert_allclose(log_odds(rows), [1.6 + 0.9, 1.6 + 1.3 + 0.8, 1.3 + 1.3 + 1.1 + 0.8 - 1.1])


def test_shapley_values_are_those_of_all_orders() -> None:
    """Mean over the 120 orders of the players, for each of a few rows against all of them."""
    rng = np.random.default_rng(1)
    rows = np.column_stack([rng.integers(0, 2, (7, 4)), rng.choice([0.9, 0.0, -1.1], 7)]).astype(float)
    expected = np.zeros(rows.shape)
    orders = list(permutations(range(5)))
    for order in orders:
        mixed = np.broadcast_to(rows, (7, 7, 5)).copy()  # the row explained, the row it is held against
        before = log_odds(mixed).mean(axis=1)
        for player in order:
            mixed[:, :, player] = rows[:, player][:, None]
            after = log_odds(mixed).mean(axis=1)
            expected[:, player] += (after - before) / len(orders)
            before = after
    np.testing.assert_allclose(shapley(log_odds, rows), expected, atol=1e-12)


def test_goals_add_up_to_the_log_hazard_of_the_window(world: SaasBook) -> None:
    goals = world.truth.goals("2025-06-01")
    np.testing.assert_allclose(goals[[*GOALS, "context"]].sum(axis=1), goals["risk"], atol=1e-9)
    np.testing.assert_allclose(goals[[*GOALS, "context"]].mean(), 0, atol=1e-9)
    now = world.truth.months.xs(pd.Timestamp("2025-05-01"), level="month").reindex(goals.index)
    monthly = now["term"] == 1  # no renewal: the log-odds differ as the risk does
    difference = goals["risk"] - (now["churn_log_odds"] - now["churn_contract_term"])
    assert difference[monthly].std() < 1e-9
    with pytest.raises(SnapshotError, match="must be the first day of a month"):
        world.truth.goals("2025-06-02")


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
    assert rate[3] > 5 * rate[1]


@pytest.mark.parametrize("goal", GOALS)
def test_what_is_felt_moves_and_what_is_strained_does_not(world: SaasBook, goal: str) -> None:
    months = world.truth.months
    alone = months[[f"{other}_felt" for other in GOALS if other != goal]].sum(axis=1) == 0
    here = months[alone & (months["term"] == 1)]
    is_felt = here[f"{goal}_felt"] > 0
    assert here.loc[is_felt, "churn"].mean() > 2 * here.loc[~is_felt, "churn"].mean()
    strained = here[here[f"{goal}_regime"] == 1]
    base = here["churn_log_odds"] - here["context"]
    season = base.groupby(level="month").min()
    np.testing.assert_allclose(
        base[strained.index], season.reindex(strained.index.get_level_values("month")), atol=1e-9
    )


def test_the_segment_turns_the_sign_of_use_round() -> None:
    """More use per seat goes with more churn over the portfolio, and with less within each segment."""
    world = make_regimes(2500, 24, seed=3, monthly_churn=0.03)
    months, accounts = world.truth.months, world.truth.accounts
    seats = world.tables["subscriptions"].groupby("account_id")["seats"].mean()
    use = world.tables["usage"].groupby("account_id").size() / months.groupby(level="account_id").size() / seats
    frame = pd.DataFrame({"use": np.log(use), "left": accounts["left"].astype(float)}).dropna()
    frame["segment"] = world.tables["accounts"].set_index("account_id")["segment"]
    assert frame["use"].corr(frame["left"]) > 0
    within = {segment: rows["use"].corr(rows["left"]) for segment, rows in frame.groupby("segment")}
    assert max(within.values()) < -0.1


def test_a_common_cause_moves_the_goals_together() -> None:
    def mean_correlation(correlation: float) -> float:
        months = make_regimes(400, 12, seed=1, traits=RegimeTraits(correlation=correlation)).truth.months
        table = months[[f"{goal}_regime" for goal in GOALS]].corr().to_numpy()
        return float(table[np.triu_indices(4, 1)].mean())

    found = [mean_correlation(size) for size in (0.0, 0.3, 0.6, 0.9)]
    assert found == sorted(found)
    assert abs(found[0]) < 0.06
    assert found[3] > 0.5


def test_calls_go_where_use_broke(world: SaasBook) -> None:
    calls = world.tables["treatments"]
    assert not calls["assigned_at_random"].any()
    month = calls["at"].dt.to_period("M").dt.to_timestamp()
    at = pd.MultiIndex.from_arrays([calls["account_id"], month])
    broken = (world.truth.months["footprint_regime"].reindex(at) == 2).to_numpy()
    called = (calls["play"] == "success_call").to_numpy()
    assert abs(called[broken].mean() - 0.75) < 0.08
    assert abs(called[~broken].mean() - 0.25) < 0.05
    assert (make_regimes(60, 12, seed=1).truth.call_effect("2025-06-01") == 0).all()


def test_not_everybody_is_surveyed() -> None:
    tables = make_regimes(400, 12, seed=1, traits=RegimeTraits(surveyed=0.5)).tables
    assert abs(tables["surveys"]["account_id"].nunique() / 400 - 0.5) < 0.1
    nobody = make_regimes(40, 12, seed=1, traits=RegimeTraits(surveyed=0.0))
    assert nobody.tables["surveys"].empty
    assert "surveys" in nobody.data().missing


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"correlation": 1.0}, r"correlation=1.0 must lie between 0 and 0.95"),
        ({"surveyed": -0.1}, r"surveyed=-0.1 must lie between 0 and 1"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        RegimeTraits(**arguments)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"n_accounts=0 must be a whole number"):
        make_regimes(0)


@pytest.fixture(scope="module")
def pushed() -> SaasBook:
    return make_regimes(700, 20, seed=4, monthly_churn=0.03, mechanisms="all")


def test_mechanisms_add_to_the_log_odds_of_their_goals(pushed: SaasBook) -> None:
    """By hand: a state that is pushed adds its effect in make_saas, .80 for effort and -.75 for advocacy."""
    months = pushed.truth.months
    own = log_odds(months[[*(f"{goal}_felt" for goal in GOALS), "context"]].to_numpy(dtype=float))
    rest = months["churn_log_odds"] - months["churn_contract_term"] - own
    added = pd.Series(0.0, index=months.index)
    for mechanism in MECHANISMS.values():
        for part in mechanism.parts:
            per_unit = 0.80 * part.states[1] - 0.75 * part.states[2] + part.log_odds.get("churn", 0.0)
            added += months[part.name] * per_unit
    season = (rest - added).groupby(level="month")
    assert season.std().max() < 1e-9  # what is left is the base and the season of the month
    np.testing.assert_allclose(months[[f"{goal}_pushed" for goal in GOALS]].sum(axis=1), added, atol=1e-9)
    np.testing.assert_allclose(months[[f"churn_{name}" for name in MECHANISMS]].sum(axis=1), added, atol=1e-9)


def test_goals_add_up_with_mechanisms(pushed: SaasBook) -> None:
    goals = pushed.truth.goals("2025-06-01")
    now = pushed.truth.months.xs(pd.Timestamp("2025-05-01"), level="month").reindex(goals.index)
    difference = goals["risk"] - (now["churn_log_odds"] - now["churn_contract_term"])
    assert difference[now["term"] == 1].std() < 1e-9
    effect = pushed.truth.mechanism_effect("sponsor", "2025-06-01")
    assert effect.max() > 0.01
    assert (effect >= 0).all()


def test_mechanisms_move_whom_they_strike(pushed: SaasBook) -> None:
    months = pushed.truth.months
    begun = months.groupby(level="account_id").cumcount() > 0
    first = months.index.get_level_values("month").min()
    rows = months[begun & (months.index.get_level_values("month") > first)]
    total = rows[[f"{goal}_pushed" for goal in GOALS]].sum(axis=1)
    affected = rows[total > 0.5]
    without = 1 / (1 + np.exp(-(affected["churn_log_odds"] - total[affected.index])))
    spread = np.sqrt((without * (1 - without)).sum())
    assert affected["churn"].sum() - without.sum() > 3 * spread


def test_tables_with_mechanisms_are_within_the_contract(pushed: SaasBook) -> None:
    data = pushed.data()
    assert {breach.code for breach in data.breaches} <= {"CSD206", "CSD308"}
    assert {"people", "invoices", "measures"} <= set(data.tables)


def test_calls_may_be_drawn_by_lot() -> None:
    """Where a lot decides, use that broke makes a call no likelier; the confounder of the aimed world is gone."""
    drawn = make_regimes(400, 24, seed=1, traits=RegimeTraits(aimed=False))
    calls = drawn.tables["treatments"]
    assert calls["assigned_at_random"].all()
    at = pd.MultiIndex.from_arrays([calls["account_id"], calls["at"].dt.to_period("M").dt.to_timestamp()])
    broken = (drawn.truth.months["footprint_regime"].reindex(at) == 2).to_numpy()
    called = (calls["play"] == "success_call").to_numpy()
    assert abs(called[broken].mean() - called[~broken].mean()) < 0.12


def test_the_driver_of_an_account_is_that_of_its_last_month(world: SaasBook) -> None:
    """Where nothing was felt in it there is none, whatever drove the account long before."""
    months = world.truth.months["driver"]
    account = months.index.get_level_values("account_id")
    last = months[~account.duplicated(keep="last")].droplevel("month")
    drivers = world.truth.accounts["driver"]
    earlier = months.dropna().index.get_level_values("account_id").unique()
    assert drivers[earlier].isna().sum() > 9
    assert drivers.fillna("none").to_dict() == last.reindex(drivers.index).fillna("none").to_dict()
