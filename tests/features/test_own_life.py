"""OwnLife by hand.

The book: account a begins on 2024-01-01 and is seen on 2025-04-01, day 456 of its tenure (366 + 31 + 28 + 31 = 456).
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from csrisk import CustomerData, Snapshots, build_features
from csrisk.exceptions import FeatureError
from csrisk.features import OwnLife
from csrisk.testing import on_engine

AS_OF = "2025-04-01"
START = {"started_at": ["2024-01-01"]}
# ages 456 (1 January 2024), 366, 336, 90 (twice), 20; gaps of 90, 30, 246 and 70 days
USE = {
    "at": ["2024-01-01", "2024-03-31", "2024-04-30", "2025-01-01 08:00", "2025-01-01 09:00", "2025-03-12 23:59"],
    "value": [10.0, 20.0, 30.0, 25.0, 15.0, 50.0],
}
MEAN = (90 + 30 + 246 + 70) / 4
DEVIATION = math.sqrt((90**2 + 30**2 + 246**2 + 70**2) / 4 - MEAN**2)


@pytest.fixture(scope="module")
def row(look):
    return look(OwnLife(), AS_OF, accounts=START, usage=USE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("active_days_ever", 5),
        # ages 336, 90 and 20
        ("active_days_365d", 3),
        ("spend_365d", 30 + 25 + 15 + 50),
        # 2 days in 90 against 5 in 456
        ("active_days_change_90d", (2 / 90 - 5 / 456) / (2 / 90 + 5 / 456)),
        ("spend_per_active_day_ever", 150 / 5),
        ("last_spend_ratio", 50 / 30),
        ("use_gap_ever", MEAN),
        ("use_gap_deviation", DEVIATION),
        ("use_gap_longest", 246),
        ("use_gap_last", 70),
        ("silence_to_longest_gap", 20 / 246),
        ("silence_in_deviations", (20 - MEAN) / DEVIATION),
    ],
)
def test_by_hand(row, name, value):
    assert row[name] == pytest.approx(value, rel=1e-12)


def test_a_short_life_has_no_rhythm(look):
    three = {"at": ["2025-03-01", "2025-03-11", "2025-03-31"]}
    row = look(OwnLife(), AS_OF, usage=three)
    assert (row["active_days_ever"], row["use_gap_last"], row["silence_to_longest_gap"]) == (3, 20, 1 / 20)
    # two gaps are no rhythm, 31 days no pace, and nothing was ever spent
    missing = ["use_gap_ever", "use_gap_deviation", "silence_in_deviations", "active_days_change_90d", "spend_365d"]
    missing += ["spend_per_active_day_ever", "last_spend_ratio"]
    assert row[missing].isna().all()
    once = look(OwnLife(), AS_OF, usage={"at": ["2025-03-01"], "value": [7.0]})
    assert once[["use_gap_last", "use_gap_longest", "silence_to_longest_gap", "last_spend_ratio"]].isna().all()
    assert once[["active_days_ever", "spend_per_active_day_ever"]].tolist() == [1, 7]


def test_a_rhythm_without_deviation_divides_by_nothing(look):
    row = look(OwnLife(), AS_OF, usage={"at": ["2025-01-01", "2025-01-11", "2025-01-21", "2025-01-31"]})
    assert (row["use_gap_ever"], row["use_gap_deviation"]) == (10, 0)
    assert math.isnan(row["silence_in_deviations"])


def test_who_never_used_it_counts_nothing_and_has_no_life(look):
    use = {"account_id": ["b"], "at": ["2025-01-01"], "value": [1.0]}
    row = look(OwnLife(), AS_OF, accounts={"account_id": ["a", "b"]}, usage=use)
    assert row[["active_days_ever", "active_days_365d", "spend_365d"]].tolist() == [0, 0, 0]
    assert row[["use_gap_last", "silence_to_longest_gap", "last_spend_ratio", "spend_per_active_day_ever"]].isna().all()


def test_late_use_counts_from_the_day_it_became_known(look):
    use = {"at": ["2025-01-01", "2025-01-11", "2025-03-01"], "known_at": ["2025-01-01", "2025-02-10", "2025-04-01"]}
    row = look(OwnLife(), AS_OF, usage=use)
    # what is known on the day itself is not known yet; the second use came to be known after 40 days
    assert row[["active_days_ever", "use_gap_last"]].tolist() == [2, 40]
    assert row["silence_to_longest_gap"] == 50 / 40


def test_money_that_is_no_use_counts_in_the_year_alone(look):
    use = {"at": ["2025-01-01", "2025-01-11"], "quantity": [1, 0], "value": [10.0, -4.0]}
    row = look(OwnLife(), AS_OF, usage=use)
    assert row[["active_days_ever", "spend_365d", "spend_per_active_day_ever"]].tolist() == [1, 6, 10]


@pytest.mark.parametrize(
    "engine", ["polars", "ibis-duckdb", "ibis-sqlite", pytest.param("pyspark", marks=pytest.mark.slow)]
)
@pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")
def test_long_lives_are_the_same_on_every_engine(engine):
    rng = np.random.default_rng(0)
    at = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 800, 400), unit="D")
    late = at + pd.to_timedelta(rng.choice([0, 0, 0, 9], 400), unit="D")
    value = rng.lognormal(3, 2, 400).round(2)
    usage = pd.DataFrame({"account_id": rng.choice(list("abcde"), 400), "at": at, "known_at": late, "value": value})
    frames = []
    for given in ({"usage": usage}, on_engine({"usage": usage}, engine)):
        with CustomerData(given, end="2025-04-01", threads=1) as data:
            dates = pd.to_datetime(["2023-02-01", "2024-01-01", "2025-03-01"])
            pairs = pd.MultiIndex.from_product([data.accounts, dates], names=["account_id", "as_of"])
            past = Snapshots.of(data, pairs)
            frames.append(build_features(data, past, [OwnLife()]))
    pd.testing.assert_frame_equal(*frames, rtol=1e-12, atol=1e-12)


def test_windows_are_days():
    with pytest.raises(FeatureError, match=r"OwnLife: year=0 must be whole numbers of days, at least 1"):
        OwnLife(year=0)
