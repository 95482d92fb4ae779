"""Quiet, normal and noisy customers by hand."""

from __future__ import annotations

import pandas as pd

import csrisk as cr
from csrisk.success import past_outcomes, voice_and_use, voice_consequences

NOW = "2025-07-01"


def data_of(**tables: pd.DataFrame) -> cr.CustomerData:
    accounts = pd.DataFrame({"account_id": list("abcd"), "started_at": "2024-01-01"})
    return cr.CustomerData({"accounts": accounts, **tables}, end="2025-12-01")


def at(*days: int) -> list[pd.Timestamp]:
    return [pd.Timestamp(NOW) - pd.Timedelta(days=day) for day in days]


def test_voice_and_use_by_hand() -> None:
    """Of a nothing was heard but an answer 100 days ago; b called once, c four times, d once before."""
    contacts = pd.DataFrame(
        {
            "account_id": [*"bcccc", "d", "d"],
            "opened_at": at(20, 5, 6, 7, 8, 3, 60),
            "initiated_by": ["customer", None, "customer", "customer", "customer", "vendor", "customer"],
        }
    )
    surveys = pd.DataFrame(
        {"account_id": ["a", "d"], "sent_at": at(110, 50), "answered_at": at(100, 45), "kind": "NPS", "score": 9.0}
    )
    usage = pd.DataFrame(
        {
            "account_id": [*"aa", *"bb", *"cc"],
            "at": at(40, 10, 40, 10, 40, 10),
            "quantity": [10, 7, 10, 12, 10, 13],
        }
    )
    data = data_of(contacts=contacts, surveys=surveys, usage=usage)
    found = voice_and_use(data, cr.Snapshots.at(data, NOW, eligible="account")).droplevel("as_of")
    assert found["silence_days"].to_dict() == {"a": 100, "b": 20, "c": 5, "d": 45}
    assert found["voice"].tolist() == ["quiet", "normal", "noisy", "normal"]
    assert found["use"].tolist()[:3] == ["falls", "flat", "grows"]
    assert found["use"].isna().tolist() == [False, False, False, True]


def test_without_a_table_that_hears_nobody_is_quiet() -> None:
    usage = pd.DataFrame({"account_id": list("abcd"), "at": pd.Timestamp("2025-06-01")})
    data = data_of(usage=usage)
    assert voice_and_use(data, cr.Snapshots.at(data, NOW, eligible="account"))["voice"].isna().all()


def test_cells_add_up_to_the_history(small_book: cr.CustomerData) -> None:
    history = past_outcomes(small_book)
    cells = voice_consequences(small_book, history)
    state = voice_and_use(small_book, history.snapshots)
    told = state.notna()[["voice", "use"]].all(axis=1).to_numpy()
    assert cells["n"].sum() == told.sum()
    assert cells["churned"].sum() == history.churned[told].sum()
    known = cells[cells["n"] > 0]
    assert ((known["low"] <= known["share"]) & (known["share"] <= known["high"])).all()
