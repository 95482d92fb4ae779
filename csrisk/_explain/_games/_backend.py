"""Choice of kernels: compiled where numba is installed, NumPy elsewhere."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["kernels"]


def kernels() -> Any:
    """Return the module of kernels: compiled, or in NumPy without numba."""
    try:
        return importlib.import_module("csrisk._explain._kernels._compiled")
    except ImportError:
        return importlib.import_module("csrisk._explain._kernels._plain")
