"""Resampling whole accounts, because snapshots of one account say much the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from scipy.special import expit, logit, stdtrit

from csrisk._wilson import share_interval

__all__ = ["Metrics", "account_weights", "interval", "of_few", "resampled"]

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


def of_few(estimate: pd.Series, drawn: pd.DataFrame, n_few: int, level: float = 0.95) -> pd.DataFrame:
    """Interval of areas between 0 and 1 that rest on few events: error of the resamples, in log-odds, by Student's t.

    Percentiles are too narrow with few events, and too low near 1 (resamples repeat events and tie them). In log-odds
    the error is symmetric (Pepe 2003, section 5.2); t with one degree of freedom less than accounts of the rarer class,
    and the factor n / (n - 1) of its variance, pay for an error that is itself estimated from few.
    Simulated in ``benchmarks/coverage.py``.

    Parameters
    ----------
    estimate : Series
        Areas by metric.
    drawn : DataFrame
        Resamples by metric.
    n_few : int
        Accounts of the rarer class.
    level : float, default 0.95
        Coverage aimed at.

    Returns
    -------
    DataFrame
        Index metric, columns ``low`` and ``high``; 0 and 1 where one account alone has the rarer outcome, Wilson's
        where the area is 0 or 1 and has no error to measure; NaN without resamples.
    """
    area, error = estimate.to_numpy(np.float64), drawn.std().to_numpy(np.float64)
    known = np.isfinite(area) & np.isfinite(error)
    if n_few < 2:  # one account has no spread
        low, high = np.zeros(len(area)), np.ones(len(area))
    else:
        times = stdtrit(n_few - 1, 0.5 + level / 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            half = times * np.sqrt(n_few / (n_few - 1)) * error / (area * (1 - area))
        low, high = expit(logit(area) - half), expit(logit(area) + half)
        flat = (area <= 0) | (area >= 1)
        low[flat], high[flat] = share_interval(area[flat] * n_few, n_few, times)
    bounds = pd.DataFrame({"low": low, "high": high}, index=estimate.index)
    bounds.loc[~known] = np.nan
    return bounds
