"""The zip of a model file in one plain form: every trick that other readers follow is refused before unpacking."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from csrisk._pipeline._archive import MAX_FILE, read_archive, write_archive
from csrisk._pipeline._model_files._strict_json import MAX_TEXT, MAX_VALUES, difference, read_object
from csrisk._pipeline._model_files._zip_members import ZipError, list_members, unpack_member
from csrisk.exceptions import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Callable

MEMBERS = {"model.json": b"{}", "trees/000.txt": b"tree" * 50, "arrays/reference.npy": bytes(300)}
ENTRY, LOCAL = 46, 30


def zipped(method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in MEMBERS.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_plain_form_is_read_as_the_library_reads_it(method: int) -> None:
    whole = zipped(method)
    assert {entry.name: unpack_member(whole, entry) for entry in list_members(whole, 3)} == MEMBERS


def put(content: bytes, place: int, kind: str, value: int) -> bytes:
    size = struct.calcsize(kind)
    return content[:place] + struct.pack(kind, value) + content[place + size :]


def change(first: str, kind: str, value: int, offset: int, *, local: bool = True) -> Callable[[bytes], bytes]:
    """Change a field of the first entry of the directory, and of the words before its member."""

    def changed(whole: bytes) -> bytes:
        place = whole.index(b"PK\1\2")
        whole = put(whole, place + offset, kind, value)
        return put(whole, offset - 2, kind, value) if local else whole

    return changed


def with_many(whole: bytes) -> bytes:
    place = whole.index(b"PK\1\2")
    entry = whole[place : whole.index(b"PK\1\2", place + 4)]
    directory = entry * 60_000
    return (
        whole[:place] + directory + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 60_000, 60_000, len(directory), place, 0)
    )


def with_zip64(whole: bytes) -> bytes:
    end = len(whole) - 22
    whole = put(put(whole, end + 8, "<H", 0xFFFF), end + 10, "<H", 0xFFFF)
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 3, 3, 1, 1)
    return whole[:end] + record + struct.pack("<4sLQL", b"PK\6\7", 0, end, 1) + whole[end:]


def overlapping(whole: bytes) -> bytes:
    """The second entry points at the first member, as a quoted bomb does."""
    place = whole.index(b"PK\1\2", whole.index(b"PK\1\2") + 4)
    return put(whole, place + 42, "<L", 0)


def streamed(_: bytes) -> bytes:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.content = b""

        def writable(self) -> bool:
            return True

        def write(self, content: bytes) -> int:  # type: ignore[override]
            self.content += bytes(content)
            return len(content)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        archive.writestr("model.json", b"{}")
    return pipe.content


def with_method(method: int) -> Callable[[bytes], bytes]:
    def packed(_: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            archive.writestr("model.json", bytes(2**20))
        return buffer.getvalue()

    return packed


TRICKS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "bzip2": (with_method(zipfile.ZIP_BZIP2), "packed by method 12; only stored"),
    "lzma": (with_method(zipfile.ZIP_LZMA), "packed by method 14; only stored"),
    "deflate64": (change("method", "<H", 9, 10), "packed by method 9; only stored"),
    "zstandard": (change("method", "<H", 93, 10), "packed by method 93; only stored"),
    "another method before the member": (lambda w: put(w, 8, "<H", 14), "says other things than its entry"),
    "encrypted": (change("flags", "<H", 1, 8), "the flags 0x0001"),
    "strongly encrypted": (change("flags", "<H", 0x41, 8), "the flags 0x0041"),
    "streamed with descriptors": (streamed, "the flags 0x0008"),
    "encrypted before the member alone": (lambda w: put(w, 6, "<H", 1), "says other things than its entry"),
    "sixty thousand entries": (with_many, "60000 members; at most 5"),
    "zip64": (with_zip64, "members; at most|its directory lies elsewhere|does not end as one"),
    "overlapping members": (overlapping, "members overlap or leave gaps"),
    "a larger size": (change("size", "<L", 2**31, 24), "another size"),
    "a smaller size": (change("size", "<L", 1, 24), "another size"),
    "a size that the member does not tell": (change("s", "<L", 9, 24, local=False), "says other things"),
    "another checksum": (change("crc", "<L", 1, 16), "another size or checksum"),
    "a longer packed size": (change("packed", "<L", 10**6, 20), "overlap or leave gaps"),
    "a member elsewhere": (lambda w: put(w, w.index(b"PK\1\2") + 42, "<L", 7), "overlap or leave gaps"),
    "words before": (lambda w: b"#!/bin/sh\n" + w, "directory lies elsewhere"),
    "words after": (lambda w: w + b"more", "does not end as one"),
    "a comment": (lambda w: w[:-2] + b"\x05\x00hello", "does not end as one"),
    "two disks": (lambda w: put(w, len(w) - 18, "<H", 1), "does not end as one"),
    "fewer entries than members": (lambda w: put(put(w, len(w) - 14, "<H", 2), len(w) - 12, "<H", 2), "belong to no"),
    "more entries than there are": (
        lambda w: put(put(w, len(w) - 14, "<H", 5), len(w) - 12, "<H", 5),
        "is cut",
    ),
    "extra words": (change("extra", "<H", 4, 30, local=False), "parts that no csrisk model has"),
    "another name before the member": (lambda w: w[:LOCAL] + b"X" + w[LOCAL + 1 :], "says other things"),
    "cut": (lambda w: w[:-1], "does not end as one"),
    "nothing": (lambda _: b"", "too short"),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_tricks_are_refused_before_unpacking(trick: str) -> None:
    make, message = TRICKS[trick]
    whole = make(zipped())
    with pytest.raises(ZipError, match=message):
        _ = [unpack_member(whole, entry) for entry in list_members(whole, 5)]


def test_one_entry_less_or_more_than_allowed() -> None:
    whole = zipped()
    assert len(list_members(whole, 3)) == 3
    with pytest.raises(ZipError, match="3 members; at most 2"):
        list_members(whole, 2)


def test_a_stream_ends_where_its_member_does() -> None:
    """A deflated stream that ends early and is followed by anything else is not what was written."""
    packed = zlib.compress(b"tree" * 50)[2:-4]
    whole = zipped()
    entry = list_members(whole, 3)[1]
    assert whole[entry.start : entry.start + entry.packed] == packed
    for other in (packed + b"\x00", packed[:-1]):
        forged = entry._replace(start=0, packed=len(other))
        with pytest.raises(ZipError, match=r"another size|cannot be unpacked"):
            unpack_member(other, forged)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[" * 100_000, "nested too deeply|Expecting"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (b'{"a": [' + b"[],[]," * (MAX_VALUES // 2) + b"1]}", "values"),
        (b'{"a": "' + b"x" * MAX_TEXT + b'"}', "bytes"),
        (b'{"a": 1, "a": 2}', "a key occurs twice"),
        (b'{"a": ' + b"9" * 19 + b"}", "more than 18 digits"),
        (b'{"a": -' + b"9" * 5000 + b"}", "more than 18 digits"),
        (b'{"a": 1e999}', "not finite"),
        (b'{"a": NaN}', "no number of JSON"),
        (b'{"a": -Infinity}', "no number of JSON"),
        (b'{"a": "\\ud800"}', "surrogates"),
        (b'{"\\udfff": 1}', "surrogates"),
        (b'{"a": "\xff"}', "decode"),
        (b"[1]", "no object"),
        (b"", "Expecting value"),
    ],
)
def test_json_is_bounded_and_plain(text: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_object(text)


def test_the_largest_json_is_still_read() -> None:
    values = MAX_VALUES - 2
    assert len(read_object(b'{"a": [' + b"1," * values + b"1]}")["a"]) == values + 1
    assert read_object(b'{"a": ' + b"9" * 18 + b"}") == {"a": 10**18 - 1}


def test_differences_are_named() -> None:
    told = {"a": {"b": [1, {"c": "x"}]}}
    assert difference(told, {"a": {"b": [1.0, {"c": "x"}]}}) is None
    assert difference(told, {"a": {"b": [1, {"c": "y"}]}}) == "'a.b[1].c' is not what was read of it"
    assert difference(told, {"a": {"b": [True, {"c": "x"}]}}) == "'a.b[0]' is not what was read of it"
    assert difference(told, {"a": {}}) == "'a.b' is not known"
    assert difference({}, told) == "'a' is missing"
    assert difference([1, 2], [1]) == "'' is not what was read of it"


CHILD = """
import sys
from pathlib import Path
from csrisk._pipeline._archive import read_archive
from csrisk.exceptions import ModelFileError
for place in sys.argv[1:]:
    try:
        read_archive(Path(place))
    except ModelFileError as error:
        print(error)
"""


def test_only_regular_files_are_models(tmp_path: Path) -> None:
    """In a process with little memory and time: a device has no end, a pipe lets its reader wait."""
    import resource
    import socket

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("/dev/zero")
    held = socket.socket(socket.AF_UNIX)
    held.bind(str(tmp_path / "socket"))

    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (60, 61))

    places = [Path("/dev/zero"), *(tmp_path / name for name in ("pipe", "folder", "link", "socket"))]
    command = [sys.executable, "-c", CHILD, *map(str, places)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300, preexec_fn=limits, check=True)
    held.close()
    assert told.stdout.count("not a regular file") == len(places), told.stdout
    with pytest.raises(ModelFileError, match=r"cannot be read: .*null byte"):
        read_archive(Path("a\x00b"))


def test_a_model_that_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="its JSON is larger than"):
        write_archive(tmp_path / "m.csrisk", {"model.json": bytes(MAX_TEXT + 1)})
    with pytest.raises(ModelFileError, match=r"100001 trees, more than the 100000 allowed"):
        write_archive(tmp_path / "m.csrisk", {"trees/000.txt": b"\nTree=" * 100_001})
    assert not list(tmp_path.iterdir())


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    place = tmp_path / "m.csrisk"
    with place.open("wb") as file:
        file.truncate(MAX_FILE + 1)  # a file of holes takes no room on disk
    with pytest.raises(ModelFileError, match=f"{MAX_FILE + 1} bytes, more than the {MAX_FILE} allowed"):
        read_archive(place)
