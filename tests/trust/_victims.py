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


def round_of(work: Callable[[], None], seconds: float) -> int:
    """Kill a child while it works; give what it ended with."""
    child = os.fork()
    if child == 0:
        try:
            while True:
                work()
        finally:
            os._exit(1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def main(model: str, tables: str, out: str) -> None:
    warnings.simplefilter("ignore")
    work = Work(RiskPipeline.load(model), Path(tables), Path(out))
    took = {}
    for name in ("save", "score", "write"):
        begin = time.monotonic()
        getattr(work, name)()
        took[name] = time.monotonic() - begin
    print(json.dumps(took), flush=True)
    for line in sys.stdin:
        name, seconds = line.split()
        print(round_of(getattr(work, name), float(seconds)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
