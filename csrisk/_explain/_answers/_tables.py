"""Tables of an explanation: long feature tables with sentences, CRM rows, plain JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from csrisk._days import as_midnight
from csrisk._explain._adapters._frames import index_keys
from csrisk._explain._answers._drivers import plain_drivers
from csrisk._explain._answers._reasons import strongest_reasons
from csrisk._explain._games._game import pairs
from csrisk._goals import Goal
from csrisk.exceptions import ExplanationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk._explain._explanation import Explanation
    from csrisk.features import Feature

__all__ = [
    "NOT_MEASURED",
    "REST",
    "Background",
    "Silence",
    "as_plain",
    "feature_table",
    "features_of",
    "interaction_table",
    "not_measured",
    "reason_table",
    "row_of",
    "typical_values",
]

Matrix = NDArray[np.float64]
REST = "(rest)"
NOT_MEASURED = "(not measured)"
_REST, _SILENT = -1, -2  # columns that are no feature


@dataclass(frozen=True, eq=False)
class Background:
    """What sentences are made of."""

    declarations: tuple[Feature, ...]
    values: pd.DataFrame
    typical: pd.DataFrame  # one row per comparison
    comparison: NDArray[np.intp]  # for each explained row its row in `typical`
    typical_words: str = "typical is"

    def sentence(self, column: int, value: object, typical: object) -> str:
        """Write the sentence of one feature of one row."""
        return self.declarations[column].describe(value, typical).replace("typical is", self.typical_words)


def typical_values(frame: pd.DataFrame) -> dict[str, Any]:
    """Median of numbers, most frequent category; NaN where a column holds nothing."""
    plain = [isinstance(dtype, np.dtype) and dtype.kind in "fiu" for dtype in frame.dtypes]
    # all at once: one by one they take longer than the explanation of an account
    medians = frame.loc[:, plain].median()
    found: dict[str, Any] = {}
    for name in frame.columns:
        if name in medians.index:
            found[str(name)] = float(medians[name])
            continue
        column = frame[name].dropna()
        if pd.api.types.is_numeric_dtype(column.dtype):
            found[str(name)] = float(column.median()) if len(column) else np.nan
        else:
            # modes come sorted: of several the same one, whatever the order of the rows
            found[str(name)] = column.mode().iloc[0] if len(column) else np.nan
    return found


@dataclass(frozen=True, eq=False)
class Silence:
    """Where goals were not measured."""

    entries: Mapping[Goal, NDArray[np.bool_]]  # rows in which a goal says so; context says it for any goal
    points: Matrix
    silent: NDArray[np.bool_]  # shape (rows, goals)
    goals: tuple[Goal, ...]

    def sentence(self, goal: str, row: int) -> str:
        """Say what is not known."""
        if goal != Goal.CONTEXT:
            return "Nothing was recorded that speaks of this goal."
        names = [name.heading.lower() for name, silent in zip(self.goals, self.silent[row], strict=True) if silent]
        return f"What the model makes of it that nothing was recorded of: {', '.join(names)}."


def feature_table(
    index: pd.Index,
    rows: NDArray[np.intp],
    points: Matrix,
    rest: Mapping[Goal, Matrix],
    background: Background,
    silence: Silence,
) -> pd.DataFrame:
    """One row per snapshot and feature; `points` is NaN where a feature belongs to the rest of its goal."""
    goal_of = np.array([str(feature.goal) for feature in background.declarations])
    parts = [_entries(goal, np.flatnonzero(goal_of == str(goal)), points, own, silence) for goal, own in rest.items()]
    goals = np.repeat(np.array([str(goal) for goal in rest], dtype=object), [len(part.place) for part in parts])
    all_parts = _Entries(*(np.concatenate(values) for values in zip(*parts, strict=True)))
    # stable: within a row the goals and the ranks stay as they were put
    order = np.argsort(all_parts.place, kind="stable")
    place, column, hidden = all_parts.place[order], all_parts.column[order], all_parts.hidden[order]
    goals, position, shown = goals[order], rows[place], column >= 0
    # the last two are found from the end, by _SILENT and _REST
    names = np.array([*(feature.name for feature in background.declarations), NOT_MEASURED, REST], dtype=object)
    words = np.full((3, len(order)), None, dtype=object)
    words[:, shown] = _words(background, position[shown], column[shown])
    for at in np.flatnonzero(~shown).tolist():
        is_silent, further = column[at] == _SILENT, f"{hidden[at]} further features of this goal together."
        words[2, at] = silence.sentence(goals[at], int(place[at])) if is_silent else further
    values, typical, sentences = words
    found = {
        "goal": pd.array(goals, dtype="str"),
        "feature": pd.array(names[column], dtype="str"),
        "points": all_parts.points[order],
        # object: pandas would turn None into NaN, and whole numbers beside it into floats
        "value": values,
        "typical": typical,
        "sentence": pd.array(sentences, dtype="str"),
    }
    return pd.DataFrame(found, index=index[position])


class _Entries(NamedTuple):
    """Lines of a table of features."""

    place: NDArray[np.intp]
    column: NDArray[np.intp]
    points: Matrix
    hidden: NDArray[np.intp]  # how many features the rest of a goal holds


def _entries(goal: Goal, own: NDArray[np.intp], points: Matrix, rest: Matrix, silence: Silence) -> _Entries:
    """Features of a goal in each row, strongest first, then what its other features come to, and what is not known."""
    part, told = points[:, own], silence.entries[goal]
    hidden = np.isnan(part).sum(axis=1)
    # features in the rest go last, so that the first of a row are those with a number
    order = np.argsort(np.where(np.isnan(part), np.inf, -np.abs(part)), axis=1, kind="stable")
    place, rank = np.nonzero(np.arange(len(own)) < (len(own) - hidden)[:, None])
    chosen = order[place, rank]
    is_context = goal == Goal.CONTEXT
    # a goal that was not measured has no rest: context took all of it
    behind, silent = np.flatnonzero((hidden > 0) & (is_context | ~told)), np.flatnonzero(told)
    unknown = silence.points[silent] if is_context else np.zeros(len(silent))
    return _Entries(
        np.concatenate([place, behind, silent]),
        np.concatenate([own[chosen], np.full(len(behind), _REST), np.full(len(silent), _SILENT)]),
        np.concatenate([part[place, chosen], rest[behind], unknown]),
        np.concatenate([np.zeros(len(place), dtype=int), hidden[behind], np.zeros(len(silent), dtype=int)]),
    )


def _words(background: Background, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[Any]:
    """Value, typical value and sentence of chosen features: shape (3, n)."""
    found = np.empty((3, len(rows)), dtype=object)
    frame = background.values  # noqa: PD011  # the field of a dataclass
    # column by column: a look at each cell would be a call of pandas for each sentence
    for column in np.unique(columns).tolist():
        here = np.flatnonzero(columns == column)
        values = frame.iloc[:, column].take(rows[here]).tolist()
        typical = background.typical.iloc[:, column].take(background.comparison[rows[here]]).tolist()
        for place, value, usual in zip(here.tolist(), values, typical, strict=True):
            found[:, place] = value, usual, background.sentence(column, value, usual)
    return found


def reason_table(
    background: Background, rows: NDArray[np.intp], points: Matrix, n_reasons: int, least: float
) -> pd.DataFrame:
    """For each row, by rank: ``reason_<rank>``, its feature and its points; missing where there are fewer."""
    found = strongest_reasons(background, rows, points, n_reasons, least)
    names = np.array([feature.name for feature in background.declarations], dtype=object)
    table = pd.DataFrame(index=range(len(rows)))
    for rank in range(n_reasons):
        column, there = found.columns[:, rank], found.columns[:, rank] >= 0
        words, feature = np.full((2, len(rows)), None, dtype=object)
        words[there] = _words(background, rows[there], column[there])[2]
        feature[there] = names[column[there]]
        table[f"reason_{rank + 1}"] = pd.Series(words, dtype=object)
        table[f"reason_{rank + 1}_feature"] = pd.Series(feature, dtype=object)
        table[f"reason_{rank + 1}_points"] = np.where(there, found.points[:, rank], np.nan)
    return table


def as_plain(why: Explanation) -> dict[str, Any]:
    """Nested dicts and lists of plain values; missing values are None."""
    features = why.features()
    records: dict[int, list[dict[str, Any]]] = {row: [] for row in range(len(why))}
    for row, record in zip(why.index.get_indexer(features.index), features.to_dict("records"), strict=True):
        records[int(row)].append({str(name): _plain(value) for name, value in record.items()})
    names = [str(goal) for goal in why.goals_present]
    silent = not_measured(~why.measured().to_numpy(), names)
    drivers = plain_drivers(why)
    snapshots = [
        {
            "snapshot": {name: _plain(label) for name, label in zip(_names(why.index), _labels(key), strict=True)},
            "goals": dict(zip(names, why.contributions[i].tolist(), strict=True)),
            "reference": float(why.reference[i]),
            "prediction": float(why.prediction[i]),
            "driver": drivers[i],
            "not_measured": silent[i],
            "features": records[i],
        }
        for i, key in enumerate(why.index)
    ]
    return {"output": why.output, "unit": why.unit, "reference": why.reference_words, "snapshots": snapshots}


def not_measured(silent: NDArray[np.bool_], names: list[str]) -> list[list[str]]:
    """Names of the goals of which nothing is known, by row."""
    return [[name for name, there in zip(names, row, strict=True) if there] for row in silent.tolist()]


def _names(index: pd.Index) -> list[str]:
    return [str(name) if name is not None else f"level_{i}" for i, name in enumerate(index.names)]


def _labels(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat() if value == value.normalize() else value.isoformat()
    # before whole numbers: to Python a bool is one, and would be written as 1
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        # infinity is not JSON either
        return float(value) if np.isfinite(value) else None
    return str(value)


def row_of(index: pd.Index, account_id: Any, as_of: Any) -> int:
    """Position of an account, by default at its latest snapshot."""
    accounts, dates = index_keys(index) if index.nlevels > 1 else (index, None)
    found = np.flatnonzero(accounts == account_id)
    if len(found) and dates is not None:
        times = dates[found]
        found = found[[times.argmax()]] if as_of is None else found[times == as_midnight(as_of, "as_of")]
    if not len(found):
        message = (
            f"account_id: not among the {len(index)} explained snapshots"
            f"{'' if as_of is None else f' at as_of={as_of}'}; see Explanation.index"
        )
        raise ExplanationError(message)
    return int(found[-1])


def interaction_table(why: Explanation, together: Matrix) -> pd.DataFrame:
    """Give each pair half of what its goals do together, and leave the rest of each goal to itself."""
    names = [str(goal) for goal in why.goals_present]
    halves = together / 2
    matrix = np.zeros((len(why), len(names), len(names)))
    for column, (one, other) in enumerate(pairs(len(names))):
        matrix[:, one, other] = matrix[:, other, one] = halves[:, column]
    diagonal = np.arange(len(names))
    matrix[:, diagonal, diagonal] = why.contributions - matrix.sum(axis=2)
    columns = pd.MultiIndex.from_product([names, names], names=["goal", "with"])
    return pd.DataFrame(matrix.reshape(len(why), -1), index=why.index, columns=columns)


def features_of(
    why: Explanation, rows: NDArray[np.intp], points: Matrix, rest: Matrix, wanted: tuple[Goal, ...]
) -> pd.DataFrame:
    """Tables of the features of some rows, in the order of the goals that are wanted."""
    place = {goal: why.goals_present.index(goal) for goal in wanted}
    parts = {goal: rest[:, at] for goal, at in place.items()}
    silent = {goal: why.game.silent[rows, at] for goal, at in place.items()}
    if Goal.CONTEXT in parts:
        # context speaks for every goal that was not measured
        silent[Goal.CONTEXT] = why.game.silent[rows].any(axis=1)
        # silence has a line of its own, which the rest of context must not count again
        parts[Goal.CONTEXT] = parts[Goal.CONTEXT] - why.silence[rows]
    silence = Silence(silent, why.silence[rows], why.game.silent[rows], why.goals_present)
    return feature_table(why.index, rows, points, parts, why.background, silence)
