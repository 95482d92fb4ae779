"""Alarms hold their rate at n = 100, where the usual index fires nearly always."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from csrisk.monitoring import monitor

pytestmark = pytest.mark.promise("Alarms hold their rate in small books")

ACCOUNTS, FEATURES, RUNS = 100, 60, 150


def columns(chance: np.random.Generator, common: np.ndarray) -> pd.DataFrame:
    """Features as they are: dependent, skewed, counts with many zeros, shares, missing values, categories."""
    n, names = ACCOUNTS, [f"f{place}" for place in range(FEATURES)]
    raw = 0.7 * common[:, None] + 0.7 * chance.normal(size=(n, FEATURES))
    frame = pd.DataFrame(raw, columns=names)
    frame[names[:15]] = np.exp(frame[names[:15]])
    frame[names[15:30]] = np.floor(np.maximum(frame[names[15:30]], 0))
    frame[names[30:40]] = (frame[names[30:40]] > 1).astype(float)
    frame[names[40:50]] = frame[names[40:50]].mask(chance.random((n, 10)) < 0.3)
    for name in names[55:]:
        frame[name] = pd.Categorical(chance.choice(list("abcd"), n, p=[0.6, 0.3, 0.07, 0.03]))
    return frame


def psi(old: np.ndarray, new: np.ndarray) -> float:
    edges = np.unique(np.quantile(np.concatenate([old, new]), np.arange(1, 10) / 10))
    sides = [np.bincount(np.searchsorted(edges, side), minlength=len(edges) + 1) + 0.5 for side in (old, new)]
    one, other = (side / side.sum() for side in sides)
    return float(((one - other) * np.log(one / other)).sum())


@pytest.mark.slow
def test_false_alarms_at_one_hundred_accounts() -> None:
    """At 1 percent, 150 runs without drift give 6 alarms or more with chance .005; PSI > 0.1 alarms in nearly all."""
    chance = np.random.default_rng(0)
    goals = {f"f{place}": ("footprint", "churn", "advocacy", "feedback")[place % 4] for place in range(FEATURES)}
    alarms = usual = 0
    for _ in range(RUNS):
        # the same accounts on both dates, as in life: half of what moves them stays
        common = chance.normal(size=ACCOUNTS)
        old, new = columns(chance, common), columns(chance, common)
        index = pd.MultiIndex.from_product([range(ACCOUNTS), [pd.Timestamp("2025-07-01")]])
        found = monitor(old, new.set_index(index.set_names(["account_id", "as_of"])), goals=goals)
        alarms += "CSM001" in [check.code for check in found.failed]
        usual += max(psi(old[name].to_numpy(), new[name].to_numpy()) for name in list(goals)[:15]) > 0.1
    assert alarms <= binom.ppf(0.995, RUNS, 0.01)
    assert usual > 0.8 * RUNS


def test_drift_is_found_at_one_hundred_accounts() -> None:
    """One standard deviation in one of 60 features is found in most runs."""
    chance = np.random.default_rng(1)
    goals = dict.fromkeys((f"f{place}" for place in range(FEATURES)), "footprint")
    found = 0
    for _ in range(20):
        old, new = (columns(chance, chance.normal(size=ACCOUNTS)) for _ in range(2))
        new["f52"] += 1.5
        index = pd.MultiIndex.from_product([range(ACCOUNTS), [pd.Timestamp("2025-07-01")]])
        result = monitor(old, new.set_index(index.set_names(["account_id", "as_of"])), goals=goals)
        found += "f52" in result.checks[0].found
    assert found >= 15
