"""From a feature frame to the matrix that the trees see: by name, with stable codes for categories."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.api import types

from csrisk._text import MISSING_WORDS
from csrisk.exceptions import ScoringWarning

__all__ = ["ColumnEncoder", "encode_frame", "learn_columns"]

# fewer distinct values are codes, such as tiers 1, 2 and 3
_MOST_CODES = 20
# no comma: 1,234 is another number in another country
_PLAIN_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_TEXT = {"string", "empty-string", "categorical"}
_NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal", "boolean"}


@dataclass(frozen=True)
class ColumnEncoder:
    """How one column becomes numbers."""

    name: Any
    kind: Literal["number", "category", "empty"]
    categories: tuple[Any, ...] = ()
    from_text: bool = False

    def encode(self, values: pd.Series) -> tuple[np.ndarray, int]:
        """Encode the column and count the values that training has not seen."""
        kind = _kind_of(values)
        # a column without a value in training was never split on, and stays missing ever after
        if self.kind == "empty" or kind == "empty":
            return np.full(len(values), np.nan), 0
        if kind == "category" and self.from_text and (read := _written_numbers(values)) is not None:
            return _numbers(read, self.name), 0
        if kind != self.kind:
            raise ValueError(
                f"column {self.name!r}: holds values of kind {kind!r} now and {self.kind!r} in training; "
                "give it the dtype that it had in training"
            )
        if kind == "number":
            return _numbers(values, self.name), 0
        encoded = self._codes(values)
        return encoded, int((np.isnan(encoded) & values.notna().to_numpy()).sum())

    def _codes(self, values: pd.Series) -> np.ndarray:
        """Place of each value among the categories of training; NaN for missing ones and for those it has not seen."""
        if isinstance(values.dtype, pd.CategoricalDtype):
            place, kinds = values.cat.codes.to_numpy(), values.cat.categories
        else:
            place, kinds = pd.factorize(values)
        code = {category: float(at) for at, category in enumerate(self.categories)}
        # the last one is that of -1, with which pandas marks a missing value
        return np.array([*(code.get(kind, np.nan) for kind in kinds), np.nan])[place]


def learn_columns(frame: pd.DataFrame) -> tuple[ColumnEncoder, ...]:
    """Learn how each column of a training frame is encoded."""
    repeated = frame.columns[frame.columns.duplicated()].unique().tolist()
    if repeated:
        raise ValueError(f"columns={repeated}: each occurs more than once in X; keep one of each name")
    return tuple(_learn(frame.iloc[:, position], frame.columns[position]) for position in range(frame.shape[1]))


def encode_frame(columns: tuple[ColumnEncoder, ...], frame: pd.DataFrame) -> np.ndarray:
    """Encode a frame whose columns are those of training, warning of categories that training has not seen."""
    # an index of accounts and dates would be copied at every step, and one row takes as long as many then
    frame = frame.reset_index(drop=True)
    matrix = np.empty((len(frame), len(columns)), dtype=np.float64)
    plain = _plain_numbers(columns, frame)
    matrix[:, plain] = frame.iloc[:, plain].to_numpy(dtype=np.float64)
    # column by column, so that the first one with an infinite value is named
    together = set() if np.isinf(matrix[:, plain]).any() else set(plain)
    unseen: dict[Any, int] = {}
    for position, column in enumerate(columns):
        if position in together:
            continue
        matrix[:, position], count = column.encode(frame.iloc[:, position])
        if count:
            unseen[column.name] = count
    if unseen:
        listed = ", ".join(f"{name!r}: {count} of {len(frame)} rows" for name, count in unseen.items())
        warnings.warn(
            f"categories unseen in training are scored as missing ({listed}); retrain if they are here to stay",
            ScoringWarning,
            stacklevel=4,
        )
    return matrix


def _plain_numbers(columns: tuple[ColumnEncoder, ...], frame: pd.DataFrame) -> list[int]:
    """Positions of the columns that NumPy holds as numbers, as training did: they are read at once."""
    return [
        position
        for position, (column, dtype) in enumerate(zip(columns, frame.dtypes, strict=True))
        if column.kind == "number" and isinstance(dtype, np.dtype) and dtype.kind in "fiub"
    ]


def _learn(values: pd.Series, name: Any) -> ColumnEncoder:
    kind = _kind_of(values)
    if kind != "category":
        return ColumnEncoder(name, kind)
    present = _plain(values).dropna().unique().tolist()
    if len(present) > _MOST_CODES and _written_numbers(values) is not None:
        return ColumnEncoder(name, "number", from_text=True)
    # sorted, so that codes do not depend on the order of rows; by type first, as 1 and 'a' cannot be compared
    return ColumnEncoder(name, "category", tuple(sorted(present, key=lambda value: (type(value).__name__, value))))


def _kind_of(values: pd.Series) -> Literal["number", "category", "empty"]:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "category" if len(dtype.categories) else "empty"
    if types.is_bool_dtype(dtype) or (types.is_numeric_dtype(dtype) and not types.is_complex_dtype(dtype)):
        return "number"
    inferred = types.infer_dtype(values, skipna=True)
    if inferred == "empty":
        return "empty"
    if inferred in _TEXT:
        return "category"
    if inferred in _NUMBERS:
        return "number"
    raise ValueError(
        f"column {values.name!r}: dtype {dtype} holding {inferred!r} values; features are numbers, booleans, "
        "strings or categories; turn times into days before as_of and mixed columns into one type"
    )


def _written_numbers(values: pd.Series) -> pd.Series | None:
    """Read a column of text as numbers; None if one text is neither a plain number nor a word for a missing value."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return None  # declared to be a category
    read = np.full(len(values), np.nan)
    for row, text in enumerate(_plain(values)):
        if text is None or (isinstance(text, str) and text.strip().lower() in MISSING_WORDS):
            continue
        if not isinstance(text, str) or not _PLAIN_NUMBER.fullmatch(text):
            return None
        read[row] = float(text)
    return pd.Series(read)


def _plain(values: pd.Series) -> pd.Series:
    return values.astype(object).where(values.notna(), None)


def _numbers(values: pd.Series, name: Any) -> np.ndarray:
    numbers = values.astype("Float64") if types.is_object_dtype(values.dtype) else values
    encoded = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    n_infinite = int(np.isinf(encoded).sum())
    if n_infinite:
        raise ValueError(
            f"column {name!r}: {n_infinite} of {len(encoded)} values are inf; X must be finite or missing (NaN): "
            "say what a ratio is when its denominator is 0"
        )
    return np.asarray(encoded, dtype=np.float64)
