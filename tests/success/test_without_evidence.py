"""A book of which only the use is known: everything else is said to be unknown, nothing is made up."""

from __future__ import annotations

import pandas as pd
import pytest

import csrisk as cr
from csrisk.success import (
    company_happiness,
    feedback_ledger,
    happiness,
    health_score,
    journey,
    loyalty,
    loyalty_groups,
    quadrant_migration,
    relationship_traps,
    success_quadrant,
    trap_summary,
)


@pytest.fixture(scope="module")
def data(small_saas: cr.datasets.SaasBook) -> cr.CustomerData:
    return cr.CustomerData({"usage": small_saas.tables["usage"][["account_id", "at"]]}, end=small_saas.end)


@pytest.fixture(scope="module")
def today(data: cr.CustomerData) -> cr.Snapshots:
    return cr.Snapshots.at(data, data.end)


def test_positions_and_quadrants_are_unknown(data: cr.CustomerData, today: cr.Snapshots) -> None:
    happy, company = happiness(data, today), company_happiness(data, today)
    assert happy["position"].isna().all()
    assert happy["stage"].isna().all()
    assert set(company["measure"]) == {"unknown"}
    quadrants = success_quadrant(happy, company)
    assert quadrants["quadrant"].isna().all()
    assert not quadrants["certain"].any()
    assert quadrant_migration(quadrants).empty
    groups = loyalty_groups(happy["position"], pd.Series(0.1, index=today.index))
    assert loyalty(groups)["accounts"].sum() == 0


def test_contacts_and_surveys_are_unknown(data: cr.CustomerData, today: cr.Snapshots) -> None:
    assert journey(data, today).empty
    assert feedback_ledger(data, today)["response_rate"].isna().all()
    assert trap_summary(relationship_traps(data, today))["share"].isna().all()


def test_health_rests_on_use_alone(data: cr.CustomerData, today: cr.Snapshots) -> None:
    health = health_score(cr.build_features(data, today))
    assert health.between(0, 100).all()
