"""A process that saves and scores until it is killed: it forks a child for each round and kills it after a while.

Usage: python -m tests.trust._victims MODEL TABLES OUT; then lines such as "save SECONDS" on standard input.
Imports and the model are loaded once, so that two hundred rounds do not take an hour.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from csrisk import CustomerData, RiskPipeline
from csrisk._pipeline import write_scores

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Work:
    """What a victim does again and again."""

    pipeline: RiskPipeline
    tables: Path
    out: Path

    def save(self) -> None:
        """Write the model."""
        self.pipeline.save(self.out / "model.csrisk")

    def score(self) -> None:
        """Read the tables, compute features, contributions and scores, and write them."""
        with CustomerData.from_folder(self.tables, threads=1) as data:
            self.scores = self.pipeline.score(data)
        self.write()

    def write(self) -> None:
        """Write scores that are there already, so that most kills meet the write itself."""
        write_scores(self.out / "scores.parquet", self.scores)


def begun(work: Callable[[], None], times: int) -> int:
    """Start a child that does the work some times; give its process id."""
    child = os.fork()
    if child == 0:
        try:
            for _ in range(times):
                work()
            os._exit(0)
        finally:
            os._exit(1)
    return child


def seconds_of(work: Callable[[], None]) -> float:
    """Measure the work in a child, where it takes longer than in the parent."""
    begin = time.monotonic()
    assert os.waitpid(begun(work, 1), 0)[1] == 0
    return time.monotonic() - begin


def round_of(work: Callable[[], None], seconds: float) -> int:
    """Kill a child while it works; give what it ended with."""
    child = begun(work, sys.maxsize)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def main(model: str, tables: str, out: str) -> None:
    warnings.simplefilter("ignore")
    work = Work(RiskPipeline.load(model), Path(tables), Path(out))
    work.score()  # compiles what is compiled once, and leaves the scores that `write` needs
    print(json.dumps({name: seconds_of(getattr(work, name)) for name in ("save", "score", "write")}), flush=True)
    for line in sys.stdin:
        name, seconds = line.split()
        print(round_of(getattr(work, name), float(seconds)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
