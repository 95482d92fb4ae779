"""Who is seen: accounts with a running contract, in use, or simply there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import narwhals.stable.v2 as nw
import numpy as np

from csrisk._snapshots._slices import running, visible
from csrisk._snapshots._use import uses
from csrisk.exceptions import SnapshotError

if TYPE_CHECKING:
    from csrisk.data import CustomerData

__all__ = ["Eligibility", "eligible_pairs", "resolve_rule"]

Eligibility = Literal["auto", "contract", "active", "account"]
# days; before any as_of, so that such a row is past at every snapshot
_LONG_AGO = -(10**7)


def resolve_rule(data: CustomerData, eligible: str) -> str:
    """Resolve "auto" and refuse a rule for which the data hold no evidence."""
    # in the order in which auto takes them
    evidence = {
        "contract": data.has("subscriptions", "start_at"),
        "active": data.has("usage", "at"),
        "account": data.has("accounts", "started_at"),
    }
    if eligible == "auto":
        eligible = next((rule for rule, there in evidence.items() if there), "")
        if not eligible:
            raise SnapshotError("eligible='auto': no subscriptions, usage or started_at of accounts; use Snapshots.of")
    if eligible not in list(evidence):  # a list also takes what cannot be hashed
        raise SnapshotError(f"eligible={eligible!r} must be one of {list(get_args(Eligibility))}")
    if not evidence[eligible]:
        possible = [rule for rule, there in evidence.items() if there]
        raise SnapshotError(f"eligible={eligible!r}: the data hold no evidence for it; possible here: {possible}")
    return eligible


def eligible_pairs(
    data: CustomerData, pairs: nw.LazyFrame[Any], n_pairs: int, rule: str, look_back: int
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Mark the pairs whose account qualifies by the rule."""
    if rule == "contract":
        table = data.lazy("subscriptions").select(
            "account", "day", "known", "told", "end_at_day", "notice_given_at_day"
        )
        # who has given notice has told the end: there is nothing left to forecast
        rows = running(pairs, table).filter(nw.col("notice_given_at_day").is_null())
    elif rule == "active":
        # one row a day says as much as many, and keeps the join with the pairs small
        table = uses(data).select("account", "day", "known").unique()
        rows = visible(pairs, table, window=look_back)
    else:
        # an account without a start date is taken as there from the beginning
        there = (nw.col(name).fill_null(_LONG_AGO) for name in ("day", "known"))
        table = data.lazy("accounts").select("account", *there, "told", "ended_at_day")
        rows = visible(pairs, table).filter(nw.col("ended_at_day").is_null())
    found = data.engine.collect(rows.select("snapshot").unique())["snapshot"].to_numpy()
    mask = np.zeros(n_pairs, dtype=bool)
    mask[found] = True
    return mask
