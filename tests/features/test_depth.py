"""UsageDepth by hand.

The book: account a begins on 2025-01-01 and is seen on 2025-04-01, day 90 of its tenure (31 + 28 + 31 = 90).
"""

from __future__ import annotations

import math

import pytest

from csrisk.exceptions import FeatureError
from csrisk.features import UsageDepth

AS_OF = "2025-04-01"
START = {"started_at": ["2025-01-01"]}
# ages 90 (1 January), 61, 45, 20, 20, 5, 1 (31 March)
USE = {
    "at": [
        "2025-01-01 08:00",
        "2025-01-30",
        "2025-02-15",
        "2025-03-12 01:00",
        "2025-03-12 23:00",
        "2025-03-27",
        "2025-03-31 23:59",
    ],
    "user_id": ["u", "v", "u", "u", "v", "u", "u"],
    "quantity": [1, 2, 3, 4, 5, 6, 7],
    "value": [10.0, 10.0, 10.0, 10.0, -5.0, 10.0, 2.5],
}
SEATS = {"start_at": ["2025-01-01"], "seats": [4]}


@pytest.fixture(scope="module")
def row(look):
    return look(UsageDepth(), AS_OF, accounts=START, usage=USE, subscriptions=SEATS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # ages up to 7: 5 and 1; up to 30: also 20 twice; up to 90: all seven, and so up to 180
        ("events_7d", 2),
        ("events_30d", 4),
        ("events_90d", 7),
        ("events_180d", 7),
        # two uses share the day of age 20
        ("active_days_7d", 2),
        ("active_days_30d", 3),
        ("active_days_90d", 6),
        ("active_days_180d", 6),
        ("active_users_7d", 1),
        ("active_users_30d", 2),
        ("active_users_90d", 2),
        ("active_users_180d", 2),
        ("quantity_7d", 6 + 7),
        ("quantity_30d", 4 + 5 + 6 + 7),
        ("quantity_90d", 28),
        ("quantity_180d", 28),
        ("spend_7d", 10 + 2.5),
        ("spend_30d", 10 - 5 + 10 + 2.5),
        ("spend_90d", 47.5),
        ("spend_180d", 47.5),
        ("days_since_use", 1),
        ("decayed_events_30d", sum(2 ** (-age / 30) for age in (90, 61, 45, 20, 20, 5, 1))),
        # tenure 90, so the exposure of 90 days is 90
        ("events_per_day_90d", 7 / 90),
        ("events_per_active_day_90d", 7 / 6),
        ("active_day_share_90d", 6 / 90),
        # from age 90 to age 1 over six days of use: five gaps
        ("use_gap_180d", (90 - 1) / 5),
        ("overdue_ratio_180d", 1 / (89 / 5)),
        # 4 uses in 30 days, 1 (age 45) in the 30 before
        ("events_trend_30d", (4 / 30 - 1 / 30) / (5 / 30)),
        # people: u and v, before u alone
        ("active_users_trend_30d", (2 - 1) / (2 + 1)),
        # 4, 1 and 2 (ages 61 and 90) uses in three times 30 days
        ("events_acceleration_30d", (4 - 2 * 1 + 2) / (4 + 1 + 2)),
        # ages up to 84: 61 + 45 + 20 + 20 + 5 + 1 = 152 over 6 uses
        ("events_slope_84d", 7 * 12 * ((84 + 1) / 2 - 152 / 6) / (84**2 - 1)),
        ("days_to_first_use", 0),
        # user-days of 30 days: u on ages 20, 5, 1 and v on 20; two people; 30 days
        ("stickiness_30d", 4 / (2 * 30)),
        ("events_per_user_30d", 4 / 2),
        ("seat_utilisation_30d", 2 / 4),
        # u began at the start of the records, 90 days ago; v 61 days ago
        ("new_users_30d", 0),
        # of u (45, 90) and v (61), both came back within 30 days
        ("lost_users_30d", 0),
        ("user_retention_30d", 1),
        ("top_user_share_90d", 5 / 7),
        ("top_user_silent_days_180d", 1),
    ],
)
def test_by_hand(row, name, value):
    # sums of floats are kept in fixed point, so that threads cannot change them: ten digits hold
    assert row[name] == pytest.approx(value, rel=1e-10)


def test_every_feature_is_computed_by_hand(row):
    cases = next(mark.args[1] for mark in test_by_hand.pytestmark if mark.name == "parametrize")
    assert sorted(name for name, _ in cases) == sorted(row.index)


def test_midnight_of_the_snapshot_has_not_happened(look):
    row = look(UsageDepth(), AS_OF, usage={"at": ["2025-03-01", AS_OF]})
    assert row["events_30d"] == 0
    assert row["events_90d"] == 1


def test_a_row_known_late_counts_from_then(look):
    use = {"at": ["2025-03-01", "2025-03-20"], "known_at": [None, "2025-04-01 09:00"]}
    assert look(UsageDepth(), "2025-04-01", usage=use)["events_90d"] == 1
    assert look(UsageDepth(), "2025-04-02", usage=use)["events_90d"] == 2
    assert look(UsageDepth(), "2025-04-02", usage=use)["days_since_use"] == 13


def test_one_day_known_in_two_parts_is_one_day(look):
    use = {"at": ["2025-03-20 08:00", "2025-03-20 09:00"], "known_at": [None, "2025-03-25"], "user_id": ["u", "u"]}
    row = look(UsageDepth(), AS_OF, usage=use)
    assert (row["events_30d"], row["active_days_30d"], row["stickiness_30d"]) == (2, 1, pytest.approx(1 / 12))


def test_new_account_is_measured_by_its_real_exposure(look):
    # ten days a customer, five uses: half a use a day; the records are older than the account
    use = {"account_id": ["b", *"aaaaa"], "at": ["2024-06-01", *(f"2025-03-{day}" for day in (22, 24, 26, 28, 30))]}
    accounts = {"account_id": ["a"], "started_at": ["2025-03-22"]}
    row = look(UsageDepth(), AS_OF, usage=use, accounts=accounts)
    assert row["events_90d"] == 5
    assert row["events_per_day_90d"] == pytest.approx(0.5)
    assert math.isnan(row["events_trend_30d"])
    assert math.isnan(row["events_slope_84d"])


def test_silent_account_counts_zero_and_never_used_has_no_recency(look):
    use = {"account_id": ["a", "b"], "at": ["2024-01-01", "2025-03-01"]}
    accounts = {"account_id": ["a", "b", "c"]}
    row = look(UsageDepth(), AS_OF, usage=use, accounts=accounts)
    assert row["events_180d"] == 0
    assert row["days_since_use"] == 456  # 366 days of 2024 and 90 of 2025
    never = look(UsageDepth(), AS_OF, "c", usage=use, accounts=accounts)
    assert never["events_180d"] == 0
    assert math.isnan(never["days_since_use"])


def test_lost_people(look):
    # u: ages 60 and 40; v: age 50 and 10; w: age 20 only, first seen 20 days ago
    use = {
        "at": ["2024-12-01", "2025-01-31", "2025-02-20", "2025-02-10", "2025-03-22", "2025-03-12"],
        "user_id": ["v", "u", "u", "v", "v", "w"],
    }
    row = look(UsageDepth(), AS_OF, usage=use)
    assert row["lost_users_30d"] == 1
    assert row["user_retention_30d"] == 0.5
    assert row["new_users_30d"] == 1
    # v has three uses in 180 days and was last seen 10 days ago
    assert row["top_user_silent_days_180d"] == 10


def test_without_usage_nothing_is_known(look):
    row = look(UsageDepth(), AS_OF, subscriptions=SEATS, contacts={"opened_at": ["2025-01-05"]})
    assert row.isna().all()


def test_before_the_first_use_of_the_book_nothing_is_known(look):
    contacts = {"opened_at": ["2025-01-05"]}
    row = look(UsageDepth(), AS_OF, usage={"at": ["2025-05-01"]}, contacts=contacts)
    assert row.isna().all()


def test_without_users_only_users_are_unknown(look):
    row = look(UsageDepth(), AS_OF, usage={"at": ["2025-03-30"]})
    assert row["events_7d"] == 1
    assert math.isnan(row["active_users_7d"])
    assert math.isnan(row["quantity_7d"])
    assert math.isnan(row["spend_7d"])


@pytest.mark.parametrize("windows", [(), (0,), (-3,), (7.5,), (True,)])
def test_impossible_windows_are_refused(windows):
    with pytest.raises(FeatureError, match=r"UsageDepth: windows=.* must be whole numbers of days, at least 1"):
        UsageDepth(windows=windows)


def test_windows_of_many_years_are_refused():
    with pytest.raises(FeatureError, match=r"UsageDepth: windows=\(5000,\) must be shorter than 4096 days"):
        UsageDepth(windows=(5000,))
