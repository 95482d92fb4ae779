"""Traps by hand, and those of the simulator that do harm are found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.exceptions import ConfigError
from csrisk.success import TRAPS, past_outcomes, relationship_traps, trap_consequences, trap_summary

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


def test_too_many_handlers_and_information_asked_twice() -> None:
    """Five people for five contacts of b; one person for most of a is a relation, not a trap."""
    contacts = pd.concat(
        [
            _contacts("a", 5, handler=["h1"] * 4 + ["h2"], information_requests=[0, 2, 1, 2, 1]),
            _contacts("b", 5, handler=["h1", "h2", "h3", "h4", "h5"], information_requests=[0, 0, 0, 1, 0]),
        ]
    )
    found = _found(_data(contacts=contacts))
    assert found["too_many_handlers"].tolist() == [False, True]  # 2 / 5 against 5 / 5
    assert found["asked_twice"].tolist() == [True, False]  # 6 / 5 against 1 / 5


def test_the_one_who_knew_them_is_gone_from_everybody() -> None:
    """h1 handled a until April and was seen with nobody since; h2, also gone from b, still works with c."""
    early = pd.to_datetime("2025-03-01") + pd.to_timedelta(range(5), unit="D")

    def handled(account: str, handler: str, days: pd.DatetimeIndex) -> pd.DataFrame:
        return pd.DataFrame({"account_id": account, "opened_at": days, "handler": handler})

    recent = pd.DatetimeIndex(["2025-06-20"])
    contacts = pd.concat([handled("a", "h1", early), handled("b", "h2", early), handled("c", "h2", recent)])
    found = _found(_data(contacts=contacts))
    assert found["handler_lost"].tolist() == [True, False]


def test_surveys_that_go_on_although_nothing_is_done() -> None:
    """Six surveys since a's last action, seven with one acted upon after the third for b."""
    sent = pd.to_datetime("2025-02-01") + pd.to_timedelta(range(0, 70, 10), unit="D")
    surveys = pd.DataFrame({"sent_at": sent, "answered_at": sent + pd.Timedelta(days=1), "kind": "NPS", "score": 8.0})
    acted = pd.Series([None, None, "2025-02-25", None, None, None, None], dtype="datetime64[us]")
    both = [surveys.assign(account_id="a", acted_at=pd.NaT), surveys.assign(account_id="b", acted_at=acted)]
    assert _found(_data(surveys=pd.concat(both)))["asked_on"].tolist() == [True, False]
    declined = [both[0].assign(declined_at=pd.Timestamp("2025-04-20")), both[1]]
    assert _found(_data(surveys=pd.concat(declined)))["asked_on"].tolist() == [False, False]
    assert _found(_data(surveys=pd.concat(both).drop(columns="acted_at")))["asked_on"].isna().all()


def test_consequences_by_hand() -> None:
    """Of 20 accounts in the trap 8 leave in the window, of 30 outside 3: .4 - .1 = .3, by Newcombe .07 to .51."""
    ids = [f"a{i:02d}" for i in range(50)]
    days = pd.to_datetime(["2025-02-01", "2025-02-02", "2025-02-03"])
    contacts = pd.DataFrame(
        [(a, day, day + pd.Timedelta(days=1), 2 if i < 20 else 0) for i, a in enumerate(ids) for day in days],
        columns=["account_id", "opened_at", "resolved_at", "information_requests"],
    )
    ends = [pd.Timestamp("2025-04-01") if i < 8 or 20 <= i < 23 else pd.NaT for i in range(50)]
    contracts = pd.DataFrame({"account_id": ids, "start_at": pd.Timestamp("2024-01-01"), "end_at": ends})
    data = cr.CustomerData({"contacts": contacts, "subscriptions": contracts}, end="2025-08-01")
    # the last window ends on 1 June, so that the date is 3 March
    found = trap_consequences(data, past_outcomes(data, horizon=90, lead=0, dates=1, until="2025-06-01"))
    row = found.loc["asked_twice"]
    assert row[["n_in", "n_out", "churned_in", "churned_out"]].tolist() == [20, 30, 8, 3]
    assert row["difference"] == pytest.approx(0.3)
    # Wilson: .2188 to .6134 of 20, .0346 to .2562 of 30
    low, high = 0.3 - np.hypot(0.4 - 0.2188, 0.2562 - 0.1), 0.3 + np.hypot(0.6134 - 0.4, 0.1 - 0.0346)
    assert (row["low"], row["high"]) == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3))
    assert bool(row["harmful"])
    assert not found.drop(index="asked_twice")["harmful"].any()


@pytest.mark.parametrize("seed", [5, 11])
def test_traps_of_the_simulator_that_do_harm_are_found(seed: int) -> None:
    """Effort and open loops raise the hazard in the simulated process; a single relation does not."""
    found = trap_consequences(cr.datasets.make_saas(600, 30, seed=seed).data())
    assert found.loc[["asked_twice", "asked_on"], "harmful"].all()
    assert (found["churn_in"] - found["churn_out"])[["too_many_handlers", "never_acted"]].gt(0).all()


def test_consequences_need_an_observed_window(small_book: cr.CustomerData) -> None:
    with pytest.raises(ConfigError, match="no label window is observed between"):
        past_outcomes(small_book, horizon=3000)
    with pytest.raises(ConfigError, match="dates=0 must be at least 1"):
        past_outcomes(small_book, dates=0)


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
    # those of optional tables are looked for where these are
    assert set(summary.index) == {trap.name for trap in TRAPS if not trap.needs}
    known = summary[summary["of"] > 0]
    assert ((known["low"] <= known["share"]) & (known["share"] <= known["high"])).all()
    assert known["share"].is_monotonic_decreasing


def test_true_loss_of_a_champion_is_found() -> None:
    book = cr.datasets.make_saas(400, 18, seed=3)
    found = relationship_traps(book.data()).droplevel("as_of")["champion_lost"]
    hit = book.truth.months["champion_lost"]
    recent = hit[hit.index.get_level_values("month").isin(pd.to_datetime(["2025-09-01", "2025-10-01"]))]
    truly = recent.groupby(level="account_id").any().reindex(found.index, fill_value=False)
    known = found.notna()
    assert found[known & truly].mean() > 3 * found[known & ~truly].mean()
    assert found[known & ~truly].mean() == pytest.approx(0.06, abs=0.06)
