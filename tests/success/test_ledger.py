"""The feedback ledger by hand: asked, answered, acknowledged, acted."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.exceptions import ConfigError
from csrisk.success import feedback_ledger


@pytest.fixture
def data() -> cr.CustomerData:
    surveys = pd.DataFrame(
        {
            "account_id": ["a", "a", "a", "b"],
            "sent_at": pd.to_datetime(["2025-05-01", "2025-06-01", "2025-06-29", "2025-06-01"]),
            "answered_at": pd.to_datetime(["2025-05-02 00:00", "2025-06-02 12:00", None, None]),
            "acknowledged_at": pd.to_datetime(["2025-05-03 00:00", "2025-06-02 18:00", None, None]),
            "acted_at": pd.to_datetime(["2025-07-12 00:00", "2025-06-12 12:00", None, None]),
            "kind": "NPS",
            "score": [9.0, 8.0, np.nan, np.nan],
        }
    )
    accounts = pd.DataFrame({"account_id": ["a", "b", "c"], "started_at": pd.Timestamp("2025-01-01")})
    return cr.CustomerData({"accounts": accounts, "surveys": surveys}, end="2025-08-01")


def _snapshots(data: cr.CustomerData, *days: str) -> cr.Snapshots:
    return cr.Snapshots.at(data, list(days), eligible="account")


def test_steps_by_hand(data: cr.CustomerData) -> None:
    """The act of 12 July lies after 1 July: one of two answers is acted upon by then."""
    table = feedback_ledger(data, _snapshots(data, "2025-07-01")).droplevel("as_of")
    assert table.loc["a", ["asked", "answered", "acknowledged", "acted"]].tolist() == [3, 2, 2, 1]
    assert table.loc["a", "response_rate"] == pytest.approx(2 / 3)
    assert table.loc["a", "closed_share"] == pytest.approx(1 / 2)
    assert table.loc["a", "hours_to_answer"] == pytest.approx((24 + 36) / 2)
    assert table.loc["a", "hours_to_acknowledge"] == pytest.approx((24 + 6) / 2)
    assert table.loc["a", "days_to_act"] == pytest.approx(10)
    assert np.isnan(table.loc["b", "closed_share"])
    assert np.isnan(table.loc["c", "response_rate"])
    assert table.loc["a", "response_rate_low"] < 2 / 3 < table.loc["a", "response_rate_high"]


def test_recent_questions_can_be_left_out(data: cr.CustomerData) -> None:
    table = feedback_ledger(data, _snapshots(data, "2025-07-01"), settle="14D").droplevel("as_of")
    assert table.loc["a", "asked"] == 2


def test_book_is_the_sum_of_its_accounts(small_book: cr.CustomerData) -> None:
    days = cr.Snapshots.at(small_book, ["2025-07-01", "2025-10-01"])
    counts = ["asked", "answered", "acknowledged", "acted"]
    by_account = feedback_ledger(small_book, days)[counts].groupby(level="as_of").sum()
    by_date = feedback_ledger(small_book, days, by="book")[counts]
    pd.testing.assert_frame_equal(by_account, by_date, check_names=False, check_freq=False)


def test_unknown_grouping_is_refused(data: cr.CustomerData) -> None:
    with pytest.raises(ConfigError, match=r"by='team' must be 'account' or 'book'"):
        feedback_ledger(data, by="team")


def test_without_surveys_nothing_is_told() -> None:
    usage = pd.DataFrame({"account_id": ["a", "b"], "at": pd.to_datetime(["2025-06-01", "2025-06-02"])})
    data = cr.CustomerData({"usage": usage}, end="2025-07-01")
    table = feedback_ledger(data)
    assert (table["asked"] == 0).all()
    assert table["response_rate"].isna().all()


@pytest.mark.parametrize(
    ("lacking", "unknown"),
    [
        (["answered_at"], {"answered", "response_rate", "closed_share"}),
        (["acted_at"], {"acted"}),
        (["acted_at", "declined_at"], {"acted", "declined", "closed", "closed_share"}),
        (["acknowledged_at"], {"acknowledged"}),
    ],
)
def test_a_step_without_its_column_is_unknown_and_not_zero(
    data: cr.CustomerData, lacking: list[str], unknown: set[str]
) -> None:
    surveys = data.frame("surveys").assign(declined_at=pd.NaT).drop(columns=lacking)
    accounts = data.frame("accounts")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cr.exceptions.DataWarning)  # that the column is missing
        less = cr.CustomerData({"surveys": surveys, "accounts": accounts}, end=data.end)
    row = feedback_ledger(less, by="book").iloc[-1]
    steps = {"asked", "answered", "acknowledged", "acted", "declined", "closed", "response_rate", "closed_share"}
    assert set(row[list(steps)].isna().loc[lambda gone: gone].index) == unknown
