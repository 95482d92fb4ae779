"""What members have learned of single accounts, and how far it pulls the risk of a later book down.

Whoever is in the book today has stayed through every label of the past. A member that trained on these accounts takes
part of that for a trait of theirs, which no later label will bear out; rows of accounts held out, on which
probabilities are calibrated, do not show it. Each account was kept from one member of each round: the margin of that
member, beside those of the members that saw the account, tells the pull without any label.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

__all__ = ["shift_of_seen"]

# with a share of folds of 30 accounts the pull is told to about .2 in log-odds, more than it is
_LEAST_ACCOUNTS = 30
_WIDEST = 30.0


def shift_of_seen(margins: np.ndarray, folds: np.ndarray, seen: np.ndarray) -> float:
    """Find what to add to the intercept, so that the total of a later book is that of members who did not see it.

    Parameters
    ----------
    margins : ndarray of shape (rounds, folds, n)
        Log-odds of each row by the members that have not seen the accounts of a fold.
    folds : ndarray of shape (rounds, n)
        Fold of the account of each row.
    seen : ndarray of shape (n,)
        Whether training had the account at all; folds of others mean nothing.

    Returns
    -------
    float
        Log-odds; 0.0 for fewer than 30 accounts that training had.
    """
    rounds, n_folds, _ = margins.shape
    if seen.sum() < _LEAST_ACCOUNTS:
        return 0.0
    own, place = margins[:, :, seen], np.arange(int(seen.sum()))
    # one member of each round at a time on either side: a mean over more would vary less, and lie lower for it
    turned = [
        expit(np.mean([own[one, (folds[one, seen] + turn) % n_folds, place] for one in range(rounds)], axis=0))
        for turn in range(n_folds)
    ]
    knowing = np.mean(turned[1:], axis=0)
    pull = _shift_to(knowing, _total(turned[0]))
    whole = expit(margins.mean(axis=(0, 1)))
    # of all members of a round but one the account was seen
    target = whole.copy()
    target[seen] = expit(logit(whole[seen]) + pull * (n_folds - 1) / n_folds)
    return _shift_to(whole, _total(target))


def _total(risk: np.ndarray) -> float:
    """Add up in an order of size, so that the order of rows changes no bit."""
    return float(np.sort(risk).sum())


def _shift_to(risk: np.ndarray, total: float) -> float:
    """Find the shift of the log-odds with which risks add up to a total."""
    margin = logit(np.clip(risk, 1e-12, 1 - 1e-12))
    low, high = -_WIDEST, _WIDEST
    for _ in range(100):
        # the total rises with the shift, so halving cannot miss it; 100 halvings end in one float
        middle = (low + high) / 2
        low, high = (middle, high) if _total(expit(margin + middle)) < total else (low, middle)
    return (low + high) / 2
