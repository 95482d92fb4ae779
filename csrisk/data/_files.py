"""Tables in files: Parquet (a file or a folder of parts) and CSV."""

from __future__ import annotations

import csv
import glob
import gzip
from typing import TYPE_CHECKING

from csrisk.data._breach import Breach
from csrisk.data._readers import quoted

if TYPE_CHECKING:
    from pathlib import Path

    from csrisk.data._engine import DuckDBEngine

__all__ = ["open_path"]

_SEPARATORS = ",;\t|"


def open_path(engine: DuckDBEngine, view: str, table: str, path: Path) -> bool | Breach:
    """Make a view over a file; True if everything in it is text.

    Parameters
    ----------
    engine : DuckDBEngine
        Where the view is made.
    view : str
        Its name.
    table : str
        Name in the contract, for messages.
    path : Path
        A Parquet file, a folder of Parquet files, or a CSV file (also .gz).

    Returns
    -------
    bool or Breach
    """
    if not path.exists():
        return Breach("CSD006", table, detail=f"{path.name!r} does not exist")
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".csv", ".tsv", ".txt")):
        return _open_csv(engine, view, table, path)
    pattern = glob.escape(str(path)) + ("/*.parquet" if path.is_dir() else "")
    engine.run(f"CREATE TEMP VIEW {view} AS SELECT * FROM read_parquet({_text(pattern)}, hive_partitioning = false)")
    return False


def _open_csv(engine: DuckDBEngine, view: str, table: str, path: Path) -> bool | Breach:
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        line = file.readline()
    separator = max(_SEPARATORS, key=line.count)
    names = next(csv.reader([line], delimiter=separator), [])
    folded = [name.casefold() for name in names]
    again = sorted({name for name, key in zip(names, folded, strict=True) if folded.count(key) > 1})
    if again:
        return Breach("CSD005", table, ", ".join(again), count=len(again))
    if not names:
        return Breach("CSD006", table, detail="it has no header")
    # ids and times are read as text: guessing would lose leading zeros, and take NA for missing
    columns = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in names)
    engine.run(
        f"CREATE TEMP VIEW {view} AS SELECT {', '.join(map(quoted, names))} FROM read_csv("
        f"{_text(glob.escape(str(path)))}, auto_detect = false, header = true, delim = {_text(separator)}, "
        f"quote = '\"', escape = '\"', columns = {{{columns}}})"
    )
    return True


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
