"""The pipeline and its files: what a nightly job uses beside `RiskPipeline`."""

from csrisk._pipeline import (
    RiskPipeline,
    RiskSpec,
    open_source,
    read_scores,
    write_scores,
)
from csrisk._pipeline._score_schema import LONGEVITY_COLUMNS, SCORE_COLUMNS, SCORES_SCHEMA, ScoreColumn

__all__ = [
    "LONGEVITY_COLUMNS",
    "SCORES_SCHEMA",
    "SCORE_COLUMNS",
    "RiskPipeline",
    "RiskSpec",
    "ScoreColumn",
    "open_source",
    "read_scores",
    "write_scores",
]
