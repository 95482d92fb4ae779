"""Watching a fitted pipeline: tonight's book against that of its training, and what came of earlier scores."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

import pandas as pd

from csrisk._pipeline._learning._panel import outcomes
from csrisk._pipeline._output._guarding import guards_of
from csrisk._pipeline._output._history import of_accounts, read_scores
from csrisk.monitoring import Alarms, Monitoring, TrainingFacts, feed_ages, monitor

if TYPE_CHECKING:
    from pathlib import Path

    from csrisk._explain import Explanation
    from csrisk._pipeline._pipeline import RiskPipeline
    from csrisk.data import CustomerData

__all__ = ["further_tables", "watched", "with_scores"]

_logger = logging.getLogger("csrisk")
_OUTLOOK = {
    "level": "Monthly revenue now",
    "churn_loss": "lost with accounts that leave",
    "contraction": "lost by contraction",
    "expansion": "won by expansion",
    "change": "Expected change",
    "expected_level": "Expected monthly revenue",
    "net_retention": "Net revenue retention to the end of the horizon",
    "gross_retention": "Gross revenue retention to the end of the horizon",
}
_SHARES = ("net_retention", "gross_retention")


def with_scores(X: pd.DataFrame, why: Explanation) -> pd.DataFrame:
    """Put the scores that monitoring watches beside the features."""
    goals = why.goals()
    scores = {"churn_probability": goals["prediction"] / 100}
    return X.assign(**scores, **{f"{goal}_points": goals[str(goal)] for goal in why.goals_present})


def watched(
    pipeline: RiskPipeline, data: CustomerData, why: Explanation, history: pd.DataFrame | str | Path | None
) -> Monitoring:
    """Hold a book against the one at training, and earlier scores of this model against what came."""
    scored = with_scores(why.background.values, why)
    now = scored.index.get_level_values("as_of").max()
    labels = None
    if history is not None:
        # what another model told says nothing of how this one is calibrated
        told = read_scores(history, pipeline.model_id_)
        others = told.attrs["other_models"]
        # of today nothing has come yet, and the book at hand stands for it
        told = of_accounts(told[told.index.get_level_values("as_of") < now], data.accounts)
        _logger.info("history: %s scores of this model, %s of others left out", f"{len(told):,}", f"{others:,}")
        if len(told):
            labels = outcomes(pipeline.spec_, data, cast("pd.MultiIndex", told.index), now)
            # score files keep no features: earlier dates bring their risk alone, to be held against what came
            scored = pd.concat([told[["churn_probability"]], scored])
    baseline, rule = pipeline.baseline_, pipeline.spec_.monitor
    return monitor(
        baseline.values,
        scored,
        labels,
        training=TrainingFacts(
            trained_at=pipeline.record_.facts.get("trained at"),
            tested=pipeline.record_.evaluation().get("model"),
            usual=baseline.usual,
            accounts=baseline.accounts,
        ),
        feeds=feed_ages(data, now),
        alarms=Alarms(rule.alpha, rule.limit, rule.max_age),
        goals={feature.name: str(feature.goal) for feature in why.declarations},
        guards=guards_of(pipeline, data, why.background.values),
    )


def further_tables(pipeline: RiskPipeline, why: Explanation, monitoring: Monitoring | None) -> dict[str, pd.DataFrame]:
    """Give the tables that a report prints beside its own."""
    found: dict[str, pd.DataFrame] = {}
    X = why.background.values  # noqa: PD011  # the field of a dataclass
    if pipeline.amounts_ is not None and pipeline.expansion_model_ is not None and X["mrr"].notna().any():
        risk, grows = (model.predict_proba(X)[:, 1] for model in (pipeline.model_, pipeline.expansion_model_))
        outlook = pipeline.amounts_.outlook(X, risk, grows)
        found["Revenue outlook"] = _outlook_words(outlook.book)
    return found if monitoring is None else found | monitoring.parts()


def _outlook_words(book: pd.DataFrame) -> pd.DataFrame:
    """Say the sums of an outlook in words, shares in percent."""
    lines = {
        name: f"{words}, %" if name in _SHARES else words for name, words in _OUTLOOK.items() if name in book.index
    }
    shown = book.loc[list(lines), ["estimate", "low", "high"]]
    shown.loc[shown.index.isin(_SHARES)] *= 100
    return shown.set_axis(pd.Index(lines.values(), name="until the end of the horizon")).reset_index()
