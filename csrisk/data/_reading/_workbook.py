"""Workbooks of one sheet as tables, where openpyxl is installed."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import pandas as pd

from csrisk._machine import open_regular
from csrisk.data._declared._kinds import TABLE_ENDINGS, UnreadableError, endings

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["FILE_ENDINGS", "is_workbook", "sheet_of"]

_BOOK = ".xlsx"
FILE_ENDINGS = (*TABLE_ENDINGS, _BOOK)
_UNPACKED = 1 << 30  # bytes that a workbook may unpack to; a small file can hold far more


def is_workbook(brought: object) -> TypeGuard[str | os.PathLike[str]]:
    """Whether a table was brought as one workbook, by its ending."""
    return isinstance(brought, str | os.PathLike) and endings(os.fspath(brought)) == _BOOK


def sheet_of(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read the one sheet with rows of a workbook."""
    try:
        return _book(Path(path))
    except OSError as error:
        raise UnreadableError(error.strerror or type(error).__name__) from error


def _book(path: Path) -> pd.DataFrame:
    with open_regular(path) as raw:
        _require_small(raw)
        try:
            import openpyxl
        except ImportError as error:
            raise UnreadableError("workbooks need openpyxl: pip install openpyxl; or save the sheet as CSV") from error
        try:
            # data_only: cells of a formula give what they showed when the book was saved
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
    # as objects, since pandas would make 7.0 of a 7 beside an empty cell
    table = pd.DataFrame([row[:width] for row in rows], columns=names, dtype=object)
    return table.set_axis([name or f"column_{place}" for place, name in enumerate(names)], axis=1)


def _full(row: list[Any]) -> list[bool]:
    return [value is not None and str(value).strip() != "" for value in row]


def _require_small(raw: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(raw) as packed:
            size = sum(member.file_size for member in packed.infolist())
    except zipfile.BadZipFile as error:
        raise UnreadableError("it is no workbook (xlsx) by its content; name it by what it is") from error
    if size > _UNPACKED:
        raise UnreadableError(f"the workbook unpacks to {size:,} bytes, more than {_UNPACKED:,}; save it as CSV")
    raw.seek(0)
