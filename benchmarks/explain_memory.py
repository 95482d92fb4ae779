"""100,000 accounts x 60 features, explained in percentage points within bounded memory; every figure is measured.

Usage: ``python benchmarks/explain_memory.py [rows] [threads] [trees]``. Goals in probability with their interactions,
the three strongest features of each goal for every account, and the table for a CRM with three reasons in words. Prints
times and the largest memory of the process; the progress bars show on a terminal.
"""

from __future__ import annotations

import resource
import sys
import time
from typing import TYPE_CHECKING, TypeVar

import lightgbm
import numpy as np
import pandas as pd

import csrisk as cr

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
GOALS = ["churn", "footprint", "advocacy", "feedback"]


def main() -> None:
    n_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    n_jobs = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    n_trees = int(sys.argv[3]) if len(sys.argv) > 3 else 300
    rng = np.random.default_rng(0)
    names = [f"f{j}" for j in range(60)]
    X = pd.DataFrame(rng.normal(size=(n_rows, 60)), columns=names)
    score = X["f0"] + X["f1"] * X["f2"] + np.sin(X.iloc[:, 3:20]).sum(axis=1)
    y = (score + rng.logistic(size=n_rows) > 0).astype(int)
    model = lightgbm.LGBMClassifier(n_estimators=n_trees, learning_rate=0.05, verbose=-1, n_jobs=1)
    model.fit(X.iloc[:20_000], y[:20_000])
    before, goals = _memory(), {name: GOALS[j % 4] for j, name in enumerate(names)}
    print(f"{n_rows:,} accounts x 60 features, {n_trees} trees x 31 leaves, 100 reference rows, {n_jobs} thread(s)")
    why = _timed(
        "goals in probability",
        lambda: cr.explain(model, X, reference=X.iloc[:20_000], declarations=goals, n_jobs=n_jobs),
    )
    table = _timed("interactions of goals", why.interactions)
    points, rest = _timed("three strongest features of each goal", lambda: why.feature_game(np.arange(n_rows)))
    off = np.abs(np.nansum(points, axis=1) + rest.sum(axis=1) + why.reference - why.prediction).max()
    off = max(off, np.abs(table.to_numpy().sum(axis=1) + why.reference - why.prediction).max())
    print(f"  features and interactions add up to the prediction within {off:.1g} percentage points")
    del table, points, rest
    frame = _timed("table with three reasons in words", why.to_frame)
    print(f"  {len(frame):,} rows, for example: {frame['reason_1'].dropna().iloc[0]}")
    print(f"largest memory {_memory():,.0f} MB, of which {before:,.0f} MB before anything was explained")


def _timed(name: str, work: Callable[[], T]) -> T:
    cpu, wall = time.process_time(), time.perf_counter()
    found = work()
    seconds = time.process_time() - cpu
    print(f"  {name:46s} {seconds:8.1f} s CPU {time.perf_counter() - wall:8.1f} s wall", flush=True)
    return found


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
