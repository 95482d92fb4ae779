"""Comparisons of an account: with its segment, with the safest accounts, with its own past."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._text import day
from csrisk.report._book import book_features
from csrisk.report._content import Comparison, Course, Move, Moves
from csrisk.report._names import clean

if TYPE_CHECKING:
    from csrisk._explain import Explanation
    from csrisk.report._book import Book

__all__ = ["Peers", "make_course", "make_gaps", "make_moves", "spoken"]

_BEST = 0.1
_SHOWN = 5
_NEGLIGIBLE = 0.05
_NOBODY = "\u2013"
_WINDOW = re.compile(r"_(\d+)d$")


def spoken(name: str) -> str:
    """Write the name of a feature as a person would.

    Parameters
    ----------
    name : str
        Name of a feature.

    Returns
    -------
    str

    Examples
    --------
    >>> spoken("days_to_act_365d")
    'days to act in 365 days'
    """
    return _WINDOW.sub(r" in \1 days", name).replace("_", " ")


class Peers:
    """Typical values of those that an account can be compared with."""

    def __init__(self, book: Book, previous: Explanation | None = None) -> None:
        self._book = book
        self._features = book_features(book.why)
        self._segments = pd.Series([facts[0] if facts else "" for facts in book.facts], index=book.rows)
        safest = book.rows[np.argsort(book.prediction, kind="stable")][: max(1, round(_BEST * len(book.rows)))]
        self._best = self._features.iloc[np.sort(safest)]
        self._before = None if previous is None else _last_book(book_features(previous))

    def compare(self, position: int, columns: list[int]) -> tuple[Comparison, ...]:
        """Set the values of an account beside those of its segment, of the safest tenth, and of its own past."""
        row = int(self._book.rows[position])
        own = self._segments.index[self._segments == self._segments.loc[row]].to_numpy()
        if len(self._book.rows) == 1 and self._before is None:
            return ()
        # whoever is alone there would be compared with itself
        segment = self._features.iloc[np.sort(own)] if len(own) > 1 else None
        return tuple(self._line(position, column, segment) for column in columns[:_SHOWN])

    def _line(self, position: int, column: int, segment: pd.DataFrame | None) -> Comparison:
        declared = self._book.why.declarations[column]
        value = self._features.iloc[int(self._book.rows[position]), column]
        return Comparison(
            feature=declared.name,
            label=clean(spoken(declared.name)),
            value=clean(declared.format(value)),
            segment=_NOBODY if segment is None else clean(declared.format(_typical(segment.iloc[:, column]))),
            best=_NOBODY if len(self._book.rows) == 1 else clean(declared.format(_typical(self._best.iloc[:, column]))),
            before=self._past(position, column),
        )

    def _past(self, position: int, column: int) -> str | None:
        if self._before is None:
            return None
        declared, key = self._book.why.declarations[column], self._book.keys[position]
        # None is no earlier book, an empty text an account or feature that was not in it
        if declared.name not in self._before or key not in self._before.index:
            return ""
        return clean(declared.format(self._before.loc[key, declared.name]))


def make_moves(book: Book, previous: Explanation | None, *, most: int = 5) -> Moves | None:
    """Say which accounts moved since the last earlier book, and by which goal."""
    if previous is None:
        return None
    before = _last_book(previous.goals())
    now = book.points.assign(prediction=book.prediction).set_axis(pd.Index(book.keys, name="account_id"))
    # in the order of the book, in which equal moves are named
    both = now.index.intersection(before.index, sort=False)
    # a goal that only one of the books has contributed nothing in the other
    change = (now.loc[both] - before.loc[both].reindex(columns=now.columns)).fillna(0.0)
    ordered = change["prediction"].sort_values(kind="stable").index
    place = {key: at for at, key in enumerate(book.keys)}

    def move(key: Any) -> Move:
        row = change.loc[key]
        goals = row.drop("prediction")
        at = place[key]
        # turned so that the largest is the goal that pushed in the direction of the move
        goal = str((goals * np.sign(row["prediction"])).idxmax())
        before_now = float(before.loc[key, "prediction"]), float(book.prediction[at])
        return Move(at + 1, book.names[at], *before_now, float(row["prediction"]), goal, float(goals[goal]))

    return Moves(
        since=day(pd.Timestamp(previous.index.get_level_values("as_of").max())),
        accounts=len(both),
        new=len(now) - len(both),
        gone=len(before) - len(both),
        change=float(change["prediction"].mean()) if len(both) else 0.0,
        up=tuple(move(key) for key in ordered[::-1][:most] if change.loc[key, "prediction"] > _NEGLIGIBLE),
        down=tuple(move(key) for key in ordered[:most] if change.loc[key, "prediction"] < -_NEGLIGIBLE),
        by_account=tuple(_or_none(change["prediction"].get(key)) for key in book.keys),
    )


def _or_none(value: Any) -> float | None:
    return None if value is None else float(value)


def make_course(book: Book, previous: Explanation | None) -> Course | None:
    """Follow the mean contribution of each goal over the earlier books up to this one."""
    if previous is None:
        return None
    goals = list(book.points.columns)
    now = book.points.assign(prediction=book.prediction, as_of=book.as_of)
    before = previous.goals().reindex(columns=[*goals, "prediction"]).fillna(0.0).reset_index("as_of")
    # earlier books may hold this one
    by_date = pd.concat([before[before["as_of"] < book.as_of], now]).groupby("as_of")
    means, counts = by_date.mean(), by_date.size()
    return Course(
        dates=tuple(str(date.date()) for date in means.index),
        accounts=tuple(int(n) for n in counts),
        predictions=tuple(float(value) for value in means["prediction"]),
        goals=tuple((str(goal), tuple(float(value) for value in means[goal])) for goal in goals),
    )


def make_gaps(book: Book, gap: Explanation | None) -> tuple[tuple[tuple[str, float], ...], ...]:
    """Give the gap of each account to the best customers by goal, the widest first."""
    if gap is None:
        return ((),) * len(book.keys)
    table = _last_book(gap.goals()).drop(columns=["reference", "prediction"]).reindex(list(book.keys))
    names = [str(name) for name in table.columns]
    return tuple(
        tuple(sorted(zip(names, map(float, row), strict=True), key=lambda part: -part[1]))
        # accounts that are not explained there became NaN
        if np.isfinite(row).all()
        else ()
        for row in table.to_numpy(np.float64)
    )


def _last_book(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of the latest date, by account."""
    dates = frame.index.get_level_values("as_of")
    last: pd.DataFrame = frame[dates == dates.max()]
    return last.set_axis(last.index.get_level_values("account_id"))


def _typical(column: pd.Series) -> Any:
    known = column.dropna()
    if known.empty:
        return np.nan
    # of words that are equally frequent the first in their order
    return float(known.median()) if pd.api.types.is_numeric_dtype(known.dtype) else known.mode().iloc[0]
