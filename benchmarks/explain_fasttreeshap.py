"""fasttreeshap on a saved model, in an environment of its own; started by ``benchmarks/explain.py``.

Prints one JSON line: algorithm, CPU and wall seconds (medians of three), and how far the values are from LightGBM's.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"

import fasttreeshap
import lightgbm
import numpy as np


def main() -> None:
    booster, rows = lightgbm.Booster(model_file=f"{sys.argv[1]}/model.txt"), np.load(f"{sys.argv[1]}/rows.npy")
    right = booster.predict(rows, pred_contrib=True, num_threads=1)[:, :-1]
    found = []
    for algorithm in ("v1", "v2"):
        explainer = fasttreeshap.TreeExplainer(booster, algorithm=algorithm, n_jobs=1)
        cpu, wall = [], []
        for _ in range(4):
            started = time.process_time(), time.perf_counter()
            values = explainer.shap_values(rows, check_additivity=False)
            cpu.append(time.process_time() - started[0])
            wall.append(time.perf_counter() - started[1])
        values = values[-1] if isinstance(values, list) else values
        off = float(np.abs(values - right).max())
        found.append((algorithm, statistics.median(cpu[1:]), statistics.median(wall[1:]), off))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
