"""Relationship traps: what quietly undermines a relation, found by counting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._snapshots import at_data_end, seen
from csrisk._wilson import share_interval
from csrisk.features import Builder, Handovers, Invoices, People, build_features

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
    needs : str, optional
        Optional column that it reads, as `table.column`; the trap is not looked for where it has no value.

    Examples
    --------
    >>> from csrisk.success import TRAPS
    >>> TRAPS[0].name, TRAPS[0].at_least
    ('reactive', 4)
    """

    name: str
    measure: str
    threshold: float
    at_least: int
    next_step: str
    needs: str = ""

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


_SILENT = 45  # days of silence after which a person counts as gone
_YEAR = 365
_MAIN = 0.6  # share of the contacts from which one person is the main point of contact
TRAPS = (
    Trap("reactive", "share of contacts in 90 days that the customer began", 0.9, 4, "plan a proactive contact"),
    Trap("one_user", "share of use in 90 days by one person, of several", 0.6, 10, "train and meet further users"),
    Trap(
        "too_many_handlers",
        "people who handled contacts, per contact in 90 days",
        0.6,
        5,
        "name one owner who keeps the thread",
    ),
    Trap(
        "handler_lost",
        "days since the one who handled most contacts was seen with anybody",
        45,
        5,
        "introduce the successor of the one who knew them",
    ),
    Trap("champion_lost", "days of silence of the former top user", 45, 10, "find and win the successor"),
    Trap(
        "empty_meetings",
        "share of meetings in 180 days without agenda or outcome",
        0.5,
        2,
        "hold fewer meetings, with agenda and outcome",
    ),
    Trap(
        "asked_twice", "information asked again per contact in 90 days", 1.0, 3, "keep answers where all can see them"
    ),
    Trap("never_acted", "share of answers older than 30 days never acted upon", 0.8, 3, "act, and say what was done"),
    Trap(
        "asked_on", "surveys sent since an answer was last acted upon", 6, 6, "pause surveys until answers are acted on"
    ),
    Trap(
        "sponsor_silent",
        "days without contact with the sponsor or use by them",
        60,
        1,
        "call the sponsor",
        "people.role",
    ),
    Trap("disputed", "invoices objected to and open", 1, 1, "settle the disputed invoice", "invoices.disputed_at"),
    Trap("overdue", "days that the oldest open invoice is overdue", 30, 1, "ask why it is not paid", "invoices.due_at"),
    Trap(
        "asked_after_handover",
        "times asked again within 30 days after a handover, in 90 days",
        2,
        1,
        "hand over in writing what the team before knows",
        "contacts.team",
    ),
)
# traps that a feature measures: its column and the builder that makes it
_BY_FEATURE: dict[str, tuple[str, Builder]] = {
    "sponsor_silent": ("sponsor_silent_days", People()),
    "disputed": ("disputed_open", Invoices()),
    "overdue": ("overdue_days", Invoices()),
    "asked_after_handover": ("asked_after_handover_90d", Handovers()),
}


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
        On ``snapshots.index``, a boolean column for each trap of `TRAPS` but those whose optional column has no value;
        missing without enough evidence.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import relationship_traps, trap_summary
    >>> found = relationship_traps(make_saas(60, 12, seed=1).data())
    >>> trap_summary(found).columns.tolist()[:5]
    ['measure', 'threshold', 'accounts', 'of', 'share']
    """
    snapshots = at_data_end(data, snapshots)
    measured = {
        "reactive": _reactive(data, snapshots),
        **_users(data, snapshots),
        **_handlers(data, snapshots),
        "empty_meetings": _empty_meetings(data, snapshots),
        "asked_twice": _asked_twice(data, snapshots),
        **_loops(data, snapshots),
    }
    sought = [trap for trap in TRAPS if not trap.needs or data.has(*trap.needs.split("."))]
    measured |= _by_feature(data, snapshots, {trap.name for trap in sought})
    columns = {}
    for trap in sought:
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

    Examples
    --------
    >>> import csrisk as cr
    >>> from csrisk.success import relationship_traps, trap_summary
    >>> data = cr.load_demo()
    >>> found = relationship_traps(data, cr.Snapshots.at(data, "2025-10-01"))
    >>> list(trap_summary(found).columns)[:4]
    ['measure', 'threshold', 'accounts', 'of']
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


def _by_feature(data: CustomerData, snapshots: Snapshots, names: set[str]) -> dict[str, pd.DataFrame]:
    """Measure traps by features; one that is not known is no evidence, nothing overdue is 0 days."""
    found = {}
    for name in names.intersection(_BY_FEATURE):
        column, builder = _BY_FEATURE[name]
        X = build_features(data, snapshots, [builder], progress=False)
        value = X[column].reset_index(drop=True)
        if name == "overdue":
            # with an amount known and nothing overdue the age is missing, and 0 is meant
            value = value.where(value.notna() | X["overdue_amount"].reset_index(drop=True).isna(), 0.0)
        found[name] = pd.DataFrame({"value": value, "n": value.notna().astype("int64")})
    return found


def _mean(rows: pd.DataFrame, value: pd.Series) -> pd.DataFrame:
    """Mean per snapshot and the number of rows with a value."""
    grouped = value.astype("float64").groupby(rows["snapshot"])
    return pd.DataFrame({"value": grouped.mean(), "n": grouped.count()})


def _reactive(data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
    rows = seen(data, snapshots, "contacts", ["initiated_by"], window=90)
    by = rows["initiated_by"]
    return _mean(rows, (by == "customer").where(by.notna()))


def _handlers(data: CustomerData, snapshots: Snapshots) -> dict[str, pd.DataFrame]:
    """Too many points of contact, and the one main point of contact who is gone."""
    rows = seen(data, snapshots, "contacts", ["handler"], window=180).dropna(subset="handler")
    late = rows[rows["age"] <= 90].groupby("snapshot")["handler"].agg(["nunique", "size"])
    many = pd.DataFrame({"value": late["nunique"] / late["size"], "n": late["size"]})
    # who was the main point is told by the days before the silence
    before = rows[rows["age"] > _SILENT].groupby(["snapshot", "handler"]).size().rename("n").reset_index()
    shares = _largest(before)
    # the name decides between equals, so that the order of rows does not
    top = before.sort_values(["snapshot", "n", "handler"], kind="stable").drop_duplicates("snapshot", keep="last")
    top = top.set_index("snapshot").assign(share=shares["value"], n=shares["n"])
    # where nobody had most of the contacts there is no one to lose, which is known and not missing
    silent = _last_seen(data, snapshots, top["handler"]).where(top["share"] >= _MAIN, 0)
    return {"too_many_handlers": many, "handler_lost": pd.DataFrame({"value": silent, "n": top["n"]})}


def _last_seen(data: CustomerData, snapshots: Snapshots, handler: pd.Series) -> pd.Series:
    """Days since each handler was last seen with any account; all accounts count, not only those looked at."""
    if handler.empty:
        return pd.Series(dtype="float64")
    rows = data.lazy("contacts").select("handler", "day", "known").unique()
    days = data.engine.collect(rows).dropna(subset="handler")
    as_of = snapshots.index.get_level_values("as_of").to_numpy().astype("datetime64[D]").astype(np.int64)
    cut = pd.Series(as_of[handler.index.to_numpy(np.int64)], index=handler.index)
    silent = pd.Series(np.nan, index=handler.index)
    for day in cut.unique():
        # the rule of all evidence: dated and known strictly before the snapshot
        last = days[(days["day"] < day) & (days["known"] < day)].groupby("handler")["day"].max()
        here = cut == day
        # seen on the day before the snapshot is 0 days of silence
        silent[here] = day - 1 - handler[here].map(last).astype("float64")
    return silent


def _largest(counts: pd.DataFrame) -> pd.DataFrame:
    grouped = counts.groupby("snapshot")["n"]
    return pd.DataFrame({"value": grouped.max() / grouped.sum(), "n": grouped.sum()})


def _users(data: CustomerData, snapshots: Snapshots) -> dict[str, pd.DataFrame]:
    rows = seen(data, snapshots, "usage", ["user_id"], window=180).dropna(subset="user_id")
    late = rows[rows["age"] <= 90].groupby(["snapshot", "user_id"]).size().rename("n").reset_index()
    one_user = _largest(late)
    people = late.groupby("snapshot").size()
    # an account with one user cannot share its use out
    one_user = one_user[people.reindex(one_user.index) > 1]
    # The champion is the top user of the half year without its last 45 days, which a lost one spent in silence.
    before = rows[rows["age"] > 45].groupby(["snapshot", "user_id"]).size().rename("n").reset_index()
    top = before.sort_values(["snapshot", "n", "user_id"], kind="stable").drop_duplicates("snapshot", keep="last")
    silent = rows.groupby(["snapshot", "user_id"])["age"].min().rename("value").reset_index()
    total = before.groupby("snapshot")["n"].sum()
    lost = top.merge(silent, on=["snapshot", "user_id"], how="left").set_index("snapshot")
    return {"one_user": one_user, "champion_lost": pd.DataFrame({"value": lost["value"] - 1, "n": total})}


def _empty_meetings(data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
    rows = seen(data, snapshots, "contacts", ["has_agenda_or_outcome", "kind"], window=180)
    # without a kind, what says whether it had an agenda was a meeting
    rows = rows[rows["kind"].fillna("meeting") == "meeting"]
    return _mean(rows, 1 - rows["has_agenda_or_outcome"].astype("Float64"))


def _asked_twice(data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
    rows = seen(data, snapshots, "contacts", ["information_requests", "resolved_at_day"], window=90)
    # the number is final when the contact is resolved
    return _mean(rows, rows["information_requests"].where(rows["resolved_at_day"].notna()))


def _loops(data: CustomerData, snapshots: Snapshots) -> dict[str, pd.DataFrame]:
    """Answers that nobody acted upon, and surveys that went on all the same."""
    rows = seen(data, snapshots, "surveys", ["sent_at_day", "answered_at_day", "closed_at_day", "asked"])
    # what was answered late is young, however long ago it was asked
    waits = (rows["age"] + rows["sent_at_day"] - rows["answered_at_day"]).astype("float64")
    answers = rows[(waits > 30) & (waits <= _YEAR)]
    # feedback that came by itself was no survey sent
    asked = rows[(rows["asked"] == 1) & (rows["age"] <= _YEAR)]
    last = rows.groupby("snapshot")["closed_at_day"].max().reindex(asked["snapshot"]).to_numpy(np.float64)
    since = asked["sent_at_day"].to_numpy(np.float64) >= np.nan_to_num(last, nan=-np.inf)
    # without a column that says what was done, nobody can tell whether it was
    told = data.given("surveys", "acted_at") or data.given("surveys", "declined_at")
    by_snapshot = asked.assign(since=since).groupby("snapshot")["since"].agg(["sum", "size"])
    counted = pd.DataFrame({"value": by_snapshot["sum"].astype("float64"), "n": by_snapshot["size"]})
    found = {"never_acted": _mean(answers, answers["closed_at_day"].isna()), "asked_on": counted}
    return found if told else {name: table.iloc[:0] for name, table in found.items()}
