"""Contacts rolled up: opened, closed, repeated, unresolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import pandas as pd

from csrisk._snapshots import contacts as talks
from csrisk.features._panel._rollups import NEVER, Rollups

if TYPE_CHECKING:
    from collections.abc import Callable

    from csrisk.features._panel._past import Past

__all__ = ["closed", "closings", "contact_days", "contacts", "first_day", "repeats", "unresolved"]

Lazy = nw.LazyFrame[Any]
_DAY = 86_400
_PAIR = ("contact", "account", "day", "known", "known_before")


def contacts(rollups: Rollups) -> Lazy:
    """Contacts with what is known of them when they are opened."""
    text, stated = ("initiated_by", "kind", "stage", "channel"), ("self_service_first", "has_agenda_or_outcome")
    rows = talks(rollups.data).select("account", "day", "known", "opened_at_second", "case_id", *stated, *text)
    # who began is often not stated: then the contact counts as the customer's, so null must not pass
    by_vendor = nw.when(nw.col("initiated_by") == "vendor").then(nw.lit(True)).otherwise(nw.lit(False))
    return rows.with_columns((~by_vendor).alias("inbound")).rename({"opened_at_second": "moment"})


def contact_days(rollups: Rollups) -> Lazy:
    """Days with a contact."""
    return rollups.data.lazy("contacts").select("account", "day", "known").unique()


def unresolved(rollups: Rollups) -> Lazy:
    """Contacts that some snapshot may see open."""
    resolved = nw.col("resolved_at_day")
    rows = rollups.data.lazy("contacts").select("account", "day", "known", "resolved_at_day")
    # closed by the day on which it became known, no snapshot ever sees it open
    return rows.filter(resolved.is_null() | (resolved > nw.col("known")))


def closings(rollups: Rollups) -> Lazy:
    """Contacts with what is final when they close, dated on the day from which it counts."""
    names = ("transfers", "reopened", "information_requests", "handler", "resolve_hours")
    return closed(rollups, *map(nw.col, names))


def closed(rollups: Rollups, *values: nw.Expr) -> Lazy:
    """Give values of contacts that are final when they close, dated on the day from which they count."""
    resolved, known = nw.col("resolved_at_day"), nw.col("known")
    hours = (nw.col("resolved_at_second") - nw.col("opened_at_second")).cast(nw.Float64) / 3600
    # an open case that says when it became known is not final; without any resolution in the table that is all there is
    timed = rollups.data.given("contacts", "resolved_at")
    final = (
        nw.when(~resolved.is_null()).then(nw.max_horizontal(resolved, known))
        if timed
        else nw.when(~nw.col("known_at_day").is_null()).then(known)
    )
    rows = rollups.data.lazy("contacts").with_columns(final.alias("final"), hours.alias("resolve_hours"))
    return rows.filter(~nw.col("final").is_null()).select(
        "account",
        # a closing belongs to the day of its resolution, however late that became known
        (resolved if timed else nw.col("final")).alias("day"),
        nw.col("final").alias("known"),
        *values,
    )


def repeats(days: int) -> Callable[[Rollups], Lazy]:
    """Contacts that repeat an earlier one, of the same case or within some days; each is known when both are."""

    def make(rollups: Rollups) -> Lazy:
        rows = rollups.get("contacts", contacts).filter(nw.col("inbound"))
        rows = rows.select("account", "day", "known", "moment", "case_id")
        # kept, as the numbers of rows are used twice and must be the same both times
        rows = rollups.data.engine.materialise(rows.with_row_index("contact", order_by=["account", "moment", "known"]))
        pairs = nw.concat([_near(rows, days * _DAY), _same_case(rows)])
        # a contact may repeat several: it counts once, from the first day on which one of them was known
        found = pairs.group_by("contact", "account", "day", "known").agg(nw.col("known_before").min())
        return found.select("account", "day", nw.max_horizontal("known", "known_before").alias("known"))

    return make


def _earlier(rows: Lazy) -> Lazy:
    return rows.select(
        "account",
        nw.col("moment").alias("moment_before"),
        nw.col("known").alias("known_before"),
        nw.col("case_id").alias("case_before"),
    )


def _near(rows: Lazy, stretch: int) -> Lazy:
    """Pairs of contacts within a stretch of seconds; where both name their case, time does not make them one.

    The join is on account and a bucket of time, at most two of which can hold the earlier contact, so that it stays an
    equi-join.
    """

    def bucket(moment: str) -> nw.Expr:
        return (nw.col(moment).cast(nw.Float64) / stretch).floor().cast(nw.Int64).alias("bucket")

    earlier = _earlier(rows).with_columns(bucket("moment_before"))
    # the earlier contact lies in the same bucket or in the one before
    both = nw.concat([earlier, earlier.with_columns(nw.col("bucket") + 1)])
    near = rows.with_columns(bucket("moment")).join(both, on=["account", "bucket"], how="inner")
    gap = nw.col("moment") - nw.col("moment_before")
    unclear = nw.col("case_id").is_null() | nw.col("case_before").is_null()
    return near.filter(gap > 0, gap <= stretch, unclear).select(*_PAIR)


def _same_case(rows: Lazy) -> Lazy:
    earlier = _earlier(rows).rename({"case_before": "case_id"})
    joined = rows.filter(~nw.col("case_id").is_null()).join(earlier, on=["account", "case_id"], how="inner")
    return joined.filter(nw.col("moment_before") < nw.col("moment")).select(*_PAIR)


def first_day(past: Past, rolled: Lazy, column: str) -> int:
    """First day on which a column of a roll-up held anything."""
    found = past.data.engine.collect(
        rolled.filter(~nw.col(column).is_null()).select(nw.col("known").min().alias("day"))
    )
    day = found["day"].iloc[0]
    return NEVER if pd.isna(day) else int(day)
