"""Whose voice helps and whose hurts: whom to ask for a reference, and who speaks against us."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._snapshots import at_data_end, safe_and_happy, seen

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["voices_against", "whom_to_ask"]

_YEAR, _STALE = 365, 7


def whom_to_ask(
    data: CustomerData,
    position: pd.Series,
    risk: pd.Series,
    snapshots: Snapshots | None = None,
    *,
    happy_from: float = 0.6,
) -> pd.DataFrame:
    """List whom to ask for a reference: happy, likely to stay, not asked lately, and without a case that waits.

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

    Returns
    -------
    pandas.DataFrame
        The snapshots to ask, happiest first: ``position``, ``risk``, ``days_since_act`` (missing if never). Left out is
        whoever spoke for or against us, or declined to, within 365 days, whoever has a case open for more than 7 days,
        and whoever is at risk above the median.

    Raises
    ------
    ConfigError
        If position or risk are not on the index of the snapshots.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import happiness, whom_to_ask
    >>> data = make_saas(60, 12, seed=1).data()
    >>> position = happiness(data)["position"]
    >>> ask = whom_to_ask(data, position, pd.Series(0.1, index=position.index))
    >>> bool((ask["position"] >= 0.6).all())
    True
    """
    snapshots = at_data_end(data, snapshots)
    index = snapshots.index
    ready = safe_and_happy(snapshots, position, risk, happy_from)
    acts = seen(data, snapshots, "advocacy", ["sign", "stance"])
    cases = seen(data, snapshots, "contacts", ["resolved_at_day"], window=_YEAR)
    # in a table that never closes a case all of them would seem to wait
    waiting = cases[cases["resolved_at_day"].isna() & (cases["age"] > _STALE)] if _closes(data) else cases.iloc[:0]
    # who declined was asked too
    lately = acts[(acts["age"] <= _YEAR) & ((acts["sign"] != 0) | (acts["stance"] == "declined"))]
    busy = np.isin(np.arange(len(index)), pd.concat([lately["snapshot"], waiting["snapshot"]]).to_numpy(np.int64))
    last = acts.loc[acts["sign"] > 0].groupby("snapshot")["age"].min().reindex(range(len(index)))
    table = pd.DataFrame({"position": position, "risk": risk, "days_since_act": last.to_numpy(np.float64)}, index=index)
    chosen = table[ready & ~busy]
    return chosen.sort_values(["position", "risk"], ascending=[False, True], kind="stable")


def voices_against(data: CustomerData, snapshots: Snapshots | None = None, *, window: int = _YEAR) -> pd.DataFrame:
    """List who spoke against us.

    Parameters
    ----------
    data : CustomerData
        The tables.
    snapshots : Snapshots, optional
        Who is seen when; by default the accounts that run at ``data.end``.
    window : int, default 365
        Days to look back.

    Returns
    -------
    pandas.DataFrame
        The snapshots that did, latest first: ``times``, ``days_since`` the last time, and its ``kind``.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import voices_against
    >>> voices_against(make_saas(60, 12, seed=1).data()).columns.tolist()
    ['times', 'days_since', 'kind']
    """
    snapshots = at_data_end(data, snapshots)
    rows = seen(data, snapshots, "advocacy", ["sign", "kind"], window=window)
    # by age, so that the first kind is the latest one
    by_snapshot = rows[rows["sign"] < 0].sort_values("age", kind="stable").groupby("snapshot")
    table = by_snapshot.agg(times=("age", "size"), days_since=("age", "min"), kind=("kind", "first"))
    order = table.sort_values(["days_since", "times"], ascending=[True, False], kind="stable")
    return order.set_axis(snapshots.index[order.index.to_numpy(np.int64)])


def _closes(data: CustomerData) -> bool:
    return data.has("contacts", "resolved_at")
