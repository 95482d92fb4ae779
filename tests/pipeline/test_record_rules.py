"""Rules of the record, one by one; whole files are tried in `test_model_upgrade`."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from csrisk._pipeline._model_files._record_rules import check_facts, check_table

FACTS: dict[str, Any] = {
    "learned from": "10 snapshots",
    "first and last snapshot": "2025-01-01 to 2025-06-01",
    "churned": "3",
    "label": "contract",
    "end of the data": "2025-09-01",
    "trained at": "2025-09-01",
    "tables": ["accounts", "usage"],
    "features": 0,
}


def test_facts_that_keep_the_rules() -> None:
    check_facts(FACTS)
    check_facts({**FACTS, "stopped before": "x" * 2000, "tables": []})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"more": "x"}, "facts: 'more' is unknown"),
        ({"stopped before": "x" * 2001}, "facts: 'stopped before' is of another kind"),
        ({"features": -1}, "facts: 'features' is of another kind"),
        ({"features": True}, "facts: 'features' is of another kind"),
        ({"tables": ["usage", "usage"]}, "facts: 'tables' is of another kind"),
        ({"tables": "usage"}, "facts: 'tables' is of another kind"),
        ({"trained at": "2025-9-01"}, "facts: 'trained at' is of another kind|Invalid isoformat"),
        ({"trained at": "20250901"}, "facts: 'trained at' is of another kind"),
        ({"trained at": "2025-W36-1"}, "facts: 'trained at' is of another kind"),
        ({"trained at": None}, "facts: 'trained at' is of another kind"),
    ],
)
def test_facts_that_break_one(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_facts({**FACTS, **change})


@pytest.mark.parametrize("name", FACTS)
def test_each_fact_is_needed(name: str) -> None:
    with pytest.raises(ValueError, match=f"facts: '{name}' is missing"):
        check_facts({key: value for key, value in FACTS.items() if key != name})


def metrics(*names: str) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples([("model", name) for name in names], names=["method", "metric"])
    return pd.DataFrame({"estimate": 0.7, "low": 0.6, "high": 0.8}, index=index)


TOLD = ("auc", "n_snapshots", "n_accounts", "n_events")


def test_every_metric_that_is_printed_must_be_told() -> None:
    check_table("metrics", metrics(*TOLD, "brier"))
    for left_out in TOLD:
        with pytest.raises(ValueError, match="metrics: the model is not told"):
            check_table("metrics", metrics(*(name for name in TOLD if name != left_out)))
    with pytest.raises(ValueError, match="metrics: a row is there twice"):
        check_table("metrics", metrics(*TOLD, "auc"))
    with pytest.raises(ValueError, match="metrics: other columns than it has"):
        check_table("metrics", metrics(*TOLD).assign(more=1.0))
    with pytest.raises(ValueError, match="'low' holds values of another kind"):
        check_table("metrics", metrics(*TOLD).assign(low=True))


def test_levels_of_a_calibration_may_have_more_numbers_and_no_words() -> None:
    columns = ("mean_risk", "event_rate", "low", "high", "n_snapshots", "n_events")
    table = pd.DataFrame(dict.fromkeys(columns, 0.1), index=pd.Index([1, 2], name="level"))
    check_table("calibration", table.assign(more=0.2))
    with pytest.raises(ValueError, match="'more' holds values of another kind"):
        check_table("calibration", table.assign(more="x"))
    check_table("calibration", None)
