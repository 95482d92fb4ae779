"""Kernels compiled by numba, imported only when something is explained.

`csrisk._explain._kernels._plain` is the same in NumPy.
"""

# mypy: ignore-errors
# numba gives types to this code; annotations would only repeat them, and its decorators have none

from __future__ import annotations

import numpy as np

from csrisk._explain._kernels import _layout, _tabulate
from csrisk._explain._kernels._lattice import lattice_margins
from csrisk._explain._kernels._owen_tables import add_owen_pairs, owen_effects, owen_leaf
from csrisk._explain._kernels._vector_code import add4, add8, add_four, lowest_bit
from csrisk._machine import compiled

__all__ = [
    "add_leaves",
    "add_owen_pairs",
    "add_rows",
    "add_trees",
    "collect_leaves",
    "count_rows",
    "group_nodes",
    "lattice_margins",
    "leaf_words",
    "mixed_margins",
    "number_codes",
    "owen_effects",
    "owen_table",
    "paired_margins",
    "parents",
    "path_positions",
    "scatter_rows",
]

_BLOCK = 2048
_compile = compiled()

parents = _compile(_layout.parents)
path_positions = _compile(_layout.path_positions)
group_nodes = _compile(_layout.group_nodes)
failed_at = _compile(_tabulate.failed_at)


@_compile
def number_codes(values, cuts):
    """Count the cuts below each value, by a search without branches."""
    size = 1
    while size <= len(cuts):
        size *= 2
    # infinity lies below no value, so the padding is never counted
    padded = np.full(size, np.inf)
    padded[: len(cuts)] = cuts
    found = np.zeros(len(values), dtype=np.int64)
    step = size // 2
    while step > 0:
        for i in range(len(values)):
            place = found[i]
            found[i] = place + step if padded[place + step - 1] < values[i] else place
        step //= 2
    return found


@_compile
def _trace(layout, codes, tree, begin, size, failed, index):
    """Push failed bits down a tree for `size` rows; the inner loops run over bytes, which compilers vectorise."""
    start = layout.node_start[tree]
    first = layout.piece_start[tree]
    none = failed.dtype.type(0)
    failed[0, :size] = none
    for node in range(layout.node_start[tree + 1] - start):
        here = start + node
        if layout.piece[here] < 0:
            continue
        # a cut of 64 bits would widen the comparison, and with it the loop over bytes
        cut = codes.dtype.type(layout.cut[here])
        code = codes[layout.column[here], begin : begin + size]
        own = failed[node, :size]
        piece = layout.piece[here] - first
        target = index[piece, :size]
        outcome = failed.dtype.type(1 << layout.bit[here])
        if layout.piece_root[first + piece] == node:
            for i in range(size):
                target[i] = own[i] | (outcome if code[i] <= cut else none)
        else:
            for i in range(size):
                target[i] = target[i] | (outcome if code[i] <= cut else none)
        bit = failed.dtype.type(1 << layout.position[here])
        left, right = layout.left[here], layout.right[here]
        if left >= 0:
            child = failed[left, :size]
            for i in range(size):
                child[i] = own[i] | (none if code[i] <= cut else bit)
        if right >= 0:
            child = failed[right, :size]
            for i in range(size):
                child[i] = own[i] | (bit if code[i] <= cut else none)


@_compile
def _room(layout, first_tree, last_tree):
    """Count nodes and pieces of the largest tree."""
    nodes, pieces = 1, 1
    for tree in range(first_tree, last_tree):
        nodes = max(nodes, layout.node_start[tree + 1] - layout.node_start[tree])
        pieces = max(pieces, layout.piece_start[tree + 1] - layout.piece_start[tree])
    return nodes, pieces


@_compile
def add_rows(layout, codes, table, out, first_tree, last_tree):
    """Add the table rows of all pieces of some trees to `out`, shape (n, outputs), outputs a multiple of 4."""
    nodes, pieces = _room(layout, first_tree, last_tree)
    # one byte: at most six goals fail above a node, and pieces are made to fit eight bits
    failed = np.zeros((nodes, _BLOCK), dtype=np.uint8)
    index = np.zeros((pieces, _BLOCK), dtype=np.uint8)
    row0 = layout.piece_row[layout.piece_start[first_tree]]
    line = 8 * out.shape[1]
    for begin in range(0, codes.shape[1], _BLOCK):
        size = min(_BLOCK, codes.shape[1] - begin)
        for tree in range(first_tree, last_tree):
            _trace(layout, codes, tree, begin, size, failed, index)
            first = layout.piece_start[tree]
            for piece in range(layout.piece_start[tree + 1] - first):
                own = index[piece, :size]
                source = table.ctypes.data + (layout.piece_row[first + piece] - row0) * line
                target = out.ctypes.data + begin * line
                place = 0
                while place + 64 <= line:
                    for i in range(size):
                        add8(target + i * line + place, source + np.int64(own[i]) * line + place)
                    place += 64
                if place < line:
                    for i in range(size):
                        add4(target + i * line + place, source + np.int64(own[i]) * line + place)


@_compile
def count_rows(layout, codes, count):
    """Count how often each index of each piece occurs."""
    n_trees = len(layout.node_start) - 1
    nodes, pieces = _room(layout, 0, n_trees)
    # two bytes: features are players too, and a node alone may need up to twelve bits
    failed = np.zeros((nodes, _BLOCK), dtype=np.uint16)
    index = np.zeros((pieces, _BLOCK), dtype=np.uint16)
    for begin in range(0, codes.shape[1], _BLOCK):
        size = min(_BLOCK, codes.shape[1] - begin)
        for tree in range(n_trees):
            _trace(layout, codes, tree, begin, size, failed, index)
            first = layout.piece_start[tree]
            for piece in range(layout.piece_start[tree + 1] - first):
                row = layout.piece_row[first + piece]
                for i in range(size):
                    count[row + index[piece, i]] += 1.0


@_compile
def _add_line(target, source, line):
    """Add `line` bytes of doubles, a multiple of 32, at one address to those at another."""
    place = 0
    while place + 64 <= line:
        add8(target + place, source + place)
        place += 64
    if place < line:
        add4(target + place, source + place)


@_compile
def add_leaves(layout, leaf_table, piece_table, first_tree, last_tree):
    """Sum the tables of leaves into tables of pieces."""
    row0 = layout.piece_row[layout.piece_start[first_tree]]
    leaf0 = layout.leaf_row[layout.leaf_start[first_tree]]
    line = 8 * piece_table.shape[1]
    for tree in range(first_tree, last_tree):
        if layout.node_start[tree] == layout.node_start[tree + 1]:
            continue
        for leaf in range(layout.leaf_start[tree], layout.leaf_start[tree + 1]):
            first, last, failed = failed_at(layout, tree, leaf)
            source = leaf_table.ctypes.data + (layout.leaf_row[leaf] - leaf0) * line
            target = piece_table.ctypes.data + (first - row0) * line
            for i in range(last - first):
                _add_line(target + i * line, source + failed[i] * line, line)


@_compile
def collect_leaves(layout, piece_count, leaf_count):
    """Count failed bits of leaves from counted indices of pieces."""
    for tree in range(len(layout.node_start) - 1):
        if layout.node_start[tree] == layout.node_start[tree + 1]:
            continue
        for leaf in range(layout.leaf_start[tree], layout.leaf_start[tree + 1]):
            if layout.leaf_row[leaf] == layout.leaf_row[leaf + 1]:
                continue
            first, last, failed = failed_at(layout, tree, leaf)
            for i in range(last - first):
                leaf_count[layout.leaf_row[leaf] + failed[i]] += piece_count[first + i]


@_compile
def scatter_rows(layout, codes, table, table_start, n_outputs, output, out, first_tree, last_tree):
    """Add table rows of pieces to `out`, shape (n, features); each piece has outputs of its own."""
    nodes, pieces = _room(layout, first_tree, last_tree)
    failed = np.zeros((nodes, _BLOCK), dtype=np.uint16)
    index = np.zeros((pieces, _BLOCK), dtype=np.uint16)
    piece0 = layout.piece_start[first_tree]
    for begin in range(0, codes.shape[1], _BLOCK):
        size = min(_BLOCK, codes.shape[1] - begin)
        for tree in range(first_tree, last_tree):
            _trace(layout, codes, tree, begin, size, failed, index)
            first = layout.piece_start[tree]
            for piece in range(layout.piece_start[tree + 1] - first):
                own, wide = index[piece, :size], n_outputs[first + piece]
                base = table_start[first + piece] - table_start[piece0]
                targets = output[first + piece]
                for i in range(size):
                    line, row = out[begin + i], base + np.int64(own[i]) * wide
                    for j in range(wide):
                        line[targets[j]] += table[row + j]


@_compile
def leaf_words(node_start, column, cut, codes, player, left_leaves, right_leaves, words):
    """Clear the bits of leaves that a row cannot reach by the splits of each player; words (trees, players, W, n)."""
    for tree in range(len(node_start) - 1):
        for node in range(node_start[tree], node_start[tree + 1]):
            limit = codes.dtype.type(cut[node])
            code = codes[column[node]]
            for w in range(words.shape[2]):
                own = words[tree, player[node], w]
                keep_left, keep_right = ~right_leaves[node, w], ~left_leaves[node, w]
                for i in range(len(own)):
                    own[i] &= keep_left if code[i] <= limit else keep_right


@_compile
def add_trees(node_start, column, cut, left_leaves, right_leaves, leaf_start, value, codes, first_tree, last_tree, out):
    """Add the outputs of some trees of at most 64 leaves to `out`, shape (n,), one tree after the other."""
    room = np.empty(min(_BLOCK, len(out)), dtype=np.uint64)
    for first in range(0, len(out), _BLOCK):
        last = min(first + _BLOCK, len(out))
        own, total = room[: last - first], out[first:last]
        for tree in range(first_tree, last_tree):
            own[:] = ~np.uint64(0)
            for node in range(node_start[tree], node_start[tree + 1]):
                limit, code = codes.dtype.type(cut[node]), codes[column[node], first:last]
                keep_left, keep_right = ~right_leaves[node, 0], ~left_leaves[node, 0]
                for i in range(len(own)):
                    own[i] &= keep_left if code[i] <= limit else keep_right
            outputs = value[leaf_start[tree] : leaf_start[tree + 1]]
            for i in range(len(own)):
                total[i] += outputs[np.uint64(lowest_bit(own[i]))]


@_compile
def _classes(words, seen, slots, keys, member):
    """Give rows with equal words the same number: `member` gets the class of each row, `seen` one row of each class."""
    slots[:] = -1
    mask = np.uint64(len(slots) - 1)
    found = 0
    for i in range(words.shape[1]):
        mixed = words[0, i]
        for w in range(1, words.shape[0]):
            mixed = mixed * np.uint64(0xD6E8FEB86659FD93) ^ words[w, i]
        place = (mixed * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40) & mask
        while slots[place] >= 0:
            # one word is its own key; keys of several words may be equal by chance
            if keys[place] == mixed and (words.shape[0] == 1 or _same(words, seen[slots[place]], i)):
                break
            place = (place + np.uint64(1)) & mask
        if slots[place] < 0:
            slots[place], keys[place] = found, mixed
            seen[found] = i
            found += 1
        member[i] = slots[place]
    return found


@_compile
def _same(words, one, other):
    same = True
    for w in range(words.shape[0]):
        same &= words[w, one] == words[w, other]
    return same


@_compile
def _leaf_values(row_words, i, other_words, value, out):
    """Output of the leaf that both sides leave open, for one row against every other row."""
    if row_words.shape[0] == 1:
        word, others = row_words[0, i], other_words[0]
        for z in range(len(others)):
            # an unsigned index: numba asks signed ones whether they count from the end
            out[z] = value[np.uint64(lowest_bit(word & others[z]))]
        return
    for z in range(other_words.shape[1]):
        for w in range(other_words.shape[0]):
            common = row_words[w, i] & other_words[w, z]
            if common != 0:
                out[z] = value[64 * w + lowest_bit(common)]
                break


@_compile
def _intersect(words, coalition, out):
    """Leaves that all players of a coalition leave open."""
    begun = False
    for player in range(words.shape[0]):
        if coalition >> player & 1:
            for w in range(words.shape[1]):
                own, target = words[player, w], out[w]
                if begun:
                    for i in range(len(own)):
                        target[i] &= own[i]
                else:
                    for i in range(len(own)):
                        target[i] = own[i]
            begun = True
    if not begun:
        out[:] = ~np.uint64(0)


@_compile
def mixed_margins(row_words, other_words, leaf_start, value, trees, asked, coalition, out, table):
    """Add some trees to `out`, shape (n, m): each row with the players outside `coalition` taken from another.

    `asked` holds the players of each tree as bits. Of a tree whose players all stand on one side, every row, or every
    other row, has one output. Lines of `out` and `table`, shape (6, n, m), are padded to a multiple of 8. Trees are
    added two by two, for each pair of their classes once, and four pairs at a time: reading and writing `out` would
    otherwise cost more than the sums.
    """
    n, m = out.shape
    n_words, n_others = row_words.shape[2], other_words.shape[3]
    mine = np.empty((n_words, n), dtype=np.uint64)
    theirs = np.empty((n_words, n_others), dtype=np.uint64)
    all_open = np.full((n_words, 1), ~np.uint64(0))
    # at most half full, and a power of two, as the mask needs
    slots = np.empty(max(64, 1 << int(np.ceil(np.log2(2 * n)))), dtype=np.int32)
    keys = np.empty(len(slots), dtype=np.uint64)
    seen, member = np.empty(n, dtype=np.int64), np.zeros((6, n), dtype=np.int64)
    of_row, of_other = np.zeros(n), np.zeros(m)
    line = np.empty(max(n, n_others))
    waiting = n_first = 0
    for tree in trees:
        inside, outside = asked[tree] & coalition, asked[tree] & ~coalition
        outputs = value[leaf_start[tree] : leaf_start[tree + 1]]
        if inside == 0:
            _intersect(other_words[tree], outside, theirs)
            _add_outputs(all_open, theirs, outputs, line, of_other)
        elif outside == 0:
            _intersect(row_words[tree], inside, mine)
            _add_outputs(all_open, mine, outputs, line, of_row)
        else:
            _intersect(row_words[tree], inside, mine)
            _intersect(other_words[tree], outside, theirs)
            # the last two places are those of the pair
            place = 4 + (n_first > 0)
            found = _classes(mine, seen, slots, keys, member[place])
            for k in range(found):
                _leaf_values(mine, seen[k], theirs, outputs, table[place, k])
            if n_first == 0:
                n_first = found
            else:
                waiting = _add_pair(out, table, member, n_first, found, waiting)
                n_first = 0
    _add_lines(out, table, member, waiting)
    if n_first > 0:
        table[5, 0] = 0.0
        member[5] = 0
        _add_two(out, table, member)
    for i in range(n):
        for z in range(m):
            out[i, z] += of_row[i] + of_other[z]


@_compile
def _add_outputs(all_open, words, outputs, line, total):
    """Add the output of each row of a tree whose players all stand on its side."""
    _leaf_values(all_open, 0, words, outputs, line)
    for i in range(words.shape[1]):
        total[i] += line[i]


@_compile
def _add_pair(out, table, member, n_first, n_second, waiting):
    """Add two trees: as one line for each pair of their classes, which waits for others, unless there are too many."""
    apart = n_first * n_second > out.shape[0]
    if apart or waiting == 4:
        _add_lines(out, table, member, waiting)
        waiting = 0
    if apart:
        _add_two(out, table, member)
        return waiting
    _join(table, member, n_first, n_second, waiting)
    return waiting + 1


@_compile
def _join(table, member, n_first, n_second, place):
    """Sum the lines of two trees for each pair of their classes."""
    for j in range(n_first):
        for k in range(n_second):
            one, two, both = table[4, j], table[5, k], table[place, j * n_second + k]
            for z in range(table.shape[2]):
                both[z] = one[z] + two[z]
    for i in range(member.shape[1]):
        member[place, i] = member[4, i] * n_second + member[5, i]


@_compile
def _add_two(out, table, member):
    """Add to each row the lines of its classes in the two trees of a pair."""
    n, m = out.shape
    for i in range(n):
        one, two, total = table[4, member[4, i]], table[5, member[5, i]], out[i]
        for z in range(m):
            total[z] += one[z] + two[z]


@_compile
def _add_lines(out, table, member, n_places):
    """Add to each row the lines of its classes in up to four places."""
    if n_places == 0:
        return
    n, m = out.shape
    # where there are fewer, the missing ones add a line of zeros
    table[n_places:4, 0] = 0.0
    member[n_places:4] = 0
    base, width, stride = table.ctypes.data, 8 * m, 8 * m * n
    for i in range(n):
        target = out.ctypes.data + i * width
        one = base + member[0, i] * width
        two = base + stride + member[1, i] * width
        three = base + 2 * stride + member[2, i] * width
        four = base + 3 * stride + member[3, i] * width
        for place in range(0, width, 64):
            add_four(target + place, one + place, two + place, three + place, four + place)


@_compile
def paired_margins(row_words, other_words, leaf_start, value, coalition, out):
    """Add to `out`, shape (n,), the margin of each row with the players outside `coalition` taken from its partner."""
    n_trees, n_players, n_words, n = row_words.shape
    everyone = (1 << n_players) - 1
    mine = np.empty((n_words, n), dtype=np.uint64)
    theirs = np.empty((n_words, n), dtype=np.uint64)
    for tree in range(n_trees):
        _intersect(row_words[tree], coalition, mine)
        _intersect(other_words[tree], everyone & ~coalition, theirs)
        for i in range(n):
            for w in range(n_words):
                common = mine[w, i] & theirs[w, i]
                if common != 0:
                    out[i] += value[leaf_start[tree] + 64 * w + lowest_bit(common)]
                    break


@_compile
def owen_table(layout, leaf_goal, leaf_width, worth, n_outputs, slot, table_start, table, first_tree, last_tree):
    """Fill the tables of pieces with the Owen values of the features on the paths of their leaves."""
    base = table_start[layout.piece_start[first_tree]]
    for tree in range(first_tree, last_tree):
        for leaf in range(layout.leaf_start[tree], layout.leaf_start[tree + 1]):
            rows = layout.leaf_row[leaf + 1] - layout.leaf_row[leaf]
            # one row: no split above, so no feature; none: a deep leaf, which has tables of its own
            if rows < 2:
                continue
            width = leaf_width[leaf]
            values = np.zeros((rows, width))
            owen_leaf(leaf_goal[leaf], width, worth[layout.leaf_row[leaf] : layout.leaf_row[leaf + 1]], values)
            first, last, failed = failed_at(layout, tree, leaf)
            piece = layout.piece[layout.node_start[tree] + layout.leaf_parent[leaf]]
            for i in range(last - first):
                row = table_start[piece] - base + i * n_outputs[piece]
                for j in range(width):
                    table[row + slot[leaf, j]] += values[failed[i], j]
