"""FeatureBreadth by hand: account a is seen on 2025-04-01."""

from __future__ import annotations

import math

import pytest

from csrisk.features import FeatureBreadth

AS_OF = "2025-04-01"
# a: f at ages 90, 40, 10, 5; g at ages 40 and 35; h at age 2; b used k long ago
USE = {
    "account_id": [*"aaaaaaa", "b"],
    "at": [
        "2025-01-01",
        "2025-02-20",
        "2025-03-22",
        "2025-03-27",
        "2025-02-20",
        "2025-02-25",
        "2025-03-30",
        "2024-06-01",
    ],
    "feature": ["f", "f", "f", "f", "g", "g", "h", "k"],
    "product": ["p", "p", "p", "p", "p", "q", "p", "r"],
}


@pytest.fixture(scope="module")
def row(look):
    return look(FeatureBreadth(), AS_OF, usage=USE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("features_used_30d", 2),
        ("features_used_90d", 3),
        # f, g, h and k are known in the book, and there is no catalogue
        ("feature_share_30d", 2 / 4),
        ("feature_share_90d", 3 / 4),
        # 30 days: f twice, h once
        ("effective_features_30d", math.exp(-(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3)))),
        # 90 days: f 4, g 2, h 1 of 7
        ("effective_features_90d", math.exp(-sum(p * math.log(p) for p in (4 / 7, 2 / 7, 1 / 7)))),
        ("top_feature_share_30d", 2 / 3),
        ("top_feature_share_90d", 4 / 7),
        # first uses: f 90, g 40, h 2 days ago
        ("features_adopted_30d", 1),
        ("features_adopted_90d", 3),
        ("products_used_30d", 1),
        ("products_used_90d", 2),
        # g was used 40 and 35 days ago, and not since
        ("features_dropped_30d", 1),
        ("features_ever", 3),
        # p, q and r are known; p and q were touched
        ("products_untouched_90d", 1),
    ],
)
def test_by_hand(row, name, value):
    # sums of floats are kept in fixed point, so that threads cannot change them: ten digits hold
    assert row[name] == pytest.approx(value, rel=1e-10)


def test_every_feature_is_computed_by_hand(row):
    cases = next(mark.args[1] for mark in test_by_hand.pytestmark if mark.name == "parametrize")
    assert sorted(name for name, _ in cases) == sorted(row.index)


def test_catalogue_counts_what_the_plan_offers(look):
    catalogue = {"feature": ["f", "g", "h", "i", "j"], "plan": [None, "basic", "pro", "pro", "pro"]}
    basic = {"start_at": ["2025-01-01"], "plan": ["basic"]}
    tables = {"usage": {"at": ["2025-03-30"], "feature": ["f"]}, "features": catalogue}
    # basic offers f and g
    assert look(FeatureBreadth(), AS_OF, subscriptions=basic, **tables)["feature_share_30d"] == 1 / 2
    # where the plan is unknown, everything counts
    assert look(FeatureBreadth(), AS_OF, **tables)["feature_share_30d"] == 1 / 5


def test_catalogue_of_today_lists_what_did_not_exist_then(look):
    # f always was; g came the day before, i on the day of the snapshot, g in another plan later
    catalogue = {
        "feature": ["f", "g", "i", "g"],
        "plan": [None, None, None, "pro"],
        "known_at": [None, "2025-03-31", AS_OF, "2025-05-01"],
    }
    use = {"at": ["2025-03-30"], "feature": ["f"]}
    assert look(FeatureBreadth(), "2025-03-31", usage=use, features=catalogue)["feature_share_30d"] == 1
    assert look(FeatureBreadth(), AS_OF, usage=use, features=catalogue)["feature_share_30d"] == 1 / 2
    assert look(FeatureBreadth(), "2025-04-02", usage=use, features=catalogue)["feature_share_30d"] == 1 / 3


def test_share_never_passes_one(look):
    catalogue = {"feature": ["f"], "plan": [None]}
    use = {"at": ["2025-03-30", "2025-03-30"], "feature": ["f", "unlisted"]}
    assert look(FeatureBreadth(), AS_OF, usage=use, features=catalogue)["feature_share_30d"] == 1


def test_features_that_others_use_later_do_not_count(look):
    use = {"account_id": ["a", "b"], "at": ["2025-03-30", AS_OF], "feature": ["f", "g"]}
    assert look(FeatureBreadth(), AS_OF, usage=use)["feature_share_30d"] == 1
    assert look(FeatureBreadth(), "2025-04-02", usage=use)["feature_share_30d"] == 1 / 2


def test_start_of_the_records_is_no_adoption(look):
    use = {"at": ["2025-03-20"], "feature": ["f"]}
    old = {"started_at": ["2020-01-01"]}
    assert math.isnan(look(FeatureBreadth(), AS_OF, usage=use, accounts=old)["features_adopted_30d"])
    new = {"started_at": ["2025-03-20"]}
    assert look(FeatureBreadth(), AS_OF, usage=use, accounts=new)["features_adopted_30d"] == 1


def test_no_use_is_zero_features_and_unknown_evenness(look):
    use = {"account_id": ["a", "b"], "at": ["2024-01-01", "2025-01-01"], "feature": ["f", "f"]}
    row = look(FeatureBreadth(), AS_OF, usage=use)
    assert row["features_used_90d"] == 0
    assert row["features_ever"] == 1
    assert math.isnan(row["effective_features_90d"])
    assert math.isnan(row["top_feature_share_90d"])
    assert math.isnan(row["products_used_90d"])


def test_without_usage_nothing_is_known(look):
    assert look(FeatureBreadth(), AS_OF, contacts={"opened_at": ["2025-01-05"]}).isna().all()
