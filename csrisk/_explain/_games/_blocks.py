"""Work in blocks: memory stays bounded, threads share the blocks, and long jobs show how far they are."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["aligned", "chunks", "in_blocks", "n_threads"]

_PATIENCE_SECONDS = 2.0


def n_threads(n_jobs: int | None) -> int:
    """Threads meant by scikit-learn's `n_jobs`: None is 1, -1 all cores."""
    from joblib import effective_n_jobs

    return int(effective_n_jobs(n_jobs))


def in_blocks(
    work: Callable[[int, int], None], n_rows: int, size: int, n_jobs: int, words: str, unit: str = "rows"
) -> None:
    """Call ``work(first, last)`` for blocks of rows; show progress on a terminal after two seconds."""
    from tqdm import tqdm

    starts = range(0, n_rows, size)
    with (
        tqdm(
            total=n_rows,
            desc=words,
            unit=f" {unit}",
            delay=_PATIENCE_SECONDS,
            disable=None if words else True,  # None: tqdm shows the bar on a terminal alone
            leave=False,
        ) as bar,
        ThreadPoolExecutor(n_jobs) as pool,
    ):
        jobs = [(pool.submit(work, start, min(start + size, n_rows)), min(size, n_rows - start)) for start in starts]
        for job, done in jobs:
            # raises here what failed in a thread, which would be lost otherwise
            job.result()
            bar.update(done)


def chunks(starts: NDArray[np.int64], most: int) -> list[tuple[int, int]]:
    """Ranges of trees whose tables, which start at these bytes, fit into bounded memory."""
    chunk = starts[:-1] // most
    edges = [0, *(np.flatnonzero(np.diff(chunk)) + 1).tolist(), len(chunk)]
    return [(a, b) for a, b in itertools.pairwise(edges) if a < b]


def aligned(n_rows: int, n_columns: int) -> NDArray[np.float64]:
    """Zeros that begin at a cache line: rows of 32 or 64 bytes then never straddle two."""
    room = np.zeros(n_rows * n_columns + 8)
    skip = -(room.ctypes.data // 8) % 8
    return room[skip : skip + n_rows * n_columns].reshape(n_rows, n_columns)
