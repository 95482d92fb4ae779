"""The book at training, as monitoring holds later books against it: column by column, without a row of any account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._pipeline._archive import array_from_bytes, array_to_bytes
from csrisk._pipeline._model_files._model_file import frame_of, read_json, write_json
from csrisk._pipeline._model_files._strict_json import number
from csrisk.exceptions import ModelFileError
from csrisk.monitoring import drift_table, goals_of
from csrisk.monitoring._judging import TableProfile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk.models import ChurnModel

__all__ = ["Baseline"]

_ROWS = 1000
_ARRAY = "arrays/baseline.npy"


# no equality: that of frames has no truth value
@dataclass(frozen=True, eq=False)
class Baseline:
    """What a book looked like when the model learned."""

    # each column is sorted by itself, so that a row is nobody
    values: pd.DataFrame
    # distance of each column between two dates of the training: what is no alarm
    usual: pd.Series
    as_of: str
    # of the whole book, of which the values may be a sample
    accounts: int
    tables: TableProfile

    @classmethod
    def of(
        cls,
        model: ChurnModel,
        book: pd.DataFrame,
        before: pd.DataFrame | None,
        tables: TableProfile,
        goals: Mapping[str, str] | None = None,
    ) -> Baseline:
        """Take a scored book apart."""
        as_of = book.index.get_level_values("as_of").max()
        usual = pd.Series(dtype=np.float64)
        if before is not None:
            usual = drift_table(before, book, goals_of(book.columns, goals))["distance"]
        kept = book
        if len(book) > _ROWS:
            # a fixed seed: the same book gives the same bytes
            kept = book.iloc[np.sort(np.random.default_rng(0).choice(len(book), _ROWS, replace=False))]
        matrix = np.sort(_matrix(model, kept), axis=0)
        return cls(_frame(model, matrix, _scores(model, kept)), usual, f"{as_of:%Y-%m-%d}", len(book), tables)

    def members(self, model: ChurnModel) -> dict[str, bytes]:
        """Give the parts of an archive."""
        told = {
            "as_of": self.as_of,
            "accounts": self.accounts,
            "scores": _scores(model, self.values),
            "usual": {str(name): float(value) for name, value in self.usual.items()},
            "tables": self.tables.to_dict(),
        }
        matrix = _matrix(model, self.values)
        return {"baseline.json": write_json(told), _ARRAY: array_to_bytes(matrix)}

    @classmethod
    def from_members(cls, members: Mapping[str, bytes], model: ChurnModel) -> Baseline:
        """Read what `members` gave."""
        told = read_json(members, "baseline.json")
        matrix = array_from_bytes(members.get(_ARRAY, b""), _ARRAY)
        try:
            scores = [str(name) for name in told["scores"]]
            usual = pd.Series({str(name): number(value) for name, value in told["usual"].items()}, dtype=np.float64)
            as_of, accounts = pd.Timestamp(told["as_of"]), int(told["accounts"])
            tables = TableProfile.from_dict(told["tables"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelFileError("model file: baseline.json breaks its rules") from error
        if not len(matrix) <= _ROWS or "churn_probability" not in scores or accounts < len(matrix):
            raise ModelFileError("model file: the baseline has more rows than it may, or no risk")
        if matrix.ndim != 2 or matrix.shape[1] != len(model.columns_) + len(scores):
            raise ModelFileError("model file: the baseline has another shape than the model")
        values = _frame(model, matrix, scores)
        if not set(usual.index) <= set(map(str, values.columns)):
            raise ModelFileError("model file: the baseline tells usual distances of columns that it has not")
        return cls(values, usual, f"{as_of:%Y-%m-%d}", accounts, tables)


def _scores(model: ChurnModel, book: pd.DataFrame) -> list[str]:
    return [str(name) for name in book.columns if name not in set(model.feature_names_in_)]


def _matrix(model: ChurnModel, book: pd.DataFrame) -> np.ndarray[Any, Any]:
    features = model.encode(book[list(model.feature_names_in_)])
    return np.column_stack([features, book[_scores(model, book)].to_numpy(dtype=np.float64)])


def _frame(model: ChurnModel, matrix: np.ndarray[Any, Any], scores: list[str]) -> pd.DataFrame:
    width = len(model.columns_)
    try:
        frame = frame_of(model, matrix[:, :width])
    except ValueError as error:
        raise ModelFileError("model file: the baseline holds a category that the model does not know") from error
    return frame.assign(**{name: matrix[:, width + place] for place, name in enumerate(scores)})
