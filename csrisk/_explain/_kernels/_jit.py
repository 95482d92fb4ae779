"""The decorator of functions that are written once for Python and numba. Import it only where kernels are run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from csrisk._machine import compiled

__all__ = ["jit"]

_F = TypeVar("_F", bound=Callable[..., object])


def _unchanged(function: _F) -> _F:
    return function


try:
    jit = compiled()
except ImportError:
    jit = _unchanged
