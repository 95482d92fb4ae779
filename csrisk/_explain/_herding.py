"""A few reference rows that stand for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from csrisk._machine import product

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["herd"]

_FREQUENCIES, _MOST_ROWS = 128, 20_000


def herd(points: NDArray[np.float64], n_chosen: int, random_state: int | None) -> NDArray[np.intp]:
    """Choose rows whose mean stays close to the mean of all rows, in the feature space of a Gaussian kernel.

    Greedy kernel herding (Chen, Welling and Smola 2010) on random Fourier features (Rahimi and Recht 2007), with the
    median distance as bandwidth.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        What the rows are compared by.
    n_chosen : int
        How many rows.
    random_state : int or None
        Seed of the random features, and of the rows looked at where there are more than 20,000.

    Returns
    -------
    ndarray of int
        Sorted positions, each at most once.

    Examples
    --------
    >>> import numpy as np
    >>> from csrisk._explain._herding import herd
    >>> points = np.repeat([[0.0], [10.0]], [75, 25], axis=0)
    >>> int((points[herd(points, 8, 0)] == 10).sum())
    2
    """
    rng = np.random.default_rng(random_state)
    looked_at = np.arange(len(points))
    if len(points) <= n_chosen:
        return looked_at
    if len(points) > max(_MOST_ROWS, n_chosen):
        looked_at = np.sort(rng.choice(len(points), max(_MOST_ROWS, n_chosen), replace=False))
    features = _fourier(points[looked_at], rng)
    target = features.mean(axis=0)
    goal = target.copy()
    chosen = np.empty(n_chosen, dtype=np.intp)
    free = np.ones(len(features), dtype=bool)
    for step in range(n_chosen):
        # product: a kernel of BLAS that rounds its own way chose other rows on other processors
        score = np.where(free, product(features, goal), -np.inf)
        chosen[step] = np.argmax(score)
        free[chosen[step]] = False
        # the update of Chen, Welling and Smola: what was chosen too seldom so far gains weight
        goal += target - features[chosen[step]]
    return np.asarray(np.sort(looked_at[chosen]), dtype=np.intp)


def _fourier(points: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    spread = points.std(axis=0)
    # one scale for all columns, which share a unit: what moves little counts little
    scaled = (points - points.mean(axis=0)) / (spread.mean() or 1.0)
    # a sample of pairs: all would be the square of the rows
    pairs = rng.integers(0, len(scaled), size=(2, 2000))
    # or 1: where most rows are equal, the median distance is 0
    distance = np.median(np.linalg.norm(scaled[pairs[0]] - scaled[pairs[1]], axis=1)) or 1.0
    angles = product(scaled, rng.normal(size=(points.shape[1], _FREQUENCIES))) / distance
    return np.asarray(np.concatenate([np.cos(angles), np.sin(angles)], axis=1) / np.sqrt(_FREQUENCIES))
