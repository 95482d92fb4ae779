"""What the data ask for: each step rests on rows that were known at the date, counted by hand here."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.report._accounts._next_steps import make_next_steps
from csrisk.report._accounts._standing import read_standing
from csrisk.report._book import read_book

MEASURES = {"Call them", "Ask what they think of us", "Ask for feedback, and act on it"}


def steps(tmp_path, why, tables, account):
    data = cr.CustomerData({name: pd.DataFrame(table) for name, table in tables.items()}, end="2025-12-01")
    cards = json.loads(cr.write_report(tmp_path / "a.json", why, data=data).read_text())["cards"]
    found = [step for card in cards if card["account"] == account for step in card["steps"]]
    # what some accounts of the fixture never said is asked for; `test_measured.py` looks at that
    return {step["action"]: step["evidence"] for step in found if step["action"] not in MEASURES}


def contacts(account, opened, resolved, **more):
    table = {"account_id": account, "opened_at": pd.to_datetime(opened), "resolved_at": pd.to_datetime(resolved)}
    return table | {"contact_id": [f"{account}-{i}" for i in range(len(opened))], **more}


def test_cases_open_at_the_date_are_counted_also_when_they_were_closed_later(tmp_path, why):
    # the first two are open on 1 October, the third was closed before; the oldest is from 11 September: 20 days
    table = contacts("acct-00003", ["2025-09-11", "2025-09-25", "2025-09-01"], [None, "2025-10-20", "2025-09-02"])
    found = steps(tmp_path, why, {"contacts": table}, "acct-00003")
    assert found["Close the 2 open cases"] == "the oldest was opened 20 days ago"


def test_case_of_the_last_days_is_no_step(tmp_path, why):
    table = contacts("acct-00003", ["2025-09-28", "2025-01-01"], [None, "2025-01-02"])
    assert steps(tmp_path, why, {"contacts": table}, "acct-00003") == {}


def test_case_that_keeps_coming_back_is_named_from_the_third_contact_on(tmp_path, why):
    days = ["2025-09-01", "2025-09-05", "2025-09-09"]
    done = ["2025-09-02", "2025-09-06", "2025-09-10"]
    same = contacts("acct-00003", days, done, case_id="k", initiated_by="customer")
    found = steps(tmp_path, why, {"contacts": same}, "acct-00003")
    assert found["Give the case that keeps coming back one owner"] == "3 contacts about the same case in 90 days"
    other = contacts("acct-00003", days, done, case_id=list("klm"), initiated_by="customer")
    action = "Give the case that keeps coming back one owner"
    assert action not in steps(tmp_path, why, {"contacts": other}, "acct-00003")


def test_answers_nobody_acted_upon_are_counted_as_of_the_date(tmp_path, why):
    table = {
        "account_id": "acct-00004",
        "sent_at": pd.to_datetime(["2025-08-01", "2025-08-20", "2025-09-01", "2025-09-10"]),
        "answered_at": pd.to_datetime(["2025-08-02", "2025-09-01", "2025-09-02", "2025-10-05"]),
        "acted_at": pd.to_datetime(["2025-08-09", None, "2025-10-02", None]),
        "kind": "CSAT",
        "score": 4.0,
    }
    found = steps(tmp_path, why, {"surveys": table}, "acct-00004")
    # the second was never acted upon, the third only after the date; the fourth was answered after it
    evidence = "of 3 in a year; the oldest waits for 30 days"
    assert found == {"Act on the 2 answers that nobody acted upon, and say so": evidence}


def test_detractor_is_judged_by_the_last_answer(tmp_path, why):
    def nps(scores):
        when = pd.to_datetime(["2025-07-01", "2025-09-01"])
        seen = {"account_id": "acct-00005", "sent_at": when, "answered_at": when, "acted_at": when, "kind": "NPS"}
        return steps(tmp_path, why, {"surveys": seen | {"score": scores}}, "acct-00005")

    action = "Ask the detractor what would have to change"
    assert nps([9.0, 3.0]) == {action: "the last NPS answer was 3 of 10, 30 days ago"}
    assert nps([3.0, 9.0]) == {}


def test_last_answer_is_the_last_by_the_clock_and_a_year_is_counted_from_the_answer(tmp_path, why):
    when = pd.to_datetime(["2025-09-01 15:00", "2025-09-01 09:00", "2024-10-02"], format="mixed")
    table = {
        "account_id": "acct-00005",
        "sent_at": pd.to_datetime(["2025-08-01", "2025-08-02", "2024-09-10"]),  # the third was asked over a year ago
        "answered_at": when,
        "acted_at": pd.to_datetime([None, None, None]),
        "kind": ["NPS", "nps", "CSAT"],
        "score": [4.0, 5.0, 3.0],
    }
    found = steps(tmp_path, why, {"surveys": table}, "acct-00005")
    assert found["Ask the detractor what would have to change"] == "the last NPS answer was 4 of 10, 30 days ago"
    assert steps(tmp_path, why, {"surveys": table | {"acted_at": when}}, "acct-00005") == {
        "Ask the detractor what would have to change": "the last NPS answer was 4 of 10, 30 days ago"
    }
    table["acted_at"] = pd.to_datetime(["2025-09-20", None, None])
    found = steps(tmp_path, why, {"surveys": table}, "acct-00005")
    assert (
        found["Act on the 2 answers that nobody acted upon, and say so"]
        == "of 3 in a year; the oldest waits for 364 days"
    )


def test_answers_of_one_second_are_averaged_as_in_the_features(tmp_path, why):
    when = pd.to_datetime(["2025-09-01 15:00"] * 2)
    table = {"account_id": "acct-00005", "sent_at": when, "answered_at": when, "kind": "NPS", "score": [4.0, 7.0]}
    found = steps(tmp_path, why, {"surveys": table}, "acct-00005")
    assert found == {"Ask the detractor what would have to change": "the last NPS answer was 5.5 of 10, 30 days ago"}


def test_the_oldest_open_case_is_the_oldest_of_all(tmp_path, why):
    # 1 October less 3 March of the year before: 577 days
    table = contacts("acct-00003", ["2024-03-03", "2025-09-11", "2025-09-01"], [None, None, "2025-09-02"])
    found = steps(tmp_path, why, {"contacts": table}, "acct-00003")
    assert found["Close the 2 open cases"] == "the oldest was opened 577 days ago"


@pytest.mark.parametrize("ours", ["vendor", "Vendor", "VENDOR"])
def test_contacts_begun_by_us_are_told_apart_however_they_are_written(tmp_path, why, ours):
    days = pd.to_datetime("2025-09-01") + pd.to_timedelta(range(8), unit="D")
    by = [ours] * 4 + ["Customer", "customer", None, "partner"]
    table = contacts("acct-00009", days, days, initiated_by=by, case_id=list("uvwxyzab"), stage="Support")
    others = {"account_id": [f"acct-{i:05d}" for i in range(12)]}
    found = steps(tmp_path, why, {"contacts": table, "accounts": others}, "acct-00009")
    evidence = "4 contacts not begun by us in 90 days, 4 of them in support; 0 are usual here"
    assert found["Find out why they call so often"] == evidence


def test_promises_that_are_overdue(tmp_path, why):
    table = {
        "account_id": "acct-00006",
        "agreed_at": pd.to_datetime(["2025-05-01"] * 3),
        "due_at": pd.to_datetime(["2025-09-21", "2025-08-01", "2025-11-01"]),
        "met_at": pd.to_datetime([None, "2025-07-30", None]),
    }
    found = steps(tmp_path, why, {"expectations": table}, "acct-00006")
    assert found == {}  # one says nothing, two do
    table |= {
        "agreed_at": [*table["agreed_at"], table["agreed_at"][0]],
        "due_at": [*table["due_at"], table["due_at"][0]],
    }
    found = steps(tmp_path, why, {"expectations": table | {"met_at": [*table["met_at"], pd.NaT]}}, "acct-00006")
    assert found == {"Keep or renegotiate the 2 promises that are overdue": "the latest was due 10 days ago"}


def test_feature_that_similar_accounts_use_is_suggested(tmp_path, why):
    rows = [(f"acct-{i:05d}", feature) for i in range(40) for feature in ("login", "export")]
    rows = [row for row in rows if row != ("acct-00007", "export")]
    usage = pd.DataFrame(rows, columns=["account_id", "feature"]).assign(at=pd.Timestamp("2025-09-15"), quantity=1.0)
    found = steps(tmp_path, why, {"usage": usage}, "acct-00007")
    assert found["Show them export"] == "25 of 25 similar accounts use it, this one has it and does not"
    assert steps(tmp_path, why, {"usage": usage}, "acct-00008") == {}


def test_goal_that_raises_the_risk_most_comes_first_and_no_goal_more_than_twice(tmp_path, why, data):
    cards = json.loads(cr.write_report(tmp_path / "a.json", why, data=data).read_text())["cards"]
    for card in cards:
        points = {part["goal"]: part["points"] for part in card["goals"]}
        served = [points[step["goal"]] for step in card["steps"]]
        assert served == sorted(served, reverse=True)
        assert len(card["steps"]) <= 4
        assert max((served.count(value) for value in served), default=0) <= 2


@pytest.mark.parametrize("suffix", ["html", "md"])
def test_names_of_features_and_stages_are_text(tmp_path, why, suffix):
    rows = [(f"acct-{i:05d}", f) for i in range(40) for f in ("login", "<script>alert(1)</script>")]
    usage = pd.DataFrame(rows[:-1], columns=["account_id", "feature"]).assign(at=pd.Timestamp("2025-09-15"))
    data = cr.CustomerData({"usage": usage}, end="2025-12-01")
    text = cr.write_report(tmp_path / f"a.{suffix}", why, data=data).read_text("utf-8")
    assert "<script>alert" not in text
    assert "alert" in text


def asked_of(why, tables, account, harmful):
    data = cr.CustomerData({name: pd.DataFrame(table) for name, table in tables.items()}, end="2025-12-01")
    book = read_book(why, data)
    found = make_next_steps(book, data, len(book.keys), read_standing(book, data), frozenset(harmful))
    return {step.action: step.evidence for step in found[book.keys.index(account)]}


def calls(account, by, **more):
    days = pd.to_datetime("2025-09-01") + pd.to_timedelta(range(6), unit="D")
    return contacts(account, days, days, initiated_by=by, case_id=list("uvwxyz"), **more)


def test_a_trap_asks_for_a_step_only_where_it_did_harm(why):
    table = {"contacts": calls("acct-00009", "customer", information_requests=[2.0] * 6)}
    assert "Keep answers where all can see them" in asked_of(why, table, "acct-00009", {"asked_twice"})
    assert "Keep answers where all can see them" not in asked_of(why, table, "acct-00009", {"reactive"})


def test_traps_that_point_nowhere_in_simulated_worlds_ask_for_nothing(why):
    table = {"contacts": calls("acct-00009", "customer", has_agenda_or_outcome=[False] * 6, handler=list("abcdef"))}
    found = asked_of(why, table, "acct-00009", {"reactive", "empty_meetings", "too_many_handlers"})
    assert not {"Plan a proactive contact", "Hold fewer meetings, with agenda and outcome"} & set(found)


def test_calls_are_held_against_what_is_usual_for_a_person(why):
    """Six calls of one person are many where others have one by person; six calls of six people are as usual."""
    days = pd.date_range("2025-09-01", periods=6)
    rows = [(f"acct-{i:05d}", days[0]) for i in range(12)] + [
        (a, day) for a in ("acct-00020", "acct-00021") for day in days
    ]
    table = pd.DataFrame(rows, columns=["account_id", "opened_at"]).assign(initiated_by="customer")
    table = table.assign(case_id=[f"c{i}" for i in range(len(table))], contact_id=[f"k{i}" for i in range(len(table))])
    people = [(f"acct-{i:05d}", "u") for i in (*range(12), 20)] + [("acct-00021", f"u{i}") for i in range(6)]
    usage = pd.DataFrame(people, columns=["account_id", "user_id"]).assign(at=days[0], quantity=1.0)
    action = "Find out why they call so often"
    tables = {"contacts": table, "usage": usage}
    found = asked_of(why, tables, "acct-00020", set())
    assert found[action] == "6 contacts not begun by us in 90 days; 6 a person, 1 is usual here"
    assert action not in asked_of(why, tables, "acct-00021", set())


def test_answers_wait_where_more_wait_than_usual(why):
    """Of twelve accounts ten left one answer of two waiting, one both, one none."""
    waiting = [("acct-00020", 2), ("acct-00021", 0), *((f"acct-{i:05d}", 1) for i in range(10))]
    rows = [(name, pd.NaT if at < n else pd.Timestamp("2025-09-20")) for name, n in waiting for at in range(2)]
    table = pd.DataFrame(rows, columns=["account_id", "acted_at"])
    table = table.assign(
        sent_at=pd.Timestamp("2025-09-01"), answered_at=pd.Timestamp("2025-09-02"), kind="CSAT", score=4.0
    )
    action = "Act on the 2 answers that nobody acted upon, and say so"
    assert (
        asked_of(why, {"surveys": table}, "acct-00020", set())[action] == "of 2 in a year; the oldest waits for 29 days"
    )
    assert not [step for step in asked_of(why, {"surveys": table}, "acct-00001", set()) if step.startswith("Act on")]


def test_sponsors_and_invoices_ask_for_a_step_only_where_they_did_harm(why):
    people = {"account_id": ["acct-00009"], "person_id": "p", "role": "sponsor", "from_at": pd.Timestamp("2025-01-01")}
    invoices = {
        "account_id": ["acct-00009", "acct-00008"],
        "issued_at": pd.Timestamp("2025-08-01"),
        "due_at": pd.Timestamp("2025-09-01"),
        "paid_at": [pd.NaT, pd.Timestamp("2025-08-20")],
        "disputed_at": [pd.Timestamp("2025-08-05"), pd.NaT],
        "amount": 10.0,
    }
    talk = calls("acct-00008", "customer", person_id=list("uvwxyz"))
    tables = {"contacts": talk, "people": people, "invoices": invoices}
    steps = {"sponsor_silent": "Call the sponsor", "disputed": "Settle the disputed invoice"}
    for trap, step in steps.items():
        found = asked_of(why, tables, "acct-00009", {trap})
        assert step in found
        assert not ({*steps.values()} - {step}) & {*found}
        assert step not in asked_of(why, tables, "acct-00009", {"reactive"})
        assert step not in asked_of(why, tables, "acct-00008", {trap})


def test_surveys_pause_while_answers_wait(why):
    sent = pd.to_datetime("2025-03-01") + pd.to_timedelta(range(0, 70, 10), unit="D")
    answered = [sent[0], sent[1], *[None] * 5]
    table = {"account_id": "acct-00009", "sent_at": sent, "answered_at": answered, "acted_at": None, "kind": "CSAT"}
    found = asked_of(why, {"surveys": table}, "acct-00009", {"asked_on"})
    assert found["Pause surveys until 2 answers are acted on"].startswith("surveys sent since an answer")


def finance(account, revenue, cost):
    at = pd.to_datetime(["2025-06-30", "2025-07-31", "2025-08-31"])
    return {"account_id": account, "at": at, "revenue": revenue, "cost_to_serve": cost}


def standing_of(why, nps, revenue, cost, **tables):
    when = pd.to_datetime(["2025-09-10", "2025-09-11"])
    answers = {"account_id": "acct-00009", "sent_at": when, "answered_at": when, "acted_at": when, "kind": "NPS"}
    tables = {"surveys": answers | {"score": [nps] * 2}, "finance": finance("acct-00009", revenue, cost), **tables}
    return asked_of(why, tables, "acct-00009", ())


def test_each_quadrant_has_its_own_cure(why):
    late = {"account_id": "acct-00009", "agreed_at": ["2025-05-01"], "due_at": ["2025-08-01"], "met_at": [None]}
    unhappy = standing_of(why, 1.0, 100.0, 10.0, expectations=late)
    assert unhappy["Talk about what they expect and what they got"] == "pays well and is not happy; 1 promise overdue"
    costly = standing_of(why, 10.0, 100.0, 130.0, contacts=calls("acct-00009", "customer", stage="learn"))
    assert costly["Move what they need in learn to self-service"] == (
        "happy, but brings \u221230\u00a0% of its revenue after the cost to serve; "
        "6 of 6 contacts in 180 days were in learn"
    )
    assert "Recover them" in standing_of(why, 5.0, 100.0, 110.0)
    assert "Decide by name whether to go on" in standing_of(why, 0.0, 100.0, 110.0)
    assert "Decide by name whether to go on" in standing_of(why, 5.0, 100.0, 150.0)
    assert standing_of(why, 10.0, 100.0, 10.0) == {}


def test_a_promise_taken_back_asks_for_nothing(tmp_path, why):
    table = {
        "account_id": "acct-00006",
        "agreed_at": pd.to_datetime(["2025-05-01"]),
        "due_at": pd.to_datetime(["2025-08-01"]),
        "met_at": pd.to_datetime([None]),
        "closed_at": pd.to_datetime(["2025-07-20"]),
        "outcome": ["cancelled"],
    }
    assert steps(tmp_path, why, {"expectations": table}, "acct-00006") == {}


def test_an_explained_no_asks_for_nothing(tmp_path, why):
    table = {
        "account_id": "acct-00004",
        "sent_at": pd.to_datetime(["2025-08-01"]),
        "answered_at": pd.to_datetime(["2025-08-02"]),
        "declined_at": pd.to_datetime(["2025-08-05"]),
        "kind": "CSAT",
        "score": 4.0,
    }
    assert steps(tmp_path, why, {"surveys": table}, "acct-00004") == {}


def steps_of_the_safest(why, tables, **more):
    data = cr.CustomerData({name: pd.DataFrame(table) for name, table in tables.items()}, end="2025-12-01")
    book = read_book(why, data)
    found = make_next_steps(book, data, len(book.keys), read_standing(book, data), **more)
    return {step.action: step.evidence for step in found[-1]}


def happy_and_safe(why, **tables):
    """The account of the lowest risk, with two answers of 10; others are there so that it lies below the median."""
    keys = read_book(why, None).keys
    when = pd.to_datetime(["2025-09-10", "2025-09-11"] * len(keys))
    answers = {"account_id": np.repeat(keys, 2), "sent_at": when, "answered_at": when, "acted_at": when, "kind": "NPS"}
    return {"surveys": answers | {"score": [10.0] * 2 * len(keys)}, **tables}, keys[-1]


def test_a_reference_is_asked_for_after_a_case_that_went_well_where_that_was_shown(why):
    acts = {"account_id": ["acct-00001"], "at": pd.to_datetime(["2025-01-01"]), "kind": ["reference"]}
    tables, safest = happy_and_safe(why, advocacy=acts)
    tables["contacts"] = contacts(safest, ["2025-09-01"], ["2025-09-05"], transfers=2)
    found = steps_of_the_safest(why, tables, fires_help=True)
    assert found["Ask for a reference"].startswith("the hard case closed on 5 September 2025 went well")
    assert "Ask for a reference" not in steps_of_the_safest(why, tables)
    badly = {
        "account_id": [safest],
        "sent_at": ["2025-09-06"],
        "answered_at": ["2025-09-06"],
        "kind": "CSAT",
        "score": 1.0,
    }
    tables["surveys"] = pd.concat([pd.DataFrame(tables["surveys"]), pd.DataFrame(badly)], ignore_index=True)
    assert "Ask for a reference" not in steps_of_the_safest(why, tables, fires_help=True)
    # who spoke within a year is not asked again
    spoke = {"account_id": [safest], "at": pd.to_datetime(["2025-06-01"]), "kind": ["reference"]}
    tables, _ = happy_and_safe(why, advocacy=spoke, contacts=tables["contacts"])
    assert "Ask for a reference" not in steps_of_the_safest(why, tables, fires_help=True)


def test_seats_are_offered_to_the_safe_and_happy(why):
    tables, safest = happy_and_safe(why)
    days = pd.to_datetime(["2025-09-20"] * 3)
    tables["usage"] = {"account_id": safest, "at": days, "user_id": ["a", "b", "c"]}
    tables["subscriptions"] = {"account_id": [safest], "start_at": ["2025-01-01"], "seats": [3.0]}
    assert steps_of_the_safest(why, tables)["Offer seats"] == "100 % of 3 seats in use in 30 days"
    tables["subscriptions"]["seats"] = [4.0]
    assert "Offer seats" not in steps_of_the_safest(why, tables)
