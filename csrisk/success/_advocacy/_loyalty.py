"""Satisfaction is not loyalty: the satisfied who are at risk, and the dissatisfied who are not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from csrisk._wilson import share_interval
from csrisk.exceptions import ConfigError

__all__ = ["LOYALTY_GROUPS", "loyalty", "loyalty_groups"]

LOYALTY_GROUPS = ("satisfied and safe", "satisfied but at risk", "dissatisfied but safe", "dissatisfied and at risk")


def loyalty_groups(
    position: pd.Series,
    risk: pd.Series,
    *,
    satisfied_from: float = 0.6,
    dissatisfied_below: float = 0.5,
    at_risk_from: float | None = None,
) -> pd.Series:
    """Sort snapshots by satisfaction and risk.

    Parameters
    ----------
    position : pandas.Series
        Position on the happiness continuum, in [0, 1].
    risk : pandas.Series
        Probability of churn, on the same index.
    satisfied_from, dissatisfied_below : float
        Limits on the continuum; between them is neither.
    at_risk_from : float, optional
        Probability from which an account is at risk; by default the mean risk of the book.

    Returns
    -------
    pandas.Series
        Categories of `LOYALTY_GROUPS`; missing where satisfaction is unknown or neither.

    Raises
    ------
    ConfigError
        If the limits are not in order or the indexes differ.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import loyalty_groups
    >>> loyalty_groups(pd.Series([0.9, 0.9, 0.2]), pd.Series([0.01, 0.30, 0.02]), at_risk_from=0.1).tolist()
    ['satisfied and safe', 'satisfied but at risk', 'dissatisfied but safe']
    """
    if not 0 < dissatisfied_below <= satisfied_from < 1:
        message = f"dissatisfied_below={dissatisfied_below!r} and satisfied_from={satisfied_from!r} must be in order"
        raise ConfigError(message + " within 0 and 1")
    if not position.index.equals(risk.index):
        raise ConfigError("position and risk must share their index; use risk.reindex(position.index)")
    limit = float(risk.mean()) if at_risk_from is None else at_risk_from
    at_risk = risk >= limit
    satisfied = position >= satisfied_from
    # between the two limits an account is neither satisfied nor dissatisfied
    known = position.notna() & risk.notna() & (satisfied | (position < dissatisfied_below))
    names = np.select([satisfied & ~at_risk, satisfied, ~at_risk], LOYALTY_GROUPS[:3], LOYALTY_GROUPS[3])
    groups = pd.Series(names, index=position.index, name="group").where(known)
    return groups.astype(pd.CategoricalDtype(list(LOYALTY_GROUPS)))


def loyalty(groups: pd.Series, goals: pd.DataFrame | None = None) -> pd.DataFrame:
    """Count the groups, with the share of the satisfied (dissatisfied) in each, and what drives them.

    Parameters
    ----------
    groups : pandas.Series
        As `loyalty_groups` gives it.
    goals : pandas.DataFrame, optional
        Contributions by goal, as ``why.goals()`` gives them, on an index that covers the groups.

    Returns
    -------
    pandas.DataFrame
        One row per group: ``accounts``, ``share`` of those equally satisfied with ``low`` and ``high`` (95 %, Wilson),
        and with `goals` the mean contribution of each goal and ``driver``, the goal with the largest.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import loyalty, loyalty_groups
    >>> groups = loyalty_groups(pd.Series([0.9, 0.9, 0.2]), pd.Series([0.01, 0.30, 0.02]), at_risk_from=0.1)
    >>> loyalty(groups)["share"].tolist()
    [0.5, 0.5, 1.0, 0.0]
    """
    counts = groups.value_counts(sort=False).reindex(list(LOYALTY_GROUPS), fill_value=0).astype("int64")
    # the order of the groups: two of the satisfied, then two of the dissatisfied
    pairs = counts.to_numpy().reshape(2, 2)
    total = np.repeat(pairs.sum(axis=1), 2)
    low, high = share_interval(counts.to_numpy(), total)
    share = np.where(total > 0, counts / np.maximum(total, 1), np.nan)
    out = pd.DataFrame({"accounts": counts, "share": share, "low": low, "high": high}).rename_axis("group")
    if goals is None:
        return out
    # base and sum of an explanation are no goals
    parts = goals.drop(columns=[name for name in ("reference", "prediction") if name in goals])
    means = parts.reindex(groups.index).groupby(groups, observed=False).mean().reindex(out.index)
    # what the account is (segment, region) is nothing that anybody could work on
    driver = means.drop(columns="context", errors="ignore")
    named = driver.dropna(how="all").idxmax(axis=1).reindex(out.index)
    return out.join(means).assign(driver=named)
