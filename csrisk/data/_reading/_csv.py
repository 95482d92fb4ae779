"""CSV: its header and separator, and where it breaks; messages hold numbers of lines, never what stands in them."""

from __future__ import annotations

import csv
import io
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csrisk.data._declared._kinds import UnreadableError, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

__all__ = ["Header", "csv_reason", "line_told", "read_header", "require_whole"]

_SEPARATORS = ",;\t|"
_HINT = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # the first line that Excel writes for itself
_LOOK = 20  # records in which a title above the header is looked for
# bytes read at once, as a file without ends of lines must not fill the memory
_LONGEST = 1 << 20
_OTHER_END = "ends otherwise than the lines before; end all lines alike, as Windows or as Unix does"
_LINE = re.compile(r"csv error on line: (\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """How a CSV file begins."""

    names: tuple[str, ...]
    separator: str
    skip: int
    packed: bool
    ending: str = "\n"


def read_header(path: Path, *, packed: bool) -> Header:
    """Read the header of a CSV file."""
    with opened(path, packed=packed) as raw:
        # ten lines a record, as cells may hold ends of lines
        lines = _text(itertools.islice(_lines(raw), 10 * _LOOK))
    skip, separator = _above(lines)
    if skip == len(lines):
        raise UnreadableError("it has no header")
    separator = separator or _separator(lines[skip:])
    records = [record for record in _records(lines[skip:], separator) if record[0]][:_LOOK]
    names = tuple(name or f"column_{place}" for place, name in enumerate(records[0][0]))
    ending = _ending(lines[skip + records[0][2] - 1])
    if any(_ending(line) != ending for line in lines[:skip]):
        raise UnreadableError(f"line {skip + 1} {_OTHER_END}")
    if any(len(record[0]) > len(names) for record in records):
        row, line, _ = next(record for record in records if len(record[0]) != len(names))
        title = row is records[1][0] and any(row[len(names) :])
        remedy = "; is the first line a title, and not the header?" if title else _remedy(row, len(names))
        raise UnreadableError(f"line {line + skip} {_cells(row, names)}{remedy}")
    return Header(names, separator, skip, packed, ending)


def _above(lines: list[str]) -> tuple[int, str]:
    """Count the lines above the header that are empty or a hint, and read the hint."""
    hint = _HINT.fullmatch(lines[0].strip()) if lines else None
    skip = 1 if hint else 0
    while skip < len(lines) and not lines[skip].strip():
        skip += 1
    return skip, hint[1] if hint else ""


def require_whole(path: Path) -> None:
    """Unpack a gzip file to its end, as its checksum tells of damage that the engine, which skips it, reads as rows."""
    with opened(path, packed=True) as raw:
        while raw.read(_LONGEST):
            pass


def csv_reason(path: Path, header: Header) -> str:
    """Find the first line at which a CSV file breaks; read only where the engine gave up."""
    try:
        with opened(path, packed=header.packed) as raw:
            return _first_break(_decoded(raw), header)
    except UnreadableError as found:
        return str(found)


def line_told(error: Exception) -> str:
    """Take the number of a line from what the engine said; its words may quote cells."""
    found = _LINE.search(str(error))
    return f"line {found[1]} cannot be read; look for quotes that do not match" if found else ""


def _first_break(lines: Iterator[str], header: Header) -> str:
    last = [""]
    # without strict, quotes that do not match are taken for text
    reader = csv.reader(_noted(lines, last), delimiter=header.separator, strict=True)
    before, wanted = 0, len(header.names)
    try:
        for row in reader:
            first, before = before + 1, reader.line_num
            if row and first > header.skip and len(row) != wanted:
                return f"line {first} {_cells(row, header.names)}{_remedy(row, wanted)}"
            if _ending(last[0]) not in ("", header.ending):
                return f"line {before} {_OTHER_END}"
    except csv.Error as error:
        if "limit" in str(error):
            return _too_long(before + 1)
        ends = "is followed by text; quotes in a cell are doubled" if "expected after" in str(error) else "ends nowhere"
        return f"a quoted cell that begins in line {before + 1} {ends}"
    return ""


def _noted(lines: Iterator[str], last: list[str]) -> Iterator[str]:
    for last[0] in lines:
        yield last[0]


def _ending(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :][-2:]


def _too_long(line: int) -> str:
    return f"line {line} holds a cell of more than {csv.field_size_limit():,} signs; is a quote open there?"


def _remedy(row: list[str], wanted: int) -> str:
    if sum(map(bool, row)) <= 1 < wanted:
        return "; take a title or footer of a report out"
    if len(row) < wanted:
        return "; a cell or a separator is missing"
    return (
        "; put cells that hold the separator in quotes" if any(row[wanted:]) else "; it ends with a separator too many"
    )


def _cells(row: list[str], names: tuple[str, ...]) -> str:
    return f"has {len(row)} cell{'s' * (len(row) != 1)}, the header {len(names)}"


def _separator(lines: list[str]) -> str:
    """Give the separator that makes most cells of the header."""
    # of equals the first, so that a header of one column is read with commas
    return max(_SEPARATORS, key=lambda sign: len(next((row for row, _, _ in _records(lines, sign)), [])))


def _records(lines: list[str], separator: str) -> Iterator[tuple[list[str], int, int]]:
    """Read the records of some lines, each with its first and last line; the last may leave a quote open."""
    reader, before = csv.reader(lines, delimiter=separator), 0
    try:
        for row in reader:
            yield row, before + 1, reader.line_num
            before = reader.line_num
    except csv.Error as error:
        raise UnreadableError(_too_long(before + 1)) from error


def _lines(raw: BinaryIO) -> Iterator[bytes]:
    """Lines as bytes, whatever ends them, and none without bound."""
    while line := raw.readline(_LONGEST):
        # of bytes: text is split at form feeds and separators of records, too
        yield from line.splitlines(keepends=True) if b"\r" in line.rstrip(b"\r\n") else [line]


def _decoded(raw: BinaryIO) -> Iterator[str]:
    """Lines as text."""
    for number, line in enumerate(_lines(raw), 1):
        try:
            # Excel marks UTF-8, and the mark would be part of the first name
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise UnreadableError(f"line {number} is not UTF-8 (Latin-1 or Windows-1252?); save it as UTF-8") from error


def _text(lines: Iterator[bytes]) -> list[str]:
    return list(_decoded(io.BytesIO(b"".join(lines))))
