"""Features that users bring as a frame of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd

from csrisk.exceptions import FeatureError
from csrisk.features._declaration import Feature

__all__ = ["Own", "fit_own"]

Own: TypeAlias = tuple[pd.DataFrame, Sequence[Feature]]


def fit_own(own: Own, index: pd.MultiIndex) -> pd.DataFrame:
    """Bring a user's frame into the rows of the snapshots; what it lacks is missing."""
    frame, features = own
    if list(frame.index.names) != ["account_id", "as_of"]:
        raise FeatureError("own: the frame needs the index levels account_id and as_of; use set_index")
    repeats = int(frame.index.duplicated().sum())
    if repeats:
        raise FeatureError(f"own: {repeats} of {len(frame)} rows repeat their account_id and as_of; aggregate them")
    names = [feature.name for feature in features]
    # compared as texts: names of a frame may be numbers, which declarations cannot be
    if sorted(names) != sorted(map(str, frame.columns)):
        odd = sorted(set(names) ^ set(map(str, frame.columns)))
        raise FeatureError(f"own: columns and declarations differ in {odd}; declare each column once")
    fitted = frame[names].reindex(index)
    # ids read as numbers here and as texts there fit nowhere, and would be a column of missing values
    found = int(index.isin(frame.index).sum())
    if not found:
        message = f"own: none of the {len(index)} snapshots is in the frame; compare the types of account_id and as_of"
        raise FeatureError(message)
    return pd.DataFrame({name: _column(fitted[name]) for name in names}, index=index)


def _column(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype) or not (
        pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)
    ):
        # times would become as many categories as there are moments
        if pd.api.types.is_datetime64_any_dtype(column):
            raise FeatureError(f"own: column {column.name!r} holds times; give days before as_of instead")
        try:
            return column.astype("category")
        except TypeError as error:
            raise FeatureError(f"own: column {column.name!r} holds neither numbers nor categories") from error
    numbers = column.astype("float64")
    infinite = int(np.isinf(numbers).sum())
    if infinite:
        raise FeatureError(f"own: column {column.name!r} has {infinite} infinite values; replace them by NaN")
    return numbers
