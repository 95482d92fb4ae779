"""Promises by kind: what sales promised, what we said we would do, and how soon the first goal was met."""

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

__all__ = ["PromiseKinds"]

_BROKEN = ("missed", "declined")


@dataclass(frozen=True)
class PromiseKinds(Family):
    """What sales promised, what we said we would do, milestones, and how soon the first goal was met.

    Parameters
    ----------
    window : int, default 365
        Days looked back for promises of sales that ended unmet.

    Raises
    ------
    FeatureError
        If the window is no positive whole number of days.

    Notes
    -----
    Reads ``kind`` of the expectations; one without a kind is a goal. A promise of sales is unmet while it is overdue,
    and for the length of the window after it was missed or declined. The first goal is met so many days after the
    relation began; until then the time is unknown (NaN). Milestones that were taken back do not count.

    Examples
    --------
    >>> from csrisk.features import PromiseKinds
    >>> [feature.name for feature in PromiseKinds().features][:2]
    ['sales_promises_unmet', 'action_items_overdue']
    """

    window: int = 365
    goal: ClassVar[Goal] = Goal.ADVOCACY
    reads: ClassVar[tuple[str, ...]] = ("expectations.kind",)

    def __post_init__(self) -> None:
        check_windows("PromiseKinds", window=self.window)

    def _measures(self) -> Iterator[Measure]:
        make = self._measure
        yield make("sales_promises_unmet", "count", "{value} promises of sales unmet", "unmet", 1)
        yield make("action_items_overdue", "count", "{value} action items overdue", "overdue", 1)
        first = "The first goal was met after {value}"
        yield make("days_to_first_goal_met", "days", first, "first_goal", 1, goal=Goal.CHURN)
        done = "{value} of the milestones done"
        yield make("milestones_done_share", "share", done, per("done", "milestones"), -1, goal=Goal.CHURN)

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past)
        if not past.data.has("expectations", "kind"):
            return facts
        met, due, cut, closed = (nw.col(name) for name in ("met_at_day", "due_at_day", "cut", "closed_at_day"))
        kind = nw.col("kind")
        overdue = met.is_null() & closed.is_null() & (due < cut)
        broken = met.is_null() & (closed >= cut - self.window) & nw.col("outcome").is_in(list(_BROKEN))
        # taken back is neither done nor to be done; missed still was to be done
        milestone = (kind == "milestone") & (~met.is_null() | closed.is_null() | (nw.col("outcome") == "missed"))
        sums = [
            whole(one((kind == "sales_promise") & (overdue | broken.fill_null(value=False)))).alias("unmet"),
            whole(one((kind == "action_item") & overdue)).alias("overdue"),
            whole(one(milestone)).alias("milestones"),
            whole(one(milestone & ~met.is_null())).alias("done"),
            nw.when(kind == "goal").then(met).min().alias("first_goal"),
        ]
        seen = past.seen(past.rollups.get("promise_kinds", _rows)).group_by("snapshot")
        found = past.home(seen.agg(*sums))
        first = found.pop("first_goal")
        facts.update(past.filled(found, "expectations", "kind"))
        # a goal may have been met before the first contract or use is recorded
        facts["first_goal"] = np.maximum(first - (past.cut - past.tenure), 0.0)
        return facts


def _rows(rollups: Rollups) -> nw.LazyFrame[Any]:
    # without a kind it is a goal, as in tables that have no kinds
    kind = nw.col("kind").str.to_lowercase().fill_null("goal").alias("kind")
    columns = ("account", "day", "known", "due_at_day", "met_at_day", "closed_at_day", "outcome")
    return promises(rollups.data).select(*columns, kind)
