"""What a fitted pipeline says of features alone, and where accounts stand in the success quadrant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._snapshots import Snapshots
from csrisk.success import company_happiness, happiness, success_quadrant

if TYPE_CHECKING:
    from csrisk._pipeline._pipeline import RiskPipeline
    from csrisk.data import CustomerData

__all__ = ["predictions", "quadrants"]


def predictions(pipeline: RiskPipeline, X: pd.DataFrame) -> pd.DataFrame:
    """Predict churn with its interval, expansion, and the change of revenue.

    Parameters
    ----------
    pipeline : RiskPipeline
        Fitted.
    X : pandas.DataFrame
        Features.

    Returns
    -------
    pandas.DataFrame
        Index of `X`.
    """
    risk = pipeline.model_.predict_proba(X)[:, 1]
    low, high = (np.full(len(risk), np.nan),) * 2 if pipeline.band_ is None else pipeline.band_.bounds(risk)
    table = pd.DataFrame({"churn_probability": risk, "churn_low": low, "churn_high": high}, index=X.index)
    table["expansion_probability"], table["expected_mrr_change"] = np.nan, np.nan
    if pipeline.expansion_model_ is not None:
        grows = pipeline.expansion_model_.predict_proba(X)[:, 1]
        table["expansion_probability"] = grows
        if pipeline.amounts_ is not None:
            known, change = pipeline.amounts_.change(X, risk, grows)
            table.loc[known, "expected_mrr_change"] = change
    return table


def quadrants(data: CustomerData, index: pd.Index) -> pd.Series:
    """Place accounts in the success quadrant.

    Parameters
    ----------
    data : CustomerData
        The tables.
    index : pandas.Index
        Account and date.

    Returns
    -------
    pandas.Series
        On the same snapshots; missing where too little is known.
    """
    seen = Snapshots.of(data, index.to_frame(index=False))
    table = success_quadrant(happiness(data, seen), company_happiness(data, seen))
    return table["quadrant"]
