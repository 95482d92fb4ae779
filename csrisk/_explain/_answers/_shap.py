"""Hand-over to shap, whose plots many know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk.exceptions import ExplanationError

if TYPE_CHECKING:
    from csrisk._explain._explanation import Explanation

__all__ = ["to_shap"]


def to_shap(why: Explanation, level: str) -> Any:
    """Make a ``shap.Explanation`` of goals or features; values and base values add up to the prediction."""
    if level not in ("goal", "feature"):
        raise ExplanationError(f"level={level!r} must be 'goal' or 'feature'")
    import shap

    unit = why.unit
    if level == "goal":
        names = [goal.heading for goal in why.goals_present]
        # goals have no value of their own; shap colours by data, so the contribution stands in, and labels stay empty
        return shap.Explanation(
            why.contributions,
            why.reference,
            data=why.contributions,
            display_data=np.full(why.contributions.shape, "", dtype=object),
            feature_names=names,
            output_names=unit,
        )
    points, rest = why.feature_game(np.arange(len(why)))
    known = np.asarray(np.isnan(points).any(axis=0))
    behind = [k for k, goal in enumerate(why.goals_present) if _has_rest(why, k, known) or rest[:, k].any()]
    names = [feature.name for feature in why.declarations]
    names += [f"rest of {why.goals_present[k]}" for k in behind]
    # a feature in the rest of its goal counts there; NaN would spoil the sum
    values = np.column_stack([np.nan_to_num(points), rest[:, behind]])
    frame = why.background.values  # noqa: PD011  # the field of a dataclass
    numbers = np.column_stack([_as_number(frame[name]) for name in frame.columns])
    data = np.column_stack([numbers, np.full((len(why), len(behind)), np.nan)])
    shown = np.column_stack([frame.astype(object).to_numpy(), np.full((len(why), len(behind)), "", dtype=object)])
    return shap.Explanation(
        values, why.reference, data=data, display_data=shown, feature_names=names, output_names=unit
    )


def _has_rest(why: Explanation, k: int, known: np.ndarray[Any, np.dtype[np.bool_]]) -> bool:
    return any(bool(known[j]) for j, feature in enumerate(why.declarations) if feature.goal == why.goals_present[k])


def _as_number(column: pd.Series[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(pd.Categorical(column).codes, dtype=float)
