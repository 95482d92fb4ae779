"""The forward test: a model of the past, judged on a later period beside two baselines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._evaluation import calibration_curve, compare, evaluate_scores
from csrisk._splits import ForwardSplit
from csrisk.exceptions import NotEnoughDataError
from csrisk.models import ChurnModel
from csrisk.success import health_score

if TYPE_CHECKING:
    from csrisk._pipeline._panel import Panel
    from csrisk._pipeline._spec import RiskSpec

__all__ = ["ForwardTest", "calibration_table", "forward_test", "recency"]

_TEST_SHARE = 0.25


@dataclass(frozen=True)
class ForwardTest:
    """What came out of the forward test.

    Parameters
    ----------
    start : pandas.Timestamp
        First date of the test period.
    scores : pandas.DataFrame
        Test snapshots with ``churn`` (what happened) and the score of each method.
    metrics : pandas.DataFrame
        Index (method, metric), columns ``estimate``, ``low``, ``high``.
    gain : pandas.DataFrame
        Index baseline, columns ``difference``, ``low``, ``high``: AUC of the model minus that of the baseline.
    split : tuple of pandas.Series
        Train and test, booleans on the index of the snapshots.
    """

    start: pd.Timestamp
    scores: pd.DataFrame
    metrics: pd.DataFrame
    gain: pd.DataFrame
    split: tuple[pd.Series, pd.Series]


def forward_test(spec: RiskSpec, past: Panel) -> ForwardTest:
    """Fit to snapshots whose label window ends before the test period, and judge on those that start in it.

    Parameters
    ----------
    spec : RiskSpec
        Test period and model parameters.
    past : Panel
        Labelled snapshots.

    Returns
    -------
    ForwardTest

    Raises
    ------
    SnapshotError
        If one side of the split is empty.
    NotEnoughDataError
        If one side of the split has too few accounts that churned.
    """
    start = pd.Timestamp(spec.test.start) if spec.test.start else _late(past)
    train, test = ForwardSplit.at(past.snapshots, start, grace=past.grace)
    model = ChurnModel(**spec.model).fit(past.X.loc[train], past.churn.loc[train])
    X, y = past.X.loc[test], past.churn.loc[test]
    if y.nunique() < 2:
        raise NotEnoughDataError(
            f"test.start={start:%Y-%m-%d}: all {len(y)} snapshots to test on have the same outcome"
        )
    scores = pd.DataFrame({"churn": y, "model": model.predict_proba(X)[:, 1]}, index=X.index)
    baselines = {"health score": 100 - health_score(X), "recency": recency(X)}
    for name, values in baselines.items():
        if values.notna().any():
            scores[name] = values.fillna(values.median())
    metrics, gain = _judge(scores, {"n_bootstrap": spec.test.n_bootstrap, "random_state": 0})
    return ForwardTest(start, scores, metrics, gain, (train, test))


def _judge(scores: pd.DataFrame, repeats: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    y, risk = scores["churn"], scores["model"]
    tables = {"model": evaluate_scores(y, risk, probability=True, **repeats)}
    gains = {}
    for name in scores.columns[2:]:
        tables[name] = evaluate_scores(y, scores[name], **repeats)
        gains[name] = compare(y, risk, scores[name], **repeats).loc["auc"]
    gain = pd.DataFrame(gains).T.reindex(columns=["difference", "low", "high"]).rename_axis("baseline")
    return pd.concat(tables, names=["method", "metric"]), gain


def recency(X: pd.DataFrame) -> pd.Series:
    """Days since the last use alone; an account never seen counts as longest away.

    Parameters
    ----------
    X : pandas.DataFrame
        Features.

    Returns
    -------
    pandas.Series
        Higher is more at risk; all missing where there is no usage table.
    """
    days = X["days_since_use"] if "days_since_use" in X else pd.Series(np.nan, index=X.index)
    return days.fillna(days.max() + 1)


def _late(past: Panel) -> pd.Timestamp:
    dates = past.snapshots.as_of.sort_values().unique()
    return pd.Timestamp(dates[int(len(dates) * (1 - _TEST_SHARE))])


def calibration_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Compare predicted with observed churn, as the report draws it.

    Parameters
    ----------
    scores : pandas.DataFrame
        Columns ``churn`` and ``model`` of the test snapshots.

    Returns
    -------
    pandas.DataFrame
        Columns ``predicted``, ``observed``, ``low``, ``high``, ``n``.
    """
    names = {"mean_risk": "predicted", "event_rate": "observed", "n_snapshots": "n"}
    curve = calibration_curve(scores["churn"], scores["model"], n_bins=8).rename(columns=names)
    return curve[["predicted", "observed", "low", "high", "n"]].reset_index(drop=True)
