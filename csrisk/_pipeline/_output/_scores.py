"""The table of scores: one row for each account, one schema for CRM, warehouse and report."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._atomic import atomic_path
from csrisk._explain import not_measured
from csrisk._pipeline._learning._lifetimes import MONTHS, lifetimes
from csrisk._pipeline._output._files import write_table
from csrisk._pipeline._output._grown import explained_growth
from csrisk._pipeline._output._score_schema import (
    EXPANSION_COLUMNS,
    GOALS,
    LONGEVITY_COLUMNS,
    REASONS,
    SCORE_COLUMNS,
    SCORES_SCHEMA,
    as_schema,
)
from csrisk._pipeline._predict import standing
from csrisk.report._figures import at_stake

if TYPE_CHECKING:
    from csrisk._explain import Explanation
    from csrisk._pipeline._learning._band import RiskBand
    from csrisk._pipeline._pipeline import RiskPipeline
    from csrisk.checks import Check
    from csrisk.data import CustomerData

__all__ = ["SCORES_SCHEMA", "frame_hash", "scores_of", "write_scores"]

_GROWING = 50
_logger = logging.getLogger("csrisk")


def scores_of(pipeline: RiskPipeline, data: CustomerData, why: Explanation, checks: tuple[Check, ...]) -> pd.DataFrame:
    """Give the score table of a book that is explained and judged, and log it."""
    X = why.background.values  # noqa: PD011  # the field of a dataclass
    told, place = pipeline.predict(X), standing(data, X.index)
    table = _score_table(
        why,
        X,
        pipeline.model_id_,
        # as the model gives it, to the last bit; the sum of contributions may differ in the last digits
        risk=told["churn_probability"].to_numpy(),
        expansion=told["expansion_probability"].to_numpy(),
        band=pipeline.band_,
        change=told["expected_mrr_change"],
        quadrant=place["quadrant"],
        lifetimes=None if pipeline.longevity_model_ is None else lifetimes(told[MONTHS], place),
        growth=None if pipeline.expansion_model_ is None else explained_growth(pipeline, X, "expansion"),
        trained_at=pipeline.record_.facts.get("trained at"),
        checks=checks,
    )
    _log_scores(table)
    return table


def _score_table(
    why: Explanation,
    X: pd.DataFrame,
    model_id: str,
    *,
    risk: np.ndarray[Any, Any] | None = None,
    expansion: np.ndarray[Any, Any] | None = None,
    band: RiskBand | None = None,
    change: pd.Series | None = None,
    quadrant: pd.Series | None = None,
    lifetimes: pd.DataFrame | None = None,
    growth: Explanation | None = None,
    trained_at: str | None = None,
    checks: tuple[Check, ...] = (),
) -> pd.DataFrame:
    """Arrange what is known of a book."""
    risk = why.prediction / 100 if risk is None else risk
    low, high = (np.full(len(risk), np.nan),) * 2 if band is None else band.bounds(risk)
    mrr = X["mrr"].to_numpy(dtype=np.float64, na_value=np.nan) if "mrr" in X else np.full(len(X), np.nan)
    figures = {
        "churn_probability": risk,
        "churn_low": low,
        "churn_high": high,
        "expansion_probability": np.nan if expansion is None else expansion,
        "mrr": mrr,
        "mrr_at_risk": risk * mrr,
        "expected_mrr_change": np.nan if change is None else change.reindex(X.index).to_numpy(dtype=np.float64),
    }
    table = pd.DataFrame({**figures, **_why(why)}, index=X.index).join(_reasons(why))
    table["quadrant"] = None if quadrant is None else quadrant.reindex(X.index).astype(object)
    table["model_id"], table["data_hash"], table["schema"] = model_id, frame_hash(X), SCORES_SCHEMA
    # typed where it is missing, too: types do not depend on what a model file tells
    table["trained_at"] = pd.Series(
        pd.NaT if trained_at is None else pd.Timestamp(trained_at), table.index, "datetime64[us]"
    )
    names = [column.name for column in SCORE_COLUMNS[2:]]  # the first two are the index
    if growth is not None:
        names += [column.name for column in EXPANSION_COLUMNS]
        table = table.join(_expansion(growth))
    if lifetimes is not None:
        names += [column.name for column in LONGEVITY_COLUMNS]
        table = table.join(lifetimes)
    weight = at_stake(table["churn_probability"].to_numpy(), mrr)
    # last key first: what is at stake, then the risk, then the order of the book, so that no tie is left
    order = np.lexsort((np.arange(len(table)), -table["churn_probability"], -weight))
    table = table.iloc[order].assign(priority=np.arange(1, len(table) + 1))
    table = _plain_text(table[names])
    if checks:
        # plain lists, as they go into the metadata of the file as JSON
        table.attrs["checks"] = [{**asdict(check), "found": list(check.found)} for check in checks]
    return table


def _why(why: Explanation) -> dict[str, Any]:
    """Columns of the goals: what each contributes, which comes first, and of which nothing is known."""
    goals, drivers = why.goals(), why.drivers()
    return {
        "reference_points": goals["reference"].to_numpy(),
        # a goal that no feature of this model serves has its column too: there is one schema
        **{f"{goal}_points": goals[goal].to_numpy() if goal in goals else 0.0 for goal in GOALS},
        "main_goal": why.main_goals,
        "driver": drivers["goal"].where(drivers["named"], None).to_numpy(object),
        "driver_probability": drivers["probability"].to_numpy(),
        "not_measured": _unknown(why),
    }


def _log_scores(table: pd.DataFrame) -> None:
    """Log how many accounts were scored, by which model and from which data."""
    as_of, first = table.index.get_level_values("as_of")[0], table.iloc[0]
    facts = {
        "as_of": f"{as_of:%Y-%m-%d}",
        "accounts": len(table),
        **{k: str(first[k]) for k in ("model_id", "data_hash")},
    }
    _logger.info("scored %s accounts", f"{len(table):,}", extra={"csrisk": facts})


def _plain_text(table: pd.DataFrame) -> pd.DataFrame:
    """Give every text column one type, also where it holds nothing."""
    for column in (*SCORE_COLUMNS, *EXPANSION_COLUMNS):
        if column.kind == "text" and column.name in table:
            values = table[column.name].astype(object)
            table[column.name] = values.where(values.notna(), None).astype("string")
    return table


def frame_hash(X: pd.DataFrame) -> str:
    """Hash the features and who they belong to."""
    rows = pd.util.hash_pandas_object(X, index=True, categorize=True).to_numpy()
    # the hash of rows does not know the names of the columns
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

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> from csrisk.pipeline import write_scores
    >>> scores = pd.DataFrame({"churn_probability": [0.25]}, index=pd.Index(["a"], name="account_id"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_scores(Path(folder, "scores.csv"), scores).read_text().split()
    ['account_id,churn_probability', 'a,0.25']
    """
    from pyarrow import parquet

    target, flat = Path(path), scores.reset_index()
    if target.suffix.lower() != ".parquet":
        return write_table(target, flat)
    with atomic_path(target) as part:
        parquet.write_table(as_schema(flat, scores.attrs.get("checks")), part)
    return target


def _unknown(why: Explanation) -> list[str | None]:
    """Name the goals of which nothing is known."""
    names = [str(goal) for goal in why.goals_present]
    return [", ".join(goals) or None for goals in not_measured(~why.measured().to_numpy(bool), names)]


def _expansion(why: Explanation) -> pd.DataFrame:
    """Contributions to the probability of expansion; sentences, which cost most, for the likeliest alone."""
    goals = why.goals()
    table = pd.DataFrame(
        {
            "expansion_reference_pp": goals["reference"],
            **{f"expansion_{goal}_pp": goals.get(goal, 0.0) for goal in GOALS},
            "expansion_goal": why.main_goals,
        },
        index=why.index,
    )
    likeliest = np.argsort(-why.prediction, kind="stable")[:_GROWING]
    reasons = why.reasons(likeliest, 1).set_axis(why.index[likeliest])
    names = {"reason_1": "expansion_reason", "reason_1_feature": "expansion_reason_feature"}
    return table.join(reasons.rename(columns={**names, "reason_1_points": "expansion_reason_pp"}))


def _reasons(why: Explanation) -> pd.DataFrame:
    found = why.reasons(np.arange(len(why)), REASONS).set_axis(why.index)
    return found.rename(columns=lambda name: name.removesuffix("_points") + "_pp" if name.endswith("_points") else name)
