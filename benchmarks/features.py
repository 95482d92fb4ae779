"""How fast features are made: csrisk against hand-written SQL, pandas, and what nothing can beat.

    python benchmarks/features.py --scale 0.05
    python benchmarks/features.py --scale 1 --growth --featuretools ft/bin/python --write benchmarks/features.md

Scale 1 is 20 million events of 50 thousand accounts over 24 months and about 900 thousand monthly snapshots. Each way
runs in a process of its own with one thread. ``cpu`` is processor time of the work itself, without imports; ``load`` is
the part of csrisk that reads, checks and brings the tables into canonical form, and makes the snapshots; ``peak_gb`` is
the memory of the whole process.

- csrisk-duckdb, csrisk-polars, csrisk-spark: `build_features` with UsageDepth and FeatureBreadth from Parquet files to
  a frame, with the default memory limit; with ``--all`` every family.
- csrisk-sample: the same for the few accounts that featuretools is given.
- sql: the same features written by hand for DuckDB (`features_sql.py`); every column is compared with csrisk by the
  way ``sql-check``.
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

WAY = "csrisk-duckdb"
WINDOWS = {"UsageDepth": (7, 14, 30, 90, 180), "FeatureBreadth": (30, 90, 180)}


def _data(folder: Path, engine: str, memory: str | None = None):
    from csrisk import CustomerData

    if engine == "duckdb":
        return CustomerData.from_folder(folder, threads=1, memory_limit=memory)
    paths = {path.stem: path for path in sorted(folder.glob("*.parquet"))}
    if engine == "polars":
        import polars as pl

        return CustomerData({name: pl.read_parquet(path) for name, path in paths.items()}, threads=1)
    from pyspark.sql import SparkSession

    settings = {"spark.driver.memory": "8g", "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "4"}
    spark = SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
    return CustomerData({name: spark.read.parquet(str(path)) for name, path in paths.items()})


def _builders():
    from csrisk import features

    return [getattr(features, family)(windows=windows) for family, windows in WINDOWS.items()]


def _snapshots(data):
    from csrisk import Snapshots

    return Snapshots.every(data, "MS", horizon="30D", eligible="account")


def way_csrisk(folder: Path, engine: str, options: argparse.Namespace) -> dict[str, float]:
    from csrisk import build_features

    data, snapshots, load = _loaded(folder, engine, options)
    started = _clock()
    frame = build_features(data, snapshots, None if options.all else _builders())
    result = {"snapshots": len(frame), "features": int(frame.notna().any().sum())}
    return result | {"load": load, "cpu": load + _clock() - started}


def _loaded(folder: Path, engine: str, options: argparse.Namespace):
    _builders()
    started = _clock()
    data = _data(folder, engine, options.memory or None)
    snapshots = _snapshots(data)
    return data, snapshots, _clock() - started


def way_sample(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Take the accounts that featuretools gets as a book of their own."""
    pairs = pd.read_parquet(folder / "pairs" / "pairs.parquet")
    chosen = list(pairs["account_id"].drop_duplicates().sample(options.accounts, random_state=0))
    with tempfile.TemporaryDirectory() as place:
        for path in folder.glob("*.parquet"):
            rows = pd.read_parquet(path, filters=[("account_id", "in", chosen)])
            rows.to_parquet(Path(place) / path.name)
        return way_csrisk(Path(place), "duckdb", options)


def _clock() -> float:
    """Processor time of this process and, for Spark, of the Java process beside it."""
    found = time.process_time()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            found += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def way_sql(folder: Path, check: bool) -> dict[str, float]:
    import duckdb
    import features_sql

    pairs = pd.read_parquet(folder / "pairs" / "pairs.parquet")
    connection = duckdb.connect(config={"threads": 1})
    connection.register("pairs", pairs)
    started = _clock()
    table = features_sql.run(connection, folder)
    result = {"snapshots": table.num_rows, "features": table.num_columns, "cpu": _clock() - started}
    return result | ({"differing_columns": _differences(folder, table)} if check else {})


def _differences(folder: Path, table) -> int:
    """Count the columns in which csrisk and the SQL differ."""
    from csrisk import build_features

    data = _data(folder, "duckdb")
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
    started = _clock()
    connection.execute(
        'CREATE TEMP TABLE finest AS SELECT account_id, user_id, feature, CAST("at" AS DATE) AS day, count(*) AS n '
        f"FROM '{folder}/usage.parquet' GROUP BY ALL"
    )
    return {"rows": connection.execute("SELECT count(*) FROM finest").fetchone()[0], "cpu": _clock() - started}


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

    windows = np.array([7, 14, 30, 90, 180])
    merge = njit(_merge)
    merge(*(np.zeros(1, np.int32),) * 4, np.zeros(1, np.int64), windows, np.zeros((1, 5)))
    pairs = pd.read_parquet(folder / "pairs" / "pairs.parquet")
    connection = duckdb.connect(config={"threads": 1})
    connection.register("pairs", pairs)
    started = _clock()
    features_sql.execute(connection, features_sql.LOAD.format(folder=folder), features_sql.ROLL)
    snap = connection.execute("SELECT account, cut FROM snap ORDER BY account, cut").fetchnumpy()
    for table in ("days", "persons", "parts"):
        rows = connection.execute(f"SELECT account, day, n FROM {table} ORDER BY account, day").fetchnumpy()
        out = np.zeros((len(snap["account"]), 5))
        merge(snap["account"], snap["cut"], rows["account"], rows["day"], rows["n"], windows, out)
    return {"snapshots": len(snap["account"]), "cpu": _clock() - started}


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
    return {"snapshots": len(frame), "features": frame.shape[1], "cpu": time.process_time() - started}


WAYS = {
    "csrisk-duckdb": lambda folder, options: way_csrisk(folder, "duckdb", options),
    "csrisk-polars": lambda folder, options: way_csrisk(folder, "polars", options),
    "csrisk-spark": lambda folder, options: way_csrisk(folder, "spark", options),
    "csrisk-sample": way_sample,
    "sql": lambda folder, _options: way_sql(folder, check=False),
    "sql-check": lambda folder, _options: way_sql(folder, check=True),
    "limit": lambda folder, _options: way_limit(folder),
    "floor": lambda folder, _options: way_floor(folder),
    "pandas": lambda folder, options: way_pandas(folder, options.sample),
}


def measure(way: str, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Run one way in a process of its own."""
    if way == "featuretools":
        script = Path(__file__).with_name("features_featuretools.py")
        command = [options.featuretools, str(script), str(folder), str(options.accounts)]
    else:
        command = [sys.executable, __file__, "--run", way, "--folder", str(folder)]
        command += ["--sample", str(options.sample), "--accounts", str(options.accounts)]
        command += (["--all"] if options.all else []) + (["--memory", options.memory] if options.memory else [])
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{way} failed")
    found = json.loads(output.splitlines()[-1])
    found |= {"wall": time.perf_counter() - started, "peak_gb": usage.ru_maxrss / 1e6}
    if "snapshots" in found:
        found["us_per_snapshot"] = 1e6 * found["cpu"] / found["snapshots"]
    return {"way": way} | found


def ratios(table: pd.DataFrame) -> list[str]:
    """Say in words what the table says."""
    lines = []
    for scale, rows in table.groupby("scale"):
        by = rows.set_index("way")
        if WAY in by.index:
            lines += [f"scale {scale:g}: {line}" for line in (*_against(by), *_against_featuretools(by))]
    for way, rows in table.groupby("way"):
        cpu = rows.sort_values("scale")["cpu"].to_numpy()
        if len(cpu) > 1 and way not in ("featuretools", "pandas", "csrisk-sample"):
            steps = ", ".join(f"{step:.2f}" for step in cpu[1:] / cpu[:-1])
            lines.append(f"{way}: CPU times {steps} per doubling")
    return lines


def _against(by: pd.DataFrame) -> list[str]:
    with_load, features = by["cpu"], by["cpu"] - by["load"].fillna(0)
    return [
        f"csrisk-duckdb takes {features[WAY] / features[way]:.3g} times the CPU of {way} for the features, "
        f"{with_load[WAY] / with_load[way]:.3g} times with reading and checking every table"
        for way in ("sql", "floor", "limit", "csrisk-polars", "csrisk-spark")
        if way in by.index
    ]


def _against_featuretools(by: pd.DataFrame) -> list[str]:
    if "featuretools" not in by.index:
        return []
    ours, theirs = by.loc[WAY], by.loc["featuretools"]
    features = 1e6 * (ours["cpu"] - ours["load"]) / ours["snapshots"]
    lines = [
        f"featuretools takes {theirs['us_per_snapshot'] / features:.0f} times the CPU of csrisk-duckdb for a snapshot, "
        f"{theirs['us_per_further_snapshot'] / features:.0f} times for one snapshot more; "
        f"{theirs['us_per_snapshot'] / ours['us_per_snapshot']:.0f} times with reading and checking in csrisk"
    ]
    if "csrisk-sample" in by.index:
        few = by.loc["csrisk-sample"]
        lines.append(
            f"featuretools takes {theirs['cpu'] / few['cpu']:.1f} times the CPU of csrisk on the same few accounts, "
            "where csrisk is nothing but its fixed cost"
        )
    return lines


def write(path: Path, table: pd.DataFrame) -> None:
    """Write the table, what it says, and how it came about."""
    import importlib.metadata
    import platform

    names = ("duckdb", "polars", "pyspark", "narwhals", "numba", "pandas", "numpy")
    versions = [f"{name} {importlib.metadata.version(name)}" for name in names if importlib.util.find_spec(name)]
    path.write_text(
        "\n".join(
            [
                "# Features: time and memory",
                "",
                f"`python benchmarks/{' '.join([Path(sys.argv[0]).name, *sys.argv[1:]])}`",
                "",
                f"Python {platform.python_version()}, {', '.join(versions)}; one thread each.",
                "",
                _markdown(table),
                "",
                *(f"- {line}" for line in ratios(table)),
                "",
                (__doc__ or "").split("\n\n", 2)[2].strip(),
                "",
            ]
        ),
        encoding="utf-8",
    )


def _markdown(table: pd.DataFrame) -> str:
    rows = [list(table), ["---"] * table.shape[1], *table.astype(object).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(map(_cell, row)) + " |" for row in rows)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value)


def prepare(folder: Path, scale: float) -> Path:
    """Write the book, and the snapshots that all ways share."""
    from features_book import write_book

    if not (folder / "pairs" / "pairs.parquet").exists():
        whole = {"events": 20_000_000, "accounts": 50_000, "contacts": 1_000_000, "surveys": 200_000}
        write_book(folder, **{name: int(number * scale) for name, number in whole.items()})
        data = _data(folder, "duckdb")
        index = _snapshots(data).index
        days = index.get_level_values("as_of").to_numpy().astype("datetime64[D]").astype(np.int64)
        (folder / "pairs").mkdir()
        pairs = index.to_frame(index=False).assign(position=np.arange(len(index)), cut=days)
        pairs.to_parquet(folder / "pairs" / "pairs.parquet")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.02, help="1 is 20 million events")
    parser.add_argument("--growth", action="store_true", help="csrisk-duckdb also at a quarter and a half of the scale")
    parser.add_argument("--ways", default="csrisk-duckdb,csrisk-polars,csrisk-sample,sql,limit,floor,pandas")
    parser.add_argument("--all", action="store_true", help="all families in csrisk")
    parser.add_argument("--memory", default="", help="memory limit of the embedded engine, such as 1GB")
    parser.add_argument("--sample", type=int, default=400, help="snapshots of the plain pandas way")
    parser.add_argument("--accounts", type=int, default=80, help="accounts of the sample for featuretools")
    parser.add_argument("--go-on", type=Path, help="file that keeps what was measured, so that a run can be continued")
    parser.add_argument("--write", type=Path, help="file for the table, in Markdown")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "csrisk-benchmark")
    parser.add_argument("--featuretools", default="", help="a Python that has featuretools")
    parser.add_argument("--run", choices=list(WAYS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        result = WAYS[options.run](options.folder, options)
        print(json.dumps({name: float(value) for name, value in result.items()}))
        return
    ways = options.ways.split(",") + (["featuretools"] if options.featuretools else [])
    scales = [options.scale / 4, options.scale / 2, options.scale] if options.growth else [options.scale]
    rows = json.loads(options.go_on.read_text()) if options.go_on and options.go_on.exists() else []
    done = {(row["scale"], row["way"]) for row in rows}
    for scale in scales:
        folder = prepare(options.folder / f"scale-{scale:g}", scale)
        # growth is asked of csrisk on DuckDB; Spark is measured where it is smallest
        here = [way for way in ways if scale == (scales[0] if way == "csrisk-spark" else scales[-1]) or way == WAY]
        for way in here:
            if (scale, way) not in done:
                rows.append({"scale": scale} | measure(way, folder, options))
                print(pd.DataFrame(rows[-1:]).round(3).to_string(index=False), flush=True)
                if options.go_on:
                    options.go_on.write_text(json.dumps(rows))
    table = pd.DataFrame(rows)
    print(table.round(3).to_string(index=False), *ratios(table), sep="\n")
    if options.write:
        write(options.write, table)


if __name__ == "__main__":
    main()
