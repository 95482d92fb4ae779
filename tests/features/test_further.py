"""Families of optional tables and columns, by hand: each figure can be read off the table above it."""

from __future__ import annotations

import math
import warnings

import pandas as pd
import pytest

from csrisk import CustomerData, Feature, Snapshots, build_features
from csrisk.exceptions import DataWarning, FeatureError
from csrisk.features import (
    AccountContext,
    AccountGroup,
    ContractTerms,
    Handovers,
    Invoices,
    Measures,
    Meetings,
    People,
    PromiseKinds,
    SupportCases,
    Voices,
    all_builders,
    default_builders,
    further_builders,
)
from csrisk.features._families._context import attributes_of
from csrisk.testing import random_tables

AS_OF = "2025-04-01"
PEOPLE = {
    "person_id": ["ann", "bob", "cleo", "dan", "eve"],
    "role": ["Sponsor", "sponsor", "champion", "decider", "user"],
    "from_at": ["2024-01-01", "2025-01-01", "2024-01-01", "2024-06-01", "2024-01-01"],
    "to_at": ["2025-01-01", None, "2025-03-02", None, None],
}


def test_people_by_hand(look) -> None:
    contacts = {"opened_at": ["2025-02-10", "2025-03-30"], "person_id": ["bob", "dan"]}
    usage = {"at": ["2025-01-20", "2025-03-20"], "user_id": ["bob", "ann"]}
    row = look(People(), AS_OF, people=PEOPLE, contacts=contacts, usage=usage)
    # bob sponsors us now; ann left when he came, 90 days before; he was heard last on 10 February, 50 days before
    assert row["sponsor_known"] == 1
    assert row["days_since_sponsor_change"] == 90
    assert row["sponsor_silent_days"] == 50
    # sponsor and decider are there, the champion left 30 days before, nobody is admin
    assert row["roles_covered"] == 2
    assert row["champion_left_180d"] == 1


def test_people_at_the_edges(look) -> None:
    alone = {name: values[:1] for name, values in PEOPLE.items()}
    usage = {"at": ["2023-12-01"], "user_id": ["zoe"]}
    before = look(People(), "2024-03-01", people=alone, usage=usage)
    # a first sponsor is no change, and one never heard is silent since taking the role: 60 days
    assert math.isnan(before["days_since_sponsor_change"])
    assert before["sponsor_silent_days"] == 60
    # on the day on which she leaves, that is not known yet; on the next it is
    assert look(People(), "2025-01-01", people=alone, usage=usage)["sponsor_known"] == 1
    after = look(People(), "2025-01-02", people=alone, usage=usage)
    assert (after["sponsor_known"], after["days_since_sponsor_change"]) == (0, 1)
    assert math.isnan(after["sponsor_silent_days"])
    # a meeting that was missed is no sign of life
    missed = {"opened_at": ["2024-02-20"], "person_id": ["ann"], "attended": [False]}
    assert look(People(), "2024-03-01", people=alone, contacts=missed)["sponsor_silent_days"] == 60
    nobody = look(People(), AS_OF, usage=usage)
    assert nobody.isna().all()
    # the leaving was entered late
    late = alone | {"known_at": ["2025-02-01"]}
    assert look(People(), "2025-01-20", people=late, usage=usage)["sponsor_known"] == 1


def test_voices_by_hand(look) -> None:
    surveys = {
        "sent_at": ["2025-01-01"] * 5 + ["2024-01-01"],
        "answered_at": ["2025-01-02"] * 4 + [None, "2024-01-02"],
        "kind": ["NPS", "NPS", "NPS", "CSAT", "NPS", "NPS"],
        "score": [9.0, 4.0, 8.0, 1.0, None, 0.0],
        "respondent": ["eve", "dan", "fred", "cleo", "gus", "hal"],
    }
    usage = {"at": ["2025-01-01"], "user_id": ["fred"]}
    row = look(Voices(), AS_OF, people=PEOPLE, surveys=surveys, usage=usage)
    # eve, dan, fred and cleo answered; hal did so too long ago, gus never
    assert row["respondents_365d"] == 4
    # eve is a user by role and fred by use: (9 + 8) / 2; dan decides: 4
    assert row["nps_users_365d"] == 8.5
    assert row["nps_deciders_365d"] == 4
    assert row["nps_decider_gap_365d"] == -4.5


INVOICES = {
    "issued_at": ["2025-01-01", "2025-02-01", "2024-11-01", "2024-10-01", "2025-02-15", "2025-03-01"],
    "due_at": ["2025-01-31", "2025-03-02", "2024-12-01", "2024-10-31", "2025-03-15", "2025-04-01"],
    "paid_at": [None, None, "2024-12-11", "2024-10-21", None, None],
    "amount": [100.0, 50.25, 70.0, 70.0, -20.0, 80.0],
    "disputed": [False, True, True, False, False, False],
    "disputed_at": [None, "2025-03-05", None, None, None, None],
}


def test_invoices_by_hand(look) -> None:
    row = look(Invoices(), AS_OF, invoices=INVOICES)
    # open past their day: 100 (60 days), 50.25 (30 days), and a credit note of 20; what is due today is not late yet
    assert row["overdue_amount"] == 130.25
    assert row["overdue_days"] == 60
    # paid 10 days late, and 10 days early, which is 0
    assert row["days_late_mean_365d"] == 5
    # 5 March; that of the invoice paid on 11 December may have been written on any day since
    assert row["invoices_disputed_365d"] == 1
    # in a table without such times it counts with the payment, and the open one at the end
    timeless = {name: values for name, values in INVOICES.items() if name != "disputed_at"}
    assert look(Invoices(), AS_OF, invoices=timeless)["invoices_disputed_365d"] == 1
    # one of them is open
    assert row["disputed_open"] == 1


def test_invoices_at_the_edges(look) -> None:
    # an objection without a time to an open invoice counts at the end of the data, never before
    open_ = {"issued_at": ["2025-01-01", "2024-01-01"], "disputed": [True, False], "paid_at": [None, "2024-02-01"]}
    assert look(Invoices(), AS_OF, invoices=open_)["invoices_disputed_365d"] == 0
    assert look(Invoices(), "2025-05-01", end="2025-05-01", invoices=open_)["invoices_disputed_365d"] == 1
    # the amount of one that is overdue is unknown, so the sum is
    holes = {"amount": [None, *INVOICES["amount"][1:]]}
    assert math.isnan(look(Invoices(), AS_OF, invoices=INVOICES | holes)["overdue_amount"])
    # without payments nobody can tell what is open
    unpaid = {name: INVOICES[name] for name in ("issued_at", "due_at", "amount")}
    assert math.isnan(look(Invoices(), AS_OF, invoices=unpaid)["overdue_amount"])
    # nothing overdue is 0, and the oldest of nothing is unknown
    paid = look(Invoices(), "2025-01-15", invoices=INVOICES)
    assert paid["overdue_amount"] == 0
    assert math.isnan(paid["overdue_days"])


def test_handovers_by_hand(look) -> None:
    contacts = {
        "opened_at": ["2024-12-01", "2025-01-10", "2025-01-20", "2025-02-15", "2025-03-01", "2025-03-10"],
        "resolved_at": ["2024-12-02", "2025-01-11", "2025-01-21", "2025-02-16", "2025-03-02", None],
        "team": ["sales", "Onboarding", "onboarding", "onboarding", "support", None],
        "information_requests": [5.0, 2.0, 1.0, 7.0, 3.0, 9.0],
    }
    row = look(Handovers(), AS_OF, contacts=contacts)
    # sales to onboarding after 40 days, onboarding to support after 14
    assert row["handovers_365d"] == 2
    assert row["handover_gap_days_365d"] == 27
    # within 30 days after 10 January: 2 + 1; from 1 March on: 3; 15 February is 36 days after the first
    assert row["asked_after_handover_90d"] == 6
    # a case that is open tells nothing final yet
    assert look(Handovers(), "2025-03-02", contacts=contacts)["asked_after_handover_90d"] == 3
    first = look(Handovers(), "2025-01-01", contacts=contacts)
    assert (first["handovers_365d"], first["asked_after_handover_90d"]) == (0, 0)
    assert look(Handovers(), AS_OF, contacts={"opened_at": ["2025-01-01"]}).isna().all()


def test_support_by_hand(look) -> None:
    contacts = {
        "opened_at": ["2025-03-01 08:00", "2025-03-02 08:00", "2025-03-03 08:00", "2025-03-04 08:00", "2025-03-05"],
        "resolved_at": ["2025-03-01 12:00", "2025-03-02 09:00", "2025-03-09", None, None],
        "due_at": ["2025-03-01 11:00", "2025-03-02", "2025-03-08", "2025-04-05", "2025-03-20"],
        "severity": [1.0, 2.0, 3.0, 2.0, 4.0],
        "cause": ["defect", "question", "outage", "defect", None],
    }
    row = look(SupportCases(), AS_OF, contacts=contacts)
    # open are the last two, of severity 2 and 4
    assert row["open_severe"] == 1
    # the second defect is not closed, so that nobody knows yet
    assert (row["defects_90d"], row["questions_90d"], row["outages_90d"]) == (1, 1, 1)
    # due by then: an hour late, within its day, a day late, still open; one is due later
    assert row["sla_missed_share_90d"] == 0.75
    bare = look(SupportCases(), AS_OF, contacts={"opened_at": ["2025-01-01"], "severity": [1.0]})
    assert bare.isna().all()


def test_meetings_by_hand(look) -> None:
    contacts = {
        "opened_at": ["2025-03-01 10:00", "2025-03-02 10:00", "2025-03-03 10:00", "2025-03-04", "2024-01-01"],
        "resolved_at": ["2025-03-01 12:00", "2025-03-02 11:00", "2025-03-03 12:00", None, None],
        "kind": ["meeting", "Meeting", "support", "meeting", "meeting"],
        "attended": [True, False, None, None, False],
    }
    usage = {"at": ["2025-03-01", "2025-03-02"], "user_id": ["u", "v"]}
    row = look(Meetings(hours=90), AS_OF, contacts=contacts, usage=usage)
    assert row["meetings_missed_share_180d"] == 0.5
    # two hours and one, over two people
    assert row["meeting_hours_per_user_90d"] == 1.5


def test_meetings_of_no_days_are_refused() -> None:
    with pytest.raises(FeatureError, match="hours=0 must be whole numbers of days"):
        Meetings(hours=0)


def test_promises_by_kind_by_hand(look) -> None:
    expectations = {
        "agreed_at": ["2025-01-01"] * 9,
        "due_at": ["2025-02-01"] * 8 + [None],
        "met_at": ["2025-03-02", None, None, None, None, "2025-01-20", None, None, None],
        "closed_at": [None, None, "2025-02-10", "2025-02-10", None, None, "2025-01-15", None, None],
        "outcome": ["met", None, "missed", "cancelled", None, "met", "cancelled", None, None],
        "kind": [
            None,
            "sales_promise",
            "Sales_Promise",
            "sales_promise",
            "action_item",
            "milestone",
            "milestone",
            "milestone",
            "action_item",
        ],
    }
    accounts = {"started_at": ["2025-01-01"]}
    row = look(PromiseKinds(), AS_OF, expectations=expectations, accounts=accounts)
    # overdue, and missed; the one taken back is no promise any more
    assert row["sales_promises_unmet"] == 2
    assert row["action_items_overdue"] == 1
    # what names no kind is a goal, met on 2 March, 60 days after the start
    assert row["days_to_first_goal_met"] == 60
    # one of two; the third was taken back
    assert row["milestones_done_share"] == 0.5


def test_terms_by_hand(look) -> None:
    contracts = {
        "start_at": ["2025-01-01", "2024-06-01", "2024-01-01"],
        "end_at": [None, None, "2024-12-31"],
        "planned_end": ["2025-12-31", "2025-03-22", "2024-12-31"],
        "notice_at": ["2025-09-30", "2024-12-31", None],
        "auto_renews": [True, False, True],
        "mrr": [80.0, 60.0, 10.0],
        "list_price": [100.0, 100.0, 10.0],
    }
    row = look(ContractTerms(), AS_OF, subscriptions=contracts)
    assert row["term_days"] == 364
    assert row["days_to_notice"] == 182
    assert row["auto_renews"] == 0.5
    assert row["days_past_planned_end"] == 10
    # 140 of 200
    assert row["discount"] == pytest.approx(0.3)
    # all days of notice have passed: the last one, 1 day before
    assert look(ContractTerms(), "2025-10-01", subscriptions=contracts)["days_to_notice"] == -1
    assert math.isnan(
        look(ContractTerms(), AS_OF, subscriptions=contracts | {"list_price": [9.0, None, 9.0]})["discount"]
    )


PULSE = Feature("csm_pulse", "advocacy", "points", "The CSM gives {value}", -1)


def test_measures_by_hand(look) -> None:
    measures = {
        "at": ["2024-12-20", "2025-01-01", "2025-03-12 10:00", "2025-03-12 10:00", "2025-03-20", "2025-04-01"],
        "name": ["csm_pulse", "CSM Pulse", "csm-pulse", "csm_pulse", "roi", "csm_pulse"],
        "value": [1.0, 5.0, 2.0, 3.0, 9.0, 0.0],
    }
    row = look(Measures((PULSE,)), AS_OF, measures=measures)
    # two judged at once: (2 + 3) / 2; the value of today is not known yet
    assert row["csm_pulse_last"] == 2.5
    # more than 90 days ago, on 20 December, it was 1; the 5 of 1 January is 90 days old and lies within
    assert row["csm_pulse_change_90d"] == 1.5
    assert row["days_since_csm_pulse"] == 20
    assert [f.direction for f in Measures((PULSE,)).features] == [-1, -1, 0]
    assert Measures((PULSE,)).features[0].describe(2.5, 4) == "The CSM gives 2.5; typical is 4."


@pytest.mark.parametrize("when", [{"at": ["2025-04-01"]}, {"at": ["2025-03-01"], "known_at": ["2025-04-01"]}])
def test_a_judgement_dated_or_known_later_never_counts(look, when) -> None:
    early = {"at": ["2025-01-05"], "name": ["csm_pulse"], "value": [4.0]}
    late = {name: [*early.get(name, [None]), *when.get(name, [])] for name in ("at", *when)}
    measures = early | late | {"name": ["csm_pulse"] * 2, "value": [4.0, 1.0]}
    assert look(Measures((PULSE,)), AS_OF, measures=measures)["csm_pulse_last"] == 4
    assert look(Measures((PULSE,)), "2025-04-02", measures=measures)["csm_pulse_last"] == 1


@pytest.mark.parametrize(
    ("names", "match"),
    [
        (("CSM pulse",), r"names \['CSM pulse'\] must be small letters"),
        (("roi", "roi"), r"names \['roi', 'roi'\] must be .*given once each"),
    ],
)
def test_names_of_measures_are_checked(names, match) -> None:
    with pytest.raises(FeatureError, match=match):
        Measures(tuple(Feature(name, "advocacy", "points", "{value}") for name in names))


def test_families_join_where_what_they_read_is_there() -> None:
    tables = random_tables(3)
    known = {name: tables[name] for name in ("accounts", "usage", "advocacy")}
    base = len(default_builders())
    assert base + len(further_builders()) == len(all_builders())

    asked = ["Season"]

    def joined(**more: pd.DataFrame) -> list[str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [
                type(one).__name__ for one in default_builders(CustomerData({**known, **more}, end="2026-01-01"))[base:]
            ]

    contacts = tables["contacts"]
    optional = ["team", "severity", "cause", "due_at", "person_id", "attended"]
    assert joined(contacts=contacts.drop(columns=optional)) == ["OwnLife", *asked]
    assert joined(contacts=contacts.drop(columns=optional[1:])) == ["Handovers", "OwnLife", *asked]
    assert joined(contacts=contacts.assign(team=None).drop(columns=optional[2:])) == ["SupportCases", "OwnLife", *asked]
    # surveys that name who answered are nothing new by themselves
    assert joined(surveys=tables["surveys"]) == ["OwnLife", *asked]
    assert joined(surveys=tables["surveys"], people=tables["people"]) == ["People", "Voices", "OwnLife", *asked]
    assert joined(invoices=tables["invoices"]) == ["Invoices", "OwnLife", *asked]
    # where ends of contracts are recorded, silence is not what tells who left
    plain = tables["subscriptions"][["account_id", "start_at", "end_at"]]
    assert joined(subscriptions=plain) == []
    assert joined(subscriptions=plain.assign(end_at=pd.NaT)) == ["OwnLife", *asked]


WORSE = {
    "sponsor_silent_days",
    "champion_left_180d",
    "overdue_amount",
    "overdue_days",
    "days_late_mean_365d",
    "disputed_open",
    "invoices_disputed_365d",
    "handovers_365d",
    "asked_after_handover_90d",
    "open_severe",
    "defects_90d",
    "outages_90d",
    "sla_missed_share_90d",
    "meetings_missed_share_180d",
    "sales_promises_unmet",
    "action_items_overdue",
    "days_to_first_goal_met",
    "days_past_planned_end",
    "use_gap_ever",
    "use_gap_last",
    "silence_to_longest_gap",
    "silence_in_deviations",
    "group_left_365d",
}
UNSTATED = {"questions_90d", "handover_gap_days_365d", "term_days", "days_to_notice", "discount"}
UNSTATED |= {"use_gap_deviation", "use_gap_longest", "days_to_year_end", "days_from_new_year", "group_customers"}


def test_directions_are_those_of_the_articles() -> None:
    found = {one.name: one.direction for family in further_builders() for one in family.features}
    assert {name for name, direction in found.items() if direction == 1} == WORSE
    assert {name for name, direction in found.items() if direction == 0} == UNSTATED


def left(n: int = 12, **more: object) -> CustomerData:
    ids = [f"a{number}" for number in range(n)]
    reasons = ["price", "merger", None] * (n // 3)
    accounts = {
        "account_id": ids,
        "started_at": "2024-01-01",
        "ended_reason": reasons,
        "segment": ["s", "t"] * (n // 2),
    }
    usage = pd.DataFrame({"account_id": ids, "at": "2025-01-01"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CustomerData({"accounts": pd.DataFrame(accounts | more), "usage": usage}, end="2025-06-01")


def test_an_attribute_that_says_why_they_left_is_no_feature_under_any_name() -> None:
    # in other words, and with a word for those who stayed
    data = left(why_gone=["Cost", "M&A", "active"] * 4, size=["big", "small", "big", "small"] * 3)
    with pytest.warns(DataWarning, match=r"CSD333 table=accounts column=why_gone count=1"):
        found = attributes_of(data)
    assert found == ("segment", "industry", "region", "size")
    today = Snapshots.at(data, "2025-06-01")
    with pytest.raises(FeatureError, match=r"attributes \['why_gone'\] say the same of each account as ended_reason"):
        build_features(data, today, [AccountContext(("why_gone",))])
    # three that left may agree by chance
    few = left(6, why_gone=["Cost", "M&A", "active"] * 2)
    assert "why_gone" in attributes_of(few)


def test_groups_by_hand(look):
    """Of four accounts of a holding one left on 1 February, and one is still to come."""
    accounts = {"account_id": list("abcdx"), "parent_id": ["h", "h", "a", "h", None]}
    contracts = {
        "account_id": list("abcdx"),
        "start_at": ["2024-01-01", "2024-01-01", "2024-01-01", "2025-06-01", "2024-01-01"],
        "end_at": [None, "2025-02-01", None, None, None],
    }
    row = look(AccountGroup(), AS_OF, accounts=accounts, subscriptions=contracts)
    assert row[["group_customers", "group_left_365d"]].tolist() == [1, 1]
    assert look(AccountGroup(), "2025-02-01", accounts=accounts, subscriptions=contracts)["group_customers"] == 2
    assert look(AccountGroup(), AS_OF, "x", accounts=accounts, subscriptions=contracts).isna().all()


def test_an_attribute_that_speaks_of_leaving_is_no_feature_unless_it_is_named() -> None:
    usage = pd.DataFrame({"account_id": ["a", "b"], "at": ["2025-01-01", "2025-02-01"], "feature": "x"})
    accounts = pd.DataFrame({"account_id": ["a", "b"], "tier": ["x", "y"], "churn_flag": [True, False]})
    data = CustomerData({"usage": usage, "accounts": accounts}, end="2025-06-01")
    with pytest.warns(DataWarning, match=r"CSD334 table=accounts column=churn_flag count=1: 1 attribute speaks by its"):
        names = attributes_of(data)
    assert "tier" in names
    assert "churn_flag" not in names
    history = pd.DataFrame({"account_id": ["a"], "at": ["2025-01-05"], "name": ["churn_flag"], "value": ["no"]})
    told = CustomerData({"usage": usage, "accounts": accounts, "attributes": history}, end="2025-06-01")
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        assert "churn_flag" in attributes_of(told)
