"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from csrisk._machine import hold, require_regular, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["atomic_path", "write_atomically"]

_LONGEST = 100  # bytes of a name that a part repeats; some file systems take 143 in all
_LINKS = 40  # as many as Linux follows


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it is flushed to disk and takes the place of `path` in one step.

    A link stays a link, and what it leads to is written. The mode of the file that stood there is kept, and its owner
    and group as far as the rights of the process allow. Parts that a killed process left beside it are removed first.
    """
    target = _followed(Path(path))
    before = _standing(target)
    _sweep(target)
    # a new file has what umask leaves of 0666; a part that takes a place is private until it has the mode of it
    part, held = _part(target, 0o666 if before is None else 0o600)
    try:
        yield part
        # before it takes the place: after a crash the name must not lead to an empty file
        _flush(part)
        if before is not None:
            _keep(part, before)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
        os.close(held)
    with suppress(OSError):  # not every file system lets a folder be flushed
        _flush(target.parent)


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write bytes so that a reader sees the old file or the new one, never a part."""
    with atomic_path(path) as part:
        part.write_bytes(content)


def _followed(path: Path) -> Path:
    """Follow links; in a folder where everybody may write, only one's own, as the kernel does when it opens a file."""
    for _ in range(_LINKS):
        if not path.is_symlink():
            return path
        link, folder = path.lstat(), path.parent.stat()
        shared = folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH
        if shared and link.st_uid not in (os.geteuid(), folder.st_uid):
            raise PermissionError(errno.EACCES, "a link of somebody else in a shared folder is not followed", str(path))
        path = path.parent / os.readlink(path)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def _standing(target: Path) -> os.stat_result | None:
    """Give the state of the file that stands there; a folder or a device is never replaced by a file."""
    try:
        return require_regular(target)
    except FileNotFoundError:
        return None


def _stem(target: Path) -> str:
    """Give what the names of parts of a target begin with; what is too long is told by its hash."""
    name = os.fsencode(target.name)
    return target.name if len(name) <= _LONGEST else f"csrisk-{hashlib.sha256(name).hexdigest()[:32]}"


def _sweep(target: Path) -> None:
    own = re.compile(re.escape(f".{_stem(target)}.") + r"[0-9a-f]{12}\.part")
    with suppress(OSError):
        for left in os.listdir(target.parent):
            if own.fullmatch(left):
                sweep(target.with_name(left))


def _part(target: Path, mode: int) -> tuple[Path, int]:
    """Make a part of its own, held; another process that sweeps may take it in the moment before, so try again."""
    while True:
        part = target.with_name(f".{_stem(target)}.{secrets.token_hex(6)}.part")
        try:
            # exclusive: no file of that name is written into, and no link is followed
            os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        except OSError as error:
            # nobody knows the part, so the error names the target
            raise type(error)(error.errno, error.strerror, str(target)) from None
        held = hold(part)
        if held is not None:
            return part, held


def _keep(part: Path, before: os.stat_result) -> None:
    """Give a part the owner and the mode of the file whose place it takes."""
    now = part.stat()
    if hasattr(os, "chown") and (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        # the group first: who gave a file away cannot change it any more
        for owner, group in ((-1, before.st_gid), (before.st_uid, -1)):
            with suppress(OSError):  # only root may give files away
                os.chown(part, owner, group)
    os.chmod(part, before.st_mode & 0o777)  # set-id bits go, as they do when a file is written in place


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
