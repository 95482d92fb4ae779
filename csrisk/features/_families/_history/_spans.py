"""ForecastSpans: use and money in spans as long as the forecast, just before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from csrisk._goals import Goal
from csrisk.features._families._history._running import Running, change, named
from csrisk.features._family import Family, Measure, check_windows
from csrisk.features._panel._past import Facts, Past, nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.data import CustomerData

__all__ = ["ForecastSpans"]

_USUAL = (7, 30, 90, 180, 365)  # windows of which other families tell anyhow


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
    Not among the default features: with a horizon of 90 days it gained nothing on forward tests, as the windows of
    other families tell the same. `[features] optional` names it ``forecast``. What other families tell of a window of
    7, 30, 90, 180 or 365 days is not told again. Use that became known late counts from the day on which it did. A span
    of which no day was recorded is NaN.

    Examples
    --------
    >>> from csrisk.features import ForecastSpans
    >>> [feature.name for feature in ForecastSpans().features][:2]
    ['active_days_90d_before', 'spend_90d_before']
    """

    days: int = 90
    goal: ClassVar[Goal] = Goal.FOOTPRINT
    table: ClassVar[str] = "usage"
    reads: ClassVar[tuple[str, ...]] = ("forecast",)

    @classmethod
    def found_in(cls, data: CustomerData) -> tuple[str, ...]:  # noqa: ARG003  # whatever the data hold
        """Join by name alone: beside the other families it gained nothing on forward tests of 90 days."""
        return ()

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
                f"{words} in {d} days against the {d} before: {{value}} on a scale from \u22121 to 1",
                change(fact, f"{fact}_before"),
                -1,
                window=twice,
            )

    def _facts(self, past: Past) -> Facts:
        if "usage" not in past.data.tables:
            return nothing(past)
        running = Running(past)
        facts = running.between(self.days, 0)
        return facts | named(running.between(2 * self.days, self.days), "before")
