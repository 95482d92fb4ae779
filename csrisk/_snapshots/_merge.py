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
    """Rows of a table in the order of account and day.

    Parameters
    ----------
    account, day, known : numpy arrays of int64
        As in the canonical tables.
    entity : numpy array of int64
        Whom a row is about within its account, as a code from 0 on; all 0 for the account itself.
    values : numpy array of float64
        One row for each column, without NaN.
    """

    account: Ints
    day: Ints
    known: Ints
    entity: Ints
    values: Floats


@dataclass(frozen=True)
class Merged:
    """What snapshots see of each entity, by slice of age.

    Parameters
    ----------
    snapshot : numpy array of int64
        Position of the snapshot of each group, ascending; a group is an entity that the snapshot sees.
    edges : numpy array of int64
        Slice i holds the ages above ``edges[i]``, up to ``edges[i + 1]``.
    sums : numpy array of float64
        Column by slice by group.
    newest, oldest : numpy array of int64
        Smallest and largest age, slice by group; 0 where the slice is empty.
    """

    snapshot: Ints
    edges: Ints
    sums: Floats
    newest: Ints
    oldest: Ints


def merge(
    account: Ints, cut: Ints, rows: Rows, edges: Sequence[int], columns: Sequence[int], weights: Floats
) -> Merged:
    """Sum what each snapshot may see: rows dated and known strictly before ``cut``, by slice of their age.

    The sums of floats are taken in the order of the rows, so that they are the same whatever else runs.

    Parameters
    ----------
    account, cut : numpy arrays of int64
        Snapshots, in this order.
    rows : Rows
        The table, in its order.
    edges : sequence of int
        Ascending from 0; rows older than the last are not seen.
    columns : sequence of int
        Row of ``rows.values`` that each sum takes.
    weights : numpy array of float64
        Sum by age (from 0 to the last edge): what a value is multiplied with.

    Returns
    -------
    Merged
    """
    from csrisk._snapshots._kernels import count_groups, sum_groups

    bounds = np.asarray(edges, dtype=np.int64)
    ages = np.arange(bounds[-1] + 1)
    slices = np.searchsorted(bounds, ages, side="left") - 1
    slot = np.full(int(rows.entity.max(initial=0)) + 1, -1, dtype=np.int64)
    table = (rows.account, rows.day, rows.known, rows.entity)
    counts = count_groups(account, cut, *table, int(bounds[-1]), slot)
    n_groups, n_slices = int(counts.sum()), len(bounds) - 1
    sums = np.zeros((len(columns), n_slices, n_groups))
    newest = np.zeros((n_slices, n_groups), dtype=np.int64)
    oldest = np.zeros((n_slices, n_groups), dtype=np.int64)
    slot[:] = -1
    sources = np.asarray(columns, dtype=np.int64)
    sum_groups(account, cut, *table, rows.values, slices, sources, weights, slot, sums, newest, oldest)
    return Merged(np.repeat(np.arange(len(cut)), counts), bounds, sums, newest, oldest)
