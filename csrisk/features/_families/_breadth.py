"""FeatureBreadth: how many of the features and products are used, and how evenly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np

from csrisk._goals import Goal
from csrisk.data._engines import one, whole
from csrisk.features._family import Family, Formula, Measure, check_windows, per
from csrisk.features._panel import _rollups
from csrisk.features._panel._past import Array, Facts, Past, nothing, ratio
from csrisk.features._panel._rollups import firsts
from csrisk.features._panel._tally import Count, Each, Largest, Newest, NLogN, Over, Sum, Total, seen_within, tally_over

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

__all__ = ["FeatureBreadth"]

Lazy = nw.LazyFrame[Any]


@dataclass(frozen=True)
class FeatureBreadth(Family):
    """How many of the features and products are used, and how evenly.

    Parameters
    ----------
    windows : tuple of int, default (30, 90)
        Days looked back.

    Raises
    ------
    FeatureError
        If a window is no positive whole number of days.

    Notes
    -----
    The share counts the features of the catalogue that belong to the account's plan or to no plan, from the day after
    their ``known_at`` where one is given, as a catalogue of today lists what did not exist then; without a catalogue,
    those that anybody in the book was known to have used by then. A feature is adopted on the day on which its first
    use became known; where the records begin after the account, only once they are older than the window. The effective
    number of features is ``exp(entropy)`` of the shares of use (Hill number of order 1): 1 when all use goes to one
    feature, k when k features are used alike. No use at all makes it NaN. A row of quantity 0 is no use.

    Examples
    --------
    >>> from csrisk.features import FeatureBreadth
    >>> [feature.name for feature in FeatureBreadth(windows=(90,)).features][:2]
    ['features_used_90d', 'feature_share_90d']
    """

    windows: tuple[int, ...] = (30, 90)
    goal: ClassVar[Goal] = Goal.FOOTPRINT
    table: ClassVar[str] = "usage"

    def __post_init__(self) -> None:
        check_windows("FeatureBreadth", windows=self.windows)

    def _measures(self) -> Iterator[Measure]:
        make = self._measure
        for w in self.windows:
            yield make(
                f"features_used_{w}d", "count", f"{{value}} features used in {w} days", f"used_{w}", -1, window=w
            )
            yield make(
                f"feature_share_{w}d",
                "share",
                f"{{value}} of the features open to them used in {w} days",
                _share(f"used_{w}"),
                -1,
                window=w,
            )
            yield make(
                f"effective_features_{w}d",
                "count",
                f"Use spread as if over {{value}} features in {w} days",
                _evenness(f"n_{w}", f"nlogn_{w}"),
                -1,
                window=w,
            )
            yield make(
                f"top_feature_share_{w}d",
                "share",
                f"{{value}} of the records of use go to one feature within {w} days",
                per(f"top_{w}", f"n_{w}"),
                1,
                window=w,
            )
            yield make(
                f"features_adopted_{w}d", "count", f"{{value}} features new in {w} days", f"new_{w}", -1, window=w
            )
            yield make(
                f"products_used_{w}d", "count", f"{{value}} products used in {w} days", f"products_{w}", -1, window=w
            )
        yield make(
            "features_dropped_30d",
            "count",
            "{value} features of the 60 days before not used for 30",
            "dropped",
            1,
            window=90,
        )
        yield make("features_ever", "count", "{value} features ever used", "ever", -1)
        w = max(self.windows)
        yield make(
            f"products_untouched_{w}d",
            "count",
            f"{{value}} products not touched in {w} days",
            # adding 0 * begun makes NaN of accounts that never used anything
            lambda f: np.maximum(0.0, f["products_known"] - f[f"products_{max(self.windows)}"]) + 0 * f["begun"],
            window=w,
        )

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past)
        if "usage" not in past.data.tables:
            return facts
        facts.update(self._use(past))
        facts.update(self._products(past))
        fresh = past.seen(past.rollups.get("feature_firsts", _rollups.feature_firsts))
        new = [whole(one(nw.col("age") <= w)).alias(f"new_{w}") for w in self.windows]
        ever = whole(nw.col("age") * 0 + 1).alias("ever")
        facts.update(past.counts(fresh.group_by("snapshot").agg(ever, *new), "usage", "feature"))
        for w in self.windows:
            facts[f"new_{w}"] = np.where(past.fresh(w, "usage", "feature"), facts[f"new_{w}"], np.nan)
        # of who never used anything nobody knows what is left untouched
        first = past.seen(past.rollups.get("use_firsts", _rollups.use_firsts)).group_by("snapshot")
        facts["begun"] = past.home(first.agg(nw.col("age").max().alias("begun")))["begun"]
        facts["available"] = _available(past)
        facts["products_known"] = _known_by(past, "product", "usage_products", _rollups.usage_products)
        return facts

    def _use(self, past: Past) -> Facts:
        rolled = past.rollups.get("usage_features", _rollups.usage_features)
        each: dict[str, Each] = {f"n_{w}": Sum("n", w) for w in self.windows}
        # what was dropped is told by 90 days, also where all windows are shorter
        each |= {"newest": Newest(max(*self.windows, 90)), "n_earlier": Sum("n", 90, low=30)}
        over: dict[str, Over] = {"dropped": Count(lambda of: (of["newest"] > 30) & (of["n_earlier"] > 0))}
        for w in self.windows:
            over[f"used_{w}"] = seen_within(w)
            over[f"n_{w}_all"] = Total(f"n_{w}")
            over[f"top_{w}"] = Largest(f"n_{w}")
            over[f"nlogn_{w}"] = NLogN(f"n_{w}")
        facts = past.filled(tally_over(past, rolled, "feature", each, over), "usage", "feature")
        return {name.removesuffix("_all"): values for name, values in facts.items()}

    def _products(self, past: Past) -> Facts:
        rolled = past.rollups.get("usage_products", _rollups.usage_products)
        over: dict[str, Over] = {f"products_{w}": seen_within(w) for w in self.windows}
        each = {"newest": Newest(max(self.windows))}
        return past.filled(tally_over(past, rolled, "product", each, over), "usage", "product")


def _share(used: str) -> Formula:
    # features outside of the catalogue may have been used
    return lambda facts: np.minimum(1.0, ratio(facts[used], facts["available"]))


def _evenness(total: str, nlogn: str) -> Formula:
    """``exp(-sum p log p)`` with p = n / N, written with sums that add up: ``log N - sum(n log n) / N``."""

    def effective(facts: Facts) -> Array:
        # shares of no use are no shares, so they have no evenness
        count = np.where(facts[total] > 0, facts[total], np.nan)
        return np.exp(np.log(count) - facts[nlogn] / count)

    return effective


def _known_by(past: Past, column: str, name: str, make: Any) -> Array:
    """How many values anybody in the book was known to have used by each snapshot."""
    first = past.rollups.get(f"{name}_book", lambda rollups: firsts(rollups.get(name, make), column), ("day",))
    # only first days are brought home: what is known by a date is their number below it
    days = np.sort(past.data.engine.collect(first.select("day"))["day"].to_numpy(dtype=np.float64))
    # left: what became known on the day of the snapshot is not counted
    return np.searchsorted(days, past.cut, side="left").astype(np.float64)


def _available(past: Past) -> Array:
    """Count the features open to each snapshot: those of its plan or of no plan, as far as they were known by then."""
    if "features" not in past.data.tables:
        return _known_by(past, "feature", "usage_features", _rollups.usage_features)
    rows = past.data.lazy("features").select("feature", "plan", "known_at_day").unique()
    catalogue = past.data.engine.collect(rows)
    # without a date, a feature was always there
    catalogue["day"] = catalogue["known_at_day"].to_numpy(dtype=np.float64, na_value=-np.inf)
    available = _offered(catalogue, past.cut)
    for plan in sorted(set(catalogue["plan"].dropna())):
        # a plan that the catalogue did not name yet is open to everything, as one that it never names
        named = catalogue.loc[catalogue["plan"] == plan, "day"].min() < past.cut
        those = np.asarray(past.plan == plan, dtype=bool) & named
        offer = catalogue[catalogue["plan"].isna() | (catalogue["plan"] == plan)]
        available[those] = _offered(offer, past.cut[those])
    return available


def _offered(catalogue: pd.DataFrame, cut: Array) -> Array:
    # a feature that several rows list counts once, from the first of them on
    days = np.sort(catalogue.groupby("feature")["day"].min().to_numpy())
    return np.searchsorted(days, cut, side="left").astype(np.float64)
