"""One connection of the embedded engine for each thread at work, as one connection serves one thread at a time."""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import Any

from csrisk._machine import keep_for_ever
from csrisk.exceptions import ConfigError

__all__ = ["Seats", "require_own_process"]


class Seats:
    """Connections to one database. A thread keeps its own until it ends; then the next thread takes it over."""

    def __init__(self, first: Any) -> None:
        self._first = first
        self._every = [first]
        self._free: deque[Any] = deque()
        self._lock = threading.Lock()
        self._local = threading.local()
        # a queue that nobody reads: the connection with the loaded tables is handed to no other thread
        self._local.seat = _Seat(first, deque())
        self._owner = os.getpid()

    @property
    def mine(self) -> _Seat:
        """Seat of this thread."""
        require_own_process(self._owner)
        seat: _Seat | None = getattr(self._local, "seat", None)
        if seat is None:
            seat = self._local.seat = _Seat(self._take(), self._free)
        return seat

    def leave(self) -> None:
        """Give the first connection back to whoever reads what was loaded; this thread takes another one from now."""
        self._local.seat = None

    def _take(self) -> Any:
        with self._lock:
            if self._free:
                return self._free.popleft()
            # a cursor of DuckDB is a connection of its own to the same database
            made = self._first.cursor()
            self._every.append(made)
            return made

    def close(self) -> None:
        """Close every connection; in a forked process they belong to the parent, and are left alone for good."""
        here = os.getpid() == self._owner
        for connection in self._every:
            if here:
                connection.close()
            else:
                keep_for_ever(connection)


class _Seat:
    """The connection of a thread and the names of its temporary tables, which no other connection sees."""

    def __init__(self, connection: Any, free: deque[Any]) -> None:
        self.connection = connection
        self.scratch: list[str] = []
        self._free = free

    def __del__(self) -> None:
        # a thread that ends lets its seat go
        self._free.append(self.connection)


def require_own_process(owner: int) -> None:
    """Refuse work in a fork of the process that opened the tables: threads and connections of its engine stay there."""
    if os.getpid() != owner:
        raise ConfigError(
            f"CustomerData was opened in process {owner} and is used in process {os.getpid()}, a fork of it, where the "
            "threads and connections of its engine are missing; open the tables in each worker, for example with "
            "CustomerData.from_folder"
        )
