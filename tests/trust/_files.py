"""Bad files: CSV in wrong encodings and shapes, Parquet cut short and damaged, folders that hold something else."""

from __future__ import annotations

import gzip
import io
import random
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from csrisk import CustomerData

from ._case import Case
from ._tables import HIT, ROWS, baseline, clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FLIPS = 40


@cache
def csv_bytes() -> bytes:
    return clean("usage").to_csv(index=False).encode()


@cache
def parquet_bytes() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(clean("usage"), preserve_index=False), sink)
    return sink.getvalue()


def _lines(change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    return b"\n".join(change(csv_bytes().splitlines())) + b"\n"


def _cell(row: int, content: bytes) -> bytes:
    """The CSV with one line replaced."""
    return _lines(lambda lines: [content if place == row else line for place, line in enumerate(lines)])


_HEAD = csv_bytes().splitlines()[0]
_CELLS = _HEAD.count(b",") + 1
_LAST = b"kanarie,2025-01-12" + b"," * (_CELLS - 2)
_UMLAUT = "Zweifelstein M\u00fcller"
# what it is, the bytes, code, words of the message
CSV: list[tuple[str, bytes, str, str]] = [
    ("nothing in it", b"", "CSD006", "empty"),
    ("blank lines alone", b"\n\n\n", "CSD006", "no header"),
    ("zeros", b"\x00" * 500, "CSD006", "no text"),
    ("latin-1", csv_bytes() + _LAST.replace(b"kanarie", _UMLAUT.encode("latin-1")) + b"\n", "CSD006", "not UTF-8"),
    ("latin-1 in the header", csv_bytes().replace(b"product", b"pr\xf6duct", 1), "CSD006", "not UTF-8"),
    ("Windows characters", csv_bytes() + _LAST.replace(b"e", b"e\x93", 1) + b"\n", "CSD006", "not UTF-8"),
    ("UTF-16", csv_bytes().decode().encode("utf-16"), "CSD006", "not UTF-8"),
    ("UTF-16 without a mark", csv_bytes().decode().encode("utf-16-le"), "CSD006", "UTF-16"),
    ("UTF-32", csv_bytes().decode().encode("utf-32"), "CSD006", "not UTF-8"),
    (
        "a row with more cells than the header",
        csv_bytes() + _LAST + b",whispered,whispered\n",
        "CSD006",
        f"line .* has {_CELLS + 2} cells, the header {_CELLS}",
    ),
    ("a row with fewer cells than the header", csv_bytes() + b"kanarie,2025-01-12\n", "CSD006", "line .* has 2 cells"),
    (
        "a quote that never ends",
        csv_bytes() + b'"' + _LAST + b"\n" + csv_bytes(),
        "CSD006",
        "a quoted cell that begins in line",
    ),
    ("cut in the middle of a row", csv_bytes()[:-60], "CSD006", "line .* has"),
    ("a page of HTML", b"<html><body>Zweifelstein: whispered</body></html>\n", "CSD006", "HTML"),
    ("a page of JSON", b'{"error": "whispered", "code": 500}\n', "CSD006", "JSON"),
    (
        "a workbook of a spreadsheet",
        b"PK\x03\x04\x14\x00\x06\x00\x08\x00" + bytes(range(128, 256)) * 4,
        "CSD006",
        "workbook",
    ),
    ("a Parquet file by the name of CSV", parquet_bytes(), "CSD006", "name it .parquet"),
    ("no header line", _lines(lambda lines: lines[1:]), "CSD005", "header"),
    ("a column twice", _lines(lambda lines: [line + b"," + line.split(b",")[0] for line in lines]), "CSD005", ""),
    ("a colon between cells", csv_bytes().replace(b",", b":"), "CSD004", ""),
    ("a header alone", _HEAD + b"\n", "CSD008", ""),
    (
        "lines of a log before the header",
        b"exported by Zweifelstein\n\n" + csv_bytes(),
        "CSD006",
        "is the first line a title",
    ),
]
CSV_GZ: list[tuple[str, bytes, str, str]] = [
    ("gzip by its name alone", csv_bytes(), "CSD006", "is not gzip"),
    ("gzip cut short", gzip.compress(csv_bytes(), mtime=0)[:-30], "CSD006", "cut short"),
    (
        "gzip with a byte changed",
        b"".join((gzip.compress(csv_bytes(), mtime=0)[:60], b"\xff\xff\xff", b"x" * 80)),
        "CSD006",
        "",
    ),
]


def _parquet(path_bytes: bytes) -> list[tuple[str, bytes, str, str]]:
    size, footer = len(path_bytes), int.from_bytes(path_bytes[-8:-4], "little")
    cuts = [(f"cut to {100 * part // 8} percent", path_bytes[: size * part // 8], "CSD006", "") for part in range(8)]
    return [
        *cuts,
        ("the last byte missing", path_bytes[:-1], "CSD006", "cut short"),
        ("a length of the footer that is a lie", path_bytes[:-8] + b"\xff\xff\xff\x7fPAR1", "CSD006", ""),
        ("a length of the footer that is 0", path_bytes[:-8] + b"\x00\x00\x00\x00PAR1", "CSD006", ""),
        ("a footer of zeros", path_bytes[: -8 - footer] + b"\x00" * footer + path_bytes[-8:], "CSD006", ""),
        ("pages of zeros", path_bytes[:4] + b"\x00" * 200 + path_bytes[204:], "CSD006", ""),
        ("CSV by the name of Parquet", csv_bytes(), "CSD006", "no Parquet"),
        ("text", b"whispered to Zweifelstein", "CSD006", ""),
    ]


def file_cases() -> Iterator[Case]:
    """Files that cannot be read, each as the table of usage."""
    for name, cases in (("usage.csv", CSV), ("usage.csv.gz", CSV_GZ), ("usage.parquet", _parquet(parquet_bytes()))):
        for what, content, code, words in cases:
            yield Case("files", what, name, code, _open(name, content), f"{code}.*{words}")
    for seed in range(FLIPS):
        yield Case(
            "files",
            "a bit changed",
            "usage.parquet",
            "CSD006",
            _open("usage.parquet", _flipped(seed)),
            "CSD|kept",
            "refused or read",
            _plausible,
        )


def _flipped(seed: int) -> bytes:
    chance, content = random.Random(seed), bytearray(parquet_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(content)


def _open(name: str, content: bytes) -> Callable[[Path], Any]:
    def run(folder: Path) -> CustomerData:
        path = folder / name
        path.write_bytes(content)
        try:
            return CustomerData({"usage": path}, threads=1)
        finally:
            path.unlink()

    return run


def _plausible(data: CustomerData, _: Any) -> bool:
    """After a flipped bit a file without checksums may hold other values, which nobody can tell; never other rows."""
    expected, _ = baseline("usage")
    return len(data.frame("usage")) + len(data.rejected["row"].unique()) == ROWS and len(expected) > HIT
