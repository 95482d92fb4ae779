"""The goal and the features that raise a prediction most: one rule for tables, scores, command line and report."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from csrisk._goals import Goal

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from csrisk._explain._tables import Background

__all__ = ["NEGLIGIBLE", "NO_REASON", "Reasons", "main_goals", "strongest_reasons"]

# less than this is printed as 0.0 percentage points, so that it is told as no change
NEGLIGIBLE = 0.05
NO_REASON = "Nothing that was measured raises the risk above the reference."


class Reasons(NamedTuple):
    """Features that raise a prediction, strongest first; column -1 where there are fewer."""

    columns: NDArray[np.intp]
    points: NDArray[np.float64]


def main_goals(contributions: pd.DataFrame, least: float = NEGLIGIBLE) -> NDArray[np.object_]:
    """Name the goal that raises each prediction most; None where nothing raises it by `least`.

    Context names what kind of customer it is, not what happened to it: it is main only where no goal raises anything.
    """
    goals = [name for name in contributions.columns if name != Goal.CONTEXT]
    found = np.full(len(contributions), None, dtype=object)
    for names in ([name for name in contributions.columns if name == Goal.CONTEXT], goals):
        if names:
            points = contributions[names].to_numpy(np.float64)
            raised = points.max(axis=1) >= least
            found[raised] = np.array([str(name) for name in names], dtype=object)[points.argmax(axis=1)][raised]
    return found


def strongest_reasons(
    background: Background,
    rows: NDArray[np.intp],
    points: NDArray[np.float64],
    n_reasons: int,
    least: float = NEGLIGIBLE,
) -> Reasons:
    """Rank the features that raise the predictions of `rows`; attributes and missing evidence are no reasons.

    Parameters
    ----------
    background : Background
        Declarations and values of all that is explained.
    rows : ndarray of int
        Positions of the rows.
    points : ndarray of shape (rows, features)
        Contributions; NaN where a feature belongs to the rest of its goal.
    n_reasons : int
        Most reasons of a row.
    least : float
        Contribution below which a feature is no reason.
    """
    speaks = np.array([feature.goal != Goal.CONTEXT for feature in background.declarations])
    known = background.values.iloc[rows].notna().to_numpy()  # noqa: PD011  # the field of a dataclass
    with np.errstate(invalid="ignore"):
        raising = np.where(speaks & known & (points >= least), points, 0.0)
    columns = np.argsort(-raising, axis=1, kind="stable")[:, :n_reasons]
    strongest = np.take_along_axis(raising, columns, axis=1)
    short = n_reasons - columns.shape[1]
    columns = np.pad(np.where(strongest > 0, columns, -1), ((0, 0), (0, short)), constant_values=-1)
    return Reasons(columns, np.pad(strongest, ((0, 0), (0, short))))
