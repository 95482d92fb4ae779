"""The game by direct evaluation: every coalition is predicted. Slow, exact, and it needs nothing but a function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["coalition_values", "n_predictions"]

Matrix = NDArray[np.float64]
_ROWS_AT_ONCE = 200_000


def n_predictions(n_rows: int, n_reference: int, n_players: int) -> int:
    """Count the rows that `coalition_values` predicts."""
    return n_rows * n_reference * ((1 << n_players) - 2) + n_rows + n_reference


def coalition_values(
    function: Callable[[Matrix], Matrix], rows: Matrix, reference: Matrix, players: Sequence[NDArray[np.intp]]
) -> Matrix:
    """Worth of every coalition for every row: the mean of `function` over the reference.

    Parameters
    ----------
    function : callable
        From a feature matrix to one number per row.
    rows, reference : ndarray of shape (n, p) and (m, p)
        What is explained, and what it is compared with.
    players : sequence of arrays of column positions
        The columns that each player brings; columns of no player stay with the reference.

    Returns
    -------
    ndarray of shape (n, 2^K)
        ``v[:, S] = mean over z of function(columns of S from the row, the others from z)``.
    """
    n_players = len(players)
    values = np.empty((len(rows), 1 << n_players))
    values[:, 0] = function(reference).mean()
    step = max(1, _ROWS_AT_ONCE // len(reference))
    for coalition in range(1, 1 << n_players):
        taken = [players[k] for k in range(n_players) if coalition >> k & 1]
        columns = np.concatenate(taken)
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            mixed = np.tile(reference, (len(part), 1))
            mixed[:, columns] = np.repeat(part[:, columns], len(reference), axis=0)
            values[start : start + step, coalition] = function(mixed).reshape(len(part), -1).mean(axis=1)
    return values
