"""Resampling whole accounts, because snapshots of one account say much the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from scipy.special import expit, logit, stdtrit

from csrisk._wilson import share_interval

__all__ = ["Metrics", "account_weights", "interval", "of_few", "resampled"]

Metrics = Callable[[np.ndarray], dict[str, np.ndarray]]
# cells of one block of weights, 32 MB of floats
_CELLS = 4_000_000


def account_weights(codes: np.ndarray, n_bootstrap: int, seed: int) -> Iterator[np.ndarray]:
    """Draw accounts with replacement: how often each row is in each resample."""
    rng = np.random.default_rng(seed)
    n_accounts = int(codes.max()) + 1
    block = max(1, _CELLS // len(codes))
    for start in range(0, n_bootstrap, block):
        size = min(block, n_bootstrap - start)
        # drawn one resample after the other: the size of the blocks changes no draw
        drawn = [np.bincount(rng.integers(n_accounts, size=n_accounts), minlength=n_accounts) for _ in range(size)]
        # shape (b, n): all rows of an account weigh alike, so that snapshots of one account stay together
        yield np.asarray(drawn, dtype=np.float64)[:, codes]


def resampled(metrics: Metrics, codes: np.ndarray, n_bootstrap: int, seed: int) -> tuple[pd.Series, pd.DataFrame]:
    """Compute metrics on the rows as they are and on each resample."""
    # weights of 1 are the rows as they are: estimate and resamples go through the same formula
    estimate = pd.Series({name: values[0] for name, values in metrics(np.ones((1, len(codes)))).items()})
    blocks = [pd.DataFrame(metrics(weights)) for weights in account_weights(codes, n_bootstrap, seed)]
    drawn = pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame(columns=estimate.index, dtype=np.float64)
    return estimate, drawn


def interval(drawn: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Percentile interval of each metric."""
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
    Simulated in ``benchmarks/intervals.py``.
    """
    area, error = estimate.to_numpy(np.float64), drawn.std().to_numpy(np.float64)
    # no resamples, or one class alone: nothing is known of the error
    known = np.isfinite(area) & np.isfinite(error)
    if n_few < 2:  # one account has no spread
        low, high = np.zeros(len(area)), np.ones(len(area))
    else:
        times = stdtrit(n_few - 1, 0.5 + level / 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            # delta rule: the error in log-odds is that of the area over area (1 - area)
            half = times * np.sqrt(n_few / (n_few - 1)) * error / (area * (1 - area))
        low, high = expit(logit(area) - half), expit(logit(area) + half)
        # all resamples of a perfect ranking are perfect: an error of 0 would make two accounts certain
        flat = (area <= 0) | (area >= 1)
        low[flat], high[flat] = share_interval(area[flat] * n_few, n_few, times)
    bounds = pd.DataFrame({"low": low, "high": high}, index=estimate.index)
    bounds.loc[~known] = np.nan
    return bounds
