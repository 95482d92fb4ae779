"""Models of csrisk: the mean of their boosters, a linear part, and a calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import RegressorMixin

from csrisk._explain._adapters._subject import Matrix, Subject, labels_of
from csrisk._explain._adapters._trees import Trees, read_booster
from csrisk.models._boosting import raw_score

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["reads", "subject"]


def reads(model: Any) -> bool:
    """Tell whether a model is one of csrisk."""
    return hasattr(model, "boosters_") and hasattr(model, "encode")


def subject(model: Any, X: pd.DataFrame, reference: pd.DataFrame) -> Subject:
    """Take the boosters of the model, whose mean is the margin, apart from the linear part."""
    boosters = tuple(model.boosters_)
    linear = getattr(model, "linear_", None)

    def margin(matrix: Matrix, means: Matrix | None = None) -> Matrix:
        total = means
        if total is None:
            total = np.mean([raw_score(booster, matrix) for booster in boosters], axis=0)
        if linear is not None:
            total = total + linear.intercept + linear.terms(matrix).sum(axis=1)
        return np.asarray(total, dtype=float)

    def trees() -> Trees:
        return Trees.mean([read_booster(booster) for booster in boosters])

    columns = getattr(model, "columns_", None)
    names = list(model.feature_names_in_) if columns is None else [column.name for column in columns]
    labels = labels_of(names, X, reference)
    predicts = "amount" if isinstance(model, RegressorMixin) else "probability"

    def encode(frame: pd.DataFrame) -> Matrix:
        return np.asarray(model.encode(frame[labels]), dtype=float)

    return Subject(tuple(labels), encode, margin, model.calibrate, trees, linear, predicts, members=boosters)
