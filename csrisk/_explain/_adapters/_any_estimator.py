"""Estimators of any library, as a function of a matrix: frames in, numbers between, frames out."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._machine import is_forked
from csrisk.exceptions import ExplanationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

__all__ = ["Codec", "own_prediction"]


class Codec:
    """Columns of frames as numbers, and back as the model wants them.

    A column that holds no numbers travels as positions among the values of all frames. Back, a column has the type that
    it has in the frames; where they differ, types of categories are joined, and no frame lends its own to another.
    """

    def __init__(self, frames: Sequence[pd.DataFrame]) -> None:
        # the last frame names the columns, and its kind counts where types differ
        self._labels = list(frames[-1].columns)
        places = range(len(self._labels))
        self._columns = [_Column([frame.iloc[:, place] for frame in frames]) for place in places]

    def encode(self, frame: pd.DataFrame) -> Matrix:
        """Turn a frame into a matrix."""
        return np.column_stack([column.encode(frame.iloc[:, i]) for i, column in enumerate(self._columns)])

    def decode(self, matrix: Matrix) -> pd.DataFrame:
        """Turn a matrix back into a frame."""
        columns = [column.decode(matrix[:, place]) for place, column in enumerate(self._columns)]
        return pd.concat(columns, axis=1, keys=range(len(columns))).set_axis(self._labels, axis=1)


class _Column:
    """One column: its type, and its values where they are no numbers."""

    def __init__(self, parts: list[pd.Series[Any]]) -> None:
        dtypes = list(dict.fromkeys(part.dtype for part in parts))
        self._values: pd.Index[Any] | None = None
        self._dtype: Any = dtypes[0] if len(dtypes) == 1 else None
        if all(pd.api.types.is_numeric_dtype(dtype) for dtype in dtypes):
            return
        categories = [dtype for dtype in dtypes if isinstance(dtype, pd.CategoricalDtype)]
        known = [*(d.categories for d in sorted(categories, key=lambda d: -len(d.categories)))]
        known += [pd.Index(part.dropna().unique()) for part in parts if not isinstance(part.dtype, pd.CategoricalDtype)]
        self._values = pd.Index(pd.concat([index.to_series().astype(object) for index in known]).unique(), dtype=object)
        if self._dtype is None:
            last = parts[-1].dtype
            ordered = bool(categories) and all(dtype.ordered for dtype in categories)
            joined = pd.CategoricalDtype(self._values.infer_objects(), ordered=ordered)
            self._dtype = joined if isinstance(last, pd.CategoricalDtype) else last

    def encode(self, values: pd.Series[Any]) -> Matrix:
        if self._values is None:
            return values.to_numpy(dtype=np.float64, na_value=np.nan)
        codes = self._values.get_indexer(pd.Index(values, dtype=object))
        return np.where(values.isna().to_numpy() | (codes < 0), np.nan, codes)

    def decode(self, numbers: Matrix) -> pd.Series[Any]:
        absent = np.isnan(numbers)
        if self._values is not None:
            # 0 for what is absent, which has no position; it is masked in the next line
            found = self._values.to_numpy()[np.where(absent, 0, numbers).astype(np.intp)] if len(self._values) else None
            return pd.Series(found, index=range(len(numbers)), dtype=object).mask(absent).astype(self._dtype)
        # whole numbers of numpy hold no NaN, and none a fraction that what_if asked for: such a column goes as floats
        if self._dtype is None or (absent.any() and isinstance(self._dtype, np.dtype)) or not self._holds(numbers):
            return pd.Series(numbers)
        whole = pd.Series(pd.array(np.where(absent, 0.0, numbers), dtype="Float64")).mask(absent)
        return (whole if absent.any() else pd.Series(numbers)).astype(self._dtype)

    def _holds(self, numbers: Matrix) -> bool:
        """Whether the type of the column can hold the numbers as they are."""
        present = numbers[~np.isnan(numbers)]
        if pd.api.types.is_bool_dtype(self._dtype):
            return bool(np.isin(present, (0, 1)).all())
        return not pd.api.types.is_integer_dtype(self._dtype) or bool((present == np.rint(present)).all())


def own_prediction(model: Any, frame: pd.DataFrame) -> Matrix:
    """Predict with the model itself."""
    with _alone():
        if not hasattr(model, "predict_proba"):
            return np.asarray(model.predict(frame), dtype=float)
        probability = np.asarray(model.predict_proba(frame), dtype=float)
    if probability.ndim != 2 or probability.shape[1] != 2:
        shape = probability.shape
        raise ExplanationError(f"predict_proba returned shape {shape}: only models of two classes are explained")
    return probability[:, 1]


def _alone() -> AbstractContextManager[Any]:
    """One thread of OpenMP in a forked process, where those of the parent are missing."""
    if not is_forked():
        return nullcontext()
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(1, user_api="openmp")
    return limits
