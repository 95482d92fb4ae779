"""Handovers between teams, and the traps of sponsors, invoices and handovers, by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from csrisk import CustomerData, Snapshots
from csrisk.exceptions import DataWarning
from csrisk.success import handovers, relationship_traps, trap_consequences
from csrisk.testing import on_engine

CONTACTS = pd.DataFrame(
    {
        "account_id": ["a"] * 5 + ["b"] * 3,
        "opened_at": pd.to_datetime(
            [f"2025-{day}" for day in ("01-01", "01-10", "01-20", "03-01", "03-05", "02-01", "02-10", "02-11")]
        ),
        "team": ["sales", "Onboarding", "onboarding", "onboarding", "support", "sales", "onboarding", None],
        "information_requests": [9.0, 2.0, 0.0, 9.0, 1.0, 9.0, 3.0, 9.0],
    }
)
CONTACTS["resolved_at"] = CONTACTS["opened_at"] + pd.Timedelta(days=1)
CONTACTS.loc[4, "resolved_at"] = pd.NaT
SURVEYS = pd.DataFrame(
    {
        "account_id": ["a"],
        "sent_at": pd.to_datetime(["2025-01-12"]),
        "answered_at": pd.to_datetime(["2025-01-13"]),
        "kind": "CSAT",
        "score": 2.0,
    }
)


ACCOUNTS = pd.DataFrame({"account_id": ["a", "b"], "started_at": pd.to_datetime(["2024-01-01", "2024-02-01"])})


def opened(engine: str = "duckdb", **tables: pd.DataFrame) -> CustomerData:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return CustomerData(on_engine(tables, engine), end="2025-04-01")


@pytest.mark.parametrize("engine", ["duckdb", "polars", "ibis-duckdb"])
def test_what_follows_a_handover(engine: str) -> None:
    table = handovers(opened(engine, contacts=CONTACTS, surveys=SURVEYS, accounts=ACCOUNTS))
    assert table.index.tolist() == [("sales", "onboarding"), ("onboarding", "support")]
    first, second = table.iloc[0], table.iloc[1]
    # 10 and 20 January of a, 10 February of b; 1 March is 50 days after; what names no team is of none
    assert (first["handovers"], first["accounts"], first["contacts"], first["resolved"]) == (2, 2, 3, 3)
    assert first["asked_again"] == pytest.approx(5 / 3)
    assert first["hard_share"] == pytest.approx(2 / 3)
    # a 2 of 1 to 5 is a quarter of the way up
    assert (first["sentiment"], first["answers"]) == (0.25, 1)
    # the one with support is open, so nothing is known of it
    assert (second["handovers"], second["resolved"]) == (1, 0)
    assert table[["asked_again", "hard_share"]].isna().all(axis=1).tolist() == [False, True]


def test_without_teams_there_is_no_row() -> None:
    assert handovers(opened(contacts=CONTACTS.drop(columns="team"), accounts=ACCOUNTS)).empty


def book(harm: float, seed: int = 0) -> CustomerData:
    """Accounts by month, a third of them with a silent sponsor; these leave so many times as often."""
    rng = np.random.default_rng(seed)
    n = 240
    ids = [f"a{number:03d}" for number in range(n)]
    silent = np.arange(n) % 3 == 0
    leaves = rng.random(n) < np.where(silent, 0.12 * harm, 0.12)
    start = pd.Timestamp("2023-01-01")
    end = pd.Series(start + pd.to_timedelta(rng.integers(300, 700, n), unit="D")).where(leaves)
    contracts = pd.DataFrame({"account_id": ids, "start_at": start, "end_at": end, "mrr": 10.0})
    people = pd.DataFrame({"account_id": ids, "person_id": "p", "role": "sponsor", "from_at": start})
    heard = pd.DataFrame(
        [
            (key, day)
            for key, quiet in zip(ids, silent, strict=True)
            if not quiet
            for day in pd.date_range(start, "2025-03-31", freq="20D")
        ],
        columns=["account_id", "opened_at"],
    ).assign(person_id="p")
    first = pd.DataFrame({"account_id": ids, "opened_at": start, "person_id": "p"})
    return opened(subscriptions=contracts, people=people, contacts=pd.concat([first, heard], ignore_index=True))


def test_a_silent_sponsor_asks_for_a_call_only_where_harm_is_shown() -> None:
    bad, harmless = trap_consequences(book(5.0)), trap_consequences(book(1.0))
    assert bad.loc["sponsor_silent", "n_in"] > 0
    assert bool(bad.loc["sponsor_silent", "harmful"])
    assert not bool(harmless.loc["sponsor_silent", "harmful"])
    assert not {"overdue", "disputed", "asked_after_handover"} & set(bad.index)


def test_traps_of_invoices_and_handovers_by_hand() -> None:
    invoices = pd.DataFrame(
        {
            "account_id": ["a", "b", "c"],
            "issued_at": pd.Timestamp("2025-01-01"),
            "due_at": pd.to_datetime(["2025-01-31", "2025-03-20", "2025-01-31"]),
            "paid_at": pd.to_datetime([None, None, "2025-01-30"]),
            "disputed_at": pd.to_datetime([None, "2025-03-01", "2025-01-20"]),
            "amount": 10.0,
        }
    )
    data = opened(contacts=CONTACTS, invoices=invoices)
    pairs = pd.DataFrame({"account_id": ["a", "b", "c"], "as_of": pd.Timestamp("2025-04-01")})
    found = relationship_traps(data, Snapshots.of(data, pairs))
    # a is 60 days late, b 12 days, c paid; b objected and did not pay, c objected and paid
    assert found["overdue"].tolist() == [True, False, False]
    assert found["disputed"].tolist() == [False, True, False]
    # b was asked three times after its handover; of a only what came after 10 January counts, twice
    assert found["asked_after_handover"].tolist() == [True, True, False]
    assert "sponsor_silent" not in found
