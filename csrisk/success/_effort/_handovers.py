"""Handovers: what happens when one team passes the account to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._days import Duration, whole_days
from csrisk._snapshots import at_data_end
from csrisk._wilson import share_interval
from csrisk.success._effort._journey import hard_contacts, sentiment_after

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["handovers"]

_SETTLING = 30 * 86_400  # seconds after a handover in which a question asked again is put down to it


def handovers(data: CustomerData, snapshots: Snapshots | None = None, *, window: Duration = "365D") -> pd.DataFrame:
    """Describe what followed when another team took over: asked again, effort and sentiment, by the two teams.

    A handover is a contact that another team took than the one before of the account. What follows are the contacts of
    the next 30 days with the new team, until the next handover; only those that were resolved are judged.

    Parameters
    ----------
    data : CustomerData
        The tables; contacts must say their ``team``.
    snapshots : Snapshots, optional
        Who is seen when; by default the accounts that run at ``data.end``. Use one date, else rows count repeatedly.
    window : str or int, default "365D"
        How far to look back.

    Returns
    -------
    pandas.DataFrame
        On (from_team, to_team), most asked again first: ``handovers``, ``accounts``, ``contacts`` that followed,
        ``resolved`` of them, ``asked_again`` (requests for information by resolved contact), ``hard_share`` with
        ``low`` and ``high`` (95 %, Wilson), ``sentiment`` with ``sentiment_low`` and ``sentiment_high`` and its
        ``answers``, as in `journey`. Empty without a team.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk import CustomerData
    >>> from csrisk.success import handovers
    >>> contacts = pd.DataFrame({"account_id": ["a", "a", "b"], "team": ["sales", "support", "sales"]})
    >>> contacts["opened_at"] = pd.to_datetime(["2025-01-01", "2025-01-20", "2025-02-01"])
    >>> accounts = pd.DataFrame({"account_id": ["a", "b"], "started_at": pd.to_datetime(["2024-01-01", "2024-02-01"])})
    >>> table = handovers(CustomerData({"contacts": contacts, "accounts": accounts}, end="2025-02-10"))
    >>> table.index.tolist(), table["handovers"].tolist()
    ([('sales', 'support')], [1])
    """
    snapshots = at_data_end(data, snapshots)
    rows = _after(hard_contacts(data, snapshots, whole_days(window, "window", minimum=1), "team"))
    keys = ["from_team", "to_team"]
    grouped = rows.groupby(keys)
    out = pd.DataFrame(
        {
            "handovers": grouped["passed"].sum(),
            "accounts": grouped["snapshot"].nunique(),
            "contacts": grouped.size(),
            "resolved": grouped["hard"].count(),
            # the mean passes over contacts that are open
            "asked_again": grouped["asked"].mean().astype("float64"),
            "hard": grouped["hard"].sum(),
        }
    )
    low, high = share_interval(out["hard"].to_numpy(), out["resolved"].to_numpy())
    out["hard_share"] = np.where(out["resolved"] > 0, out["hard"] / out["resolved"].clip(lower=1), np.nan)
    out = out.assign(low=low, high=high).drop(columns="hard")
    out = out.join(sentiment_after(data, snapshots, rows, keys))
    return out.sort_values("asked_again", ascending=False, kind="stable")


def _after(rows: pd.DataFrame) -> pd.DataFrame:
    """Contacts of the 30 days from a handover on, with the two teams."""
    rows = rows.dropna(subset="team")
    rows = rows.assign(team=rows["team"].astype(str).str.lower(), opened=rows["opened_at_second"].astype("int64"))
    # the team decides at equal times, so that the order of rows never does
    rows = rows.sort_values(["snapshot", "opened", "team"], kind="stable")
    before = rows.groupby("snapshot")["team"].shift()
    passed = before.notna() & (before != rows["team"])
    rows = rows.assign(passed=passed, from_team=before.where(passed), since=rows["opened"].where(passed))
    rows[["from_team", "since"]] = rows.groupby("snapshot")[["from_team", "since"]].ffill()
    # an open contact may still be asked again
    asked = rows["information_requests"].astype("float64").where(rows["resolved"].notna())
    rows = rows.assign(to_team=rows["team"], asked=asked)
    return rows[(rows["opened"] - rows["since"]) <= _SETTLING]
