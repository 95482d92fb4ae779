"""Priorities: gain by hand, capacity kept, hold-out by account and campaign alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csrisk.exceptions import ConfigError
from csrisk.success import RANKING_NOTE, Campaign, in_holdout, priorities

SMALL = Campaign(capacity=5, cost=1)


def _book(n: int, seed: int = 0) -> tuple[pd.Series, pd.Series]:
    rng = np.random.default_rng(seed)
    index = pd.Index([f"acct-{i:04d}" for i in range(n)], name="account_id")
    return pd.Series(rng.random(n), index), pd.Series(rng.exponential(1000, n), index)


def test_gain_by_hand() -> None:
    risk, value = pd.Series([0.2, 0.4]), pd.Series([500.0, 1000.0])
    plan = priorities(risk, value, campaign=Campaign(capacity=5, cost=10, holdout=0), save_rate=0.5)
    assert plan["at_stake"].tolist() == [400.0, 100.0]
    assert plan["gain"].tolist() == [190.0, 40.0]
    assert plan["rank"].tolist() == [1, 2]
    assert set(plan["basis"]) == {RANKING_NOTE} == {"risk ranking, not uplift"}


@given(st.integers(0, 60), st.integers(0, 5))
@settings(deadline=None, max_examples=30)
def test_capacity_is_kept_and_held_out_take_no_place(capacity: int, seed: int) -> None:
    campaign = Campaign(capacity=capacity, cost=20, holdout=0.2)
    plan = priorities(*_book(50, seed), campaign=campaign, save_rate=0.2)["plan"]
    pays = (plan != "costs more than it saves").sum()
    held = in_holdout(plan.index[plan != "costs more than it saves"], "default", 0.2)
    assert (plan == "contact").sum() == min(capacity, pays - held.sum())
    assert in_holdout(plan.index[plan == "hold-out"], "default", 0.2).all()
    assert not in_holdout(plan.index[plan == "contact"], "default", 0.2).any()


def test_hold_out_depends_on_account_and_campaign_only() -> None:
    ids = [f"acct-{i}" for i in range(4000)]
    spring = in_holdout(ids, "spring", 0.1)
    assert (spring == in_holdout(ids[::-1], "spring", 0.1)[::-1]).all()
    assert (spring != in_holdout(ids, "autumn", 0.1)).any()
    assert abs(spring.mean() - 0.1) < 4 * np.sqrt(0.09 / 4000)
    # A larger share holds out the same accounts and more.
    assert (in_holdout(ids, "spring", 0.2) | ~spring).all()


def test_order_does_not_depend_on_the_order_of_rows() -> None:
    risk, value = _book(30)
    plan = priorities(risk, value, campaign=SMALL, save_rate=0.3)
    turned = priorities(risk[::-1], value[::-1], campaign=SMALL, save_rate=0.3)
    pd.testing.assert_frame_equal(plan, turned)


def test_unknown_value_is_never_contacted() -> None:
    campaign = Campaign(capacity=2, cost=0, holdout=0)
    plan = priorities(pd.Series([0.9, 0.1]), pd.Series([np.nan, 100.0]), campaign=campaign, save_rate=1)
    assert plan["plan"].tolist() == ["contact", "unknown value"]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"save_rate": 0.0}, r"save_rate=0.0 must lie in \(0, 1\]"),
        ({"save_rate": 1.01}, r"save_rate=1.01 must lie in \(0, 1\]"),
        ({"risk": pd.Series([2.0, 0.1])}, r"risk must be probabilities"),
        ({"value": pd.Series([1.0])}, r"must share their index"),
    ],
)
def test_arguments_without_sense_are_refused(change: dict[str, object], match: str) -> None:
    arguments = {
        "risk": pd.Series([0.2, 0.1]),
        "value": pd.Series([1.0, 1.0]),
        "campaign": SMALL,
        "save_rate": 0.5,
    }
    with pytest.raises(ConfigError, match=match):
        priorities(**{**arguments, **change})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"capacity": -1}, r"capacity=-1 must be a whole number"),
        ({"capacity": 1.5}, r"capacity=1.5 must be a whole number"),
        ({"cost": -1.0}, r"cost=-1.0 must be 0 or more"),
        ({"holdout": 1.0}, r"holdout=1.0 must lie in \[0, 1\)"),
    ],
)
def test_campaigns_without_sense_are_refused(change: dict[str, float], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        Campaign(**{"capacity": 1, "cost": 1, **change})  # type: ignore[arg-type]


def test_uplift_orders_and_harm_forbids() -> None:
    """.2 x 100 - 5 = 15, .1 x 400 - 5 = 35, .01 x 100 - 5 = -4; the last would gain 45, but is driven away more often
    than not. Risk has no say."""
    index = pd.Index(["a", "b", "c", "d"], name="account_id")
    risk, value = pd.Series([0.9, 0.1, 0.9, 0.9], index), pd.Series([100.0, 400.0, 100.0, 500.0], index)
    uplift, harm = pd.Series([0.2, 0.1, 0.01, 0.1], index), pd.Series([0.1, 0.5, 0.2, 0.51], index)
    spring = Campaign(capacity=1, cost=5, name="spring", holdout=0)
    plan = priorities(risk, value, campaign=spring, uplift=uplift, harm=harm)
    assert plan["gain"].to_dict() == pytest.approx({"d": 45, "b": 35, "a": 15, "c": -4})
    assert plan["plan"].to_dict() == {
        "d": "do not contact",
        "b": "contact",
        "a": "beyond capacity",
        "c": "costs more than it saves",
    }
    assert set(plan["basis"]) == {"uplift, from plays drawn by lot"}
    assert set(plan["campaign"]) == {"spring"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, r"state either save_rate, or uplift"),
        ({"save_rate": 0.2, "uplift": pd.Series([0.1])}, r"state either save_rate, or uplift"),
        ({"uplift": pd.Series([0.1], index=[7])}, r"risk and uplift must share their index"),
        ({"uplift": pd.Series([0.1]), "harm": pd.Series([-0.1])}, r"harm must lie in \[0, 1\]"),
    ],
)
def test_what_was_learned_must_fit(change: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        priorities(pd.Series([0.5]), pd.Series([1.0]), campaign=SMALL, **change)  # type: ignore[arg-type]
