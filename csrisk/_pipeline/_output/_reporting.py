"""From a fitted pipeline and a book to the report of the book."""

from __future__ import annotations

import logging
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._days import whole_days
from csrisk._pipeline._output._grown import explained_growth, growth_amounts
from csrisk._pipeline._output._guarding import guarded
from csrisk._pipeline._output._past import look_back
from csrisk._pipeline._output._report_parts import distance_to_best
from csrisk._pipeline._output._score_schema import LONGEVITY_COLUMNS
from csrisk._pipeline._output._watching import further_tables
from csrisk.checks import checks_frame
from csrisk.exceptions import ConfigError
from csrisk.report import ReportForm, write_parts

if TYPE_CHECKING:
    from pathlib import Path

    from csrisk._explain import Explanation
    from csrisk._pipeline._output._past import Past
    from csrisk._pipeline._pipeline import RiskPipeline
    from csrisk.data import CustomerData
    from csrisk.monitoring import Monitoring

__all__ = ["report_of"]

_EXPANSION_LIST, _EXPANSION_CARDS = 50, 10
_LIFETIMES = [column.name for column in LONGEVITY_COLUMNS]
_logger = logging.getLogger("csrisk")


def report_of(
    pipeline: RiskPipeline,
    path: str | Path,
    data: CustomerData,
    why: Explanation,
    scores: pd.DataFrame | None,
    past: Past,
    monitoring: Monitoring | None,
    form: ReportForm | None,
) -> Path:
    """Write the report of a book."""
    spec, record = pipeline.spec_, pipeline.record_
    form = form or ReportForm()
    if form.title == ReportForm.title:
        form = replace(form, title=spec.report.title)
    scores = pipeline.score(data, why=why) if scores is None else _of_the_book(scores, why)
    growth, amounts = _growth_of(pipeline, why, scores)
    found = checks_frame(guarded(pipeline, data, why)) if monitoring is None else monitoring.table()
    if form.digest or str(path).lower().endswith(".csv"):
        past = replace(past, months=0)  # neither says more of the past than what moved
    _logger.info("the books of the months before")
    found_before = look_back(pipeline, data, why, scores.index.get_level_values("account_id"), past)
    _logger.info("report")
    return write_parts(
        path,
        why,
        data=data,
        evaluation=record.evaluation() or None,
        calibration=record.calibration,
        checks=pd.concat([record.checks, found]),
        backtest=record.backtest() or None,
        previous=found_before.previous,
        history=found_before.history,
        learned_until=found_before.learned_until,
        told=found_before.told,
        told_by=found_before.told_by,
        gap=distance_to_best(pipeline.model_, spec, scores["quadrant"], why),
        extra=further_tables(pipeline, why, monitoring),
        expansion=None if pipeline.expansion_model_ is None else _expansion_list(scores),
        growth=growth,
        growth_amounts=amounts,
        provenance={
            **record.facts,
            "model": pipeline.model_id_,
            "data": scores["data_hash"].iloc[0],
            **({"rows left out by where": data.left_out} if data.left_out else {}),
        },
        lifetimes=scores[_LIFETIMES] if pipeline.longevity_model_ is not None else None,
        **{one.name: getattr(form, one.name) for one in fields(form)},
        window=(whole_days(spec.snapshots.lead, "lead"), whole_days(spec.snapshots.horizon, "horizon")),
    )


def _growth_of(
    pipeline: RiskPipeline, why: Explanation, scores: pd.DataFrame
) -> tuple[Explanation | None, Explanation | None]:
    """Explain the accounts that come first by the probability of expansion, in points and in money."""
    if pipeline.expansion_model_ is None:
        return None, None
    best = _likeliest_to_expand(scores, _EXPANSION_CARDS)
    X = why.background.values  # noqa: PD011  # a field
    if pipeline.spec_.reference.kind != "book":  # a book is compared with all of itself
        X = X.loc[best.index]
    return explained_growth(pipeline, X, "expansion"), growth_amounts(pipeline, X)


def _of_the_book(scores: pd.DataFrame, why: Explanation) -> pd.DataFrame:
    """Take a score table that was handed in, if it tells the very risks that are explained."""
    told = scores["churn_probability"].reindex(why.index)
    # contributions sum to the risk but for the last digits; any other book or model is further away
    if len(scores) != len(why) or not np.allclose(told, why.prediction / 100, rtol=0, atol=1e-9):
        raise ConfigError(
            f"scores: {len(scores):,} rows are not those of the {len(why):,} accounts that are explained; hand over "
            "what score(data, why=why) gave, or leave scores out"
        )
    return scores


def _likeliest_to_expand(scores: pd.DataFrame, most: int) -> pd.DataFrame:
    # stable: accounts that are equally likely keep their order of priority
    return scores.sort_values("expansion_probability", ascending=False, kind="stable").head(most)


def _expansion_list(scores: pd.DataFrame) -> pd.DataFrame:
    best = _likeliest_to_expand(scores, _EXPANSION_LIST)
    return best[["expansion_probability", "mrr", "churn_probability"]].dropna(axis="columns", how="all")
