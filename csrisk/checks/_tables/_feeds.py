"""Whether the tables still arrive: how old the newest row is, against the gaps that are usual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from csrisk._text import number
from csrisk.checks._check import Rule
from csrisk.data import CONTRACT
from csrisk.data._findings import has_stopped, read_changes, signs_of_life

if TYPE_CHECKING:
    from csrisk.checks._check import Check
    from csrisk.data import CustomerData

__all__ = ["FEEDS", "check_feeds", "feed_ages"]

FEEDS = Rule(
    "CSR014",
    "Tables that stopped arriving",
    "more than twice the longest gap of a year, and too long for chance",
    "look at the feed of the tables named; where nothing happened on those days, state it: end={'usage': '2025-07-01'}",
)


def feed_ages(data: CustomerData, as_of: Any = None) -> pd.DataFrame:
    """Tell how long each table has been silent, by its own rhythm.

    Whoever trains, scores or checks should say what is late here: silence of a feed looks like that of the customers.
    The rule is that by which labels end, see `CustomerData.ends`.

    Parameters
    ----------
    data : CustomerData
        The tables.
    as_of : date, optional
        Default is the end of the data. Rows that happened or became known from that day on are not there yet.

    Returns
    -------
    pandas.DataFrame
        Index table; ``days`` (from the newest row to `as_of`; of contracts, accounts and plans from the newest change),
        ``usual`` (longest gap between days with rows within a year before that row), ``late``: more than twice the
        usual gap, and too long for chance, where the table goes on by itself (plays and promises come in campaigns),
        and the user has not stated that the table was observed until `as_of`.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.monitoring import feed_ages
    >>> bool(feed_ages(make_saas(60, 12, seed=1).data())["late"].any())
    False
    """
    cut = int((pd.Timestamp(data.end if as_of is None else as_of) - pd.Timestamp(0)).days)
    rows = {table: _age(data, table, cut) for table in data.tables if CONTRACT[table].has_account}
    told = {table: row for table, row in rows.items() if row is not None}
    found = pd.DataFrame.from_dict(told, orient="index", columns=["days", "usual", "late"]).rename_axis("table")
    # also where no table told anything: an empty frame has no types of its own
    found = found.astype({"days": "float64", "usual": "float64", "late": "bool"})
    trusted = [table for table in found.index if table in data.stated and data.ends[table] >= _stamp(cut)]
    # the user states that the table was observed until then: its silence is true
    found.loc[trusted, "late"] = False
    return found


def check_feeds(feeds: pd.DataFrame | None) -> Check:
    """Judge whether tables still arrive.

    Parameters
    ----------
    feeds : pandas.DataFrame, optional
        What `feed_ages` gave.

    Returns
    -------
    Check

    Examples
    --------
    >>> from csrisk.checks import check_feeds
    >>> check_feeds(None).status
    'not applicable'
    """
    if feeds is None or feeds.empty:
        return FEEDS.not_applicable("no dated tables were handed over", "pass feeds=feed_ages(data, as_of)")
    late = feeds[feeds["late"]]
    told = feeds if late.empty else late
    oldest = told.iloc[int(told["days"].to_numpy().argmax())]
    silent, usual = "which has no row yet", "its usual gap"
    if np.isfinite(oldest["days"]):
        silent, usual = f"{number(oldest['days'], 0)} days", f"the usual gap ({number(oldest['usual'], 0)} days)"
    measure = f"{len(late)} of {len(feeds)} tables are late; the oldest is {oldest.name}, {silent}"
    threshold = f"twice {usual}, and too long for chance"
    return FEEDS.judge(not late.empty, measure, threshold, late.index)


def _stamp(day: int) -> pd.Timestamp:
    return pd.Timestamp(day, unit="D")


def _age(data: CustomerData, table: str, cut: int) -> tuple[float, float, bool] | None:
    contract, rows = CONTRACT[table], data.lazy(table)
    if contract.event:
        rows = rows.filter((nw.col("day") < cut) & (nw.col("known") < cut))
    signs = signs_of_life(read_changes(data.engine.collect, rows, contract), cut)
    if signs is None:
        return (np.inf, np.nan, contract.shows_end) if contract.event else None
    # days before as_of are over, so a row of yesterday is one day old
    return float(cut - int(signs.days[-1])), signs.usual().longest or 1.0, has_stopped(contract, signs, cut)
