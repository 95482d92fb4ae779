"""Days and durations: what is read, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from csrisk._days import as_day, as_days, as_midnight, as_midnights, to_dates, whole_days
from csrisk.exceptions import SnapshotError

NINETY = [90, "90D", "90 days", timedelta(90), pd.Timedelta("90D"), np.int64(90), np.uint8(90)]
NINETY += [np.timedelta64(90, "D"), np.timedelta64(2160, "h"), np.timedelta64(90 * 86_400, "s")]


@pytest.mark.parametrize("value", NINETY, ids=repr)
def test_a_duration_is_read_in_whole_days(value):
    assert whole_days(value, "horizon") == 90


WRONG = [90.0, np.float64(90), True, np.True_, None, "soon", pd.NaT, float("nan"), "36h", [90], np.array(90), -1]
WRONG += [np.timedelta64(3, "M"), np.timedelta64(1, "Y"), np.timedelta64("NaT", "D"), np.timedelta64(36, "h")]


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_what_is_no_number_of_whole_days_is_refused(value):
    with pytest.raises(SnapshotError, match=r"horizon=.* must be a whole number of days, at least 0"):
        whole_days(value, "horizon")


@pytest.mark.parametrize(
    "value", [10**7, 10**400, np.timedelta64(2**62, "D"), "999999999999D"], ids=lambda v: repr(v)[:20]
)
def test_a_duration_longer_than_any_data_is_refused(value):
    with pytest.raises(SnapshotError, match=r"horizon=.{1,60} must be (at most 1000000 days|a whole number of days)"):
        whole_days(value, "horizon")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_span_of_numpy_without_a_unit_is_refused():
    with pytest.raises(SnapshotError, match="must be a whole number of days"):
        whole_days(np.array([90], dtype="timedelta64")[0], "lead")


def test_one_date_is_one():
    assert as_midnight(["2025-07-01"], "date") == pd.Timestamp("2025-07-01")
    for many in (["2025-07-01", "2025-08-01"], []):
        with pytest.raises(SnapshotError, match=f"date is one date, got {len(many)}"):
            as_midnight(many, "date")


def test_dates_with_and_without_a_zone_are_refused():
    with pytest.raises(SnapshotError, match="dates: cannot be read as dates; give all with or all without a time zone"):
        as_midnights([pd.Timestamp("2025-07-01"), pd.Timestamp("2025-08-01", tz="UTC")], "dates")
    with pytest.raises(SnapshotError, match=r"dates: has the time zone UTC"):
        as_midnights(pd.DatetimeIndex(["2025-07-01"], tz="UTC"), "dates")


def test_days_since_1970():
    assert as_day(pd.Timestamp("1970-01-02")) == 1
    assert as_day(pd.Timestamp("2025-07-01")) == as_days(pd.DatetimeIndex(["2025-07-01"]))[0] == 20_270
    assert to_dates([20_270]).tolist() == [pd.Timestamp("2025-07-01")]


def test_a_number_is_no_date_and_only_what_is_not_a_number_is_missing():
    with pytest.raises(SnapshotError, match="dates: cannot be read as dates"):
        as_midnights([20250701.0], "dates")
    for nothing in (None, pd.NaT, pd.NA, float("nan")):
        with pytest.raises(SnapshotError, match="dates: 1 of 2 dates are missing"):
            as_midnights(["2025-07-01", nothing], "dates")
