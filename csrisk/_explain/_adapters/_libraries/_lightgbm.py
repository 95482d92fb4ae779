"""LightGBM: classifiers, regressors and boosters, as its own rules read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit

from csrisk._explain._adapters._subject import Matrix, Subject, labels_of
from csrisk._explain._adapters._trees import Trees, read_booster
from csrisk.exceptions import ExplanationError
from csrisk.models._boosting import as_text, described, predicted, raw_score

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["reads", "subject"]


def reads(model: Any) -> bool:
    """Tell whether a model is one of LightGBM."""
    return hasattr(model, "booster_") or hasattr(model, "model_to_string")


def subject(model: Any, X: pd.DataFrame, reference: pd.DataFrame) -> Subject:
    """Take the booster, whose raw score is the margin, and the link of its objective."""
    booster = getattr(model, "booster_", model)
    labels = labels_of(booster.feature_name(), X, reference)
    objective = str(described(booster, 1).get("objective", ""))
    categories = booster.pandas_categorical or []
    # the raw score of a random forest is a sum, although its probability comes from the mean
    averaged = "\naverage_output\n" in as_text(booster, 1)
    n_trees = booster.num_trees() if averaged else 1

    def encode(frame: pd.DataFrame) -> Matrix:
        return _codes(frame[labels], categories)

    def margin(matrix: Matrix) -> Matrix:
        return raw_score(booster, matrix) / n_trees

    def trees() -> Trees:
        return read_booster(booster)

    def own(frame: pd.DataFrame) -> Matrix:
        return predicted(model, frame[labels])

    link, predicts = _link_of(objective)
    return Subject(tuple(labels), encode, margin, link, trees, predicts=predicts, own=own)


def _link_of(objective: str) -> tuple[Callable[[Matrix], Matrix] | None, str]:
    """Link and kind of prediction of LightGBM's own objectives, as its `ConvertOutput` does."""
    words = objective.split() or [""]
    if words[0] in ("binary", "cross_entropy"):
        slope = next((float(word.split(":")[1]) for word in words if word.startswith("sigmoid:")), 1.0)
        return lambda margin: np.asarray(expit(slope * margin)), "probability"
    if words[0] in ("poisson", "gamma", "tweedie"):
        return np.exp, "amount"
    if "sqrt" in words:
        return lambda margin: np.asarray(np.sign(margin) * margin**2), "amount"
    return None, "amount"


def _codes(frame: pd.DataFrame, categories: list[list[Any]]) -> Matrix:
    """Numbers as they are, categories as their position in training, unseen and missing ones as NaN."""
    places = [i for i, dtype in enumerate(frame.dtypes) if isinstance(dtype, pd.CategoricalDtype)]
    if categories and len(places) != len(categories):
        raise ExplanationError(
            f"{len(places)} columns have a category dtype, {len(categories)} had one in training; give each column the "
            "dtype that it had in training"
        )
    # not strict: a model that was fitted without categories has none to give
    known = dict(zip(places, categories, strict=False))
    matrix = np.empty(frame.shape)
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        if place in known:
            codes = column.cat.set_categories(known[place]).cat.codes.to_numpy(dtype=float)
            matrix[:, place] = np.where(codes < 0, np.nan, codes)
        elif pd.api.types.is_numeric_dtype(column.dtype):
            matrix[:, place] = column.to_numpy(dtype=float, na_value=np.nan)
        else:
            raise ExplanationError(
                f"column {frame.columns[place]!r}: dtype {column.dtype} holds no numbers, and LightGBM learned numbers "
                "there; give each column the dtype that it had in training"
            )
    return matrix
