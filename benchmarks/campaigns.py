"""How often the interval of a campaign holds the true effect: campaigns of simulated books, through the ledger.

    python benchmarks/campaigns.py --campaigns 100 --seed 5000

Each campaign is of a book of its own: a lot decides who gets a success call, the ledger writes it down before the
horizon, goes through its file, and is evaluated once the horizon is over, as a user would. The truth knows the drop
of each account's probability of churn by one call; who had a call in the months before is left out of plan and truth
alike, as it still works on them. Half of the books have a call that works, half one that does nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from csrisk._wilson import share_interval
from csrisk.datasets import RegimeTraits, make_agents, make_regimes, make_saas
from csrisk.success import campaign_ledger, evaluate_campaign, read_ledger, record_contacts, write_ledger

WORLDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "make_saas": (make_saas, {}),
    "make_regimes": (make_regimes, {"traits": RegimeTraits(aimed=False)}),  # a lot decides there, too
    "make_agents": (make_agents, {}),
}
ACCOUNTS, MONTHS, HORIZON = 500, 15, 90
EFFECTS = (1.5, 0.0)
FIGURES = ("kept", "value_kept")


def campaign(world: str, seed: int, effect: float, folder: Path) -> dict[str, tuple[float, float, float, float]] | None:
    """Give truth, estimate and bounds of each figure for the last campaign whose horizon is over; None without one."""
    make, more = WORLDS[world]
    book = make(ACCOUNTS, MONTHS, seed=seed, monthly_churn=0.03, treatment_effect=effect, **more)
    calls = book.tables["treatments"].assign(month=lambda rows: rows["at"].dt.to_period("M").dt.to_timestamp())
    days = [day for day in sorted(calls["month"].unique()) if day + pd.Timedelta(days=HORIZON + 35) <= book.end]
    if not days:
        return None
    day = days[-1]
    lot = calls[calls["month"] == day].drop_duplicates("account_id").set_index("account_id")
    lately = calls[(calls["month"] < day) & (calls["month"] > day - pd.Timedelta(days=130))]
    true = book.truth.call_effect(day, horizon=HORIZON)
    chosen = lot.index.difference(lately.loc[lately["play"] == "success_call", "account_id"]).intersection(true.index)
    running = book.tables["subscriptions"].query("start_at < @day and (end_at.isna() or end_at >= @day)")
    mrr = running.groupby("account_id")["mrr"].sum().reindex(chosen)
    chosen = chosen[mrr.notna().to_numpy()]
    called = lot.loc[chosen, "play"] == "success_call"
    plan = pd.DataFrame(
        {
            "plan": np.where(called, "contact", "hold-out"),
            "rank": np.arange(len(chosen)) + 1,
            "risk": 0.1,
            "value": mrr[chosen].to_numpy(),
            "gain": 0.0,
            "holdout": 0.5,
            "basis": "randomised pilot",
            "campaign": f"{world} {seed}",
        },
        index=pd.Index(chosen, name="account_id"),
    )
    path = write_ledger(folder / f"{world}-{seed}.csv", campaign_ledger(plan, planned_at=day))
    at = calls.loc[(calls["month"] == day) & calls["account_id"].isin(chosen[called.to_numpy()])]
    write_ledger(path, record_contacts(read_ledger(path), at.set_index("account_id")["at"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = evaluate_campaign(read_ledger(path), book.data(), horizon=HORIZON)
    truth = {"kept": true[chosen].mean(), "value_kept": (true[chosen] * mrr[chosen]).mean()}
    return {name: (float(truth[name]), *map(float, table.loc[name, ["estimate", "low", "high"]])) for name in FIGURES}


def main() -> None:
    """Print how often the intervals held the truth, and how wide they were."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campaigns", type=int, default=100, help="for each world")
    parser.add_argument("--seed", type=int, default=5000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for world in WORLDS:
            found = [
                campaign(world, given.seed + number, EFFECTS[number % len(EFFECTS)], Path(folder))
                for number in range(given.campaigns)
            ]
            for name in FIGURES:
                rows = np.array([one[name] for one in found if one is not None])
                held = int(((rows[:, 2] <= rows[:, 0]) & (rows[:, 0] <= rows[:, 3])).sum())
                low, high = share_interval(held, len(rows))
                bias = (rows[:, 1] - rows[:, 0]).mean()
                error = (rows[:, 1] - rows[:, 0]).std(ddof=1) / np.sqrt(len(rows))
                width, works = (rows[:, 3] - rows[:, 2]).mean(), rows[::2, 0].mean()
                print(
                    f"{world:13s} {name:11s} held {held} of {len(rows)} ({low:.0%} to {high:.0%}); "
                    f"mean width {width:.3g}, true effect {works:.3g} where a call works, "
                    f"estimate less truth {bias:+.3g} (standard error {error:.2g})",
                    flush=True,
                )


if __name__ == "__main__":
    main()
