"""Regular files: whatever waits for ever, or has no end, is refused before it is opened."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO

__all__ = ["kind_of", "open_regular", "require_regular"]

_KINDS = (
    (stat.S_ISREG, ""),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def kind_of(mode: int) -> str:
    """Name what a path leads to by its mode; empty for a regular file.

    Examples
    --------
    >>> import os
    >>> kind_of(os.stat(os.devnull).st_mode)
    'a device'
    """
    return next((name for is_, name in _KINDS if is_(mode)), "no file")


def require_regular(path: str | os.PathLike[str]) -> os.stat_result:
    """Give the state of a regular file, links followed."""
    found = os.stat(path)
    _refuse(found.st_mode, path)
    return found


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file to read its bytes; never waits, also where the path changes in between."""
    require_regular(path)  # opening alone can move a tape or wake a reader
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        _refuse(os.fstat(handle).st_mode, path)
    except OSError:
        os.close(handle)
        raise
    return open(handle, "rb")  # the caller closes it


def _refuse(mode: int, path: str | os.PathLike[str]) -> None:
    kind = kind_of(mode)
    if kind:
        raise OSError(errno.EINVAL, f"it is {kind}, not a regular file", os.fspath(path))
