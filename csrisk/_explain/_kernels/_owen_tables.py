"""Owen values of one leaf for every mask of failed features. Compiled where numba is there.

Inside a leaf only the features on its path matter; features of other paths are null players, which change nothing. For
the features of one goal the game has two levels: the other goals move as blocks (T), the goal's own features one by one
(S), and ``v(T, S) = w P(all other features on the path pass in the reference) [T and S pass in the row]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from csrisk._explain._kernels._jit import jit

if TYPE_CHECKING:
    from csrisk._explain._kernels._tabulate import Layout

__all__ = ["add_owen_pairs", "owen_effects", "owen_leaf"]


@jit
def owen_leaf(goal: Any, width: int, worth: Any, values: Any) -> None:
    """Add the Owen values of a leaf to `values`."""
    goals = np.unique(goal[:width])
    for which in range(len(goals)):
        small, n_own, n_others = _compressed(goal, width, goals, which)
        share = np.zeros(1 << (n_own + n_others))
        for failed in range(1 << width):
            share[small[failed]] += worth[failed]
        effect = owen_effects(share, n_own, n_others)
        own = 0
        for position in range(width):
            if goal[position] == goals[which]:
                for failed in range(1 << width):
                    values[failed, position] += effect[own, small[failed]]
                own += 1


@jit
def owen_effects(share: Any, n_own: int, n_others: int) -> Any:
    """Owen values of the features of one goal in one leaf, for each mask of what fails in the row."""
    size = len(share)
    _sum_subsets(share, n_own + n_others)
    effects = np.zeros((n_own, size))
    part = np.zeros(size)
    for own in range(n_own):
        for coalition in range(size):
            part[coalition] = share[coalition] * _weight(coalition, own, n_own, n_others)
        _sum_subsets(part, n_own + n_others)
        for failed in range(size):
            # reversed: the coalitions that count are the subsets of what did not fail
            effects[own, failed] = part[size - 1 - failed]
    return effects


@jit
def _compressed(goal: Any, width: int, goals: Any, which: int) -> Any:
    """Turn masks of features into masks of (features of one goal, other goals): a goal fails if one feature fails."""
    bit = np.zeros(width, dtype=np.int64)
    n_own = 0
    for position in range(width):
        if goal[position] == goals[which]:
            bit[position] = 1 << n_own
            n_own += 1
    for position in range(width):
        if goal[position] != goals[which]:
            other = np.searchsorted(goals, goal[position])
            bit[position] = 1 << (n_own + (other if other < which else other - 1))
    small = np.zeros(1 << width, dtype=np.int64)
    for position in range(width):
        # a mask is a smaller mask and its highest bit
        for rest in range(1 << position):
            small[(1 << position) + rest] = small[rest] | bit[position]
    return small, n_own, len(goals) - 1


@jit
def _sum_subsets(values: Any, n_bits: int) -> None:
    """Replace ``values[S]`` by the sum over the subsets of S."""
    for place in range(n_bits):
        for mask in range(len(values)):
            if mask >> place & 1:
                values[mask] += values[mask ^ (1 << place)]


@jit
def _weight(coalition: int, own: int, n_own: int, n_others: int) -> float:
    """Weight of v(T, S) in the Owen value of the player `own`; negative where it is outside S."""
    inside, outside = 0, 0
    for place in range(n_own):
        inside += coalition >> place & 1
    for place in range(n_own, n_own + n_others):
        outside += coalition >> place & 1
    has = coalition >> own & 1
    weight = _shapley_weight(inside - has, n_own) * _shapley_weight(outside, n_others + 1)
    return weight if has else -weight


@jit
def _shapley_weight(size: int, n_players: int) -> float:
    """``size! (n - 1 - size)! / n!``."""
    # as a product: 21! does not fit into 64 bits
    weight = 1.0 / n_players
    for step in range(size):
        weight *= (step + 1.0) / (n_players - 1.0 - step)
    return weight


@jit
def add_owen_pairs(
    layout: Layout, leaf_feature: Any, leaf_goal: Any, value: Any, n_goals: int, codes: Any, partners: Any, out: Any
) -> None:
    """Add the Owen values of each row against one reference row of its own, in closed form, to `out`, shape (n, p).

    In one leaf a feature matters if the row passes where the partner fails (it must come in) or the other way round (it
    must stay out). With p goals that must come in whole and q that must stay out, unanimity games give the weights.
    """
    needs, spoils = np.zeros(n_goals, dtype=np.int64), np.zeros(n_goals, dtype=np.int64)
    state = np.zeros(leaf_feature.shape[1], dtype=np.int64)
    for i in range(codes.shape[1]):
        for tree in range(len(layout.node_start) - 1):
            for leaf in range(layout.leaf_start[tree], layout.leaf_start[tree + 1]):
                width = _leaf_state(layout, tree, leaf, codes, partners, i, leaf_feature, state)
                if width > 0:
                    _add_leaf(leaf_feature[leaf], leaf_goal[leaf], width, state, value[leaf], needs, spoils, out[i])


@jit
def _leaf_state(
    layout: Layout, tree: int, leaf: int, codes: Any, partners: Any, i: int, leaf_feature: Any, state: Any
) -> int:
    """Set state 1 where only the row passes, 2 where only its partner does; return the path's width, 0 if both fail."""
    width = 0
    while width < leaf_feature.shape[1] and leaf_feature[leaf, width] >= 0:
        state[width] = 0
        width += 1
    start = layout.node_start[tree]
    node, side = layout.leaf_parent[leaf], layout.leaf_side[leaf]
    while node >= 0:
        here = start + node
        mine = (codes[layout.column[here], i] <= layout.cut[here]) == (side == 0)
        theirs = (partners[layout.column[here], i] <= layout.cut[here]) == (side == 0)
        state[layout.position[here]] |= (0 if theirs else 1) | (0 if mine else 2)
        # neither value of the feature passes, so that no mixture reaches the leaf
        if state[layout.position[here]] == 3:
            return 0
        side, node = layout.node_side[here], layout.node_parent[here]
    return width


@jit
def _add_leaf(
    features: Any, goals: Any, width: int, state: Any, value: float, needs: Any, spoils: Any, out: Any
) -> None:
    needs[:] = 0
    spoils[:] = 0
    for position in range(width):
        needs[goals[position]] += state[position] == 1
        spoils[goals[position]] += state[position] == 2
    inside, outside, mixed = 0, 0, 0
    for goal in range(len(needs)):
        inside += needs[goal] > 0 and spoils[goal] == 0
        outside += spoils[goal] > 0 and needs[goal] == 0
        mixed += needs[goal] > 0 and spoils[goal] > 0
    # such a goal passes only when it is split, and the game splits one goal at a time
    if mixed > 1:
        return
    for position in range(width):
        own, other = needs[goals[position]], spoils[goals[position]]
        # beside a mixed goal the others take nothing: as a block it never passes
        if state[position] == 0 or (mixed == 1 and (own == 0 or other == 0)):
            continue
        # share of the orders in which all that must be in came before, and all that must stay out comes later
        if mixed == 1:
            outer = _shapley_weight(inside, inside + outside + 1)
        elif state[position] == 1:
            outer = _shapley_weight(inside - 1, inside + outside)
        else:
            outer = _shapley_weight(inside, inside + outside)
        if state[position] == 1:
            out[features[position]] += value * outer * _shapley_weight(own - 1, own + other)
        else:
            out[features[position]] -= value * outer * _shapley_weight(own, own + other)
