"""Comparable features with featuretools and cut-off times; runs in an environment of its own.

    python -m venv ft && ft/bin/pip install featuretools "pandas<2.3" "numpy<2" "pyarrow<19"
    python benchmarks/features.py --ways csrisk-duckdb --featuretools ft/bin/python

Four windows, each with counts, sums, distinct people, features and days, for the snapshots of a sample of accounts,
from the events of those accounts alone: an honest, smaller task.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import featuretools
import pandas as pd

WINDOWS = (7, 30, 90, 180)


def main(folder: Path, n_accounts: int = 40) -> None:
    warnings.simplefilter("ignore")
    pairs = pd.read_parquet(folder / "pairs" / "pairs.parquet")
    chosen = pairs["account_id"].drop_duplicates().sample(n_accounts, random_state=0)
    pairs = pairs[pairs["account_id"].isin(chosen)]
    usage = pd.read_parquet(folder / "usage.parquet", filters=[("account_id", "in", list(chosen))])
    usage["known_at"] = usage["known_at"].fillna(usage["at"])
    usage["day"] = usage["at"].dt.normalize().dt.strftime("%Y-%m-%d")
    usage = usage.reset_index(names="event")
    events = featuretools.EntitySet("book")
    kinds = {"user_id": "Categorical", "feature": "Categorical", "day": "Categorical"}
    events.add_dataframe(usage.drop(columns="at"), "usage", index="event", time_index="known_at", logical_types=kinds)
    events.add_dataframe(pd.DataFrame({"account_id": chosen}), "accounts", index="account_id")
    events.add_relationship("accounts", "account_id", "usage", "account_id")
    cutoffs = pairs[["account_id", "as_of"]].rename(columns={"as_of": "time"})
    # an event at the cut-off itself has not happened yet
    cutoffs["time"] -= pd.Timedelta(microseconds=1)
    started = time.process_time()
    columns = 0
    for window in WINDOWS:
        matrix, _ = featuretools.dfs(
            entityset=events,
            target_dataframe_name="accounts",
            cutoff_time=cutoffs,
            training_window=f"{window} days",
            agg_primitives=["count", "sum", "num_unique"],
            trans_primitives=[],
        )
        columns += matrix.shape[1]
    print(json.dumps({"snapshots": len(cutoffs), "features": columns, "loop_cpu": time.process_time() - started}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
