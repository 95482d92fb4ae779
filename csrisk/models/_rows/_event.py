"""Which of two labels is the event: said by the labels themselves or asked for, never the one that sorts last."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from csrisk._text import MISSING_WORDS
from csrisk.exceptions import DataWarning
from csrisk.models._rows._align import ACCOUNT

__all__ = ["event_of", "refuse_missing_words", "require_event", "told", "which_event"]

_LONGEST = 30


def event_of(classes: Any) -> Any:
    """Give the label that is the event: True, or 1 beside 0 or -1."""
    labels = list(classes)
    if len(labels) != 2:
        raise ValueError(f"classes {told(labels)}: two are needed, of which one is the event")
    if not all(isinstance(label, bool | np.bool_ | int | float | np.number) for label in labels):
        return None
    # True counts as 1 and False as 0 here
    low, high = sorted(labels)
    return high if high == 1 and low in (0, -1) else None


def require_event(classes: np.ndarray, X: Any) -> None:
    """Ask which label is the event where features or accounts have names; warn where they are a plain array.

    A plain array, or a frame whose columns are numbers, is the ground of scikit-learn, whose contract is that any two
    labels make a classifier; no function of csrisk takes its risk before the event is named.
    """
    if event_of(classes) is not None:
        return
    message = which_event("y", classes)
    if isinstance(X, pd.DataFrame) and (ACCOUNT in X.index.names or any(isinstance(name, str) for name in X.columns)):
        raise ValueError(message)
    warnings.warn(
        f"{message}; until then the second column of predict_proba is the probability of {told(classes[1:])}, "
        "as in scikit-learn, and whether that is the risk nobody has said",
        DataWarning,
        stacklevel=4,
    )


def which_event(name: str, classes: Any) -> str:
    """Ask for the event, with the way to name it that leaves missing labels missing."""
    first, second = (told([label]) for label in classes)
    return (
        f"{name} holds the labels {first} and {second}, and neither says that it is the event; name it: "
        f"y.map({{{first}: True, {second}: False}}) if {first} is the event, else the other way round"
    )


def refuse_missing_words(values: np.ndarray, name: str) -> None:
    """Refuse a missing label that was turned into text, before it becomes a class."""
    if values.dtype.kind not in "OSU":
        return
    found = [value for value in values if isinstance(value, str) and value.strip().lower() in MISSING_WORDS]
    if found:
        raise ValueError(
            f"{name}: {len(found)} of {len(values)} labels are the text {found[0]!r}, a missing label made text; "
            "keep it missing: pd.NA in a pandas object"
        )


def told(labels: Any) -> str:
    """Name labels, cut where one is longer than a label is."""
    shown = [label.item() if isinstance(label, np.generic) else label for label in list(labels)[:5]]
    words = [text if len(text := repr(label)) <= _LONGEST else f"{text[:_LONGEST]}..." for label in shown]
    return ", ".join(words) + (", ..." if len(list(labels)) > len(shown) else "")
