"""What an explanation needs to know of a model, whatever library it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.base import RegressorMixin

from csrisk._explain._any_estimator import function_of
from csrisk._explain._codes import Forest, compile_forest
from csrisk._explain._trees import Trees, read_booster
from csrisk.exceptions import ExplanationError
from csrisk.models._lightgbm import as_text, described, raw_score

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Subject", "subject_of"]

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Subject:
    """A model as the explanation sees it.

    Parameters
    ----------
    names : tuple of str
        Features in the order of the matrix.
    encode : callable
        From a feature frame to a float matrix.
    margin : callable
        From the matrix to log-odds (or whatever the model adds up in).
    link : callable, optional
        From the margin to what the model predicts; None where it is the margin itself.
    predicts : {"probability", "amount"}
        What the link gives.
    boosters : tuple
        The LightGBM boosters whose mean raw score is the margin, apart from `linear`; empty if there are none.
    linear : object, optional
        Linear part of the margin: ``terms(matrix)`` and ``intercept``.
    """

    names: tuple[str, ...]
    encode: Callable[[pd.DataFrame], Matrix]
    margin: Callable[[Matrix], Matrix]
    link: Callable[[Matrix], Matrix] | None = None
    boosters: tuple[Any, ...] = ()
    linear: Any = None
    predicts: str = "probability"

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


def subject_of(model: Any) -> Subject:
    """Recognise a model.

    Parameters
    ----------
    model : object
        A csrisk model (``encode``, ``boosters_``, ``calibrate``), a LightGBM classifier, regressor or booster, or any
        estimator fitted on a frame, with ``predict_proba`` of two classes or ``predict``.

    Returns
    -------
    Subject

    Raises
    ------
    ExplanationError
        If the model is of no kind that can be explained, or is not fitted.
    """
    if hasattr(model, "boosters_") and hasattr(model, "encode"):
        return _csrisk_model(model)
    if hasattr(model, "booster_") or hasattr(model, "num_trees"):
        return _lightgbm_model(model)
    if hasattr(model, "feature_names_in_") and (hasattr(model, "predict_proba") or hasattr(model, "predict")):
        return any_estimator(model)
    message = (
        f"model={type(model).__name__}: not recognised; pass a csrisk or LightGBM model, or an estimator that was "
        "fitted on a frame (feature_names_in_)"
    )
    raise ExplanationError(message)


def any_estimator(model: Any) -> Subject:
    """Take a model by its predictions alone."""
    encode, predict = function_of(model)
    names = tuple(str(name) for name in model.feature_names_in_)
    if hasattr(model, "predict_proba"):
        return Subject(names, encode, lambda matrix: logit(predict(matrix)), expit)
    return Subject(names, encode, predict, predicts="amount")


def _csrisk_model(model: Any) -> Subject:
    boosters = tuple(model.boosters_)
    linear = getattr(model, "linear_", None)

    def margin(matrix: Matrix) -> Matrix:
        total = np.mean([raw_score(booster, matrix) for booster in boosters], axis=0)
        if linear is not None:
            total = total + linear.intercept + linear.terms(matrix).sum(axis=1)
        return np.asarray(total, dtype=float)

    names = tuple(str(name) for name in model.feature_names_in_)
    predicts = "amount" if isinstance(model, RegressorMixin) else "probability"
    return Subject(names, model.encode, margin, model.calibrate, boosters, linear, predicts)


def _lightgbm_model(model: Any) -> Subject:
    booster = getattr(model, "booster_", model)
    names = tuple(str(name) for name in getattr(model, "feature_names_in_", booster.feature_name()))
    objective = str(described(booster, 1).get("objective", ""))
    categories = booster.pandas_categorical
    # the raw score of a random forest is a sum, although its probability comes from the mean
    averaged = "\naverage_output\n" in as_text(booster, 1)
    n_trees = booster.num_trees() if averaged else 1

    def encode(frame: pd.DataFrame) -> Matrix:
        return _codes(frame[list(names)], categories or [])

    def margin(matrix: Matrix) -> Matrix:
        return raw_score(booster, matrix) / n_trees

    link, predicts = _link_of(objective)
    return Subject(names, encode, margin, link, (booster,), predicts=predicts)


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
    matrix = np.empty(frame.shape)
    known = iter(categories)
    for position, name in enumerate(frame.columns):
        column = frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype) and categories:
            codes = column.cat.set_categories(next(known)).cat.codes.to_numpy(dtype=float)
            matrix[:, position] = np.where(codes < 0, np.nan, codes)
        else:
            matrix[:, position] = column.to_numpy(dtype=float, na_value=np.nan)
    return matrix
