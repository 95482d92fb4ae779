"""A model that is asked for accounts as they are and as they would be."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._explain._adapters._subject import Subject, subject_of
from csrisk._explain._altered._levers import LEVERS, Lever, segment_column
from csrisk._explain._games._game import shapley_map
from csrisk._goals import Goal
from csrisk._machine import product
from csrisk._text import number
from csrisk.exceptions import ExplanationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from csrisk.features import Feature

    Matrix = NDArray[np.float64]

__all__ = ["Asked"]

_ROWS_AT_ONCE = 50_000  # mixed rows in one question, so that memory stays bounded
_WINDOW = re.compile(r"_\d+d$")


@dataclass(frozen=True, eq=False)
class Asked:
    """What is needed to ask a model again."""

    model: Any
    X: pd.DataFrame
    reference: pd.DataFrame
    output: str
    declarations: tuple[Feature, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        # what is found on the way holds functions, which cannot be pickled
        return Asked, (self.model, self.X, self.reference, self.output, self.declarations)

    @cached_property
    def names(self) -> list[str]:
        """Features of the model."""
        return [feature.name for feature in self.declarations]

    def values(self, rows: NDArray[np.intp]) -> pd.DataFrame:
        """Features of explained rows, by the names of the model."""
        labels = list(self._subject.labels)
        return self.X.iloc[rows][labels].set_axis(self.names, axis=1)

    def answer(self, edited: pd.DataFrame) -> Matrix:
        """Predict rows, on the scale that is explained."""
        subject = self._subject
        return subject.on(self.output)(_encoded(subject, edited))

    def parts(self, before: pd.DataFrame, after: pd.DataFrame, goals: tuple[Goal, ...]) -> tuple[Matrix, Matrix]:
        """Predict rows before and after, and split the change over goals.

        The game is that of `csrisk.explain` with each row as it is for its reference: a goal of which no feature moved
        takes nothing, and the parts add up to the change.
        """
        subject = self._subject
        function, old, new = subject.on(self.output), _encoded(subject, before), _encoded(subject, after)
        place = np.array([goals.index(feature.goal) for feature in self.declarations])
        # NaN is not equal to itself: what is missing before and after has not moved
        moved = ~((old == new) | (np.isnan(old) & np.isnan(new)))
        touched = np.column_stack([moved[:, place == goal].any(axis=1) for goal in range(len(goals))])
        ends, parts = np.empty((len(old), 2)), np.zeros(touched.shape)
        # a goal in which nothing moves takes nothing; without it half as many rows are predicted
        kinds, kind_of = np.unique(touched, axis=0, return_inverse=True)
        for which, kind in enumerate(kinds):
            players = np.flatnonzero(kind)
            # ravel: numpy 2.0 gives the inverse of rows a second axis
            of_kind = np.flatnonzero(kind_of.ravel() == which)
            step = max(1, _ROWS_AT_ONCE >> len(players))
            for start in range(0, len(of_kind), step):
                rows = of_kind[start : start + step]
                worth = _worth(function, old[rows], new[rows], players, place)
                ends[rows] = worth[:, [0, -1]]
                if len(players):
                    parts[np.ix_(rows, players)] = product(worth, shapley_map(len(players)).T)
        return ends, parts

    def altered(self, frame: pd.DataFrame, changes: dict[str, Any]) -> pd.DataFrame:
        """Give rows the values that were asked for, if other accounts show them."""
        return frame.assign(**{name: self._column(frame[name], value) for name, value in changes.items()})

    def left(self, changes: dict[str, Any]) -> list[str]:
        """Features of the same measure over other windows, which stay as they are."""
        stems = {_WINDOW.sub("", name) for name in changes if _WINDOW.search(name)}
        return [n for n in self.names if n not in changes and _WINDOW.search(n) and _WINDOW.sub("", n) in stems]

    @cached_property
    def levers(self) -> tuple[Lever, ...]:
        """Levers of which the model has a feature, without any of context."""
        free = {feature.name for feature in self.declarations if feature.goal != Goal.CONTEXT}
        mine = (Lever(lever.name, tuple(m for m in lever.moves if m.feature in free), lever.stays) for lever in LEVERS)
        return tuple(lever for lever in mine if lever.moves)

    def pulled(self, frame: pd.DataFrame, lever: Lever, strength: float = 1.0) -> pd.DataFrame:
        """Move the features of a lever; a value that no account shows is not given."""
        new = {}
        for move in lever.moves:
            typical = self._typical(frame, move.feature) if move.target == "segment" else None
            value = move.moved(frame[move.feature], typical, strength)
            low, high = self._ranges[move.feature]
            new[move.feature] = value.where(value.isna() | value.between(low, high), frame[move.feature])
        return frame.assign(**new)

    @cached_property
    def _book(self) -> pd.DataFrame:
        """Show what the reference holds."""
        return self.reference[list(self._subject.labels)].set_axis(self.names, axis=1)

    @cached_property
    def _ranges(self) -> dict[str, tuple[float, float]]:
        """Least and most of each number that the reference and the explained rows show."""
        ends = []
        for frame in (self._book, self.values(np.arange(len(self.X)))):
            numbers = frame[[n for n in self.names if pd.api.types.is_numeric_dtype(frame[n].dtype)]].astype("float64")
            ends.append(numbers.agg(["min", "max"]))
        both = pd.concat(ends)
        return {str(name): (float(both[name].min()), float(both[name].max())) for name in both}

    @cached_property
    def _medians(self) -> dict[str, pd.Series]:
        """Median of each feature of a lever, by segment; where a model knows none, of all."""
        moved = sorted({move.feature for lever in self.levers for move in lever.moves if move.target == "segment"})
        numbers = self._book[moved].astype("float64")
        by = segment_column(self.names)
        segments = pd.Series("", index=numbers.index) if by is None else self._book[by].astype(object)
        table = numbers.groupby(segments.to_numpy()).median()
        # the median of all stands last and has no name; _typical takes it from there
        return {name: pd.concat([table[name], pd.Series({None: numbers[name].median()})]) for name in moved}

    def _typical(self, frame: pd.DataFrame, name: str) -> pd.Series:
        medians, by = self._medians[name], segment_column(self.names)
        segments = pd.Series("", index=frame.index) if by is None else frame[by].astype(object)
        return segments.map(medians[medians.index.notna()]).astype("float64").fillna(float(medians.iloc[-1]))

    def _column(self, column: pd.Series, value: Any) -> pd.Series:
        if pd.api.types.is_numeric_dtype(column.dtype):
            return pd.Series(self._number(str(column.name), value), index=column.index)
        known = self._levels(str(column.name))
        if value not in known:
            message = (
                f"{column.name}={value!r}: no account of the reference has it; known are {sorted(map(str, known))[:12]}"
            )
            raise ExplanationError(message)
        dtype = pd.CategoricalDtype(known) if isinstance(column.dtype, pd.CategoricalDtype) else column.dtype
        return pd.Series([value] * len(column), index=column.index, dtype=dtype)

    def _levels(self, name: str) -> list[Any]:
        explained = self.values(np.arange(len(self.X)))[name]
        return list(pd.concat([self._book[name].astype(object), explained.astype(object)]).dropna().unique())

    def _number(self, name: str, value: Any) -> float:
        try:
            figure = float(value)
        except (TypeError, ValueError):
            figure = np.nan
        if not np.isfinite(figure):
            raise ExplanationError(f"{name}={value!r} must be a number")
        low, high = self._ranges[name]
        if not low <= figure <= high:
            shown = f"{number(low)} to {number(high)}" if np.isfinite(low) else "no value at all"
            message = (
                f"{name}={value!r} is outside of what {number(len(self.reference), 0)} rows of the reference and the "
                "explained "
                f"accounts show, {shown}; the model knows nothing of such accounts"
            )
            raise ExplanationError(message)
        return figure

    def require(self, names: list[str]) -> None:
        """Say which features the model does not have, and what comes nearest."""
        for name in names:
            if name not in self.names:
                near = difflib.get_close_matches(str(name), self.names, n=3)
                hint = f"did you mean {', '.join(map(repr, near))}?" if near else "see Explanation.declarations"
                raise ExplanationError(f"feature {name!r}: the model has none of this name; {hint}")

    def lever(self, name: str) -> Lever:
        """Find a lever by its name."""
        found = {lever.name: lever for lever in self.levers}
        if name not in found:
            near = difflib.get_close_matches(str(name), list(found), n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ExplanationError(f"lever {name!r}: {hint}this model has {list(found)}")
        return found[name]

    @cached_property
    def _subject(self) -> Subject:
        return subject_of(self.model, self.X, self.reference)


def _encoded(subject: Subject, frame: pd.DataFrame) -> Matrix:
    return subject.encode(frame.set_axis(list(subject.labels), axis=1))


def _worth(
    function: Callable[[Matrix], Matrix],
    old: Matrix,
    new: Matrix,
    players: NDArray[np.intp],
    place: NDArray[np.intp],
) -> Matrix:
    """Predict each row with the goals of each coalition as they would be, the others as they are."""
    size = 1 << len(players)
    mine = np.zeros((size, len(place)), dtype=bool)
    for bit, goal in enumerate(players):
        mine |= (np.arange(size) >> bit & 1 == 1)[:, None] & (place == goal)
    mixed = np.where(mine, new[:, None], old[:, None])
    return np.asarray(function(mixed.reshape(-1, old.shape[1]))).reshape(len(old), size)
