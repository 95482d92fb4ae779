"""On worlds whose mechanisms are known: what is shown does harm in truth, and what does none is not shown."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

import csrisk as cr
from csrisk.checks import check_stated_reasons, stated_and_named
from csrisk.datasets import make_saas
from csrisk.success import (
    FIRES,
    History,
    after_the_fire,
    growth_advice,
    hard_cases,
    past_outcomes,
    relationship_traps,
    trap_consequences,
)

pytestmark = [pytest.mark.slow, pytest.mark.promise("What is called harmful does harm in worlds whose truth is known")]


@pytest.fixture(scope="module", params=[3, 8])
def world(request: pytest.FixtureRequest):
    book = make_saas(700, 30, seed=request.param, mechanisms="all")
    data = book.data()
    return book, data, past_outcomes(data, dates=8)


def _true_risk(book, history: History) -> np.ndarray:
    """True probability of leaving of each snapshot, from the month that holds its date."""
    risk = np.full(len(history.snapshots), np.nan)
    dates = history.snapshots.index.get_level_values("as_of")
    for date in dates.unique():
        known = book.truth.goals(date.replace(day=1))["probability"]
        here = dates == date
        risk[here] = known.reindex(history.snapshots.index[here].get_level_values("account_id")).to_numpy()
    return risk


def test_traps_that_ask_for_a_step_do_harm_in_truth(world) -> None:
    """Accounts inside have a higher true risk than those outside, by their own interval, on their date."""
    book, data, history = world
    shown = trap_consequences(data, history)
    harmful = shown.index[shown["harmful"]]
    assert len(harmful) >= 2
    traps, risk = relationship_traps(data, history.snapshots), _true_risk(book, history)
    for name in harmful:
        row = shown.loc[name]
        assert row["low"] > 0
        assert row["churn_in"] > row["churn_out"]
        inside = traps[name].fillna(value=False).to_numpy(dtype=bool)
        outside = traps[name].notna().to_numpy() & ~inside
        assert np.nanmean(risk[inside]) > np.nanmean(risk[outside]), name


def test_a_trap_that_means_nothing_is_hardly_ever_shown(world) -> None:
    """Outcomes drawn anew, whoever is in a trap: at most the error that the interval allows."""
    _, data, history = world
    rng = np.random.default_rng(0)
    n = len(history.churned)
    share = history.churned.mean()
    traps = relationship_traps(data, history.snapshots)
    shown = []
    for _ in range(40):
        left = rng.random(n) < share
        for name in traps:
            told = traps[name].notna().to_numpy()
            inside = traps[name].fillna(value=False).to_numpy(dtype=bool)[told]
            if 20 <= inside.sum() <= len(inside) - 20:
                a, b = left[told][inside], left[told][~inside]
                from csrisk.success._longevity._history import compare_shares

                counts = {"n_in": [len(a)], "n_out": [len(b)], "churned_in": [a.sum()], "churned_out": [b.sum()]}
                shown.append(bool(compare_shares(pd.DataFrame(counts))["low"].iloc[0] > 0))
    assert np.mean(shown) < 0.05


def test_fires_handled_badly_go_before_leaving_in_truth(world) -> None:
    book, data, history = world
    found = after_the_fire(data, history)
    assert found.loc[FIRES[2], "left_share"] > found.loc[FIRES[1], "left_share"]
    cases = hard_cases(data, history.snapshots)
    last = cases.groupby(level=[0, 1])["handled_well"].last().reindex(history.snapshots.index)
    risk = pd.Series(_true_risk(book, history), index=history.snapshots.index)
    assert risk[last.eq(other=False).fillna(value=False)].mean() > risk[last.fillna(value=False).astype(bool)].mean()


# traps that read the signs of a mechanism and of nothing else
SIGNS = {"sponsor": ["sponsor_silent"], "invoices": ["overdue", "disputed"], "handover": ["asked_after_handover"]}


@pytest.mark.parametrize("seed", [5, 6])
def test_signs_without_an_effect_are_hardly_shown(seed: int) -> None:
    """The same signs are written and move nobody: a step would be for nothing."""
    data = make_saas(700, 30, seed=seed, mechanisms=dict.fromkeys(SIGNS, 0.0)).data()
    shown = trap_consequences(data, past_outcomes(data, dates=8))["harmful"]
    assert shown[[name for names in SIGNS.values() for name in names]].sum() <= 1


@pytest.mark.parametrize("seed", [5, 6])
def test_seats_are_offered_where_growth_is_truly_likelier(seed: int) -> None:
    book = make_saas(700, 24, seed=seed, mechanisms="overuse")
    data = book.data()
    day = data.end - pd.DateOffset(months=3)
    today = cr.Snapshots.at(data, day)
    position = pd.Series(0.9, index=today.index)
    advice = growth_advice(data, position, pd.Series(0.1, index=today.index), today).droplevel("as_of")
    grows = book.truth.mechanism_effect("overuse", day, outcome="expansion").reindex(advice.index)
    offered = advice["offer"].eq("seats").fillna(value=False)
    assert offered.sum() >= 10
    assert grows[offered].mean() > grows[~offered].mean()


def test_stated_reasons_agree_with_the_named_driver_far_above_chance(world) -> None:
    """Each account that left, by a model that learned from the others."""
    _, data, _ = world
    past = cr.Snapshots.every(data, "MS", horizon="90D", lead="14D")
    left = cr.label_churn(data, past)
    known = left[left.notna()].astype(bool)
    X = cr.build_features(data, past).loc[known.index]
    half = pd.factorize(X.index.get_level_values("account_id"))[0] % 2 == 0
    tables = []
    for learn in (half, ~half):
        model = cr.ChurnModel(n_members=3, blend=False, random_state=0).fit(X[learn], known[learn])
        why = cr.explain(model, X[~learn][known[~learn]], reference=X[learn], n_reference=60)
        tables.append(stated_and_named(data, why))
        assert check_stated_reasons(data, why).code == "CSR015"
    table = pd.concat(tables)
    shares = [table[side].value_counts(normalize=True) for side in ("stated", "named")]
    chance = float(shares[0].mul(shares[1], fill_value=0.0).sum())
    hits = int((table["stated"] == table["named"]).sum())
    assert binomtest(hits, len(table), chance, alternative="greater").pvalue < 0.001
    assert hits / len(table) > chance + 0.08
