"""Which files a table is: one path, a folder of parts, a pattern, or a list of them."""

from __future__ import annotations

import difflib
import glob
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard
from urllib.parse import unquote

from csrisk._machine import kind_of
from csrisk._text import scheme, shown
from csrisk.data._declared._kinds import TABLE_ENDINGS, UnreadableError, endings, file_kind

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Part", "Parts", "find_parts", "is_path", "near_name", "size_of", "skipped"]

# what Hive calls the folder of a missing value
_NOWHERE = "__HIVE_DEFAULT_PARTITION__"
_STORES = ["s3", "s3a", "s3n", "gs", "gcs", "az", "abfs", "abfss", "wasb", "wasbs", "adl", "hdfs", "dbfs", "oss", "r2"]


@dataclass(frozen=True)
class Part:
    """One file of a table."""

    path: Path
    kind: str
    values: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Parts:
    """The files of a table, in the order in which their rows count."""

    files: tuple[Part, ...]
    unused: tuple[str, ...] = ()

    @property
    def parquet(self) -> bool:
        """Whether the files are Parquet, and not CSV."""
        return self.files[0].kind == "parquet"

    def where(self, place: int) -> str:
        """Name a part for a message; nothing where there is one alone."""
        name = shown(self.files[place].path.name, "a file")
        return f"part {place + 1} of {len(self.files)} ({name}): " if len(self.files) > 1 else ""


def is_path(brought: object) -> TypeGuard[str | os.PathLike[str] | Sequence[str | os.PathLike[str]]]:
    """Whether a table was brought as a path, a pattern, or a list of them."""
    if isinstance(brought, str | os.PathLike):
        return True
    return isinstance(brought, list | tuple) and all(isinstance(one, str | os.PathLike) for one in brought)


def find_parts(brought: Any) -> Parts:
    """Find the files of a table."""
    many = isinstance(brought, list | tuple)
    found: list[tuple[Path, Path]] = []
    unused: list[str] = []
    for place, one in enumerate(brought if many else [brought]):
        try:
            _collect(os.fspath(one), found, unused)
        except UnreadableError as error:
            raise UnreadableError(f"path {place + 1} of {len(brought)}: {error}" if many else str(error)) from error
    if not found:
        raise UnreadableError("the list of paths is empty")
    if len({path.resolve() for path, _ in found}) < len(found):
        raise UnreadableError("a file is listed twice; its rows would count twice")
    parts = []
    for place, (path, root) in enumerate(found):
        try:
            parts.append(Part(path, file_kind(path), _values(path, root)))
        except (UnreadableError, OSError) as error:
            raise UnreadableError(Parts(tuple(Part(p, "") for p, _ in found)).where(place) + _why(error)) from error
    if len({part.kind == "parquet" for part in parts}) > 1:
        raise UnreadableError("some of its parts are CSV and some Parquet; keep one kind")
    return Parts(tuple(parts), tuple(unused))


def skipped(name: str) -> bool:
    """Whether a name is hidden, or a mark such as ``_SUCCESS`` of Spark."""
    return name.startswith((".", "_"))


def near_name(path: Path) -> str:
    """Hint at a neighbour with nearly this name."""
    try:
        names = [name for name in os.listdir(path.parent) if not skipped(name)]
    except OSError:
        return "; its folder is not there either" if not path.parent.exists() else ""
    near = difflib.get_close_matches(path.name.casefold(), [name.casefold() for name in names], n=1)
    meant = next((name for name in names if near and name.casefold() == near[0]), "")
    return f"; did you mean {shown(meant, 'its neighbour')}?" if meant else ""


def size_of(brought: Any) -> int:
    """Bytes of the files that paths lead to; 0 where nothing can be read."""
    total = 0
    for one in brought if isinstance(brought, list | tuple) else [brought]:
        try:
            text = os.fspath(one)
            hits = [text] if os.path.exists(text) else glob.glob(text, recursive=True)
            total += sum(_size(Path(hit)) for hit in hits)
        except (OSError, ValueError):
            continue
    return total


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(os.stat(os.path.join(top, name)).st_size for top, _, names in os.walk(path) for name in names)
    return path.stat().st_size


def _collect(text: str, found: list[tuple[Path, Path]], unused: list[str]) -> None:
    """Add the files of one path, each with the folder below which its name tells partitions."""
    path = Path(text)
    try:
        # before any pattern, as the name of a file may hold the signs of one
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        _collect_pattern(text, found, unused)
        return
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{shown(text, 'the path')}: {_why(error)}") from error
    kind = kind_of(mode)
    if kind == "a folder":
        found += [(file, path) for file in _walk(path, unused)]
    # reading a pipe or a device would wait for ever
    elif kind:
        raise UnreadableError(f"{shown(text, 'the path')}: it is {kind}, not a regular file")
    else:
        found.append((path, path.parent))


def _collect_pattern(text: str, found: list[tuple[Path, Path]], unused: list[str]) -> None:
    if address := scheme(text):
        raise UnreadableError(_no_address(address))
    if not glob.has_magic(text):
        raise UnreadableError(f"{shown(text, 'the path')} does not exist{near_name(Path(text))}")
    # sorted, as rows count in the order of files, and the file system has none
    hits = [Path(hit) for hit in sorted(glob.glob(text, recursive=True)) if not skipped(Path(hit).name)]
    if not hits:
        raise UnreadableError("no file fits the pattern")
    root = Path(text[: next(i for i, sign in enumerate(text) if sign in "*?[")]).parent
    for hit in hits:
        found += [(file, root) for file in (_walk(hit, unused) if hit.is_dir() else [hit])]


def _no_address(address: str) -> str:
    how = "copy the files to a folder, or hand over a frame or DuckDB relation that reads them"
    if address in ("http", "https", "ftp", "ftps", "sftp"):
        return f"it is an address ({address}://), and nothing is fetched from the network; download it"
    if address in _STORES:
        return f"it is an address in a store of objects ({address}://), which is not read; {how}"
    if address == "file":
        return "it is an address (file://); write the path alone"
    return f"it is an address, not a path; {how}"


def _walk(folder: Path, unused: list[str]) -> list[Path]:
    """Files of a folder and the folders in it, in the order of their names; hidden ones and marks are left out."""
    files = []

    def refuse(error: OSError) -> None:
        raise UnreadableError(f"the folder cannot be read: {_why(error)}") from error

    # links are not followed: they may lead in a circle
    for top, folders, names in os.walk(folder, onerror=refuse, followlinks=False):
        # in place, as os.walk goes on with this very list
        folders[:] = sorted(name for name in folders if not skipped(name))
        for name in sorted(names):
            # Hadoop writes a checksum beside each part
            if skipped(name) or name.lower().endswith(".crc"):
                continue
            if endings(name) in TABLE_ENDINGS:
                files.append(Path(top, name))
            else:
                unused.append(name)
    if not files:
        raise UnreadableError(f"the folder {shown(folder, 'of parts')} holds no file .parquet or .csv")
    return files


def _values(path: Path, root: Path) -> dict[str, str | None]:
    pairs = (name.partition("=") for name in path.parent.relative_to(root).parts)
    return {unquote(key): None if value == _NOWHERE else unquote(value) for key, sign, value in pairs if sign and key}


def _why(error: BaseException) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error) if isinstance(error, UnreadableError) else "it is no path"
