"""What every world has in common: tables within the contract, a truth that is asked alike, and no leak."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import csrisk as cr
from csrisk.checks import checks_frame, run_checks
from csrisk.datasets import SaasBook, SaasTruth, make_agents, make_regimes, make_saas
from csrisk.testing import on_engine

if TYPE_CHECKING:
    from collections.abc import Callable

WORLDS: dict[str, Callable[..., SaasBook]] = {
    "saas": make_saas,
    "mechanisms": lambda n, months, seed: make_saas(n, months, seed, mechanisms="all"),
    "regimes": make_regimes,
    "agents": make_agents,
}


@pytest.mark.parametrize("name", WORLDS)
def test_every_world_is_asked_alike(name: str) -> None:
    world = WORLDS[name](60, 12, seed=4)
    assert isinstance(world, SaasBook)
    assert isinstance(world.truth, SaasTruth)
    goals = world.truth.goals("2025-09-01")
    assert {"footprint", "churn", "advocacy", "feedback", "risk", "probability", "driver", "margin"} <= set(goals)
    assert goals["probability"].between(0, 1).all()
    assert (world.truth.call_effect("2025-09-01") == 0).all()
    assert world.truth.accounts["left"].sum() == world.tables["accounts"]["ended_at"].notna().sum()
    months = world.truth.months
    assert {f"{outcome}_log_odds" for outcome in ("churn", "contraction", "expansion")} <= set(months)
    said = world.tables["accounts"]["ended_reason"].notna()
    assert (said == world.tables["accounts"]["ended_at"].notna()).all()
    assert len(world.data().accounts) == 60
    assert world.end == pd.Timestamp("2026-01-01")


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
def test_no_leak_is_found_where_there_is_none(name: str) -> None:
    data = WORLDS[name](250, 24, seed=3).data()
    past = cr.Snapshots.every(data, "3MS", horizon="90D", lead="14D")
    found = checks_frame(
        run_checks(cr.build_features(data, past), cr.label_churn(data, past), data=data, snapshots=past)
    )
    assert set(found["status"]) <= {"passed", "not applicable"}, found[found["status"] == "failed"]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["polars", "ibis-duckdb", "ibis-sqlite"])
@pytest.mark.parametrize("name", ["mechanisms", "agents"])
def test_worlds_are_the_same_on_every_engine(name: str, engine: str) -> None:
    world = WORLDS[name](25, 8, seed=2)
    there = {table: rows for table, rows in world.tables.items() if len(rows)}
    features = []
    for data in (world.data(), cr.CustomerData(on_engine(there, engine), end=world.end)):
        assert {breach.code for breach in data.breaches if not breach.quiet} == set()
        features.append(cr.build_features(data, cr.Snapshots.every(data, "3MS", horizon="60D", lead="14D")))
    pd.testing.assert_frame_equal(*features)


@pytest.mark.parametrize("make", [make_saas, make_regimes, make_agents])
def test_formulas_can_be_drawn(make: Callable[..., SaasBook]) -> None:
    """As the pages draw them, by docutils."""
    maths = pytest.importorskip("docutils.utils.math.latex2mathml", reason="the pages need the docs group")
    text = inspect.getdoc(make) or ""
    formulas = re.findall(r"\.\. math::(.*?)\n\n", text, re.DOTALL) + re.findall(r":math:`(.*?)`", text, re.DOTALL)
    assert formulas
    assert all(maths.tex2mathml(" ".join(formula.split()), as_block=True) for formula in formulas)
