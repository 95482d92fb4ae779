"""Which way each feature of effort and sentiment points, written down by hand, and the edges of their windows."""

from __future__ import annotations

import pytest

from csrisk.features import ContactEffort, SurveySentiment

# a higher value is worse for the customer, so that it may raise the risk
WORSE = [
    "contacts_per_user_90d",
    "contacts_trend_30d",
    "reactive_share_90d",
    "meetings_without_outcome_share_90d",
    "channels_90d",
    "open_contacts",
    "oldest_open_days",
    "repeat_contact_share_90d",
    "repeat_14_contact_share_90d",
    "contacts_per_case_90d",
    "transfers_90d",
    "transfers_per_contact_90d",
    "handlers_90d",
    "reopened_share_90d",
    "information_requests_90d",
    "hours_to_resolve_90d",
    "contacts_evaluate_180d",
    "contacts_purchase_180d",
    "contacts_implement_180d",
    "contacts_learn_180d",
    "contacts_use_180d",
    "contacts_support_180d",
    "contacts_renew_180d",
    "detractor_share_365d",
    "days_since_survey",
    "hours_to_acknowledge_90d",
    "days_to_act_90d",
    "hours_to_acknowledge_180d",
    "days_to_act_180d",
    "hours_to_acknowledge_365d",
    "days_to_act_365d",
    "unanswered_in_a_row",
    "oldest_open_loop_days",
]
BETTER = [
    "proactive_contacts_90d",
    "nps_last",
    "nps_mean_365d",
    "nps_change_365d",
    "csat_last",
    "csat_mean_365d",
    "csat_change_365d",
    "ces_last",
    "ces_mean_365d",
    "ces_change_365d",
    "promoter_share_365d",
    "comment_polarity_last",
    "comment_polarity_365d",
    "survey_response_rate_90d",
    "loops_acknowledged_share_90d",
    "loops_closed_share_90d",
    "survey_response_rate_180d",
    "loops_acknowledged_share_180d",
    "loops_closed_share_180d",
    "survey_response_rate_365d",
    "loops_acknowledged_share_365d",
    "loops_closed_share_365d",
]
# much contact is a sign of effort and of interest alike; so are surveys sent
NEITHER = [
    "contacts_30d",
    "contacts_90d",
    "contacts_per_day_90d",
    "self_service_first_share_90d",
    "days_since_contact",
    "surveys_sent_90d",
    "surveys_sent_180d",
    "surveys_sent_365d",
]


@pytest.mark.parametrize("builder", [ContactEffort(), SurveySentiment()], ids=lambda builder: type(builder).__name__)
def test_each_feature_points_the_way_that_it_should(builder: ContactEffort | SurveySentiment) -> None:
    expected = {name: sign for names, sign in ((WORSE, 1), (BETTER, -1), (NEITHER, 0)) for name in names}
    found = {feature.name: feature.direction for feature in builder.features}
    assert found == {name: expected.get(name) for name in found}


@pytest.mark.parametrize(
    ("days", "repeats"),
    [((20, 13), (1, 1)), ((20, 12), (0, 1)), ((20, 6), (0, 1)), ((20, 5), (0, 0))],
)
def test_the_edges_of_a_repeat(look, days: tuple[int, int], repeats: tuple[int, int]) -> None:
    """Of two contacts one is a repeat within 7 days (.5), within 14 days, or never; seven days after still is one."""
    contacts = {
        "opened_at": [f"2025-03-{31 - age:02d}" for age in days],
        "resolved_at": [None, None],
        "initiated_by": ["customer", "customer"],
    }
    row = look(ContactEffort(), "2025-04-01", contacts=contacts)
    found = row["repeat_contact_share_90d"], row["repeat_14_contact_share_90d"]
    assert found == tuple(n / 2 for n in repeats)


@pytest.mark.parametrize(("age", "first", "second"), [(1, 1, 0), (30, 1, 0), (31, 0, 1), (60, 0, 1), (61, 0, 0)])
def test_the_edges_of_the_thirds(look, age: int, first: int, second: int) -> None:
    """A day may be 1 to 30 days back or 31 to 60; two contacts of the day before are in the first third as well."""
    import pandas as pd

    day = pd.Timestamp("2025-07-01") - pd.Timedelta(days=age)
    begun = [f"{day:%Y-%m-%d}", "2025-06-30", "2025-06-30", "2024-01-01"]
    contacts = {"opened_at": begun, "resolved_at": begun, "initiated_by": ["customer"] * 4}
    row = look(ContactEffort(), "2025-07-01", contacts=contacts, accounts={"started_at": ["2023-01-01"]})
    one, two = 2 + first, second
    assert row["contacts_trend_30d"] == pytest.approx((one - two) / (one + two))
    assert row["contacts_30d"] == one


def test_the_windows_by_default() -> None:
    assert (ContactEffort().windows, ContactEffort().window) == ((30, 90), 90)
    assert (ContactEffort().repeat_days, ContactEffort().stage_window) == ((7, 14), 180)
    assert (SurveySentiment().window, SurveySentiment().loop_windows) == (365, (90, 180, 365))
    assert SurveySentiment().patience == 14
