"""What an explanation needs to know of a model, whatever library it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.base import RegressorMixin

from csrisk._explain._any_estimator import Codec, own_prediction
from csrisk._explain._codes import Forest, compile_forest
from csrisk._explain._frames import columns_of
from csrisk._explain._trees import Trees, read_booster
from csrisk.exceptions import ExplanationError
from csrisk.models._lightgbm import as_text, described, predicted, raw_score

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Subject", "subject_of"]

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Subject:
    """A model as the explanation sees it.

    Parameters
    ----------
    labels : tuple
        Columns of the frames, in the order of the matrix.
    encode : callable
        From a feature frame to a float matrix.
    margin : callable
        From the matrix to log-odds (or whatever the model adds up in).
    link : callable, optional
        From the margin to what the model predicts; None where it is the margin itself.
    predicts : {"probability", "amount"}
        What the link gives.
    own : callable, optional
        Of a foreign model, from a feature frame to what the model itself predicts, on the scale of `predicts`.
    boosters : tuple
        The LightGBM boosters whose mean raw score is the margin, apart from `linear`; empty if there are none.
    linear : object, optional
        Linear part of the margin: ``terms(matrix)`` and ``intercept``.
    """

    labels: tuple[Any, ...]
    encode: Callable[[pd.DataFrame], Matrix]
    margin: Callable[[Matrix], Matrix]
    link: Callable[[Matrix], Matrix] | None = None
    boosters: tuple[Any, ...] = ()
    linear: Any = None
    predicts: str = "probability"
    own: Callable[[pd.DataFrame], Matrix] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(str(label) for label in self.labels)

    def on(self, output: str) -> Callable[[Matrix], Matrix]:
        """Return the function that is explained: probability, amount or log-odds of a matrix."""
        link = self.link_for(output)
        if link is None:
            return self.margin
        # certain predictions have infinite log-odds, which expit turns back into 0 and 1
        return lambda matrix: link(self.margin(matrix))

    def link_for(self, output: str) -> Callable[[Matrix], Matrix] | None:
        """Return the link to an output, None for the margin itself; or say that the model does not predict it."""
        if output == "log_odds":
            return None
        if output != self.predicts:
            message = f"output={output!r}: this model gives no {output}; use output={self.predicts!r} or 'log_odds'"
            raise ExplanationError(message)
        return self.link

    def forest(self) -> Forest:
        """Read the trees of all boosters into one forest whose margin is their mean."""
        return compile_forest(Trees.mean([read_booster(booster) for booster in self.boosters]))


def subject_of(model: Any, X: pd.DataFrame, reference: pd.DataFrame) -> Subject:
    """Recognise a model.

    Parameters
    ----------
    model : object
        A csrisk model (``encode``, ``boosters_``, ``calibrate``), a LightGBM classifier, regressor or booster, or any
        estimator fitted on a frame, with ``predict_proba`` of two classes or ``predict``.
    X, reference : pandas.DataFrame
        What is explained, and what it is compared with.

    Returns
    -------
    Subject

    Raises
    ------
    ExplanationError
        If the model is of no kind that can be explained, or is not fitted, or a frame lacks a column.
    """
    if hasattr(model, "boosters_") and hasattr(model, "encode"):
        return _csrisk_model(model, X, reference)
    if hasattr(model, "booster_") or hasattr(model, "model_to_string"):
        return _lightgbm_model(model, X, reference)
    names = getattr(model, "feature_names_in_", getattr(model, "feature_names_", None))  # CatBoost has the latter
    if names is not None and (hasattr(model, "predict_proba") or hasattr(model, "predict")):
        return _any_estimator(model, list(names), X, reference)
    message = (
        f"model={type(model).__name__}: not recognised; pass a csrisk or LightGBM model, or an estimator that was "
        "fitted on a frame (feature_names_in_)"
    )
    raise ExplanationError(message)


def _labels(names: Sequence[Any], X: pd.DataFrame, reference: pd.DataFrame) -> list[Any]:
    """Columns of the model, which must be the same in both frames."""
    found, others = columns_of(names, X, "X"), columns_of(names, reference, "reference")
    if found != others:
        raise ExplanationError(f"X and reference name their columns differently: {found[:5]} and {others[:5]}")
    return found


def _any_estimator(model: Any, names: Sequence[Any], X: pd.DataFrame, reference: pd.DataFrame) -> Subject:
    """Take a model by its predictions alone."""
    labels = _labels(names, X, reference)
    codec = Codec([X[labels], reference[labels]])

    def own(frame: pd.DataFrame) -> Matrix:
        return own_prediction(model, frame[labels])

    def predict(matrix: Matrix) -> Matrix:
        return own_prediction(model, codec.decode(matrix))

    def encode(frame: pd.DataFrame) -> Matrix:
        return codec.encode(frame[labels])

    if hasattr(model, "predict_proba"):
        return Subject(tuple(labels), encode, lambda matrix: logit(predict(matrix)), expit, own=own)
    return Subject(tuple(labels), encode, predict, predicts="amount", own=own)


def _csrisk_model(model: Any, X: pd.DataFrame, reference: pd.DataFrame) -> Subject:
    boosters = tuple(model.boosters_)
    linear = getattr(model, "linear_", None)

    def margin(matrix: Matrix) -> Matrix:
        total = np.mean([raw_score(booster, matrix) for booster in boosters], axis=0)
        if linear is not None:
            total = total + linear.intercept + linear.terms(matrix).sum(axis=1)
        return np.asarray(total, dtype=float)

    columns = getattr(model, "columns_", None)
    names = list(model.feature_names_in_) if columns is None else [column.name for column in columns]
    labels = _labels(names, X, reference)
    predicts = "amount" if isinstance(model, RegressorMixin) else "probability"

    def encode(frame: pd.DataFrame) -> Matrix:
        return np.asarray(model.encode(frame[labels]), dtype=float)

    return Subject(tuple(labels), encode, margin, model.calibrate, boosters, linear, predicts)


def _lightgbm_model(model: Any, X: pd.DataFrame, reference: pd.DataFrame) -> Subject:
    booster = getattr(model, "booster_", model)
    labels = _labels(booster.feature_name(), X, reference)
    objective = str(described(booster, 1).get("objective", ""))
    categories = booster.pandas_categorical or []
    # the raw score of a random forest is a sum, although its probability comes from the mean
    averaged = "\naverage_output\n" in as_text(booster, 1)
    n_trees = booster.num_trees() if averaged else 1

    def encode(frame: pd.DataFrame) -> Matrix:
        return _codes(frame[labels], categories)

    def margin(matrix: Matrix) -> Matrix:
        return raw_score(booster, matrix) / n_trees

    def own(frame: pd.DataFrame) -> Matrix:
        return predicted(model, frame[labels])

    link, predicts = _link_of(objective)
    return Subject(tuple(labels), encode, margin, link, (booster,), predicts=predicts, own=own)


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
