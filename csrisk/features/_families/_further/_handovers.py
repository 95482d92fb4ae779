"""Handovers: how often the account was passed from one team to the next, and what it had to tell again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np

from csrisk._goals import Goal
from csrisk.data._engines import one, whole
from csrisk.features._family import Family, Measure, check_windows, per
from csrisk.features._panel._past import Facts, Past, nothing
from csrisk.features._panel._rollups import NEVER, Rollups

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Handovers"]

Lazy = nw.LazyFrame[Any]


@dataclass(frozen=True)
class Handovers(Family):
    """How often the account was passed from one team to the next, and what it had to tell again afterwards.

    Parameters
    ----------
    window : int, default 365
        Days looked back for handovers.
    asked : int, default 90
        Days looked back for handovers after which was asked again.
    settling : int, default 30
        Days after a handover in which a question asked again is put down to it.

    Raises
    ------
    FeatureError
        If a window is no positive whole number of days.

    Notes
    -----
    Reads ``team`` of the contacts. A handover is a contact taken by another team than the one before of the account,
    both within the window. Requests for information are final when the contact closes, and count from then.

    Examples
    --------
    >>> from csrisk.features import Handovers
    >>> [feature.name for feature in Handovers().features][:2]
    ['handovers_365d', 'asked_after_handover_90d']
    """

    window: int = 365
    asked: int = 90
    settling: int = 30
    goal: ClassVar[Goal] = Goal.CHURN
    reads: ClassVar[tuple[str, ...]] = ("contacts.team",)

    def __post_init__(self) -> None:
        check_windows("Handovers", window=self.window, asked=self.asked, settling=self.settling)

    def _measures(self) -> Iterator[Measure]:
        make, w, a = self._measure, self.window, self.asked
        passed = f"Passed to another team {{value}} times in {w} days"
        yield make(f"handovers_{w}d", "count", passed, "handovers", 1, window=w)
        again = f"Asked again {{value}} times after handovers of {a} days"
        yield make(f"asked_after_handover_{a}d", "count", again, "asked", 1, window=a)
        gap = f"{{value}} between teams on average at handovers of {w} days"
        yield make(f"handover_gap_days_{w}d", "days", gap, per("gap", "handovers"), window=w)

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past)
        if not past.data.has("contacts", "team"):
            return facts
        seen = past.seen(past.rollups.get("team_contacts", _contacts), max(self.window, self.asked + self.settling))
        by = {"order_by": ["moment", "team"]}  # rows that are alike in both are alike to what follows
        team, day, cut = nw.col("team"), nw.col("day"), nw.col("cut")
        before = [team.shift(1).over("snapshot", **by).alias("team_before")]
        before += [day.shift(1).over("snapshot", **by).alias("day_before")]
        rows = seen.with_columns(*before).with_columns(one(team != nw.col("team_before")).alias("passed"))
        # engines differ in what a running maximum is where its own row has no value
        on = nw.when(nw.col("passed") == 1).then(day).otherwise(nw.lit(-NEVER))
        rows = rows.with_columns(on.alias("on"))
        rows = rows.with_columns(nw.col("on").cum_max().over("snapshot", **by).alias("passed_on"))
        # both contacts within the window, so that the gap lies in it as well
        inside = (nw.col("passed") == 1) & (nw.col("day_before") >= cut - self.window)
        after = (nw.col("passed_on") >= cut - self.asked) & (day <= nw.col("passed_on") + self.settling)
        requests = nw.when(after & ~nw.col("final_day").is_null()).then(nw.col("information_requests"))
        sums = [
            whole(one(inside)).alias("handovers"),
            whole(nw.when(inside).then(day - nw.col("day_before")).otherwise(nw.lit(0))).alias("gap"),
            requests.sum().alias("asked"),
        ]
        facts.update(past.counts(rows.group_by("snapshot").agg(*sums), "contacts", "team"))
        told = past.evidence("contacts", "information_requests")
        facts["asked"] = np.where(told, facts["asked"], np.nan)
        return facts


def _contacts(rollups: Rollups) -> Lazy:
    """Contacts by team, with the day from which it is final how often was asked again."""
    timed = rollups.data.given("contacts", "resolved_at")
    resolved = nw.col("resolved_at_day")
    # an open contact may still be asked again, so its number is not final
    final = resolved if timed else nw.when(~nw.col("known_at_day").is_null()).then(nw.col("known"))
    rows = rollups.data.lazy("contacts").filter(~nw.col("team").is_null())
    return rows.select(
        "account",
        "day",
        "known",
        nw.col("opened_at_second").alias("moment"),
        # the same team in another spelling is no handover
        nw.col("team").str.to_lowercase(),
        "information_requests",
        final.alias("final_day"),
    )
