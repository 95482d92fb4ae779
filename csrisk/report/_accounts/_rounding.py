"""Rounding that keeps a printed sum true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["add_up"]


def add_up(total: float, parts: Sequence[float], *, digits: int = 1) -> tuple[float, ...]:
    """Round parts so that, as printed, they add up to the printed total.

    Largest remainders (Hamilton's rule of apportionment): every part is rounded down or up to a neighbouring
    printable number, those closest to the next one first. Parts that are exactly zero stay zero unless nothing else
    can carry the difference.

    Parameters
    ----------
    total : float
        The number that is printed as the sum, already rounded or not.
    parts : sequence of float
        The exact parts; their sum is the total up to rounding.
    digits : int, default 1
        Digits behind the point.

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> add_up(1.0, [0.26, 0.36, 0.38])
    (0.3, 0.3, 0.4)
    >>> add_up(0.1, [0.04, 0.04, 0.0])
    (0.1, 0.0, 0.0)
    """
    scale = 10**digits
    exact = np.asarray(parts, dtype=np.float64) * scale
    if exact.size == 0:
        return ()
    units = np.floor(exact)
    # what rounding down has taken from the total, in units of the last digit
    left = round(total * scale) - int(units.sum())
    movable = exact != 0 if (exact != 0).any() else np.ones(exact.size, dtype=bool)
    # largest remainder first; parts of exactly zero last, and cut off
    order = np.argsort(np.where(movable, units - exact, np.inf), kind="stable")[: int(movable.sum())]
    # more than one round only where the total lies further from the parts than rounding takes it
    while left:
        # added to the largest remainders first, taken from the smallest first
        step = order if left > 0 else order[::-1]
        for position in step[: abs(left)]:
            units[position] += 1 if left > 0 else -1
        left -= int(np.sign(left)) * min(abs(left), len(step))
    # + 0.0, as -0.0 would print a minus
    return tuple(float(value) for value in np.round(units / scale + 0.0, digits))
