"""Margins of one row for all coalitions of several games; each tree hands sets of reference rows down to its leaves.

In the game of a goal its strongest features, its rest and the other goals are players. A node asks one player. Where a
reference row takes the same side as the row, nobody is asked; where it takes the other, coalitions with the player
follow the row and those without follow the reference row. So a set of reference rows reaches a leaf for the coalitions
that hold all of some players and none of some others, and most sets are empty before they are deep.
"""

# mypy: ignore-errors
# numba gives types to this code; annotations would only repeat them, and its decorators have none

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from csrisk._explain._kernels._vector_code import add8, add_where8, count_bits, lowest_bit
from csrisk._machine import compiled

__all__ = ["lattice_margins"]

_compile = compiled()
# what leaves give is kept once for all games, by the players that it needs together: up to so many sets of players
_SETS = 2048
# a leaf that so many players must stay away from would bring a set for each subset of them
_FEW = 5
# eight rows at once pay from so many of 64 on
_ROW_BY_ROW = 8


class _Tree(NamedTuple):
    """One tree: its children, the bit of the player that each node asks, and the sides of both kinds of rows."""

    left: np.ndarray
    right: np.ndarray
    bit: np.ndarray
    goes_left: np.ndarray
    sides: np.ndarray


@_compile
def lattice_margins(
    node_start, leaf_start, left, right, value, player, goes_left, sides, everyone, games, first_line, out
):
    """Add to `out` the margins of one row for all coalitions of several games."""
    n_bytes, bit = out.shape[1] // 8, 1 << player
    sums, kept = _lines(len(out), n_bytes), _lines(_SETS, n_bytes)
    # four slots for each set keep probing short; their number is a power of two, as the mask needs
    keys, slots, n_kept = np.zeros(_SETS, dtype=np.int64), np.full(4 * _SETS, -1), 0
    # a node takes one state and leaves at most three
    most = 2 * max(np.diff(node_start).max(), 1) + 3
    state, rows = np.zeros((most, 3), dtype=np.int64), np.zeros((most, sides.shape[1]), dtype=np.uint64)
    own = np.zeros_like(everyone)
    for place in range(len(node_start) - 1):
        nodes, first_leaf = slice(node_start[place], node_start[place + 1]), leaf_start[place]
        tree = _Tree(left[nodes], right[nodes], bit[nodes], goes_left[nodes], sides[nodes])
        # a tree without splits is its one leaf
        n_states = _push(0 if len(tree.left) else -1, 0, 0, everyone, state, rows, 0)
        while n_states:
            n_states -= 1
            node, within, without = state[n_states]
            own[:] = rows[n_states]
            if node >= 0:
                n_states = _divide(tree, node, within, without, own, state, rows, n_states)
            elif count_bits(without) > _FEW:
                _put(within, without, value[first_leaf - node - 1], own, games, first_line, out)
            else:
                if n_kept + (1 << _FEW) > _SETS:
                    n_kept = _hand_out(kept, keys, slots, n_kept, games, first_line, sums)
                n_kept = _keep(within, without, value[first_leaf - node - 1], own, kept, keys, slots, n_kept)
    # what is kept after the last tree
    _hand_out(kept, keys, slots, n_kept, games, first_line, sums)
    for game in range(len(games)):
        _sum_subsets(sums[first_line[game] : first_line[game + 1]])
    for line in range(len(out)):
        _add(out[line], sums[line])


@_compile
def _divide(tree, node, within, without, own, state, rows, n_states):
    """Hand the reference rows at a node down; gives the number of states that wait."""
    bit, goes_left = tree.bit[node], tree.goes_left[node]
    near, far = (tree.left[node], tree.right[node]) if goes_left else (tree.right[node], tree.left[node])
    if within & bit:
        return _push(near, within, without, own, state, rows, n_states)
    any_with, any_against = np.uint64(0), np.uint64(0)
    for word in range(len(own)):
        side = tree.sides[node, word] if goes_left else ~tree.sides[node, word]
        rows[n_states, word] = own[word] & side
        own[word] &= ~side
        any_with |= rows[n_states, word]
        any_against |= own[word]
    if any_with:
        # its rows stand there already
        state[n_states] = near, within, without
        n_states += 1
    if any_against:
        if not without & bit:
            n_states = _push(near, within | bit, without, own, state, rows, n_states)
        n_states = _push(far, within, without | bit, own, state, rows, n_states)
    return n_states


@_compile
def _lines(n_lines, n_bytes):
    """Lines of zeros, from the start of a cache line."""
    flat = np.zeros(n_lines * n_bytes * 8 + 8)
    skip = -(flat.ctypes.data // 8) % 8
    return flat[skip : skip + n_lines * n_bytes * 8].reshape((n_lines, n_bytes * 8))


@_compile
def _push(node, within, without, own, state, rows, n_states):
    state[n_states] = node, within, without
    rows[n_states] = own
    return n_states + 1


@_compile
def _add(target, source):
    one, other = target.ctypes.data, source.ctypes.data
    for place in range(0, 8 * len(target), 64):
        add8(one + place, other + place)


@_compile
def _add_at(target, own, value):
    """Add a number at the reference rows of a set."""
    start = target.ctypes.data
    for word in range(len(own)):
        left = own[word]
        if count_bits(left) <= _ROW_BY_ROW:
            while left:
                target[64 * word + lowest_bit(left)] += value
                left &= left - np.uint64(1)
            continue
        place = start + 512 * word
        while left:
            add_where8(place, value, left & np.uint64(255))
            place += 64
            left >>= np.uint64(8)


@_compile
def _keep(within, without, value, own, kept, keys, slots, n_kept):
    """Add a leaf to the sets of players that it needs together; gives the number of sets.

    ``[S holds all of W and none of O] = sum over the subsets T of O of (-1)^|T| [S holds W and T]``.
    """
    part = without
    while True:
        key = within | part
        # Fibonacci hashing (Knuth): 2^64 over the golden ratio spreads sets that differ in one low bit
        slot = key * 0x9E3779B97F4A7C15 >> 20 & (len(slots) - 1)
        while slots[slot] >= 0 and keys[slots[slot]] != key:
            slot = (slot + 1) & (len(slots) - 1)
        if slots[slot] < 0:
            slots[slot], keys[n_kept] = n_kept, key
            n_kept += 1
        _add_at(kept[slots[slot]], own, -value if count_bits(part) & 1 else value)
        if part == 0:
            return n_kept
        part = (part - 1) & without


@_compile
def _hand_out(kept, keys, slots, n_kept, games, first_line, sums):
    """Add what was kept to every game, and forget it."""
    for place in range(n_kept):
        for game in range(len(games)):
            _add(sums[first_line[game] + _seats(keys[place], games[game])], kept[place])
        kept[place] = 0.0
    slots[:] = -1
    return 0


@_compile
def _seats(players, game):
    """Bits of some players in a game; players may share a bit, where they move as one."""
    found, player = 0, 0
    while players:
        if players & 1:
            found |= 1 << game[player]
        player += 1
        players >>= 1
    return found


@_compile
def _put(within, without, value, own, games, first_line, out):
    """Add a leaf to every coalition that reaches it."""
    for game in range(len(games)):
        held, shunned = _seats(within, games[game]), _seats(without, games[game])
        if held & shunned:
            continue
        free = (first_line[game + 1] - first_line[game] - 1) & ~(held | shunned)
        part = free
        while True:
            _add_at(out[first_line[game] + (held | part)], own, value)
            if part == 0:
                break
            part = (part - 1) & free


@_compile
def _sum_subsets(lines):
    """Replace ``lines[S]`` by the sum over the subsets of S."""
    bit = 1
    while bit < len(lines):
        for mask in range(len(lines)):
            if mask & bit:
                _add(lines[mask], lines[mask ^ bit])
        bit *= 2
