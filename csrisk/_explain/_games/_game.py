"""Linear maps of a cooperative game: from the worth of all coalitions to what each player contributes.

A game of K players is a vector of length 2^K, indexed by the coalition as a bit mask (bit i = player i takes part).
Each map below is a matrix that turns that vector into contributions, so exact values cost one matrix product.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

__all__ = ["interaction_map", "leave_one_out_map", "nested_maps", "owen_maps", "pairs", "shapley_map"]

Matrix = NDArray[np.float64]


@cache
def shapley_map(n_players: int) -> Matrix:
    """Shapley values: ``shapley_map(K) @ v`` (Shapley 1953).

    Parameters
    ----------
    n_players : int
        Number of players K.

    Returns
    -------
    ndarray of shape (K, 2^K)
        Read-only; its rows add up to ``v(all) - v(none)``.

    Examples
    --------
    >>> from csrisk._explain._games._game import shapley_map
    >>> (shapley_map(2) @ [0.0, 1.0, 2.0, 5.0]).tolist()
    [2.0, 3.0]
    """
    total = factorial(n_players)
    matrix = np.empty((n_players, 1 << n_players))
    for coalition in range(1 << n_players):
        size = coalition.bit_count()
        for player in range(n_players):
            inside = coalition >> player & 1
            # |S|! (K - 1 - |S|)! / K! for the coalition S without the player
            weight = factorial(size - inside) * factorial(n_players - 1 - size + inside) / total
            matrix[player, coalition] = weight if inside else -weight
    return _frozen(matrix)


def pairs(n_players: int) -> list[tuple[int, int]]:
    """Pairs of players in the order of the rows of `interaction_map`."""
    return list(combinations(range(n_players), 2))


@cache
def interaction_map(n_players: int) -> Matrix:
    """Pairwise Shapley interaction index: ``interaction_map(K) @ v`` (Grabisch and Roubens 1999).

    Parameters
    ----------
    n_players : int
        Number of players K.

    Returns
    -------
    ndarray of shape (K (K - 1) / 2, 2^K)
        One row per pair in the order of `pairs`.

    Examples
    --------
    >>> from csrisk._explain._games._game import interaction_map
    >>> (interaction_map(2) @ [0.0, 1.0, 2.0, 5.0]).tolist()
    [2.0]
    """
    matrix = np.zeros((len(pairs(n_players)), 1 << n_players))
    total = factorial(max(n_players - 1, 1))
    for row, (one, other) in enumerate(pairs(n_players)):
        both = 1 << one | 1 << other
        for coalition in range(1 << n_players):
            size = (coalition & ~both).bit_count()
            weight = factorial(size) * factorial(n_players - 2 - size) / total
            # v(S + ij) - v(S + i) - v(S + j) + v(S): minus where exactly one of the two takes part
            matrix[row, coalition] = weight if (coalition & both).bit_count() != 1 else -weight
    return _frozen(matrix)


@cache
def leave_one_out_map(n_players: int) -> Matrix:
    """Make the map to what is lost without one player: ``v(all) - v(all but the player)``."""
    everyone = (1 << n_players) - 1
    matrix = np.zeros((n_players, 1 << n_players))
    for player in range(n_players):
        matrix[player, everyone] += 1.0
        matrix[player, everyone & ~(1 << player)] -= 1.0
    return _frozen(matrix)


@cache
def owen_maps(n_outer: int, n_inner: int) -> Matrix:
    """Owen values of the players inside one union (Owen 1977).

    The game is indexed ``[outer, inner]``: `outer` is the coalition of the other unions, which move as blocks, `inner`
    the coalition inside the union. The values add up to the Shapley value of the union in the game of unions.
    """
    # + 1: the union itself is one of the players among the unions
    outer = np.array([_weight(c.bit_count(), n_outer + 1) for c in range(1 << n_outer)])
    return _frozen(outer[None, :, None] * shapley_map(n_inner)[:, None, :])


@cache
def nested_maps(n_outer: int, n_middle: int, n_inner: int) -> Matrix:
    """Values of the players of a union inside a union (Winter 1989), as `owen_maps` gives those of one union."""
    outer, middle = (np.array([_weight(c.bit_count(), n + 1) for c in range(1 << n)]) for n in (n_outer, n_middle))
    # from the high bits to the low ones: other outer unions, players of the inner union, players beside it
    maps = outer[None, :, None, None] * shapley_map(n_inner)[:, None, :, None] * middle[None, None, None, :]
    return _frozen(maps.reshape(n_inner, -1))


def _weight(size: int, n_players: int) -> float:
    return factorial(size) * factorial(n_players - 1 - size) / factorial(n_players)


def _frozen(matrix: Matrix) -> Matrix:
    # the cache hands the same matrix to every game: writing into it would change them all
    matrix.setflags(write=False)
    return matrix
