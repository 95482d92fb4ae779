"""pandas to Arrow without losing what has to be checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

__all__ = ["from_pandas"]

# what infer_dtype calls columns that Arrow takes as they are
_PLAIN = {"string", "empty", "integer", "floating", "boolean", "decimal", "date"}
_NESTED = (list, tuple, dict, set, np.ndarray)
_NUMBERS = (int, float, complex)


def from_pandas(frame: pd.DataFrame) -> tuple[Any, frozenset[str]]:
    """Convert a frame; columns of mixed Python objects are written as text, so that nothing is guessed."""
    import pyarrow as pa

    # by position, as names may repeat, which is refused with their names later
    columns = [*_levels(frame), *((name, frame.iloc[:, place]) for place, name in enumerate(frame.columns))]
    arrays, names, mixed = [], [], set()
    for name, series in columns:
        array, was_mixed = _column(series)
        arrays.append(array)
        names.append(str(name))
        if was_mixed:
            mixed.add(str(name))
    return pa.table(arrays, names=names), frozenset(mixed)


def _levels(frame: pd.DataFrame) -> list[tuple[Any, pd.Series[Any]]]:
    """Give the levels of an index that have a name of their own: columns, as in a Parquet file of the frame."""
    taken = {str(name).casefold() for name in frame.columns}
    named = [(place, name) for place, name in enumerate(frame.index.names) if name is not None]
    return [
        (name, frame.index.get_level_values(place).to_series(index=pd.RangeIndex(len(frame))))
        for place, name in named
        if str(name).casefold() not in taken
    ]


def _column(series: pd.Series[Any]) -> tuple[Any, bool]:
    import pyarrow as pa

    if isinstance(series.dtype, pd.SparseDtype):
        series = series.astype(series.dtype.subtype)
    try:
        return _as_arrow(series)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        values = series.tolist()
    # whole numbers of more than 64 bits are ids, and exact as text
    if not any(isinstance(value, _NESTED) for value in values) and _is_plain(series):
        return pa.array([_as_text(value) for value in values], type=pa.string()), False
    # what no type of Arrow holds is no value of any kind, which is said of its column
    return pa.array([None if _missing(value) else [] for value in values], type=pa.list_(pa.string())), False


def _is_plain(series: pd.Series[Any]) -> bool:
    return series.dtype == object and pd.api.types.infer_dtype(series, skipna=True) in _PLAIN


def _as_arrow(series: pd.Series[Any]) -> tuple[Any, bool]:
    import pyarrow as pa

    if isinstance(series.dtype, pd.CategoricalDtype):
        words = series.cat.categories
        # categories of Python objects may be of several types, and go the way of objects; spans have no type in Arrow
        if words.dtype != object and not isinstance(words.dtype, pd.PeriodDtype | pd.IntervalDtype):
            return pa.Array.from_pandas(series).dictionary_decode(), False
        series = series.astype(object)
    # a period is no moment, so it goes as text and not as a time
    if isinstance(series.dtype, pd.PeriodDtype | pd.IntervalDtype):
        series = series.astype(str)
    if series.dtype != object:
        return pa.Array.from_pandas(series), False
    inferred = pd.api.types.infer_dtype(series, skipna=True)
    if inferred in _PLAIN:
        return pa.Array.from_pandas(series), False
    if inferred in ("datetime", "datetime64") and (alike := series.infer_objects()).dtype != object:
        return pa.Array.from_pandas(alike), False
    # datetimes of several zones have no common Arrow type, so they go as text with their offsets
    values = series.tolist()
    if any(isinstance(value, _NESTED) for value in values):
        return pa.array(values), False
    numeric = {isinstance(value, _NUMBERS) for value in values if not _missing(value)}
    return pa.array([_as_text(value) for value in values], type=pa.string()), len(numeric) == 2


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _as_text(value: object) -> str | None:
    if _missing(value):
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    # among text a number is an id, and 12.0 is 12
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
