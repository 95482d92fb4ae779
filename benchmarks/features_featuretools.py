"""Comparable features with featuretools and cut-off times; runs in an environment of its own.

    python -m venv ft && ft/bin/pip install featuretools "pandas<2.3" "numpy<2" "pyarrow<19" "setuptools<81"
    python benchmarks/features.py --ways csrisk-duckdb,csrisk-sample --featuretools ft/bin/python

The same files, the same snapshots of a sample of accounts, the same windows, and of the features of csrisk those for
which featuretools has a primitive: uses, sums of quantity and money, days of use, people, features, products, entropy
over features, time since the last use, gap between uses, trend. Two sizes of the sample tell the fixed cost of a call
from the cost of one more snapshot.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import featuretools
import pandas as pd

WINDOWS = (7, 14, 30, 90, 180)
PRIMITIVES = ["count", "sum", "n_unique_days", "num_unique", "entropy", "time_since_last", "avg_time_between", "trend"]
# csrisk has one of each of these a window, so featuretools is not asked for more
ONLY = {"entropy": ["feature"], "trend": ["quantity", "known_at"], "n_unique_days": ["at"]}


def run(folder: Path, n_accounts: int) -> tuple[int, int, float]:
    """Snapshots, features and CPU seconds for the snapshots of some accounts."""
    pairs = pd.read_parquet(folder / "pairs" / "pairs.parquet")
    chosen = pairs["account_id"].drop_duplicates().sample(n_accounts, random_state=0)
    pairs = pairs[pairs["account_id"].isin(chosen)]
    usage = pd.read_parquet(folder / "usage.parquet", filters=[("account_id", "in", list(chosen))])
    usage["known_at"] = usage["known_at"].fillna(usage["at"])
    usage = usage.reset_index(names="event")
    book = featuretools.EntitySet("book")
    kinds = dict.fromkeys(("user_id", "feature", "product"), "Categorical")
    book.add_dataframe(usage, "usage", index="event", time_index="known_at", logical_types=kinds)
    book.add_dataframe(pd.DataFrame({"account_id": chosen}), "accounts", index="account_id")
    book.add_relationship("accounts", "account_id", "usage", "account_id")
    cutoffs = pairs[["account_id", "as_of"]].rename(columns={"as_of": "time"})
    # an event at the cut-off itself has not happened yet
    cutoffs["time"] -= pd.Timedelta(microseconds=1)
    started = time.process_time()
    n_features = 0
    for window in WINDOWS:
        matrix, _ = featuretools.dfs(
            entityset=book,
            target_dataframe_name="accounts",
            cutoff_time=cutoffs,
            training_window=f"{window} days",
            agg_primitives=PRIMITIVES,
            trans_primitives=[],
            primitive_options={name: {"include_columns": {"usage": columns}} for name, columns in ONLY.items()},
        )
        n_features += matrix.shape[1]
    return len(cutoffs), n_features, time.process_time() - started


def main(folder: Path, n_accounts: int) -> None:
    warnings.simplefilter("ignore")
    few, _, some_cpu = run(folder, max(n_accounts // 4, 1))
    many, columns, cpu = run(folder, n_accounts)
    marginal = (cpu - some_cpu) / (many - few)
    found = {"snapshots": many, "features": columns, "cpu": cpu}
    print(json.dumps(found | {"us_per_further_snapshot": 1e6 * marginal}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
