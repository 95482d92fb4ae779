"""Tables of what would be: by features or by levers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk.exceptions import ExplanationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk._explain._altered._asked import Asked
    from csrisk._explain._altered._levers import Lever
    from csrisk._goals import Goal

__all__ = ["lever_table", "what_if_table"]


def what_if_table(
    asked: Asked, rows: NDArray[np.intp], changes: Mapping[str, Any] | str, goals: tuple[Goal, ...], scale: float
) -> pd.DataFrame:
    """Answer for some rows: before, after, change, its parts by goal, and what stays."""
    before = asked.values(rows)
    if isinstance(changes, str):
        lever = asked.lever(changes)
        after, stays = asked.pulled(before, lever), lever.stays
    elif isinstance(changes, Mapping):
        told = {str(name): value for name, value in changes.items()}
        asked.require(list(told))
        after, stays = asked.altered(before, told), ", ".join(asked.left(told))
    else:
        raise ExplanationError(f"changes={type(changes).__name__} must be the name of a lever or {{feature: value}}")
    return _told(asked, (before, after), goals, scale).assign(stays=stays)


def lever_table(
    asked: Asked, rows: NDArray[np.intp], goals: tuple[Goal, ...], scale: float, levers: tuple[Lever, ...] | None = None
) -> pd.DataFrame:
    """Answer for some rows and each lever; a lever that moves nothing of a row is left out of it."""
    levers = asked.levers if levers is None else levers
    base = asked.values(rows)
    names = [str(name or "row") for name in base.index.names]
    pulled = [asked.pulled(base, lever) for lever in levers]
    moved = [_moves(base, after, lever) for after, lever in zip(pulled, levers, strict=True)]
    moves = np.concatenate(moved) if moved else np.zeros(0, dtype=bool)
    # a model is not asked about nobody
    if not moves.any():
        columns = ["prediction", "what_if", "change", *map(str, goals), "stays", "place"]
        empty = pd.DataFrame(columns=columns, dtype="float64")
        return empty.set_axis(pd.MultiIndex.from_arrays([[]] * (len(names) + 1), names=[*names, "lever"]))
    both = pd.concat([base] * len(levers)), pd.concat(pulled)
    table = _told(asked, (both[0][moves], both[1][moves]), goals, scale)
    number = np.repeat(np.arange(len(levers)), len(base))[moves]
    row = np.tile(np.arange(len(base)), len(levers))[moves]
    # the last key counts first: by row, and in it the largest fall first
    order = np.lexsort((table["change"].to_numpy(), row))
    table = table.assign(lever=[levers[n].name for n in number], stays=[levers[n].stays for n in number], place=row)
    return table.iloc[order].set_index("lever", append=True)


def _moves(before: pd.DataFrame, after: pd.DataFrame, lever: Lever) -> NDArray[np.bool_]:
    names = [move.feature for move in lever.moves]
    old, new = (frame[names].astype("float64").to_numpy() for frame in (before, after))
    # NaN is not equal to itself: what is missing before and after has not moved
    return np.asarray(~((old == new) | (np.isnan(old) & np.isnan(new))).all(axis=1))


def _told(
    asked: Asked, frames: tuple[pd.DataFrame, pd.DataFrame], goals: tuple[Goal, ...], scale: float
) -> pd.DataFrame:
    ends, parts = asked.parts(*frames, goals)
    table = pd.DataFrame(scale * ends, index=frames[0].index, columns=["prediction", "what_if"])
    table["change"] = table["what_if"] - table["prediction"]
    return table.assign(**{str(goal): scale * parts[:, at] for at, goal in enumerate(goals)})
