"""Support: how severe the cases are, what they come from, and whether agreed times are kept; meetings missed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np

from csrisk._goals import Goal
from csrisk.data._engines import exact, one, whole
from csrisk.features._families import _contacts
from csrisk.features._families._effort import users_active
from csrisk.features._family import Family, Measure, check_windows, per
from csrisk.features._panel._past import Facts, Past, nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.features._panel._rollups import Rollups

__all__ = ["Meetings", "SupportCases"]

Lazy = nw.LazyFrame[Any]
_DAY = 86_400
_SEVERE = 2
# direction: many questions may be a good sign, see the article of Sourcegraph on its score
_CAUSES = {"defect": ("defects", 1), "question": ("questions", 0), "outage": ("outages", 1)}


@dataclass(frozen=True)
class SupportCases(Family):
    """How severe the cases are, what they come from, and whether agreed times are kept.

    Parameters
    ----------
    window : int, default 90
        Days looked back.

    Raises
    ------
    FeatureError
        If the window is no positive whole number of days.

    Notes
    -----
    Reads ``severity``, ``cause`` and ``due_at`` of the contacts; a feature whose column is not there is NaN. Severe are
    1 and 2. A cause is found out, so it counts from the day on which the contact was closed. An agreed time is missed
    where the contact was resolved later, or not at all by the snapshot; a date without clock stands for its whole day.

    Examples
    --------
    >>> from csrisk.features import SupportCases
    >>> [feature.name for feature in SupportCases().features][:2]
    ['open_severe', 'defects_90d']
    """

    window: int = 90
    goal: ClassVar[Goal] = Goal.CHURN
    reads: ClassVar[tuple[str, ...]] = ("contacts.severity", "contacts.cause", "contacts.due_at")

    def __post_init__(self) -> None:
        check_windows("SupportCases", window=self.window)

    def _measures(self) -> Iterator[Measure]:
        make, w = self._measure, self.window
        yield make("open_severe", "count", "{value} severe contacts open", "severe", 1)
        for cause, (name, direction) in _CAUSES.items():
            words = f"{{value}} contacts closed in {w} days came from a{'n' * (cause == 'outage')} {cause}"
            yield make(f"{name}_{w}d", "count", words, cause, direction, window=w)
        missed = f"{{value}} of the times agreed for {w} days missed"
        yield make(f"sla_missed_share_{w}d", "share", missed, per("missed", "due"), 1, window=w)

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past)
        if "contacts" not in past.data.tables:
            return facts
        waiting = past.seen(past.rollups.get("severe", _severe)).filter(nw.col("resolved_at_day").is_null())
        severe = waiting.group_by("snapshot").agg(whole(nw.col("age") * 0 + 1).alias("severe"))
        facts.update(past.counts(severe, "contacts", "severity", "resolved_at"))
        closed = past.seen(past.rollups.get("causes", _causes), self.window)
        sums = [whole(one(nw.col("cause") == cause)).alias(cause) for cause in _CAUSES]
        facts.update(past.counts(closed.group_by("snapshot").agg(*sums), "contacts", "cause"))
        due = past.seen(past.rollups.get("agreed", _agreed), self.window)
        resolved = nw.col("resolved_at_second")
        missed = one(resolved.is_null() | (resolved > nw.col("limit")))
        row = due.group_by("snapshot").agg(whole(missed).alias("missed"), whole(nw.col("age") * 0 + 1).alias("due"))
        facts.update(past.counts(row, "contacts", "due_at"))
        facts["missed"] = np.where(past.evidence("contacts", "resolved_at"), facts["missed"], np.nan)
        return facts


@dataclass(frozen=True)
class Meetings(Family):
    """How many meetings the customer missed and, where asked for, how many hours meetings took.

    Parameters
    ----------
    window : int, default 180
        Days looked back for meetings missed.
    hours : int, optional
        Days looked back for hours of meetings by active user. It needs no column of its own and is not among the
        default features, as it did not help on the demo.

    Raises
    ------
    FeatureError
        If a window is no positive whole number of days.

    Notes
    -----
    Reads ``attended`` of contacts of kind meeting; hours are those from ``opened_at`` to ``resolved_at``.

    Examples
    --------
    >>> from csrisk.features import Meetings
    >>> [feature.name for feature in Meetings(hours=90).features]
    ['meetings_missed_share_180d', 'meeting_hours_per_user_90d']
    """

    window: int = 180
    hours: int | None = None
    goal: ClassVar[Goal] = Goal.CHURN
    reads: ClassVar[tuple[str, ...]] = ("contacts.attended",)

    def __post_init__(self) -> None:
        # None is allowed for hours alone
        hours = {} if self.hours is None else {"hours": self.hours}
        check_windows("Meetings", window=self.window, **hours)

    def _measures(self) -> Iterator[Measure]:
        w, h = self.window, self.hours
        missed = f"{{value}} of the meetings of {w} days missed, where stated"
        yield self._measure(f"meetings_missed_share_{w}d", "share", missed, per("missed", "stated"), 1, window=w)
        if h:
            took = f"{{value}} hours of meetings per person in {h} days"
            yield self._measure(
                f"meeting_hours_per_user_{h}d", "per user", took, per("meeting_hours", "users"), 1, window=h
            )

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past)
        if "contacts" not in past.data.tables:
            return facts
        seen, came = past.seen(past.rollups.get("meetings", _meetings), self.window), nw.col("attended")
        sums = [whole(one(~came)).alias("missed"), whole(one(~came.is_null())).alias("stated")]
        facts.update(past.counts(seen.group_by("snapshot").agg(*sums), "contacts", "attended"))
        if self.hours:
            over = past.seen(past.rollups.get("meeting_closings", _held), self.hours)
            took = over.group_by("snapshot").agg(exact(nw.col("resolve_hours")).alias("meeting_hours"))
            facts.update(past.counts(took, "contacts", "resolved_at"))
            facts["users"] = users_active(past, self.hours)
        return facts


def _severe(rollups: Rollups) -> Lazy:
    """Severe contacts that some snapshot may see open."""
    resolved = nw.col("resolved_at_day")
    rows = rollups.data.lazy("contacts").filter(nw.col("severity") <= _SEVERE)
    return rows.filter(resolved.is_null() | (resolved > nw.col("known"))).select(
        "account", "day", "known", "resolved_at_day"
    )


def _causes(rollups: Rollups) -> Lazy:
    return _contacts.closed(rollups, nw.col("cause").str.to_lowercase())


def _agreed(rollups: Rollups) -> Lazy:
    """Contacts by the day until which they were to be resolved."""
    due, second = nw.col("due_at_day"), nw.col("due_at_second")
    whole_day = second == due * _DAY
    # midnight is what a date without clock becomes, and a case resolved that afternoon was in time
    limit = nw.when(whole_day).then(second + _DAY - 1).otherwise(second).alias("limit")
    rows = rollups.data.lazy("contacts").filter(~due.is_null())
    # dated on the due day: the window is about what fell due in it
    return rows.select("account", due.alias("day"), "known", limit, "resolved_at_second")


def _meetings(rollups: Rollups) -> Lazy:
    rows = rollups.data.lazy("contacts").filter(nw.col("kind").str.to_lowercase() == "meeting")
    return rows.select("account", "day", "known", "attended")


def _held(rollups: Rollups) -> Lazy:
    rows = _contacts.closed(rollups, nw.col("kind").str.to_lowercase(), nw.col("resolve_hours"))
    return rows.filter(nw.col("kind") == "meeting")
