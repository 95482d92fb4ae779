"""How well a single feature tells the outcome, with an error that knows of accounts."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from csrisk.evaluation._measuring import Auc, clustered_auc

__all__ = ["Auc", "account_codes", "account_level", "clustered_auc", "constant_columns", "single_auc"]

Array: TypeAlias = np.ndarray[Any, Any]

MIN_EVENTS = 10  # accounts; below it no interval is worth reading
_FOLDS = 5


def single_auc(column: pd.Series, event: Array, account: Array, n_accounts: int) -> Auc | None:
    """Area of one feature on the rows that have a value.

    Numbers count in their better direction; categories by the event share of their other accounts (five folds).
    """
    there = column.notna().to_numpy()
    seen, who, values = event[there], account[there], column[there]
    if min(len(np.unique(who[seen])), len(np.unique(who[~seen]))) < MIN_EVENTS or values.nunique() < 2:
        return None
    if not is_number(column):
        return clustered_auc(_encoded(values, seen, who), seen, who, n_accounts)
    auc = clustered_auc(values.to_numpy(dtype=np.float64), seen, who, n_accounts)
    # a number may speak either way; influence turns with it, so that leads stay paired
    return auc if auc.value >= 0.5 else Auc(1 - auc.value, -auc.influence)


def is_number(column: pd.Series) -> bool:
    """Whether a column counts as numbers."""
    return pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)


def account_codes(X: pd.DataFrame) -> Array:
    """Account code of each row; each row is its own where there is no level account_id."""
    if "account_id" in X.index.names:
        # sorted: folds are made of the codes, and must not hang on the order of rows
        return np.asarray(pd.factorize(X.index.get_level_values("account_id"), sort=True)[0])
    return np.arange(len(X))


def constant_columns(X: pd.DataFrame, account: Array) -> list[str]:
    """Columns whose value never changes within an account, where accounts are seen more than once."""
    again = np.flatnonzero(pd.Series(account).duplicated(keep=False).to_numpy())
    if not len(again):
        return []
    by_account = again[np.argsort(account[again], kind="stable")]
    same = account[by_account][1:] == account[by_account][:-1]
    found = []
    for name in X.columns:
        codes = pd.factorize(X[name])[0][by_account]
        changes = codes[1:] != codes[:-1]
        # a column that says the same of everybody is no attribute
        if changes.any() and not changes[same].any():
            found.append(name)
    return found


def account_level(X: pd.DataFrame, event: Array, account: Array) -> tuple[pd.DataFrame, Array]:
    """First row of each account, and whether any of its snapshots has an event."""
    first = pd.Series(account).drop_duplicates()
    ever = np.bincount(account, weights=event) > 0
    return X.iloc[first.index], ever[first.to_numpy()]


def _encoded(values: pd.Series, event: Array, account: Array) -> Array:
    codes = pd.factorize(values)[0]
    # by account: one that is seen often would tell its category its own outcome
    fold = account % _FOLDS
    score = np.empty(len(codes))
    for number in range(_FOLDS):
        inside, outside = fold == number, fold != number
        count = np.bincount(codes[outside], minlength=codes.max() + 1)
        hits = np.bincount(codes[outside], weights=event[outside], minlength=codes.max() + 1)
        # one account's worth of the overall share keeps rare categories in the middle
        share = (hits + event.mean()) / (count + 1)
        score[inside] = share[codes[inside]]
    return score
