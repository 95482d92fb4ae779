"""One thread at a time on a connection of Ibis, which serves no more than that."""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from typing import TYPE_CHECKING, Any

from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Turn"]

# weak, so that a turn does not keep its connection open
_every: weakref.WeakKeyDictionary[Any, Turn] = weakref.WeakKeyDictionary()
_door = threading.Lock()


class Turn:
    """A block in which a connection belongs to one thread, whichever CustomerData it works for."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.holders: Counter[str] = Counter()

    @classmethod
    def of(cls, backend: Any) -> Turn:
        """Give the turn of a connection, the same one for all who use it."""
        # two threads at once would make two turns for one connection
        with _door:
            return _every.setdefault(backend, cls())

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
        if kind is not None and kind.__module__ == "sqlite3" and "same thread" in str(error):
            raise ConfigError(
                "tables of SQLite serve the thread that opened their connection alone, and another one asks; open them "
                "in each thread, or bring them as ibis.sqlite.from_connection(sqlite3.connect(path, "
                "check_same_thread=False))"
            ) from error
