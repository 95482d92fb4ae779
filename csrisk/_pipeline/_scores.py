"""The table of scores: one row for each account, one schema for CRM, warehouse and report."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._pipeline._atomic import atomic_path
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from csrisk._explain import Explanation

__all__ = ["SCORES_SCHEMA", "frame_hash", "score_table", "write_scores"]

SCORES_SCHEMA = 1
_GOALS = ("churn", "footprint", "advocacy", "feedback", "context")
_REASONS = 3


def score_table(
    why: Explanation, X: pd.DataFrame, expansion: np.ndarray[Any, Any] | None, model_id: str
) -> pd.DataFrame:
    """Arrange what is known of a book.

    Parameters
    ----------
    why : Explanation
        Contributions in percentage points.
    X : pandas.DataFrame
        Features of the same snapshots.
    expansion : ndarray, optional
        Probability of expansion.
    model_id : str
        Which model this is from.

    Returns
    -------
    pandas.DataFrame
        Index (account_id, as_of), most urgent first. Columns: ``priority`` (1 is first: probability times monthly
        revenue, or the probability where there is none), ``churn_probability``, ``expansion_probability``, ``mrr``,
        ``mrr_at_risk``, ``reference_points`` and one ``<goal>_points`` for each goal, which add up to 100 times the
        probability, ``main_goal``, ``reason_1`` to ``reason_3``, ``model_id``, ``data_hash``, ``schema``.
    """
    goals = why.goals()
    table = pd.DataFrame(index=X.index)
    table["churn_probability"] = goals["prediction"] / 100
    table["expansion_probability"] = np.nan if expansion is None else expansion
    table["mrr"] = X.get("mrr", np.nan)
    table["mrr_at_risk"] = table["churn_probability"] * table["mrr"]
    table["reference_points"] = goals["reference"]
    for goal in _GOALS:
        table[f"{goal}_points"] = goals.get(goal, 0.0)
    present = [goal for goal in _GOALS if goal in goals and goal != "context"]
    table["main_goal"] = goals[present].idxmax(axis=1)
    table = table.join(_reasons(why))
    table["model_id"], table["data_hash"], table["schema"] = model_id, frame_hash(X), SCORES_SCHEMA
    weight = table["mrr_at_risk"] if table["mrr"].notna().any() else table["churn_probability"]
    order = np.lexsort((np.arange(len(table)), -table["churn_probability"], -weight.fillna(0.0)))
    table = table.iloc[order]
    table.insert(0, "priority", np.arange(1, len(table) + 1))
    return table


def frame_hash(X: pd.DataFrame) -> str:
    """Hash the features and who they belong to.

    Parameters
    ----------
    X : pandas.DataFrame
        Features.

    Returns
    -------
    str
        The first 16 hexadecimal digits of a sha256.
    """
    rows = pd.util.hash_pandas_object(X, index=True, categorize=True).to_numpy()
    names = "\n".join(map(str, X.columns)).encode()
    return hashlib.sha256(names + rows.tobytes()).hexdigest()[:16]


def write_scores(path: str | Path, scores: pd.DataFrame) -> Path:
    """Write scores as Parquet or CSV, whole or not at all.

    Parameters
    ----------
    path : str or Path
        The suffix decides: ``.parquet`` or ``.csv``.
    scores : pandas.DataFrame
        What `score_table` gave.

    Returns
    -------
    Path

    Raises
    ------
    ConfigError
        If the suffix is neither.
    OSError
        If the file cannot be written.
    """
    target, flat = Path(path), scores.reset_index()
    if target.suffix not in (".parquet", ".csv"):
        raise ConfigError(f"scores: suffix {target.suffix!r} must be .parquet or .csv")
    with atomic_path(target) as part:
        if target.suffix == ".parquet":
            flat.to_parquet(part, index=False)
        else:
            _harmless(flat).to_csv(part, index=False)
    return target


def _harmless(flat: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before text that a spreadsheet would run as a formula."""
    out = flat.copy()
    for name in out.columns[[pd.api.types.is_string_dtype(flat[column]) for column in flat.columns]]:
        text = out[name].astype(object)
        out[name] = [f"'{value}" if str(value)[:1] in set("=+-@\t\r") else value for value in text]
    return out


def _reasons(why: Explanation) -> pd.DataFrame:
    """Give the sentences of what raises each risk most; attributes and missing evidence are no reasons to act on."""
    features = why.features()
    place = pd.Series(why.index.get_indexer(features.index), index=features.index, name="place")
    speaks = (features["goal"] != "context") & (features["points"] > 0) & features["value"].notna()
    rows = features.assign(place=place)[speaks].sort_values(["place", "points"], ascending=[True, False], kind="stable")
    rows["rank"] = rows.groupby("place").cumcount() + 1
    wide = rows[rows["rank"] <= _REASONS].pivot_table(index="place", columns="rank", values="sentence", aggfunc="first")
    wide = wide.reindex(index=range(len(why.index)), columns=range(1, _REASONS + 1))
    return wide.set_axis([f"reason_{rank}" for rank in wide.columns], axis=1).set_axis(why.index)
