"""ContactEffort by hand: account a is seen on 2025-04-01."""

from __future__ import annotations

import math

import pytest

from csrisk.features import ContactEffort

AS_OF = "2025-04-01"
# number  opened (age)       what happens
# 0       2025-02-10 (50)    case A, closed 2025-02-12 12:00 after 60 hours, by x, handed on twice, asked again once
# 1       2025-03-02 (30)    case A again, closed 2025-03-03 00:00 after 24 hours, by y, opened again
# 2       2025-03-20 (12)    no case, open
# 3       2025-03-25 (7)     no case, 5 days after number 2; closed on the day of the snapshot, which is not known
# 4       2025-03-28 (4)     meeting called by the vendor, with nothing to show
# 5       2025-01-10 (81)    meeting called by the customer, with an agenda; closed 2025-01-10 12:00 after 12 hours by x
# 6       2024-11-01 (151)   billing, by phone, long before; closed in December
CONTACTS = {
    "opened_at": [
        "2025-02-10",
        "2025-03-02",
        "2025-03-20",
        "2025-03-25",
        "2025-03-28",
        "2025-01-10",
        "2024-11-01",
    ],
    "resolved_at": ["2025-02-12 12:00", "2025-03-03", None, AS_OF, None, "2025-01-10 12:00", "2024-12-01"],
    "case_id": ["A", "A", None, None, None, None, "B"],
    "channel": ["email", "email", "Email", "chat", "call", "call", "phone"],
    "kind": ["support", "support", "support", "support", "Meeting", "meeting", "billing"],
    "initiated_by": ["customer", "customer", "customer", "customer", "vendor", "customer", "customer"],
    "handler": ["x", "y", "z", "z", "z", "x", "w"],
    "transfers": [2, 0, 9, 9, None, 0, 1],
    "reopened": [False, True, None, None, None, None, False],
    "information_requests": [1, 0, 9, 9, None, 0, 0],
    "self_service_first": [True, False, True, None, None, False, False],
    "has_agenda_or_outcome": [None, None, None, None, False, True, None],
    "stage": ["support", "support", "use", "use", "renew", "renew", "Purchase"],
}
USE = {"at": ["2025-03-01", "2025-03-02"], "user_id": ["u", "v"]}


@pytest.fixture(scope="module")
def row(look):
    return look(ContactEffort(), AS_OF, contacts=CONTACTS, usage=USE, accounts={"started_at": ["2024-01-01"]})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("contacts_30d", 4),  # numbers 1 to 4
        ("contacts_90d", 6),
        ("contacts_per_day_90d", 6 / 90),  # a customer since January 2024, and recorded since November
        ("contacts_per_user_90d", 6 / 2),
        # 4 in 30 days; number 0 alone in the 30 before; both over 30 recorded days
        ("contacts_trend_30d", (4 - 1) / (4 + 1)),
        ("reactive_share_90d", 5 / 6),
        ("proactive_contacts_90d", 1),
        # stated for numbers 0, 1, 2 and 5: true for 0 and 2
        ("self_service_first_share_90d", 2 / 4),
        ("meetings_without_outcome_share_90d", 1 / 2),
        ("channels_90d", 3),  # email, chat, call: writing does not matter
        ("open_contacts", 3),  # numbers 2, 3 and 4
        ("oldest_open_days", 12),
        ("days_since_contact", 4),
        # not by the vendor: 0, 1, 2, 3, 5. Number 1 is of the case of 0; 3 follows 2 within 5 days
        ("repeat_contact_share_90d", 2 / 5),
        ("repeat_14_contact_share_90d", 2 / 5),
        ("contacts_per_case_90d", 2 / 1),
        # closed in 90 days: numbers 0, 1 and 5
        ("transfers_90d", 2),
        ("transfers_per_contact_90d", 2 / 3),
        ("handlers_90d", 2),  # x and y; z has nothing closed
        ("reopened_share_90d", 1 / 2),  # stated for 0 and 1
        ("information_requests_90d", 1),
        ("hours_to_resolve_90d", (60 + 24 + 12) / 3),
        ("contacts_evaluate_180d", 0),
        ("contacts_purchase_180d", 1),
        ("contacts_implement_180d", 0),
        ("contacts_learn_180d", 0),
        ("contacts_use_180d", 2),
        ("contacts_support_180d", 2),
        ("contacts_renew_180d", 1),  # the vendor's own does not count
    ],
)
def test_by_hand(row, name, value):
    assert row[name] == pytest.approx(value, rel=1e-12)


def test_every_feature_is_computed_by_hand(row):
    cases = next(mark.args[1] for mark in test_by_hand.pytestmark if mark.name == "parametrize")
    assert sorted(name for name, _ in cases) == sorted(row.index)


def test_closing_is_known_the_day_after(look):
    row = look(ContactEffort(), "2025-04-02", contacts=CONTACTS)
    assert row["open_contacts"] == 2
    assert row["transfers_90d"] == 2 + 9
    assert row["handlers_90d"] == 3


def test_a_window_of_14_days_finds_more_repeats(look):
    contacts = {"opened_at": ["2025-03-01", "2025-03-12"]}
    row = look(ContactEffort(), AS_OF, contacts=contacts)
    assert row["repeat_contact_share_90d"] == 0
    assert row["repeat_14_contact_share_90d"] == 1 / 2


def test_other_case_is_no_repeat(look):
    contacts = {"opened_at": ["2025-03-01", "2025-03-02"], "case_id": ["A", "B"]}
    assert look(ContactEffort(), AS_OF, contacts=contacts)["repeat_contact_share_90d"] == 0


def test_repeat_is_known_when_both_contacts_are(look):
    contacts = {"opened_at": ["2025-03-01", "2025-03-04"], "known_at": ["2025-04-05", None]}
    assert look(ContactEffort(), "2025-04-05", contacts=contacts)["repeat_contact_share_90d"] == 0
    assert look(ContactEffort(), "2025-04-06", contacts=contacts)["repeat_contact_share_90d"] == 1 / 2


def test_at_the_same_second_nobody_repeats(look):
    contacts = {"opened_at": ["2025-03-01", "2025-03-01"], "case_id": ["A", "A"]}
    assert look(ContactEffort(), AS_OF, contacts=contacts)["repeat_contact_share_90d"] == 0


def test_without_resolution_times_counts_wait_for_known_at(look):
    contacts = {"opened_at": ["2025-03-01", "2025-03-02"], "known_at": ["2025-03-05", None], "transfers": [3, 5]}
    row = look(ContactEffort(), AS_OF, contacts=contacts)
    assert row["transfers_90d"] == 3
    assert math.isnan(row["open_contacts"])


def test_account_without_contacts(look):
    accounts = {"account_id": ["a", "b"]}
    contacts = {"account_id": ["b"], "opened_at": ["2025-03-01"]}
    row = look(ContactEffort(), AS_OF, contacts=contacts, accounts=accounts)
    assert row["contacts_90d"] == 0
    assert math.isnan(row["reactive_share_90d"])
    assert math.isnan(row["days_since_contact"])


def test_without_contacts_nothing_is_known(look):
    assert look(ContactEffort(), AS_OF, usage=USE).isna().all()
