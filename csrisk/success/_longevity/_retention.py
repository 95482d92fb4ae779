"""How long accounts stay: Kaplan-Meier curves by group, and the days that are still to be expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._days import Duration, whole_days
from csrisk._wilson import Z_95, share_interval
from csrisk.exceptions import ConfigError
from csrisk.success._longevity._lifetimes import follow, groups_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from csrisk.data import CustomerData

__all__ = ["remaining_life", "retention"]

Array = np.ndarray[Any, Any]


def retention(
    data: CustomerData,
    by: str | pd.Series | None = None,
    *,
    grace: Duration = "30D",
    since: object = None,
    until: object = None,
) -> pd.DataFrame:
    """Estimate the share of accounts that stay so many days after their first contract began (Kaplan-Meier).

    Leaving is what `csrisk.label_time_to_churn` with ``kind="contract"`` calls churn; accounts that run are censored
    at the end. Those that began before `since` count from the day on which they are first seen (delayed entry), so
    that survivors of older years do not look like loyalty.

    Parameters
    ----------
    data : CustomerData
        The tables.
    by : str or Series, optional
        A column of accounts (``"segment"``), else of subscriptions (``"plan"``, that of the first contract), or a group
        for each account. Columns of accounts are those of today; one that changes when customers leave tells nothing.
    grace : int or str, default "30D"
        Days in which a renewal may come late.
    since : date-like, optional
        First day from which leaving was recorded for all; default ``data.start``.
    until : date-like, optional
        Nothing dated at or after it counts; default is the end of the data.

    Returns
    -------
    pandas.DataFrame
        Index (group, day), days on which accounts left, the first day and the last seen one. ``at_risk`` accounts were
        followed up to that day, ``left`` on it and ``censored`` since the row before; ``retention`` with a 95 %
        interval ``low, high`` (Greenwood on the log-log scale [1]_; Wilson where nobody or everybody left).

    References
    ----------
    .. [1] Kalbfleisch, J. D. and Prentice, R. L. (2002). The Statistical Analysis of Failure Time Data. Wiley.

    Examples
    --------
    >>> import pandas as pd
    >>> import csrisk as cr
    >>> subscriptions = pd.DataFrame({
    ...     "account_id": ["a", "b", "c"],
    ...     "start_at": ["2025-01-01"] * 3,
    ...     "end_at": [None, "2025-01-11", "2025-03-01"],
    ...     "mrr": 100.0,
    ... })
    >>> data = cr.CustomerData({"subscriptions": subscriptions}, end="2025-06-01")
    >>> cr.success.retention(data)["retention"].round(3).to_dict()
    {('all', 0): 1.0, ('all', 11): 0.667, ('all', 60): 0.333, ('all', 151): 0.333}
    """
    curves = {group: _curve(entry, time, event) for group, entry, time, event in _spans(data, by, grace, since, until)}
    empty = _curve(*(np.zeros(0, dtype=np.int64),) * 2, np.zeros(0, dtype=bool)).iloc[:0]
    return pd.concat(curves or {"all": empty}, names=["group", "day"])


def remaining_life(
    data: CustomerData,
    by: str | pd.Series | None = None,
    *,
    after: Sequence[int] = (0, 180, 365),
    horizon: Duration = "365D",
    grace: Duration = "30D",
    since: object = None,
    until: object = None,
) -> pd.DataFrame:
    """Expect so many more days of those who have stayed so long, within a horizon (restricted mean).

    Parameters
    ----------
    data : CustomerData
        The tables.
    by, grace, since, until
        As for `retention`.
    after : sequence of int, default (0, 180, 365)
        Days since the start that an account has behind it.
    horizon : int or str, default "365D"
        Days beyond which nothing is counted: no account is expected to stay longer than this.

    Returns
    -------
    pandas.DataFrame
        Index (group, after). ``at_risk`` accounts followed at that day, ``days`` with a 95 % interval ``low, high``,
        and the ``horizon``. Missing where nobody of the group was followed to the end of the horizon.

    Examples
    --------
    >>> import pandas as pd
    >>> import csrisk as cr
    >>> subscriptions = pd.DataFrame({
    ...     "account_id": ["a", "b"], "start_at": "2025-01-01", "end_at": [None, "2025-01-11"], "mrr": 100.0
    ... })
    >>> data = cr.CustomerData({"subscriptions": subscriptions}, end="2025-06-01")
    >>> cr.success.remaining_life(data, after=[0], horizon="100D")["days"].tolist()  # (11 + 100) / 2
    [55.5]
    """
    length = whole_days(horizon, "horizon", minimum=1)
    wrong = [day for day in after if day < 0]
    if wrong:
        raise ConfigError(f"after={list(after)}: {len(wrong)} of them lie before the start; days count from 0")
    rows = {
        (group, int(day)): _mean(entry, time, event, int(day), length)
        for group, entry, time, event in _spans(data, by, grace, since, until)
        for day in after
    }
    index = pd.MultiIndex.from_tuples(list(rows), names=["group", "after"]) if rows else None
    columns = ["at_risk", "days", "low", "high"]
    table = pd.DataFrame(list(rows.values()), columns=columns, index=index).astype({"at_risk": "int64"})
    return table.assign(horizon=length)


def _spans(
    data: CustomerData, by: Any, grace: Any, since: Any, until: Any
) -> Iterator[tuple[str, Array, Array, Array]]:
    """Give days since the start at entry and at the end of each account, by group."""
    seen = follow(data, grace, since, until)
    lives = seen.lives
    # the last day of a contract is a day of staying: leaving is the day after it
    entry, time = np.maximum(seen.since - lives.start, 0), lives.last - lives.start + lives.event
    groups = groups_of(data, lives.account, by).to_numpy()
    # sorted, so that groups do not come in the order of rows
    for group in sorted(set(groups)):
        inside = groups == group
        yield group, entry[inside], time[inside], lives.event[inside]


def _steps(entry: Array, time: Array, event: Array) -> tuple[Array, Array, Array]:
    """Days on which accounts left, how many were followed up to each, and how many left."""
    days, left = np.unique(time[event], return_counts=True)
    entered, gone = np.sort(entry), np.sort(time)
    # entered before the day, and not gone before it
    at_risk = np.searchsorted(entered, days, side="left") - np.searchsorted(gone, days, side="left")
    return days, at_risk, left


def _curve(entry: Array, time: Array, event: Array) -> pd.DataFrame:
    days, at_risk, left = _steps(entry, time, event)
    # the product-limit estimate of Kaplan and Meier
    share = np.cumprod(1 - left / at_risk)
    with np.errstate(divide="ignore"):
        spread = np.cumsum(left / (at_risk * (at_risk - left)))  # Greenwood
    low, high = _log_log(share, spread, at_risk)
    rows = pd.DataFrame(
        {"at_risk": at_risk, "left": left, "retention": share, "low": low, "high": high},
        index=pd.Index(days, name="day"),
    )
    first = pd.DataFrame(
        {"at_risk": int((entry <= 0).sum()), "left": 0, "retention": 1.0, "low": 1.0, "high": 1.0}, index=[0]
    )
    last = int(time.max(initial=0))
    parts = [first, rows]
    # the curve goes on flat to the last day on which anybody was followed
    if last > int(days.max(initial=0)):
        end = rows.iloc[-1:] if len(rows) else first
        still = int((time >= last).sum())
        # without a single leaver Greenwood's variance is 0, which is no certainty
        bounds = {} if len(rows) else {"low": float(share_interval([len(time)], [len(time)])[0][0])}
        parts.append(end.assign(at_risk=still, left=0, **bounds).set_axis([last]))
    table = pd.concat(parts)
    table.index.name = "day"
    quit_ = np.searchsorted(np.sort(time[~event]), table.index.to_numpy(), side="right")
    table.insert(2, "censored", np.diff(quit_, prepend=0))
    return table.astype({"at_risk": "int64", "left": "int64", "censored": "int64"})


def _log_log(share: Array, spread: Array, at_risk: Array) -> tuple[Array, Array]:
    """Interval on the log-log scale; of the accounts at risk by Wilson where all have left."""
    inside = share > 0
    low, high = share_interval(np.zeros(len(share)), at_risk)
    log = np.log(share[inside])
    half = Z_95 * np.sqrt(spread[inside]) / np.abs(log)
    # the power turns round: a larger exponent is a smaller share
    low[inside], high[inside] = share[inside] ** np.exp(half), share[inside] ** np.exp(-half)
    return low, high


def _mean(entry: Array, time: Array, event: Array, after: int, horizon: int) -> tuple[int, float, float, float]:
    """Area under the curve after a day, over its height there, with the interval of the restricted mean."""
    at_risk = int(((entry <= after) & (time > after)).sum())
    # nobody was followed to the end of the horizon, so the area up to it is unknown
    if not at_risk or time.max() < after + horizon:
        return at_risk, np.nan, np.nan, np.nan
    inside = time > after
    days, n, left = _steps(np.maximum(entry[inside] - after, 0), time[inside] - after, event[inside])
    reached = days < horizon
    days, n, left = days[reached], n[reached], left[reached]
    share = np.cumprod(1 - left / n)
    areas = np.append(1.0, share) * np.diff(np.concatenate([[0], days, [horizon]]))
    mean, beyond = float(areas.sum()), areas[::-1].cumsum()[::-1][1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        # variance of the restricted mean: the squared area that lies behind each day, by Greenwood's terms
        parts = np.where(beyond > 0, beyond**2 * left / (n * (n - left)), 0.0)
    half = Z_95 * float(np.sqrt(parts.sum()))
    if not len(days):  # nobody left: that all stay is not certain
        half = horizon * (1 - float(share_interval(at_risk, at_risk)[0]))
    return at_risk, mean, max(mean - half, 0.0), min(mean + half, float(horizon))
