"""Estimators of any library, as a function of a matrix: frames in, numbers between, frames out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk.exceptions import ExplanationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

__all__ = ["function_of"]


def function_of(model: Any) -> tuple[Callable[[pd.DataFrame], Matrix], Callable[[Matrix], Matrix]]:
    """Make the two halves of a prediction: from a frame to a matrix, and from a matrix to predictions.

    Parameters
    ----------
    model : estimator
        Fitted on a frame; its ``predict_proba`` must have two columns.

    Returns
    -------
    encode, predict : callable
        Columns that hold no numbers travel through the matrix as positions in the list of values seen so far, and get
        their dtype back before the estimator sees them.
    """
    names = [str(name) for name in model.feature_names_in_]
    values: dict[str, list[Any]] = {}
    dtypes: dict[str, Any] = {}

    def encode(frame: pd.DataFrame) -> Matrix:
        matrix = np.empty((len(frame), len(names)))
        for place, name in enumerate(names):
            column = frame[name]
            dtypes.setdefault(name, column.dtype)
            if pd.api.types.is_numeric_dtype(column.dtype):
                matrix[:, place] = column.to_numpy(dtype=float, na_value=np.nan)
                continue
            known = values.setdefault(name, [])
            known += [value for value in column.dropna().unique() if value not in known]
            codes = pd.Categorical(column.astype(object), categories=known).codes
            matrix[:, place] = np.where(codes < 0, np.nan, codes)
        return matrix

    def decode(matrix: Matrix) -> pd.DataFrame:
        columns = {}
        for place, name in enumerate(names):
            if name not in values:
                columns[name] = pd.Series(matrix[:, place])
                continue
            codes = np.where(np.isnan(matrix[:, place]), -1, matrix[:, place]).astype(int)
            columns[name] = pd.Series(pd.Categorical.from_codes(codes, pd.Index(values[name]))).astype(dtypes[name])
        return pd.DataFrame(columns)

    def predict(matrix: Matrix) -> Matrix:
        frame = decode(matrix)
        if not hasattr(model, "predict_proba"):
            return np.asarray(model.predict(frame), dtype=float)
        probability = np.asarray(model.predict_proba(frame), dtype=float)
        if probability.ndim != 2 or probability.shape[1] != 2:
            shape = probability.shape
            raise ExplanationError(f"predict_proba returned shape {shape}: only models of two classes are explained")
        return probability[:, 1]

    return encode, predict
