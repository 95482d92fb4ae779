"""A process that saves and scores until it is killed: it forks a child for each round and kills it after a while.

Usage: python -m tests.trust._victims MODEL TABLES OUT; then lines "save SECONDS" or "score SECONDS" on standard input.
Imports and the model are loaded once, so that two hundred rounds do not take an hour.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import warnings
from pathlib import Path

from csrisk import CustomerData, RiskPipeline
from csrisk._pipeline import write_scores


def save(pipeline: RiskPipeline, out: Path) -> None:
    pipeline.save(out / "model.csrisk")


def score(pipeline: RiskPipeline, tables: Path, out: Path) -> None:
    with CustomerData.from_folder(tables, threads=1) as data:
        why = pipeline.explain(data)
        write_scores(out / "scores.parquet", pipeline.score(data, why=why))
        pipeline.report(out / "report.html", data, why=why)


def round_of(what: str, seconds: float, pipeline: RiskPipeline, tables: Path, out: Path) -> int:
    """Kill a child while it works; give what it ended with."""
    child = os.fork()
    if child == 0:
        try:
            while True:
                if what == "save":
                    save(pipeline, out)
                else:
                    score(pipeline, tables, out)
        finally:
            os._exit(1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def main(model: str, tables: str, out: str) -> None:
    warnings.simplefilter("ignore")
    pipeline = RiskPipeline.load(model)
    begin = time.monotonic()
    save(pipeline, Path(out))
    middle = time.monotonic()
    score(pipeline, Path(tables), Path(out))
    # a fork after numba's threads began would hang, so the kernels run in one thread: NUMBA_NUM_THREADS=1
    print(middle - begin, time.monotonic() - middle, flush=True)
    for line in sys.stdin:
        what, seconds = line.split()
        print(round_of(what, float(seconds), pipeline, Path(tables), Path(out)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
