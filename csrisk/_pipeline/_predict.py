"""What a fitted pipeline says of features alone, and where accounts stand in the success quadrant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._pipeline._learning._lifetimes import months_left
from csrisk._snapshots import Snapshots
from csrisk.success import company_happiness, happiness, success_quadrant

if TYPE_CHECKING:
    from csrisk._pipeline._pipeline import RiskPipeline
    from csrisk.data import CustomerData

__all__ = ["predictions", "standing"]


def predictions(pipeline: RiskPipeline, X: pd.DataFrame) -> pd.DataFrame:
    """Predict churn with its interval, expansion, and the change of revenue."""
    risk = pipeline.model_.predict_proba(X)[:, 1]
    low, high = (np.full(len(risk), np.nan),) * 2 if pipeline.band_ is None else pipeline.band_.bounds(risk)
    table = pd.DataFrame({"churn_probability": risk, "churn_low": low, "churn_high": high}, index=X.index)
    # there whatever was modelled: columns do not depend on what the data could tell
    table["expansion_probability"], table["expected_mrr_change"] = np.nan, np.nan
    if pipeline.expansion_model_ is not None:
        grows = pipeline.expansion_model_.predict_proba(X)[:, 1]
        table["expansion_probability"] = grows
        if pipeline.amounts_ is not None:
            known, change = pipeline.amounts_.change(X, risk, grows)
            table.loc[known, "expected_mrr_change"] = change
    if pipeline.longevity_model_ is not None:
        table = table.join(months_left(pipeline.longevity_model_, X))
    return table


def standing(data: CustomerData, index: pd.Index) -> pd.DataFrame:
    """Place accounts in the success quadrant, beside what they bring a month."""
    seen = Snapshots.of(data, index.to_frame(index=False))
    company = company_happiness(data, seen)
    return company.assign(quadrant=success_quadrant(happiness(data, seen), company)["quadrant"]).reindex(index)
