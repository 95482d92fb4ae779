"""Tables in files: Parquet (a file or a folder of parts) and CSV."""

from __future__ import annotations

import csv
import glob
import gzip
from typing import TYPE_CHECKING

from csrisk.data._breach import Breach
from csrisk.data._contract import CONTRACT
from csrisk.data._readers import ROW, quoted

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
    pattern = _text(glob.escape(str(path)) + ("/*.parquet" if path.is_dir() else ""))
    options = "hive_partitioning = false, file_row_number = true, filename = 'csrisk__file'"
    engine.run(
        f"CREATE TEMP VIEW {view} AS SELECT * EXCLUDE (file_row_number, csrisk__file), "
        f"file_row_number + {_before(engine, pattern)} AS {ROW} FROM read_parquet({pattern}, {options})"
    )
    return False


def _before(engine: DuckDBEngine, pattern: str) -> str:
    """Write SQL for the number of rows in the files before that of a row."""
    counts = engine.run(f"SELECT file_name, num_rows FROM parquet_file_metadata({pattern}) ORDER BY file_name")
    if len(counts) == 1:
        return "0"
    before, cases = 0, []
    for name, count in counts:
        cases.append(f"WHEN {_text(name)} THEN {before}")
        before += count
    return f"CASE csrisk__file {' '.join(cases)} END"


def _open_csv(engine: DuckDBEngine, view: str, table: str, path: Path) -> bool | Breach:
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        line = file.readline()
    separator = max(_SEPARATORS, key=line.count)
    # an index written along has no name
    names = [name or f"column_{i}" for i, name in enumerate(next(csv.reader([line], delimiter=separator), []))]
    folded = [name.casefold() for name in names]
    again = sorted({name for name, key in zip(names, folded, strict=True) if folded.count(key) > 1})
    if again:
        known = any(name.casefold() in folded for name in CONTRACT[table].names)
        shown, detail = (", ".join(again), "") if known else ("", "is the first line a header?")
        return Breach("CSD005", table, shown, count=len(again), detail=detail)
    if not names:
        return Breach("CSD006", table, detail="it has no header")
    # ids and times are read as text: guessing would lose leading zeros, and take NA for missing
    columns = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in names)
    kept = ", ".join(map(quoted, names))
    engine.run(
        f"CREATE TEMP VIEW {view} AS SELECT {kept}, row_number() OVER () - 1 AS {ROW} FROM read_csv("
        f"{_text(glob.escape(str(path)))}, auto_detect = false, header = true, delim = {_text(separator)}, "
        f"quote = '\"', escape = '\"', columns = {{{columns}}})"
    )
    return True


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
