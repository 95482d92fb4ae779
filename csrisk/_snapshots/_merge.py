"""The rule of `visible` as one compiled pass over sorted arrays, for tables that are near."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Merged", "Rows", "merge"]

Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Rows:
    """Rows of a table in the order of account and day."""

    account: Ints
    day: Ints
    known: Ints
    # a code from 0 on within its account; all 0 for the account itself
    entity: Ints
    # column by row, without NaN: one would spoil the sum of its whole slice
    values: Floats


@dataclass(frozen=True)
class Merged:
    """What snapshots see of each entity, by slice of age."""

    # position of the snapshot of each group, ascending
    snapshot: Ints
    # slice i holds the ages above edges[i], up to edges[i + 1]
    edges: Ints
    # column by slice by group
    sums: Floats
    # slice by group; 0 where the slice is empty
    newest: Ints
    oldest: Ints


def merge(
    account: Ints, cut: Ints, rows: Rows, edges: Sequence[int], columns: Sequence[int], weights: Floats
) -> Merged:
    """Sum what each snapshot may see: rows dated and known strictly before ``cut``, by slice of their age.

    The sums of floats are taken in the order of the rows, so that they are the same whatever else runs.
    """
    # here and not above: numba takes half a second to import
    from csrisk._snapshots._kernels import count_groups, sum_groups

    bounds = np.asarray(edges, dtype=np.int64)
    ages = np.arange(bounds[-1] + 1)
    # an age on an edge belongs to the younger slice; age 0 has none, and no visible row has it
    slices = np.searchsorted(bounds, ages, side="left") - 1
    slot = np.full(int(rows.entity.max(initial=0)) + 1, -1, dtype=np.int64)
    table = (rows.account, rows.day, rows.known, rows.entity)
    # counted first, so that the sums are laid out once, at their size
    counts = count_groups(account, cut, *table, int(bounds[-1]), slot)
    n_groups, n_slices = int(counts.sum()), len(bounds) - 1
    sums = np.zeros((len(columns), n_slices, n_groups))
    newest = np.zeros((n_slices, n_groups), dtype=np.int64)
    oldest = np.zeros((n_slices, n_groups), dtype=np.int64)
    # the second pass keeps groups in it, the first kept snapshots
    slot[:] = -1
    sources = np.asarray(columns, dtype=np.int64)
    sum_groups(account, cut, *table, rows.values, slices, sources, weights, slot, sums, newest, oldest)
    return Merged(np.repeat(np.arange(len(cut)), counts), bounds, sums, newest, oldest)
