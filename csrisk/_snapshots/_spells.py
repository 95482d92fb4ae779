"""Contracts as spells and as levels over time, on plain arrays of whole days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

__all__ = ["FOREVER", "Ints", "Levels", "Spells"]

Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

FOREVER = 10**7  # days; an end that has not been seen
_STRIDE = 2**32  # one account's days never reach the next account's in a joint key


@dataclass(frozen=True, eq=False)
class Spells:
    """Unbroken stretches of contract, sorted by account and start."""

    account: Ints
    start: Ints
    end: Ints

    @classmethod
    def merge(cls, account: Ints, start: Ints, end: Ints, grace: int) -> Spells:
        """Join contracts of one account that overlap or follow within the grace.

        A contract that starts on the day ``end + grace`` still renews; without grace it must start on that very end.

        Parameters
        ----------
        account, start, end : ndarray of int64
            One entry for each contract, in any order.
        grace : int
            Days.

        Returns
        -------
        Spells

        Examples
        --------
        >>> import numpy as np
        >>> one = np.zeros(3, dtype=np.int64)
        >>> spells = Spells.merge(one, np.array([0, 10, 41]), np.array([10, 20, 50]), grace=20)
        >>> spells.start.tolist(), spells.end.tolist()
        ([0, 41], [20, 50])
        """
        order = np.lexsort((end, start, account))
        account, start, end = account[order], start[order], end[order]
        # a running maximum within each account: the stride lifts every account above the one before
        reach = np.maximum.accumulate(account * _STRIDE + end) - account * _STRIDE
        opens = np.ones(len(account), dtype=bool)
        opens[1:] = (account[1:] != account[:-1]) | (start[1:] > reach[:-1] + grace)
        last = np.append(np.flatnonzero(opens)[1:], len(account)) - 1
        return cls(account[opens], start[opens], reach[last] if len(account) else end)

    def at(self, account: Ints, day: Ints) -> Ints:
        """Find the spell that holds at the start of a day."""
        # start < day <= end: what starts on the day is not there at its start, an end on the day is not known then
        position = np.searchsorted(self.account * _STRIDE + self.start, account * _STRIDE + day) - 1
        # -1, before the first spell of all, would read the last
        safe = np.maximum(position, 0)
        if not len(self.account):
            return np.full(len(account), -1)
        return np.where((position >= 0) & (self.account[safe] == account) & (self.end[safe] >= day), position, -1)


@dataclass(frozen=True, eq=False)
class Levels:
    """Amount under contract as a step function of the day, sorted by account and day."""

    key: Ints
    amount: Floats
    running: Ints
    known: Ints

    @classmethod
    def of(cls, account: Ints, start: Ints, end: Ints, amount: Floats) -> Levels:
        """Add up contracts that run at the same time."""
        # an unknown amount adds 0 and is told by fewer known than running: NaN would stay in a running sum for good
        known = ~np.isnan(amount)
        key = np.concatenate([account * _STRIDE + start, account * _STRIDE + end])
        change = np.concatenate([np.where(known, amount, 0.0), -np.where(known, amount, 0.0)])
        there = np.concatenate([known, known]).astype(np.int64)
        sign = np.repeat(np.array([1, -1], dtype=np.int64), len(account))
        order = np.lexsort((change, key))  # the amounts too: sums must not depend on the order of rows
        key, change, sign, there = key[order], change[order], sign[order], there[order]
        # steps of one day are one: an end and a renewal on it leave no level in between
        last = np.flatnonzero(np.append(key[1:] != key[:-1], True)) if len(key) else np.zeros(0, dtype=np.int64)
        owner = _owner(key)
        return cls(
            key[last],
            _cumulated(change, owner)[last].round(6),  # adding and taking away the same money must leave nothing
            _cumulated(sign, owner)[last],
            _cumulated(sign * there, owner)[last],
        )

    def before(self, account: Ints, day: Ints, *, across_gap: int) -> Floats:
        """Level just before the start of a day."""
        level = np.full(len(account), np.nan)
        if not len(self.key):
            return level
        # the last step strictly before the day
        position = np.searchsorted(self.key, account * _STRIDE + day) - 1
        gap = self._holds(position, account) & (self.running[np.maximum(position, 0)] == 0)
        # -1 goes back to the level before the end, 1 on to that of the renewal
        position = np.where(gap, position + across_gap, position)
        good = self._holds(position, account)
        # a sum of which one part is unknown is unknown
        good[good] = (self.known == self.running)[position[good]] & (self.running[position[good]] > 0)
        level[good] = self.amount[position[good]]
        return level

    def _holds(self, position: Ints, account: Ints) -> Any:
        inside = (position >= 0) & (position < len(self.key))
        return inside & (_owner(self.key[np.clip(position, 0, len(self.key) - 1)]) == account)


def _owner(key: Ints) -> Ints:
    # days are small beside the stride, and may be negative
    return (key + _STRIDE // 2) // _STRIDE


def _cumulated(change: Any, owner: Ints) -> Any:
    """Cumulative sum within each account."""
    if not len(change):
        return change
    total = np.cumsum(change)
    first = np.append(True, owner[1:] != owner[:-1])
    before = (total - change)[first]
    return total - np.repeat(before, np.diff(np.append(np.flatnonzero(first), len(owner))))
