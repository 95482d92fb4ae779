"""What rows mean: whether an act speaks for or against us, what ends a promise or a loop, what is objected to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import pandas as pd

from csrisk.data import AGAINST_US, ENDED, FOR_US, UNASKED

if TYPE_CHECKING:
    from csrisk.data import CustomerData

__all__ = ["acts", "contacts", "feedback", "invoices", "promises"]

Lazy = nw.LazyFrame[Any]
_LOW, _HIGH = 2, 4  # stars of a review up to which it speaks against, and from which it speaks for the vendor


def acts(data: CustomerData) -> Lazy:
    """Rows of `advocacy` with a ``sign``: 1 for us, -1 against us, 0 for neither.

    A stance decides, without one the rating, without that the kind. Neither: declined, three stars, or of a kind that
    says nothing by itself.
    """
    kind = nw.col("kind").str.to_lowercase().str.replace_all(" ", "_", literal=True)
    stance, rating = nw.col("stance").str.to_lowercase(), nw.col("rating")
    against = (rating <= _LOW) | (rating.is_null() & kind.is_in(list(AGAINST_US)))
    # stars without a kind are those of a review
    pro = (rating.is_null() | (rating >= _HIGH)) & (kind.is_in(list(FOR_US)) | (kind.is_null() & ~rating.is_null()))
    by_kind = nw.when(against).then(nw.lit(-1)).otherwise(nw.when(pro).then(nw.lit(1)).otherwise(nw.lit(0)))
    told = nw.when(stance == "for").then(nw.lit(1)).otherwise(nw.when(stance == "against").then(nw.lit(-1)))
    sign = nw.when(stance.is_null()).then(by_kind).otherwise(told).fill_null(0)
    return data.lazy("advocacy").with_columns(kind.alias("kind"), stance.alias("stance"), sign.alias("sign"))


def contacts(data: CustomerData) -> Lazy:
    """Rows of `contacts` with who began them, their kind, stage and channel in lower case."""
    words = [nw.col(name).str.to_lowercase() for name in ("initiated_by", "kind", "stage", "channel")]
    return data.lazy("contacts").with_columns(*words)


def promises(data: CustomerData) -> Lazy:
    """Rows of `expectations` with a lower-case outcome, and in ``closed_at_day`` when each ended without being met.

    An outcome has no time of its own. Where it ends a promise and `closed_at` does not say when, it is known from the
    last observed day on and not before: a promise that leaves the list before its end was known would be a leak.
    """
    outcome = nw.col("outcome").str.to_lowercase()
    ended = outcome.is_in(list(ENDED)) & nw.col("met_at_day").is_null()
    last = _last_day(data)
    closed = nw.when(~nw.col("closed_at_day").is_null()).then(nw.col("closed_at_day"))
    filled = nw.when(nw.col("closed_at_day").is_null() & ended).then(last).otherwise(closed)
    return data.lazy("expectations").with_columns(outcome.alias("outcome"), filled.alias("closed_at_day"))


def invoices(data: CustomerData) -> Lazy:
    """Rows of `invoices` with ``objected_day``: when the customer objected.

    `disputed` has no time of its own. In tables without `disputed_at` it is known from the payment on; of an invoice
    that is open, or that lacks its time among others, it is known from the last observed day on and not before, as it
    may have been written at any time until then, after the payment too.
    """
    stated, paid = nw.col("disputed_at_day"), nw.col("paid_at_day")
    last = _last_day(data)
    at_last = last if data.has("invoices", "disputed_at") else nw.when(paid.is_null()).then(last).otherwise(paid)
    known = nw.when(stated.is_null() & nw.col("disputed")).then(at_last).otherwise(stated)
    return data.lazy("invoices").with_columns(known.alias("objected_day"))


def feedback(data: CustomerData) -> Lazy:
    """Rows of `surveys` with a lower-case kind; ``asked`` is 0 where feedback came by itself.

    A loop ends when something was done or when the customer was told why nothing will be (``closed_at_day``). What
    came by itself is answered on the day on which it came.
    """
    kind = nw.col("kind").str.to_lowercase()
    # a survey of no kind was asked
    unasked = kind.is_in(list(UNASKED)).fill_null(value=False)
    came = nw.when(unasked & nw.col("answered_at_day").is_null())
    return data.lazy("surveys").with_columns(
        kind.alias("kind"),
        nw.when(unasked).then(nw.lit(0)).otherwise(nw.lit(1)).alias("asked"),
        came.then(nw.col("sent_at_day")).otherwise(nw.col("answered_at_day")).alias("answered_at_day"),
        came.then(nw.col("sent_at_second")).otherwise(nw.col("answered_at_second")).alias("answered_at_second"),
        *(
            _earlier(f"acted_at_{grain}", f"declined_at_{grain}").alias(f"closed_at_{grain}")
            for grain in ("day", "second")
        ),
    )


def _last_day(data: CustomerData) -> nw.Expr:
    """Last day that was observed."""
    # data.end is the first day that was not observed
    last: nw.Expr = nw.lit((data.end - pd.Timestamp(0)).days - 1)
    return last


def _earlier(one: str, other: str) -> nw.Expr:
    """Give the earlier of two times; the one that is there where the other is not."""
    # the least of two is null on SQLite where either is
    first, second = nw.col(one), nw.col(other)
    return nw.when(first.is_null() | (second < first)).then(second).otherwise(first)
