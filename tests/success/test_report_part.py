"""Every part of customer success stands in the report, and says "no evidence" where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.features import declared

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
PARTS = {
    "happiness": "What happiness rests on, last 365 days",
    "quadrant": "Moves between quadrants since 2 April 2025",
    "loyalty": "Satisfaction is not loyalty",
    "best": "What sets the best customers apart",
    "gap": "The gap to the best customers, by goal",
    "journey": "Preventive and corrective contacts, worst first",
    "traps": "Relationship traps",
    "claims": "Claims on your own data",
    "fire": "After the fire",
    "worth": "What features are worth",
    "growth": "Happiness, and what came of it",
    "footprint": "Features within reach",
    "velocity": "Slow for their tenure",
    "feedback": "Feedback over the last year",
    "priorities": "What plays have done within 90 days",
    "health": "Gut feel beside the model",
}


def _success(data: cr.CustomerData, day: str, folder: Path) -> dict[str, Any]:
    """A small model that knows nothing but a handful of features: the tables do not depend on it being good."""
    from lightgbm import LGBMClassifier

    today = cr.Snapshots.at(data, day)
    X = cr.build_features(data, today).select_dtypes("number").dropna(axis=1, how="all")
    y = X["events_30d"] > X["events_30d"].median()
    model = LGBMClassifier(n_estimators=40, num_leaves=8, verbose=-1).fit(X, y)
    why = cr.explain(model, X, reference=X, declarations=declared(X.columns), n_reference=20)
    found: dict[str, Any] = json.loads(cr.write_report(folder / "a.json", why, data=data).read_text())["success"]
    return found


def _captions(success: dict[str, Any]) -> dict[str, dict[str, Any]]:
    tables = (*success["more"], success["loyalty"], success["trend"])
    return {table["caption"]: table for table in tables if table}


@pytest.fixture(scope="module")
def demo_part(demo: cr.CustomerData, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return _success(demo, "2025-10-01", tmp_path_factory.mktemp("report"))


@pytest.mark.slow
def test_every_part_is_in_the_report(demo_part: dict[str, Any]) -> None:
    tables = _captions(demo_part)
    assert set(PARTS.values()) <= set(tables)
    silent = {row[0] for row in tables.get("Parts without evidence", {"rows": []})["rows"]}
    # nobody of the demo is short of seats, releases, reviews or judges anything
    none = {"room to grow", "adoption of new features", "value reviews", "judgement against model"}
    assert silent <= {"products that go together", "who speaks against us", *none}


@pytest.mark.slow
def test_every_table_says_count_and_interval(demo_part: dict[str, Any]) -> None:
    for caption, table in _captions(demo_part).items():
        if caption == "Parts without evidence":
            continue
        kinds = [column["kind"] for column in table["columns"]]
        cells = [cell for row in table["rows"] for cell in row]
        counted = "integer" in kinds or "accounts" in table["note"]
        assert counted, f"{caption}: no count"
        assert any(isinstance(cell, dict) and cell["low"] is not None for cell in cells), f"{caption}: no interval"


@pytest.mark.slow
def test_counts_add_up(demo_part: dict[str, Any]) -> None:
    tables = _captions(demo_part)
    assert sum(row[1] for row in tables["Gut feel beside the model"]["rows"]) == demo_part["accounts"]
    gap = tables["The gap to the best customers, by goal"]
    assert sum(row[2] or 0 for row in gap["rows"]) <= demo_part["accounts"]
    moves = tables["Moves between quadrants since 2 April 2025"]
    assert all(row[0] != row[1] for row in moves["rows"])


def _only_use(silent: set[str], success: dict[str, Any]) -> None:
    assert success["known"] == 0
    assert success["leavers"] is None
    assert success["journey"] is None
    assert success["ledger"] is None
    wanted = {"what happiness rests on", "moves between quadrants", "business risk", "satisfaction and loyalty"}
    wanted |= {"gap to the best by goal", "feedback over the year", "effect of plays", "relationship traps"}
    assert wanted <= silent


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("name", ["oulad", "online_retail"])
def test_public_data_say_what_is_unknown(name: str, tmp_path: Path) -> None:
    folder = SHARED / {"oulad": "oulad_2013", "online_retail": "online_retail_y1"}[name]
    if not folder.exists():
        pytest.skip("the public data sets are not beside the checkout")
    if name == "oulad":
        keep = pd.read_parquet(folder / "subscriptions.parquet")
        keep = keep[keep["start_date"] >= "2013-09-01"].sort_values("account_id").head(300)
        usage = pd.read_parquet(folder / "usage.parquet", filters=[("account_id", "in", list(keep["account_id"]))])
        tables = {
            "subscriptions": keep.rename(columns={"start_date": "start_at", "end_date": "end_at"}),
            "usage": usage.rename(columns={"ts": "at"}),
        }
        day = "2014-01-01"
    else:
        usage = pd.read_parquet(folder / "usage_events.parquet").rename(columns={"ts": "at", "product": "feature"})
        some = np.sort(usage["account_id"].unique())[:300]
        tables = {"usage": usage[usage["account_id"].isin(some)]}
        day = "2010-10-01"
    success = _success(cr.CustomerData(tables), day, tmp_path)
    _only_use({row[0] for row in _captions(success)["Parts without evidence"]["rows"]}, success)
