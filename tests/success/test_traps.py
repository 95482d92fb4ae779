from __future__ import annotations

import pandas as pd
import pytest

import csrisk as cr
from csrisk.success import TRAPS, relationship_traps, trap_summary

END = "2025-07-01"


def _data(**tables: pd.DataFrame) -> cr.CustomerData:
    accounts = pd.DataFrame({"account_id": ["a", "b"], "started_at": pd.Timestamp("2024-01-01")})
    return cr.CustomerData({"accounts": accounts, **tables}, end=END)


def _found(data: cr.CustomerData) -> pd.DataFrame:
    return relationship_traps(data, cr.Snapshots.at(data, END, eligible="account")).droplevel("as_of")


def _contacts(account: str, n: int, **columns: object) -> pd.DataFrame:
    days = pd.to_datetime("2025-06-01") + pd.to_timedelta(range(n), unit="D")
    return pd.DataFrame(
        {"account_id": account, "opened_at": days, "resolved_at": days + pd.Timedelta(days=1), **columns}
    )


def test_reactive_share() -> None:
    """9 of 10 contacts began with customer a, 5 of 10 with b: the limit is .9."""
    contacts = pd.concat(
        [
            _contacts("a", 10, initiated_by=["customer"] * 9 + ["vendor"]),
            _contacts("b", 10, initiated_by=["customer", "vendor"] * 5),
        ]
    )
    assert _found(_data(contacts=contacts))["reactive"].tolist() == [True, False]


def test_too_little_evidence_says_nothing() -> None:
    found = _found(_data(contacts=_contacts("a", 3, initiated_by="customer")))
    assert found["reactive"].isna().all()
    assert trap_summary(found).loc["reactive", ["accounts", "of"]].tolist() == [0, 0]


def test_one_handler_and_information_asked_twice() -> None:
    contacts = pd.concat(
        [
            _contacts("a", 5, handler=["h1"] * 4 + ["h2"], information_requests=[0, 2, 1, 2, 1]),
            _contacts("b", 5, handler=["h1", "h2", "h3", "h4", "h5"], information_requests=[0, 0, 0, 1, 0]),
        ]
    )
    found = _found(_data(contacts=contacts))
    assert found["one_handler"].tolist() == [True, False]
    assert found["asked_twice"].tolist() == [True, False]  # 6 / 5 against 1 / 5


def test_empty_meetings() -> None:
    contacts = pd.concat(
        [_contacts("a", 2, has_agenda_or_outcome=[False, True]), _contacts("b", 2, has_agenda_or_outcome=[True, True])]
    )
    assert _found(_data(contacts=contacts))["empty_meetings"].tolist() == [True, False]


def _uses(account: str, user: str, days: range) -> pd.DataFrame:
    at = [pd.Timestamp(END) - pd.Timedelta(days=day) for day in days]
    return pd.DataFrame({"account_id": account, "at": at, "user_id": user})


def test_lost_champion_and_dependence_on_one_user() -> None:
    """In a, the top user was last seen 60 days ago; in b, one of two users makes 30 of 35 uses."""
    usage = pd.concat(
        [
            _uses("a", "champion", range(60, 100)),
            _uses("a", "other", range(1, 20)),
            _uses("a", "third", range(1, 20)),
            _uses("b", "one", range(1, 61)),
            _uses("b", "two", range(1, 6)),
        ]
    )
    found = _found(_data(usage=usage))
    assert found["champion_lost"].tolist() == [True, False]
    assert found["one_user"].tolist() == [False, True]


def test_answers_never_acted_upon() -> None:
    sent = pd.to_datetime("2025-03-01") + pd.to_timedelta(range(3), unit="D")
    surveys = pd.DataFrame({"sent_at": sent, "answered_at": sent + pd.Timedelta(days=1), "kind": "NPS", "score": 8.0})
    acted = surveys.assign(account_id="b", acted_at=sent + pd.Timedelta(days=9))
    found = _found(_data(surveys=pd.concat([surveys.assign(account_id="a", acted_at=pd.NaT), acted])))
    assert found["never_acted"].tolist() == [True, False]


def test_summary_has_every_trap_with_its_interval(small_book: cr.CustomerData) -> None:
    summary = trap_summary(relationship_traps(small_book))
    assert set(summary.index) == {trap.name for trap in TRAPS}
    known = summary[summary["of"] > 0]
    assert ((known["low"] <= known["share"]) & (known["share"] <= known["high"])).all()
    assert known["share"].is_monotonic_decreasing


def test_true_loss_of_a_champion_is_found() -> None:
    book = cr.data.make_saas(400, 18, seed=3)
    found = relationship_traps(book.data()).droplevel("as_of")["champion_lost"]
    hit = book.truth.months["champion_lost"]
    recent = hit[hit.index.get_level_values("month").isin(pd.to_datetime(["2025-09-01", "2025-10-01"]))]
    truly = recent.groupby(level="account_id").any().reindex(found.index, fill_value=False)
    known = found.notna()
    assert found[known & truly].mean() > 3 * found[known & ~truly].mean()
    assert found[known & ~truly].mean() == pytest.approx(0.06, abs=0.06)
