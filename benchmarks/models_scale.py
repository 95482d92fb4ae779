"""Time and peak memory of ChurnModel over sizes of the snapshot table.

python benchmarks/models_scale.py 50000 150000 450000
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd
from scipy.special import expit

import csrisk

N_FEATURES = 80


def panel(n_rows: int) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    account = np.repeat(np.arange(n_rows // 12 + 1), 12)[:n_rows]
    level = rng.normal(size=(account.max() + 1, N_FEATURES)).astype(np.float32)
    values = (level[account] + 0.5 * rng.normal(size=(n_rows, N_FEATURES))).astype(np.float64)
    margin = -4 + values[:, 0] + 0.7 * values[:, 1] * (values[:, 2] > 0) - 0.5 * np.abs(values[:, 3])
    values[rng.random(values.shape) < 0.05] = np.nan
    dates = np.datetime64("2025-01-01") + 30 * (np.arange(n_rows) % 12)
    index = pd.MultiIndex.from_arrays([account, dates], names=["account_id", "as_of"])
    X = pd.DataFrame(values, index=index, columns=[f"feature_{n}" for n in range(N_FEATURES)])
    return X, rng.random(n_rows) < expit(margin)


def one(n_rows: int) -> None:
    X, y = panel(n_rows)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    model = csrisk.ChurnModel(random_state=0, n_jobs=1).fit(X, y)
    fitted = time.process_time()
    model.predict_proba(X)
    scored = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rounds = [booster.num_trees() for booster in model.boosters_]
    print(
        f"{n_rows} rows x {N_FEATURES}: fit {fitted - start:.1f} s CPU, score {scored - fitted:.1f} s CPU, "
        f"peak {peak / 2**20:.2f} GB of which data {before / 2**20:.2f} GB, rounds {rounds}",
        flush=True,
    )


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--one":
        one(int(sys.argv[2]))
    else:
        for size in sys.argv[1:]:
            subprocess.run([sys.executable, __file__, "--one", size], check=True)
