"""Whether the tables still arrive: how old the newest row is, against the gaps that are usual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from csrisk.data import CustomerData

__all__ = ["feed_ages"]

_DATED = ("usage", "contacts", "surveys", "advocacy", "finance")
_PAST = 365
_FACTOR, _LEAST = 2, 7


def feed_ages(data: CustomerData, as_of: Any = None) -> pd.DataFrame:
    """Tell the age of the newest row of each dated table.

    Parameters
    ----------
    data : CustomerData
        The tables.
    as_of : date, optional
        Default is the end of the data. Rows that happened or became known from that day on are not there yet.

    Returns
    -------
    pandas.DataFrame
        Index table; ``days`` (from the newest row to `as_of`), ``usual`` (longest gap between days with rows within a
        year before that row), ``late``: more than a week, and more than twice the usual gap.

    Examples
    --------
    >>> from csrisk.data import make_saas
    >>> from csrisk.monitoring import feed_ages
    >>> bool(feed_ages(make_saas(60, 12, seed=1).data())["late"].any())
    False
    """
    cut = int((pd.Timestamp(data.end if as_of is None else as_of) - pd.Timestamp(0)).days)
    rows = {table: _age(data, table, cut) for table in _DATED if data.has(table)}
    found = pd.DataFrame.from_dict(rows, orient="index", columns=["days", "usual"]).rename_axis("table")
    return found.assign(late=(found["days"] > _LEAST) & (found["days"] > _FACTOR * found["usual"]))


def _age(data: CustomerData, table: str, cut: int) -> tuple[float, float]:
    rows = data.lazy(table).filter((nw.col("day") < cut) & (nw.col("known") < cut)).select("day").unique()
    days = np.sort(data.engine.collect(rows)["day"].to_numpy(dtype=np.int64))
    if not len(days):
        return np.inf, np.nan
    gaps = np.diff(days[days >= days[-1] - _PAST])
    # days before as_of are over, so a row of yesterday is one day old
    return float(cut - days[-1]), float(gaps.max()) if len(gaps) else 1.0
