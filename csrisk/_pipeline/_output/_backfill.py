"""Scores of many dates: features of many books are built together, and each book is told as if it were alone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._days import as_midnight
from csrisk._pipeline._learning._panel import book, features_of
from csrisk._pipeline._output._explaining import explained
from csrisk.exceptions import ConfigError, SnapshotError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from csrisk._pipeline._pipeline import RiskPipeline
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["dates_between", "scored_books"]

# features of so many snapshots are held at once; more gain nothing
_ROWS = 50_000
_logger = logging.getLogger("csrisk")


def dates_between(since: Any, until: Any, every: str) -> list[pd.Timestamp]:
    """Give the dates of a calendar from one day to another, both included."""
    first, last = as_midnight(since, "since"), as_midnight(until, "as_of")
    try:
        found = list(pd.date_range(first, last, freq=every))
    except ValueError as error:
        raise ConfigError(f"every={every!r}: write it as 1MS, 7D or 1QS") from error
    if not found:
        raise ConfigError(f"since={first:%Y-%m-%d}, as_of={last:%Y-%m-%d}, every={every!r}: no date lies between")
    return found


def scored_books(pipeline: RiskPipeline, data: CustomerData, dates: Iterable[Any]) -> Iterator[pd.DataFrame]:
    """Score the books of several dates; see `RiskPipeline.backfill`."""
    chosen = sorted({as_midnight(date, "dates") for date in dates})
    if not chosen:
        raise ConfigError("dates: none is given; name at least one")
    found = book(pipeline.spec_, data, chosen)
    seen = set(found.as_of.unique())
    empty = [date for date in chosen if date not in seen]
    if empty:
        raise SnapshotError(
            f"as_of={empty[0]:%Y-%m-%d}: no account is eligible at {len(empty)} of {len(chosen)} dates; leave them out"
        )
    # no generator itself: dates that cannot be are refused at the call, before a file is written
    return _told(pipeline, data, found)


def _told(pipeline: RiskPipeline, data: CustomerData, found: Snapshots) -> Iterator[pd.DataFrame]:
    for part in _parts(found):
        dates = part.as_of.unique()
        _logger.info("features of %s dates", len(dates))
        X = features_of(pipeline.spec_, data, part)
        for date in dates:
            # what a book is worth is told within it: medians, ranks and the guards know no other date
            yield pipeline.score(data, why=explained(pipeline, X.loc[part.as_of.to_numpy() == date]))


def _parts(found: Snapshots) -> Iterator[Snapshots]:
    """Take whole dates, as many as fit."""
    day = found.as_of.to_numpy()
    dates, sizes = np.unique(day, return_counts=True)
    # by whole dates, however many rows one has: a book is told within itself, and cannot be parted
    number = np.cumsum(sizes) // _ROWS
    for one in np.unique(number):
        yield found[np.isin(day, dates[number == one])]
