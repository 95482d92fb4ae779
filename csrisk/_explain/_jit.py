"""The decorator of functions that are written once for Python and numba. Import it only where kernels are run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

__all__ = ["jit"]

_F = TypeVar("_F", bound=Callable[..., object])


def _unchanged(function: _F) -> _F:
    return function


try:
    import numba
except ImportError:
    jit = _unchanged
else:

    def jit(function: _F) -> _F:
        """Compile a function; the result is kept on disk."""
        return cast("_F", numba.njit(cache=True, nogil=True)(function))
