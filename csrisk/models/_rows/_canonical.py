"""Rows in an order that depends on their content alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Sample", "canonical_sample", "hash_rows"]

# weights are written out as rows up to here, so that large ones do not fill the memory
_FREQUENCY_ROWS = 20_000


@dataclass(frozen=True)
class Sample:
    """Training rows in canonical order."""

    matrix: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    group: np.ndarray

    def __len__(self) -> int:
        return len(self.target)

    def take(self, rows: np.ndarray) -> Sample:
        """Rows of the sample."""
        return Sample(self.matrix[rows], self.target[rows], self.weight[rows], self.group[rows])

    def n_accounts_with(self, outcome: int) -> int:
        """Count the accounts with at least one row of an outcome."""
        return len(np.unique(self.group[self.target == outcome]))


def canonical_sample(matrix: np.ndarray, target: np.ndarray, weight: np.ndarray, group: np.ndarray | None) -> Sample:
    """Order rows by their content, so that neither the order of rows nor the names of accounts change a model."""
    rows, weight = _as_rows(weight)
    content, target = hash_rows(matrix)[rows], target[rows]
    # without accounts rows of equal features are one, so that a duplicate never lies on both sides of a fold
    group = content if group is None else _rank_by_content(group[rows], content, target, weight)
    # the last key leads: rows of an account stand together
    order = np.lexsort((weight, target, content, group))
    codes = np.unique(group[order], return_inverse=True)[1]
    # the one copy of the whole matrix
    return Sample(matrix[rows[order]], target[order].astype(np.float64), weight[order], codes)


def hash_rows(matrix: np.ndarray) -> np.ndarray:
    """One 64-bit hash for each row, equal for equal rows on every platform."""
    # the increment of SplitMix64: 2**64 divided by the golden ratio, made odd
    mixed = np.full(len(matrix), 0x9E3779B97F4A7C15, dtype=np.uint64)
    for column in range(matrix.shape[1]):
        # -0.0 becomes 0.0, and every NaN the same one: equal values must have equal bits
        values = matrix[:, column] + 0.0
        values[np.isnan(values)] = np.nan
        mixed = _mix(mixed ^ _mix(values.view(np.uint64) + np.uint64(column)))
    return mixed


def _mix(bits: np.ndarray) -> np.ndarray:
    """Finaliser of SplitMix64 (Steele, Lea and Flood 2014): every input bit reaches every output bit."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(bits ^ (bits >> np.uint64(31)))


def _rank_by_content(group: np.ndarray, content: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Give accounts numbers by the sum of their row hashes; accounts of equal content may swap without effect."""
    codes = np.unique(group, return_inverse=True)[1]
    # sums that wrap around in 64 bits depend on no order of rows; bincount would add in floats and lose bits
    totals = np.zeros((2, int(codes.max()) + 1), dtype=np.uint64)
    labelled = _mix(content ^ (target.astype(np.float64) + 0.0).view(np.uint64))
    np.add.at(totals[0], codes, labelled)
    # tells accounts apart that differ in nothing but weights
    np.add.at(totals[1], codes, _mix(labelled ^ weight.view(np.uint64)))
    rank = np.empty(totals.shape[1], dtype=np.int64)
    rank[np.lexsort((totals[1], totals[0]))] = np.arange(totals.shape[1])
    return np.asarray(rank[codes])


def _as_rows(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Repeat rows by whole weights, so that a weight of 2 is exactly two rows; bring others to a mean of 1."""
    rows = np.arange(len(weight))
    if (weight == np.rint(weight)).all() and weight.sum() <= max(_FREQUENCY_ROWS, len(weight)):
        repeated = np.repeat(rows, weight.astype(np.int64))
        return repeated, np.ones(len(repeated))
    # of weights that are no counts only the ratios matter
    return rows, weight / weight.mean()
