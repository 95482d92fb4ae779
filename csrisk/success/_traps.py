"""Relationship traps: what quietly undermines a relation, found by counting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk.success._seen import at_data_end, seen, share_interval

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["TRAPS", "Trap", "relationship_traps", "trap_summary"]


@dataclass(frozen=True, slots=True)
class Trap:
    """One trap: when it counts as sprung, and what to do.

    Parameters
    ----------
    name : str
        Short name, also the column.
    measure : str
        What is measured, in words.
    threshold : float
        Sprung from this value on.
    at_least : int
        Rows of evidence below which nothing is said.
    next_step : str
        What to do.
    """

    name: str
    measure: str
    threshold: float
    at_least: int
    next_step: str

    def sprung(self, value: pd.Series, evidence: pd.Series) -> pd.Series:
        """Say where the trap is sprung.

        Parameters
        ----------
        value, evidence : pandas.Series
            The measure, and how many rows it rests on.

        Returns
        -------
        pandas.Series
            Boolean, missing without enough evidence.
        """
        known = (evidence.fillna(0) >= self.at_least) & value.notna()
        return (value >= self.threshold).astype("boolean").where(known)


TRAPS = (
    Trap("reactive", "share of contacts in 90 days that the customer began", 0.9, 4, "plan a proactive contact"),
    Trap("one_user", "share of use in 90 days by one person, of several", 0.6, 10, "train and meet further users"),
    Trap("one_handler", "share of contacts in 180 days handled by one person", 0.8, 5, "introduce a second contact"),
    Trap("champion_lost", "days of silence of the former top user", 45, 10, "find and win the successor"),
    Trap(
        "empty_meetings", "share of meetings in 180 days without agenda or outcome", 0.5, 2, "send agenda and outcome"
    ),
    Trap(
        "asked_twice", "information asked again per contact in 90 days", 1.0, 3, "keep answers where all can see them"
    ),
    Trap("never_acted", "share of answers older than 30 days never acted upon", 0.8, 3, "act, and say what was done"),
)


def relationship_traps(data: CustomerData, snapshots: Snapshots | None = None) -> pd.DataFrame:
    """Check each snapshot for relationship traps.

    Parameters
    ----------
    data : CustomerData
        The tables.
    snapshots : Snapshots, optional
        Who is seen when; by default the accounts that run at ``data.end``.

    Returns
    -------
    pandas.DataFrame
        On ``snapshots.index``, a boolean column for each trap of `TRAPS`; missing without enough evidence.

    Examples
    --------
    >>> from csrisk.data import make_saas
    >>> from csrisk.success import relationship_traps, trap_summary
    >>> found = relationship_traps(make_saas(60, 12, seed=1).data())
    >>> trap_summary(found).columns.tolist()[:5]
    ['measure', 'threshold', 'accounts', 'of', 'share']
    """
    snapshots = at_data_end(data, snapshots)
    measured = {
        "reactive": _reactive(data, snapshots),
        **_users(data, snapshots),
        "one_handler": _one_handler(data, snapshots),
        "empty_meetings": _empty_meetings(data, snapshots),
        "asked_twice": _asked_twice(data, snapshots),
        "never_acted": _never_acted(data, snapshots),
    }
    columns = {}
    for trap in TRAPS:
        table = measured[trap.name].reindex(range(len(snapshots)))
        columns[trap.name] = trap.sprung(table["value"], table["n"]).to_numpy()
    return pd.DataFrame(columns, index=snapshots.index).astype("boolean")


def trap_summary(found: pd.DataFrame) -> pd.DataFrame:
    """Count the accounts in each trap.

    Parameters
    ----------
    found : pandas.DataFrame
        As `relationship_traps` gives it.

    Returns
    -------
    pandas.DataFrame
        One row per trap, most frequent first: ``measure``, ``threshold``, ``accounts`` in the trap, ``of`` those with
        enough evidence, ``share`` with ``low`` and ``high`` (95 %, Wilson), ``next_step``.
    """
    rows = [trap for trap in TRAPS if trap.name in found]
    hits = np.array([int(found[trap.name].sum()) for trap in rows])
    n = np.array([int(found[trap.name].notna().sum()) for trap in rows])
    low, high = share_interval(hits, n)
    out = pd.DataFrame(
        {
            "measure": [trap.measure for trap in rows],
            "threshold": [trap.threshold for trap in rows],
            "accounts": hits,
            "of": n,
            "share": np.where(n > 0, hits / np.maximum(n, 1), np.nan),
            "low": low,
            "high": high,
            "next_step": [trap.next_step for trap in rows],
        },
        index=pd.Index([trap.name for trap in rows], name="trap"),
    )
    return out.sort_values("share", ascending=False, kind="stable")


def _mean(rows: pd.DataFrame, value: pd.Series) -> pd.DataFrame:
    """Mean per snapshot and the number of rows with a value."""
    grouped = value.astype("float64").groupby(rows["snapshot"])
    return pd.DataFrame({"value": grouped.mean(), "n": grouped.count()})


def _reactive(data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
    rows = seen(data, snapshots, "contacts", ["initiated_by"], window=90)
    by = rows["initiated_by"]
    return _mean(rows, (by == "customer").where(by.notna()))


def _one_handler(data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
    rows = seen(data, snapshots, "contacts", ["handler"], window=180).dropna(subset="handler")
    return _largest(rows.groupby(["snapshot", "handler"]).size().rename("n").reset_index())


def _largest(counts: pd.DataFrame) -> pd.DataFrame:
    grouped = counts.groupby("snapshot")["n"]
    return pd.DataFrame({"value": grouped.max() / grouped.sum(), "n": grouped.sum()})


def _users(data: CustomerData, snapshots: Snapshots) -> dict[str, pd.DataFrame]:
    rows = seen(data, snapshots, "usage", ["user_id"], window=180).dropna(subset="user_id")
    late = rows[rows["age"] <= 90].groupby(["snapshot", "user_id"]).size().rename("n").reset_index()
    one_user = _largest(late)
    people = late.groupby("snapshot").size()
    one_user = one_user[people.reindex(one_user.index) > 1]
    # The champion is the top user of the half year without its last 45 days, which a lost one spent in silence.
    before = rows[rows["age"] > 45].groupby(["snapshot", "user_id"]).size().rename("n").reset_index()
    top = before.sort_values(["snapshot", "n", "user_id"], kind="stable").drop_duplicates("snapshot", keep="last")
    silent = rows.groupby(["snapshot", "user_id"])["age"].min().rename("value").reset_index()
    total = before.groupby("snapshot")["n"].sum()
    lost = top.merge(silent, on=["snapshot", "user_id"], how="left").set_index("snapshot")
    return {"one_user": one_user, "champion_lost": pd.DataFrame({"value": lost["value"] - 1, "n": total})}


def _empty_meetings(data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
    rows = seen(data, snapshots, "contacts", ["has_agenda_or_outcome"], window=180)
    return _mean(rows, 1 - rows["has_agenda_or_outcome"].astype("Float64"))


def _asked_twice(data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
    rows = seen(data, snapshots, "contacts", ["information_requests", "resolved_at_day"], window=90)
    return _mean(rows, rows["information_requests"].where(rows["resolved_at_day"].notna()))


def _never_acted(data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
    rows = seen(data, snapshots, "surveys", ["answered_at_day", "closed_at_day"], window=365)
    rows = rows[(rows["age"] > 30) & rows["answered_at_day"].notna()]
    return _mean(rows, rows["closed_at_day"].isna())
