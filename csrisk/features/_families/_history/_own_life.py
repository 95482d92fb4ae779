"""OwnLife: use against the account's own whole life, not against a window that is the same for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from csrisk._goals import Goal
from csrisk.data._engines import MONEY
from csrisk.features._families._history._running import silence_tells
from csrisk.features._families._history._states import States, use_states
from csrisk.features._family import Family, Measure, check_windows, per
from csrisk.features._panel import _rollups
from csrisk.features._panel._past import Facts, Past, nothing, ratio, share_of_change
from csrisk.features._panel._tally import Sum, tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.data import CustomerData

__all__ = ["OwnLife"]

_LEAST = 3  # gaps from which on a rhythm can be told


@dataclass(frozen=True)
class OwnLife(Family):
    """How use stands against the account's own rhythm, pace and amounts since its first day of use.

    Parameters
    ----------
    year : int, default 365
        Days of the long window.
    recent : int, default 90
        Days whose pace is held against the whole life.

    Raises
    ------
    FeatureError
        If a window is no positive whole number of days.

    Notes
    -----
    Joins the default features where no end of a contract is recorded, so that silence tells who left; elsewhere name
    ``own_life`` in `[features] optional`, or hand the builder over. Without a usage table, or before its first row was
    known, every feature is NaN. A gap lies between two neighbouring days of use; mean and deviation need three gaps, a
    last amount a day before it. Use that became known late counts, for all that is about the whole life, from the day
    on which it did. The pace is the number of days of use over the days as a customer in which use was recorded; an
    account that was not observed for `recent` days has none to hold against. Amounts are those of days of use; the
    year also holds the money of rows that are no use.

    Examples
    --------
    >>> from csrisk.features import OwnLife
    >>> [feature.name for feature in OwnLife().features][:3]
    ['active_days_ever', 'active_days_365d', 'spend_365d']
    """

    year: int = 365
    recent: int = 90
    goal: ClassVar[Goal] = Goal.FOOTPRINT
    table: ClassVar[str] = "usage"
    reads: ClassVar[tuple[str, ...]] = ("own_life",)

    @classmethod
    def found_in(cls, data: CustomerData) -> tuple[str, ...]:
        """Give what is read where no end of a contract is recorded: there it gains nothing on forward tests."""
        return cls.reads if silence_tells(data) else ()

    def __post_init__(self) -> None:
        check_windows("OwnLife", year=self.year, recent=self.recent)

    def _measures(self) -> Iterator[Measure]:
        yield from self._amounts()
        yield from self._rhythm()

    def _amounts(self) -> Iterator[Measure]:
        make, w, r = self._measure, self.year, self.recent
        yield make("active_days_ever", "days", "In use on {value} so far", "days", -1)
        yield make(f"active_days_{w}d", "days", f"In use on {{value}} of {w} days", "year_days", -1, window=w)
        yield make(f"spend_{w}d", "money", f"Spent {{value}} in {w} days", "year_value", -1, window=w)
        yield make(
            f"active_days_change_{r}d",
            "ratio",
            f"Days of use in {r} days against its whole life: {{value}} on a scale from \u22121 to 1",
            lambda f: share_of_change(f["pace_now"], f["pace_ever"]),
            -1,
        )
        spends = "Spends {value} on a day of use over its whole life"
        yield make("spend_per_active_day_ever", "money", spends, per("value_ever", "days"), -1)
        last = "Spent {value} times its usual amount on its last day of use"
        yield make("last_spend_ratio", "ratio", last, lambda f: ratio(f["value"] * f["more_days"], f["value_ever"]), -1)

    def _rhythm(self) -> Iterator[Measure]:
        make = self._measure
        yield make("use_gap_ever", "days", "{value} between days of use over its whole life", "gap_mean", 1)
        yield make("use_gap_deviation", "days", "Its gaps between days of use vary by {value}", "gap_deviation")
        yield make("use_gap_longest", "days", "Its longest gap between days of use was {value}", "longest")
        yield make("use_gap_last", "days", "{value} between its last two days of use", "gap", 1)
        longest = "Silent for {value} times its longest gap so far"
        yield make("silence_to_longest_gap", "ratio", longest, per("age", "longest"), 1)
        yield make(
            "silence_in_deviations",
            "ratio",
            "Silent for its usual gap and {value} standard deviations of it",
            lambda f: ratio(f["age"] - f["gap_mean"], f["gap_deviation"]),
            1,
        )

    def _facts(self, past: Past) -> Facts:
        if "usage" not in past.data.tables:
            return nothing(past)
        states = States(past, past.rollups.get("use_states", use_states))
        facts, before = states.at(), states.at(self.recent)
        days = past.filled({"now": facts["days"], "before": before["days"]}, "usage")
        facts |= self._year(past) | {"days": days["now"]}
        lived = past.exposure(_rollups.NEVER, "usage")
        # over a shorter life both paces are one and the same
        lived = np.where(lived >= self.recent, lived, np.nan)
        facts["pace_now"] = ratio(days["now"] - days["before"], np.minimum(lived, self.recent))
        facts["pace_ever"] = ratio(days["now"], lived)
        with_value = past.evidence("usage", "value")
        facts["value"] = np.where(with_value, facts["value"], np.nan)
        facts["value_ever"] = np.where(with_value, facts["units"] + facts["grains"] / MONEY, np.nan)
        # n days of use have n - 1 gaps
        gaps = facts["days"] - 1
        # on a single day of use the last amount is the usual one by definition
        facts["more_days"] = np.where(gaps > 0, facts["days"], np.nan)
        for name in ("gap", "longest"):
            facts[name] = np.where(gaps > 0, facts[name], np.nan)
        many = np.where(gaps >= _LEAST, gaps, np.nan)
        facts["gap_mean"] = ratio(facts["span"], many)
        squares = ratio(facts["squares"], many)
        # mean of squares less square of the mean: rounding may leave a hair below 0 where all gaps are equal
        facts["gap_deviation"] = np.sqrt(np.maximum(squares - facts["gap_mean"] ** 2, 0.0))
        return facts

    def _year(self, past: Past) -> Facts:
        by_day = ("account", "day", "known")
        rolled = past.rollups.get("usage_days", _rollups.usage_days, by_day)
        idle = past.rollups.idle_money
        money = past.rollups.get("money_days", _rollups.money_days, by_day) if idle else rolled
        found = past.filled(tally(past, rolled, {"year_days": Sum("first", self.year)}), "usage")
        spent = tally(past, money, {"year_value": Sum("value", self.year, of_floats=True)})
        return found | past.filled(spent, "usage", "value")
