"""Interval of a share: the one place that knows the formula of Wilson."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Z_95", "share_interval"]

Z_95 = 1.959963984540054  # two-sided 95 %: the quantile of a normal at .975


def share_interval(hits: Any, n: Any, z: float = Z_95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wilson interval of a share.

    Parameters
    ----------
    hits, n : array-like
        Successes (may be fractional) and trials.
    z : float, default Z_95
        Normal quantile; that of 95 %.

    Returns
    -------
    low, high : ndarray
        Missing where n is 0.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. Journal of the American
    Statistical Association 22, 209-212.

    Examples
    --------
    >>> low, high = share_interval([0, 5], [10, 10])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.237], [0.278, 0.763])
    """
    hits, n = np.asarray(hits, dtype=float), np.asarray(n, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(n > 0, hits / n, np.nan)
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # rounding must not leave a share of 0 or 1 outside of its interval
    return np.clip(np.minimum(middle - half, share), 0, 1), np.clip(np.maximum(middle + half, share), 0, 1)
