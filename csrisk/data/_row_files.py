"""Tables that are written row by row in other forms: JSON lines, and workbooks where openpyxl is installed."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk._regular import open_regular
from csrisk.data._kinds import TABLE_ENDINGS, UnreadableError, endings, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

__all__ = ["FILE_ENDINGS", "is_row_file", "rows_of"]

_LINES = (".jsonl", ".ndjson")
_BOOK = ".xlsx"
ROW_ENDINGS = (*_LINES, _BOOK)
FILE_ENDINGS = (*TABLE_ENDINGS, *ROW_ENDINGS)
_LONGEST = 1 << 20  # bytes of a line
_UNPACKED = 1 << 30  # bytes that a workbook may unpack to; a small file can hold far more


def is_row_file(brought: object) -> bool:
    """Whether a table was brought as one file of JSON lines or one workbook, by its ending."""
    return isinstance(brought, str | os.PathLike) and endings(os.fspath(brought)) in ROW_ENDINGS


def rows_of(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a file row by row.

    Parameters
    ----------
    path : path
        ``.jsonl`` or ``.ndjson``, also with ``.gz``, or ``.xlsx``.

    Returns
    -------
    pandas.DataFrame
        Values as the file has them; what is nested is text.

    Raises
    ------
    UnreadableError
        If it cannot be read; the reason names a line or a sheet, and never a value.
    """
    file = Path(path)
    try:
        return _book(file) if endings(file.name) == _BOOK else _lines(file)
    except OSError as error:
        raise UnreadableError(error.strerror or type(error).__name__) from error


def _lines(path: Path) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    with opened(path, packed=path.name.lower().endswith(".gz")) as raw:
        for number, line in _numbered(raw):
            if line.strip():
                rows.append(_row(line, number))
    if not rows:
        raise UnreadableError("it is empty, it holds no row")
    return pd.DataFrame.from_records(rows)


def _numbered(raw: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := raw.readline(_LONGEST):
        number += 1
        if len(line) == _LONGEST:
            raise UnreadableError(f"line {number} is longer than {_LONGEST:,} bytes; is it JSON lines?")
        yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def _row(line: bytes, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except UnicodeDecodeError as error:
        raise UnreadableError(f"line {number} is not UTF-8; save it as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"line {number} is no JSON; each line holds one object") from error
    if not isinstance(row, dict):
        raise UnreadableError(f"line {number} is no object of JSON, such as {{...}}; each line holds one row")
    return {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in row.items()}


def _book(path: Path) -> pd.DataFrame:
    with open_regular(path) as raw:
        _require_small(raw)
        try:
            import openpyxl
        except ImportError as error:
            raise UnreadableError("workbooks need openpyxl: pip install openpyxl; or save the sheet as CSV") from error
        try:
            book = openpyxl.load_workbook(raw, read_only=True, data_only=True)
            sheets = {sheet.title: list(map(list, sheet.iter_rows(values_only=True))) for sheet in book.worksheets}
        except Exception as error:  # whatever a reader throws at damage, its text may quote what it read
            raise UnreadableError("it is a damaged workbook; save it again") from error
    filled = {title: kept for title, rows in sheets.items() if (kept := [row for row in rows if any(_full(row))])}
    if len(filled) != 1:
        found = f"{len(filled)} sheets with rows; keep one, or save each as CSV" if filled else "no row"
        raise UnreadableError(f"the workbook holds {found}")
    ((header, *rows),) = filled.values()
    width = max((place for place, full in enumerate(_full(header), 1) if full), default=0)
    names = ["" if name is None else str(name).strip() for name in header[:width]]
    if any(any(_full(row[width:])) for row in rows):
        raise UnreadableError(f"the sheet holds values right of its {width} columns with a name; is row 1 the header?")
    table = pd.DataFrame([row[:width] for row in rows], columns=names, dtype=object)
    return table.set_axis([name or f"column_{place}" for place, name in enumerate(names)], axis=1)


def _full(row: list[Any]) -> list[bool]:
    return [value is not None and str(value).strip() != "" for value in row]


def _require_small(raw: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(raw) as packed:
            size = sum(member.file_size for member in packed.infolist())
    except zipfile.BadZipFile as error:
        raise UnreadableError("it is no workbook by its first bytes; name it by what it is") from error
    if size > _UNPACKED:
        raise UnreadableError(f"the workbook unpacks to {size:,} bytes, more than {_UNPACKED:,}; save it as CSV")
    raw.seek(0)
