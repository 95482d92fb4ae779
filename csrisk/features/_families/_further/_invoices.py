"""Invoices: what is overdue, how late they pay, and what they object to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np

from csrisk._goals import Goal
from csrisk._snapshots import invoices
from csrisk.data._engines import MONEY, exact, one, whole
from csrisk.features._families._relationship import complete
from csrisk.features._family import Family, Measure, check_windows, per
from csrisk.features._panel._past import Facts, Past, nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.features._panel._rollups import Rollups

__all__ = ["Invoices"]


@dataclass(frozen=True)
class Invoices(Family):
    """What is overdue, how late invoices are paid, and how often the customer objects.

    Parameters
    ----------
    window : int, default 365
        Days looked back for what was paid or objected to.

    Raises
    ------
    FeatureError
        If the window is no positive whole number of days.

    Notes
    -----
    Reads the table `invoices`; what is overdue is NaN before a payment was known, as nobody can tell then what is open.
    An invoice is overdue from the day after ``due_at`` until it is paid in full; credit notes past their day lower the
    sum, at most to 0. A sum of which an amount is unknown is unknown. An invoice that was paid early is 0 days late.
    An objection counts from ``disputed_at``; in tables without that time from the payment. Of an open invoice, or of
    one that lacks its time among others, it counts at the end of the data only: it may have been written until then.

    Examples
    --------
    >>> from csrisk.features import Invoices
    >>> [feature.name for feature in Invoices().features][:2]
    ['overdue_amount', 'overdue_days']
    """

    window: int = 365
    goal: ClassVar[Goal] = Goal.CHURN
    reads: ClassVar[tuple[str, ...]] = ("invoices.due_at", "invoices.disputed", "invoices.disputed_at")

    def __post_init__(self) -> None:
        check_windows("Invoices", window=self.window)

    def _measures(self) -> Iterator[Measure]:
        make, w = self._measure, self.window
        yield make("overdue_amount", "money", "{value} overdue", "amount", 1)
        yield make("overdue_days", "days", "The oldest overdue invoice waits for {value}", "overdue_days", 1)
        late = f"Invoices of {w} days paid {{value}} late on average"
        yield make(f"days_late_mean_{w}d", "days", late, per("late_days", "paid"), 1, window=w)
        yield make("disputed_open", "count", "{value} open invoices objected to", "disputed_open", 1)
        objected = f"Objected to {{value}} invoices in {w} days"
        yield make(f"invoices_disputed_{w}d", "count", objected, "disputed", 1, window=w)

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past)
        if "invoices" not in past.data.tables:
            return facts
        cut, due, paid, objected, amount = (
            nw.col(name) for name in ("cut", "due_at_day", "paid_at_day", "objected_day", "amount")
        )
        overdue, lately = paid.is_null() & (due < cut), paid >= cut - self.window
        timed = lately & ~due.is_null()
        sums = [
            whole(one(overdue)).alias("n"),
            whole(one(overdue & ~amount.is_null())).alias("n_known"),
            exact(nw.when(overdue).then(amount), MONEY).alias("amount"),
            whole(one(timed)).alias("paid"),
            # early payments count 0 days and do not make up for late ones
            whole(nw.when(timed & (paid > due)).then(paid - due).otherwise(nw.lit(0))).alias("late_days"),
            whole(one(objected >= cut - self.window)).alias("disputed"),
            whole(one(paid.is_null() & ~objected.is_null())).alias("disputed_open"),
            # a credit note past its day is nothing that the customer owes
            nw.when(overdue & (amount.is_null() | (amount > 0))).then(cut - due).max().alias("overdue_days"),
        ]
        found = past.home(past.seen(past.rollups.get("invoices", _rows)).group_by("snapshot").agg(*sums))
        # an age is not filled up with 0 as counts are
        oldest = found.pop("overdue_days")
        facts.update(past.filled(found, "invoices"))
        # before a first payment was recorded every invoice would look overdue
        payments = past.evidence("invoices", "due_at") & past.evidence("invoices", "paid_at")
        total = np.where(facts["n"] > 0, complete(facts["amount"], facts["n_known"], facts["n"]), 0.0)
        # credit notes may exceed what is owed
        facts["amount"] = np.where(payments, np.maximum(total, 0.0), np.nan)
        facts["overdue_days"] = np.where(payments, oldest, np.nan)
        stated = past.evidence("invoices", "disputed") | past.evidence("invoices", "disputed_at")
        facts["disputed"] = np.where(stated, facts["disputed"], np.nan)
        told = stated & past.evidence("invoices", "paid_at")
        facts["disputed_open"] = np.where(told, facts["disputed_open"], np.nan)
        return facts


def _rows(rollups: Rollups) -> nw.LazyFrame[Any]:
    columns = ("account", "day", "known", "due_at_day", "paid_at_day", "objected_day", "amount")
    return invoices(rollups.data).select(*columns)
