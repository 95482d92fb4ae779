"""Frames of any library as pandas frames, and the columns of a model in them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk.exceptions import ExplanationError
from csrisk.models._rows import as_features

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["as_frame", "columns_of", "index_keys"]

_KEYS = ["account_id", "as_of"]


def as_frame(given: Any, what: str) -> pd.DataFrame:
    """Give a frame of pandas, Polars, Arrow or another library as a pandas frame."""
    try:
        made = as_features(given)
    except ValueError as error:
        raise ExplanationError(f"{what}: {error}") from error
    if not isinstance(made, pd.DataFrame):
        raise ExplanationError(
            f"{what}={type(given).__name__}: pass the feature frame itself, as build_features gives it"
        )
    return made


def columns_of(names: Sequence[Any], frame: pd.DataFrame, what: str) -> list[Any]:
    """Find the columns of a model in a frame."""
    if not any(name in frame.columns for name in names) and _are_numbers(names) and frame.shape[1] == len(names):
        return list(frame.columns)
    written: dict[str, list[Any]] = {}
    for label in frame.columns:
        written.setdefault(str(label).replace(" ", "_"), []).append(label)
    times = Counter(frame.columns)
    found = [[name] * times[name] or written.get(str(name), []) for name in names]
    wrong = [name for name, labels in zip(names, found, strict=True) if len(labels) != 1]
    if wrong:
        raise ExplanationError(
            f"{what}: {len(wrong)} of {len(names)} columns of the model are missing or occur more than once, first "
            f"{wrong[:5]}; give the columns of training"
        )
    return [labels[0] for labels in found]


def _are_numbers(names: Sequence[Any]) -> bool:
    plain = [str(name).removeprefix("Column_").removeprefix("f") for name in names]
    return plain == [str(place) for place in range(len(plain))]


def index_keys(index: pd.Index, like: pd.Index | None = None) -> tuple[pd.Index, pd.Index]:
    """Give accounts and times of an index by the names of its levels, wherever they stand."""
    keys: list[Any] = [key for key in _KEYS if key in index.names]
    if len(keys) < len(_KEYS):
        if index.nlevels != len(_KEYS):
            raise ExplanationError(f"index has levels {list(index.names)}; name those of it account_id and as_of")
        dated = [pd.api.types.is_datetime64_any_dtype(level) for level in index.to_frame(index=False).dtypes]
        told = list(index.names if like is None else like.names)
        keys = [0, 1]
        if dated[0] != dated[1]:
            keys = [1, 0] if dated[0] else [0, 1]
        elif told == list(index.names)[::-1] and told[0] != told[1]:
            keys = [1, 0]
    return index.get_level_values(keys[0]), index.get_level_values(keys[1])
