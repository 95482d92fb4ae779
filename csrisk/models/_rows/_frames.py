"""Reading feature frames: what every model of csrisk does before it sees a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from csrisk.models._rows._encoder import encode_frame, learn_columns
from csrisk.models._rows._native import as_features
from csrisk.models._rows._sample import account_groups
from csrisk.models._rows._suspects import warn_of_suspects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk.models._rows._encoder import ColumnEncoder

__all__ = ["FrameReader", "directions", "seed_of"]


class FrameReader(BaseEstimator):
    """Estimator that reads features by name, with stable codes for categories."""

    columns_: tuple[ColumnEncoder, ...]

    def encode(self, X: Any) -> np.ndarray:
        """Turn features into the matrix that the trees see.

        Parameters
        ----------
        X : DataFrame or array-like
            Features with the columns of training, matched by name: a frame of pandas, Polars, Arrow or any other
            library that Narwhals reads. An array has no names and no categories; it is taken where training saw none.

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
        X = as_features(X)
        if not isinstance(X, pd.DataFrame):
            self._refuse_array()
            X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
            return np.asarray(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        self._check_names(X)
        if X.empty:
            raise ValueError(f"X has shape={X.shape}; a minimum of 1 row is required")
        return encode_frame(self.columns_, X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _categories(self) -> list[int]:
        return [place for place, column in enumerate(self.columns_) if column.kind == "category"]

    def _learn_matrix(self, X: Any, groups: Any = None) -> tuple[Any, np.ndarray]:
        """Learn the columns; give the features as they are read, and their matrix."""
        X = as_features(X)
        if not isinstance(X, pd.DataFrame):
            matrix = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
            self.columns_ = learn_columns(pd.DataFrame(matrix[:1] * 0.0 + 1.0))
            return X, np.asarray(matrix)
        columns = learn_columns(X)
        validate_data(self, X, skip_check_array=True)
        if X.empty:
            raise ValueError(f"X has {len(X)} sample(s) and {X.shape[1]} feature(s); a minimum of 1 is required.")
        matrix = encode_frame(columns, X)
        warn_of_suspects(columns, X, matrix, account_groups(X, groups))
        self.columns_ = columns
        return X, matrix

    def _check_names(self, X: pd.DataFrame) -> None:
        """Refuse other names where scikit-learn looks at none: it takes names that are no texts by place."""
        learned = [column.name for column in self.columns_]
        if hasattr(self, "feature_names_in_") or X.columns.tolist() == learned:
            return
        if learned != list(range(len(learned))) or not all(isinstance(name, str) for name in X.columns):
            raise ValueError(
                f"X has the columns {X.columns.tolist()[:5]}, training had {learned[:5]}, by name and in this order; "
                "give the columns of training"
            )

    def _refuse_array(self) -> None:
        named = [column.name for column in self.columns_ if column.kind == "category"]
        if named:
            raise ValueError(
                f"X is an array, and columns {named[:5]} were learned as categories, which an array cannot hold; "
                "hand over a frame with the features of training"
            )


def directions(columns: tuple[ColumnEncoder, ...], monotone: Mapping[Any, int]) -> list[int]:
    """Monotone direction of each column."""
    kinds = {column.name: column.kind for column in columns}
    unknown = [name for name in monotone if name not in kinds]
    if unknown:
        near = [name for name in kinds if not isinstance(name, str) and str(name) in map(str, unknown)]
        hint = f"; the names {near} are no texts: write them without quotes" if near else ""
        raise ValueError(f"monotone: columns {unknown} are not in X{hint}")
    ordered = [name for name, way in monotone.items() if way and kinds[name] == "category"]
    if ordered:
        raise ValueError(f"monotone: columns {ordered} hold categories, which have no direction; leave them out")
    return [int(monotone.get(column.name, 0)) for column in columns]


def seed_of(random_state: Any) -> int:
    """Turn a random state into a seed; none given means one fixed seed, as in LightGBM, so that two runs agree."""
    # LightGBM holds its seed in 32 bits with a sign
    return 0 if random_state is None else int(check_random_state(random_state).randint(2**31 - 1))
