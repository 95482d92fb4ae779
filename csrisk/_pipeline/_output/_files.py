"""Tables and texts as files that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from csrisk._atomic import atomic_path, write_atomically
from csrisk._text import csv_text
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["write_table", "write_text"]


def write_table(path: str | Path, table: pd.DataFrame) -> Path:
    """Write a flat table as Parquet or CSV; in CSV a row is one line, and no cell is a formula."""
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in (".parquet", ".csv"):
        raise ConfigError(f"{target.name}: suffix {target.suffix!r} must be .parquet or .csv")
    # the one writer of CSV, which lets no cell be a formula
    if suffix == ".csv":
        return write_text(target, csv_text(table))
    with atomic_path(target) as part:
        table.to_parquet(part, index=False)
    return target


def write_text(path: str | Path, text: str) -> Path:
    """Write text as UTF-8."""
    target = Path(path)
    write_atomically(target, text.encode("utf-8"))
    return target
