"""Whom to ask, and who speaks against us, by hand."""

from __future__ import annotations

import pandas as pd
import pytest

import csrisk as cr
from csrisk.exceptions import ConfigError
from csrisk.success import voices_against, whom_to_ask

NOW = "2025-07-01"
IDS = ["asked", "happy", "sad", "waits", "spoke", "risky", "refused"]


@pytest.fixture
def data() -> cr.CustomerData:
    advocacy = pd.DataFrame(
        [
            ("asked", "2024-01-01", "reference", None),  # more than a year ago
            ("sad", "2025-06-01", "complaint", None),
            ("sad", "2025-06-20", "review", None),
            ("spoke", "2025-03-01", "reference", None),
            ("refused", "2025-05-01", "reference", "declined"),
        ],
        columns=["account_id", "at", "kind", "stance"],
    ).assign(rating=[None, None, 1, None, None])
    contacts = pd.DataFrame(
        {
            "account_id": ["waits", "happy", "happy"],
            "opened_at": ["2025-06-20", "2025-06-28", "2025-06-01"],
            "resolved_at": [None, None, "2025-06-02"],
        }
    )
    accounts = pd.DataFrame({"account_id": IDS, "started_at": "2023-01-01"})
    return cr.CustomerData({"accounts": accounts, "advocacy": advocacy, "contacts": contacts}, end=NOW)


def test_whom_to_ask_by_hand(data: cr.CustomerData) -> None:
    """Happy, safe, no case that waits for more than a week, and neither heard nor refused in a year."""
    seen = cr.Snapshots.at(data, NOW, eligible="account")
    ids = seen.index.get_level_values("account_id")
    position = pd.Series([0.2 if name == "sad" else 0.9 for name in ids], index=seen.index)
    position.loc["asked"] = 0.8
    risk = pd.Series([0.9 if name == "risky" else 0.1 for name in ids], index=seen.index)
    found = whom_to_ask(data, position, risk, seen)
    assert found.index.get_level_values("account_id").tolist() == ["happy", "asked"]
    assert found["days_since_act"].droplevel("as_of").fillna(-1).to_dict() == {"happy": -1, "asked": 547}
    with pytest.raises(ConfigError, match="must be on the index of the snapshots"):
        whom_to_ask(data, position.iloc[:2], risk, seen)


def test_who_speaks_against_us_by_hand(data: cr.CustomerData) -> None:
    found = voices_against(data, cr.Snapshots.at(data, NOW, eligible="account")).droplevel("as_of")
    assert found.to_dict("index") == {"sad": {"times": 2, "days_since": 11, "kind": "review"}}
