"""Why accounts are expected to grow: the models of expansion and of its amount, explained as churn is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csrisk._pipeline._output._explaining import explained
from csrisk.exceptions import ConfigError
from csrisk.models import AmountModel

if TYPE_CHECKING:
    import pandas as pd

    from csrisk._explain import Explanation
    from csrisk._pipeline._pipeline import RiskPipeline

__all__ = ["explained_growth", "growth_amounts"]


def explained_growth(pipeline: RiskPipeline, X: pd.DataFrame, outcome: str) -> Explanation:
    """Split the probability of expansion, or the expected growth in money, over the goals."""
    if outcome == "expansion" and pipeline.expansion_model_ is not None:
        return explained(pipeline, X, pipeline.expansion_model_)
    amounts = growth_amounts(pipeline, X) if outcome == "growth" else None
    if amounts is not None:
        return amounts
    if outcome not in ("expansion", "growth"):
        raise ConfigError(f"outcome={outcome!r} must be 'churn', 'expansion' or 'growth'")
    raise ConfigError(
        f"outcome={outcome!r}: the data could not tell it when the pipeline was fitted, see label.expansion"
    )


def growth_amounts(pipeline: RiskPipeline, X: pd.DataFrame) -> Explanation | None:
    """Split the expected growth in money; None where it is one number for all, or unknown."""
    growth = None if pipeline.amounts_ is None else pipeline.amounts_.growth
    # a growth that is one number for all has no features to be split over
    return explained(pipeline, X, growth, "amount") if isinstance(growth, AmountModel) else None
