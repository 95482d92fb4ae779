"""What is said of columns when a model learns: text that is numbers, ids, categories of hardly any repetition."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk.exceptions import DataWarning

if TYPE_CHECKING:
    from csrisk.models._rows._encoder import ColumnEncoder

__all__ = ["warn_of_suspects"]

_MANY = 20  # fewer values repeat by themselves in a small frame
# beyond one half a category has fewer than two accounts on average
_MOSTLY, _ALMOST = 0.5, 0.95
_NUMERIC = 0.9
_IS_ID = re.compile(r"(^|[_\W])(ids?|uuid|guid|key)$", re.IGNORECASE)


def warn_of_suspects(
    columns: tuple[ColumnEncoder, ...], frame: pd.DataFrame, matrix: np.ndarray, accounts: np.ndarray | None
) -> None:
    """Warn of columns that are hardly what they seem, by name and count, never by value."""
    found: dict[str, list[str]] = {}
    for place, column in enumerate(columns):
        if column.kind == "empty":
            continue
        values = matrix[:, place]
        told = (_texts if column.kind == "category" else _numbers)(column, frame.iloc[:, place], values, accounts)
        if column.from_text:
            blank = frame.iloc[:, place].notna().to_numpy() & np.isnan(values)
            told[_READ] = f"{int((~np.isnan(values)).sum())} numbers, {int(blank.sum())} blank"
        for kind, words in told.items():
            found.setdefault(kind, []).append(f"{column.name!r}: {words}")
    for kind, listed in found.items():
        warnings.warn(f"{kind}: {'; '.join(listed)}", DataWarning, stacklevel=4)


_TEXT_NUMBERS = (
    "text that is numbers is learned as categories, without order; turn it into plain numbers first (1234.5, no comma, "
    "no percent sign), or say that it is a category by its dtype"
)
_READ = (
    "text that is numbers was read as numbers, blank text as missing; say that it is a category by its dtype if it is"
)
_REPEAT = "categories that hardly repeat tell accounts apart and nothing of new ones; leave the column out, or group it"
_IDS = "numbers that look like ids tell accounts apart and nothing of new ones; leave the column out"


def _texts(column: ColumnEncoder, values: pd.Series, codes: np.ndarray, accounts: np.ndarray | None) -> dict[str, str]:
    told, known = {}, ~np.isnan(codes)
    texts = [value for value in column.categories if isinstance(value, str)]
    filled = [value for value in texts if value.strip()]
    # a few codes of a column declared as categories are what they seem
    is_declared = isinstance(values.dtype, pd.CategoricalDtype) and len(filled) <= _MANY
    if filled and not is_declared and np.mean([_is_number(value) for value in filled]) >= _NUMERIC:
        blank = [place for place, value in enumerate(column.categories) if value in texts and not value.strip()]
        rows = int(np.isin(codes, blank).sum())
        told[_TEXT_NUMBERS] = f"{len(filled)} values in {int(known.sum())} rows" + (f", {rows} blank" if rows else "")
    n_units = _n_units(known, accounts)
    is_named = _is_called_id(column.name)
    if len(column.categories) > _MANY and (is_named or len(column.categories) > _MOSTLY * n_units):
        told[_REPEAT] = f"{len(column.categories)} values in {n_units} {_unit(accounts)}"
    return told


def _numbers(
    column: ColumnEncoder, values: pd.Series, numbers: np.ndarray, accounts: np.ndarray | None
) -> dict[str, str]:
    del values
    known = ~np.isnan(numbers)
    there, n_units = numbers[known], _n_units(known, accounts)
    # a column called an id, or one that counts the rows or accounts; sorting all others would cost time for nothing
    if n_units <= _MANY or not (_is_called_id(column.name) or np.ptp(there) == n_units - 1):
        return {}
    distinct = np.unique(there)
    if len(distinct) < _ALMOST * n_units or not (distinct == np.rint(distinct)).all():
        return {}
    return {_IDS: f"{len(distinct)} whole numbers in {n_units} {_unit(accounts)}"}


def _is_called_id(name: Any) -> bool:
    return isinstance(name, str) and _IS_ID.search(name) is not None


def _is_number(text: str) -> bool:
    try:
        float(text.strip().replace(",", "").rstrip("%"))
    except ValueError:
        return False
    return True


def _n_units(known: np.ndarray, accounts: np.ndarray | None) -> int:
    return int(known.sum()) if accounts is None else len(np.unique(accounts[known]))


def _unit(accounts: Any) -> str:
    return "rows" if accounts is None else "accounts"
