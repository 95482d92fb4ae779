"""Frames of any library, read as one kind, so that the same rows are the same numbers."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from csrisk.models._rows._align import ACCOUNT

__all__ = ["as_features"]

_KEYS = (ACCOUNT, "as_of")


def as_features(X: Any) -> Any:
    """Turn features into a pandas frame, or into an array where they have no names."""
    if isinstance(X, pd.DataFrame):
        return X
    frame = nw.from_native(X, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        if not frame.implementation.is_polars():
            raise ValueError(
                f"X is a query of {frame.implementation.value}, whose rows have no order, so that risks could not be "
                "told apart by account; collect it into a frame first, sorted by account_id and as_of"
            )
        frame = frame.collect()
    if isinstance(frame, nw.DataFrame):
        made = frame.to_pandas()
        # only pandas has an index: elsewhere the keys of snapshots stand beside the features
        return made.set_index(list(_KEYS)) if set(_KEYS) <= set(made.columns) else made
    if isinstance(X, np.ma.MaskedArray):
        return np.ma.filled(X.astype(np.float64), np.nan)
    _refuse_text(X)
    return X


def _refuse_text(X: Any) -> None:
    """Refuse text in an array: no column has a type of its own there, so what it is would be a guess."""
    if not isinstance(X, np.ndarray | list | tuple):
        return
    try:
        values = np.asarray(X)
    except ValueError:
        return  # ragged: scikit-learn says so
    if values.dtype.kind in "mM":
        raise ValueError(f"X is an array of dtype {values.dtype}; turn times into days before as_of")
    if values.dtype.kind not in "OSU" or values.ndim != 2:
        return
    texts = np.array([[isinstance(value, str | bytes) for value in row] for row in values])
    if texts.any():
        places = np.flatnonzero(texts.any(axis=0))
        raise ValueError(
            f"X is an array with text in {int(texts.sum())} of {texts.size} cells (columns {places[:5].tolist()}); "
            "hand over a frame, in which a column of text is a category and one of numbers holds numbers"
        )
