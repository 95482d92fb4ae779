"""Velocity: how fast accounts adopt, against those that are customers for as long."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._days import Duration, whole_days
from csrisk._snapshots import at_data_end, seen
from csrisk._wilson import share_interval
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["velocity"]

_BANDS = (0, 90, 180, 365, 730)  # days of tenure at which a cohort begins


def velocity(
    data: CustomerData,
    snapshots: Snapshots | None = None,
    *,
    window: Duration = "90D",
    at_least: int = 10,
) -> pd.DataFrame:
    """Compare the pace of adoption of each account with its cohort: accounts of the same date and a like tenure.

    Pace is the number of features used in the window, of active days, and the growth of active days in the second half
    of the window over the first. Its place is the share of the cohort that is slower, ties counted half.

    Parameters
    ----------
    data : CustomerData
        The tables.
    snapshots : Snapshots, optional
        Who is seen when; by default the accounts that run at ``data.end``.
    window : str or int, default "90D"
        How far to look back.
    at_least : int, default 10
        Other accounts of the cohort below which nothing is said.

    Returns
    -------
    pandas.DataFrame
        On ``snapshots.index``: ``cohort`` (tenure in days, from the start of the account or, where it is not known, the
        first use), ``others`` (accounts compared with), and for each of ``features, active_days, growth`` the value and
        ``{name}_place`` in [0, 1] with ``_low`` and ``_high`` (95 %, Wilson); missing without use or cohort.

    Raises
    ------
    ConfigError
        If `at_least` is not positive.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import velocity
    >>> table = velocity(make_saas(60, 12, seed=1).data())
    >>> bool(table["features_place"].dropna().between(0, 1).all())
    True
    """
    if at_least < 1:
        raise ConfigError(f"at_least={at_least!r} must be 1 or more")
    snapshots = at_data_end(data, snapshots)
    days = whole_days(window, "window", minimum=2)
    rows = seen(data, snapshots, "usage", ["feature"], window=days)
    rows = rows.astype({"snapshot": "int64"})
    grouped = rows.groupby("snapshot")
    late = rows[rows["age"] <= days // 2].groupby("snapshot")["age"].nunique()
    active = grouped["age"].nunique().reindex(range(len(snapshots)))
    pace = pd.DataFrame(
        {
            "features": grouped["feature"].nunique().reindex(active.index).where(lambda used: used > 0),
            "active_days": active,
            # late less early, and early is active less late
            "growth": 2 * late.reindex(active.index).fillna(0.0).where(active.notna()) - active,
        }
    )
    tenure = _tenure(data, snapshots)
    dates = snapshots.index.get_level_values("as_of")
    # a band holds its first day
    band = np.searchsorted(_BANDS, tenure.to_numpy(), side="right") - 1
    known = tenure.notna().to_numpy()
    bands = pd.CategoricalDtype(_names(), ordered=True)
    cohort = pd.Series(pd.Categorical.from_codes(np.where(known, band, -1).tolist(), dtype=bands), index=active.index)
    keys = [pd.Series(dates, index=active.index), cohort]
    out = pd.DataFrame({"cohort": cohort, "others": 0})
    there = known & active.notna().to_numpy()
    sizes = active[there].groupby([key[there] for key in keys], observed=True).transform("size")
    out["others"] = (sizes - 1).reindex(out.index).fillna(0).astype("int64")
    enough = there & (out["others"] >= at_least).to_numpy()
    for name in ("features", "active_days", "growth"):
        out[name] = pace[name]
        out = out.join(_place(pace[name].where(enough), keys, name))
    return out.set_axis(snapshots.index)


def _place(values: pd.Series, keys: list[pd.Series], name: str) -> pd.DataFrame:
    """Share of the others that are lower, ties counted half: (mean rank - 1) / others."""
    grouped = values.groupby(keys, observed=True)
    others = grouped.transform("count").astype(float) - 1
    slower = grouped.rank(method="average") - 1
    low, high = share_interval(slower.to_numpy(), others.where(values.notna(), 0).to_numpy())
    place = slower / others.where(others > 0)
    columns = {f"{name}_place": place, f"{name}_place_low": low, f"{name}_place_high": high}
    return pd.DataFrame(columns, index=values.index)


def _tenure(data: CustomerData, snapshots: Snapshots) -> pd.Series:
    """Days since the account started, as far as it is known; else since its first use."""
    day = snapshots.index.get_level_values("as_of").to_numpy().astype("datetime64[D]").astype(np.int64)
    index = pd.RangeIndex(len(snapshots))
    first = seen(data, snapshots, "usage", []).groupby("snapshot")["age"].max().reindex(index)
    if not data.has("accounts", "started_at"):
        return first.astype(float)
    began = data.frame("accounts").set_index("account_id")["started_at"]
    started = began.reindex(snapshots.index.get_level_values("account_id")).to_numpy().astype("datetime64[D]")
    age = pd.Series(np.where(np.isnat(started), np.nan, day - started.astype(np.int64)).tolist(), index=index)
    # a start after the snapshot was not known then
    return age.where(age >= 0).fillna(first).astype(float)


def _names() -> list[str]:
    closed = [f"{low} to {high - 1}" for low, high in pairwise(_BANDS)]
    return [*closed, f"from {_BANDS[-1]}"]
