"""Where there is room to grow: seats that are all in use and products next door, for the safe and happy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._snapshots import at_data_end, safe_and_happy, seen
from csrisk._text import number, percent
from csrisk.success._usage._footprint import co_adoption

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["growth_advice"]

_FULL = 0.95
_NOW, _LATELY = 30, 90


def growth_advice(
    data: CustomerData,
    position: pd.Series,
    risk: pd.Series,
    snapshots: Snapshots | None = None,
    *,
    happy_from: float = 0.6,
    full_from: float = _FULL,
) -> pd.DataFrame:
    """Say what to offer to whom: seats where they are all in use, a product that goes with those they have.

    Only accounts that are happy and at risk below the median get a step: who is about to leave is kept first.

    Parameters
    ----------
    data : CustomerData
        The tables.
    position : pandas.Series
        Position on the happiness continuum, on ``snapshots.index``.
    risk : pandas.Series
        Probability of churn, on the same index.
    snapshots : Snapshots, optional
        Who is seen when; by default the accounts that run at ``data.end``.
    happy_from : float, default 0.6
        Position from which a customer counts as happy.
    full_from : float, default 0.95
        Share of seats in use from which more are offered.

    Returns
    -------
    pandas.DataFrame
        On ``snapshots.index``: ``users`` of 30 days, ``seats`` under contract (missing where a contract that runs
        states none), ``seat_utilisation``, ``over_days`` of the last 90 on which more people used it than there are
        seats, ``ready`` (safe and happy), ``offer`` ("seats", a product, or missing) and ``reason``.

    Raises
    ------
    ConfigError
        If position or risk are not on the index of the snapshots.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import growth_advice, happiness
    >>> data = make_saas(60, 12, seed=1).data()
    >>> position = happiness(data)["position"]
    >>> advice = growth_advice(data, position, pd.Series(0.1, index=position.index))
    >>> bool(advice.loc[advice["offer"].notna(), "ready"].all())
    True
    """
    snapshots = at_data_end(data, snapshots)
    index = snapshots.index
    ready = safe_and_happy(snapshots, position, risk, happy_from)
    table = _seats(data, snapshots).set_axis(index).assign(ready=ready)
    full = ((table["seat_utilisation"] >= full_from) | (table["over_days"] > 0)).fillna(value=False).to_numpy(bool)
    offer, reason = np.full(len(index), None, dtype=object), np.full(len(index), None, dtype=object)
    for at, (product, words) in _next_door(data, snapshots).items():
        offer[at], reason[at] = product, words
    # after the products, so that full seats come first
    for at in np.flatnonzero(full).tolist():
        row = table.iloc[at]
        words = f"{percent(row['seat_utilisation'], 0)} of {number(row['seats'], 0)} seats in use in {_NOW} days"
        over = (
            f", more people than seats on {number(row['over_days'], 0)} of {_LATELY} days"
            if row["over_days"] > 0
            else ""
        )
        offer[at], reason[at] = "seats", words + over
    # who is unhappy or about to leave is sold nothing
    offer[~table["ready"]], reason[~table["ready"]] = None, None
    return table.assign(offer=offer, reason=reason)


def _seats(data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
    at = range(len(snapshots))
    uses = seen(data, snapshots, "usage", ["user_id"], window=_LATELY).dropna(subset="user_id")
    users = uses[uses["age"] <= _NOW].groupby("snapshot")["user_id"].nunique().reindex(at).astype("float64")
    held = seen(data, snapshots, "subscriptions", ["seats", "end_at_day"])
    held = held[held["end_at_day"].isna()]
    counts = held["seats"].astype("float64").groupby(held["snapshot"])
    # one contract that states none makes the sum unknown
    seats = counts.sum().where(counts.count() == counts.size()).reindex(at)
    # no seats under contract cannot be full
    seats = seats.where(seats > 0)
    daily = uses.groupby(["snapshot", "age"])["user_id"].nunique().reset_index()
    above = daily["user_id"] > daily["snapshot"].map(seats)
    over = above.astype("float64").groupby(daily["snapshot"]).sum().reindex(at).where(seats.notna())
    return pd.DataFrame({"users": users, "seats": seats, "seat_utilisation": users / seats, "over_days": over})


def _next_door(data: CustomerData, snapshots: Snapshots) -> dict[int, tuple[str, str]]:
    """For each snapshot the product it does not use that goes best with one it uses, beyond chance."""
    if not data.has("usage", "product"):
        return {}
    pairs = co_adoption(data, snapshots)
    # beyond chance: the whole interval of the lift lies above 1
    pairs = pairs[pairs["low"] > 1].assign(rank=lambda table: range(len(table)))
    rows = seen(data, snapshots, "usage", ["product"], window=_LATELY).dropna(subset="product")
    used = rows[["snapshot", "product"]].drop_duplicates()
    used = used.assign(product=used["product"].astype(str))
    found = used.merge(pairs, left_on="product", right_on="given")
    theirs = found.merge(used, left_on=["snapshot", "then"], right_on=["snapshot", "product"], how="left")
    best = found[theirs["product_y"].isna().to_numpy()].sort_values(["snapshot", "rank"]).drop_duplicates("snapshot")
    return {
        int(row["snapshot"]): (
            str(row["then"]),
            f"{number(row['accounts'], 0)} of {number(row['of'], 0)} accounts with {row['given']} use it too",
        )
        for row in best.to_dict("records")
    }
