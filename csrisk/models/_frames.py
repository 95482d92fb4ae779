"""Reading feature frames: what every model of csrisk does before it sees a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from csrisk.models._encoder import encode_frame, learn_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk.models._encoder import ColumnEncoder

__all__ = ["FrameReader", "directions", "seed_of"]


class FrameReader(BaseEstimator):
    """Estimator that reads features by name, with stable codes for categories."""

    columns_: tuple[ColumnEncoder, ...]

    def encode(self, X: Any) -> np.ndarray:
        """Turn features into the matrix that the trees see.

        Parameters
        ----------
        X : DataFrame or array-like
            Features with the columns of training, matched by name.

        Returns
        -------
        ndarray of shape (n, p)
            Float64 in the order of ``feature_names_in_``; categories as codes, missing and unseen as NaN.

        Raises
        ------
        ValueError
            If columns are missing, reordered or unknown, change their kind, or hold infinite values.
        """
        check_is_fitted(self)
        if not isinstance(X, pd.DataFrame):
            X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
            return np.asarray(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        if X.empty:
            raise ValueError(f"X has shape={X.shape}; a minimum of 1 row is required")
        return encode_frame(self.columns_, X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _categories(self) -> list[int]:
        return [place for place, column in enumerate(self.columns_) if column.kind == "category"]

    def _learn_matrix(self, X: Any) -> np.ndarray:
        if isinstance(X, pd.DataFrame):
            columns = learn_columns(X)
            validate_data(self, X, skip_check_array=True)
            if X.empty:
                raise ValueError(f"X has {len(X)} sample(s) and {X.shape[1]} feature(s); a minimum of 1 is required.")
            self.columns_ = columns
            return encode_frame(self.columns_, X)
        matrix = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        self.columns_ = learn_columns(pd.DataFrame(matrix[:1] * 0.0 + 1.0))
        return np.asarray(matrix)


def directions(columns: tuple[ColumnEncoder, ...], monotone: Mapping[str, int]) -> list[int]:
    """Monotone direction of each column.

    Parameters
    ----------
    columns : tuple of ColumnEncoder
        Columns of training.
    monotone : mapping of str to int
        Directions -1, 0 or 1 by column; categories have none.

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        If a column is unknown or a direction is none of these.
    """
    unknown = sorted(set(map(str, monotone)) - {str(column.name) for column in columns})
    if unknown:
        raise ValueError(f"monotone: columns {unknown} are not in X")
    if not set(monotone.values()) <= {-1, 0, 1}:
        raise ValueError("monotone: directions must be -1, 0 or 1")
    return [0 if column.kind == "category" else int(monotone.get(column.name, 0)) for column in columns]


def seed_of(random_state: Any) -> int:
    """Turn a random state into a seed; none given means one fixed seed, as in LightGBM, so that two runs agree.

    Parameters
    ----------
    random_state : int, RandomState or None
        As given by the user.

    Returns
    -------
    int
    """
    return 0 if random_state is None else int(check_random_state(random_state).randint(2**31 - 1))
