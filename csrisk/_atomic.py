"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from csrisk._leftovers import hold, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["atomic_path", "write_atomically"]


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it is flushed to disk and takes the place of `path` in one step.

    Parts that a killed process left beside `path` are removed first.

    Parameters
    ----------
    path : str or Path
        Where the file shall stand.

    Yields
    ------
    Path
        Write here.

    Raises
    ------
    OSError
        If the folder is missing or not writable, or the disk is full; `path` is as it was.
    """
    target = Path(path)
    for left in target.parent.glob(f".{escape(target.name)}.*.part"):
        sweep(left)
    part, held = _part(target)
    try:
        yield part
        _flush(part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
        os.close(held)
    with suppress(OSError):  # not every file system lets a folder be flushed
        _flush(target.parent)


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write bytes so that a reader sees the old file or the new one, never a part.

    Parameters
    ----------
    path : str or Path
        Where the file shall stand.
    content : bytes
        All of it.

    Raises
    ------
    OSError
        If the file cannot be written; what stood there is as it was.
    """
    with atomic_path(path) as part:
        part.write_bytes(content)


def _part(target: Path) -> tuple[Path, int]:
    """Make a part of its own, held; another process that sweeps may take it in the moment before, so try again."""
    while True:
        part = target.with_name(f".{target.name}.{secrets.token_hex(6)}.part")
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        held = hold(part)
        if held is not None:
            return part, held


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
