"""Rows in an order that depends on their content alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

__all__ = ["Sample", "canonical_sample", "hash_rows"]

_FREQUENCY_ROWS = 20_000


@dataclass(frozen=True)
class Sample:
    """Training rows in canonical order.

    Parameters
    ----------
    matrix : ndarray of shape (n, p)
        Encoded features.
    target : ndarray of shape (n,)
        0 or 1.
    weight : ndarray of shape (n,)
        Positive weights with mean 1.
    group : ndarray of shape (n,)
        Codes of accounts, numbered by the content of their rows.
    """

    matrix: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    group: np.ndarray

    def __len__(self) -> int:
        return len(self.target)

    def take(self, rows: np.ndarray) -> Sample:
        """Rows of the sample.

        Parameters
        ----------
        rows : ndarray
            Positions or mask.

        Returns
        -------
        Sample
        """
        return Sample(self.matrix[rows], self.target[rows], self.weight[rows], self.group[rows])

    def n_accounts_with(self, outcome: int) -> int:
        """Count the accounts with at least one row of an outcome.

        Parameters
        ----------
        outcome : int
            0 or 1.

        Returns
        -------
        int
        """
        return len(np.unique(self.group[self.target == outcome]))


def canonical_sample(matrix: np.ndarray, target: np.ndarray, weight: np.ndarray, group: np.ndarray | None) -> Sample:
    """Order rows by their content, so that neither the order of rows nor the names of accounts change a model.

    Parameters
    ----------
    matrix, target, weight : ndarray
        Encoded features, 0 or 1, positive weights.
    group : ndarray of int, optional
        Codes of accounts; without them, rows with equal features are taken as one account, so that a duplicate never
        lands on both sides of a fold.

    Returns
    -------
    Sample
    """
    content = hash_rows(matrix)
    group = content if group is None else _rank_by_content(group, content, target, weight)
    order = np.lexsort((weight, target, content, group))
    codes = np.unique(group[order], return_inverse=True)[1]
    sample = Sample(np.ascontiguousarray(matrix[order]), target[order].astype(np.float64), weight[order], codes)
    return _weighted(sample)


def hash_rows(matrix: np.ndarray) -> np.ndarray:
    """One 64-bit hash for each row, equal for equal rows on every platform.

    Parameters
    ----------
    matrix : ndarray of shape (n, p)
        Float64 values; every NaN counts as the same value, and so do 0.0 and -0.0.

    Returns
    -------
    ndarray of uint64
    """
    mixed = np.full(len(matrix), 0x9E3779B97F4A7C15, dtype=np.uint64)
    for column in range(matrix.shape[1]):
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
    total = np.zeros(int(codes.max()) + 1, dtype=np.uint64)
    np.add.at(total, codes, _mix(content ^ _mix(target.astype(np.uint64) + weight.view(np.uint64))))
    rank = np.empty(len(total), dtype=np.int64)
    rank[np.argsort(total, kind="stable")] = np.arange(len(total))
    return np.asarray(rank[codes])


def _weighted(sample: Sample) -> Sample:
    """Repeat rows by small whole weights, so that a weight of 2 is exactly two rows; else bring the mean to 1."""
    whole = sample.weight == np.rint(sample.weight)
    if whole.all() and sample.weight.sum() <= _FREQUENCY_ROWS:
        repeated = sample.take(np.repeat(np.arange(len(sample)), sample.weight.astype(int)))
        return replace(repeated, weight=np.ones(len(repeated)))
    return replace(sample, weight=sample.weight / sample.weight.mean())
