"""The game by direct evaluation: every coalition is predicted. Slow, exact, and it needs nothing but a function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["coalition_values", "n_predictions"]

Matrix = NDArray[np.float64]
_ROWS_AT_ONCE = 100_000


def n_predictions(n_rows: int, n_reference: int, n_players: int) -> int:
    """Count the rows that `coalition_values` predicts."""
    # the coalitions of nobody and of everybody need no mixed rows
    return n_rows * n_reference * ((1 << n_players) - 2) + n_rows + n_reference


def coalition_values(
    function: Callable[[Matrix], Matrix], rows: Matrix, reference: Matrix, players: Sequence[NDArray[np.intp]]
) -> Matrix:
    """Worth of every coalition for every row: the mean of `function` over the reference."""
    member = np.full(rows.shape[1], -1)
    for player, columns in enumerate(players):
        member[columns] = player
    size = 1 << len(players)
    mine = (np.arange(size)[:, None] >> np.maximum(member, 0) & 1 == 1) & (member >= 0)
    values = np.empty((len(rows), size))
    # nobody takes part: the same for every row
    values[:, 0] = function(reference).mean()
    # columns of no player stay with the reference, and then even the full coalition is a mixed row
    if member.min() >= 0:
        values[:, -1] = function(rows)
    between = np.arange(1, size - (member.min() >= 0))
    row, coalition = (part.ravel() for part in np.meshgrid(np.arange(len(rows)), between, indexing="ij"))
    step = max(1, _ROWS_AT_ONCE // len(reference))
    for start in range(0, len(row), step):
        some = slice(start, start + step)
        mixed = np.where(mine[coalition[some]][:, None], rows[row[some]][:, None], reference[None])
        found = function(mixed.reshape(-1, rows.shape[1])).reshape(-1, len(reference))
        values[row[some], coalition[some]] = found.mean(axis=1)
    return values
