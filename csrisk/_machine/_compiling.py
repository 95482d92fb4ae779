"""Compilation of loops, with the machine code kept on disk where there is a place for it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from csrisk.exceptions import CsriskWarning

__all__ = ["compiled"]

_F = TypeVar("_F", bound=Callable[..., object])


def compiled(**options: Any) -> Callable[[_F], _F]:
    """Compile a function with numba."""
    import numba

    def decorate(function: _F) -> _F:
        try:
            made: _F = numba.njit(cache=True, nogil=True, **options)(function)
        except RuntimeError as error:
            if "cannot cache" not in str(error):
                raise
            _say_once()
            made = numba.njit(nogil=True, **options)(function)
        return made

    return decorate


@cache
def _say_once() -> None:
    warnings.warn(
        "numba finds no folder that it may write, so that this process compiles some functions anew, which takes "
        "seconds; set NUMBA_CACHE_DIR to a writable folder to keep them",
        CsriskWarning,
        stacklevel=4,
    )
