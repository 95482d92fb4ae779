"""What an explanation needs to know of a model, whatever library it comes from."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from csrisk._explain._adapters._any_estimator import Codec, own_prediction
from csrisk._explain._adapters._frames import columns_of
from csrisk._explain._adapters._prepared import Prepared, prepared
from csrisk.exceptions import ExplanationError
from csrisk.models._rows import event_of, which_event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from csrisk._explain._adapters._trees import Trees

__all__ = ["Matrix", "Subject", "labels_of", "subject_of"]

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Subject:
    """A model as the explanation sees it."""

    labels: tuple[Any, ...]
    encode: Callable[[pd.DataFrame], Matrix]
    margin: Callable[..., Matrix]  # of a matrix; of the means of the members too, where there are `members`
    link: Callable[[Matrix], Matrix] | None = None  # None where what is predicted is the margin itself
    trees: Callable[[], Trees] | None = None  # None where predictions are all that can be asked for
    linear: Any = None
    predicts: str = "probability"
    own: Callable[[pd.DataFrame], Matrix] | None = None  # of foreign models: what the model itself predicts
    members: tuple[Any, ...] = ()  # boosters that nobody changes once they are fitted

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

    def prepared(self) -> Prepared | None:
        """Read the trees into one forest whose margin is their sum, once for a model of csrisk; None without trees."""
        if self.trees is None:
            return None
        # what a user trained may be trained on, so that only members which nobody changes are kept
        return prepared(self.members, self.trees) if self.members else Prepared(self.trees())


@cache
def _libraries() -> tuple[Any, ...]:
    """Adapters of the libraries whose trees are read: each file of the folder is one, in the order of their names."""
    from csrisk._explain._adapters import _libraries as folder

    names = sorted(found.name for found in pkgutil.iter_modules(folder.__path__))
    return tuple(importlib.import_module(f"{folder.__name__}.{name}") for name in names)


def subject_of(model: Any, X: pd.DataFrame, reference: pd.DataFrame) -> Subject:
    """Recognise a model."""
    _require_event(model)
    for library in _libraries():
        if library.reads(model):
            return cast("Subject", library.subject(model, X, reference))
    names = getattr(model, "feature_names_in_", getattr(model, "feature_names_", None))  # CatBoost has the latter
    if names is not None and (hasattr(model, "predict_proba") or hasattr(model, "predict")):
        return _any_estimator(model, list(names), X, reference)
    message = (
        f"model={type(model).__name__}: not recognised; pass a csrisk or LightGBM model, or an estimator that was "
        "fitted on a frame (feature_names_in_)"
    )
    raise ExplanationError(message)


def _require_event(model: Any) -> None:
    """Ask which label is the event: the second column of predict_proba may be the probability of those who stay."""
    classes = getattr(model, "classes_", None)
    # more classes, or one, are refused where the model predicts
    if classes is not None and len(classes) == 2 and event_of(classes) is None:
        raise ExplanationError(f"{type(model).__name__}.classes_: {which_event('y', classes)}, and fit again")


def labels_of(names: Sequence[Any], X: pd.DataFrame, reference: pd.DataFrame) -> list[Any]:
    """Columns of the model, which must be the same in both frames."""
    found, others = columns_of(names, X, "X"), columns_of(names, reference, "reference")
    if found != others:
        raise ExplanationError(f"X and reference name their columns differently: {found[:5]} and {others[:5]}")
    return found


def _any_estimator(model: Any, names: Sequence[Any], X: pd.DataFrame, reference: pd.DataFrame) -> Subject:
    """Take a model by its predictions alone."""
    labels = labels_of(names, X, reference)
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
