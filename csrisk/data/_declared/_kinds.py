"""What a file really is, told from its first and last bytes."""

from __future__ import annotations

import codecs
import gzip
import os
import re
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from csrisk._machine import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

__all__ = [
    "_CSV",
    "_PARQUET",
    "DATABASE_ENDINGS",
    "FOREIGN_ENDINGS",
    "TABLE_ENDINGS",
    "UnreadableError",
    "database_kind",
    "endings",
    "file_kind",
    "opened",
]

_CSV = (".csv", ".tsv", ".txt")
_PARQUET = (".parquet", ".parq", ".pq")
TABLE_ENDINGS = (*_CSV, *_PARQUET)
DATABASE_ENDINGS = (".duckdb", ".ddb", ".db", ".sqlite", ".sqlite3")
# of tables that are not read
FOREIGN_ENDINGS = (".xls", ".ods", ".json", ".jsonl", ".ndjson", ".feather", ".arrow", ".orc", ".avro", ".zip")
_HEAD = 4096
_AS_CSV = "save the table as CSV or Parquet"
_MAGIC = (
    (b"PARE", "an encrypted Parquet file; decrypt it"),
    (b"PK\x03\x04", f"a workbook (xlsx) or zip archive; {_AS_CSV}"),
    (b"\xd0\xcf\x11\xe0", f"a workbook (xls); {_AS_CSV}"),
    (b"\x1f\x8b", "gzip; name it .csv.gz, or unpack it"),
    (b"BZh", "packed with bzip2; unpack it"),
    (b"\xfd7zXZ", "packed with xz; unpack it"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd; unpack it"),
    (b"SQLite format 3\x00", "a SQLite database; give it as SOURCE, or hand over its tables"),
    (b"ARROW1", f"an Arrow (Feather) file; {_AS_CSV}"),
    (b"ORC", f"an ORC file; {_AS_CSV}"),
    (b"Obj\x01", f"an Avro file; {_AS_CSV}"),
    (b"%PDF", f"a PDF; {_AS_CSV}"),
    # protocols 4 and 5, which alone begin with a frame
    (b"\x80\x04\x95", f"a pickle, which is never read; {_AS_CSV}"),
    (b"\x80\x05\x95", f"a pickle, which is never read; {_AS_CSV}"),
)
_MARKS = (
    # first, as the mark of UTF-16 is the beginning of it
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_MARKUP = re.compile(rb"\s*<(!doctype|html|\?xml|table|head|body)", re.IGNORECASE)
_JSON = re.compile(rb'\s*(\[\s*)?\{\s*("|\}|$)|\s*\[\s*(\[|\]|"|-?\d)')


class UnreadableError(Exception):
    """A file cannot be read; the text is the reason, and holds no cell of it."""

    def __init__(self, reason: str, column: str = "") -> None:
        super().__init__(reason)
        self.column = column


@contextmanager
def opened(path: Path, *, packed: bool) -> Iterator[BinaryIO]:
    """Open a file, unpacked; damage of gzip has its reason, wherever in the file it shows."""
    with open_regular(path) as raw:
        try:
            yield gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[misc]  # reads bytes as a file does
        except EOFError as error:
            raise UnreadableError("the gzip file is cut short; copy it again") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise UnreadableError("the gzip file is damaged; write or copy it again") from error


def endings(name: str) -> str:
    """Give the ending of a name in lower case, that of gzip apart: ``.csv`` of ``Usage.CSV.gz``."""
    return os.path.splitext(name.lower().removesuffix(".gz"))[1]


def database_kind(path: Path) -> str:
    """Tell a database from its first bytes: ``duckdb``, ``sqlite``, or empty."""
    with open_regular(path) as file:
        head = file.read(16)
    # DuckDB writes a checksum of eight bytes before its name
    return "sqlite" if head == b"SQLite format 3\x00" else "duckdb" if head[8:12] == b"DUCK" else ""


def file_kind(path: Path) -> str:
    """Say whether a file is ``parquet``, ``csv`` or ``csv.gz``."""
    with open_regular(path) as file:
        head = file.read(_HEAD)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 4, 0))
        # Parquet ends as it begins, so a file that was cut short is told without reading it
        tail = file.read(4)
    if not size:
        raise UnreadableError("it is empty, it has no header")
    ending, packed = endings(path.name), path.name.lower().endswith(".gz")
    if packed:
        head = _unpacked(path, head)
    if head.startswith(b"PAR1"):
        return _parquet(ending, tail, size)
    _refuse_foreign(head)
    if ending in _PARQUET:
        raise UnreadableError("it is no Parquet file by its first bytes; if it is CSV, name it .csv")
    if ending not in _CSV:
        raise UnreadableError(f"the ending {ending[:10]!r} is none of a table; name it .csv or .parquet by what it is")
    return "csv.gz" if packed else "csv"


def _parquet(ending: str, tail: bytes, size: int) -> str:
    if tail != b"PAR1":
        raise UnreadableError("it is a Parquet file that is cut short: its end is missing; write or copy it again")
    # the mark at both ends and the length of what stands between them
    if size < 12:
        raise UnreadableError("it is a damaged Parquet file: too short to hold a table; write it again")
    if ending in _CSV:
        raise UnreadableError("it is a Parquet file by its content; name it .parquet")
    return "parquet"


def _unpacked(path: Path, head: bytes) -> bytes:
    if not head.startswith(b"\x1f\x8b"):
        raise UnreadableError("it is named .gz and is not gzip; take .gz off its name")
    with opened(path, packed=True) as file:
        found = file.read(_HEAD)
    if not found:
        raise UnreadableError("it is empty, it has no header")
    return found


def _refuse_foreign(head: bytes) -> None:
    """Refuse what is known to be another kind of file, or another encoding."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            raise UnreadableError(f"it is {kind}")
    if head[8:12] == b"DUCK":
        raise UnreadableError("it is a DuckDB database; give it as SOURCE, or hand over its tables")
    for mark, name in _MARKS:
        if head.startswith(mark):
            raise UnreadableError(f"it is {name}, not UTF-8; save it as UTF-8")
    if b"\x00" in head:
        # every other byte of Latin text is 0 in UTF-16; other zeros are no text
        pairs = len(head) > 3 and (head[1::2].count(0) > len(head) // 4 or head[::2].count(0) > len(head) // 4)
        wide = pairs and set(head) != {0}
        raise UnreadableError(
            "it is UTF-16, not UTF-8; save it as UTF-8" if wide else "it holds zero bytes, it is no text"
        )
    if _MARKUP.match(head):
        raise UnreadableError(f"it is a page of HTML or XML; {_AS_CSV}")
    # Excel writes the mark of UTF-8 into CSV, where it is right
    text = head.removeprefix(codecs.BOM_UTF8)
    if _JSON.match(text):
        raise UnreadableError(f"it is JSON or JSON lines; {_AS_CSV}")
