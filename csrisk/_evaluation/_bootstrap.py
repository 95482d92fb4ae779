"""Resampling whole accounts, because snapshots of one account say much the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

__all__ = ["Metrics", "account_weights", "interval", "resampled"]

Metrics = Callable[[np.ndarray], dict[str, np.ndarray]]
_CELLS = 4_000_000


def account_weights(codes: np.ndarray, n_bootstrap: int, seed: int) -> Iterator[np.ndarray]:
    """Draw accounts with replacement: how often each row is in each resample.

    Parameters
    ----------
    codes : ndarray of int
        Account of each row.
    n_bootstrap : int
        Resamples.
    seed : int
        Seed.

    Yields
    ------
    ndarray of shape (b, n)
        Resamples in blocks that fit into memory.
    """
    rng = np.random.default_rng(seed)
    n_accounts = int(codes.max()) + 1
    block = max(1, _CELLS // len(codes))
    for start in range(0, n_bootstrap, block):
        size = min(block, n_bootstrap - start)
        drawn = [np.bincount(rng.integers(n_accounts, size=n_accounts), minlength=n_accounts) for _ in range(size)]
        yield np.asarray(drawn, dtype=np.float64)[:, codes]


def resampled(metrics: Metrics, codes: np.ndarray, n_bootstrap: int, seed: int) -> tuple[pd.Series, pd.DataFrame]:
    """Compute metrics on the rows as they are and on each resample.

    Parameters
    ----------
    metrics : callable
        From weights of shape (b, n) to a dict of arrays of shape (b,).
    codes : ndarray of int
        Account of each row.
    n_bootstrap : int
        Resamples.
    seed : int
        Seed.

    Returns
    -------
    tuple of Series and DataFrame
        Estimates by metric, and resamples by metric as columns.
    """
    estimate = pd.Series({name: values[0] for name, values in metrics(np.ones((1, len(codes)))).items()})
    blocks = [pd.DataFrame(metrics(weights)) for weights in account_weights(codes, n_bootstrap, seed)]
    drawn = pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame(columns=estimate.index, dtype=np.float64)
    return estimate, drawn


def interval(drawn: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Percentile interval of each metric.

    Parameters
    ----------
    drawn : DataFrame
        Resamples by metric.
    level : float, default 0.95
        Coverage aimed at.

    Returns
    -------
    DataFrame
        Index metric, columns ``low`` and ``high``; NaN where no resample has a value.
    """
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore"):  # a ratio to nothing is infinite
        bounds = drawn.quantile([tail, 1 - tail])
    bounds.index = pd.Index(["low", "high"])
    return bounds.T
