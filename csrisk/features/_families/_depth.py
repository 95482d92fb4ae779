"""UsageDepth: how much, how often and by how many people the product is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from csrisk._goals import Goal
from csrisk.data._engines import whole
from csrisk.exceptions import FeatureError
from csrisk.features._families._relationship import seats_now
from csrisk.features._family import Family, Measure, check_windows, per
from csrisk.features._panel import _rollups
from csrisk.features._panel._past import Array, Facts, Past, nothing, ratio, share_of_change
from csrisk.features._panel._tally import (
    Count,
    Each,
    Largest,
    Newest,
    Oldest,
    Over,
    Sum,
    Total,
    seen_within,
    tally,
    tally_over,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["UsageDepth"]

_PACK = 4096  # longer than any window, so that count and age fit into one ordered number


@dataclass(frozen=True)
class UsageDepth(Family):
    """How much, how often and by how many people the product is used.

    Parameters
    ----------
    windows : tuple of int, default (7, 30, 90, 180)
        Days looked back for counts.
    half_life : int, default 30
        Days after which a use counts half in the decayed count.
    slope_days : int, default 84
        Days over which the trend line is fitted.

    Raises
    ------
    FeatureError
        If a window is no positive whole number of days, or 4096 and more.

    Notes
    -----
    Without a usage table, or before its first row was known, every feature is NaN. An account without use counts 0.
    A row of quantity 0 is no use: it shows that use was observed on its day, and adds nothing but its money, if any.
    Features of users need a ``user_id``, seat utilisation needs seats. Ratios with nothing below are NaN. Rates and
    trends divide by the days in which the account was a customer and use was recorded. Where the records begin after
    the account, the time to first use is unknown, and people are new only once the records are older than the window.
    The slope is the least-squares slope of daily counts over their mean, times 7: the relative change per week.

    Examples
    --------
    >>> from csrisk.features import UsageDepth
    >>> [feature.name for feature in UsageDepth(windows=(30,)).features][:3]
    ['events_30d', 'active_days_30d', 'active_users_30d']
    """

    windows: tuple[int, ...] = (7, 30, 90, 180)
    half_life: int = 30
    slope_days: int = 84
    goal: ClassVar[Goal] = Goal.FOOTPRINT
    table: ClassVar[str] = "usage"

    def __post_init__(self) -> None:
        check_windows("UsageDepth", windows=self.windows, half_life=self.half_life, slope_days=self.slope_days)
        if max(self.windows) >= _PACK:
            raise FeatureError(f"UsageDepth: windows={self.windows!r} must be shorter than {_PACK} days")

    def _measures(self) -> Iterator[Measure]:
        yield from self._counts()
        yield from self._rates()
        yield from self._trends()
        yield from self._people()

    def _counts(self) -> Iterator[Measure]:
        make = self._measure
        for w in self.windows:
            yield make(f"events_{w}d", "count", f"{{value}} records of use in {w} days", f"events_{w}", -1, window=w)
            yield make(f"active_days_{w}d", "days", f"In use on {{value}} of {w} days", f"days_{w}", -1, window=w)
            yield make(
                f"active_users_{w}d", "count", f"{{value}} people used it in {w} days", f"users_{w}", -1, window=w
            )
            yield make(f"quantity_{w}d", "count", f"{{value}} units of use in {w} days", f"quantity_{w}", -1, window=w)
            yield make(f"spend_{w}d", "money", f"Spent {{value}} in {w} days", f"value_{w}", -1, window=w)
        yield make("days_since_use", "days", "Last used {value} ago", "recency", 1)
        yield make(
            f"decayed_events_{self.half_life}d",
            "count",
            f"{{value}} records of use when one counts half after {self.half_life} days",
            "decayed",
            -1,
            window=self._longest,
        )

    def _rates(self) -> Iterator[Measure]:
        make, w = self._measure, self._long
        yield make(
            f"events_per_day_{w}d",
            "per day",
            f"{{value}} records of use a day over the days as a customer within {w} days",
            per("events_long", "exposure_long"),
            -1,
            window=w,
        )
        yield make(
            f"events_per_active_day_{w}d",
            "per day",
            f"{{value}} records of use on a day of use within {w} days",
            per("events_long", "days_long"),
            -1,
            window=w,
        )
        yield make(
            f"active_day_share_{w}d",
            "share",
            f"In use on {{value}} of the days as a customer within {w} days",
            per("days_long", "exposure_long"),
            -1,
            window=w,
        )
        w = self._longest
        yield make(f"use_gap_{w}d", "days", f"{{value}} between days of use within {w} days", "gap", 1, window=w)
        yield make(
            f"overdue_ratio_{w}d",
            "ratio",
            f"Silent for {{value}} times the usual gap within {w} days",
            per("recency", "gap"),
            1,
            window=w,
        )

    def _trends(self) -> Iterator[Measure]:
        make = self._measure
        yield make(
            "events_trend_30d",
            "ratio",
            "Use of the last 30 days against the 30 before: {value} on a scale from \u22121 to 1",
            lambda f: share_of_change(f["rate_1"], f["rate_2"]),
            -1,
            window=60,
        )
        yield make(
            "active_users_trend_30d",
            "ratio",
            "People in the last 30 days against the 30 before: {value} on a scale from \u22121 to 1",
            # people do not add up over days, so they are no rate; without days before there is nothing to compare
            lambda f: np.where(f["exposure_2"] > 0, share_of_change(f["users_now"], f["users_before"]), np.nan),
            -1,
            window=60,
        )
        yield make(
            "events_acceleration_30d",
            "ratio",
            "Change of the trend over three times 30 days: {value} on a scale from \u22122 to 1",
            lambda f: ratio(f["rate_1"] - 2 * f["rate_2"] + f["rate_3"], f["rate_1"] + f["rate_2"] + f["rate_3"]),
            window=90,
        )
        yield make(
            f"events_slope_{self.slope_days}d",
            "slope",
            f"Use changed by {{value}} of its mean a week over {self.slope_days} days",
            "slope",
            -1,
            window=self.slope_days,
        )
        yield make("days_to_first_use", "days", "First used {value} after the start", "first_value", 1)

    def _people(self) -> Iterator[Measure]:
        make, w = self._measure, self._long
        yield make(
            "stickiness_30d",
            "share",
            "On a day, {value} of the people of the last 30 days",
            # daily over monthly users, each over the days that were recorded: user days / (users x days)
            lambda f: ratio(f["user_days_30"], f["users_now"] * f["exposure_1"]),
            -1,
            window=30,
        )
        yield make(
            "events_per_user_30d",
            "per user",
            "{value} records of use per person in 30 days",
            per("user_events_30", "users_now"),
            -1,
            window=30,
        )
        yield make(
            "seat_utilisation_30d",
            "share",
            "{value} of the seats in use in 30 days",
            per("users_now", "seats"),
            -1,
            window=30,
        )
        yield make("new_users_30d", "count", "{value} people new in 30 days", "new_users", -1, window=30)
        yield make(
            "lost_users_30d", "count", "{value} people of the 60 days before silent for 30", "lost_users", 1, window=90
        )
        yield make(
            "user_retention_30d",
            "share",
            "{value} of the people of the 60 days before still there in the last 30",
            lambda f: 1 - ratio(f["lost_users"], f["earlier_users"]),
            -1,
            window=90,
        )
        yield make(
            f"top_user_share_{w}d",
            "share",
            f"{{value}} of the records of use by one person within {w} days",
            per("top_events", "user_events_long"),
            1,
            window=w,
        )
        yield make(
            f"top_user_silent_days_{self._longest}d",
            "days",
            f"The most active person of {self._longest} days was last seen {{value}} ago",
            "top_silent",
            1,
            window=self._longest,
        )

    @property
    def _longest(self) -> int:
        return max(self.windows)

    @property
    def _long(self) -> int:
        """The window of rates: 90 days, or the longest below."""
        return max((w for w in self.windows if w <= 90), default=min(self.windows))

    def _facts(self, past: Past) -> Facts:
        if "usage" not in past.data.tables:
            return nothing(past)
        facts = self._day_facts(past) | self._user_facts(past)
        facts["seats"] = seats_now(past)
        exposures = [past.exposure(window, "usage") for window in (30, 60, 90)]
        facts["exposure_1"] = exposures[0]
        facts["exposure_2"] = exposures[1] - exposures[0]
        for third, (low, window) in enumerate(zip((0, 30, 60), exposures, strict=True), start=1):
            facts[f"rate_{third}"] = ratio(facts[f"third_{third}"], window - low)
        facts["exposure_long"] = past.exposure(self._long, "usage")
        facts["slope"] = _slope(facts, past.exposure(self.slope_days, "usage"))
        # n days of use have n - 1 gaps between the first and the last
        facts["gap"] = ratio(facts["oldest"] - facts["newest"], facts[f"days_{self._longest}"] - 1)
        return facts

    def _day_facts(self, past: Past) -> Facts:
        # trends look back 90 days, also where the windows are shorter
        reach = max(self._longest, 90, self.slope_days)
        rolled = past.rollups.get("usage_days", _rollups.usage_days, ("account", "day", "known"))
        each: dict[str, Each] = {}
        for w in self.windows:
            each[f"events_{w}"] = Sum("n", w)
            each[f"days_{w}"] = Sum("first", w)
            each[f"quantity_{w}"] = Sum("quantity", w, of_floats=True)
        for third in (1, 2, 3):
            each[f"third_{third}"] = Sum("n", 30 * third, low=30 * (third - 1))
        each["line_n"] = Sum("n", self.slope_days)
        each["line_age"] = Sum("n", self.slope_days, times_age=True)
        each["decayed"] = Sum("n", self._longest, half_life=self.half_life)
        each["newest"], each["oldest"] = Newest(self._longest), Oldest(self._longest)
        each["any"] = Sum("n", reach)
        money: dict[str, Each] = {f"value_{w}": Sum("value", w, of_floats=True) for w in self.windows}
        # money of rows that are no use needs a roll-up of its own; without any, one pass gives both
        if past.rollups.idle_money:
            by_day = ("account", "day", "known")
            facts = tally(past, rolled, each)
            facts |= tally(past, past.rollups.get("money_days", _rollups.money_days, by_day), money)
        else:
            facts = tally(past, rolled, each | money)
        facts |= self._from_the_past(past, facts["newest"], rolled)
        return self._filled(past, facts)

    def _from_the_past(self, past: Past, newest: Array, rolled: nw.LazyFrame[Any]) -> Facts:
        """Recency and first use, which look further back than any window.

        Only snapshots without use in the window look at their whole past: those with use need not.
        """
        silent = np.flatnonzero(np.isnan(newest))
        recency = newest.copy()
        if len(silent):
            chosen = past.data.engine.from_pandas(pd.DataFrame({"snapshot": silent.astype(np.int64)}))
            pairs = past.pairs.join(chosen, on="snapshot", how="inner")
            ages = past.seen(rolled.select("account", "day", "known"), pairs=pairs)
            found = past.home(ages.group_by("snapshot").agg(nw.col("age").min()))["age"]
            recency = np.where(np.isnan(recency), found, recency)
        first = past.seen(past.rollups.get("use_firsts", _rollups.use_firsts)).group_by("snapshot")
        first_age = past.home(first.agg(nw.col("age").max()))["age"]
        # where the records began after the account, its first use may lie before them
        from_the_start = past.tenure <= past.cut - past.since("usage")
        return {"recency": recency, "first_value": np.where(from_the_start, past.tenure - first_age, np.nan)}

    def _filled(self, past: Past, facts: Facts) -> Facts:
        there = past.evidence("usage")
        with_value = past.evidence("usage", "value")
        for name in facts:
            if name.startswith("value_"):
                facts[name] = np.where(with_value, np.nan_to_num(facts[name]), np.nan)
            # without the column there are no units, and a sum of nothing would be 0
            elif name.startswith("quantity_") and not past.data.has("usage", "quantity"):
                facts[name] = np.full(len(there), np.nan)
            # an age is no count: 0 days since the last use would be the opposite of none
            elif name not in ("newest", "oldest", "recency", "first_value"):
                facts[name] = np.where(there, np.nan_to_num(facts[name]), np.nan)
        facts["events_long"], facts["days_long"] = facts[f"events_{self._long}"], facts[f"days_{self._long}"]
        return facts

    def _user_facts(self, past: Past) -> Facts:
        rolled = past.rollups.get("usage_users", _rollups.usage_users)
        facts = past.filled(tally_over(past, rolled, "user", self._per_user(), self._over_users()), "usage", "user_id")
        # contacts per person ask for the same counts
        past.shared |= {f"active_users_{w}": facts[f"users_{w}"] for w in self.windows}
        top = facts.pop("top_key")
        # count and age of the most active person in one number: more uses first, then the one seen more recently
        age = np.ceil(top / _PACK) * _PACK - top
        facts["top_silent"] = np.where(top > 0, age, np.nan)
        fresh = past.seen(past.rollups.get("user_firsts", _rollups.user_firsts), 30)
        new = fresh.group_by("snapshot").agg(whole(nw.col("age") * 0 + 1).alias("new_users"))
        found = past.counts(new, "usage", "user_id")["new_users"]
        facts["new_users"] = np.where(past.fresh(30, "usage", "user_id"), found, np.nan)
        return facts

    def _per_user(self) -> dict[str, Each]:
        return {
            "newest": Newest(max(self._longest, 90)),
            "n_30": Sum("n", 30),
            "days_30": Sum("first", 30),
            "n_long": Sum("n", self._long),
            "n_longest": Sum("n", self._longest),
            "n_earlier": Sum("n", 90, low=30),
            "n_before": Sum("n", 60, low=30),
        }

    def _over_users(self) -> dict[str, Over]:
        return {
            **{f"users_{w}": seen_within(w) for w in self.windows},
            "users_now": seen_within(30),
            "users_before": Count(lambda of: of["n_before"] > 0),
            "earlier_users": Count(lambda of: of["n_earlier"] > 0),
            "lost_users": Count(lambda of: (of["n_earlier"] > 0) & (of["newest"] > 30)),
            "user_days_30": Total("days_30"),
            "user_events_30": Total("n_30"),
            "user_events_long": Total("n_long"),
            "top_events": Largest("n_long"),
            "top_key": Largest(lambda of: of["n_longest"] * _PACK - of["newest"]),
        }


def _slope(facts: Facts, days: Array) -> Array:
    """Slope of daily counts over their mean, per week, by least squares on days 1 to E: E is the exposure.

    ``12 ((E + 1) / 2 - mean age) / (E^2 - 1)`` per day; NaN below two weeks or without use.
    """
    # the age grows into the past, so a rise of use makes the mean age smaller
    mean_age = ratio(facts["line_age"], facts["line_n"])
    days = np.where(days >= 14, days, np.nan)
    slope: Array = 7 * 12 * ((days + 1) / 2 - mean_age) / (days**2 - 1)
    return slope
