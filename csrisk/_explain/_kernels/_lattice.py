"""Margins of one row for all coalitions of several games; each tree is folded from its leaves up.

In the game of a goal its strongest features, its rest and the other goals are players. A node asks one player. For
coalitions with that player the row decides, so a line of reference rows is handed up as it is; for coalitions without,
each reference row decides for itself, and two lines are blended. Only players at or below a node matter there:
coalitions that agree on those share their line.
"""

# mypy: ignore-errors
# numba gives types to this code; annotations would only repeat them, and its decorators have none

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from csrisk._explain._kernels._vector_code import add8, add_blend8, blend8, subtract8
from csrisk._machine import compiled

__all__ = ["lattice_margins"]

_compile = compiled()
# trees of few players are played once for all games: their effects are kept by set of players, up to so many sets
_FEW, _SETS = 4, 1024


class _Tree(NamedTuple):
    """One tree, the sides of the row and of the reference rows at its nodes."""

    left: np.ndarray
    right: np.ndarray
    goes_left: np.ndarray
    masks: np.ndarray


@_compile
def lattice_margins(node_start, leaf_start, left, right, value, player, goes_left, masks, games, first_line, out):
    """Add to `out` the margins of one row for all coalitions of several games."""
    n_bytes, most = masks.shape[1], max(np.diff(first_line).max(), 1 << _FEW)
    largest = max(np.diff(node_start).max(), 1)
    below, local = np.zeros(largest, dtype=np.int64), np.zeros(largest, dtype=np.int64)
    line_of = np.zeros((largest, most), dtype=np.int64)
    sums, room = _lines(len(out), n_bytes), _lines(256, n_bytes)
    # four slots for each set keep probing short; their number is a power of two, as the mask needs
    kept, keys, slots = _lines(_SETS, n_bytes), np.zeros(_SETS, dtype=np.int64), np.full(4 * _SETS, -1)
    n_kept = 0
    for tree in range(len(node_start) - 1):
        own = slice(node_start[tree], node_start[tree + 1])
        this = _Tree(left[own], right[own], goes_left[own], masks[own])
        values, players = value[leaf_start[tree] : leaf_start[tree + 1]], player[own]
        room = _with_leaves(room, values)
        union = _union(players)
        if _size(union) <= _FEW:
            # a tree may bring a new set for each subset of its players
            if n_kept + (1 << _FEW) > _SETS:
                n_kept = _hand_out(kept, keys, slots, n_kept, games, first_line, sums)
            for node in range(len(players)):
                # players by rank in the tree: lines of few players need few bits, whoever they are
                local[node] = 1 << _size(union & ((1 << players[node]) - 1))
            room = _fold(this, 0, len(values), local, below, line_of, room)
            n_kept = _keep(union, line_of[0], room, kept, keys, slots, n_kept)
            continue
        for game in range(len(games)):
            for node in range(len(players)):
                local[node] = 1 << games[game, players[node]]
            lines = slice(first_line[game], first_line[game + 1])
            room = _play(this, len(values), local, below, line_of, room, sums[lines], out[lines])
    # what is kept after the last tree
    _hand_out(kept, keys, slots, n_kept, games, first_line, sums)
    for game in range(len(games)):
        # once for all trees: differences may be added up before they are spread
        _sum_subsets(sums[first_line[game] : first_line[game + 1]])
    for line in range(len(out)):
        _add(out[line], sums[line])


@_compile
def _lines(n_lines, n_bytes):
    """Lines of zeros, from the start of a cache line."""
    flat = np.zeros(n_lines * n_bytes * 8 + 8)
    skip = -(flat.ctypes.data // 8) % 8
    return flat[skip : skip + n_lines * n_bytes * 8].reshape((n_lines, n_bytes * 8))


@_compile
def _with_leaves(room, values):
    """Lines of constants, one per leaf, at the beginning of the room."""
    if 2 * len(values) > len(room):
        room = _lines(4 * len(values), room.shape[1] // 8)
    for leaf in range(len(values)):
        room[leaf] = values[leaf]
    return room


@_compile
def _union(players):
    found = 0
    for node in range(len(players)):
        found |= 1 << players[node]
    return found


@_compile
def _size(players):
    count = 0
    while players:
        players &= players - 1
        count += 1
    return count


@_compile
def _fold(tree, stop, used, local, below, line_of, room):
    """Find the lines of all nodes from `stop` on, for every coalition of the players at and below them."""
    # a tree without splits: its one leaf is line 0 for everybody
    if len(tree.left) == 0:
        line_of[0, 0] = 0
    for node in range(len(tree.left) - 1, stop - 1, -1):
        one, other, bit = tree.left[node], tree.right[node], local[node]
        one_below = below[one] if one >= 0 else 0
        other_below = below[other] if other >= 0 else 0
        below[node] = bit | one_below | other_below
        # one doubling was not enough for many players at once, and lines were written behind the room
        while used + (1 << _size(below[node])) > len(room):
            room = _larger(room)
        coalition = below[node]
        while True:
            low = line_of[one, coalition & one_below] if one >= 0 else -one - 1
            high = line_of[other, coalition & other_below] if other >= 0 else -other - 1
            if coalition & bit:
                line_of[node, coalition] = low if tree.goes_left[node] else high
            elif low == high:
                line_of[node, coalition] = low
            else:
                target, first, second = room[used].ctypes.data, room[low].ctypes.data, room[high].ctypes.data
                mask = tree.masks[node].ctypes.data
                for byte in range(tree.masks.shape[1]):
                    blend8(target + 64 * byte, first + 64 * byte, second + 64 * byte, mask + byte)
                line_of[node, coalition] = used
                used += 1
            if coalition == 0:
                break
            coalition = (coalition - 1) & below[node]
    return room


@_compile
def _larger(room):
    wide = _lines(2 * len(room), room.shape[1] // 8)
    wide[: len(room)] = room
    return wide


@_compile
def _play(tree, n_leaves, local, below, line_of, room, sums, out):
    """Add a tree to one game: to every coalition in `out`, or as differences to `sums` where few players split it."""
    players, steps = 0, 1
    for node in range(len(tree.left)):
        players |= local[node]
    for _ in range(_size(players)):
        steps *= 3
    # differences cost a line for each pair of a set and its subset, 3^players; else one line per coalition
    if steps < len(out):
        room = _fold(tree, 0, n_leaves, local, below, line_of, room)
        _add_differences(players, line_of[0], room, sums)
        return room
    # without the root, which is blended straight into `out`: that spares a line for each coalition
    room = _fold(tree, 1, n_leaves, local, below, line_of, room)
    one, other, bit = tree.left[0], tree.right[0], local[0]
    one_below = below[one] if one >= 0 else 0
    other_below = below[other] if other >= 0 else 0
    for coalition in range(len(out)):
        low = line_of[one, coalition & one_below] if one >= 0 else -one - 1
        high = line_of[other, coalition & other_below] if other >= 0 else -other - 1
        if coalition & bit or low == high:
            _add(out[coalition], room[low if tree.goes_left[0] else high])
            continue
        target, first, second = out[coalition].ctypes.data, room[low].ctypes.data, room[high].ctypes.data
        mask = tree.masks[0].ctypes.data
        for byte in range(tree.masks.shape[1]):
            add_blend8(target + 64 * byte, first + 64 * byte, second + 64 * byte, mask + byte)
    return room


@_compile
def _add(target, source):
    one, other = target.ctypes.data, source.ctypes.data
    for place in range(0, 8 * len(target), 64):
        add8(one + place, other + place)


@_compile
def _add_difference(union, line_of, room, target):
    """Add the part of a tree that needs all players of a set together: ``sum over S in U of (-1)^|U - S| f(S)``."""
    own = union
    one = target.ctypes.data
    while True:
        other = room[line_of[own]].ctypes.data
        # signs of inclusion and exclusion: minus for an odd number of missing players
        if _size(union & ~own) & 1:
            for place in range(0, 8 * len(target), 64):
                subtract8(one + place, other + place)
        else:
            for place in range(0, 8 * len(target), 64):
                add8(one + place, other + place)
        if own == 0:
            return
        own = (own - 1) & union


@_compile
def _add_differences(players, line_of, room, sums):
    union = players
    while True:
        _add_difference(union, line_of, room, sums[union])
        if union == 0:
            return
        union = (union - 1) & players


@_compile
def _keep(union, line_of, room, kept, keys, slots, n_kept):
    """Add the differences of a tree to those of the same set of players; gives the number of sets."""
    for local in range(1 << _size(union)):
        key, rest = 0, union
        for place in range(_FEW):
            lowest = rest & -rest
            if local >> place & 1:
                key |= lowest
            rest &= rest - 1
        # Fibonacci hashing (Knuth): 2^64 over the golden ratio spreads sets that differ in one low bit
        slot = key * 0x9E3779B97F4A7C15 >> 20 & (len(slots) - 1)
        while slots[slot] >= 0 and keys[slots[slot]] != key:
            slot = (slot + 1) & (len(slots) - 1)
        if slots[slot] < 0:
            slots[slot], keys[n_kept] = n_kept, key
            n_kept += 1
        _add_difference(local, line_of, room, kept[slots[slot]])
    return n_kept


@_compile
def _hand_out(kept, keys, slots, n_kept, games, first_line, sums):
    """Add what was kept to every game, and forget it."""
    for place in range(n_kept):
        for game in range(len(games)):
            coalition, player, rest = 0, 0, keys[place]
            while rest:
                if rest & 1:
                    # or: players may share a bit in a game, where they move as one
                    coalition |= 1 << games[game, player]
                player += 1
                rest >>= 1
            _add(sums[first_line[game] + coalition], kept[place])
        kept[place] = 0.0
    slots[:] = -1
    return 0


@_compile
def _sum_subsets(lines):
    """Replace ``lines[S]`` by the sum over the subsets of S."""
    bit = 1
    while bit < len(lines):
        for mask in range(len(lines)):
            if mask & bit:
                _add(lines[mask], lines[mask ^ bit])
        bit *= 2
