"""Whole days: how csrisk counts time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from csrisk.exceptions import SnapshotError

__all__ = ["Date", "Dates", "Duration", "as_day", "as_days", "as_midnights", "read_date", "to_dates", "whole_days"]

Duration: TypeAlias = int | str | timedelta
Date: TypeAlias = Any  # what read_date reads: ISO text, date, datetime, Timestamp, numpy datetime64
Dates: TypeAlias = Date | Iterable[Date]

SECONDS_A_DAY = 86_400
_MOST_DAYS = 1_000_000  # far less than `FOREVER`, which stands for an end that has not been seen
_SHOWN = 40
_EPOCH = pd.Timestamp("1970-01-01")
# times in tables are written so; whatever else pandas reads may swap day and month, or mean today
_ISO = re.compile(
    r"\s*\d{4}-\d{1,2}-\d{1,2}([T ]\d{2}:\d{2}(:\d{2}([.]\d+)?)? ?(Z|z|UTC|[+-]\d{2}:?(\d{2})?)?)?\s*", re.ASCII
)


def whole_days(value: Duration, name: str, *, minimum: int = 0) -> int:
    """Read a duration as a whole number of days.

    Parameters
    ----------
    value : int, str or timedelta
        ``90``, ``"90D"`` or ``timedelta(days=90)``.
    name : str
        Name of the parameter, for the message.
    minimum : int, default 0
        Smallest value allowed.

    Returns
    -------
    int

    Raises
    ------
    SnapshotError
        If the duration is not a whole number of days, or is below the minimum.

    Examples
    --------
    >>> whole_days("90D", "horizon"), whole_days(14, "lead")
    (90, 14)
    """
    shown = text if len(text := repr(value)) <= _SHOWN else f"{text[:_SHOWN]}..."
    rule = f"{name}={shown} must be a whole number of days, at least {minimum}; write it as 90 or '90D'"
    try:
        exact = _days_of(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise SnapshotError(rule) from error
    if not exact.is_integer() or exact < minimum:
        raise SnapshotError(rule)
    if exact > _MOST_DAYS:
        raise SnapshotError(f"{name}={shown} must be at most {_MOST_DAYS} days, which is longer than any data")
    return int(exact)


def read_date(value: object, name: str) -> pd.Timestamp:
    """Read a date or time of an argument by the rule of times in tables: text is ISO, and a number is no date.

    Parameters
    ----------
    value : str, date, datetime, Timestamp or numpy datetime64
        The date.
    name : str
        Name of the parameter, for the message.

    Returns
    -------
    pandas.Timestamp
        With the time zone that it states.

    Raises
    ------
    SnapshotError
        If it is no date, or written otherwise.

    Examples
    --------
    >>> read_date("2025-06-01", "end")
    Timestamp('2025-06-01 00:00:00')
    >>> read_date("01/06/2025", "end")
    Traceback (most recent call last):
    ...
    csrisk.exceptions.SnapshotError: end: cannot be read as dates; write them as '2025-07-01', as in tables
    """
    try:
        if not (_ISO.fullmatch(value) if isinstance(value, str) else isinstance(value, date | np.datetime64)):
            raise ValueError(name)
        return pd.Timestamp(value.strip() if isinstance(value, str) else value)  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        raise SnapshotError(f"{name}: cannot be read as dates; write them as '2025-07-01', as in tables") from error


def _days_of(value: Any) -> float:
    """Days of a duration. One of NumPy is a number too, and a number is not what it means."""
    if isinstance(value, np.timedelta64):
        unit = np.datetime_data(value.dtype)[0]
        if unit in ("generic", "Y", "M") or np.isnat(value):
            raise ValueError("a span of no stated or no fixed length")
        return float(value / np.timedelta64(1, "D"))
    # true is a whole number to Python
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str | timedelta):
        return float(pd.Timedelta(value) / pd.Timedelta(days=1))
    raise TypeError("no duration")


def as_midnight(date: Dates, name: str) -> pd.Timestamp:
    """Read one date as a naive midnight; a list must hold just one."""
    days = as_midnights(date, name)
    if len(days) != 1:
        raise SnapshotError(f"{name} is one date, got {len(days)}; pass one, such as '2025-07-01'")
    return days[0]


def as_midnights(dates: Dates, name: str) -> pd.DatetimeIndex:
    """Read dates and insist on naive midnights, the only times at which a snapshot can stand."""
    # text is iterable, too
    many: Any = [dates] if isinstance(dates, str) or not isinstance(dates, Iterable) else dates
    # what holds no times yet is read one by one by our rule, as pandas would guess
    if not pd.api.types.is_datetime64_any_dtype(getattr(many, "dtype", object)):
        many = [pd.NaT if _missing(one) else read_date(one, name) for one in many]
    try:
        index = pd.DatetimeIndex(many)
    except (ValueError, TypeError) as error:
        raise SnapshotError(f"{name}: cannot be read as dates; give all with or all without a time zone") from error
    if index.tz is not None:
        message = (
            f"{name}: has the time zone {index.tz}; days are counted in UTC: use .tz_convert('UTC').tz_localize(None)"
        )
        raise SnapshotError(message)
    if index.hasnans:
        raise SnapshotError(f"{name}: {int(np.sum(index.isna()))} of {len(index)} dates are missing; leave them out")
    late = index[index != index.normalize()]
    if len(late):
        message = (
            f"{name}: {len(late)} of {len(index)} dates are not a midnight, the first is {late[0]}; "
            "a snapshot stands at the start of a day: use .normalize()"
        )
        raise SnapshotError(message)
    # versions of pandas give other units by default
    return index.as_unit("us")


def _missing(value: object) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value)


def as_days(dates: pd.DatetimeIndex) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Days since 1970-01-01 of naive midnights."""
    return dates.to_numpy().astype("datetime64[D]").astype(np.int64)


def as_day(date: pd.Timestamp) -> int:
    """Days since 1970-01-01 of one naive midnight."""
    return (date - _EPOCH).days


def to_dates(days: Any) -> pd.DatetimeIndex:
    """Midnights of days since 1970-01-01; the inverse of `as_days`."""
    return pd.DatetimeIndex(np.asarray(days, dtype="datetime64[D]")).as_unit("us")
