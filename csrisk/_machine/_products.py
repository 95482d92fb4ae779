"""Products of vectors and matrices that no library of the processor rounds its own way.

BLAS picks its kernel by the processor, and kernels add in other orders: the last bits of a slope differ, and with them
the bytes of a model. What is stored, hashed or compared goes through these sums, whose order is the same everywhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["product", "solve_two"]

Array = NDArray[np.float64]


def product(left: Any, right: Any) -> Any:
    """Matrix product of vectors and matrices, as ``left @ right``."""
    left, right = np.asarray(left), np.asarray(right)
    if right.ndim == 2 and left.ndim == 2:
        if not right.shape[1]:
            return np.zeros((len(left), 0))
        # one column after the other: einsum is quick along an axis without gaps alone
        return np.stack([product(left, column) for column in np.ascontiguousarray(right.T)], axis=-1)
    if left.ndim == 2:
        return np.einsum("ij,j->i", np.ascontiguousarray(left), right, optimize=False)
    if right.ndim == 2:
        return product(np.ascontiguousarray(right.T), left)
    return np.einsum("i,i->", left, right, optimize=False)


def solve_two(matrix: Array, right: Array) -> Array:
    """Solve two equations for two unknowns, as ``numpy.linalg.solve``."""
    (a, b), (c, d) = matrix
    return np.asarray(np.stack([d * right[0] - b * right[1], a * right[1] - c * right[0]]) / (a * d - b * c))
