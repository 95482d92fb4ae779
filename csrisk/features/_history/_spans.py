"""ForecastSpans and Season: use in spans as long as the forecast, just before it and a year ago."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from csrisk._goals import Goal
from csrisk.features._family import Family, Formula, Measure, check_windows
from csrisk.features._history._states import States, money_states, use_states
from csrisk.features._past import Array, Facts, Past, nothing, share_of_change
from csrisk.features._rollups import MONEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.data import CustomerData

__all__ = ["ForecastSpans", "Season"]

_USUAL = (7, 30, 90, 180, 365)  # windows of which other families tell anyhow
_YEAR = 365
_LONG = 548  # days of records from which on a season can be learned and judged


@dataclass(frozen=True)
class ForecastSpans(Family):
    """Use and money in the days before the snapshot that are as many as the forecast has, and in as many before those.

    Parameters
    ----------
    days : int, default 90
        Length of the forecast; a pipeline takes its horizon.

    Raises
    ------
    FeatureError
        If the length is no positive whole number of days.

    Notes
    -----
    Joins the default features where no end of a contract is recorded; `[features] optional` names it ``forecast``.
    What other families tell of a window of 7, 30, 90, 180 or 365 days is not told again. Use that became known late
    counts from the day on which it did. A span of which no day was recorded is NaN.

    Examples
    --------
    >>> from csrisk.features import ForecastSpans
    >>> [feature.name for feature in ForecastSpans().features][:2]
    ['active_days_90d_before', 'spend_90d_before']
    """

    days: int = 90
    goal: ClassVar[Goal] = Goal.FOOTPRINT
    reads: ClassVar[tuple[str, ...]] = ("forecast",)

    @classmethod
    def found_in(cls, data: CustomerData) -> tuple[str, ...]:
        """Join where no end of a contract is recorded: there it was worth something on forward tests."""
        return cls.reads if silence_tells(data) else ()

    def for_question(self, lead: int, horizon: int) -> ForecastSpans:  # noqa: ARG002  # one signature for all families
        """Take the horizon."""
        return replace(self, days=horizon)

    def __post_init__(self) -> None:
        check_windows("ForecastSpans", days=self.days)

    def _measures(self) -> Iterator[Measure]:
        make, d, twice = self._measure, self.days, 2 * self.days
        if d not in _USUAL:
            yield make(f"active_days_{d}d", "days", f"In use on {{value}} of {d} days", "days", -1, window=d)
            yield make(f"spend_{d}d", "money", f"Spent {{value}} in {d} days", "money", -1, window=d)
        used = f"In use on {{value}} of the {d} days before the last {d}"
        yield make(f"active_days_{d}d_before", "days", used, "days_before", -1, window=twice)
        spent = f"Spent {{value}} in the {d} days before the last {d}"
        yield make(f"spend_{d}d_before", "money", spent, "money_before", -1, window=twice)
        for name, fact, words in (("active_days", "days", "Days of use"), ("spend", "money", "Spending")):
            yield make(
                f"{name}_trend_{d}d",
                "ratio",
                f"{words} in {d} days against the {d} before: {{value}} on a scale from -1 to 1",
                _change(fact, f"{fact}_before"),
                -1,
                window=twice,
            )

    def _facts(self, past: Past) -> Facts:
        if "usage" not in past.data.tables:
            return nothing(past)
        running = Running(past)
        facts = running.between(self.days, 0)
        return facts | _named(running.between(2 * self.days, self.days), "before")


@dataclass(frozen=True)
class Season(Family):
    """The time of the year, and what the account did a year ago in the days that the forecast is about.

    Parameters
    ----------
    days : int, default 90
        Days ahead; a pipeline takes its lead and horizon together.

    Raises
    ------
    FeatureError
        If the length is no positive whole number of days.

    Notes
    -----
    Joins the default features where no end of a contract is recorded and the records span a year and a half, so that a
    season can be learned before it is judged; `[features] optional` names it ``season``. What was not recorded a year
    ago, or has not passed yet (of more than a year ahead), is NaN. Use that became known late counts from the day on
    which it did.

    Examples
    --------
    >>> from csrisk.features import Season
    >>> [feature.name for feature in Season().features][:3]
    ['days_to_year_end', 'days_from_new_year', 'active_days_90d_year_ago']
    """

    days: int = 90
    goal: ClassVar[Goal] = Goal.FOOTPRINT
    reads: ClassVar[tuple[str, ...]] = ("season",)

    @classmethod
    def found_in(cls, data: CustomerData) -> tuple[str, ...]:
        """Join where silence tells who left, and a season was seen once before."""
        return cls.reads if silence_tells(data) and (data.end - data.start).days >= _LONG else ()

    def for_question(self, lead: int, horizon: int) -> Season:
        """Take all days until the end of the forecast."""
        return replace(self, days=lead + horizon)

    def __post_init__(self) -> None:
        check_windows("Season", days=self.days)

    def _measures(self) -> Iterator[Measure]:
        make, d, context = self._measure, self.days, Goal.CONTEXT
        yield make("days_to_year_end", "days", "{value} to the end of the year", "to_end", goal=context)
        near = "{value} from the nearest turn of the year"
        yield make("days_from_new_year", "days", near, "from_new_year", goal=context)
        ahead = f"a year ago in the {d} days that now lie ahead"
        yield make(f"active_days_{d}d_year_ago", "days", f"In use on {{value}} {ahead}", "days", -1)
        yield make(f"spend_{d}d_year_ago", "money", f"Spent {{value}} {ahead}", "money", -1)
        for name, fact, words in (("active_days", "days", "Days of use"), ("spend", "money", "Spending")):
            yield make(
                f"{name}_change_{d}d_year_ago",
                "ratio",
                f"{words} {ahead}, against the {d} before: {{value}} on a scale from -1 to 1",
                _change(fact, f"{fact}_before"),
                -1,
            )

    def _facts(self, past: Past) -> Facts:
        dates = pd.DatetimeIndex(past.index.get_level_values("as_of"))
        last = np.where(dates.is_leap_year, 366, 365)
        day = dates.dayofyear.to_numpy(dtype=np.float64)
        facts = nothing(past, "days", "money", "days_before", "money_before")
        facts |= {"to_end": last - day, "from_new_year": np.minimum(day - 1, last + 1 - day)}
        if "usage" in past.data.tables and self.days <= _YEAR:
            running = Running(past)
            whole = past.cut - past.since("usage") >= _YEAR
            found = running.between(_YEAR, _YEAR - self.days)
            facts |= {name: np.where(whole, values, np.nan) for name, values in found.items()}
            facts |= _named(running.between(_YEAR + self.days, _YEAR), "before")
        return facts


def silence_tells(data: CustomerData) -> bool:
    """Whether use is recorded and no end of a contract: then it is silence that tells who left."""
    ends = data.has("subscriptions", "end_at") or data.has("accounts", "ended_at")
    return data.has("usage", "at") and not ends


def _change(now: str, before: str) -> Formula:
    return lambda facts: share_of_change(np.maximum(facts[now], 0.0), np.maximum(facts[before], 0.0))


def _named(facts: Facts, suffix: str) -> Facts:
    return {f"{name}_{suffix}": values for name, values in facts.items()}


class Running:
    """Days of use and money of each snapshot's account in spans of the past."""

    def __init__(self, past: Past) -> None:
        self.past = past
        self.use = States(past, past.rollups.get("use_states", use_states))
        idle = past.rollups.idle_money
        self.money = States(past, past.rollups.get("money_states", money_states)) if idle else self.use

    def between(self, first: int, last: int) -> Facts:
        """Give days and money from so many days before the snapshot until so many; NaN before records began."""
        used = [np.nan_to_num(self.use.at(before)["days"]) for before in (last, first)]
        spent = [self._spent(before) for before in (last, first)]
        facts = {"days": used[0] - used[1], "money": np.round(spent[0] - spent[1], 8)}
        columns: dict[str, tuple[str, ...]] = {"days": (), "money": ("value",)}
        for name, needed in columns.items():
            recorded = self.past.cut - self.past.since("usage", *needed)
            facts[name] = np.where(recorded > last, facts[name], np.nan)
        return facts

    def _spent(self, before: int) -> Array:
        found = self.money.at(before)
        return np.nan_to_num(found["units"] + found["grains"] / MONEY)
