"""The permutation null: a whole procedure that is given nothing must find nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk.checks._association import MIN_EVENTS, account_codes, clustered_auc
from csrisk.checks._check import Check, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["check_permutation_null"]

NULL = Rule(
    "CSR004",
    "Permutation null",
    "Ojala and Garriga 2010; interval of the AUC clustered by account at 99 percent, shared over the shuffles",
    "look for rows that are in train and test, and for steps fitted before the split",
    leakage=True,
)


def check_permutation_null(
    fit_predict: Callable[[pd.DataFrame, pd.Series, pd.DataFrame], Any],
    X: pd.DataFrame,
    y: pd.Series,
    *,
    train: pd.Series,
    test: pd.Series,
    n_shuffles: int = 2,
    random_state: int = 0,
) -> Check:
    """Shuffle outcomes within dates, run everything again, and expect an AUC of one half.

    Parameters
    ----------
    fit_predict : callable
        From (X of train, y of train, X of test) to scores of the test rows.
    X : pandas.DataFrame
        Features.
    y : pandas.Series
        Outcomes on the same index.
    train, test : pandas.Series of bool
        Split, as `ForwardSplit.at` gives it.
    n_shuffles : int
        How often the procedure is run.
    random_state : int
        Seed.

    Returns
    -------
    Check
    """
    known = y.notna()
    learned, tested = train & known, test & known
    rng = np.random.default_rng(random_state)
    account = account_codes(X[tested])
    z = {1: 2.576, 2: 2.807, 3: 2.935}.get(n_shuffles, 3.1)
    areas, furthest = [], 0.0
    for _ in range(n_shuffles):
        shuffled = _shuffled(y, known, rng)
        event = shuffled[tested].to_numpy(dtype=bool)
        if min(event.sum(), (~event).sum()) < MIN_EVENTS:
            return NULL.not_applicable(f"fewer than {MIN_EVENTS} events or others among {len(event)} test snapshots")
        score = np.asarray(fit_predict(X[learned], shuffled[learned], X[tested]), dtype=np.float64)
        auc = clustered_auc(score, event, account, int(account.max()) + 1)
        areas.append(auc.value)
        furthest = max(furthest, abs(auc.value - 0.5) / max(auc.error, 1e-12))
    listed = ", ".join(f"{area:.3f}" for area in areas)
    return NULL.judge(
        furthest > z, f"AUC on shuffled outcomes {listed}; {furthest:.1f} errors from .5", f"{z:g} errors"
    )


def _shuffled(y: pd.Series, known: pd.Series, rng: np.random.Generator) -> pd.Series:
    """Outcomes dealt anew among the snapshots of each date; missing ones stay where they are."""
    values = y.to_numpy(copy=True, dtype=object)
    dates = y.index.get_level_values("as_of") if "as_of" in y.index.names else np.zeros(len(y))
    codes = pd.factorize(dates)[0]
    for code in np.unique(codes):
        rows = np.flatnonzero((codes == code) & known.to_numpy())
        values[rows] = values[rng.permutation(rows)]
    return pd.Series(values, index=y.index, name=y.name).astype(y.dtype)
