"""What a report says of time: tables that stopped before its date, and a date that has not come yet."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pandas as pd

from csrisk._days import to_dates
from csrisk.exceptions import DataWarning
from csrisk.report._printing._format import day

if TYPE_CHECKING:
    from csrisk.data import CustomerData

__all__ = ["limits_of_time"]

_DAY = pd.Timedelta(days=1)


def limits_of_time(as_of: pd.Timestamp, data: CustomerData | None) -> tuple[str, ...]:
    """Say what the date of the book takes for known that is not."""
    found = []
    today = _now().normalize()
    # tomorrow may be today in another zone
    if as_of > today + 2 * _DAY:
        found.append(f"The date {day(as_of)} lies after the clock of the machine, {day(today)}: nobody can know it.")
        warnings.warn(
            f"as_of={as_of:%Y-%m-%d} lies after the clock of this machine, {today:%Y-%m-%d}", DataWarning, stacklevel=5
        )
    for table, end in ({} if data is None else data.ends).items():
        if end < as_of:
            found.append(
                f"Of {table} nothing was observed after {day(end - _DAY)}: the silence since then says nothing of the "
                "customers, and is in the figures all the same."
            )
    for table, spans in ({} if data is None else data.holes).items():
        for first, last in (to_dates(span) for span in spans):
            if first < as_of:
                found.append(f"The feed of {table} stood still from {day(first)} to {day(last - _DAY)}.")
    return tuple(found)


def _now() -> pd.Timestamp:
    return pd.Timestamp.now(tz="UTC").tz_localize(None)
