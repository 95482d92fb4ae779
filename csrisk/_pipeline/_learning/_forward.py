"""The forward test: a model of the past, judged on a later period beside two baselines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._pipeline._learning._panel import churn_model
from csrisk._splits import ForwardSplit
from csrisk.evaluation import Backtest, Measurement, backtest, calibration_curve, compare, evaluate_scores
from csrisk.exceptions import NotEnoughDataError
from csrisk.success import health_score

if TYPE_CHECKING:
    from csrisk._pipeline._learning._panel import Panel
    from csrisk._pipeline._settings._spec import RiskSpec

__all__ = ["ForwardTest", "forward_test", "recency", "run_backtest"]

_TEST_SHARE = 0.25


@dataclass(frozen=True)
class ForwardTest:
    """What came out of the forward test."""

    start: pd.Timestamp
    scores: pd.DataFrame
    metrics: pd.DataFrame
    # AUC of the model minus that of each baseline
    gain: pd.DataFrame
    dates: pd.DataFrame
    calibration: pd.DataFrame
    split: tuple[pd.Series, pd.Series]
    found: Backtest


def forward_test(spec: RiskSpec, past: Panel) -> ForwardTest:
    """Fit to snapshots whose label window ends before the test period, and judge on those that start in it."""
    start, train, test, found = _run(spec, past)
    repeats: dict[str, Any] = {"n_bootstrap": spec.test.n_bootstrap, "random_state": 0}
    scores = found.fresh.droplevel("trained_at")[["outcome", "model"]].rename(columns={"outcome": "churn"}).sort_index()
    X = past.X.loc[scores.index]
    # turned round: a score of health is high for who stays
    for name, values in {"health score": 100 - health_score(X), "recency": recency(X)}.items():
        if values.notna().any():  # without usage recency is no rival
            # in the middle, so that every method is judged on the same rows
            scores[name] = values.fillna(values.median())
    metrics, gain = _judge(scores, repeats)
    curve = calibration_curve(scores["churn"], scores["model"], n_bins=8, **repeats)
    return ForwardTest(start, scores, metrics, gain, _by_training(found), curve, (train, test), found)


def run_backtest(spec: RiskSpec, past: Panel) -> Backtest:
    """Train at the dates that the specification asks for, and score all that came after each."""
    return _run(spec, past)[-1]


def _run(spec: RiskSpec, past: Panel) -> tuple[pd.Timestamp, pd.Series, pd.Series, Backtest]:
    start = pd.Timestamp(spec.test.start) if spec.test.start else _late(past)
    train, test = ForwardSplit.at(past.snapshots, start, grace=past.grace)
    if past.churn.loc[test].nunique() < 2:
        raise NotEnoughDataError(
            f"test.start={start:%Y-%m-%d}: all {int(test.sum())} snapshots tested end the same way"
        )
    measurement = Measurement(n_bootstrap=spec.test.n_bootstrap)
    model, dates = churn_model(spec, past.X), _trainings(spec, past, test)
    found = backtest(model, past.X, past.churn, past.snapshots, dates, grace=past.grace, measurement=measurement)
    return start, train, test, found


def _by_training(found: Backtest) -> pd.DataFrame:
    table = found.by_date().reset_index()
    shown = ["trained_at", "n_snapshots", "n_events", "auc", "auc_low", "auc_high", "lift_at_10"]
    table["trained_at"] = table["trained_at"].dt.strftime("%Y-%m-%d")
    return table.loc[table["score"] == "model", shown].reset_index(drop=True)


def _trainings(spec: RiskSpec, past: Panel, test: pd.Series) -> list[pd.Timestamp]:
    """First dates of equal parts of the test period."""
    dates = past.snapshots.as_of[test].sort_values().unique()
    parts = np.array_split(np.arange(len(dates)), min(spec.test.trainings, len(dates)))
    return [pd.Timestamp(dates[part[0]]) for part in parts]


def _judge(scores: pd.DataFrame, repeats: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    y, risk = scores["churn"], scores["model"]
    tables = {"model": evaluate_scores(y, risk, probability=True, **repeats)}
    gains = {}
    for name in scores.columns[2:]:  # behind the outcome and the model
        tables[name] = evaluate_scores(y, scores[name], **repeats)
        gains[name] = compare(y, risk, scores[name], **repeats).loc["auc"]
    gain = pd.DataFrame(gains).T.reindex(columns=["difference", "low", "high"]).rename_axis("baseline")
    return pd.concat(tables, names=["method", "metric"]), gain


def recency(X: pd.DataFrame) -> pd.Series:
    """Days since the last use alone; an account never seen counts as longest away."""
    days = X["days_since_use"] if "days_since_use" in X else pd.Series(np.nan, index=X.index)
    return days.fillna(days.max() + 1)


def _late(past: Panel) -> pd.Timestamp:
    dates = past.snapshots.as_of.sort_values().unique()
    return pd.Timestamp(dates[int(len(dates) * (1 - _TEST_SHARE))])
