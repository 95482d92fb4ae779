"""What a book gains and loses in monthly revenue: models of growth and shrinkage beside that of churn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from csrisk._pipeline._model_files._model_file import model_from_members, model_to_members, prove, read_json, write_json
from csrisk.exceptions import ModelFileError, NotEnoughDataError
from csrisk.models import AmountModel, RevenueOutlook, revenue_outlook

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

__all__ = ["Amounts"]

_PARTS = ("growth", "shrinkage")
_PARAMS = ("n_members", "learning_rate", "num_leaves", "n_jobs", "random_state")


@dataclass(frozen=True)
class Amounts:
    """Expected growth and shrinkage of monthly revenue; a number where there were too few cases for a model."""

    growth: AmountModel | float
    shrinkage: AmountModel | float

    @classmethod
    def fit(cls, X: pd.DataFrame, change: pd.Series, churn: pd.Series, params: Mapping[str, Any]) -> Amounts:
        """Fit to what happened to the revenue of those who stayed."""
        # all outcomes count, with 0 for who left: that loss is counted as churn, and would count twice here
        stayed = change.mask(churn.astype("boolean").fillna(False).astype(bool), 0.0)
        shared = {name: params[name] for name in _PARAMS if name in params}
        # two models of what is never negative: AmountModel takes no other amounts
        return cls(_fit(X, stayed.clip(lower=0.0), shared), _fit(X, (-stayed).clip(lower=0.0), shared))

    def outlook(self, X: pd.DataFrame, churn: np.ndarray[Any, Any], expansion: np.ndarray[Any, Any]) -> RevenueOutlook:
        """Sum up churn, shrinkage and growth over the accounts whose revenue is known."""
        known = _priced(X)
        rows = X[known]
        grown, shrunk = (_expected(model, rows) for model in (self.growth, self.shrinkage))
        return revenue_outlook(
            rows["mrr"].astype(float),
            churn=churn[known],
            expansion=expansion[known],
            expansion_amount=grown,
            contraction_amount=shrunk,
        )

    def change(
        self, X: pd.DataFrame, churn: np.ndarray[Any, Any], expansion: np.ndarray[Any, Any]
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Give the expected change of each account."""
        return _priced(X), self.outlook(X, churn, expansion).accounts["change"].to_numpy()

    def members(self, X: pd.DataFrame) -> dict[str, bytes]:
        """Take the models apart for an archive."""
        told: dict[str, float | None] = {}
        found: dict[str, bytes] = {}
        for part in _PARTS:
            model = getattr(self, part)
            told[part] = None if isinstance(model, AmountModel) else model
            if isinstance(model, AmountModel):
                found |= model_to_members(model, X, part)
        return {"amounts.json": write_json(told), **found}

    @classmethod
    def from_members(cls, members: Mapping[str, bytes], X: pd.DataFrame) -> Amounts:
        """Read what `members` gave."""
        told = read_json(members, "amounts.json")
        if set(told) != set(_PARTS):
            raise ModelFileError("model file: amounts.json breaks its rules")
        return cls(*(_read(members, part, told[part], X) for part in _PARTS))


def _fit(X: pd.DataFrame, amount: pd.Series, params: Mapping[str, Any]) -> AmountModel | float:
    try:
        return AmountModel(**params).fit(X, amount)
    except NotEnoughDataError:
        known = amount.dropna().to_numpy(dtype=np.float64)
        return float(known.mean()) if len(known) else 0.0


def _priced(X: pd.DataFrame) -> np.ndarray[Any, Any]:
    level = X["mrr"].to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(level >= 0)  # NaN is not, so that unknown revenue is left out


def _expected(model: AmountModel | float, X: pd.DataFrame) -> np.ndarray[Any, Any]:
    if isinstance(model, AmountModel) and len(X):
        return model.predict(X)
    return np.full(len(X), 0.0 if isinstance(model, AmountModel) else model)


def _read(members: Mapping[str, bytes], part: str, value: Any, X: pd.DataFrame) -> AmountModel | float:
    if value is None:
        model = model_from_members(members, part)
        prove(model, members, part, X)
        return cast("AmountModel", model)  # the class of each part is checked where it is read
    # by type, as a truth value is an int, too
    if type(value) in (int, float) and np.isfinite(value) and value >= 0:
        return float(value)
    raise ModelFileError(f"model file: amounts.json breaks its rules at {part!r}")
