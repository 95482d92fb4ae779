"""Compiled loops of `merge`. Import it only where they are run: numba takes half a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from csrisk._machine import compiled

if TYPE_CHECKING:
    from csrisk._snapshots._merge import Floats, Ints

__all__ = ["count_groups", "sum_groups"]


@compiled()
def count_groups(
    account: Ints, cut: Ints, row_account: Ints, day: Ints, known: Ints, entity: Ints, reach: int, slot: Ints
) -> Ints:
    """Count the entities that each snapshot sees."""
    # snapshots and rows come by account and day, so `first` never goes back: one pass over both
    counts = np.zeros(len(cut), dtype=np.int64)
    first = 0
    for s in range(len(cut)):
        first = _first_row(first, account[s], cut[s] - reach, row_account, day)
        row = first
        while row < len(day) and row_account[row] == account[s] and day[row] < cut[s]:
            # slot holds the last snapshot that saw the entity, so that nothing has to be cleared in between
            if known[row] < cut[s] and slot[entity[row]] != s:
                slot[entity[row]] = s
                counts[s] += 1
            row += 1
    return counts


@compiled()
def sum_groups(
    account: Ints,
    cut: Ints,
    row_account: Ints,
    day: Ints,
    known: Ints,
    entity: Ints,
    values: Floats,
    slices: Ints,
    columns: Ints,
    weights: Floats,
    slot: Ints,
    sums: Floats,
    newest: Ints,
    oldest: Ints,
) -> None:
    """Sum the columns of each entity that a snapshot sees by slice of age, and note its smallest and largest age."""
    reach = len(slices) - 1
    first, n_groups = 0, 0
    for s in range(len(cut)):
        first = _first_row(first, account[s], cut[s] - reach, row_account, day)
        row, base = first, n_groups
        while row < len(day) and row_account[row] == account[s] and day[row] < cut[s]:
            if known[row] < cut[s]:
                # a group below base is one of an earlier snapshot
                if slot[entity[row]] < base:
                    slot[entity[row]] = n_groups
                    n_groups += 1
                group, age = slot[entity[row]], cut[s] - day[row]
                part = slices[age]
                for c in range(len(columns)):
                    sums[c, part, group] += values[columns[c], row] * weights[c, age]
                newest[part, group] = age  # rows come by day, so the last is the newest
                # ages start at 1, so 0 is a slice that is still empty
                if oldest[part, group] == 0:
                    oldest[part, group] = age
            row += 1


@compiled(inline="always")
def _first_row(first: int, account: int, low: int, row_account: Ints, day: Ints) -> int:
    """Go on to the first row of the account that is no older than `low`."""
    while first < len(day) and (row_account[first] < account or (row_account[first] == account and day[first] < low)):
        first += 1
    return first
