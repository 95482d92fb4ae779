"""Expectations: what was promised, and whether it was met in time or exceeded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np

from csrisk._goals import Goal
from csrisk._snapshots import promises
from csrisk.data._engines import one, whole
from csrisk.features._family import Family, Measure, check_windows, per
from csrisk.features._panel._past import Facts, Past, nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.features._panel._rollups import Rollups

__all__ = ["Expectations"]


@dataclass(frozen=True)
class Expectations(Family):
    """What was promised, and whether it was met in time or exceeded.

    Parameters
    ----------
    window : int, default 365
        Days looked back for what fell due or was met.

    Raises
    ------
    FeatureError
        If the window is no positive whole number of days.

    Notes
    -----
    Without an expectations table, or before its first row was known, every feature is NaN. A due date is known from the
    agreement; whether and how a goal was met is known from ``met_at``. Met in time means on the due day or before,
    among goals that fell due in the window. A goal that was cancelled, declined, superseded or missed is open no more
    from ``closed_at`` on (without it, from the end of the data on); taken back before it was due, it did not fall due.

    Examples
    --------
    >>> from csrisk.features import Expectations
    >>> [feature.name for feature in Expectations().features][:2]
    ['expectations_open', 'expectations_overdue']
    """

    window: int = 365
    goal: ClassVar[Goal] = Goal.ADVOCACY
    table: ClassVar[str] = "expectations"

    def __post_init__(self) -> None:
        check_windows("Expectations", window=self.window)

    def _measures(self) -> Iterator[Measure]:
        make, w = self._measure, self.window
        yield make("expectations_open", "count", "{value} agreed goals open", "open")
        yield make("expectations_overdue", "count", "{value} agreed goals overdue", "overdue", 1)
        yield make("expectations_overdue_days", "days", "The oldest overdue goal waits for {value}", "overdue_days", 1)
        yield make(
            f"met_on_time_share_{w}d",
            "share",
            f"{{value}} of the goals due in {w} days met in time",
            per("on_time", "due"),
            -1,
            window=w,
        )
        yield make(f"goals_met_{w}d", "count", f"{{value}} agreed goals met in {w} days", "met", -1, window=w)
        yield make(
            f"exceeded_share_{w}d",
            "share",
            f"{{value}} of the goals met in {w} days exceeded, where stated",
            per("exceeded", "met_stated"),
            -1,
            window=w,
        )

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past)
        if "expectations" not in past.data.tables:
            return facts
        met, due, cut, closed = (nw.col(name) for name in ("met_at_day", "due_at_day", "cut", "closed_at_day"))
        # a due day that is missing makes every comparison null, which counts as not overdue
        open_, passed = met.is_null() & closed.is_null(), due < cut
        # a promise taken back in time was not due any more, a missed one was
        taken_back = (closed <= due) & (nw.col("outcome") != "missed")
        fell_due = passed & (due >= cut - self.window) & ~taken_back.fill_null(value=False)
        in_window = ~met.is_null() & (met >= cut - self.window)
        sums = [
            whole(one(open_)).alias("open"),
            whole(one(open_ & passed)).alias("overdue"),
            whole(one(fell_due)).alias("due"),
            whole(one(fell_due & (met <= due))).alias("on_time"),
            whole(one(in_window)).alias("met"),
            whole(one(in_window & ~nw.col("outcome").is_null())).alias("met_stated"),
            whole(one(in_window & (nw.col("outcome") == "exceeded"))).alias("exceeded"),
            nw.when(open_ & passed).then(cut - due).max().alias("overdue_days"),
        ]
        seen = past.seen(past.rollups.get("promises", _promises))
        found = past.counts(seen.group_by("snapshot").agg(*sums), "expectations")
        found["overdue_days"] = np.where(found["overdue"] > 0, found["overdue_days"], np.nan)
        facts.update(found)
        return facts


def _promises(rollups: Rollups) -> nw.LazyFrame[Any]:
    columns = ("account", "day", "known", "due_at_day", "met_at_day", "closed_at_day", "outcome")
    return promises(rollups.data).select(*columns)
