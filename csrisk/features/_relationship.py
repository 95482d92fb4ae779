"""Relationship: how long the account has been a customer, what it pays, and when the contract ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np

from csrisk._goals import Goal
from csrisk.features._family import Family, Measure, check_windows, per
from csrisk.features._past import Array, Facts, Past, latest, nothing, ratio
from csrisk.features._rollups import MONEY, Rollups, exact, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Relationship", "plan_now", "seats_now"]

Lazy = nw.LazyFrame[Any]


@dataclass(frozen=True)
class Relationship(Family):
    """How long the account has been a customer, what it pays, and when the contract ends.

    Parameters
    ----------
    change : int, default 90
        Days over which MRR and seats are compared.
    booked : int, default 365
        Days of bookings looked back.

    Raises
    ------
    FeatureError
        If a window is no positive whole number of days.

    Notes
    -----
    A subscription runs at the snapshot when it started before and no end is known yet; a planned end is known from the
    start. ``tenure_days`` counts from the earliest of account start, first contract and first known use. An account
    without a running contract has 0 products and no MRR (NaN): what it paid before is no evidence of what it pays.

    Examples
    --------
    >>> from csrisk.features import Relationship
    >>> [feature.name for feature in Relationship().features][:4]
    ['tenure_days', 'days_to_renewal', 'mrr', 'mrr_change_90d']
    """

    change: int = 90
    booked: int = 365
    goal: ClassVar[Goal] = Goal.CHURN

    def __post_init__(self) -> None:
        check_windows("Relationship", change=self.change, booked=self.booked)

    def _measures(self) -> Iterator[Measure]:
        make, w, b = self._measure, self.change, self.booked
        yield make("tenure_days", "days", "A customer for {value}", "tenure", -1)
        yield make("days_to_renewal", "days", "{value} to the renewal", "renewal")
        yield make("mrr", "money", "Pays {value} a month", "mrr")
        yield make(
            f"mrr_change_{w}d",
            "share",
            f"MRR changed by {{value}} in {w} days",
            lambda f: ratio(f["mrr"] - f["mrr_then"], f["mrr_then"]),
            -1,
            window=w,
        )
        yield make("seats", "seats", "{value} under contract", "seats")
        yield make(
            f"seats_change_{w}d",
            "share",
            f"Seats changed by {{value}} in {w} days",
            lambda f: ratio(f["seats"] - f["seats_then"], f["seats_then"]),
            -1,
            window=w,
        )
        yield make("product_count", "count", "{value} products under contract", "products", -1)
        yield make("contracts_begun", "count", "{value} contracts so far", "contracts", -1)
        yield make("plan", "category", "On plan {value}", "plan")
        yield make(f"revenue_{b}d", "money", f"{{value}} booked in {b} days", "revenue", window=b)
        yield make(
            f"cost_to_serve_share_{b}d",
            "share",
            f"Serving costs {{value}} of the revenue of {b} days",
            per("cost", "revenue"),
            window=b,
        )

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past)
        facts["tenure"] = past.tenure
        facts["plan"] = past.plan
        if "subscriptions" in past.data.tables:
            facts.update(self._contract(past))
        if "finance" in past.data.tables:
            facts.update(self._bookings(past))
        return facts

    def _contract(self, past: Past) -> Facts:
        seen = past.seen(past.rollups.get("contracts", _contracts))
        age, ended = nw.col("age"), nw.col("end_at_day")
        now = ended.is_null()
        then = (age > self.change) & (now | (nw.col("cut") - ended <= self.change))
        sums = [
            whole(age * 0 + 1).alias("contracts"),
            nw.when(now).then(nw.col("planned_end_day") - nw.col("cut")).min().alias("renewal"),
        ]
        for name in ("mrr", "seats"):
            for suffix, when in (("", now), ("_then", then)):
                sums.append(exact(nw.when(when).then(nw.col(name)), MONEY).alias(name + suffix))
                there = when & ~nw.col(name).is_null()
                sums.append(whole(nw.when(there).then(nw.lit(1)).otherwise(nw.lit(0))).alias(f"n_{name}{suffix}"))
        facts = past.home(seen.group_by("snapshot").agg(*sums))
        for name in ("mrr", "seats", "mrr_then", "seats_then"):
            facts[name] = np.where(facts[f"n_{name}"] > 0, facts[name], np.nan)
        running = seen.filter(now)
        products = running.filter(~nw.col("product").is_null()).select("snapshot", "product").unique()
        counted = products.group_by("snapshot").agg(whole(nw.col("snapshot") * 0 + 1).alias("products"))
        return facts | past.counts(counted, "subscriptions", "product")

    def _bookings(self, past: Past) -> Facts:
        seen = past.seen(past.rollups.get("bookings", _bookings), self.booked)
        sums = [exact(nw.col(name), MONEY).alias(name) for name in ("revenue", "cost")]
        facts = past.counts(seen.group_by("snapshot").agg(*sums), "finance", "revenue")
        facts["cost"] = np.where(past.evidence("finance", "cost_to_serve"), facts["cost"], np.nan)
        return facts


def seats_now(past: Past) -> Array:
    """Seats of the contracts that run; NaN where none is known."""
    if "subscriptions" not in past.data.tables:
        return np.full(len(past.index), np.nan)
    seen = past.seen(past.rollups.get("contracts", _contracts))
    running = seen.filter(nw.col("end_at_day").is_null(), ~nw.col("seats").is_null())
    return past.home(running.group_by("snapshot").agg(exact(nw.col("seats"), MONEY).alias("seats")))["seats"]


def plan_now(past: Past) -> Array:
    """Plan of the contract that began last among those that run; the first in the alphabet where several did."""
    seen = past.seen(past.rollups.get("contracts", _contracts))
    running = seen.filter(nw.col("end_at_day").is_null(), ~nw.col("plan").is_null())
    plans = latest(running, "day", nw.col("plan").min().alias("plan"))
    return past.home(plans)["plan"]


def _contracts(rollups: Rollups) -> Lazy:
    names = ("account", "day", "known", "end_at_day", "planned_end_day", "mrr", "seats", "plan", "product")
    return rollups.data.lazy("subscriptions").select(*names)


def _bookings(rollups: Rollups) -> Lazy:
    rows = rollups.data.lazy("finance").group_by("account", "day", "known")
    return rows.agg(
        exact(nw.col("revenue"), MONEY).alias("revenue"), exact(nw.col("cost_to_serve"), MONEY).alias("cost")
    )
