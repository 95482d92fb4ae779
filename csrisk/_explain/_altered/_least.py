"""The least that brings an account under a stated risk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._text import number
from csrisk.exceptions import ExplanationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from csrisk._explain._altered._asked import Asked
    from csrisk._explain._altered._levers import Lever

__all__ = ["LeastChange", "least_change"]

_STEPS = 20


@dataclass(frozen=True)
class LeastChange:
    """What was found. Made by `Explanation.least_change`.

    Parameters
    ----------
    before, after : float
        Prediction now, and with the changes; in the unit of the explanation.
    limit : float
        What it should come under, in the same unit.
    changes : pandas.DataFrame
        One row per feature that moves: ``lever, share`` (how much of the lever), ``feature, value, becomes``.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk._explain import LeastChange
    >>> LeastChange(30.0, 22.0, 10.0, pd.DataFrame(columns=["lever"]))
    LeastChange(none does: 30.0 -> 22.0 at the least, not below 10.0)
    """

    before: float
    after: float
    limit: float
    changes: pd.DataFrame

    @property
    def reached(self) -> bool:
        """Whether the changes bring it under the limit."""
        return self.after < self.limit

    def __repr__(self) -> str:
        told = f"{number(self.before, 1)} -> {number(self.after, 1)}"
        if not self.reached:
            return f"LeastChange(none does: {told} at the least, not below {number(self.limit, 1)})"
        names = self.changes["lever"].unique() if len(self.changes) else ["nothing"]
        return f"LeastChange({told}, below {number(self.limit, 1)}: {', '.join(names)})"


def least_change(asked: Asked, row: int, limit: float, scale: float, levers: Sequence[str] | None) -> LeastChange:
    """Search greedily: the lever that does most first, each then taken back as far as the limit allows."""
    pool = list(asked.levers if levers is None else [asked.lever(name) for name in levers])
    if not pool:
        raise ExplanationError("levers: this model has a feature of none of them; ask what_if with {feature: value}")
    base = asked.values(np.array([row]))
    before = after = scale * float(asked.answer(base)[0])
    taken: list[tuple[Lever, float]] = []
    while after >= limit and pool:
        full = pd.concat([_with(asked, base, [*taken, (lever, 1.0)]) for lever in pool])
        answers = scale * asked.answer(full)
        best = int(np.argmin(answers))
        # none lowers it any further; the next would raise it
        if answers[best] >= after:
            break
        after = float(answers[best])
        taken.append((pool.pop(best), 1.0))
    if after < limit:
        for place in range(len(taken)):
            taken, after = _taken_back(asked, base, taken, place, (limit, after, scale))
    return LeastChange(before, after, limit, _rows(asked, base, taken))


def _taken_back(
    asked: Asked,
    base: pd.DataFrame,
    taken: list[tuple[Lever, float]],
    place: int,
    goal: tuple[float, float, float],
) -> tuple[list[tuple[Lever, float]], float]:
    """Lower one lever to the least of 20 shares that still stays under the limit."""
    limit, after, scale = goal
    tries = [
        [(lever, step / _STEPS if at == place else own) for at, (lever, own) in enumerate(taken)]
        # from 0: a lever taken later may have made this one needless
        for step in range(_STEPS)
    ]
    answers = scale * asked.answer(pd.concat([_with(asked, base, one) for one in tries]))
    # shares rise, so the first that suffices is the least
    under = np.flatnonzero(answers < limit)
    return (taken, after) if not len(under) else (tries[under[0]], float(answers[under[0]]))


def _with(asked: Asked, frame: pd.DataFrame, taken: list[tuple[Lever, float]]) -> pd.DataFrame:
    for lever, share in taken:
        if share > 0:
            frame = asked.pulled(frame, lever, share)
    return frame


def _rows(asked: Asked, base: pd.DataFrame, taken: list[tuple[Lever, float]]) -> pd.DataFrame:
    rows, frame = [], base
    for lever, share in taken:
        after = _with(asked, frame, [(lever, share)])
        for move in lever.moves:
            old, new = (float(each[move.feature].iloc[0]) for each in (frame, after))
            if old != new and not (np.isnan(old) and np.isnan(new)):
                rows.append((lever.name, share, move.feature, old, new))
        frame = after
    return pd.DataFrame(rows, columns=["lever", "share", "feature", "value", "becomes"])
