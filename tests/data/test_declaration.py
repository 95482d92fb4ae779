"""A table declared here, and nowhere else, is masked, ends, goes stale, is drawn at random and checked."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest

from csrisk import CustomerData, Snapshots, load_demo
from csrisk._snapshots import visible
from csrisk.checks._tables._feeds import feed_ages
from csrisk.data import CONTRACT, Column, Order, Table
from csrisk.data._declared._contract import DECLARED
from csrisk.testing import random_tables

VISITS = Table(
    "visits",
    "One row per visit.",
    (
        CONTRACT["usage"]["account_id"],
        Column("visited_at", "time", "When it began.", required=True, strict=True),
        Column("left_at", "time", "When it ended."),
        Column("promised_at", "time", "When the next one is agreed.", planned=True),
        Column("people", "number", "How many came.", low=0.0),
        CONTRACT["usage"]["known_at"],
    ),
    time="visited_at",
    orders=(Order("left_at", "visited_at"),),
    event=True,
)


@pytest.fixture(autouse=True)
def _declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DECLARED, "visits", VISITS)


@pytest.mark.promise("A table is declared once, and masks, ends, checks and random tables follow")
def test_one_declaration_is_enough() -> None:
    assert "visits" in CONTRACT
    assert "visits" in load_demo().missing  # which the report lists as no evidence
    days = pd.date_range("2025-01-01", "2025-03-01")
    visits = pd.DataFrame({"account_id": ["a", "b"] * 30, "visited_at": days, "people": 2.0})
    visits["left_at"], visits["promised_at"] = visits["visited_at"] + pd.Timedelta(days=9), pd.Timestamp("2025-12-01")
    visits.loc[7, "people"], visits.loc[8, "left_at"] = -1.0, pd.Timestamp("2024-01-01")
    usage = pd.DataFrame({"account_id": "a", "at": pd.date_range("2025-01-01", "2025-06-30")})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = CustomerData({"visits": visits, "usage": usage})
    found = {(breach.code, breach.table): breach.count for breach in data.breaches}
    assert (found["CSD303", "visits"], found["CSD204", "visits"]) == (1, 1)
    # it ends on its own, and its feed is late at the end of the book
    assert (str(data.ends["visits"].date()), str(data.end.date())) == ("2025-03-02", "2025-07-01")
    assert bool(feed_ages(data)["late"]["visits"])
    # what ends later than the snapshot is masked, what is agreed is not
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        snapshots = Snapshots.at(data, "2025-01-10")
    seen = data.engine.collect(visible(snapshots.lazy(data), data.lazy("visits")))
    assert seen["day"].nunique() == 4
    assert seen["left_at_day"].isna().all()
    assert seen["promised_at_day"].notna().all()


def test_it_is_drawn_at_random() -> None:
    tables = random_tables(3)
    assert {"visits", "treatments"} <= set(tables)
    assert set(tables["visits"]) == set(VISITS.names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = CustomerData(tables, end="2026-06-01")
    assert {"visits", "treatments"} <= set(data.tables)
