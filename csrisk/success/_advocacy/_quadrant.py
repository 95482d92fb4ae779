"""The success quadrant: happiness of the customer against happiness of the company."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from csrisk._days import Duration, whole_days
from csrisk._snapshots import at_data_end, seen
from csrisk._wilson import share_interval
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["QUADRANTS", "company_happiness", "quadrant_migration", "success_quadrant"]

QUADRANTS = ("success", "work to keep: unhappy", "work to keep: costly", "let go or recover")


def company_happiness(
    data: CustomerData, snapshots: Snapshots | None = None, *, window: Duration = "180D"
) -> pd.DataFrame:
    """Say what each account brings: profit from finance, else monthly recurring revenue.

    Parameters
    ----------
    data : CustomerData
        The tables.
    snapshots : Snapshots, optional
        Who is seen when; by default the accounts that run at ``data.end``.
    window : str or int, default "180D"
        How far to look back in finance: long enough for several booking periods, short enough to speak of today.

    Returns
    -------
    pandas.DataFrame
        On ``snapshots.index``: ``value`` (money per month), ``low`` and ``high`` (95 %, Student's t over the booking
        periods; missing with fewer than two), ``margin`` (profit over revenue), ``credits`` (share of what was billed
        that was given back), ``periods`` (booking periods), and ``measure``: "profit", "mrr" or "unknown".

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import company_happiness
    >>> set(company_happiness(make_saas(60, 12, seed=1).data())["measure"]) <= {"profit", "mrr"}
    True
    """
    snapshots = at_data_end(data, snapshots)
    days = whole_days(window, "window", minimum=1)
    out = _profit(data, snapshots, days)
    mrr = _mrr(data, snapshots)
    unknown = out["value"].isna()
    out["measure"] = np.select([~unknown, mrr.notna()], ["profit", "mrr"], "unknown")
    out["value"] = out["value"].where(~unknown, mrr)
    return out.set_index(snapshots.index)


def _profit(data: CustomerData, snapshots: Snapshots, days: int) -> pd.DataFrame:
    rows = seen(data, snapshots, "finance", ["revenue", "cost_to_serve"], window=days)
    # a period of which one side is unknown has no profit
    rows = rows[rows["revenue"].notna() & rows["cost_to_serve"].notna()].astype({"revenue": float})
    rows["profit"] = rows["revenue"] - rows["cost_to_serve"].astype(float)
    by_snapshot = rows.groupby("snapshot")
    out = by_snapshot["profit"].agg(["mean", "std", "size"]).reindex(range(len(snapshots)))
    revenue = by_snapshot["revenue"].sum().reindex(out.index)
    # few periods: the quantile of Student; of one period there is no interval
    half = student.ppf(0.975, out["size"] - 1) * out["std"] / np.sqrt(out["size"])
    # credits may exceed what was billed, and a share of that says nothing
    margin = by_snapshot["profit"].sum().reindex(out.index) / revenue.where(revenue > 0)
    low, high = out["mean"] - half, out["mean"] + half
    periods = out["size"].fillna(0).astype("int64")
    # what is below 0 is a credit; the rest was billed
    billed = rows["revenue"].clip(lower=0).groupby(rows["snapshot"]).sum().reindex(out.index)
    credited = (billed - revenue) / billed.where(billed > 0)
    columns = {"value": out["mean"], "low": low, "high": high, "margin": margin, "credits": credited}
    return pd.DataFrame({**columns, "periods": periods})


def _mrr(data: CustomerData, snapshots: Snapshots) -> pd.Series:
    """Sum over the subscriptions that run: begun and not known to have ended."""
    rows = seen(data, snapshots, "subscriptions", ["mrr", "end_at_day"])
    rows = rows[rows["end_at_day"].isna()]
    # one contract without an amount makes the sum unknown
    amounts = rows["mrr"].astype(float).groupby(rows["snapshot"])
    return amounts.sum().where(amounts.count() == amounts.size()).reindex(range(len(snapshots)))


def success_quadrant(
    happiness: pd.DataFrame,
    company: pd.DataFrame,
    *,
    happy_from: float = 0.6,
    value_from: float | None = None,
    neutral_from: float = 0.4,
) -> pd.DataFrame:
    """Put each snapshot into the success quadrant.

    Parameters
    ----------
    happiness : pandas.DataFrame
        As `csrisk.success.happiness` gives it.
    company : pandas.DataFrame
        As `company_happiness` gives it, on the same index.
    happy_from : float, default 0.6
        Position on the continuum from which a customer counts as happy, where its fourth stage begins.
    value_from : float, optional
        Money per month from which the company counts as happy; by default more than 0 where profit is known, and the
        median of the book where only recurring revenue is.
    neutral_from : float, default 0.4
        Position from which a customer who is not happy counts as neutral.

    Returns
    -------
    pandas.DataFrame
        On the index of `happiness`: ``position, value, measure, happy_from, value_from``; ``quadrant`` (missing where
        either side is unknown); ``confidence``: probability that the account is on this side of both thresholds, by
        the two intervals; ``certain``: neither interval crosses its threshold; ``business_risk``: highly profitable
        (upper quarter of the book) but neutral.

    Raises
    ------
    ConfigError
        If the thresholds are not in order or the two frames do not share their index.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import success_quadrant
    >>> happy = pd.DataFrame({"position": [0.8, 0.3], "low": [0.7, 0.2], "high": [0.9, 0.5]})
    >>> company = pd.DataFrame({"value": [50.0, 20.0], "low": [40, 10], "high": [60, 30], "measure": "profit"})
    >>> success_quadrant(happy, company)["quadrant"].tolist()
    ['success', 'work to keep: unhappy']
    """
    if not 0 < neutral_from < happy_from < 1:
        raise ConfigError(
            f"neutral_from={neutral_from!r} and happy_from={happy_from!r} must be in order within 0 and 1"
        )
    if not happiness.index.equals(company.index):
        raise ConfigError("happiness and company must share their index; make both from the same snapshots")
    limit = _limit(company, value_from)
    position, value = happiness["position"], company["value"]
    known = position.notna() & value.notna()
    happy, pays = position >= happy_from, value > limit
    quadrant = pd.Series(
        np.select([happy & pays, ~happy & pays, happy & ~pays], QUADRANTS[:3], QUADRANTS[3]), index=position.index
    ).where(known)
    confidence = _side(happiness, "position", happy_from) * _side(company, "value", limit)
    # recurring revenue is stated and not estimated, so it has no interval to be clear of
    sure = _clear(happiness, happy_from) & (_clear(company, limit) | company["low"].isna())
    rich = value >= value.quantile(0.75)
    return pd.DataFrame(
        {
            "position": position,
            "value": value,
            "measure": company["measure"],
            "happy_from": happy_from,
            "value_from": limit,
            "quadrant": pd.Categorical(quadrant, categories=list(QUADRANTS)),
            "confidence": confidence.where(known),
            "certain": sure & known,
            "business_risk": known & rich & pays & (position >= neutral_from) & ~happy,
        },
        index=position.index,
    )


def _limit(company: pd.DataFrame, value_from: float | None) -> pd.Series:
    if value_from is not None:
        return pd.Series(float(value_from), index=company.index)
    # profit has a natural limit, 0; revenue has none, so half of the book lies above
    median = company.loc[company["measure"] == "mrr", "value"].median()
    return pd.Series(np.where(company["measure"] == "mrr", median, 0.0), index=company.index)


def _clear(table: pd.DataFrame, limit: float | pd.Series) -> pd.Series:
    return (table["low"] > limit) | (table["high"] < limit)


def _side(table: pd.DataFrame, name: str, limit: float | pd.Series) -> pd.Series:
    """Probability of being on the side where the estimate lies; 1 where there is no interval to tell.

    Only the half of the interval that faces the limit is used, as the other one may be cut at the end of the scale.
    """
    away = table[name] - limit
    half = (table[name] - table["low"]).where(away >= 0, table["high"] - table[name])
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = norm.ppf(0.975) * (away.abs() / half).to_numpy(dtype=float)
    return pd.Series(np.where(np.isnan(steps), 1.0, norm.cdf(steps)), index=table.index)


def quadrant_migration(quadrants: pd.DataFrame) -> pd.DataFrame:
    """Count how accounts move between quadrants from one date to the next.

    Parameters
    ----------
    quadrants : pandas.DataFrame
        As `success_quadrant` gives it, over several dates.

    Returns
    -------
    pandas.DataFrame
        One row per date, quadrant before and quadrant after (``gone`` where the account is not seen any more):
        ``accounts``, ``of`` those that were in the quadrant before, and their ``share`` with ``low`` and ``high``
        (95 %, Wilson).

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import quadrant_migration
    >>> index = pd.MultiIndex.from_product([["a"], pd.to_datetime(["2025-01-01", "2025-04-01"])])
    >>> index = index.set_names(["account_id", "as_of"])
    >>> moves = quadrant_migration(pd.DataFrame({"quadrant": ["success", "let go or recover"]}, index=index))
    >>> moves[["before", "after", "accounts"]].values.tolist()
    [['success', 'let go or recover', 1]]
    """
    named = quadrants["quadrant"].astype("str").where(quadrants["quadrant"].notna(), "unknown")
    at = {date: part.droplevel("as_of") for date, part in named.groupby(level="as_of")}
    moves = []
    for before, after in pairwise(at):
        # accounts of the first date, so that those who left are seen as gone
        pairs = pd.DataFrame({"before": at[before], "after": at[after].reindex(at[before].index).fillna("gone")})
        table = pairs.value_counts(sort=False).rename("accounts").reset_index()
        table.insert(0, "as_of", after)
        table["of"] = table.groupby("before")["accounts"].transform("sum")
        low, high = share_interval(table["accounts"].to_numpy(), table["of"].to_numpy())
        moves.append(table.assign(share=table["accounts"] / table["of"], low=low, high=high))
    columns = ["as_of", "before", "after", "accounts", "of", "share", "low", "high"]
    return pd.concat(moves, ignore_index=True) if moves else pd.DataFrame(columns=columns)
