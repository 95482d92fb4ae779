"""What is given to ``fit``, checked: labels, weights, groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length, column_or_1d

from csrisk.exceptions import NotEnoughDataError
from csrisk.models._rows._align import account_labels, align, first_index, floats, index_accounts
from csrisk.models._rows._canonical import Sample, canonical_sample
from csrisk.models._rows._event import refuse_missing_words, require_event

__all__ = ["account_groups", "read_sample", "read_target", "read_weight", "require_accounts"]

# Below ten events the standard error of an AUC of .8 is above .08 (Hanley and McNeil 1982): nothing can be told apart.
_BOOK_MIN_EVENTS = 10
_WIDEST_WEIGHTS = 1e9


def read_target(y: Any, X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Read labels: values of the labelled rows and the mask of labelled rows."""
    if y is None:
        raise ValueError("the model requires y to be passed, but the target y is None")
    y = align(y, first_index(X), "y", "X", reorder=False)
    values = y.iloc[:, 0] if isinstance(y, pd.DataFrame) and y.shape[1] == 1 else y
    if isinstance(values, pd.Series):
        labelled = values.notna().to_numpy()
        # nullable types become the plain ones that scikit-learn knows
        values = values[labelled].astype(object).infer_objects().to_numpy()
    else:
        if isinstance(values, np.ma.MaskedArray):
            raise ValueError(
                "y is a masked array; hand over a pandas Series in which labels that are missing are pd.NA"
            )
        values = column_or_1d(values, warn=True)
        labelled = np.ones(len(values), dtype=bool)
        if values.dtype == object:
            labelled = ~pd.isna(values)
            values = np.array(values[labelled].tolist())
    refuse_missing_words(values, "y")
    kind = type_of_target(values, input_name="y") if len(values) else "binary"
    if kind != "binary":
        raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
    return values, labelled


def account_groups(X: Any, groups: Any) -> np.ndarray | None:
    """Labels that keep the rows of one account together, None where nothing says which rows belong together."""
    index = first_index(X)
    if groups is None:
        groups = index_accounts(index)
        if groups is None:
            return None
    groups = align(groups, index, "groups", "X", reorder=False)
    codes = pd.factorize(account_labels(groups))[0]
    check_consistent_length(X, codes)
    if (codes < 0).any():
        raise ValueError(f"groups: {int((codes < 0).sum())} of {len(codes)} are missing; each row needs its account")
    return np.asarray(codes)


def read_sample(
    X: Any, matrix: np.ndarray, y: Any, *, groups: Any = None, sample_weight: Any = None
) -> tuple[Sample, np.ndarray, int]:
    """Check and order what a model learns from."""
    labels, labelled = read_target(y, X)
    check_consistent_length(matrix, labelled)
    weight = read_weight(sample_weight, X, len(labelled))
    group = account_groups(X, groups)
    used = labelled & (weight > 0)
    # labels hold the labelled rows alone, so the mask is cut down to them first
    labels = labels[used[labelled]]
    classes, target = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise NotEnoughDataError(
            f"y holds one class in {len(labels)} labelled rows (n_samples={len(labelled)}); "
            "a classifier needs two classes: widen the horizon or the period"
        )
    require_event(classes, X)
    order = np.flatnonzero(used)
    sample = canonical_sample(matrix[order], target, weight[order], None if group is None else group[order])
    return sample, classes, int((~labelled).sum())


def read_weight(sample_weight: Any, X: Any, n_rows: int) -> np.ndarray:
    """Read weights, one where none are given."""
    if sample_weight is None:
        return np.ones(n_rows)
    sample_weight = align(sample_weight, first_index(X), "sample_weight", "X", reorder=False)
    weight = floats(sample_weight, "sample_weight")
    if weight.ndim > 1:
        # the words of scikit-learn for the same fault
        raise ValueError(f"Sample weights must be 1D array or scalar; got shape {weight.shape}")
    if weight.ndim == 0:
        weight = np.full(n_rows, float(weight))
    if len(weight) != n_rows:
        raise ValueError(f"sample_weight has {len(weight)} values, X has {n_rows} rows; give one for each row")
    wrong = int((~np.isfinite(weight) | (weight < 0)).sum())
    if wrong:
        raise ValueError(f"sample_weight: {wrong} of {n_rows} are negative or not finite; weights are >= 0")
    if n_rows and not weight.any():
        raise ValueError("sample_weight must contain at least one weight that is not zero")
    if n_rows:
        _refuse_wide(weight)
    return weight


def _refuse_wide(weight: np.ndarray) -> None:
    """LightGBM holds weights in single precision: beyond that range the small ones would be lost without a word."""
    least, most = weight[weight > 0].min(), weight.max()
    if not np.isfinite(weight.sum()) or most > _WIDEST_WEIGHTS * least:
        raise ValueError(
            f"sample_weight: from {least:.3g} to {most:.3g}; the largest may be {_WIDEST_WEIGHTS:g} times the smallest "
            "above 0, as only ratios matter; divide them, or leave rows of next to no weight out"
        )


def require_accounts(found: int, what: str, least: int | None, *, is_book: bool) -> None:
    """Refuse to learn from too few accounts."""
    needed = least if least is not None else (_BOOK_MIN_EVENTS if is_book else 1)
    if found < needed:
        raise NotEnoughDataError(
            f"min_events={needed}: {found} accounts {what}, {needed} are needed; "
            "take more accounts, a longer past or a longer horizon"
        )
