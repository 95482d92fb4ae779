"""Relationship, Advocacy, Expectations and AccountContext by hand: account a is seen on 2025-04-01."""

from __future__ import annotations

import math

import numpy as np
import pytest

from csrisk.exceptions import FeatureError
from csrisk.features import AccountContext, Advocacy, Expectations, Relationship

AS_OF = "2025-04-01"
# number  start        end                   renewal      MRR  seats  plan   product
# 0       2024-01-01   2025-02-01            2025-01-01   100  10     basic  core
# 1       2025-02-01   runs                  2026-02-01   150  12     pro    core
# 2       2025-03-01   runs                  2025-05-01    50  8      pro    extra
# 3       2024-06-01   on the snapshot day   2025-06-01    30  3      basic  help   (the end is not known yet)
CONTRACTS = {
    "start_at": ["2024-01-01", "2025-02-01", "2025-03-01", "2024-06-01"],
    "end_at": ["2025-02-01", None, None, AS_OF],
    "planned_end": ["2025-01-01", "2026-02-01", "2025-05-01", "2025-06-01"],
    "mrr": [100.0, 150.0, 50.0, 30.0],
    "seats": [10, 12, 8, 3],
    "plan": ["basic", "pro", "pro", "basic"],
    "product": ["core", "core", "extra", "help"],
}
MONEY = {
    "at": ["2025-01-31", "2025-02-28", "2024-03-31"],
    "revenue": [100.0, 150.0, 80.0],
    "cost_to_serve": [40, 60, 5],
}


@pytest.fixture(scope="module")
def contract(look):
    return look(Relationship(), AS_OF, subscriptions=CONTRACTS, finance=MONEY, accounts={"started_at": ["2023-12-31"]})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tenure_days", 457),  # 31 December 2023, 366 days of 2024, 90 of 2025
        ("days_to_renewal", 30),
        ("mrr", 150 + 50 + 30),
        # 90 days ago, on 1 January: numbers 0 and 3
        ("mrr_change_90d", (230 - 130) / 130),
        ("seats", 12 + 8 + 3),
        ("seats_change_90d", (23 - 13) / 13),
        ("product_count", 3),
        ("contracts_begun", 4),
        ("revenue_365d", 250),  # the March of last year is 366 days ago
        ("cost_to_serve_share_365d", 100 / 250),
        ("plan", "pro"),
    ],
)
def test_contract_by_hand(contract, name, value):
    assert contract[name] == (value if name == "plan" else pytest.approx(value, rel=1e-12))


def test_every_feature_of_the_contract_is_computed_by_hand(contract):
    cases = next(mark.args[1] for mark in test_contract_by_hand.pytestmark if mark.name == "parametrize")
    assert sorted(name for name, _ in cases) == sorted(contract.index)


@pytest.mark.parametrize(
    ("number", "gone"),
    [
        (0, {"mrr_change_90d", "seats_change_90d"}),  # ran 90 days ago and ended since
        (2, {"mrr", "seats", "mrr_change_90d", "seats_change_90d"}),
    ],
)
def test_a_sum_with_an_unknown_part_is_unknown(look, number, gone):
    holes = {name: list(CONTRACTS[name]) for name in ("mrr", "seats")}
    for values in holes.values():
        values[number] = None
    full = look(Relationship(), AS_OF, subscriptions=CONTRACTS)
    row = look(Relationship(), AS_OF, subscriptions=CONTRACTS | holes)
    assert {name for name in row.index if full[name] != row[name] and not math.isnan(full[name])} == gone
    assert row[list(gone)].isna().all()


def test_an_unknown_amount_of_the_future_does_not_matter(look):
    later = {name: [*values, None] for name, values in CONTRACTS.items()}
    later["start_at"][-1] = "2025-05-01"
    assert look(Relationship(), AS_OF, subscriptions=later)["mrr"] == 230


def test_bookings_with_an_unknown_part_are_unknown_and_none_is_not_zero(look):
    holes = MONEY | {"revenue": [100.0, None, 80.0]}
    row = look(Relationship(), AS_OF, finance=holes)
    assert math.isnan(row["revenue_365d"])
    assert math.isnan(row["cost_to_serve_share_365d"])
    # the unknown booking has left the window
    assert look(Relationship(), "2026-02-27", finance=MONEY | {"revenue": [None, 150.0, 80.0]})["revenue_365d"] == 150
    accounts = {"account_id": ["a", "b"]}
    assert math.isnan(look(Relationship(), AS_OF, "b", finance=MONEY, accounts=accounts)["revenue_365d"])
    assert look(Relationship(), "2027-04-01", finance=MONEY)["revenue_365d"] == 0


def test_end_is_known_the_day_after(look):
    row = look(Relationship(), "2025-04-02", subscriptions=CONTRACTS)
    assert row["mrr"] == 200
    assert row["product_count"] == 2


def test_after_the_last_contract_nothing_is_paid(look):
    over = {"start_at": ["2024-01-01"], "end_at": ["2025-01-01"], "mrr": [10.0], "product": ["core"]}
    row = look(Relationship(), AS_OF, subscriptions=over)
    assert math.isnan(row["mrr"])
    assert row["product_count"] == 0
    assert row["contracts_begun"] == 1


def test_plan_of_the_accounts_table_where_no_contract_says(look):
    assert look(Relationship(), AS_OF, accounts={"plan": ["team"]}, usage={"at": ["2025-01-01"]})["plan"] == "team"


def test_renewal_that_has_passed_is_negative(look):
    late = {"start_at": ["2024-01-01"], "planned_end": ["2025-03-25"]}
    assert look(Relationship(), AS_OF, subscriptions=late)["days_to_renewal"] == -7


@pytest.fixture(scope="module")
def acts(look):
    at = ["2024-03-01", "2024-06-01", "2025-01-01", "2025-03-30", "2025-03-31", AS_OF]
    kinds = ["reference", "Reference", "referral", "case study", "webinar", "review"]
    return look(Advocacy(), AS_OF, advocacy={"at": at, "kind": kinds})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # the first is 396 days ago, the last has not happened, and a webinar is of a kind that says nothing by itself
        ("advocacy_acts_365d", 3),
        ("references_365d", 1),
        ("referrals_365d", 1),
        ("reviews_365d", 0),
        ("case_studies_365d", 1),
        ("public_against_365d", 0),
        ("days_since_advocacy", 2),
    ],
)
def test_advocacy_by_hand(acts, name, value):
    assert acts[name] == value


@pytest.mark.parametrize(
    ("row", "sign"),
    [
        ({"kind": "review", "rating": 1}, -1),
        ({"kind": "review", "rating": 2}, -1),
        ({"kind": "review", "rating": 3}, 0),
        ({"kind": "review", "rating": 4}, 1),
        ({"kind": "review"}, 1),
        ({"kind": "Negative Review"}, -1),
        ({"kind": "complaint"}, -1),
        ({"kind": "legal_threat"}, -1),
        ({"kind": "webinar"}, 0),
        ({"kind": "webinar", "stance": "For"}, 1),
        ({"kind": "reference", "stance": "against"}, -1),
        ({"kind": "reference", "stance": "declined"}, 0),
        ({"rating": 1}, -1),
        ({"rating": 5}, 1),
        ({"stance": "against"}, -1),
        ({}, 0),
    ],
)
def test_an_act_of_advocacy_has_a_sign(look, row, sign):
    """A stance decides, without one the rating, without that the kind."""
    columns = {name: [value] for name, value in row.items()}
    found = look(Advocacy(), AS_OF, advocacy={"at": ["2025-01-01"], **columns})
    assert (found["advocacy_acts_365d"], found["public_against_365d"]) == (sign == 1, sign == -1)
    assert found.notna()["days_since_advocacy"] == (sign == 1)


# number  agreed       due          met                    outcome
# 0       2024-09-01   2024-12-01   2024-11-15             exceeded: in time
# 1       2024-10-01   2025-01-01   2025-01-10             met: late
# 2       2024-11-01   2025-02-01   never                  overdue for 59 days
# 3       2025-01-01   2025-03-31   on the snapshot day    overdue for 1 day, as far as is known
# 4       2025-02-01   2025-06-01   never                  not due yet
# 5       2023-01-01   2024-01-01   2024-01-01             long ago
PROMISES = {
    "agreed_at": ["2024-09-01", "2024-10-01", "2024-11-01", "2025-01-01", "2025-02-01", "2023-01-01"],
    "due_at": ["2024-12-01", "2025-01-01", "2025-02-01", "2025-03-31", "2025-06-01", "2024-01-01"],
    "met_at": ["2024-11-15", "2025-01-10", None, AS_OF, None, "2024-01-01"],
    "outcome": ["exceeded", "met", None, "exceeded", None, "met"],
}


@pytest.fixture(scope="module")
def promises(look):
    return look(Expectations(), AS_OF, expectations=PROMISES)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("expectations_open", 3),
        ("expectations_overdue", 2),
        ("expectations_overdue_days", 59),
        ("met_on_time_share_365d", 1 / 4),
        ("goals_met_365d", 2),
        ("exceeded_share_365d", 1 / 2),
    ],
)
def test_expectations_by_hand(promises, name, value):
    assert promises[name] == value


@pytest.mark.parametrize(
    ("outcome", "closed", "open_", "overdue", "share"),
    [
        (None, None, 1, 1, 0),
        ("cancelled", "2025-01-10", 0, 0, None),  # taken back before it was due: it never fell due
        ("cancelled", "2025-02-10", 0, 0, 0),  # taken back too late: it fell due and was not met
        ("Missed", "2025-01-10", 0, 0, 0),
        ("declined", AS_OF, 1, 1, 0),  # on the day of the snapshot it is not known yet
        ("superseded", None, 0, 0, 0),  # without a date it is known when the data end, which is this day
        ("met", None, 1, 1, 0),  # met without a date ends nothing
    ],
)
def test_an_outcome_ends_a_promise(look, outcome, closed, open_, overdue, share):
    rows = {"agreed_at": ["2025-01-01"], "due_at": ["2025-02-01"], "outcome": [outcome], "closed_at": [closed]}
    found = look(Expectations(), AS_OF, expectations=rows, end=AS_OF)
    assert (found["expectations_open"], found["expectations_overdue"]) == (open_, overdue)
    np.testing.assert_equal(found["met_on_time_share_365d"], np.nan if share is None else share)


def test_an_outcome_without_a_date_is_not_known_before_the_data_end(look):
    rows = {"agreed_at": ["2025-01-01"], "due_at": ["2025-02-01"], "outcome": ["cancelled"]}
    assert look(Expectations(), AS_OF, expectations=rows, end="2025-06-01")["expectations_overdue"] == 1


@pytest.mark.parametrize(("rows", "test"), [("acts", test_advocacy_by_hand), ("promises", test_expectations_by_hand)])
def test_every_feature_of_advocacy_is_computed_by_hand(request, rows, test):
    cases = next(mark.args[1] for mark in test.pytestmark if mark.name == "parametrize")
    assert sorted(name for name, _ in cases) == sorted(request.getfixturevalue(rows).index)


def test_context_is_what_the_accounts_table_says(look):
    accounts = {"segment": ["small"], "industry": [None], "region": ["north"], "seats_sold": [7], "vip": [True]}
    builder = AccountContext(("segment", "industry", "region", "seats_sold", "vip"))
    row = look(builder, AS_OF, accounts=accounts, usage={"at": ["2025-01-01"]})
    assert row["account_segment"] == "small"
    assert row["account_region"] == "north"
    assert row["account_seats_sold"] == 7
    assert row["account_vip"] == 1
    assert row.isna()["account_industry"]


def test_account_has_its_context_from_its_beginning_whenever_its_row_was_updated(look):
    accounts = {"segment": ["small"], "known_at": ["2025-05-01"], "started_at": ["2025-04-01"]}
    assert look(AccountContext(), AS_OF, accounts=accounts, usage={"at": ["2025-01-01"]}).isna().all()
    later = look(AccountContext(), "2025-04-02", accounts=accounts, usage={"at": ["2025-01-01"]})
    assert later["account_segment"] == "small"


def test_attribute_named_twice_is_refused():
    with pytest.raises(FeatureError, match="names one twice"):
        AccountContext(("segment", "segment"))


@pytest.mark.parametrize("family", [Relationship, Advocacy, Expectations])
def test_without_its_table_a_family_knows_nothing(look, family):
    row = look(family(), AS_OF, contacts={"opened_at": ["2025-01-05"]})
    assert row.isna().all()
