"""Accounts, subscriptions, finance and treatments of the simulated book."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk.datasets._saas._contracts import PLANS, PRODUCTS, SEGMENTS
from csrisk.datasets._saas._usage import users
from csrisk.datasets._saas._words import account_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk.datasets._saas._contracts import Book

__all__ = ["accounts", "costs", "finance", "subscriptions", "treatments"]

_INDUSTRIES = np.array(["retail", "manufacturing", "software", "health", "finance", "logistics", "education"], object)
_REGIONS = np.array(["Europe", "North America", "Asia Pacific"], dtype=object)


def accounts(book: Book, ids: NDArray[np.object_], rng: np.random.Generator) -> pd.DataFrame:
    """Write the accounts table; `plan` is the plan at signing, so that it tells nothing of the future."""
    n = len(ids)
    return pd.DataFrame(
        {
            "account_id": ids,
            "name": account_names(n, rng),
            "started_at": book.start_day.astype("datetime64[us]"),
            "ended_at": book.end_day.astype("datetime64[us]"),
            "segment": np.array(SEGMENTS, dtype=object)[book.segment],
            "industry": _INDUSTRIES[rng.integers(len(_INDUSTRIES), size=n)],
            "region": _REGIONS[np.searchsorted([0.45, 0.85], rng.random(n))],
            "plan": np.array(PLANS, dtype=object)[book.plan[np.arange(n), np.maximum(book.first_month, 0)]],
            "owner": [f"manager-{i:02d}" for i in rng.integers(0, 12, n)],
        }
    )


def subscriptions(book: Book, ids: NDArray[np.object_]) -> pd.DataFrame:
    """Write the subscriptions table: each renewal or change closes a row and opens the next one."""
    parts = []
    for product in range(len(PRODUCTS)):
        for change in book.changes:
            part = {name: change[name] for name in ("account", "start_at", "planned_end", "seats", "plan")}
            part |= {"mrr": change["mrr"][:, product], "held": change["holds"][:, product]}
            parts.append(pd.DataFrame(part).assign(product=product))
    frame = pd.concat(parts, ignore_index=True)
    frame = frame.sort_values(["account", "product", "start_at"], kind="stable").reset_index(drop=True)
    # before rows of what is not held go: such a row ends the one before it
    following = frame.groupby(["account", "product"])["start_at"].shift(-1)
    ended = book.end_day[frame["account"].to_numpy()].astype("datetime64[s]")
    frame["end_at"] = following.where(following.notna(), ended)
    frame = frame[frame["held"]].sort_values(["account", "start_at", "product"], kind="stable").reset_index(drop=True)
    return pd.DataFrame(
        {
            "account_id": ids[frame["account"]],
            "start_at": frame["start_at"].astype("datetime64[us]"),
            "end_at": frame["end_at"].astype("datetime64[us]"),
            "planned_end": frame["planned_end"].astype("datetime64[us]"),
            "mrr": frame["mrr"],
            "seats": frame["seats"].astype(float),
            "plan": np.array(PLANS, dtype=object)[frame["plan"]],
            "product": np.array(PRODUCTS, dtype=object)[frame["product"]],
        }
    )


def costs(book: Book) -> NDArray[np.float64]:
    """Give the expected monthly cost to serve: hosting, people per user, and what effort costs the vendor too."""
    effort = book.latent.states[..., 1]
    return np.asarray(0.18 * book.mrr + 5.0 * users(book) + 55.0 * np.exp(np.clip(0.7 * effort, -2.0, 2.5)))


def finance(book: Book, ids: NDArray[np.object_], rng: np.random.Generator) -> pd.DataFrame:
    """Write the finance table: one row per running month, known days after the month."""
    account, month = np.nonzero(book.active)
    last = book.months[month + 1] - np.timedelta64(1, "D")
    started = book.first_month[account] == month
    ends = book.end_day[account]
    share = np.where(started, (last - book.start_day[account]).astype(int) + 1, 30)
    share = np.where(ends <= last, (ends - book.months[month]).astype(int), share).astype(float)
    # months of 31 days are full with 30
    share = np.clip(share, 0, 30) / 30
    noise = np.exp(0.15 * rng.standard_normal(len(account)))
    frame = pd.DataFrame(
        {
            "account_id": ids[account],
            "at": last.astype("datetime64[us]"),
            "revenue": np.round(book.mrr[account, month] * share, 2),
            "cost_to_serve": np.round(costs(book)[account, month] * share * noise, 2),
            "known_at": (last + rng.integers(3, 16, len(account)).astype("timedelta64[D]")).astype("datetime64[us]"),
        }
    )
    return frame.sort_values(["at", "account_id"], kind="stable").reset_index(drop=True)


def treatments(book: Book, ids: NDArray[np.object_]) -> pd.DataFrame:
    """Write the treatments table: quarterly campaigns, treated or control at random."""
    parts = [pd.DataFrame(campaign) for campaign in book.campaigns]
    if not parts:
        parts = [pd.DataFrame({"account": pd.Series(dtype=int), "at": pd.Series(dtype="datetime64[s]"), "treated": []})]
    frame = pd.concat(parts, ignore_index=True)
    # not the other way round: NaT compares false, and accounts that run on have no end
    frame = frame[~(frame["at"].to_numpy() >= book.end_day[frame["account"].to_numpy()])]
    frame = frame.sort_values(["at", "account"], kind="stable").reset_index(drop=True)
    return pd.DataFrame(
        {
            "account_id": ids[frame["account"]],
            "at": frame["at"].astype("datetime64[us]"),
            "play": np.where(frame["treated"], "success_call", "control").astype(object),
            "assigned_at_random": True,
        }
    )
