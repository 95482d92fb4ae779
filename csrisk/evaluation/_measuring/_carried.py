"""How much of what a forward test found off holds for the next book."""

from __future__ import annotations

import numpy as np

__all__ = ["carried"]

# of an offset in log-odds: its spread between periods where totals are right on average, and its correlation from the
# test to the next book; chosen on simulated portfolios, judged on others (benchmarks/intervals.py)
_SPREAD = 0.4
_LASTS = 0.25


def carried(offset: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shrink an offset in log-odds by the error of the test and by what another period, of another season, may hold.

    Empirical Bayes with one test: the spread between periods is at least `_SPREAD`, and larger where the test was off
    by more than its own error tells (one-study moment estimate, DerSimonian and Laird 1986).
    """
    between = np.maximum(_SPREAD**2, offset**2 - variance)
    share = _LASTS * between / (between + variance)
    return share * offset, np.sqrt(between * (1 - _LASTS * share))
