"""Hard cases and what became of them, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.success import History, after_the_fire, hard_cases

NOW = pd.Timestamp("2025-07-01")


def _data(contacts: pd.DataFrame, **tables: pd.DataFrame) -> cr.CustomerData:
    accounts = pd.DataFrame({"account_id": sorted(set(contacts["account_id"])), "started_at": "2024-01-01"})
    return cr.CustomerData({"accounts": accounts, "contacts": contacts, **tables}, end="2025-12-01")


def _contact(account: str, opened: str, resolved: str | None, **more: object) -> dict[str, object]:
    return {"account_id": account, "opened_at": opened, "resolved_at": resolved} | more


def _answers(rows: list[tuple[str, str, float]], kind: str = "CSAT") -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["account_id", "answered_at", "score"])
    return table.assign(sent_at=table["answered_at"], kind=kind)


def _cases(data: cr.CustomerData) -> pd.DataFrame:
    return hard_cases(data, cr.Snapshots.at(data, NOW, eligible="account")).droplevel("as_of")


def test_which_cases_are_hard() -> None:
    """Two hand-overs or reopened; one hand-over is none, an open case is not over, one of 13 months ago is too old."""
    contacts = pd.DataFrame(
        [
            _contact("a", "2025-05-01", "2025-05-03", transfers=2, reopened=False),
            _contact("b", "2025-05-01", "2025-05-03", transfers=0, reopened=True),
            _contact("c", "2025-05-01", "2025-05-03", transfers=1, reopened=False),
            _contact("d", "2025-05-01", None, transfers=5, reopened=True),
            _contact("e", "2024-06-01", "2024-06-03", transfers=5, reopened=True),
            _contact("f", "2025-05-01", "2025-08-03", transfers=5, reopened=True),
        ]
    )
    assert _cases(_data(contacts)).index.tolist() == ["a", "b"]


def test_a_case_is_closed_with_its_last_contact() -> None:
    contacts = pd.DataFrame(
        [
            _contact("a", "2025-05-01", "2025-05-03", transfers=2, case_id="k"),
            _contact("a", "2025-05-09", "2025-05-12", transfers=0, case_id="k"),
            _contact("b", "2025-05-01", "2025-05-03", transfers=2, case_id="k"),
            _contact("b", "2025-06-09", None, transfers=0, case_id="k"),
        ]
    )
    found = _cases(_data(contacts))
    assert found["closed_at"].to_dict() == {"a": pd.Timestamp("2025-05-12")}


def test_the_first_answer_within_30_days_decides() -> None:
    """4 of 5 is three quarters of the scale from 1 to 5; NPS 7 is not, of 10; after 30 days nobody speaks of it."""
    contacts = pd.DataFrame([_contact(a, "2025-04-01", "2025-04-03", transfers=2) for a in "abcdef"])
    rows = [("a", "2025-04-03", 4.0), ("a", "2025-04-20", 1.0), ("b", "2025-04-10", 3.0), ("c", "2025-05-04", 5.0)]
    rows += [("d", "2025-05-03", 5.0), ("e", "2025-04-02", 5.0)]
    surveys = pd.concat([_answers(rows), _answers([("f", "2025-04-20", 7.0)], kind="NPS")], ignore_index=True)
    found = _cases(_data(contacts, surveys=surveys))["handled_well"]
    assert found.astype(object).where(found.notna(), None).to_dict() == {
        "a": True,
        "b": False,
        "c": None,
        "d": True,
        "e": None,
        "f": False,
    }


def test_an_answer_after_the_date_is_not_known() -> None:
    contacts = pd.DataFrame([_contact("a", "2025-06-20", "2025-06-25", transfers=2)])
    data = _data(contacts, surveys=_answers([("a", "2025-07-01", 5.0)]))
    assert _cases(data)["handled_well"].isna().all()


def _portfolio() -> tuple[cr.CustomerData, History]:
    """40 without a fire, 40 handled well, 40 badly: 4, 2 and 20 leave; 4, 30 and 2 speak for us later."""
    ids = [f"a{i:03d}" for i in range(120)]
    kind = np.repeat([0, 1, 2], 40)
    rows = [_contact(a, "2025-05-01", "2025-05-03", transfers=2 if k else 0) for a, k in zip(ids, kind, strict=True)]
    answers = _answers([(a, "2025-05-05", 5.0 if k == 1 else 1.0) for a, k in zip(ids, kind, strict=True)])
    place = np.tile(np.arange(40), 3)
    speaks = [a for a, k, p in zip(ids, kind, place, strict=True) if p < (4, 30, 2)[k]]
    acts = pd.DataFrame({"account_id": [*speaks, ids[39]], "kind": "reference"})
    # one spoke before the date, which is no consequence
    acts["at"] = [pd.Timestamp("2025-08-01")] * len(speaks) + [pd.Timestamp("2025-06-01")]
    data = _data(pd.DataFrame(rows), surveys=answers, advocacy=acts)
    left = place < np.array([4, 2, 20])[kind]
    return data, History(cr.Snapshots.at(data, NOW, eligible="account", horizon=90), left)


def test_what_became_of_them_by_hand() -> None:
    data, history = _portfolio()
    found = after_the_fire(data, history)
    assert found["n"].tolist() == [40, 40, 40, 0]
    assert found["left"].tolist() == [4, 2, 20, 0]
    assert found["spoke"].tolist() == [4, 30, 2, 0]
    assert found["left_difference"].tolist()[:3] == pytest.approx(
        [4 / 40 - 22 / 80, 2 / 40 - 24 / 80, 20 / 40 - 6 / 80]
    )
    assert found["helps"].tolist() == [False, True, False, False]
    assert found["harms"].tolist() == [False, False, True, False]


def test_few_acts_show_nothing() -> None:
    data, history = _portfolio()
    acts = data.frame("advocacy").head(9)
    tables = {name: data.frame(name) for name in data.tables} | {"advocacy": acts}
    few = cr.CustomerData(tables, end="2025-12-01")
    snapshots = cr.Snapshots.at(few, NOW, eligible="account", horizon=90)
    assert not after_the_fire(few, History(snapshots, history.churned))["helps"].any()


def test_no_table_of_contacts_is_no_fire() -> None:
    usage = pd.DataFrame({"account_id": ["a", "b"], "at": pd.Timestamp("2025-06-01")})
    data = cr.CustomerData({"usage": usage}, end="2025-12-01")
    snapshots = cr.Snapshots.at(data, NOW, horizon=90)
    assert hard_cases(data, snapshots).empty
    assert after_the_fire(data, History(snapshots, np.array([True, False])))["n"].tolist() == [2, 0, 0, 0]


def test_the_demo_tells_its_fires(demo: cr.CustomerData) -> None:
    """Badly handled cases go before leaving in the simulated process, as effort and mood do."""
    found = after_the_fire(demo)
    assert found.loc["handled badly", "harms"]
    assert found.loc["handled well", "left_share"] < found.loc["handled badly", "left_share"]
