"""The journey of an account through its contacts, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.success import STAGES, journey


def test_journey_by_hand() -> None:
    opened = pd.to_datetime(["2025-05-01", "2025-05-10", "2025-06-01", "2025-06-20"])
    contacts = pd.DataFrame(
        {
            "account_id": ["a", "b", "a", "a"],
            "opened_at": opened,
            "resolved_at": [opened[0] + pd.Timedelta(hours=10), opened[1] + pd.Timedelta(hours=30), None, opened[3]],
            "stage": ["support", "support", "support", "learn"],
            "initiated_by": ["customer", "vendor", "customer", "vendor"],
            "transfers": [1, 0, 5, 0],
            "reopened": [False, False, True, False],
        }
    )
    surveys = pd.DataFrame(
        {
            "account_id": ["a", "a"],
            "sent_at": pd.to_datetime(["2025-05-03", "2025-06-10"]),
            "answered_at": pd.to_datetime(["2025-05-04", "2025-06-11"]),
            "kind": ["CSAT", "CSAT"],
            "score": [4.0, 1.0],
        }
    )
    accounts = pd.DataFrame({"account_id": ["a", "b"], "started_at": pd.Timestamp("2025-01-01")})
    data = cr.CustomerData({"accounts": accounts, "contacts": contacts, "surveys": surveys}, end="2025-07-01")
    table = journey(data, cr.Snapshots.at(data, "2025-07-01"))
    assert table.index.tolist() == ["support", "learn"]
    row = table.loc["support"]
    # The open contact is counted but not judged; 4 on 1-5 is .75; the second survey is six weeks after the last
    # resolved contact and speaks of none.
    assert row[["contacts", "accounts", "resolved", "hard_share", "hours_to_resolve"]].tolist() == [3, 2, 2, 0.5, 20]
    assert row["preventive_share"] == pytest.approx(1 / 3)
    assert (row["sentiment"], row["answers"]) == (0.75, 1)
    assert row[["sentiment_low", "sentiment_high"]].isna().all()
    split = journey(data, cr.Snapshots.at(data, "2025-07-01"), by_direction=True)
    assert split.loc[("support", "corrective"), "hard_share"] == 1
    assert split.loc[("support", "preventive"), "hard_share"] == 0


def test_stages_of_the_book(small_book: cr.CustomerData) -> None:
    table = journey(small_book)
    assert set(table.index) <= set(STAGES)
    assert table["hard_share"].is_monotonic_decreasing
    assert ((table["low"] <= table["hard_share"]) & (table["hard_share"] <= table["high"])).all()
    told = table[table["answers"] > 1]
    assert len(told)
    assert ((told["sentiment_low"] <= told["sentiment"]) & (told["sentiment"] <= told["sentiment_high"])).all()
    split = journey(small_book, by_direction=True)
    np.testing.assert_array_equal(
        split["contacts"].groupby(level="stage").sum().sort_index(), table["contacts"].sort_index()
    )


def test_without_contacts_there_is_no_journey() -> None:
    usage = pd.DataFrame({"account_id": ["a", "b"], "at": pd.to_datetime(["2025-06-01", "2025-06-02"])})
    assert journey(cr.CustomerData({"usage": usage}, end="2025-07-01")).empty
