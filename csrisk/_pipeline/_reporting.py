"""From a fitted pipeline and a book to the report of the book."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk._days import whole_days
from csrisk._pipeline._guarding import guarded
from csrisk._pipeline._report_parts import books_before, distance_to_best
from csrisk._pipeline._score_schema import LONGEVITY_COLUMNS
from csrisk._pipeline._watching import further_tables
from csrisk.checks import checks_frame
from csrisk.exceptions import ConfigError
from csrisk.report import write_report

if TYPE_CHECKING:
    from pathlib import Path

    from csrisk._explain import Explanation
    from csrisk._pipeline._pipeline import RiskPipeline
    from csrisk.data import CustomerData
    from csrisk.monitoring import Monitoring

__all__ = ["report_of"]

_EXPANSION_LIST = 50
_OPTIONS = {"account_url", "by_owner", "chunk", "currency", "digest", "max_cards", "pseudonymise"}
_LIFETIMES = [column.name for column in LONGEVITY_COLUMNS]
_logger = logging.getLogger("csrisk")


def report_of(
    pipeline: RiskPipeline,
    path: str | Path,
    data: CustomerData,
    why: Explanation,
    previous: Any,
    monitoring: Monitoring | None,
    options: dict[str, Any],
) -> Path:
    """Write the report of a book.

    Parameters
    ----------
    pipeline : RiskPipeline
        Fitted.
    path : str or Path
        Where.
    data : CustomerData
        The tables.
    why : Explanation
        Contributions of the book.
    previous : date, Explanation or None
        An earlier book; default is the same day of the six months before.
    monitoring : Monitoring or None
        What was found.
    options : dict
        What the caller chooses of the form: see `csrisk.write_report`.

    Returns
    -------
    Path
    """
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise ConfigError(f"report: {unknown} must be among {sorted(_OPTIONS)}; the pipeline gives the rest itself")
    spec, record = pipeline.spec_, pipeline.record_
    scores = pipeline.score(data, why=why)
    found = checks_frame(guarded(pipeline, data, why)) if monitoring is None else monitoring.table()
    if previous is None:
        _logger.info("the books of the months before")
        previous = books_before(pipeline.model_, spec, data, why, pipeline.reference_)
    elif not hasattr(previous, "goals"):
        previous = pipeline.explain(data, previous)
    _logger.info("report")
    return write_report(
        path,
        why,
        data=data,
        title=spec.report.title,
        evaluation=record.evaluation() or None,
        calibration=record.calibration,
        checks=pd.concat([record.checks, found]),
        backtest=record.backtest() or None,
        previous=previous,
        gap=distance_to_best(pipeline.model_, spec, scores["quadrant"], why),
        extra=further_tables(pipeline, why, monitoring),
        expansion=None if pipeline.expansion_model_ is None else _expansion_list(scores),
        provenance={
            **record.facts,
            "model": pipeline.model_id_,
            "data": scores["data_hash"].iloc[0],
            **({"rows left out by where": data.left_out} if data.left_out else {}),
        },
        lifetimes=scores[_LIFETIMES] if pipeline.longevity_model_ is not None else None,
        **options,
        window=(whole_days(spec.snapshots.lead, "lead"), whole_days(spec.snapshots.horizon, "horizon")),
    )


def _expansion_list(scores: pd.DataFrame) -> pd.DataFrame:
    best = scores.sort_values("expansion_probability", ascending=False, kind="stable").head(_EXPANSION_LIST)
    return best[["expansion_probability", "mrr", "churn_probability"]].dropna(axis="columns", how="all")
