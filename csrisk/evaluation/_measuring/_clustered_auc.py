"""Area under the ROC curve with an error that knows of accounts, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy.stats import rankdata

__all__ = ["Auc", "clustered_auc"]

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Auc:
    """Area under the ROC curve and what each account adds to its error."""

    # not below .5 where a number's direction is not asked for; influence has one entry for each account code
    value: float
    influence: Array

    @property
    def error(self) -> float:
        """Standard error, clustered by account."""
        return float(np.sqrt((self.influence**2).sum()))

    def low(self, z: float) -> float:
        """Lower bound."""
        return self.value - z * self.error

    def lead(self, other: Auc, z: float) -> tuple[float, float]:
        """Difference from another area on the same accounts, and its lower bound."""
        # paired: what both areas owe to the same accounts cancels
        error = float(np.sqrt(((self.influence - other.influence) ** 2).sum()))
        return self.value - other.value, self.value - other.value - z * error


def clustered_auc(score: Array, event: Array, account: Array, n_accounts: int) -> Auc:
    """Area with the clustered variance of Obuchowski (1997)."""
    # ranks among all less ranks within the class are wins over the other class, so no pair is ever formed
    ranks = rankdata(score)
    n_event, n_other = int(event.sum()), int((~event).sum())
    # share of the other class that each row beats, ties half
    beats = np.empty(len(score))
    beats[event] = (ranks[event] - rankdata(score[event])) / n_other
    beats[~event] = 1 - (ranks[~event] - rankdata(score[~event])) / n_event
    value = float(beats[event].mean())
    # each class counts as a mean of its own, whatever its size
    size = np.where(event, n_event, n_other)
    influence = np.bincount(account, weights=(beats - value) / size, minlength=n_accounts)
    present = len(np.unique(account))
    # of accounts with rows: a code without any adds nothing to the spread
    return Auc(value, influence * np.sqrt(present / max(present - 1, 1)))
