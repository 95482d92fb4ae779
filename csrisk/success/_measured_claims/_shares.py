"""Shares, differences and ratios with 95 % intervals that know that rows of one account say much the same."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from csrisk._wilson import Z_95, share_interval
from csrisk.evaluation._measuring import Auc, clustered_auc

__all__ = ["Estimate", "auc_lead", "difference_of", "mean_of", "ratio_of", "share_of", "variance_of"]

Array: TypeAlias = np.ndarray[Any, Any]


class Estimate(NamedTuple):
    """An estimate with its interval, what it stands beside, and what it rests on."""

    value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    beside: float = np.nan
    n: int = 0
    accounts: int = 0
    events: int = 0


def share_of(hit: Array, account: Array) -> Estimate:
    """Share of rows that are hits; Wilson's interval of as many independent rows as the accounts are worth."""
    hit, account = np.asarray(hit, dtype=bool), np.asarray(account)
    if not len(hit):
        return Estimate()
    share, accounts = float(hit.mean()), len(np.unique(account))
    # where all rows agree they say nothing of how accounts differ
    n = float(accounts)
    if 0 < share < 1:
        spread = variance_of((hit - share) / len(hit), account)
        # the number of independent rows with this variance, never more than there are rows
        n = min(float(len(hit)), share * (1 - share) / spread) if spread > 0 else float(len(hit))
    low, high = share_interval(np.array([share * n]), np.array([n]))
    return Estimate(share, float(low[0]), float(high[0]), np.nan, len(hit), accounts, len(np.unique(account[hit])))


def difference_of(hit: Array, inside: Array, account: Array) -> Estimate:
    """Share inside less the share outside, by Newcombe's tenth method on the intervals of `share_of`."""
    hit, inside, account = np.asarray(hit, dtype=bool), np.asarray(inside, dtype=bool), np.asarray(account)
    ours, others = share_of(hit[inside], account[inside]), share_of(hit[~inside], account[~inside])
    value = ours.value - others.value
    low = value - np.hypot(ours.value - ours.low, others.high - others.value)
    high = value + np.hypot(ours.high - ours.value, others.value - others.low)
    accounts = min(ours.accounts, others.accounts)
    return Estimate(value, low, high, others.value, len(hit), accounts, len(np.unique(account[hit])))


def mean_of(value: Array, account: Array) -> Estimate:
    """Mean with the interval of means of accounts."""
    value, account = np.asarray(value, dtype=float), np.asarray(account)
    accounts = len(np.unique(account))
    if accounts < 2:  # one account has no spread
        return Estimate(n=len(value), accounts=accounts)
    mean = float(value.mean())
    half = Z_95 * np.sqrt(variance_of((value - mean) / len(value), account))
    return Estimate(mean, mean - half, mean + half, np.nan, len(value), accounts, accounts)


def ratio_of(top: Array, bottom: Array, account: Array, against: tuple[Array, Array] | None = None) -> Estimate:
    """Rows in `top` for one in `bottom`, over the same ratio of `against` where given; on the log scale."""
    parts = [np.asarray(part, dtype=bool) for part in (top, bottom, *(against or ()))]
    counts = [int(part.sum()) for part in parts]
    account = np.asarray(account)
    there = np.logical_or.reduce(parts)
    accounts, events = len(np.unique(account[there])), len(np.unique(account[parts[0]]))
    # a ratio with a 0 has no logarithm, and no interval on its scale
    if not all(counts):
        return Estimate(n=int(there.sum()), accounts=accounts, events=events)
    # log(a / b) - log(c / d): the signs of the four logarithms
    signs = (1, -1, -1, 1)[: len(parts)]
    influence = sum(sign * part / count for sign, part, count in zip(signs, parts, counts, strict=True))
    value = counts[0] / counts[1] / (counts[2] / counts[3] if against else 1)
    half = np.exp(Z_95 * np.sqrt(variance_of(np.asarray(influence), account)))
    return Estimate(value, value / half, value * half, np.nan, int(there.sum()), accounts, events)


def auc_lead(first: Array, second: Array, event: Array, account: Array) -> Estimate:
    """Area under the curve of a score less that of another on the same rows, with the area of the second beside.

    Several columns of a score are draws of it, whose areas are averaged.
    """
    event, codes = np.asarray(event, dtype=bool), np.unique(np.asarray(account), return_inverse=True)[1]
    accounts = int(codes.max(initial=-1)) + 1
    events = len(np.unique(codes[event]))
    # an area under the curve needs both outcomes
    if not event.any() or event.all():
        return Estimate(n=len(event), accounts=accounts, events=events)
    one, other = (_mean_auc(score, event, codes) for score in (first, second))
    # influences are subtracted account by account, as both scores look at the same accounts
    lead = Auc(one.value - other.value, one.influence - other.influence)
    half = Z_95 * lead.error
    return Estimate(lead.value, lead.value - half, lead.value + half, other.value, len(event), accounts, events)


def _mean_auc(score: Array, event: Array, codes: Array) -> Auc:
    draws = np.asarray(score, dtype=float).reshape(len(event), -1).T
    areas = [clustered_auc(draw, event, codes, int(codes.max()) + 1) for draw in draws]
    return Auc(
        float(np.mean([area.value for area in areas])),
        np.asarray(np.mean([area.influence for area in areas], axis=0)),
    )


def variance_of(influence: Array, account: Array) -> float:
    """Sum of squares of what each account adds."""
    sums = pd.Series(influence).groupby(pd.Series(account)).sum().to_numpy()
    present = len(sums)
    # the factor n / (n - 1) of few clusters
    return float((sums**2).sum()) * present / max(present - 1, 1)
