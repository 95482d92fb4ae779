"""monitor: hand-computed distances, planted drift found under its goal, labels, promises, staleness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import csrisk as cr
from csrisk.exceptions import ConfigError
from csrisk.monitoring import Alarms, TrainingFacts, drift_table, expected_performance, feed_ages, monitor
from csrisk.monitoring._distance import distance_table, holm

if TYPE_CHECKING:
    from csrisk.data import CustomerData

GOALS = {"logins": "footprint", "modules": "footprint", "transfers": "churn", "nps": "advocacy", "replies": "feedback"}


def book(date: str, n: int = 400, seed: int = 0, **changes: Any) -> pd.DataFrame:
    """Five features of four goals, a calibrated risk, and points that add up to it."""
    chance = np.random.default_rng([seed, pd.Timestamp(date).toordinal()])
    X = pd.DataFrame(chance.normal(size=(n, len(GOALS))), columns=list(GOALS))
    for name, change in changes.items():
        X[name] += change
    X["churn_probability"] = expit(-1.5 + X[list(GOALS)].sum(axis=1) / 2)
    for goal in dict.fromkeys(GOALS.values()):
        X[f"{goal}_points"] = 10 * X[[name for name, own in GOALS.items() if own == goal]].sum(axis=1)
    X["plan"] = chance.choice(["basic", "pro"], n)
    index = pd.MultiIndex.from_product([range(n), [pd.Timestamp(date)]], names=["account_id", "as_of"])
    return X.set_index(index)


def codes(found: cr.monitoring.Monitoring) -> list[str]:
    return [check.code for check in found.failed]


def test_distance_is_the_largest_difference_of_shares() -> None:
    """Below 2.5 lie 2 of 4 old and 0 of 4 new: one half. Missing counts as lowest: 3 of 4 against 0 of 4."""
    old = pd.DataFrame({"x": [1.0, 2, 3, 4], "gone": [np.nan, np.nan, np.nan, 1], "plan": list("aabb")})
    new = pd.DataFrame({"x": [3.0, 3, 4, 4], "gone": [1.0, 1, 1, 1], "plan": list("aaab")})
    table = distance_table(old, new, ["x", "gone", "plan"])
    assert table["distance"].tolist() == [0.5, 0.75, 0.25]


def test_holm_by_hand() -> None:
    """The smallest of three is held against three tests, the next against two, and never below the one before."""
    np.testing.assert_allclose(holm(np.array([0.02, 0.01, 0.5])), [0.04, 0.03, 0.5])


def test_a_calm_book_passes() -> None:
    found = monitor(
        book("2025-01-01"), book("2025-07-01"), goals=GOALS, training=TrainingFacts(trained_at="2025-01-01")
    )
    assert codes(found) == []
    assert [check.code for check in found.checks] == [f"CSM00{n}" for n in range(1, 9)]
    statuses = found.table()["status"]
    assert statuses[["CSM001", "CSM002", "CSM006", "CSM008"]].tolist() == ["passed"] * 4
    assert statuses[["CSM003", "CSM004", "CSM005", "CSM007"]].tolist() == ["not applicable"] * 4


@pytest.mark.parametrize(("feature", "goal"), GOALS.items())
def test_planted_drift_is_found_under_its_goal(feature: str, goal: str) -> None:
    found = monitor(book("2025-01-01"), book("2025-07-01", **{feature: 1.0}), goals=GOALS)
    assert codes(found) == ["CSM001", "CSM002"]
    assert found.checks[0].found == (feature,)
    assert found.goals.loc[goal, "furthest"] == feature
    assert found.goals.index[found.goals["drifts"]].tolist() == [goal]
    assert f"{goal} 1" in found.checks[0].measure
    assert found.goals.loc[goal, "points_now"] - found.goals.loc[goal, "points_before"] == pytest.approx(10, abs=2)


def test_what_drifts_as_usual_is_no_alarm() -> None:
    """A distance of .38 (one standard deviation) alarms unless as much is usual: .38 < 1.5 x .3."""
    usual = pd.Series({"logins": 0.3})
    old, new = book("2025-01-01"), book("2025-07-01", logins=1.0)
    table = drift_table(old, new, GOALS, usual=usual)
    assert 0.3 < table.loc["logins", "distance"] < 0.45
    assert not table.loc["logins", "drifts"]
    assert drift_table(old, new, GOALS).loc["logins", "drifts"]


def test_large_books_do_not_alarm_for_little() -> None:
    """With 20,000 accounts chance explains nothing, but a shift of .05 moves 2 % of the accounts."""
    found = monitor(book("2025-01-01", 20_000), book("2025-07-01", 20_000, logins=0.05), goals=GOALS)
    assert found.drift.loc["logins", "adjusted"] < 0.01
    assert "CSM001" not in codes(found)


def test_labels_that_arrive_show_calibration_and_performance() -> None:
    old, now = book("2025-01-01", 1500), book("2025-07-01", 1500)
    chance = np.random.default_rng(1)
    as_told = pd.Series(chance.random(1500) < old["churn_probability"].to_numpy(), index=old.index)
    twice = pd.Series(chance.random(1500) < np.minimum(1, 2 * old["churn_probability"].to_numpy()), index=old.index)
    history = pd.concat([old[["churn_probability"]], now])
    tested = cr.monitoring.expected_performance(old["churn_probability"]).rename(columns={"expected": "estimate"})
    calm = monitor(old, history, as_told, goals=GOALS, training=TrainingFacts(tested=tested))
    assert codes(calm) == []
    assert calm.performance.loc["auc", "realised"] == pytest.approx(tested.loc["auc", "estimate"], abs=0.04)
    alarm = monitor(old, history, twice, goals=GOALS, training=TrainingFacts(tested=tested))
    assert "CSM003" in codes(alarm)
    shuffled = pd.Series(chance.permutation(as_told.to_numpy()), index=old.index)
    assert "CSM004" in codes(monitor(old, history, shuffled, goals=GOALS, training=TrainingFacts(tested=tested)))


def test_expected_auc_is_that_of_drawn_outcomes() -> None:
    """Where the risk is right, the promise holds on average: the AUC of many drawn books, by pairs."""
    risk = np.random.default_rng(0).beta(1, 6, 300)
    promised = expected_performance(risk, n_draws=1000).loc["auc"]
    chance, above = np.random.default_rng(1), np.sign(risk[:, None] - risk[None, :])
    found = []
    for _ in range(300):
        y = chance.random(300) < risk
        found.append((above[np.ix_(y, ~y)] / 2 + 0.5).mean())
    assert promised["expected"] == pytest.approx(np.mean(found), abs=0.01)
    assert promised["low"] < np.quantile(found, 0.1) < np.quantile(found, 0.9) < promised["high"]


def test_expected_performance_cannot_see_concept_drift() -> None:
    """The limit that the documentation states: outcomes turned round change nothing before labels arrive."""
    now = book("2025-07-01", 1000)
    tested = expected_performance(now["churn_probability"]).rename(columns={"expected": "estimate"})
    turned = pd.Series(np.random.default_rng(0).random(1000) < 1 - now["churn_probability"].to_numpy(), now.index)
    before = monitor(now, now, goals=GOALS, training=TrainingFacts(tested=tested))
    after = monitor(now, now, turned, goals=GOALS, training=TrainingFacts(tested=tested))
    assert codes(before) == []
    assert {"CSM003", "CSM004"} <= set(codes(after))


def test_a_book_that_is_harder_to_rank_is_seen_before_labels_arrive() -> None:
    tested = expected_performance(book("2025-01-01", 1000)["churn_probability"]).rename(
        columns={"expected": "estimate"}
    )
    vague = book("2025-07-01", 1000).assign(churn_probability=0.2)
    assert "CSM005" in codes(
        monitor(book("2025-01-01", 1000), vague, goals=GOALS, training=TrainingFacts(tested=tested))
    )


def test_staleness_and_size() -> None:
    old, now = book("2025-01-01"), book("2026-07-01", 150)
    found = monitor(
        old, now, goals=GOALS, training=TrainingFacts(trained_at="2025-01-01"), alarms=Alarms(max_age="365D")
    )
    assert codes(found) == ["CSM006", "CSM008"]
    assert "546 days since the model learned" in found.checks[5].measure
    assert "CSM008" not in codes(monitor(old, now, goals=GOALS, training=TrainingFacts(accounts=160)))


def test_a_feed_that_stopped_is_named(small_book: CustomerData) -> None:
    usage = small_book.frame("usage")
    stopped = usage[usage["at"] < small_book.end - pd.Timedelta(days=40)]
    tables = {name: small_book.frame(name) for name in ("subscriptions", "surveys")} | {"usage": stopped}
    with pytest.warns(cr.exceptions.DataWarning, match="CSD211 table=usage count=41"):
        data = cr.CustomerData(tables, end=small_book.end)
    ages = feed_ages(data)
    assert ages["late"].to_dict() == {"subscriptions": False, "usage": True, "surveys": False}
    assert ages.loc["usage", "days"] == 41
    found = monitor(book("2025-01-01"), book("2025-07-01"), goals=GOALS, feeds=ages)
    assert found.checks[6].found == ("usage",)


def test_feeds_as_of_an_earlier_day(small_book: CustomerData) -> None:
    ages = feed_ages(small_book, small_book.end - pd.Timedelta(days=100))
    assert not ages["late"].any()
    assert (ages["days"] >= 1).all()


def test_small_books_are_not_judged() -> None:
    found = monitor(book("2025-01-01", 40), book("2025-07-01", 40), goals=GOALS)
    assert found.table()["status"][["CSM001", "CSM002"]].tolist() == ["not applicable"] * 2


def test_goals_come_from_declarations() -> None:
    def plain(date: str) -> pd.DataFrame:
        return book(date).rename(columns={"logins": "days_since_use", "nps": "nps_last"})

    found = monitor(plain("2025-01-01"), plain("2025-07-01"))
    assert found.drift.loc[["days_since_use", "nps_last"], "goal"].tolist() == ["footprint", "advocacy"]
    assert "transfers" not in found.drift.index


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"scored": book("2025-07-01").reset_index(drop=True)}, "scored: 400 rows; it needs rows, and account_id"),
    ({"scored": pd.concat([book("2025-07-01")] * 2)}, "scored: 400 snapshots stand twice"),
    ({"labels": pd.Series([True])}, "labels: 1 rows; it needs rows, and account_id and as_of"),
]


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="alpha=0 must lie between 0 and 1"):
        Alarms(alpha=0)
    with pytest.raises(ConfigError, match="limit=2 must lie between 0 and 1"):
        Alarms(limit=2)
    with pytest.raises(cr.exceptions.CsriskError, match="max_age='soon'"):
        Alarms(max_age="soon")


@pytest.mark.parametrize(("change", "message"), ERRORS)
def test_errors(change: dict[str, Any], message: str) -> None:
    arguments = {"reference": book("2025-01-01"), "scored": book("2025-07-01"), "goals": GOALS} | change
    with pytest.raises(ConfigError, match=message):
        monitor(**arguments)


def test_flat_frames_do_as_well_and_tables_are_plain() -> None:
    import json

    found = monitor(book("2025-01-01"), book("2025-07-01", logins=1.0).reset_index(), goals=GOALS)
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["failed"] == ["CSM001", "CSM002"]
    assert [row["goal"] for row in told["goals"]] == found.goals.index.tolist()
    assert list(found.parts())[:2] == ["Monitoring: drift by goal", "Monitoring: columns that drift"]


def test_scores_of_dates_that_the_model_was_trained_on_are_no_performance() -> None:
    """A backfill of known dates is counted and left out: neither praise nor alarm comes of it."""
    old, now = book("2025-01-01", 1500), book("2025-07-01", 1500)
    chance = np.random.default_rng(1)
    came = pd.Series(chance.permutation(old["churn_probability"].to_numpy() > 0.3), index=old.index)
    history = pd.concat([old[["churn_probability"]], now])
    tested = expected_performance(old["churn_probability"]).rename(columns={"expected": "estimate"})
    first = TrainingFacts(trained_at="2025-01-01", tested=tested)
    assert {"CSM003", "CSM004"} <= set(codes(monitor(old, history, came, goals=GOALS, training=first)))
    later = monitor(old, history, came, goals=GOALS, training=TrainingFacts("2025-01-02", tested))
    assert codes(later) == []
    assert "realised" not in later.performance
    words = (
        "1,500 scores of 1 dates before 2 January 2025 are left out, as the model was trained with what came of them"
    )
    for check in later.checks[2:4]:
        assert check.status == "not applicable"
        assert words in check.measure
    earlier = book("2024-06-01", 300)
    both = pd.concat([earlier[["churn_probability"]], history])
    labels = pd.concat([pd.Series(True, index=earlier.index), came])
    mixed = monitor(old, both, labels, goals=GOALS, training=first)
    assert mixed.performance.loc["event_rate", "realised"] == pytest.approx(came.mean())
    assert "300 scores of 1 dates before 1 January 2025 are left out" in mixed.checks[3].measure
