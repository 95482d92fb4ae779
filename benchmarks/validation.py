"""All breaches of a large table in one pass of the engine, in bounded memory.

``python benchmarks/validation.py --rows 20000000``

Prints time and peak memory of reading and checking a Parquet file of uses in which one row in a thousand is wrong, and
whether every planted breach was found with its exact count.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from csrisk import CustomerData

CHUNK = 1_000_000
EVERY = 1_000  # one row in so many is wrong, in one of these ways in turn
WRONG = ("CSD101", "CSD201", "CSD203", "CSD303", "CSD302")


def write(path: Path, n_rows: int) -> dict[str, int]:
    """Write uses of 50,000 accounts over two years; give the planted breaches by code."""
    rng, planted, writer = np.random.default_rng(0), dict.fromkeys(WRONG, 0), None
    for first in range(0, n_rows, CHUNK):
        size = min(CHUNK, n_rows - first)
        account = np.char.add("acct-", rng.integers(0, 50_000, size).astype(str)).astype(object)
        at = (np.datetime64("2023-01-01", "s") + rng.integers(0, 730 * 86_400, size)).astype("datetime64[us]")
        quantity = rng.integers(1, 9, size).astype(float)
        for place in range(0, size, EVERY):
            code = WRONG[(first + place) // EVERY % len(WRONG)]
            planted[code] += 1
            if code == "CSD101":
                account[place] = None
            elif code == "CSD201":
                at[place] = np.datetime64("NaT")
            elif code == "CSD203":
                at[place] = np.datetime64("1500-01-01")
            else:
                quantity[place] = -1.0 if code == "CSD303" else np.inf
        feature = rng.choice(["export", "search", "share", "report"], size)
        table = pa.table(
            {"account_id": pa.array(account, pa.string()), "at": at, "feature": feature, "quantity": quantity}
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
    return planted


def check(path: Path, memory_limit: str, threads: int) -> None:
    """Read and check in this process, and print what it took."""
    warnings.simplefilter("ignore")
    before, begin = time.process_time(), time.monotonic()
    with CustomerData({"usage": path}, memory_limit=memory_limit, threads=threads) as data:
        cpu, wall = time.process_time() - before, time.monotonic() - begin
        found = {breach.code: breach.count for breach in data.breaches if breach.code in WRONG}
        rows = pq.read_metadata(path).num_rows
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{rows:,} rows, memory_limit {memory_limit}, {threads} threads")
        print(f"{cpu:.1f} s CPU, {wall:.1f} s wall, peak memory of the process {peak:.2f} GB")
        print(f"found: {found}; kept {data.lazy('usage').select('account').collect().shape[0]:,} rows")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--memory-limit", default="2GB")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--check", type=Path, help="check this file and write none")
    asked = parser.parse_args()
    if asked.check is not None:
        check(asked.check, asked.memory_limit, asked.threads)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "usage.parquet"
        print(f"planted: {write(path, asked.rows)}", flush=True)
        # in a process of its own, so that the peak is that of reading and checking
        command = [sys.executable, __file__, "--check", str(path), "--memory-limit", asked.memory_limit]
        subprocess.run([*command, "--threads", str(asked.threads)], check=True)


if __name__ == "__main__":
    main()
