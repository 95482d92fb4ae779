"""The container of a model file: a zip of JSON, text and plain arrays, each with its hash; no pickle, no code."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from csrisk._atomic import write_atomically
from csrisk._machine import open_regular
from csrisk._pipeline._model_files._schemas import SCHEMA, Origin
from csrisk._pipeline._model_files._strict_json import MAX_TEXT, read_object
from csrisk._pipeline._model_files._zip_members import ZipError, ZipMember, list_members, unpack_member
from csrisk.exceptions import CsriskError, ModelFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "SCHEMA",
    "Archive",
    "array_from_bytes",
    "array_to_bytes",
    "open_archive",
    "read_archive",
    "refusing",
    "write_archive",
]

FORMAT = "csrisk model"

# what SECURITY.md says of memory and time follows from these
MAX_FILE = 128 * 2**20
MAX_MEMBER = 64 * 2**20
MAX_TOTAL = 192 * 2**20
MAX_MEMBERS = 500
MAX_TREES = 100_000
# every name that a model can have; a member of another one is refused before it is unpacked
_NAMES = re.compile(r"[a-z]+\.json|arrays/[a-z_]+\.npy|trees/[0-9]{3}\.txt")
_MANIFEST = "manifest.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold; the same content gives the same bytes


class Archive(NamedTuple):
    """What a model file holds, and who wrote it."""

    members: dict[str, bytes]
    origin: Origin


def write_archive(path: Path, members: Mapping[str, bytes]) -> str:
    """Write members and their hashes, whole or not at all."""
    # the same bounds as in reading: a model that could not be read back is not written
    _check_sizes({name: len(content) for name, content in members.items()}, path.name)
    _check_trees(members, path.name)
    # in the order of names, so that the same members give the same bytes
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(members.items())}
    manifest = {"format": FORMAT, **Origin.here().to_dict(), "members": hashes}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [(_MANIFEST, json.dumps(manifest, indent=1).encode()), *sorted(members.items())]:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            # Unix, whatever wrote it: the same model has the same bytes on every system
            entry.create_system = 3
            # rw-r--r--: a ZipInfo that is told no mode unpacks to files that nobody may read
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    # the size is checked while nothing stands on disk yet
    content = buffer.getvalue()
    _check_file(len(content), path.name)
    write_atomically(path, content)
    return hashlib.sha256(content).hexdigest()


def read_archive(path: Path, expected_sha256: str | None = None) -> dict[str, bytes]:
    """Read all members, as `open_archive` does."""
    return open_archive(path, expected_sha256).members


def open_archive(path: Path, expected_sha256: str | None = None) -> Archive:
    """Read all members, each checked against its hash; sizes and names are checked before anything is unpacked."""
    content = _read_file(path)
    # before a byte is interpreted: a file that is not the expected one reaches no parser
    found = hashlib.sha256(content).hexdigest()
    if expected_sha256 is not None and found != expected_sha256.lower():
        raise ModelFileError(f"model file {path.name!r}: sha256 is {found}, expected {expected_sha256}; do not use it")
    try:
        entries = {entry.name: entry for entry in _entries(content, path.name)}
        first = entries.pop(_MANIFEST, None)
        # a manifest that is missing or too large reads as an empty one, which is refused below
        told = b"" if first is None or first.size > MAX_TEXT else unpack_member(content, first)
        # schema first: of a file of a later release it is said that it is one, whatever members it has
        origin, hashes = _read_manifest(told, path.name)
        _check_names(entries, path.name)
        _check_sizes({name: entry.size for name, entry in entries.items()}, path.name)
        members = {name: unpack_member(content, entry) for name, entry in entries.items()}
    except ZipError as error:
        raise _damaged(path.name, str(error)) from error
    # one hash for each member and the other way round: nothing is lost or added unseen
    if set(hashes) != set(members):
        raise _damaged(path.name, "its manifest lists other members than it holds")
    for name, member in members.items():
        if hashlib.sha256(member).hexdigest() != hashes[name]:
            raise _damaged(path.name, f"member {name!r} does not match its hash")
    _check_trees(members, path.name)
    return Archive(members, origin)


def _read_file(path: Path) -> bytes:
    """Read a regular file; a pipe or a device is never waited for, and never read to an end that it does not have."""
    try:
        with open_regular(path) as file:
            _check_file(os.fstat(file.fileno()).st_size, path.name)
            content = file.read(MAX_FILE + 1)  # one byte more, as the file may have grown since
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ModelFileError(f"model file {path.name!r} cannot be read: {reason}") from error
    _check_file(len(content), path.name)
    return content


def _check_file(size: int, name: str) -> None:
    if size > MAX_FILE:
        raise ModelFileError(f"model file {name!r}: {size} bytes, more than the {MAX_FILE} allowed")


def _entries(content: bytes, name: str) -> list[ZipMember]:
    entries = list_members(content, MAX_MEMBERS)
    different = len({entry.name for entry in entries})
    if different != len(entries):
        raise _damaged(name, f"{len(entries)} members, {different} different; at most {MAX_MEMBERS}, none twice")
    return entries


def _check_names(names: Iterable[str], name: str) -> None:
    there = list(names)
    foreign = sum(not _NAMES.fullmatch(member) for member in there)
    if foreign:
        raise _damaged(name, f"{foreign} of {len(there) + 1} members have names that no csrisk model has")


def _check_sizes(sizes: Mapping[str, int], name: str) -> None:
    if any(size > MAX_TEXT for member, size in sizes.items() if member.endswith(".json")):
        raise _damaged(name, f"its JSON is larger than {MAX_TEXT} bytes")
    if max(sizes.values(), default=0) > MAX_MEMBER or sum(sizes.values()) > MAX_TOTAL:
        raise _damaged(name, f"it unpacks to {sum(sizes.values())} bytes, more than allowed")


def _check_trees(members: Mapping[str, bytes], name: str) -> None:
    # counted in the bytes: parting the text is what costs the memory that the bound protects
    trees = sum(content.count(b"\nTree=") for member, content in members.items() if member.endswith(".txt"))
    if trees > MAX_TREES:
        raise _damaged(name, f"{trees} trees, more than the {MAX_TREES} allowed")


def _read_manifest(content: bytes, name: str) -> tuple[Origin, dict[str, str]]:
    try:
        manifest = read_object(content)
        kind, hashes = manifest["format"], manifest["members"]
    except (ValueError, KeyError) as error:
        raise _damaged(name, "its manifest is missing or unreadable") from error
    if kind != FORMAT:
        raise _damaged(name, "its manifest is not that of a csrisk model")
    with refusing(name):
        origin = Origin.of(manifest)
    # no key may be left that nothing reads
    if not isinstance(hashes, dict) or set(manifest) != {"format", "members", *origin.to_dict()}:
        raise _damaged(name, "its manifest is not that of a csrisk model")
    return origin, hashes


@contextmanager
def refusing(name: str, origin: Origin | None = None) -> Iterator[None]:
    """Turn whatever fails inside into the refusal of a model file."""
    try:
        yield
    except ModelFileError as error:
        reason = str(error).removeprefix("model file: ")
        raise ModelFileError(f"model file {name!r}: {reason}{_told(origin)}") from error
    # values that obey every grammar can still contradict each other in many ways
    except Exception as error:
        # the words of other libraries may repeat what the file holds
        reason = str(error) if isinstance(error, CsriskError) else type(error).__name__
        raise _damaged(name, f"its parts do not fit together ({reason})", _told(origin)) from error


def _told(origin: Origin | None) -> str:
    return "" if origin is None else f"; {origin}"


def _damaged(name: str, reason: str, told: str = "") -> ModelFileError:
    return ModelFileError(f"model file {name!r} is damaged or foreign: {reason}; train again or fetch it anew{told}")


def array_to_bytes(array: NDArray[Any]) -> bytes:
    """Write an array of numbers in NumPy's own format."""
    buffer = io.BytesIO()
    # C order, as reading refuses that of Fortran: one form for one array
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def array_from_bytes(content: bytes, name: str) -> NDArray[np.float64]:
    """Read an array of float64; the header is checked against the size before memory is taken."""
    buffer = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(buffer)
        if version != (1, 0):  # what NumPy writes for headers below 64 KiB
            raise ValueError("version")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(buffer)
    except Exception as error:  # a header is Python literals, and damaged ones fail in many ways
        raise ModelFileError(f"model file: {name}: an array has no readable header") from error
    values = content[buffer.tell() :]
    # in integers of Python: a shape that lies would wrap around in int64
    count = int(np.prod(shape, dtype=object)) if all(size >= 0 for size in shape) else -1
    if dtype != np.dtype("<f8") or fortran or len(values) != 8 * count:
        raise ModelFileError(f"model file: {name}: an array is not float64 of the size that it states")
    return np.frombuffer(values, dtype=np.float64).reshape(shape).copy()  # frombuffer alone cannot be written to
