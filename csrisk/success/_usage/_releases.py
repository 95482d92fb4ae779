"""Whether newly released features are taken up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from csrisk._days import Duration, whole_days
from csrisk._snapshots import at_data_end, seen
from csrisk._wilson import share_interval
from csrisk.success._usage._footprint import reach

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["release_adoption"]


def release_adoption(
    data: CustomerData, snapshots: Snapshots | None = None, *, window: Duration = "180D"
) -> pd.DataFrame:
    """Follow the features that were released lately: who has them, and who uses them.

    A feature is released on the ``known_at`` of the catalogue; features without one are as old as the product.

    Parameters
    ----------
    data : CustomerData
        The tables.
    snapshots : Snapshots, optional
        Who is seen when; by default the accounts that run at ``data.end``. Use one date, else accounts count twice.
    window : str or int, default "180D"
        How far back a release counts.

    Returns
    -------
    pandas.DataFrame
        One row per feature, the latest first: ``released``, ``accounts`` that have it, ``adopted`` by how many of them,
        the ``share`` with ``low`` and ``high`` (95 %, Wilson), and the median ``days_to_use`` of those that use it.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import release_adoption
    >>> release_adoption(make_saas(60, 12, seed=1).data()).columns.tolist()
    ['released', 'accounts', 'adopted', 'share', 'low', 'high', 'days_to_use']
    """
    snapshots = at_data_end(data, snapshots)
    days = whole_days(window, "window", minimum=1)
    has = reach(data, snapshots)
    fresh = has[has["since"] <= days] if len(has) else has
    first = seen(data, snapshots, "usage", ["feature"], window=days).groupby(["snapshot", "feature"])["age"].max()
    joined = fresh.merge(first.rename("first").reset_index(), on=["snapshot", "feature"], how="left")
    # use before the day of release is no negative wait
    joined["wait"] = (joined["since"] - joined["first"]).clip(lower=0).astype(float)
    out = joined.groupby("feature").agg(accounts=("first", "size"), adopted=("first", "count"), wait=("wait", "median"))
    known = pd.Series(dtype="datetime64[us]")
    if len(fresh):
        known = data.frame("features").groupby("feature")["known_at"].min()
    low, high = share_interval(out["adopted"].to_numpy(), out["accounts"].to_numpy())
    table = pd.DataFrame(
        {
            "released": known.reindex(out.index).dt.normalize(),
            "accounts": out["accounts"],
            "adopted": out["adopted"],
            "share": (out["adopted"] / out["accounts"]).astype(float),
            "low": low,
            "high": high,
            "days_to_use": out["wait"],
        }
    )
    return table.sort_values("released", ascending=False, kind="stable")
