"""The level of churn in the bundled book: what left beside what its process lets expect, before the test and in it.

    python benchmarks/demo_level.py

The truth of the simulated book gives the probability of churn of every snapshot with the states of that day held still,
so its sum is too low by a factor that is the same at all times, as long as the process is. Ratios of what left to that
sum can therefore be compared between periods; their standard errors are clustered by account.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import csrisk as cr
from csrisk.datasets import SaasTruth, demo_folder

START = pd.Timestamp("2024-09-01")  # of the forward test of `csrisk demo`
GAP = pd.Timedelta("104D")  # lead and horizon: what the first model of the test could have seen ended


def true_chances(snapshots: pd.MultiIndex) -> pd.Series:
    """Give the probability of each snapshot by the process that made the book."""
    folder = demo_folder() / "truth"
    months = pd.read_parquet(folder / "months.parquet").set_index(["account_id", "month"])
    truth = SaasTruth(months, pd.read_parquet(folder / "accounts.parquet").set_index("account_id"))
    dates = snapshots.unique("as_of")
    by_date = pd.concat({date: truth.goals(date)["probability"] for date in dates}, names=["as_of", "account_id"])
    return by_date.swaplevel().reindex(snapshots)


def ratio(left: pd.Series, chance: pd.Series) -> tuple[float, float]:
    """Give what left over what was to be expected, and its standard error by account."""
    by_account = pd.DataFrame({"left": left, "chance": chance}).groupby(level="account_id").sum()
    found = by_account["left"].sum() / by_account["chance"].sum()
    rest = by_account["left"] - found * by_account["chance"]
    return float(found), float(np.sqrt((rest**2).sum()) / by_account["chance"].sum())


def main() -> None:
    data = cr.load_demo()
    past = cr.Snapshots.every(data, "1MS", lead="14D", horizon="90D")
    left = cr.label_churn(data, past).dropna()
    chance, at = true_chances(left.index), left.index.get_level_values("as_of")
    print("| period | snapshots | accounts that left | left | by the process | ratio (standard error) |")
    print("| --- | --- | --- | --- | --- | --- |")
    found = []
    for name, inside in {"learned from": at <= START - GAP, "forward test": at >= START}.items():
        gone, told = left[inside], chance[inside]
        found.append(ratio(gone, told))
        accounts = gone[gone > 0].index.unique("account_id")
        print(
            f"| {name} | {len(gone):,} | {len(accounts):,} | {100 * gone.mean():.1f} % | {100 * told.mean():.1f} % | "
            f"{found[-1][0]:.2f} ({found[-1][1]:.2f}) |"
        )
    (before, error), (after, other) = found
    print(
        f"\nThe ratios differ by {after - before:.2f}, {(after - before) / np.hypot(error, other):.1f} standard errors."
    )


if __name__ == "__main__":
    main()
