"""Peak memory of training: a frame in memory against a Parquet file read row group by row group.

    python benchmarks/training_memory.py --rows 1000000 --columns 100

Each way runs in a process of its own, on the same file; memory is the peak of the resident set above that of the
imports, time is processor time.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

GROUP = 50_000


def make(path: Path, n_rows: int, n_columns: int) -> None:
    """Write features of accounts with 20 snapshots each, and labels that some of them tell."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    names = [f"feature_{i:03d}" for i in range(n_columns)]
    days = pd.date_range("2023-01-01", periods=20, freq="30D").as_unit("us")
    writer, labels, keys = None, [], []
    for start in range(0, n_rows, GROUP):
        n = min(GROUP, n_rows - start)
        row = np.arange(start, start + n)
        index = pd.MultiIndex.from_arrays(
            [np.char.add("account ", (row // 20).astype(str)).astype(object), days[row % 20]],
            names=["account_id", "as_of"],
        )
        values = rng.gamma(1.0, 10.0, (n, n_columns))
        values[rng.random((n, n_columns)) < 0.2] = np.nan
        told = np.nan_to_num(values[:, :5]).sum(axis=1) / 25 - 4
        labels.append(rng.random(n) < 1 / (1 + np.exp(-told)))
        keys.append(index)
        table = pa.Table.from_pandas(pd.DataFrame(values, index=index, columns=names))
        writer = writer or pq.ParquetWriter(path / "X.parquet", table.schema)
        writer.write_table(table)
    writer.close()
    index = keys[0].append(keys[1:])
    pd.DataFrame({"churn": np.concatenate(labels)}, index=index).to_parquet(path / "y.parquet")


def train(way: str, path: Path, members: int) -> None:
    """Train in one way, and print what it took."""
    import lightgbm  # noqa: F401  # its import is not what is measured
    import pyarrow.parquet  # noqa: F401

    from csrisk import ChurnModel
    from csrisk.scale import fit_parquet

    before = peak()
    began = cpu()
    y = pd.read_parquet(path / "y.parquet")["churn"]
    labels = peak()
    # few trees: memory does not depend on their number
    model = ChurnModel(n_members=members, learning_rate=0.3, blend=False, random_state=0)
    if way == "in memory":
        model.fit(pd.read_parquet(path / "X.parquet"), y)
    else:
        fit_parquet(model, path / "X.parquet", y)
    done = {"way": way, "peak_mb": peak() - before, "labels_mb": labels - before, "cpu_s": cpu() - began}
    done["trees"] = sum(booster.num_trees() for booster in model.boosters_)
    print(json.dumps(done))


def peak() -> float:
    """Peak of the resident set of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cpu() -> float:
    """Seconds of processor time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--members", type=int, default=2)
    parser.add_argument("--way")
    parser.add_argument("--folder")
    given = parser.parse_args()
    if given.way:
        train(given.way, Path(given.folder), given.members)
        return
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), given.rows, given.columns)
        raw = given.rows * given.columns * 8 / 2**20
        print(f"{given.rows:,} rows of {given.columns} columns: {raw:,.0f} MB as float64")
        peaks = []
        for way in ("row groups", "in memory"):
            command = [sys.executable, __file__, "--way", way, "--folder", folder, "--members", str(given.members)]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            done = json.loads(output.splitlines()[-1])
            peaks.append(done["peak_mb"])
            print(
                f"{way:<10} peak {done['peak_mb']:7,.0f} MB (labels and keys {done['labels_mb']:,.0f} MB), "
                f"{done['cpu_s']:6.1f} s CPU, {done['trees']} trees"
            )
        print(f"row groups take {peaks[0] / peaks[1]:.2f} of the memory")


if __name__ == "__main__":
    main()
