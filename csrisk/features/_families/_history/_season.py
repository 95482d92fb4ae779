"""Season: the time of the year, and the same days a year ago."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from csrisk._goals import Goal
from csrisk.features._families._history._running import Running, change, named, silence_tells
from csrisk.features._family import Family, Measure, check_windows
from csrisk.features._panel._past import Facts, Past, nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.data import CustomerData

__all__ = ["Season"]

_YEAR = 365
_LONG = 548  # days of records from which on a season can be learned and judged


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
    table: ClassVar[str] = "usage"
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
                f"{words} {ahead}, against the {d} before: {{value}} on a scale from \u22121 to 1",
                change(fact, f"{fact}_before"),
                -1,
            )

    def _facts(self, past: Past) -> Facts:
        dates = pd.DatetimeIndex(past.index.get_level_values("as_of"))
        # 31 December is 0 days from the end in every year
        last = np.where(dates.is_leap_year, 366, 365)
        day = dates.day_of_year.to_numpy(dtype=np.float64)
        facts = nothing(past, "days", "money", "days_before", "money_before")
        facts |= {"to_end": last - day, "from_new_year": np.minimum(day - 1, last + 1 - day)}
        # the days a year before those further ahead have not passed yet
        if "usage" in past.data.tables and self.days <= _YEAR:
            running = Running(past)
            # else the records began within those days, which would look like a quiet season
            whole = past.cut - past.since("usage") >= _YEAR
            found = running.between(_YEAR, _YEAR - self.days)
            facts |= {name: np.where(whole, values, np.nan) for name, values in found.items()}
            facts |= named(running.between(_YEAR + self.days, _YEAR), "before")
        return facts
