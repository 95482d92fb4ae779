"""What followed says the same on every engine."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import csrisk as cr
from csrisk.datasets import make_saas
from csrisk.exceptions import DataWarning
from csrisk.success import (
    after_the_fire,
    claims,
    feature_worth,
    growth_advice,
    growth_by_stage,
    happiness,
    past_outcomes,
    release_adoption,
)
from csrisk.testing import on_engine

if TYPE_CHECKING:
    from csrisk.testing import EngineName


def _told(tables: dict[str, pd.DataFrame], engine: EngineName) -> dict[str, pd.DataFrame]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        data = cr.CustomerData(on_engine(tables, engine), end="2026-01-01")
    history, today = past_outcomes(data, dates=3), cr.Snapshots.at(data, "2026-01-01")
    position = happiness(data, today)["position"]
    return {
        "claims": claims(data, history=history),
        "growth by stage": growth_by_stage(data, history),
        "fires": after_the_fire(data, history),
        "worth": feature_worth(data, history, at_least=5),
        "advice": growth_advice(data, position, pd.Series(0.1, index=today.index), today),
        "releases": release_adoption(data, today),
    }


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    """Every mechanism, so that stances, severities, planned ends and handovers are there."""
    found = dict(make_saas(70, 18, seed=2, mechanisms="all").tables)
    released = [pd.NaT, pd.Timestamp("2025-10-01")]
    at = pd.Series([released[i % 5 == 0] for i in range(len(found["features"]))], dtype="datetime64[us]")
    found["features"] = found["features"].assign(known_at=at.to_numpy())
    return {name: table for name, table in found.items() if len(table)}


@pytest.fixture(scope="module")
def embedded(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return _told(tables, "duckdb")


@pytest.mark.parametrize(
    "engine",
    ["polars", *(pytest.param(name, marks=pytest.mark.slow) for name in ("ibis-duckdb", "ibis-sqlite", "pyspark"))],
)
def test_every_engine_says_the_same(
    engine: EngineName, tables: dict[str, pd.DataFrame], embedded: dict[str, pd.DataFrame]
) -> None:
    assert len(embedded["releases"])
    for name, table in _told(tables, engine).items():
        pd.testing.assert_frame_equal(table, embedded[name], obj=name)
