"""One common factor behind several kinds of noisy evidence, estimated from the book itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["OneFactor", "fit_one_factor"]

_PAIRS = 30  # snapshots that must show two kinds for their covariance to count
_STEPS = 500


@dataclass(frozen=True, slots=True)
class OneFactor:
    """Where each snapshot stands on the common factor."""

    score: np.ndarray
    variance: np.ndarray
    loading: pd.Series


def fit_one_factor(mean: pd.DataFrame, weight: pd.DataFrame, within: pd.Series) -> OneFactor | None:
    """Fit congeneric measurements: kind k of snapshot i is mean_k + loading_k x factor_i + own part + noise.

    Loadings come from the covariances between kinds (least squares over pairs, weighted by the snapshots that show
    both), the own part of a kind from what its variance holds beyond loading and noise. The factor is the regression
    score: each kind counts by its precision, so many answers of one kind cannot outvote all others.

    Joreskog, K. G. (1971). Statistical analysis of sets of congeneric tests. Psychometrika 36, 109-133.
    """
    # pair by pair: hardly any snapshot shows every kind
    covariance = mean.cov(min_periods=_PAIRS).to_numpy()
    seen = mean.notna().to_numpy()
    loading = _loadings(covariance, seen.astype(float).T @ seen.astype(float))
    # one kind alone has nothing to move together with
    if (loading > 0).sum() < 2:
        return None
    amount = np.where(seen, weight.to_numpy(), np.nan)
    variance = np.nan_to_num(np.diag(covariance))
    noise = within.to_numpy() / amount
    # sampling may leave a variance below 0
    own = np.maximum(variance - loading**2 - np.nan_to_num(pd.DataFrame(noise).mean().to_numpy()), 0.0)
    # a kind without noise would have all the weight, so its variance has a floor
    precision = np.where(seen, 1 / np.maximum(np.nan_to_num(own + noise), 1e-6), 0.0)
    apart = (mean - mean.mean()).fillna(0.0).to_numpy()
    # 1 is the precision that the factor has before any evidence: its variance in the book is 1
    total = 1 + (precision * loading**2).sum(axis=1)
    score = (precision * loading * apart).sum(axis=1) / total
    return OneFactor(score, 1 / total, pd.Series(loading, index=mean.columns))


def _loadings(covariance: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    spread = np.sqrt(np.nan_to_num(np.diag(covariance)))
    usable = np.isfinite(covariance) & (spread[:, None] > 0) & (spread > 0)
    weight = np.where(usable, pairs, 0.0)
    # the diagonal holds noise and own part beside the loading, so it is not fitted
    np.fill_diagonal(weight, 0.0)
    correlation = np.where(usable, covariance, 0.0) / np.where(spread > 0, np.outer(spread, spread), 1.0).clip(1e-12)
    # the same sign for all at the start: evidence is coded so that more is happier
    loading = np.where(weight.sum(axis=1) > 0, 0.5, 0.0)
    for _ in range(_STEPS):  # each loading in turn given the others; half steps keep two kinds from swinging
        best = (weight * correlation) @ loading / np.maximum((weight * loading**2).sum(axis=1), 1e-12)
        loading = (loading + np.clip(best, 0.0, 0.99)) / 2
    return np.where(loading < 1e-3, 0.0, loading * spread)
