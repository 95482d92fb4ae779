"""How players lie on the paths of a forest, and how nodes are grouped for look-ups. Compiled where numba is there.

On the way from the root to a node, players get bit positions in the order of their first appearance; the bits of a node
say which of those players have *failed* so far, that is, sent the row elsewhere. Connected nodes are grouped into
pieces, such that the failed bits at the root of a piece and the outcomes of its splits fit into one byte: one look-up
then covers all leaves of the piece.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["INDEX_BITS", "MOST_BITS", "group_nodes", "parents", "path_positions"]

INDEX_BITS = 8
MOST_BITS = 12  # 2^12 rows in the table of a leaf; leaves below more players get one table per goal


def parents(node_start: Any, leaf_start: Any, left: Any, right: Any) -> Any:
    """Parent node (inside the tree) and side (0 left, 1 right) of every node and leaf; -1 for roots."""
    node_parent = np.full(len(left), -1, dtype=np.int64)
    node_side = np.zeros(len(left), dtype=np.int64)
    leaf_parent = np.full(leaf_start[-1], -1, dtype=np.int64)
    leaf_side = np.zeros(leaf_start[-1], dtype=np.int64)
    for tree in range(len(node_start) - 1):
        nodes, leaves = node_start[tree], leaf_start[tree]
        for node in range(node_start[tree + 1] - nodes):
            for side in range(2):
                child = left[nodes + node] if side == 0 else right[nodes + node]
                if child < 0:
                    leaf_parent[leaves - child - 1] = node
                    leaf_side[leaves - child - 1] = side
                else:
                    node_parent[nodes + child] = node
                    node_side[nodes + child] = side
    return node_parent, node_side, leaf_parent, leaf_side


def path_positions(
    node_start: Any, leaf_start: Any, node_parent: Any, leaf_parent: Any, player: Any, widest: int
) -> Any:
    """Bit position of each node's player, players above each node, and the players on the path of each leaf."""
    position = np.zeros(len(player), dtype=np.int64)
    width = np.zeros(len(player), dtype=np.int64)
    leaf_width = np.zeros(len(leaf_parent), dtype=np.int64)
    leaf_player = np.zeros((len(leaf_parent), widest), dtype=np.int64)
    for tree in range(len(node_start) - 1):
        nodes = node_start[tree]
        n_nodes = node_start[tree + 1] - nodes
        path = np.zeros((n_nodes, widest), dtype=np.int64)
        below = np.zeros(n_nodes, dtype=np.int64)
        # children come after their parent (refused otherwise when trees are read): one pass down is enough
        for node in range(n_nodes):
            parent = node_parent[nodes + node]
            known = 0
            if parent >= 0:
                known = below[parent]
                path[node] = path[parent]
            own = player[nodes + node]
            place = 0
            # a player that is asked again keeps the position of its first split
            while place < known and path[node, place] != own:
                place += 1
            path[node, place] = own
            position[nodes + node] = place
            width[nodes + node] = known
            below[node] = max(known, place + 1)
        for leaf in range(leaf_start[tree], leaf_start[tree + 1]):
            if n_nodes > 0:
                leaf_width[leaf] = below[leaf_parent[leaf]]
                leaf_player[leaf] = path[leaf_parent[leaf]]
    return position, width, leaf_width, leaf_player


def group_nodes(  # noqa: C901  # one loop up and one down a tree; numba compiles them together
    node_start: Any, left: Any, right: Any, width: Any, bits: int, most: int
) -> Any:
    """Group connected nodes from the bottom up, as long as failed bits and outcomes fit into `bits`.

    A node that alone needs more becomes a piece of its own up to `most` bits; deeper nodes belong to no piece (-1).
    """
    n_nodes_all = len(left)
    piece = np.zeros(n_nodes_all, dtype=np.int64)
    bit = np.zeros(n_nodes_all, dtype=np.int64)
    piece_start = np.zeros(len(node_start), dtype=np.int64)
    piece_root = np.zeros(n_nodes_all, dtype=np.int64)
    piece_bits = np.zeros(n_nodes_all, dtype=np.int64)
    n_pieces = 0
    for tree in range(len(node_start) - 1):
        start, stop = node_start[tree], node_start[tree + 1]
        size = np.ones(stop - start, dtype=np.int64)
        joins = np.zeros(stop - start, dtype=np.int64)
        # backwards: the pieces below a node are known before it takes them in
        for node in range(stop - start - 1, -1, -1):
            one, other = left[start + node], right[start + node]
            # the smaller child first: after the larger one there might be no room for it
            if one >= 0 and other >= 0 and size[other] < size[one]:
                one, other = other, one
            for child in (one, other):
                if child >= 0 and size[node] + size[child] + width[start + node] <= bits:
                    size[node] += size[child]
                    joins[child] = 1
        for node in range(stop - start):
            if width[start + node] >= most:
                piece[start + node] = -1
                continue
            if joins[node] == 0:
                piece[start + node] = n_pieces
                piece_root[n_pieces] = node
                # failed bits at the root are the low bits of an index, outcomes of splits follow
                piece_bits[n_pieces] = width[start + node]
                n_pieces += 1
            own = piece[start + node]
            bit[start + node] = piece_bits[own]
            piece_bits[own] += 1
            for child in (left[start + node], right[start + node]):
                if child >= 0 and joins[child] == 1:
                    piece[start + child] = own
        piece_start[tree + 1] = n_pieces
    return piece, bit, piece_start, piece_root[:n_pieces], piece_bits[:n_pieces]
