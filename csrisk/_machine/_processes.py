"""What a forked process must know of its parent: whose threads are gone there."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from typing import Any

__all__ = ["is_forked", "keep_for_ever", "lost_threads"]

_forked = False
_lost: frozenset[str] = frozenset()


def _before_fork() -> None:
    global _lost
    # Polars alone is asked for; without /proc (macOS, where fork is no default) nothing is known
    if "polars" in sys.modules:
        with suppress(OSError):
            _lost |= {_name_of(task) for task in os.listdir("/proc/self/task")}


def _name_of(task: str) -> str:
    with suppress(OSError), open(f"/proc/self/task/{task}/comm", encoding="utf-8", errors="replace") as file:
        return file.read().strip()
    return ""


def _in_child() -> None:
    global _forked  # a process is forked for good
    _forked = True


def _in_parent() -> None:
    global _lost
    if not _forked:
        _lost = frozenset()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_before_fork, after_in_child=_in_child, after_in_parent=_in_parent)


def is_forked() -> bool:
    """Tell whether this process is a fork of one in which csrisk was loaded."""
    return _forked


def lost_threads(prefix: str) -> bool:
    """Tell whether threads whose names begin so were at work at a fork, and are missed in this process."""
    return _forked and any(name.startswith(prefix) for name in _lost)


def keep_for_ever(owned: Any) -> None:
    """Never let go of an object whose end would wait for threads of the parent, not even when Python ends."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(owned))
