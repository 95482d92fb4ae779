"""Twelve months of nights over a simulated book, one run a month, in which things go wrong as they do in life.

    python simulate.py FOLDER

Each month the extract holds what was known by then. In April tracking changes, so that use in the background is
recorded too; in late August the feed of usage stops for eight weeks. Prints the log of the job.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nightly
import pandas as pd

from csrisk.data import CONTRACT
from csrisk.datasets import make_saas

FIRST, RUNS = "2025-01-01", 12
BACKGROUND = (3, 8, 13, 18)  # days after a use on which it is recorded again
TRACKING_CHANGED, FEED_STOPPED = "2025-04-01", ("2025-08-20", "2025-10-15")
PLANNED = ("planned_end", "due_at")  # known beforehand
CONFIG = """
[snapshots]
lead = 0
horizon = "60D"
[label]
expansion = "none"
grace = 0
[model]
n_members = 3
blend = false
[test]
n_bootstrap = 50
[reference]
rows = 30
[monitor]
max_age = "300D"
"""


def extract(tables: dict[str, pd.DataFrame], as_of: pd.Timestamp, folder: Path) -> None:
    """Write what a warehouse would have held on the night: rows that were known, without what came later."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        times = [column.name for column in CONTRACT[name].columns if column.kind == "time" and column.name in table]
        known = pd.Series(True, index=table.index)
        for column in [*times[:1], *(["known_at"] if "known_at" in table else [])]:
            known &= pd.to_datetime(table[column]) < as_of
        rows = table[known].copy()
        if name == "usage":
            rows = broken(rows, as_of)
        for column in times[1:]:
            if column not in PLANNED:
                rows[column] = rows[column].mask(pd.to_datetime(rows[column]) >= as_of)
        if name == "expectations":
            rows["outcome"] = rows["outcome"].mask(rows["met_at"].isna())
        if len(rows):
            rows.to_parquet(folder / f"{name}.parquet", index=False)


def broken(usage: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Record background use from April on; lose what comes while the feed stands still, until it is filled in again."""
    changed, stopped, back = map(pd.Timestamp, (TRACKING_CHANGED, *FEED_STOPPED))
    new = usage[usage["at"] >= changed]
    times = [name for name in ("at", "known_at") if name in usage]
    more = [new.assign(**{name: new[name] + pd.Timedelta(days=days) for name in times}) for days in BACKGROUND]
    usage = pd.concat([usage, *more], ignore_index=True)
    for name in times:
        usage = usage[~(usage[name] >= as_of)]
    return usage[usage["at"] < stopped] if stopped < as_of < back else usage


def main(folder: Path, accounts: int = 150) -> list[int]:
    """Run twelve nights; give their exit codes."""
    tables = make_saas(accounts, 36, seed=7, end="2026-01-01", monthly_churn=0.035).tables
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    codes = []
    for night in pd.date_range(FIRST, periods=RUNS, freq="MS"):
        source = folder / "extract"
        extract(tables, night, source)
        words = [str(source), str(folder / "state"), "--as-of", f"{night:%Y-%m-%d}", "--config", str(config)]
        codes.append(nightly.main(words))
    return codes


if __name__ == "__main__":
    print(main(Path(sys.argv[1])))
