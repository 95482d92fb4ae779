"""Rows in an order that depends on their content alone."""

from __future__ import annotations

from dataclasses import dataclass

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
        Positive weights with mean 1; all 1 where whole weights became rows.
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
    rows, weight = _as_rows(weight)
    content, target = hash_rows(matrix)[rows], target[rows]
    group = content if group is None else _rank_by_content(group[rows], content, target, weight)
    order = np.lexsort((weight, target, content, group))
    codes = np.unique(group[order], return_inverse=True)[1]
    # the one copy of the whole matrix
    return Sample(matrix[rows[order]], target[order].astype(np.float64), weight[order], codes)


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
    totals = np.zeros((2, int(codes.max()) + 1), dtype=np.uint64)
    labelled = _mix(content ^ (target.astype(np.float64) + 0.0).view(np.uint64))
    np.add.at(totals[0], codes, labelled)
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
    return rows, weight / weight.mean()
