"""Relationship: how long the account has been a customer, what it pays, and when the contract ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np

from csrisk._goals import Goal
from csrisk.data._engines import MONEY, exact, one, whole
from csrisk.features._family import Family, Measure, check_windows, per
from csrisk.features._panel._past import Array, Facts, Past, latest, nothing, ratio
from csrisk.features._panel._rollups import Rollups, firsts

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Relationship", "plan_now", "seats_now"]

Lazy = nw.LazyFrame[Any]

_FACTS = {
    "subscriptions": ("contracts", "mrr", "mrr_then", "seats", "seats_then", "renewal", "products"),
    "finance": ("revenue", "cost"),
}


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
    A sum of which a part is unknown is unknown: MRR and seats where any contract that runs states none, bookings where
    any row of the window states none. An account that was never booked has no revenue (NaN), not 0.

    Examples
    --------
    >>> from csrisk.features import Relationship
    >>> [feature.name for feature in Relationship().features][:4]
    ['tenure_days', 'days_to_renewal', 'mrr', 'mrr_change_90d']
    """

    change: int = 90
    booked: int = 365
    goal: ClassVar[Goal] = Goal.CHURN
    table: ClassVar[str] = "subscriptions"
    counts: ClassVar[bool] = False

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
        absent = {name for table, names in _FACTS.items() if table not in past.data.tables for name in names}
        facts = nothing(past, *absent)
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
        # begun by then, and running or ended since then
        then = (age > self.change) & (now | (nw.col("cut") - ended <= self.change))
        sums = [
            whole(age * 0 + 1).alias("contracts"),
            whole(one(now)).alias("now"),
            whole(one(then)).alias("then"),
            # the next renewal of all contracts that run
            nw.when(now).then(nw.col("planned_end_day") - nw.col("cut")).min().alias("renewal"),
        ]
        for name in ("mrr", "seats"):
            for suffix, when in (("", now), ("_then", then)):
                sums.append(exact(nw.when(when).then(nw.col(name)), MONEY).alias(name + suffix))
                there = when & ~nw.col(name).is_null()
                sums.append(whole(one(there)).alias(f"n_{name}{suffix}"))
        facts = past.home(seen.group_by("snapshot").agg(*sums))
        for name in ("mrr", "seats", "mrr_then", "seats_then"):
            facts[name] = complete(facts[name], facts[f"n_{name}"], facts["then" if name.endswith("then") else "now"])
        running = seen.filter(now)
        products = running.filter(~nw.col("product").is_null()).select("snapshot", "product").unique()
        counted = products.group_by("snapshot").agg(whole(nw.col("snapshot") * 0 + 1).alias("products"))
        return facts | past.counts(counted, "subscriptions", "product")

    def _bookings(self, past: Past) -> Facts:
        seen = past.seen(past.rollups.get("bookings", _bookings), self.booked)
        sums = [exact(nw.col(name), MONEY).alias(name) for name in ("revenue", "cost")]
        sums += [whole(nw.col(name)).alias(name) for name in ("rows", "n_revenue", "n_cost")]
        facts = past.home(seen.group_by("snapshot").agg(*sums))
        ever = past.home(past.seen(past.rollups.get("booked", _booked)).group_by("snapshot").agg(nw.col("age").max()))
        # booked before but not in the window is 0; never booked is no evidence
        none = np.isnan(facts["rows"]) & ~np.isnan(ever["age"])
        for name, column in (("revenue", "revenue"), ("cost", "cost_to_serve")):
            total = np.where(none, 0.0, complete(facts[name], facts[f"n_{name}"], facts["rows"]))
            facts[name] = np.where(past.evidence("finance", column), total, np.nan)
        return facts


def complete(total: Array, n_known: Array, n_parts: Array) -> Array:
    """Sum of parts that are all known; NaN where there is none, or one of them is unknown."""
    return np.where((n_parts > 0) & (n_known == n_parts), total, np.nan)


def seats_now(past: Past) -> Array:
    """Seats of the contracts that run; NaN where those of any are unknown."""
    if "subscriptions" not in past.data.tables:
        return np.full(len(past.index), np.nan)
    seen = past.seen(past.rollups.get("contracts", _contracts))
    seats = nw.col("seats")
    # counted beside the sum, which passes over contracts that state none
    known, rows = whole(one(~seats.is_null())).alias("known"), whole(nw.col("age") * 0 + 1).alias("rows")
    running = seen.filter(nw.col("end_at_day").is_null()).group_by("snapshot")
    facts = past.home(running.agg(exact(seats, MONEY).alias("seats"), known, rows))
    return complete(facts["seats"], facts["known"], facts["rows"])


def plan_now(past: Past) -> Array:
    """Plan of the contract that began last among those that run; the first in the alphabet where several did."""
    seen = past.seen(past.rollups.get("contracts", _contracts))
    running = seen.filter(nw.col("end_at_day").is_null(), ~nw.col("plan").is_null())
    # min: of several that began on one day the choice must not depend on the order of rows
    plans = latest(running, "day", nw.col("plan").min().alias("plan"))
    return past.home(plans)["plan"]


def _contracts(rollups: Rollups) -> Lazy:
    names = ("account", "day", "known", "told", "end_at_day", "planned_end_day", "mrr", "seats", "plan", "product")
    return rollups.data.lazy("subscriptions").select(*names)


def _bookings(rollups: Rollups) -> Lazy:
    revenue, cost = nw.col("revenue"), nw.col("cost_to_serve")
    return (
        rollups.data.lazy("finance")
        .group_by("account", "day", "known")
        .agg(
            exact(revenue, MONEY).alias("revenue"),
            exact(cost, MONEY).alias("cost"),
            whole(nw.col("day") * 0 + 1).alias("rows"),
            whole(one(~revenue.is_null())).alias("n_revenue"),
            whole(one(~cost.is_null())).alias("n_cost"),
        )
    )


def _booked(rollups: Rollups) -> Lazy:
    return firsts(rollups.get("bookings", _bookings), "account")
