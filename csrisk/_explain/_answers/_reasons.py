"""The goal and the features that raise a prediction most: one rule for tables, scores, command line and report."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from csrisk._goals import Goal

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from csrisk._explain._answers._tables import Background

__all__ = ["NEGLIGIBLE", "NO_REASON", "Reasons", "least_told", "main_goals", "strongest_reasons"]

# less than this is printed as 0.0 percentage points, so that it is told as no change
NEGLIGIBLE = 0.05
NO_REASON = "Nothing that was measured raises the risk above the reference."


class Reasons(NamedTuple):
    """Features that raise a prediction, strongest first; column -1 where there are fewer."""

    columns: NDArray[np.intp]
    points: NDArray[np.float64]


def least_told(output: str, prediction: NDArray[np.float64]) -> float:
    """Contribution below which nothing is said to raise a prediction."""
    if output == "probability":
        return NEGLIGIBLE
    # differences of rounding raise nothing; tiny where all is 0, as 0 would be at least 0
    return max(1e-9 * float(np.abs(prediction).max(initial=0.0)), np.finfo(float).tiny)


def main_goals(contributions: pd.DataFrame, least: float = NEGLIGIBLE) -> NDArray[np.object_]:
    """Name the goal that raises each prediction most; None where nothing raises it by `least`.

    Context names what kind of customer it is, not what happened to it: it is main only where no goal raises anything.
    """
    goals = [name for name in contributions.columns if name != Goal.CONTEXT]
    found = np.full(len(contributions), None, dtype=object)
    # goals come second and write over context, which stays where no goal raises anything
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
    """Rank the features that raise the predictions of `rows`; attributes and missing evidence are no reasons."""
    speaks = np.array([feature.goal != Goal.CONTEXT for feature in background.declarations])
    known = background.values.iloc[rows].notna().to_numpy()  # noqa: PD011  # the field of a dataclass
    # NaN is a feature in the rest of its goal; it compares false and is no reason
    with np.errstate(invalid="ignore"):
        raising = np.where(speaks & known & (points >= least), points, 0.0)
    columns = np.argsort(-raising, axis=1, kind="stable")[:, :n_reasons]
    strongest = np.take_along_axis(raising, columns, axis=1)
    short = n_reasons - columns.shape[1]
    # a model of fewer features than reasons still fills every rank
    columns = np.pad(np.where(strongest > 0, columns, -1), ((0, 0), (0, short)), constant_values=-1)
    return Reasons(columns, np.pad(strongest, ((0, 0), (0, short))))
