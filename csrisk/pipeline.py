"""The pipeline and its files: what a nightly job uses beside `RiskPipeline`."""

from csrisk._pipeline import (
    Past,
    RiskPipeline,
    RiskSpec,
    open_source,
    read_scores,
    write_scores,
)
from csrisk._pipeline._output import EXPANSION_COLUMNS, LONGEVITY_COLUMNS, SCORE_COLUMNS, SCORES_SCHEMA, ScoreColumn

__all__ = [
    "EXPANSION_COLUMNS",
    "LONGEVITY_COLUMNS",
    "SCORES_SCHEMA",
    "SCORE_COLUMNS",
    "Past",
    "RiskPipeline",
    "RiskSpec",
    "ScoreColumn",
    "open_source",
    "read_scores",
    "write_scores",
]
