"""What a snapshot may see of rows in time: past, future, and what was observed at all."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw

from csrisk._days import SECONDS_A_DAY, whole_days
from csrisk._snapshots._spells import FOREVER
from csrisk.data._declared import announced_times, beginnings, planned_times, told_times
from csrisk.exceptions import SnapshotError

__all__ = ["ahead", "observed", "running", "visible"]


def visible(snapshots: nw.LazyFrame[Any], rolled: nw.LazyFrame[Any], *, window: int | None = None) -> nw.LazyFrame[Any]:
    """Rows that each snapshot may see: dated and known strictly before its ``as_of``.

    The one place where point in time is decided. Times of a row other than its own date (`*_day`, `*_second`) that lie
    at or after ``as_of`` become null, save those that the contract declares as planned (`planned_end`, `due_at`); so do
    those of rows that are known from their beginning (contracts, accounts) and whose ``known_at``, in column told, lies
    there.
    """
    times, told = _second_times(rolled)
    day, cut = nw.col("day"), nw.col("cut")
    seen = snapshots.join(rolled, on="account", how="inner").filter(day < cut, nw.col("known") < cut)
    if window is not None:
        seen = seen.filter(day >= cut - whole_days(window, "window", minimum=1))
    seen = seen.with_columns((cut - day).alias("age"), *(_mask(name, cut, told=told) for name in times))
    return seen.drop("told") if told else seen  # it may lie in the future


def ahead(snapshots: nw.LazyFrame[Any], rolled: nw.LazyFrame[Any], lead: int, horizon: int) -> nw.LazyFrame[Any]:
    """Rows in the label window of each snapshot, ``[cut + lead, cut + lead + horizon)``."""
    # a negative lead looks back with hindsight, as only labels may
    first = whole_days(lead, "lead", minimum=-FOREVER)
    last = first + whole_days(horizon, "horizon", minimum=1)
    distance = (nw.col("day") - nw.col("cut")).alias("ahead")
    future = snapshots.join(rolled, on="account", how="inner").with_columns(distance)
    return future.filter(nw.col("ahead") >= first, nw.col("ahead") < last)


def observed(rolled: nw.LazyFrame[Any], end: int) -> nw.LazyFrame[Any]:
    """Rows dated and known before the day ``end``; later second times are masked.

    What somebody knows who stands at the end of the data: labels are made of it.
    """
    times, told = _second_times(rolled)
    kept = rolled.filter(nw.col("day") < end, nw.col("known") < end)
    return kept.with_columns(*(_mask(name, nw.lit(end), told=told) for name in times)) if times else kept


def running(snapshots: nw.LazyFrame[Any], subscriptions: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Subscriptions that run at ``as_of`` as far as the snapshot can know.

    Started and known strictly before ``as_of``, and not ended strictly before it. An end at or after ``as_of`` is not
    known yet, so such a subscription runs; an end on the day before is known, so it does not.
    """
    return visible(snapshots, subscriptions).filter(nw.col("end_at_day").is_null())


def _second_times(rolled: nw.LazyFrame[Any]) -> tuple[list[str], bool]:
    """Give the times that are masked, and whether they wait until they were told."""
    names = rolled.collect_schema().names()
    missing = [name for name in ("account", "day", "known") if name not in names]
    if missing:
        raise SnapshotError(f"columns {missing} are missing; time can only be sliced by account, day and known")
    # agreed beforehand: a date in the future is knowledge here, not a leak
    plans = {plan + suffix for plan in planned_times() for suffix in ("_day", "_second")}
    times = [
        name
        for name in names
        # a user's own attribute may be called so and be no time
        if name.endswith(("_day", "_second")) and name not in plans and not name.startswith("attribute__")
    ]
    waiting = sorted({time + suffix for time in told_times() for suffix in ("_day", "_second")}.intersection(times))
    if waiting and "told" not in names:
        raise SnapshotError(f"column told is missing beside {waiting}: it says from when on the end was known")
    return times, "told" in names


def _mask(name: str, cut: nw.Expr, *, told: bool) -> nw.Expr:
    past = nw.col(name) < (cut * SECONDS_A_DAY if name.endswith("_second") else cut)
    if told and name.removesuffix("_day").removesuffix("_second") not in beginnings() | announced_times():
        # an end may be dated in the past and be told later; null is told with its date
        past &= nw.col("told").is_null() | (nw.col("told") < cut)
    return nw.when(past).then(nw.col(name)).alias(name)
