"""Time to churn: the label of survival, in which what was not seen to the end is censored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._days import Duration, whole_days
from csrisk._labelling._outcomes import Contracts, Window, evidence_of, last_use
from csrisk._labelling._windows import Kind, end_of, kind_of, positions
from csrisk.exceptions import LabelError

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["label_time_to_churn"]


def label_time_to_churn(
    data: CustomerData,
    snapshots: Snapshots,
    *,
    kind: Kind = "auto",
    grace: Duration = "30D",
    look_back: Duration = "180D",
    silent: Duration | None = None,
    only_known: bool = False,
) -> pd.DataFrame:
    """Give the time from ``as_of`` to churn, or to the last day on which the account is known to have stayed.

    Days are counted from ``as_of`` (whatever the lead) to the end of the day of churn. So with a lead of 0 contract
    churn within a horizon is the same as ``event & (duration <= horizon)``.

    Parameters
    ----------
    data : CustomerData
    snapshots : Snapshots
        A horizon is not needed.
    kind, grace, look_back
        As for `label_churn`. A contract that ended less than the grace before the end of the data is censored there.
    silent : int or str, optional
        Inactivity: so many days without use are churn, on the first of them. Default: the horizon of the snapshots.
    only_known : bool, default False
        Leave out the snapshots that are missing, so that plain int64 and bool go to a library for survival; take the
        rows of X with ``X.loc[y.index]``.

    Returns
    -------
    pandas.DataFrame
        duration (Int64, at least 1) and event (boolean), index of the snapshots. Missing where the account was not at
        risk at ``as_of``, or nothing was observed after it; with `only_known` int64 and bool of the others.

    Raises
    ------
    LabelError
        If the data hold no evidence for the label.

    Examples
    --------
    >>> import pandas as pd
    >>> import csrisk as cr
    >>> subscriptions = pd.DataFrame({
    ...     "account_id": ["less", "less", "left"],
    ...     "start_at": ["2025-01-01", "2025-03-10", "2025-01-01"],
    ...     "end_at": ["2025-03-10", None, "2025-03-20"],
    ...     "mrr": [100, 80, 100],
    ... })
    >>> data = cr.CustomerData({"subscriptions": subscriptions}, end="2025-06-01")
    >>> past = cr.Snapshots.at(data, "2025-03-01", horizon="30D")
    >>> cr.label_time_to_churn(data, past).droplevel("as_of").T.to_dict()
    {'left': {'duration': 20, 'event': True}, 'less': {'duration': 92, 'event': False}}
    """
    account, cut = positions(data, snapshots)
    chosen = kind_of(data, kind)
    table = evidence_of(data, chosen)
    until = np.full(len(cut), end_of(data, snapshots, table))
    for opens, closes in reversed(data.holes.get(table, ())):
        # silence in a hole is no churn: each account is followed to the next one
        until[cut < closes] = np.minimum(until[cut < closes], opens)
    duration, event, missing = np.zeros_like(cut), np.zeros(len(cut), dtype=bool), np.ones(len(cut), dtype=bool)
    # each stop has a knowledge of its own: an end that was told after it does not exist
    for stop in np.unique(until):
        some = until == stop
        if chosen == "contract":
            known = Contracts.read(data, int(stop), whole_days(grace, "grace"))
            found = known.last_day(account[some], cut[some], int(stop))
        else:
            quiet = Window(account[some], cut[some], 0, _quiet(snapshots, silent), int(stop))
            found = last_use(data, quiet, whole_days(look_back, "look_back", minimum=1))
        # the day of churn counts in full, a day of censoring was not seen any more
        duration[some], event[some] = found.day - cut[some] + found.event, found.event
        missing[some] = ~found.at_risk
    missing |= duration < 1
    if only_known:
        known_rows = {"duration": duration[~missing], "event": event[~missing]}
        return pd.DataFrame(known_rows, index=snapshots.index[~missing])
    columns = {
        "duration": pd.arrays.IntegerArray(duration, mask=missing),
        # with one mask for both, a change of one column would show in the other
        "event": pd.arrays.BooleanArray(event, mask=missing.copy()),
    }
    return pd.DataFrame(columns, index=snapshots.index)


def _quiet(snapshots: Snapshots, silent: Duration | None) -> int:
    length = snapshots.horizon if silent is None else silent
    if length is None:
        raise LabelError(
            "silent=None: say how many days without use are churn, silent='90D', or give snapshots a horizon"
        )
    return whole_days(length, "silent", minimum=1)
