"""What explanations of one model computed lately for their references: the next account need not pay for it again."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["Kept"]

_Made = TypeVar("_Made")

_MOST_BYTES = 128 << 20  # of arrays, for each model


class Kept:
    """Results by the content that they were computed from; those not asked for longest go first."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._made: OrderedDict[bytes, Any] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[Kept], tuple[int]]:
        # a copy in another process or place begins anew: what is kept can be made again, and a lock cannot be pickled
        return Kept, (self._most_bytes,)

    def get(self, what: str, about: Sequence[NDArray[Any] | bytes], make: Callable[[], _Made]) -> _Made:
        """Give what was made of the same content before, or make it; nobody may write into it."""
        key = _digest(what, about)
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                made: _Made = self._made[key]
                return made
        # outside of the lock: two threads may make the same, which costs time and changes nothing
        made = make()
        with self._lock:
            self._made[key] = made
            sizes = [_n_bytes(each) for each in self._made.values()]
            while self._made and sum(sizes) > self._most_bytes:
                self._made.popitem(last=False)
                sizes.pop(0)
        return made


def _digest(what: str, about: Sequence[NDArray[Any] | bytes]) -> bytes:
    # by value, as a user may change a frame in place
    digest = hashlib.blake2b(what.encode(), digest_size=16)
    for part in about:
        # shapes and lengths too, else the same bytes cut elsewhere would be the same key
        if isinstance(part, np.ndarray):
            digest.update(f"|{part.dtype.str}{part.shape}|".encode())
            digest.update(part.tobytes())
        else:
            digest.update(f"|{len(part)}|".encode())
            digest.update(part)
    return digest.digest()


def _n_bytes(made: Any) -> int:
    if isinstance(made, np.ndarray):
        return made.nbytes
    if isinstance(made, tuple | list):
        return sum(_n_bytes(part) for part in made)
    # what dataclasses computed once and hold, too
    return sum(_n_bytes(part) for part in vars(made).values()) if is_dataclass(made) else 0
