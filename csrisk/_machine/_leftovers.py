"""Files and folders that are marked as in use, so that those of a killed process are told apart and swept.

The mark is a lock of the operating system (``flock``), which ends with its process however that ends; process ids are
given again, and mean another process in another container. Where there are no such locks, age decides.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

__all__ = ["hold", "scratch_folder", "sweep"]

_STALE_SECONDS = 3600.0  # no write of csrisk takes an hour
_LOCK = "in-use"
_FOLDER = re.compile(r"csrisk-run-[a-z0-9_]{8}")  # what mkdtemp makes up


def hold(path: Path) -> int | None:
    """Mark a new file as in use."""
    with suppress(FileNotFoundError):
        handle = os.open(path, os.O_RDWR)
        # a file system without locks must not keep anybody from writing
        if _locked(handle) is not False and path.exists():
            return handle
        os.close(handle)
    return None


def sweep(path: Path) -> None:
    """Remove a file if nobody holds it any more."""
    with suppress(OSError):
        if _abandoned(path):
            path.unlink()


def scratch_folder() -> tuple[Path, int]:
    """Make a scratch folder, and remove those that killed processes left behind."""
    _sweep_folders(tempfile.gettempdir(), os.getpid())
    # the folder gets its name when it is held already: under the other one nobody sweeps it within an hour
    made = Path(tempfile.mkdtemp(prefix="csrisk-new-"))
    lock = made / _LOCK
    lock.touch()
    handle = hold(lock)
    if handle is None:
        raise FileNotFoundError(f"scratch folder {made.name} went while it was made")
    folder = made.with_name(f"csrisk-run-{made.name.rpartition('-')[2]}")
    made.rename(folder)
    return folder, handle


@cache
def _sweep_folders(place: str, _: int) -> None:
    """Sweep once in each process."""
    for left in Path(place).glob("csrisk-run-*"):
        if _FOLDER.fullmatch(left.name):
            _sweep_folder(left)


def _sweep_folder(folder: Path) -> None:
    with suppress(OSError):
        found = folder.lstat()
        own = not hasattr(os, "getuid") or found.st_uid == os.getuid()
        # a link of this name leads to what is not ours
        if stat.S_ISDIR(found.st_mode) and own and _abandoned(folder / _LOCK):
            shutil.rmtree(folder, ignore_errors=True)


def _abandoned(path: Path) -> bool:
    # a link or a pipe of this name is not ours
    if not stat.S_ISREG(path.lstat().st_mode):
        return False
    handle = os.open(path, os.O_RDWR)
    try:
        locked = _locked(handle)
    finally:
        os.close(handle)
    return time.time() - path.stat().st_mtime > _STALE_SECONDS if locked is None else locked


def _locked(handle: int) -> bool | None:
    """Whether the lock is ours now; None where there are no locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
