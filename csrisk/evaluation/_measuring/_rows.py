"""The one reader of what is measured: labels, scores, amounts, sides and accounts, brought to the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from csrisk.models._rows import (
    account_labels,
    align,
    event_of,
    first_index,
    floats,
    index_accounts,
    told,
    which_event,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Rows", "codes_of", "in_order", "labelled_rows", "model_event", "read_rows", "rows_of"]


@dataclass(frozen=True)
class Rows:
    """Rows with a label, in an order of their content: that in which they were given changes no figure."""

    target: np.ndarray
    codes: np.ndarray
    values: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.target)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.values[name]

    def counts(self) -> dict[str, int]:
        """Snapshots, accounts and events."""
        return {
            "n_snapshots": len(self.target),
            "n_accounts": int(self.codes.max()) + 1,
            "n_events": int(self.target.sum()),
        }


def read_rows(
    y: Any,
    groups: Any = None,
    *,
    scores: Mapping[str, Any],
    amounts: Mapping[str, Any] | None = None,
    sides: Mapping[str, Any] | None = None,
    probability: bool = False,
) -> Rows:
    """Bring labels and what belongs to them to the same rows: by index where there is one, else by place."""
    parts = {"y": y, **scores, **(amounts or {}), **(sides or {}), "groups": groups}
    # the first part with an index leads: what has none stands in the order of its rows
    other, index = next(((n, part.index) for n, part in parts.items() if first_index(part) is not None), ("y", None))
    parts = {name: align(part, index, name, other) for name, part in parts.items()}
    target, kept = _outcomes(parts["y"])
    values = {name: _scores(parts[name], name, kept, probability=probability) for name in scores}
    values |= {name: _amounts(parts[name], name, kept) for name in amounts or {}}
    values |= {name: _side(parts[name], name, kept) for name in sides or {}}
    owners = index_accounts(index) if groups is None else parts["groups"]
    # numbered before unlabelled rows go, as groups have a value for each row that was given
    codes = None if owners is None else codes_of(owners, len(kept))[kept]
    return in_order(target, codes, values)


def in_order(target: np.ndarray, codes: np.ndarray | None, values: Mapping[str, np.ndarray]) -> Rows:
    """Sort rows by account and content; without accounts each row is one."""
    keys = [target, *values.values()] if codes is None else [target, *values.values(), codes]
    # the last key leads: account, then values, then target; sums of floats are then the same in every order of rows
    order = np.lexsort(keys)
    # numbered anew without gaps: resamples draw from 0 to the largest code
    owner = np.arange(len(order)) if codes is None else np.unique(codes[order], return_inverse=True)[1]
    return Rows(target[order], owner, {name: value[order] for name, value in values.items()})


def codes_of(groups: Any, n_rows: int) -> np.ndarray:
    """Give accounts numbers in the order of their labels."""
    codes, distinct = pd.factorize(account_labels(groups))
    if len(codes) != n_rows or (codes < 0).any():
        raise ValueError(
            f"groups: {len(codes)} values, {int((codes < 0).sum())} of them missing, for {n_rows} rows; "
            "each row needs its account"
        )
    # labels of several types have no order of their own
    ranked = sorted(range(len(distinct)), key=lambda place: (type(distinct[place]).__name__, distinct[place]))
    rank = np.empty(len(distinct), dtype=np.int64)
    rank[ranked] = np.arange(len(distinct))
    return np.asarray(rank[codes])


def model_event(model: Any) -> tuple[list[Any], Any]:
    """Labels of a classifier, and the one that is the event."""
    classes = getattr(model, "classes_", None)
    if classes is None:
        raise ValueError(
            f"{type(model).__name__} has no classes_: fit a classifier, or measure scores by evaluate_scores"
        )
    event = event_of(classes)
    if event is None:
        raise ValueError(f"{type(model).__name__}.classes_: {which_event('y', classes)}, and fit again")
    return list(classes), event


def labelled_rows(y: Any, X: Any, classes: list[Any], event: Any) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes 0 or 1 of the rows with a label, and the mask of these rows."""
    values = _column(align(y, first_index(X), "y", "X"))
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    if len(values) != n_rows:
        raise ValueError(f"y has {len(values)} values, X has {n_rows} rows; give one label for each row")
    kept = _labelled(values)
    labels = values[kept]
    # y may be other than the model's labels in kind: words would all count as no event
    foreign = ~labels.isin(classes)
    if foreign.any():
        raise ValueError(
            f"y: {int(foreign.sum())} of {len(labels)} labels are {told(labels[foreign].unique())}, and the model "
            f"knows {told(classes)}; hand over labels of the kind that it was trained on"
        )
    return (labels == event).to_numpy().astype(np.float64), kept


def _outcomes(y: Any) -> tuple[np.ndarray, np.ndarray]:
    values = _column(y)
    kept = _labelled(values)
    labels = values[kept]
    foreign = ~labels.isin([0, 1])
    if foreign.any():
        raise ValueError(
            f"y: {int(foreign.sum())} values are neither 0 nor 1 ({told(labels[foreign].unique())}); "
            "say which is the event: hand over 1 or True for it, 0 or False for the other"
        )
    return labels.astype(np.float64).to_numpy(), kept


def _column(y: Any) -> pd.Series:
    """One column of labels as they are, missing ones missing."""
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        y = y.iloc[:, 0]
    # a list of numbers and a word would become an array of words
    plain = np.asarray(y, dtype=object) if isinstance(y, list | tuple) else y
    plain = plain if isinstance(plain, pd.Series | pd.Index) else np.ma.asanyarray(plain)
    if plain.ndim == 2 and plain.shape[1] == 1:
        plain = plain.ravel()
    if plain.ndim != 1:
        raise ValueError(f"y has shape {plain.shape}; give one label for each row")
    return pd.Series(plain).reset_index(drop=True).astype(object)


def _labelled(values: pd.Series) -> np.ndarray:
    kept = values.notna().to_numpy()
    if not kept.any():
        raise ValueError(f"y: none of {len(values)} rows has a label; take snapshots whose label window is over")
    return np.asarray(kept)


def _scores(scores: Any, name: str, kept: np.ndarray, *, probability: bool) -> np.ndarray:
    score = floats(scores, name)
    if score.shape != kept.shape:
        raise ValueError(f"{name} has shape {score.shape}, y has {len(kept)} values; give one score for each row")
    score = score[kept]
    wrong = ~np.isfinite(score) | (probability & ((score < 0) | (score > 1)))
    if wrong.any():
        raise ValueError(
            f"{name}: {int(wrong.sum())} of {len(score)} are missing or outside of "
            f"{'[0, 1]' if probability else 'the finite numbers'}; say what a missing score means before measuring it"
        )
    return np.asarray(score + 0.0)  # -0.0 and 0.0 are one score


def _amounts(amount: Any, name: str, kept: np.ndarray) -> np.ndarray:
    found = floats(amount, name)
    if found.ndim and found.shape != kept.shape:
        raise ValueError(
            f"{name} has shape {found.shape}, y has {len(kept)} values; give one amount for each row or all"
        )
    amounts = np.broadcast_to(found, kept.shape)[kept]
    wrong = int((~np.isfinite(amounts) | (amounts < 0)).sum())
    if wrong:
        raise ValueError(f"{name}: {wrong} of {len(amounts)} are missing, negative or infinite; amounts are >= 0")
    return np.asarray(amounts)


def _side(side: Any, name: str, kept: np.ndarray) -> np.ndarray:
    values = _column(side)
    if len(values) != len(kept):
        raise ValueError(f"{name} has {len(values)} values, y has {len(kept)}; give one for each row")
    values = values[kept]
    wrong = ~values.isin([0, 1])
    if wrong.any():
        raise ValueError(
            f"{name}: {int(wrong.sum())} of {len(values)} values are missing or neither true nor false "
            f"({told(values[wrong].unique())}); hand over booleans"
        )
    return values.astype(np.float64).to_numpy()


def rows_of(X: Any, kept: np.ndarray) -> Any:
    """Take rows of features, whatever holds them."""
    if isinstance(X, pd.DataFrame):
        return X[kept]
    frame = nw.from_native(X, pass_through=True, eager_only=True)
    if isinstance(frame, nw.DataFrame):
        return frame.filter(kept.tolist()).to_native()
    return X[np.flatnonzero(kept)] if hasattr(X, "shape") else [row for row, one in zip(X, kept, strict=True) if one]
