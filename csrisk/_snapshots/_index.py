"""Pairs of account and date: where they come from, and which are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._days import as_days, as_midnights
from csrisk.exceptions import SnapshotError

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

    from csrisk.data import CustomerData

__all__ = ["canonical", "date_grid", "lazy_pairs", "read_pairs", "within"]


def canonical(index: pd.Index) -> pd.MultiIndex:
    """Sorted, named, without unused levels; refuses repeats."""
    if not isinstance(index, pd.MultiIndex) or list(index.names) != ["account_id", "as_of"]:
        raise SnapshotError("index: must be a MultiIndex with the levels account_id and as_of")
    if (index.codes[0] < 0).any() or (index.codes[1] < 0).any():
        raise SnapshotError("index: account_id or as_of is missing in some pairs; leave them out")
    # a slice keeps the levels of the whole, and `accounts` would name some that were never seen
    clean = index.remove_unused_levels()
    accounts, dates = clean.levels[0], as_midnights(clean.levels[1], "as_of")
    # codes stand for the order of labels only where the levels are sorted; from_arrays sorts them
    if not accounts.is_monotonic_increasing or not dates.is_monotonic_increasing:
        clean = pd.MultiIndex.from_arrays([clean.get_level_values(level) for level in (0, 1)], names=clean.names)
        accounts, dates = clean.levels[0], as_midnights(clean.levels[1], "as_of")
    repeats = int(clean.duplicated().sum())
    if repeats:
        raise SnapshotError(f"index: {repeats} of {len(clean)} pairs of account_id and as_of are repeats; drop them")
    order = np.lexsort((clean.codes[1], clean.codes[0]))
    codes = [np.asarray(level)[order] for level in clean.codes]
    levels = [accounts, dates]
    return pd.MultiIndex(levels, codes, names=clean.names)  # type: ignore[arg-type]  # the stubs know only lists


def read_pairs(pairs: pd.DataFrame | pd.MultiIndex) -> pd.MultiIndex:
    """Pairs of a frame's columns, of its index, or of an index."""
    if isinstance(pairs, pd.DataFrame) and {"account_id", "as_of"} <= set(pairs.columns):
        keys = ["account_id", "as_of"]
        return canonical(pd.MultiIndex.from_arrays([pairs[keys[0]], as_midnights(pairs[keys[1]], keys[1])], names=keys))
    return canonical(pairs.index if isinstance(pairs, pd.DataFrame) else pairs)


def date_grid(first: pd.Timestamp, last: pd.Timestamp, frequency: str) -> pd.DatetimeIndex:
    """Dates of a regular grid from first to last."""
    try:
        offset = pd.tseries.frequencies.to_offset(frequency)
    except (ValueError, TypeError) as error:
        raise SnapshotError(f"frequency={frequency!r} is no offset of pandas; use 'MS', 'W-MON' or '28D'") from error
    # -28D is an offset of pandas too
    if offset is None or offset.n <= 0:
        raise SnapshotError(f"frequency={frequency!r} must go forward; use 'MS', 'W-MON' or '28D'")
    if first > last:
        raise SnapshotError(f"start={first:%Y-%m-%d} lies after end={last:%Y-%m-%d}; swap them or take a wider span")
    dates = pd.date_range(first, last, freq=offset)
    if len(dates) == 0:
        raise SnapshotError(
            f"frequency={frequency!r} gives no date from {first:%Y-%m-%d} to {last:%Y-%m-%d}; take a finer one"
        )
    # an offset of hours gives times that are no midnight
    return as_midnights(dates, f"frequency={frequency!r}")


def within(cuts: pd.DatetimeIndex, data: CustomerData) -> pd.DatetimeIndex:
    """Refuse dates for which the data hold no past, or an unobserved one."""
    if len(cuts) == 0:
        raise SnapshotError("dates: none was given; name at least one")
    # on the first day nothing lies strictly before; data.end itself is a fair as_of, as it sees the days before
    outside = cuts[(cuts <= data.start) | (cuts > data.end)]
    if len(outside):
        message = (
            f"as_of: {len(outside)} of {len(cuts)} dates lie outside the data, the first is {outside[0]:%Y-%m-%d}; "
            f"a snapshot needs a past after {data.start:%Y-%m-%d} and no unobserved day before it, so at most "
            f"{data.end:%Y-%m-%d}; where later days passed without events, state CustomerData(..., end=...)"
        )
        raise SnapshotError(message)
    return cuts


def lazy_pairs(index: pd.MultiIndex, data: CustomerData) -> nw.LazyFrame[Any]:
    """Pairs as snapshot, account code and day, in the engine of the data."""
    # one look-up for each account, not for each pair
    codes = data.accounts.get_indexer(index.levels[0])
    unknown = int((codes < 0).sum())
    if unknown:
        raise SnapshotError(
            f"account_id: {unknown} of {len(codes)} accounts are not in this data; use the data they came from"
        )
    frame = pd.DataFrame(
        {
            "snapshot": np.arange(len(index), dtype=np.int64),
            "account": codes.astype(np.int64)[index.codes[0]],
            "cut": as_days(pd.DatetimeIndex(index.levels[1]))[index.codes[1]],
        }
    )
    return data.engine.from_pandas(frame)
