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
from csrisk._pipeline._files import write_table
from csrisk._pipeline._score_schema import GOALS, LONGEVITY_COLUMNS, REASONS, SCORE_COLUMNS, SCORES_SCHEMA, as_schema
from csrisk.report._revenue import at_stake

if TYPE_CHECKING:
    from csrisk._explain import Explanation
    from csrisk._pipeline._band import RiskBand
    from csrisk.checks import Check

__all__ = ["SCORES_SCHEMA", "frame_hash", "log_scores", "score_table", "write_scores"]

_logger = logging.getLogger("csrisk")


def score_table(
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
    trained_at: str | None = None,
    checks: tuple[Check, ...] = (),
) -> pd.DataFrame:
    """Arrange what is known of a book.

    Parameters
    ----------
    why : Explanation
        Contributions in percentage points.
    X : pandas.DataFrame
        Features of the same snapshots.
    model_id : str
        Which model this is from.
    risk : ndarray, optional
        Probability of churn as the model gives it, to the last bit; default is that of the explanation.
    expansion : ndarray, optional
        Probability of expansion.
    band : RiskBand, optional
        Intervals of told risks.
    change : pandas.Series, optional
        Expected change of monthly revenue, on part of the index.
    quadrant : pandas.Series, optional
        Place in the success quadrant, on the same index.
    lifetimes : pandas.DataFrame, optional
        How long accounts are expected to stay and what they bring, on the same index.
    trained_at : date, optional
        First day that the model knows nothing of.
    checks : tuple of Check
        How the book differs from what training saw.

    Returns
    -------
    pandas.DataFrame
        Index (account_id, as_of), most urgent first; columns as in `SCORE_COLUMNS`; the checks in ``attrs["checks"]``.
    """
    goals = why.goals()
    risk = (goals["prediction"] / 100).to_numpy() if risk is None else risk
    drivers = why.drivers()
    low, high = (np.full(len(risk), np.nan),) * 2 if band is None else band.bounds(risk)
    mrr = X["mrr"].to_numpy(dtype=np.float64, na_value=np.nan) if "mrr" in X else np.full(len(X), np.nan)
    table = pd.DataFrame(
        {
            "churn_probability": risk,
            "churn_low": low,
            "churn_high": high,
            "expansion_probability": np.nan if expansion is None else expansion,
            "mrr": mrr,
            "mrr_at_risk": risk * mrr,
            "expected_mrr_change": np.nan if change is None else change.reindex(X.index).to_numpy(dtype=np.float64),
            "reference_points": goals["reference"].to_numpy(),
            **{f"{goal}_points": goals[goal].to_numpy() if goal in goals else 0.0 for goal in GOALS},
            "main_goal": why.main_goals,
            "driver": drivers["goal"].where(drivers["named"], None).to_numpy(object),
            "driver_probability": drivers["probability"].to_numpy(),
            "not_measured": _unknown(why),
        },
        index=X.index,
    ).join(_reasons(why))
    table["quadrant"] = None if quadrant is None else quadrant.reindex(X.index).astype(object)
    table["model_id"], table["data_hash"], table["schema"] = model_id, frame_hash(X), SCORES_SCHEMA
    table["trained_at"] = pd.Series(
        pd.NaT if trained_at is None else pd.Timestamp(trained_at), table.index, "datetime64[us]"
    )
    names = [column.name for column in SCORE_COLUMNS[2:]]
    if lifetimes is not None:
        names += [column.name for column in LONGEVITY_COLUMNS]
        table = table.join(lifetimes)
    weight = at_stake(table["churn_probability"].to_numpy(), mrr)
    order = np.lexsort((np.arange(len(table)), -table["churn_probability"], -weight))
    table = table.iloc[order].assign(priority=np.arange(1, len(table) + 1))
    table = _plain_text(table[names])
    if checks:
        table.attrs["checks"] = [{**asdict(check), "found": list(check.found)} for check in checks]
    return table


def log_scores(table: pd.DataFrame) -> None:
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
    for column in SCORE_COLUMNS:
        if column.kind == "text":
            values = table[column.name].astype(object)
            table[column.name] = values.where(values.notna(), None).astype("string")
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


def _reasons(why: Explanation) -> pd.DataFrame:
    found = why.reasons(np.arange(len(why)), REASONS).set_axis(why.index)
    return found.rename(columns=lambda name: name.removesuffix("_points") + "_pp" if name.endswith("_points") else name)
