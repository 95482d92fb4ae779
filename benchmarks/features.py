"""How fast features are made: csrisk against hand-written SQL, pandas, and what nothing can beat.

    python benchmarks/features.py --scale 0.05
    python benchmarks/features.py --scale 1 --ways csrisk-duckdb,csrisk-polars,sql,limit,floor

Scale 1 is 20 million events of 50 thousand accounts over 24 months and about 900 thousand monthly snapshots. Each way
runs in a process of its own with one thread: wall and CPU seconds (with children), and peak memory.

- csrisk-duckdb, csrisk-polars: `build_features` with UsageDepth and FeatureBreadth from Parquet files to a frame; with
  ``--all`` every family. load_cpu is reading, checking and bringing the tables into canonical form, and the snapshots;
  build_cpu is the features alone.
- sql: the same features written by hand for DuckDB (`features_sql.py`); every column is compared with csrisk.
- limit: read once and group once by account, user, feature and day: no feature yet.
- floor: the roll-ups, sorted and fetched, and one compiled pass over sorted arrays for every snapshot.
- pandas: the plain way, a filter and a few aggregates for each snapshot, on a sample of the snapshots.
- featuretools: cut-off times on a sample, with the Python of ``--featuretools`` (an environment of its own).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

WINDOWS = {"UsageDepth": (7, 14, 30, 90, 180), "FeatureBreadth": (30, 90, 180)}


def _data(folder: Path, polars: bool, memory: str | None = None):
    from csrisk import CustomerData

    if not polars:
        return CustomerData.from_folder(folder, threads=1, memory_limit=memory)
    import polars as pl

    return CustomerData({path.stem: pl.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}, threads=1)


def _builders():
    from csrisk import features

    return [getattr(features, family)(windows=windows) for family, windows in WINDOWS.items()]


def _snapshots(data):
    from csrisk import Snapshots

    return Snapshots.every(data, "MS", horizon="30D", eligible="account")


def way_csrisk(folder: Path, polars: bool, options: argparse.Namespace) -> dict[str, float]:
    from csrisk import build_features

    started = time.process_time()
    data = _data(folder, polars, options.memory or None)
    snapshots = _snapshots(data)
    loaded = time.process_time()
    frame = build_features(data, snapshots, None if options.all else _builders())
    result = {"snapshots": len(frame), "features": frame.notna().any().sum()}
    return result | {"load_cpu": loaded - started, "build_cpu": time.process_time() - loaded}


def way_sql(folder: Path, check: bool) -> dict[str, float]:
    import duckdb
    import features_sql

    pairs = pd.read_parquet(folder / "pairs" / "pairs.parquet")
    connection = duckdb.connect(config={"threads": 1})
    connection.register("pairs", pairs)
    table = features_sql.run(connection, folder)
    result = {"snapshots": table.num_rows, "features": table.num_columns}
    return result | ({"differing_columns": _differences(folder, table)} if check else {})


def _differences(folder: Path, table) -> int:
    """Count the columns in which csrisk and the SQL differ."""
    from csrisk import build_features

    data = _data(folder, polars=False)
    frame = build_features(data, _snapshots(data), _builders())
    mine = table.to_pandas()
    wrong = []
    for name in mine:
        left, right = mine[name].to_numpy(float), frame[name].to_numpy(float)
        if not np.allclose(left, right, rtol=1e-9, atol=1e-9, equal_nan=True):
            rows = ~np.isclose(left, right, rtol=1e-9, atol=1e-9, equal_nan=True)
            wrong.append((name, int(rows.sum()), left[rows][:3], right[rows][:3]))
    print(*wrong, sep="\n", file=sys.stderr)
    return len(wrong)


def way_limit(folder: Path) -> dict[str, float]:
    import duckdb

    connection = duckdb.connect(config={"threads": 1})
    connection.execute(
        'CREATE TEMP TABLE finest AS SELECT account_id, user_id, feature, CAST("at" AS DATE) AS day, count(*) AS n '
        f"FROM '{folder}/usage.parquet' GROUP BY ALL"
    )
    return {"rows": connection.execute("SELECT count(*) FROM finest").fetchone()[0]}


def _merge(account, cut, row_account, row_day, row_n, windows, out):
    """Sum the rows of each window for every snapshot: both sides sorted by account, so one pass over accounts."""
    start = 0
    for i in range(len(account)):
        while start < len(row_account) and row_account[start] < account[i]:
            start += 1
        j = start
        while j < len(row_account) and row_account[j] == account[i] and row_day[j] < cut[i]:
            for w in range(len(windows)):
                out[i, w] += row_n[j] if cut[i] - row_day[j] <= windows[w] else 0
            j += 1


def way_floor(folder: Path) -> dict[str, float]:
    import duckdb
    import features_sql
    from numba import njit

    pairs = pd.read_parquet(folder / "pairs" / "pairs.parquet")
    connection = duckdb.connect(config={"threads": 1})
    connection.register("pairs", pairs)
    features_sql.execute(connection, features_sql.LOAD.format(folder=folder), features_sql.ROLL)
    snap = connection.execute("SELECT account, cut FROM snap ORDER BY account, cut").fetchnumpy()
    merge = njit(_merge)
    windows = np.array([7, 14, 30, 90, 180])
    started = time.process_time()
    merge(*(np.zeros(1, np.int32),) * 4, np.zeros(1, np.int64), windows, np.zeros((1, 5)))
    compiling = time.process_time() - started
    for table in ("days", "persons", "parts"):
        rows = connection.execute(f"SELECT account, day, n FROM {table} ORDER BY account, day").fetchnumpy()
        out = np.zeros((len(snap["account"]), 5))
        merge(snap["account"], snap["cut"], rows["account"], rows["day"], rows["n"], windows, out)
    return {"snapshots": len(snap["account"]), "compiling": compiling}


def way_pandas(folder: Path, sample: int) -> dict[str, float]:
    usage = pd.read_parquet(folder / "usage.parquet")
    usage["known"] = usage["known_at"].fillna(usage["at"])
    pairs = pd.read_parquet(folder / "pairs" / "pairs.parquet")
    chosen = pairs[pairs["account_id"].isin(pairs["account_id"].drop_duplicates().sample(sample // 20, random_state=0))]
    usage = usage[usage["account_id"].isin(chosen["account_id"])]
    rows = []
    started = time.process_time()
    for account, cut in zip(chosen["account_id"], chosen["as_of"], strict=True):
        mine = usage[(usage["account_id"] == account) & (usage["at"] < cut) & (usage["known"] < cut)]
        row = {}
        for window in (7, 30, 90, 180):
            seen = mine[mine["at"] >= cut - pd.Timedelta(days=window)]
            row |= {f"events_{window}": len(seen), f"quantity_{window}": seen["quantity"].sum()}
            row |= {f"users_{window}": seen["user_id"].nunique(), f"days_{window}": seen["at"].dt.normalize().nunique()}
            row |= {f"features_{window}": seen["feature"].nunique()}
        rows.append(row)
    frame = pd.DataFrame(rows)
    return {"snapshots": len(frame), "features": frame.shape[1], "loop_cpu": time.process_time() - started}


WAYS = {
    "csrisk-duckdb": lambda folder, options: way_csrisk(folder, polars=False, options=options),
    "csrisk-polars": lambda folder, options: way_csrisk(folder, polars=True, options=options),
    "sql": lambda folder, _options: way_sql(folder, check=False),
    "sql-check": lambda folder, _options: way_sql(folder, check=True),
    "limit": lambda folder, _options: way_limit(folder),
    "floor": lambda folder, _options: way_floor(folder),
    "pandas": lambda folder, options: way_pandas(folder, options.sample),
}


def measure(way: str, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Run one way in a process of its own."""
    if way == "featuretools":
        command = [options.featuretools, str(Path(__file__).with_name("features_featuretools.py")), str(folder)]
    else:
        command = [sys.executable, __file__, "--run", way, "--folder", str(folder), "--sample", str(options.sample)]
        command += (["--all"] if options.all else []) + (["--memory", options.memory] if options.memory else [])
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{way} failed")
    result = {"way": way, "wall": time.perf_counter() - started, "cpu": usage.ru_utime + usage.ru_stime}
    return result | {"peak_gb": usage.ru_maxrss / 1e6} | json.loads(output.splitlines()[-1])


def prepare(folder: Path, scale: float) -> Path:
    """Write the book, and the snapshots that all ways share."""
    from features_book import write_book

    if not (folder / "pairs" / "pairs.parquet").exists():
        whole = {"events": 20_000_000, "accounts": 50_000, "contacts": 1_000_000, "surveys": 200_000}
        write_book(folder, **{name: int(number * scale) for name, number in whole.items()})
        data = _data(folder, polars=False)
        index = _snapshots(data).index
        days = index.get_level_values("as_of").to_numpy().astype("datetime64[D]").astype(np.int64)
        (folder / "pairs").mkdir()
        pairs = index.to_frame(index=False).assign(position=np.arange(len(index)), cut=days)
        pairs.to_parquet(folder / "pairs" / "pairs.parquet")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.02, help="1 is 20 million events")
    parser.add_argument("--growth", action="store_true", help="also at a quarter and a half of the scale")
    parser.add_argument("--ways", default="csrisk-duckdb,csrisk-polars,sql,limit,floor,pandas")
    parser.add_argument("--all", action="store_true", help="all families in csrisk")
    parser.add_argument("--memory", default="", help="memory limit of the embedded engine, such as 1GB")
    parser.add_argument("--sample", type=int, default=400, help="snapshots of the plain pandas way")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "csrisk-benchmark")
    parser.add_argument("--featuretools", default="", help="a Python that has featuretools")
    parser.add_argument("--run", choices=list(WAYS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        result = WAYS[options.run](options.folder, options)
        print(json.dumps({name: float(value) for name, value in result.items()}))
        return
    ways = options.ways.split(",") + (["featuretools"] if options.featuretools else [])
    rows = []
    for scale in (options.scale / 4, options.scale / 2, options.scale) if options.growth else (options.scale,):
        folder = prepare(options.folder / f"scale-{scale:g}", scale)
        rows += [{"scale": scale} | measure(way, folder, options) for way in ways]
        print(pd.DataFrame(rows).round(3).to_string(index=False), flush=True)


if __name__ == "__main__":
    main()
