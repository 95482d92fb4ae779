"""The container of a model file: a zip of JSON, text and plain arrays, each with its hash; no pickle, no code."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from csrisk._atomic import write_atomically
from csrisk.exceptions import CsriskError, ModelFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "SCHEMA",
    "array_from_bytes",
    "array_to_bytes",
    "read_archive",
    "read_object",
    "refusing",
    "write_archive",
]

FORMAT = "csrisk model"
SCHEMA = 1

MAX_FILE = 512 * 2**20
MAX_MEMBER = 256 * 2**20
MAX_TOTAL = 1024 * 2**20
MAX_TEXT = 32 * 2**20  # a JSON value takes ten times its text
MAX_MEMBERS = 500
_NAMES = re.compile(r"[a-z]+\.json|arrays/[a-z_]+\.npy|trees/[0-9]{3}\.txt")
_MANIFEST = "manifest.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold; the same content gives the same bytes


def write_archive(path: Path, members: Mapping[str, bytes]) -> str:
    """Write members and their hashes, whole or not at all.

    Parameters
    ----------
    path : Path
        Where the file shall stand.
    members : mapping of str to bytes
        Content by name.

    Returns
    -------
    str
        sha256 of the file.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(members.items())}
    manifest = {"format": FORMAT, "schema": SCHEMA, "members": hashes}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [(_MANIFEST, json.dumps(manifest, indent=1).encode()), *sorted(members.items())]:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    content = buffer.getvalue()
    write_atomically(path, content)
    return hashlib.sha256(content).hexdigest()


def read_archive(path: Path, expected_sha256: str | None = None) -> dict[str, bytes]:
    """Read all members, each checked against its hash; sizes and names are checked before anything is unpacked.

    Parameters
    ----------
    path : Path
        The file.
    expected_sha256 : str, optional
        Hash of the whole file, as somebody trustworthy told it.

    Returns
    -------
    dict of str to bytes
        Without the manifest.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, foreign, too large or too new.
    """
    content = _read_file(path)
    found = hashlib.sha256(content).hexdigest()
    if expected_sha256 is not None and found != expected_sha256.lower():
        raise ModelFileError(f"model file {path.name!r}: sha256 is {found}, expected {expected_sha256}; do not use it")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _check_entries(entries, path.name)
            members = {entry.filename: _unpack(archive, entry, path.name) for entry in entries}
    except ModelFileError:
        raise
    except Exception as error:  # zipfile and zlib raise half a dozen kinds on damaged bytes
        raise _damaged(path.name, f"not a readable zip ({type(error).__name__})") from error
    hashes = _read_manifest(members.pop(_MANIFEST, b""), path.name)
    if set(hashes) != set(members):
        raise _damaged(path.name, "its manifest lists other members than it holds")
    for name, member in members.items():
        if hashlib.sha256(member).hexdigest() != hashes[name]:
            raise _damaged(path.name, f"member {name!r} does not match its hash")
    return members


def _read_file(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE:
            raise ModelFileError(f"model file {path.name!r}: {size} bytes, more than the {MAX_FILE} allowed")
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"model file {path.name!r} cannot be read: {error.strerror}") from error


def _check_entries(entries: list[zipfile.ZipInfo], name: str) -> None:
    names = [entry.filename for entry in entries]
    if len(names) > MAX_MEMBERS or len(set(names)) != len(names):
        raise _damaged(name, f"{len(names)} members, {len(set(names))} different; at most {MAX_MEMBERS}, none twice")
    foreign = sum(not _NAMES.fullmatch(member) for member in names)
    if foreign:
        raise _damaged(name, f"{foreign} of {len(names)} members have names that no csrisk model has")
    sizes = [entry.file_size for entry in entries]
    if any(entry.file_size > MAX_TEXT for entry in entries if entry.filename.endswith(".json")):
        raise _damaged(name, f"its JSON is larger than {MAX_TEXT} bytes")
    if max(sizes, default=0) > MAX_MEMBER or sum(sizes) > MAX_TOTAL:
        raise _damaged(name, f"it unpacks to {sum(sizes)} bytes, more than allowed")


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bytes:
    with archive.open(entry) as member:
        content = member.read(entry.file_size + 1)  # the size in the directory may be a lie
    if len(content) != entry.file_size:
        raise _damaged(name, f"member {entry.filename!r} has another size than it says")
    return content


def _read_manifest(content: bytes, name: str) -> dict[str, str]:
    try:
        manifest = read_object(content)
        kind, schema, hashes = manifest["format"], manifest["schema"], manifest["members"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(name, "its manifest is missing or unreadable") from error
    if kind != FORMAT or type(schema) is not int or schema < 1 or not isinstance(hashes, dict):
        raise _damaged(name, "its manifest is not that of a csrisk model")
    if schema > SCHEMA:
        raise ModelFileError(f"model file {name!r}: schema {schema} is newer than {SCHEMA}; update csrisk")
    return hashes


def read_object(content: bytes) -> dict[str, Any]:
    """Read a JSON object strictly: UTF-8, no key twice, no NaN and no infinity.

    Parameters
    ----------
    content : bytes
        The text.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If it is anything else.
    """
    value = json.loads(content.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_number)
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


@contextmanager
def refusing(name: str) -> Iterator[None]:
    """Turn whatever fails inside into the refusal of a model file.

    Parameters
    ----------
    name : str
        Name of the file.

    Raises
    ------
    ModelFileError
        If anything inside raises; values that obey every grammar can still contradict each other in many ways.
    """
    try:
        yield
    except ModelFileError:
        raise
    except Exception as error:
        reason = str(error) if isinstance(error, CsriskError) else type(error).__name__
        raise _damaged(name, f"its parts do not fit together ({reason})") from error


def _damaged(name: str, reason: str) -> ModelFileError:
    return ModelFileError(f"model file {name!r} is damaged or foreign: {reason}; train again or fetch it anew")


def array_to_bytes(array: NDArray[Any]) -> bytes:
    """Write an array of numbers in NumPy's own format.

    Parameters
    ----------
    array : ndarray
        Of a plain dtype.

    Returns
    -------
    bytes
    """
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def array_from_bytes(content: bytes, name: str) -> NDArray[np.float64]:
    """Read an array of float64; the header is checked against the size before memory is taken.

    Parameters
    ----------
    content : bytes
        What `array_to_bytes` gave.
    name : str
        For the message.

    Returns
    -------
    ndarray of float64

    Raises
    ------
    ModelFileError
        If the content is anything but float64 numbers of the size stated.
    """
    buffer = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(buffer)
        if version != (1, 0):
            raise ValueError("version")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(buffer)
    except Exception as error:  # a header is Python literals, and damaged ones fail in many ways
        raise _damaged(name, "an array has no readable header") from error
    values = content[buffer.tell() :]
    count = int(np.prod(shape, dtype=object)) if all(size >= 0 for size in shape) else -1
    if dtype != np.dtype("<f8") or fortran or len(values) != 8 * count:
        raise _damaged(name, "an array is not float64 of the size that it states")
    return np.frombuffer(values, dtype=np.float64).reshape(shape).copy()
