"""Goals in probability with interactions, and all features on log-odds, for 100,000 accounts within bounded memory.

Usage: ``python benchmarks/explain_memory.py [rows] [rows with features in percentage points]``. Prints times and the
largest memory of the process; the progress bar shows on a terminal.
"""

from __future__ import annotations

import resource
import sys
import time

import lightgbm
import numpy as np
import pandas as pd

import csrisk as cr

GOALS = ["churn", "footprint", "advocacy", "feedback"]


def main() -> None:
    n_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    n_features = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    rng = np.random.default_rng(0)
    names = [f"f{j}" for j in range(60)]
    X = pd.DataFrame(rng.normal(size=(n_rows, 60)), columns=names)
    score = X["f0"] + X["f1"] * X["f2"] + np.sin(X.iloc[:, 3:20]).sum(axis=1)
    y = (score + rng.logistic(size=n_rows) > 0).astype(int)
    model = lightgbm.LGBMClassifier(n_estimators=300, learning_rate=0.05, verbose=-1, n_jobs=1)
    model.fit(X.iloc[:20_000], y[:20_000])
    before = _memory()
    goals = {name: GOALS[j % 4] for j, name in enumerate(names)}
    _timed("goals in probability", lambda: cr.explain(model, X, reference=X.iloc[:20_000], declarations=goals))
    why = cr.explain(model, X, reference=X.iloc[:20_000], declarations=goals)
    _timed("interactions", why.interactions)
    log_odds = cr.explain(model, X, reference=X.iloc[:20_000], declarations=goals, output="log_odds")
    _timed("all features on log-odds", lambda: log_odds.feature_game(np.arange(n_rows)))
    chosen = np.linspace(0, n_rows - 1, n_features).astype(int)
    seconds = _timed(f"strongest features in points, {n_features:,} rows", lambda: why.feature_game(chosen))
    print(f"  (all {n_rows:,} rows would take {seconds / n_features * n_rows / 60:,.0f} minutes)")
    print(f"largest memory {_memory():,.0f} MB, of which {before:,.0f} MB before anything was explained")


def _timed(name: str, work: object) -> float:
    cpu, wall = time.process_time(), time.perf_counter()
    work()  # type: ignore[operator]  # callables only
    seconds = time.process_time() - cpu
    print(f"  {name:46s} {seconds:8.1f} s CPU {time.perf_counter() - wall:8.1f} s wall", flush=True)
    return seconds


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
