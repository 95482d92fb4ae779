"""How far two samples of accounts lie apart, column by column, and whether chance explains it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact, kstwo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["distance_table", "holm"]

# each takes an exact test, and each divides what chance is left for the others
_MOST_CATEGORIES = 20


def distance_table(reference: pd.DataFrame, new: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Compare each column of two samples, one row of each account on both sides."""
    names = list(columns)
    table = pd.DataFrame({"distance": 0.0, "p_value": 1.0}, index=pd.Index(names, name="column", dtype=object))
    # a column that holds words on one side alone is compared as words
    numbers = [name for name in names if _is_number(reference[name]) and _is_number(new[name])]
    far = np.array([_distance(_lowest(reference[name]), _lowest(new[name])) for name in numbers])
    table.loc[numbers, "distance"] = far
    table.loc[numbers, "p_value"] = _chance(far, len(reference), len(new))
    for name in set(names).difference(numbers):
        table.loc[name] = _compare_categories(_text(reference[name]), _text(new[name]))
    return table.assign(adjusted=holm(table["p_value"].to_numpy()))


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p-values so that rejecting those below alpha is wrong anywhere with probability alpha at most.

    Parameters
    ----------
    p_values : ndarray
        Of any dependence.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> import numpy as np
    >>> from csrisk.monitoring._distance import holm
    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    # Holm 1979: the smallest counts as often as there are tests, each further one once less
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    # never below a smaller one's: what is rejected last must not look surer
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * factors))
    return adjusted


def _distance(old: NDArray[np.float64], new: NDArray[np.float64]) -> float:
    """Largest difference between the shares of two sorted samples at or below any value."""
    # the difference can only change at a value of either side
    values = np.concatenate([old, new])
    shares = [np.searchsorted(side, values, side="right") / len(side) for side in (old, new)]
    return float(np.abs(shares[0] - shares[1]).max())


def _chance(distance: NDArray[np.float64], n_old: int, n_new: int) -> NDArray[np.float64]:
    # the distribution of one sample of the harmonic size: exact enough, and on the safe side for ties
    size = max(1, round(n_old * n_new / (n_old + n_new)))
    return np.clip(np.asarray(kstwo.sf(distance, size), dtype=np.float64), 0.0, 1.0)


def _lowest(column: pd.Series) -> NDArray[np.float64]:
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    # a gap that opens is drift too: it counts as the lowest value, and no account drops out
    return np.sort(np.where(np.isnan(values), -np.inf, values))


def _compare_categories(old: NDArray[np.object_], new: NDArray[np.object_]) -> tuple[float, float]:
    codes, names = pd.factorize(np.concatenate([old, new]))
    side = np.repeat([0, 1], [len(old), len(new)])
    counts = np.zeros((max(len(names), 1), 2))
    np.add.at(counts, (codes, side), 1)
    # chosen by what both sides hold together, so that the choice tells nothing of the sides
    common = counts[np.argsort(-counts.sum(axis=1), kind="stable")][:_MOST_CATEGORIES]
    totals = np.array([len(old), len(new)], dtype=np.float64)
    shares = common / totals
    values = [float(fisher_exact(np.array([row, totals - row])).pvalue) for row in common]
    # of two categories that hold all the tests are one: what one gains the other loses
    n_tests = len(common) if len(common) > 2 else 1
    return float(np.abs(shares[:, 0] - shares[:, 1]).max()), min(1.0, min(values) * n_tests)


def _is_number(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column.dtype))


def _text(column: pd.Series) -> NDArray[np.object_]:
    values = column.astype(object)
    # None, NaN and NA are one category
    return values.where(values.notna(), None).map(str).to_numpy(dtype=object)
