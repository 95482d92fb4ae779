"""ForecastSpans and Season by hand: account a is seen on 2025-04-01, and asked about 90 days, or 60."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from csrisk import CustomerData, Snapshots, build_features
from csrisk.exceptions import FeatureError
from csrisk.features import ForecastSpans, Season, built, declared, default_builders
from csrisk.testing import on_engine

AS_OF = "2025-04-01"
# ages 425 (1 February 2024), 366, 340 (26 April 2024), 305 (31 May), 296, 120 (2 December), 61, 60, 1
USE = {
    "at": [
        "2024-02-01",
        "2024-03-31",
        "2024-04-26",
        "2024-05-31",
        "2024-06-09",
        "2024-12-02",
        "2025-01-30",
        "2025-01-31",
        "2025-03-31",
    ],
    "value": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0],
}


@pytest.fixture(scope="module")
def spans(look):
    return look(ForecastSpans(), AS_OF, usage=USE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # ages 61, 60 and 1 in 90 days, which UsageDepth tells; age 120 in the 90 before
        ("active_days_90d_before", 1),
        ("spend_90d_before", 32),
        ("active_days_trend_90d", (3 - 1) / (3 + 1)),
        ("spend_trend_90d", (448 - 32) / (448 + 32)),
    ],
)
def test_spans_by_hand(spans, name, value):
    assert spans[name] == pytest.approx(value, rel=1e-12)


def test_a_length_that_no_other_family_tells_of(look):
    row = look(ForecastSpans(days=60), AS_OF, usage=USE)
    # ages 60 and 1; ages 120 and 61
    assert row[["active_days_60d", "spend_60d", "active_days_60d_before", "spend_60d_before"]].tolist() == [
        2,
        384,
        2,
        96,
    ]
    assert row[["active_days_trend_60d", "spend_trend_60d"]].tolist() == [0, (384 - 96) / (384 + 96)]


@pytest.fixture(scope="module")
def season(look):
    return look(Season(), AS_OF, usage=USE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # 1 April is day 91 of 365
        ("days_to_year_end", 365 - 91),
        ("days_from_new_year", 90),
        # a year before the 90 days ahead: ages 365 to 276
        ("active_days_90d_year_ago", 3),
        ("spend_90d_year_ago", 4 + 8 + 16),
        # the 90 days until a year ago: ages 455 to 366
        ("active_days_change_90d_year_ago", (3 - 2) / (3 + 2)),
        ("spend_change_90d_year_ago", (28 - 3) / (28 + 3)),
    ],
)
def test_season_by_hand(season, name, value):
    assert season[name] == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("date", "found"), [("2024-12-31", (0, 1)), ("2025-01-01", (364, 0)), ("2024-07-02", (182, 183))]
)
def test_the_year_turns(look, date, found):
    row = look(Season(), date, usage={"at": ["2024-01-01"]})
    assert (row["days_to_year_end"], row["days_from_new_year"]) == found


def test_what_was_not_recorded_or_has_not_passed_is_unknown(look):
    short = {"at": ["2024-05-01", "2025-03-01"], "value": [1.0, 2.0]}
    names = [
        "active_days_60d_year_ago",
        "spend_60d_year_ago",
        "active_days_change_60d_year_ago",
        "spend_change_60d_year_ago",
    ]
    assert look(Season(days=60), AS_OF, usage=short)[names].isna().all()
    # of 400 days ahead the last 35 have not passed a year before
    assert look(Season(days=400), AS_OF, usage=USE)[[name.replace("60", "400") for name in names]].isna().all()
    # 334 days of records reach into the 200 days before the last 200, and not into those before the last 400
    assert look(ForecastSpans(days=200), AS_OF, usage=short)["spend_200d_before"] == 1
    assert math.isnan(look(ForecastSpans(days=400), AS_OF, usage=short)["spend_400d_before"])


def test_refunds_count_as_money_and_never_turn_a_change_over(look):
    use = {"at": ["2024-10-01", "2025-01-10", "2025-03-10"], "quantity": [1, 0, 1], "value": [5.0, -7.0, 3.0]}
    row = look(ForecastSpans(days=60), AS_OF, usage=use)
    assert row[["active_days_60d_before", "spend_60d_before", "spend_60d", "spend_trend_60d"]].tolist() == [0, -7, 3, 1]


@pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")
@pytest.mark.parametrize(
    "engine", ["polars", "ibis-duckdb", "ibis-sqlite", pytest.param("pyspark", marks=pytest.mark.slow)]
)
def test_the_same_on_every_engine(engine):
    rng = np.random.default_rng(1)
    at = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 800, 300), unit="D")
    late = at + pd.to_timedelta(rng.choice([0, 0, 9], 300), unit="D")
    usage = pd.DataFrame({"account_id": rng.choice(list("abc"), 300), "at": at, "known_at": late})
    usage["value"], usage["quantity"] = rng.lognormal(3, 2, 300).round(2), rng.choice([0, 1, 2], 300)
    frames = []
    for given in ({"usage": usage}, on_engine({"usage": usage}, engine)):
        with CustomerData(given, end="2025-04-01", threads=1) as data:
            pairs = pd.MultiIndex.from_product(
                [data.accounts, pd.to_datetime(["2023-02-01", "2024-05-01", "2025-03-01"])],
                names=["account_id", "as_of"],
            )
            frames.append(build_features(data, Snapshots.of(data, pairs), [ForecastSpans(days=45), Season(days=45)]))
    pd.testing.assert_frame_equal(*frames, check_exact=True)


@pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")
@pytest.mark.parametrize(("first", "joins"), [("2023-09-01", True), ("2024-01-01", False)])
def test_a_season_joins_where_one_was_seen_before(first, joins):
    usage = pd.DataFrame({"account_id": ["a", "b"] * 20, "at": pd.date_range(first, "2025-03-31", periods=40)})
    names = [type(one).__name__ for one in default_builders(CustomerData({"usage": usage}, end="2025-04-01"))]
    assert ("Season" in names) == joins
    assert "OwnLife" in names
    assert "ForecastSpans" not in names


def test_a_name_tells_the_length_to_those_who_look_it_up():
    found = declared(["spend_45d_before", "spend_45d_year_ago", "spend_45d", "spend_90d"])
    assert [one.family for one in found] == ["ForecastSpans", "Season", "ForecastSpans", "UsageDepth"]
    assert found[1].sentence.startswith("Spent {value} a year ago in the 45 days that now lie ahead")
    assert built(["spend_0d_before", "spend_45d_beside", "account_segment"]).keys() == {"account_segment"}


def test_lengths_are_days():
    with pytest.raises(FeatureError, match=r"ForecastSpans: days=0 must be whole numbers of days, at least 1"):
        ForecastSpans(days=0)
