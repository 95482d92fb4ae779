"""Tables of an explanation: long feature tables with sentences, CRM rows, plain JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk._explain._explanation import Explanation
    from csrisk._goals import Goal
    from csrisk.features._declaration import Feature

__all__ = ["REST", "Background", "as_plain", "feature_table", "typical_values", "with_reasons"]

Matrix = NDArray[np.float64]
REST = "(rest)"
_COLUMNS = ["goal", "feature", "points", "value", "typical", "sentence"]


@dataclass(frozen=True, eq=False)
class Background:
    """What sentences are made of.

    Parameters
    ----------
    declarations : tuple of Feature
        In the order of the model.
    values : pd.DataFrame
        The explained feature frame, columns in the order of the model.
    typical : pd.DataFrame
        Typical values, one row per comparison.
    comparison : ndarray of int
        For each explained row its row in `typical`.
    typical_words : str, default "typical is"
        How sentences call the value that they compare with.
    """

    declarations: tuple[Feature, ...]
    values: pd.DataFrame
    typical: pd.DataFrame
    comparison: NDArray[np.intp]
    typical_words: str = "typical is"


def typical_values(frame: pd.DataFrame) -> dict[str, Any]:
    """Median of numbers, most frequent category; NaN where a column holds nothing."""
    found: dict[str, Any] = {}
    for name in frame.columns:
        column = frame[name].dropna()
        if pd.api.types.is_numeric_dtype(column.dtype):
            found[str(name)] = float(column.median()) if len(column) else np.nan
        else:
            found[str(name)] = column.mode().iloc[0] if len(column) else np.nan
    return found


def feature_table(
    index: pd.Index, rows: NDArray[np.intp], points: Matrix, rest: Mapping[Goal, Matrix], background: Background
) -> pd.DataFrame:
    """One row per snapshot and feature; `points` is NaN where a feature belongs to the rest of its goal."""
    goal_of = [feature.goal for feature in background.declarations]
    columns = {goal: np.array([j for j, own in enumerate(goal_of) if own == goal]) for goal in rest}
    found: list[tuple[Any, ...]] = []
    positions: list[int] = []
    for i, row in enumerate(rows):
        for goal, own in columns.items():
            shown = own[~np.isnan(points[i, own])]
            order = shown[np.argsort(-np.abs(points[i, shown]), kind="stable")]
            found += [(str(goal), *_words(background, int(row), int(j), float(points[i, j]))) for j in order]
            if len(shown) < len(own):
                words = f"{len(own) - len(shown)} further features of this goal together."
                found.append((str(goal), REST, float(rest[goal][i]), None, None, words))
        positions += [int(row)] * (len(found) - len(positions))
    table = pd.DataFrame(found, columns=_COLUMNS, index=index[np.array(positions, dtype=np.intp)])
    return table.astype({"points": float, "value": object, "typical": object})


def _words(background: Background, row: int, column: int, points: float) -> tuple[str, float, Any, Any, str]:
    declaration = background.declarations[column]
    frame = background.values  # noqa: PD011  # the field of a dataclass
    value = frame.iloc[row, column]
    typical = background.typical.iloc[int(background.comparison[row]), column]
    sentence = declaration.describe(value, typical).replace("typical is", background.typical_words)
    return declaration.name, points, value, typical, sentence


def with_reasons(goals: pd.DataFrame, features: pd.DataFrame, n_reasons: int) -> pd.DataFrame:
    """Goals of each snapshot with the sentences of the features that raise its prediction most."""
    snapshots = features.index
    raising = features.assign(_row=goals.index.get_indexer(snapshots))
    raising = raising[(raising["feature"] != REST) & (raising["points"] > 0)]
    raising = raising.sort_values(["_row", "points"], ascending=[True, False], kind="stable")
    raising["_rank"] = raising.groupby("_row").cumcount() + 1
    table = goals.copy()
    for rank in range(1, n_reasons + 1):
        own = raising[raising["_rank"] == rank].set_index("_row").reindex(range(len(goals)))
        table[f"reason_{rank}"] = own["sentence"].to_numpy()
        table[f"reason_{rank}_points"] = own["points"].to_numpy()
    return table


def as_plain(why: Explanation) -> dict[str, Any]:
    """Nested dicts and lists of plain values; missing values are None."""
    features = why.features()
    records: dict[int, list[dict[str, Any]]] = {row: [] for row in range(len(why))}
    for row, record in zip(why.index.get_indexer(features.index), features.to_dict("records"), strict=True):
        records[int(row)].append({str(name): _plain(value) for name, value in record.items()})
    names = [str(goal) for goal in why.goals_present]
    snapshots = [
        {
            "snapshot": {name: _plain(label) for name, label in zip(_names(why.index), _labels(key), strict=True)},
            "goals": dict(zip(names, why.contributions[i].tolist(), strict=True)),
            "reference": float(why.reference[i]),
            "prediction": float(why.prediction[i]),
            "features": records[i],
        }
        for i, key in enumerate(why.index)
    ]
    return {"output": why.output, "unit": why.unit, "reference": why.reference_words, "snapshots": snapshots}


def _names(index: pd.Index) -> list[str]:
    return [str(name) if name is not None else f"level_{i}" for i, name in enumerate(index.names)]


def _labels(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat() if value == value.normalize() else value.isoformat()
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return str(value)
