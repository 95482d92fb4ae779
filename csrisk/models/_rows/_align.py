"""One door for what comes beside the features: brought to their rows by the names of the index, or refused."""

from __future__ import annotations

import warnings
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from csrisk.exceptions import DataWarning

__all__ = ["ACCOUNT", "account_labels", "align", "chosen", "first_index", "floats", "index_accounts", "same_levels"]

ACCOUNT = "account_id"


def align(values: Any, index: pd.Index | None, name: str, other: str, *, reorder: bool = True) -> Any:
    """Bring values to the rows of an index."""
    values = _as_pandas(values, index)
    if index is None or not isinstance(values, pd.Series | pd.DataFrame):
        return values
    own = same_levels(values.index, index)
    # the same index needs no look-up, and may then hold a row twice
    if own.equals(index):
        return values
    # rows that occur twice cannot be told apart in another order
    is_same = len(own) == len(index) and own.is_unique and index.is_unique and own.nlevels == index.nlevels
    place = own.get_indexer(index) if is_same else np.full(1, -1)
    if (place < 0).any() or not reorder:
        raise ValueError(_other_rows(values, index, name, other, is_same=bool((place >= 0).all()), reorder=reorder))
    return values.iloc[place]


def _other_rows(values: Any, index: pd.Index, name: str, other: str, *, is_same: bool, reorder: bool) -> str:
    how = "the same rows in another order" if is_same else f"n_samples {len(values)} and {len(index)}"
    told = f"{name} and {other} have different indexes ({how}); align them first, as in {name}.loc[{other}.index]"
    if reorder:
        return told
    # such a tool would otherwise find that no shuffling ever makes a model worse
    return f"{told}; to a tool that shuffles {name}, as permutation_test_score does, hand over {name}.to_numpy()"


def first_index(*parts: Any) -> pd.Index | None:
    """Give the index of the first pandas object, None where there is none."""
    return next((part.index for part in parts if isinstance(part, pd.Series | pd.DataFrame)), None)


def index_accounts(index: pd.Index | None) -> pd.Index | None:
    """Take the accounts from the level of an index that has their name."""
    if index is None:
        return None
    if ACCOUNT in index.names:
        return index.get_level_values(ACCOUNT)
    if index.nlevels > 1:
        warnings.warn(
            f"index levels {list(index.names)}: none is called {ACCOUNT!r}, so each row counts as an account of its "
            f"own; rename the level of the accounts, or give groups=",
            DataWarning,
            stacklevel=3,
        )
    return None


def account_labels(groups: Any) -> Any:
    """Read the account of each row as it is: numbers and words side by side are not made one kind."""
    if isinstance(groups, pd.Series | pd.Index):
        return groups
    found = np.asarray(groups, dtype=object if isinstance(groups, list | tuple) else None)
    # a mapping would count as its keys, which are other accounts
    if found.ndim != 1:
        raise ValueError(
            f"groups: {type(groups).__name__} of shape {found.shape}; give one account for each row, as a list, an "
            "array or a Series"
        )
    return found


def chosen(mask: Any, index: pd.Index, name: str, other: str) -> np.ndarray:
    """Read which rows are chosen; one of which that is not known is not."""
    values = floats(align(mask, index, name, other), name)
    if values.shape != (len(index),):
        raise ValueError(f"{name} has shape {values.shape} for {len(index)} rows of {other}; give one for each row")
    wrong = int((~(np.isnan(values) | np.isin(values, (0, 1)))).sum())
    if wrong:
        raise ValueError(f"{name}: {wrong} of {len(values)} values are neither true nor false; hand over booleans")
    return np.asarray(values == 1)


def floats(values: Any, name: str) -> np.ndarray:
    """Read numbers, missing ones as NaN."""
    # np.asarray would take the numbers below the mask for values
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(np.float64), np.nan)
    found = values if isinstance(values, pd.Series | pd.Index) else np.asarray(values)
    # a duration would become nanoseconds, and a complex number lose a part, without a word
    if getattr(found.dtype, "kind", "O") in "mMc":
        raise ValueError(f"{name}: holds values of dtype {found.dtype}; hand over numbers, times as days")
    try:
        if isinstance(found, pd.Series | pd.Index):
            return np.asarray(found.to_numpy(dtype=np.float64, na_value=np.nan))
        # pd.NA and None among objects have no float of their own
        return np.asarray(np.where(pd.isna(found), np.nan, found), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name}: holds values of dtype {found.dtype} that are no numbers; hand over numbers"
        ) from error


def same_levels(own: pd.Index, index: pd.Index) -> pd.Index:
    """Put levels of the same names into the same order: they are told by name, never by place."""
    names, wanted = list(own.names), list(index.names)
    # names may be of several types, which sort as texts alone
    if own.nlevels > 1 and names != wanted and None not in wanted and sorted(names, key=str) == sorted(wanted, key=str):
        places = [names.index(name) for name in wanted]
        return pd.MultiIndex.from_arrays([own.get_level_values(place) for place in places], names=wanted)
    return own


def _as_pandas(values: Any, index: pd.Index | None) -> Any:
    """Give a Series of another library the rows of the index; it has none of its own."""
    if isinstance(values, pd.Series | pd.DataFrame | pd.Index | np.ndarray):
        return values
    series = nw.from_native(values, series_only=True, pass_through=True)
    if not isinstance(series, nw.Series):
        return values
    # the array alone: the index that pandas would count up says nothing of the rows
    plain = series.to_pandas().array
    return pd.Series(plain, index=index if index is not None and len(index) == len(plain) else None)
