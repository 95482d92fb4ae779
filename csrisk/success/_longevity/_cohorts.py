"""Retention by month of start: accounts and revenue, as far as everyone of a month has been followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._days import Duration, as_days
from csrisk._labelling import reaches
from csrisk._wilson import share_interval
from csrisk.success._longevity._lifetimes import Followed, follow

if TYPE_CHECKING:
    from csrisk.data import CustomerData

__all__ = ["FEW", "cohorts"]

FEW = 20  # of fewer accounts one more or less moves the share by more than five points
_COUNTS = ("accounts", "stayed")


def cohorts(
    data: CustomerData, *, grace: Duration = "30D", since: object = None, until: object = None, few: int = FEW
) -> pd.DataFrame:
    """Follow accounts by the month in which their first contract began: how many stayed, and how much of their revenue.

    An account has left by a month where a `csrisk.label_churn` with ``kind="contract"`` says so: its unbroken stretch
    of contracts ended before the day so many months after its own start, and none began within the grace. Coming back
    later is no retention, and no new start. Trials are no contracts.

    Parameters
    ----------
    data : CustomerData
        The tables.
    grace : int or str, default "30D"
        Days in which a renewal may come late.
    since : date-like, optional
        Starts before it do not count. Default: ``data.start``; of earlier starts exports often hold survivors only.
        Give an earlier date where all contracts since then are there, also of those who left.
    until : date-like, optional
        Nothing dated at or after it counts; default is the end of the data.
    few : int, default 20
        Months of start with fewer accounts are marked.

    Returns
    -------
    pandas.DataFrame
        Index (start_month, month): the month of start and full months since the start of each account. Columns:

        - ``accounts, stayed, retention, low, high``: with 95 % intervals (Wilson);
        - ``mrr, mrr_stayed, revenue_retention``: monthly revenue on the first day and now of those who stayed, among
          the ``priced`` accounts that had some; above 1 where they grew;
        - ``few``: whether the row rests on fewer than `few` accounts.

        Missing, never 0, where not every account of the month was followed for so long and a grace more.

    Examples
    --------
    >>> import pandas as pd
    >>> import csrisk as cr
    >>> subscriptions = pd.DataFrame({
    ...     "account_id": ["a", "b"],
    ...     "start_at": ["2025-01-01", "2025-01-10"],
    ...     "end_at": [None, "2025-03-01"],
    ...     "mrr": [100.0, 50.0],
    ... })
    >>> data = cr.CustomerData({"subscriptions": subscriptions}, end="2025-06-01")
    >>> cr.success.cohorts(data).loc["2025-01-01"][["accounts", "stayed", "mrr_stayed"]].dropna().T.to_dict("list")
    {0: [2, 2, 150.0], 1: [2, 2, 150.0], 2: [2, 1, 100.0], 3: [2, 1, 100.0]}
    """
    seen = follow(data, grace, since, until)
    lives = seen.lives
    start = pd.DatetimeIndex(pd.to_datetime(lives.start, unit="D"))
    counted = lives.start >= seen.since
    months = start.to_period("M").to_timestamp()
    longest = _months_between(start[counted].min(), seen.end) if counted.any() else -1
    rows = [_month(seen, start, months, counted, after) for after in range(longest + 1)]
    table = pd.concat(rows) if rows else _month(seen, start, months, counted, 0)
    table = table.sort_index()
    known = table["stayed"].notna()
    # a number of months that no start has behind it yet is no row
    table = table[known.groupby("month").transform("any")] if len(table) else table
    low, high = share_interval(table["stayed"].astype("Float64").to_numpy(float, na_value=np.nan), table["accounts"])
    table.insert(3, "low", low)
    table.insert(4, "high", high)
    return table.assign(few=table["accounts"].to_numpy(np.int64) < few)


def _months_between(first: pd.Timestamp, end: int) -> int:
    last = pd.Timestamp(end, unit="D")
    return (last.year - first.year) * 12 + last.month - first.month


def _month(seen: Followed, start: pd.DatetimeIndex, months: Any, counted: Any, after: int) -> pd.DataFrame:
    """Count by month of start who is there so many months after their own start."""
    lives, grace = seen.lives, seen.contracts.grace
    due = as_days(start + pd.DateOffset(months=after))
    # within the grace a contract may still be renewed: who has left is known only after it
    told = (due + grace <= seen.end) & ~reaches(seen.holes, lives.start, due + grace)
    left = lives.event & (lives.last < due)
    levels = seen.contracts.levels("mrr")
    # the level of the first day of contract, and of the day that is asked about
    first = levels.before(lives.account, lives.start + 1, across_gap=1)
    # after 0 months the level is the first one, and the share 1 by definition
    now = np.where(left, 0.0, first if after == 0 else levels.before(lives.account, due, across_gap=1))
    # accounts without a first level or an unknown later one are in neither sum
    priced = (first > 0) & ~np.isnan(now)
    frame = pd.DataFrame(
        {"start_month": months, "n": 1, "stayed": ~left, "told": told, "priced": priced,
         "mrr": np.where(priced, first, 0.0), "mrr_stayed": np.where(priced, now, 0.0)}
    )[counted]  # fmt: skip
    sums = frame.groupby("start_month").agg(
        # told of all: a share of those followed so far would be that of the early starters alone
        accounts=("n", "sum"), stayed=("stayed", "sum"), told=("told", "all"),
        priced=("priced", "sum"), mrr=("mrr", "sum"), mrr_stayed=("mrr_stayed", "sum"),
    )  # fmt: skip
    unknown = ~sums.pop("told").astype(bool)
    kept = {
        "stayed": sums["stayed"].astype("Int64").mask(unknown),
        "priced": sums["priced"].astype("Int64").mask(unknown),
    }
    money = sums[["mrr", "mrr_stayed"]].mask(unknown | (sums["priced"] == 0))
    found = pd.DataFrame({"accounts": sums["accounts"].astype("int64"), "stayed": kept["stayed"]})
    found["retention"] = found["stayed"].astype("Float64").to_numpy(float, na_value=np.nan) / found["accounts"]
    found["priced"] = kept["priced"]
    found[["mrr", "mrr_stayed"]] = money
    found["revenue_retention"] = money["mrr_stayed"] / money["mrr"]
    return found.set_axis(pd.MultiIndex.from_product([found.index, [after]], names=["start_month", "month"]))
