"""The journey: effort and sentiment by touchpoint stage, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import t as student

from csrisk._days import Duration, whole_days
from csrisk._snapshots import at_data_end, seen
from csrisk._wilson import share_interval

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["STAGES", "hard_contacts", "journey", "sentiment_after"]

STAGES = ("evaluate", "purchase", "implement", "learn", "use", "support", "renew")
_LOOK_AHEAD = 14  # days after a contact within which a score is taken to speak of it


def journey(
    data: CustomerData, snapshots: Snapshots | None = None, *, window: Duration = "365D", by_direction: bool = False
) -> pd.DataFrame:
    """Describe effort, sentiment and volume by stage of the journey.

    A contact was hard if it was handed on, reopened, or asked for information again; its last state counts, so that
    only resolved contacts are judged. Sentiment is the mean position (0 to 1) of CSAT and CES answers to surveys sent
    within two weeks after a contact of the stage was resolved.

    Parameters
    ----------
    data : CustomerData
        The tables.
    snapshots : Snapshots, optional
        Who is seen when; by default the accounts that run at ``data.end``. Use one date, else rows count repeatedly.
    window : str or int, default "365D"
        How far to look back.
    by_direction : bool, default False
        Split each stage in preventive (begun by the vendor) and corrective (begun by the customer) contacts.

    Returns
    -------
    pandas.DataFrame
        By falling ``hard_share``: ``contacts``, ``accounts``, ``resolved``, ``hard_share`` with ``low`` and ``high``
        (95 %, Wilson), ``hours_to_resolve`` (median), ``preventive_share``, ``sentiment`` with ``sentiment_low`` and
        ``sentiment_high`` (95 %, Student's t; missing below two answers) and its ``answers``.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import journey
    >>> bool(journey(make_saas(60, 12, seed=1).data())["hard_share"].is_monotonic_decreasing)
    True
    """
    snapshots = at_data_end(data, snapshots)
    rows = hard_contacts(data, snapshots, whole_days(window, "window", minimum=1)).dropna(subset="stage")
    keys = ["stage", "direction"] if by_direction else ["stage"]
    grouped = rows.groupby(keys, observed=True)
    out = pd.DataFrame(
        {
            "contacts": grouped.size(),
            "accounts": grouped["snapshot"].nunique(),
            # hard is missing for open contacts, so its count is that of the resolved
            "resolved": grouped["hard"].count(),
            "hard": grouped["hard"].sum(),
            "hours_to_resolve": grouped["hours"].median(),
            "preventive_share": grouped["preventive"].mean(),
        }
    )
    low, high = share_interval(out["hard"].to_numpy(), out["resolved"].to_numpy())
    out["hard_share"] = np.where(out["resolved"] > 0, out["hard"] / out["resolved"].clip(lower=1), np.nan)
    out = out.assign(low=low, high=high).join(sentiment_after(data, snapshots, rows, keys))
    order = ["contacts", "accounts", "resolved", "hard_share", "low", "high", "hours_to_resolve", "preventive_share"]
    order += ["sentiment", "sentiment_low", "sentiment_high", "answers"]
    return out[order].sort_values("hard_share", ascending=False, kind="stable")


def hard_contacts(data: CustomerData, snapshots: Snapshots, days: int, *more: str) -> pd.DataFrame:
    """Contacts that each snapshot may see; of those not resolved it is not known whether they were ``hard``."""
    columns = ["stage", "initiated_by", "transfers", "reopened", "information_requests"]
    rows = seen(data, snapshots, "contacts", [*columns, *more, "opened_at_second", "resolved_at_second"], window=days)
    numbers = rows[["opened_at_second", "resolved_at_second", "transfers", "information_requests"]].astype("float64")
    hard = (numbers["transfers"] > 0) | (numbers["information_requests"] > 0)
    hard |= rows["reopened"].astype("boolean").fillna(False).astype(bool)
    by = rows["initiated_by"]
    return rows.assign(
        hard=hard.astype("float64").where(numbers["resolved_at_second"].notna()),
        hours=(numbers["resolved_at_second"] - numbers["opened_at_second"]) / 3600,
        preventive=(by == "vendor").astype("float64").where(by.notna()),
        direction=np.select([by == "vendor", by == "customer"], ["preventive", "corrective"], "unknown"),
        resolved=numbers["resolved_at_second"],
    )


def sentiment_after(data: CustomerData, snapshots: Snapshots, contacts: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Mean position of CSAT and CES answers to surveys sent within two weeks after a contact, by its keys."""
    answers = seen(data, snapshots, "surveys", ["kind", "score", "sent_at_second", "answered_at_second"])
    kind = answers["kind"].astype("str").str.lower()
    told = answers["answered_at_second"].notna() & answers["score"].notna() & kind.isin(["csat", "ces"])
    answers, kind = answers[told], kind[told]
    # both scales begin at 1: CSAT ends at 5, CES at 7
    top = kind.map({"csat": 4.0, "ces": 6.0}).astype("float64")
    # merge_asof wants both sides sorted by time
    after = pd.DataFrame(
        {
            "snapshot": answers["snapshot"].astype("int64"),
            "at": answers["sent_at_second"].astype("int64"),
            "position": ((answers["score"].astype("float64") - 1) / top).clip(0, 1),
        }
    ).sort_values("at")
    before = contacts.dropna(subset="resolved").sort_values("resolved")
    before = before.astype({"snapshot": "int64", "resolved": "int64"})[["snapshot", "resolved", *keys]]
    joined = pd.merge_asof(
        after, before, left_on="at", right_on="resolved", by="snapshot", tolerance=_LOOK_AHEAD * 86400
    ).dropna(subset=keys)
    grouped = joined.groupby(keys, observed=True)["position"]
    mean, n = grouped.mean(), grouped.size()
    # one answer has no deviation, and so no interval
    half = student.ppf(0.975, (n - 1).clip(lower=1)) * grouped.std() / np.sqrt(n)
    low, high = (mean - half).clip(lower=0), (mean + half).clip(upper=1)
    return pd.DataFrame({"sentiment": mean, "sentiment_low": low, "sentiment_high": high, "answers": n.astype("Int64")})
