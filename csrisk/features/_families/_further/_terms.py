"""Terms of the contract: how long it binds, until when notice can be given, and what it costs against the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np

from csrisk._goals import Goal
from csrisk.data._engines import MONEY, exact, one, whole
from csrisk.features._families._relationship import complete
from csrisk.features._family import Family, Measure, per
from csrisk.features._panel._past import Facts, Past, nothing, ratio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.features._panel._rollups import Rollups

__all__ = ["ContractTerms"]


@dataclass(frozen=True)
class ContractTerms(Family):
    """How long the contract binds, until when notice can be given, and what it costs against the list.

    Notes
    -----
    Reads ``notice_at``, ``auto_renews`` and ``list_price`` of the subscriptions; a feature whose column is not there is
    NaN. All is about contracts that run at the snapshot. The next day of notice counts; once all have passed, the last
    one, as a negative number of days. A discount of which a price is unknown is unknown.

    Examples
    --------
    >>> from csrisk.features import ContractTerms
    >>> [feature.name for feature in ContractTerms().features][:2]
    ['term_days', 'days_to_notice']
    """

    goal: ClassVar[Goal] = Goal.CHURN
    counts: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = (
        "subscriptions.notice_at",
        "subscriptions.auto_renews",
        "subscriptions.list_price",
    )

    def _measures(self) -> Iterator[Measure]:
        make = self._measure
        yield make("term_days", "days", "The longest contract binds for {value}", "term")
        yield make("days_to_notice", "days", "{value} to the last day of notice", "notice")
        renew = "{value} of the contracts renew by themselves, where stated"
        yield make("auto_renews", "share", renew, per("renew", "stated"), -1)
        yield make("days_past_planned_end", "days", "Runs on {value} after its planned end", "past_end", 1)
        off = "{value} below the list price"
        yield make("discount", "share", off, lambda f: ratio(f["list"] - f["price"], f["list"]))

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past)
        if "subscriptions" not in past.data.tables:
            return facts
        cut, day, end, notice = (nw.col(name) for name in ("cut", "day", "planned_end_day", "notice_at_day"))
        renews, listed = nw.col("auto_renews"), nw.col("list_price")
        both = ~listed.is_null() & ~nw.col("mrr").is_null()
        ahead = notice - cut
        sums = [
            whole(day * 0 + 1).alias("rows"),
            # several contracts may run: the account is bound as long as the longest one binds
            (end - day).max().alias("term"),
            # a day of notice that is today can still be kept
            nw.when(ahead >= 0).then(ahead).min().alias("next_notice"),
            ahead.max().alias("last_notice"),
            whole(one(renews)).alias("renew"),
            whole(one(~renews.is_null())).alias("stated"),
            (cut - end).max().alias("past_end"),
            # a sum of list prices over other contracts than the sum of prices would be no discount
            whole(one(both)).alias("priced"),
            exact(listed, MONEY).alias("list"),
            exact(nw.col("mrr"), MONEY).alias("price"),
        ]
        seen = past.seen(past.rollups.get("terms", _rows)).filter(nw.col("end_at_day").is_null())
        facts.update(past.home(seen.group_by("snapshot").agg(*sums)))
        later = np.isnan(facts["next_notice"])
        facts["notice"] = np.where(later, facts["last_notice"], facts["next_notice"])
        # an end that lies ahead is 0 days past
        facts["past_end"] = np.maximum(facts["past_end"], 0.0)
        for name in ("list", "price"):
            facts[name] = complete(facts[name], facts["priced"], facts["rows"])
        return facts


def _rows(rollups: Rollups) -> nw.LazyFrame[Any]:
    columns = ("account", "day", "known", "told", "end_at_day", "planned_end_day", "notice_at_day")
    return rollups.data.lazy("subscriptions").select(*columns, "auto_renews", "list_price", "mrr")
