"""ContactEffort: how hard it is for the customer to get something done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np

from csrisk._goals import Goal
from csrisk.data._engines import exact, one, whole
from csrisk.features._families import _contacts
from csrisk.features._family import Family, Measure, check_windows, per
from csrisk.features._panel import _rollups
from csrisk.features._panel._past import Facts, Past, nothing, ratio, share_of_change

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ContactEffort", "users_active"]

STAGES = ("evaluate", "purchase", "implement", "learn", "use", "support", "renew")


@dataclass(frozen=True)
class ContactEffort(Family):
    """How hard it is for the customer to get something done.

    Parameters
    ----------
    windows : tuple of int, default (30, 90)
        Days looked back for the number of contacts.
    window : int, default 90
        Days looked back for everything else.
    repeat_days : tuple of int, default (7, 14)
        A contact within so many days after another is a repeat.
    stage_window : int, default 180
        Days looked back for contacts by stage of the journey.

    Raises
    ------
    FeatureError
        If a window is no positive whole number of days.

    Notes
    -----
    Without a contacts table, or before its first row was known, every feature is NaN; an account without a contact has
    0 contacts, and its shares are NaN. A repeat is a contact not begun by the vendor that follows an earlier one of the
    same account within the days given, or belongs to the same case; where both name their case, only the case counts.
    Transfers, handlers, reopenings and repeated requests for information are final when the case closes, and count
    from then: from ``resolved_at``, or from ``known_at`` where the table has no ``resolved_at``; a row without that
    time counts for none of them. They stay on the day of the resolution where that became known later. First contact
    resolution and effort: Dixon, Freeman and Toman, "Stop Trying to Delight Your Customers", Harvard Business Review,
    July 2010.

    Examples
    --------
    >>> from csrisk.features import ContactEffort
    >>> [feature.name for feature in ContactEffort().features][:2]
    ['contacts_30d', 'contacts_90d']
    """

    windows: tuple[int, ...] = (30, 90)
    window: int = 90
    repeat_days: tuple[int, ...] = (7, 14)
    stage_window: int = 180
    goal: ClassVar[Goal] = Goal.CHURN
    table: ClassVar[str] = "contacts"

    def __post_init__(self) -> None:
        check_windows(
            "ContactEffort",
            windows=self.windows,
            window=self.window,
            repeat_days=self.repeat_days,
            stage_window=self.stage_window,
        )

    def _measures(self) -> Iterator[Measure]:
        yield from self._opened()
        yield from self._repeats()
        yield from self._closed()
        yield from self._journey()

    def _opened(self) -> Iterator[Measure]:
        make, w = self._measure, self.window
        for days in self.windows:
            yield make(
                f"contacts_{days}d", "count", f"{{value}} contacts in {days} days", f"contacts_{days}", window=days
            )
        yield make(
            f"contacts_per_day_{w}d",
            "per day",
            f"{{value}} contacts a day over the days as a customer within {w} days",
            per("contacts", "exposure"),
            window=w,
        )
        yield make(
            f"contacts_per_user_{w}d",
            "per user",
            f"{{value}} contacts per person in {w} days",
            per("contacts", "users"),
            1,
            window=w,
        )
        yield make(
            "contacts_trend_30d",
            "ratio",
            "Contacts of the last 30 days against the 30 before: {value} on a scale from \u22121 to 1",
            lambda f: share_of_change(f["rate_1"], f["rate_2"]),
            1,
            window=60,
        )
        yield make(
            f"reactive_share_{w}d",
            "share",
            f"{{value}} of the contacts of {w} days begun by the customer, where stated",
            # contacts that do not state who began are in neither
            lambda f: ratio(f["reactive"], f["reactive"] + f["proactive"]),
            1,
            window=w,
        )
        yield make(
            f"proactive_contacts_{w}d", "count", f"{{value}} contacts by us in {w} days", "proactive", -1, window=w
        )
        yield make(
            f"self_service_first_share_{w}d",
            "share",
            f"Tried to help themselves before {{value}} of the contacts of {w} days, where stated",
            per("self_service", "self_service_stated"),
            window=w,
        )
        yield make(
            f"meetings_without_outcome_share_{w}d",
            "share",
            f"{{value}} of the meetings of {w} days without agenda or outcome, where stated",
            per("idle_meetings", "meetings"),
            1,
            window=w,
        )
        yield make(f"channels_{w}d", "count", f"{{value}} channels used in {w} days", "channels", 1, window=w)
        yield make("open_contacts", "count", "{value} contacts open", "open", 1)
        yield make("oldest_open_days", "days", "The oldest open contact waits for {value}", "oldest_open", 1)
        yield make("days_since_contact", "days", "Last contact {value} ago", "recency")

    def _repeats(self) -> Iterator[Measure]:
        make, w = self._measure, self.window
        for days in self.repeat_days:
            # the first span has the plain name
            suffix = "" if days == self.repeat_days[0] else f"_{days}"
            yield make(
                f"repeat{suffix}_contact_share_{w}d",
                "share",
                f"{{value}} of the contacts of {w} days not begun by us follow another "
                f"within {days} days or of the same case",
                per(f"repeats_{days}", "inbound"),
                1,
                window=w,
            )
        yield make(
            f"contacts_per_case_{w}d",
            "ratio",
            f"{{value}} contacts per case in {w} days",
            per("with_case", "cases"),
            1,
            window=w,
        )

    def _closed(self) -> Iterator[Measure]:
        make, w = self._measure, self.window
        yield make(f"transfers_{w}d", "count", f"Handed on {{value}} times in {w} days", "transfers", 1, window=w)
        yield make(
            f"transfers_per_contact_{w}d",
            "ratio",
            f"Handed on {{value}} times per contact closed in {w} days, where stated",
            per("transfers", "transfers_stated"),
            1,
            window=w,
        )
        yield make(f"handlers_{w}d", "count", f"{{value}} people dealt with them in {w} days", "handlers", 1, window=w)
        yield make(
            f"reopened_share_{w}d",
            "share",
            f"{{value}} of the contacts closed in {w} days were opened again, where stated",
            per("reopened", "reopened_stated"),
            1,
            window=w,
        )
        yield make(
            f"information_requests_{w}d",
            "count",
            f"Asked for information again {{value}} times in {w} days",
            "information",
            1,
            window=w,
        )
        yield make(
            f"hours_to_resolve_{w}d",
            "hours",
            f"{{value}} to resolve on average in {w} days",
            per("resolve_hours", "resolved"),
            1,
            window=w,
        )

    def _journey(self) -> Iterator[Measure]:
        w = self.stage_window
        for stage in STAGES:
            yield self._measure(
                f"contacts_{stage}_{w}d",
                "count",
                f"{{value}} contacts about {stage} not begun by us in {w} days",
                f"stage_{stage}",
                1,
                window=w,
            )

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past)
        if "contacts" not in past.data.tables:
            return facts
        facts.update(self._contact_facts(past))
        facts.update(self._case_facts(past))
        facts.update(self._closing_facts(past))
        facts.update(_open_facts(past))
        facts["users"] = users_active(past, self.window)
        facts["exposure"] = past.exposure(self.window, "contacts")
        first, both = past.exposure(30, "contacts"), past.exposure(60, "contacts")
        facts["rate_1"] = ratio(facts["third_1"], first)
        facts["rate_2"] = ratio(facts["third_2"], both - first)
        return facts

    def _contact_facts(self, past: Past) -> Facts:
        age = nw.col("age")
        inside = age <= self.window
        ours, theirs = nw.col("initiated_by") == "vendor", nw.col("initiated_by") == "customer"
        meeting = inside & (nw.col("kind") == "meeting")
        stated = ~nw.col("has_agenda_or_outcome").is_null()
        flags = {
            "contacts": inside,
            "third_1": age <= 30,
            "third_2": (age > 30) & (age <= 60),
            "reactive": inside & theirs,
            "proactive": inside & ours,
            "self_service": inside & nw.col("self_service_first"),
            "self_service_stated": inside & ~nw.col("self_service_first").is_null(),
            "meetings": meeting & stated,
            "idle_meetings": meeting & stated & ~nw.col("has_agenda_or_outcome"),
            "inbound": inside & nw.col("inbound"),
        }
        flags |= {f"contacts_{w}": age <= w for w in self.windows}
        flags |= {
            f"stage_{stage}": (age <= self.stage_window) & nw.col("inbound") & (nw.col("stage") == stage)
            for stage in STAGES
        }
        # one pass over contacts for all windows
        reach = max(*self.windows, self.window, self.stage_window, 60)
        seen = past.seen(past.rollups.get("contacts", _contacts.contacts), reach)
        sums = [whole(one(flag)).alias(name) for name, flag in flags.items()]
        facts = past.counts(seen.group_by("snapshot").agg(*sums), "contacts")
        # 0 is told only once the column itself held something
        needs = {"reactive": "initiated_by", "proactive": "initiated_by"}
        needs |= {f"stage_{stage}": "stage" for stage in STAGES}
        for name, column in needs.items():
            facts[name] = np.where(past.evidence("contacts", column), facts[name], np.nan)
        return facts

    def _case_facts(self, past: Past) -> Facts:
        facts: Facts = {}
        for days in self.repeat_days:
            rolled = past.rollups.get(f"repeats_{days}", _contacts.repeats(days))
            counted = past.seen(rolled, self.window).group_by("snapshot")
            facts |= past.counts(counted.agg(whole(nw.col("age") * 0 + 1).alias(f"repeats_{days}")), "contacts")
        seen = past.seen(past.rollups.get("contacts", _contacts.contacts), self.window)
        for column, name in (("case_id", "cases"), ("channel", "channels")):
            # grouped twice: the number of values and the number of their rows in one pass
            each = seen.filter(~nw.col(column).is_null()).group_by("snapshot", column)
            counted = each.agg(whole(nw.col("age") * 0 + 1).alias("n")).group_by("snapshot")
            number, rows = whole(nw.col("n") * 0 + 1).alias(name), whole(nw.col("n")).alias(f"{name}_rows")
            facts |= past.counts(counted.agg(number, rows), "contacts", column)
        facts["with_case"] = facts["cases_rows"]
        return facts

    def _closing_facts(self, past: Past) -> Facts:
        seen = past.seen(past.rollups.get("closings", _contacts.closings), self.window)
        sums = [
            nw.col("transfers").sum().alias("transfers"),
            nw.col("information_requests").sum().alias("information"),
            exact(nw.col("resolve_hours")).alias("resolve_hours"),
            whole(one(~nw.col("resolve_hours").is_null())).alias("resolved"),
            whole(one(nw.col("reopened"))).alias("reopened"),
            whole(one(~nw.col("reopened").is_null())).alias("reopened_stated"),
            whole(one(~nw.col("transfers").is_null())).alias("transfers_stated"),
        ]
        facts = past.counts(seen.group_by("snapshot").agg(*sums), "contacts")
        people = seen.filter(~nw.col("handler").is_null()).select("snapshot", "handler").unique()
        counted = people.group_by("snapshot").agg(whole(nw.col("snapshot") * 0 + 1).alias("handlers"))
        facts |= past.counts(counted, "contacts")
        since = past.rollups.get("closings", _contacts.closings)
        needs = {"transfers": "transfers", "information": "information_requests", "handlers": "handler"}
        for name, column in needs.items():
            # final values come later than the contacts: the evidence begins with the first closing
            first = _contacts.first_day(past, since, column)
            facts[name] = np.where(past.cut > first, facts[name], np.nan)
        return facts


def _open_facts(past: Past) -> Facts:
    """Contacts open at the snapshot, and how long ago the last one was; both look at the whole past."""
    seen = past.seen(past.rollups.get("unresolved", _contacts.unresolved))
    waiting = seen.filter(nw.col("resolved_at_day").is_null()).group_by("snapshot")
    age = nw.col("age")
    open_ = past.home(waiting.agg(whole(age * 0 + 1).alias("open"), age.max().alias("oldest_open")))
    # before anything was ever resolved, nobody can tell what is open
    open_["open"] = np.where(past.evidence("contacts", "resolved_at"), np.nan_to_num(open_["open"]), np.nan)
    open_["oldest_open"] = np.where(open_["open"] > 0, open_["oldest_open"], np.nan)
    days = past.rollups.get("contact_days", _contacts.contact_days)
    last = past.home(past.seen(days).group_by("snapshot").agg(age.min().alias("recency")))
    return open_ | last


def users_active(past: Past, window: int) -> Any:
    """People who used the product in a window."""
    if "usage" not in past.data.tables:
        return np.full(len(past.index), np.nan)
    # UsageDepth has counted them already where it ran before with this window
    if f"active_users_{window}" in past.shared:
        return past.shared[f"active_users_{window}"]
    seen = past.seen(past.rollups.get("usage_users", _rollups.usage_users), window)
    people = seen.select("snapshot", "user").unique().group_by("snapshot")
    return past.counts(people.agg(whole(nw.col("user") * 0 + 1).alias("users")), "usage", "user_id")["users"]
