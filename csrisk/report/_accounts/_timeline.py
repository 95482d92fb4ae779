"""The last half year of an account: use by week, contacts, surveys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from csrisk._snapshots import Snapshots, uses, visible
from csrisk.report._content import Timeline

if TYPE_CHECKING:
    from csrisk.data import CustomerData
    from csrisk.report._book import Book

__all__ = ["WEEKS", "make_timelines"]

WEEKS = 26
_TABLES = ("usage", "contacts", "surveys")
Weekly = npt.NDArray[np.int64]


def make_timelines(book: Book, data: CustomerData | None, count: int) -> tuple[Timeline | None, ...]:
    """Count use, contacts and surveys by week for the first accounts of a book, as far as each snapshot may see."""
    known = [] if data is None else [at for at in range(count) if book.keys[at] in data.accounts]
    if data is None or not known:
        return (None,) * count
    pairs = pd.DataFrame({"account_id": [book.keys[at] for at in known], "as_of": book.as_of})
    snapshots = Snapshots.of(data, pairs)
    place = pd.Series(known, index=pairs["account_id"]).reindex(snapshots.index.get_level_values("account_id"))
    counted = {table: _weekly(snapshots, data, table, place.to_numpy(), count) for table in _TABLES}
    answered = _weekly(snapshots, data, "surveys", place.to_numpy(), count, only="answered_at_day")
    # without times of answers nobody knows which surveys were answered, and 0 would say that none was
    told = not data.has("surveys") or data.given("surveys", "answered_at")
    return tuple(
        _timeline(counted["usage"][at], counted["contacts"][at], counted["surveys"][at], answered[at] if told else None)
        for at in range(count)
    )


def _weekly(
    snapshots: Snapshots, data: CustomerData, table: str, place: npt.NDArray[Any], count: int, only: str | None = None
) -> Weekly:
    """Rows by account and week, the oldest week first."""
    weekly = np.zeros((count, WEEKS), dtype=np.int64)
    if not data.has(table):
        return weekly
    rows_of = uses(data) if table == "usage" else data.lazy(table)
    seen = visible(snapshots.lazy(data), rows_of, window=7 * WEEKS)
    if only is not None:
        seen = seen.filter(~nw.col(only).is_null())
    rows = data.engine.collect(seen.group_by("snapshot", "age").agg(nw.len().alias("rows")))
    # yesterday is of age 1, and the newest week stands last
    week = WEEKS - 1 - (rows["age"].to_numpy(np.int64) - 1) // 7
    # days of one week share a cell: plain assignment would keep the last of them
    np.add.at(weekly, (place[rows["snapshot"].to_numpy(np.int64)], week), rows["rows"].to_numpy(np.int64))
    return weekly


def _timeline(use: Weekly, contacts: Weekly, surveys: Weekly, answered: Weekly | None) -> Timeline | None:
    if not (use.any() or contacts.any() or surveys.any()):
        return None
    return Timeline(
        use=tuple(map(int, use)),
        contacts=tuple(map(int, contacts)),
        surveys=tuple(map(int, surveys)),
        answered=None if answered is None else tuple(map(int, answered)),
    )
