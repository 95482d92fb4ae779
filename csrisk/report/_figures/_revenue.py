"""Monthly revenue by account, where unknown is never 0."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from csrisk._snapshots import Snapshots
from csrisk._text import percent
from csrisk.exceptions import ConfigError, DataWarning
from csrisk.features import Relationship, build_features

if TYPE_CHECKING:
    from csrisk._explain import Explanation
    from csrisk.data import CustomerData

__all__ = ["at_stake", "find_revenue", "why_listed"]

Floats = npt.NDArray[np.float64]


def at_stake(probability: Floats, mrr: Floats | None) -> Floats:
    """Weight of each account in the order of priority: probability times monthly revenue.

    Unknown revenue counts as the median of what is known, so that nobody comes last because an amount is missing;
    where none is known, the probability alone decides.
    """
    if mrr is None or np.isnan(mrr).all():
        return probability
    return probability * np.where(np.isnan(mrr), np.nanmedian(mrr), mrr)


def why_listed(probability: Floats, mrr: Floats | None) -> tuple[str, ...]:
    """Say of each account that stands high for its revenue, not its risk, that it does; empty for the others.

    That is one whose risk is below the mean of the book while its expected loss is above the mean.
    """
    if mrr is None or np.isnan(mrr).all():
        return ("",) * len(probability)
    stake, mean = at_stake(probability, mrr), float(probability.mean())
    # the middle of what is known, which is also what unknown revenue counts as
    usual = float(np.nanmedian(mrr))
    # above the usual revenue too: unknown revenue compares false, and is no reason
    for_money = (probability < mean) & (stake > stake.mean()) & (mrr > usual)
    words = f"Listed for its revenue: its risk is below the mean of the book ({percent(mean)})."
    return tuple(words if one else "" for one in for_money)


def find_revenue(why: Explanation, data: CustomerData | None, stated: pd.Series | None) -> Floats | None:
    """Find the revenue by row: handed over, else the feature, else the subscriptions seen at the date."""
    features = why.background.values  # noqa: PD011  # a frame by that name, not the array of a frame
    if stated is not None:
        known = _stated(why, stated)
    elif "mrr" in features:
        known = features["mrr"]
    elif data is not None and data.has("subscriptions", "mrr"):
        index = why.index[why.index.get_level_values("account_id").isin(data.accounts)]
        if index.empty:
            return None
        seen = Snapshots.of(data, index.to_frame(index=False))
        known = build_features(data, seen, [Relationship()])["mrr"].reindex(why.index)
    else:
        return None
    values = known.to_numpy(np.float64, na_value=np.nan)
    # an infinite amount is unknown: it would be all that sums say
    values = np.where(np.isfinite(values), values, np.nan)
    return None if np.isnan(values).all() else values


def _stated(why: Explanation, mrr: pd.Series) -> pd.Series:
    """Match a series by account id, or by snapshot, to the accounts of the report."""
    is_flat = why.index.nlevels == 1
    keys = why.index if is_flat or mrr.index.nlevels > 1 else why.index.get_level_values("account_id")
    n_repeated = int(mrr.index.duplicated().sum())
    if n_repeated:
        raise ConfigError(
            f"mrr: {n_repeated} of {len(mrr)} ids of its index are repeated; give one sum for each account"
        )
    there = int(keys.isin(mrr.index).sum())
    if not there:
        raise ConfigError(
            f"mrr: none of the {len(keys)} accounts of the report is in its index of {len(mrr)}; its index must hold "
            "the account ids, of the same type as in the report, as in table.set_index('account_id')['mrr']"
        )
    known = pd.to_numeric(mrr.reindex(keys))
    negative = int((known < 0).sum())
    if negative:
        raise ConfigError(
            f"mrr: {negative} of {len(known)} are negative; give monthly revenue net of credits, 0 or more"
        )
    unknown = int(known.isna().sum())
    if unknown:
        message = (
            f"mrr: unknown for {unknown} of {len(known)} accounts of the report ({len(known) - there} are not in its "
            "index); sums are over the others, and say so"
        )
        warnings.warn(message, DataWarning, stacklevel=5)
    return known
