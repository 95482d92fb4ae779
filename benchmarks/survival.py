"""LongevityModel beside public survival models, forward in time on one simulated book, by public metrics.

Needs an environment of its own: csrisk, scikit-survival and hazardous (whose dependencies keep pandas below 3).

    python benchmarks/survival.py --seed 101
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import csrisk
from csrisk.datasets import make_saas
from csrisk.models import LongevityModel

if TYPE_CHECKING:
    from collections.abc import Callable

EDGES = (30, 60, 90, 120, 150, 180, 240, 300, 365)
DAYS = (60, 120, 180, 240)


def longevity(X: pd.DataFrame, y: pd.DataFrame, new: pd.DataFrame) -> np.ndarray:
    return LongevityModel(EDGES, random_state=0).fit(X, y).predict_survival(new, DAYS).to_numpy()


def survival_boost(X: pd.DataFrame, y: pd.DataFrame, new: pd.DataFrame) -> np.ndarray:
    from hazardous import SurvivalBoost

    # twice the default step for a third of the rounds
    small = {"n_iter": 30, "learning_rate": 0.1, "n_time_grid_steps": 20}
    model = SurvivalBoost(**small, random_state=0, show_progressbar=False)
    model.fit(X.to_numpy(), pd.DataFrame({"event": y["event"].astype(int), "duration": y["duration"]}))
    return np.asarray(model.predict_survival_function(new.to_numpy(), times=np.asarray(DAYS, dtype=float)))


def forest(X: pd.DataFrame, y: pd.DataFrame, new: pd.DataFrame) -> np.ndarray:
    from sksurv.ensemble import RandomSurvivalForest

    model = make_pipeline(SimpleImputer(), RandomSurvivalForest(100, min_samples_leaf=15, random_state=0))
    return _curves(model.fit(X, _structured(y)).predict_survival_function(new))


def cox(X: pd.DataFrame, y: pd.DataFrame, new: pd.DataFrame) -> np.ndarray:
    from sksurv.linear_model import CoxPHSurvivalAnalysis

    model = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), CoxPHSurvivalAnalysis(alpha=100.0))
    return _curves(model.fit(X, _structured(y)).predict_survival_function(new))


def kaplan_meier(X: pd.DataFrame, y: pd.DataFrame, new: pd.DataFrame) -> np.ndarray:  # noqa: ARG001  # one signature
    from sksurv.nonparametric import kaplan_meier_estimator

    times, curve = kaplan_meier_estimator(y["event"].to_numpy(dtype=bool), y["duration"].to_numpy(dtype=float))
    return np.tile(curve[np.searchsorted(times, DAYS, side="right") - 1], (len(new), 1))


MODELS: dict[str, Callable[[pd.DataFrame, pd.DataFrame, pd.DataFrame], np.ndarray]] = {
    "csrisk": longevity,
    "hazardous": survival_boost,
    "sksurv forest": forest,
    "sksurv Cox": cox,
    "Kaplan-Meier": kaplan_meier,
}


def _structured(y: pd.DataFrame) -> Any:
    from sksurv.util import Surv

    return Surv.from_arrays(y["event"].to_numpy(dtype=bool), y["duration"].to_numpy(dtype=float))


def _curves(functions: Any) -> np.ndarray:
    return np.array([[curve(min(day, curve.domain[1])) for day in DAYS] for curve in functions])


def book(seed: int, n_accounts: int, date: str) -> tuple[pd.DataFrame, ...]:
    """Features and times of the snapshots before the last date, censored at it, and of those on it."""
    data = make_saas(n_accounts, 36, seed=seed).data()
    past = csrisk.Snapshots.every(data, "2MS", horizon="30D", end=date)
    X, y = csrisk.build_features(data, past), csrisk.label_time_to_churn(data, past)
    known = y.notna().all(axis=1)
    X, y = X[known].select_dtypes("number"), y[known].astype({"duration": float, "event": bool})
    as_of = X.index.get_level_values("as_of")
    date = as_of.max()
    seen = pd.Series((date - as_of).days, index=X.index, dtype=float)
    train = (as_of < date) & (seen >= EDGES[0]).to_numpy()
    cut = pd.DataFrame(
        {"duration": np.minimum(y["duration"], seen), "event": y["event"] & (y["duration"] <= seen)}, index=X.index
    )
    X = X.loc[:, X[train].max() > X[train].min()]
    return X[train], cut[train], X[as_of == date], y[as_of == date]


def main() -> None:
    from sksurv.metrics import brier_score, cumulative_dynamic_auc, integrated_brier_score

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--accounts", type=int, default=1500)
    parser.add_argument("--date", default="2025-03-01")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    X, y, new, truth = book(arguments.seed, arguments.accounts, arguments.date)
    print(f"{len(X):,} snapshots, {int(y['event'].sum())} churned; judged on {len(new)}, {int(truth['event'].sum())}")
    heads = [f"Brier {day}" for day in DAYS] + ["integrated"] + [f"AUC {day}" for day in DAYS] + ["CPU s"]
    print(f"| model | {' | '.join(heads)} |\n{'|---' * (len(heads) + 1)}|")
    outcome = _structured(truth)
    for name in arguments.models:
        start = time.process_time()
        curves = np.clip(MODELS[name](X, y, new), 1e-6, 1.0)
        spent = time.process_time() - start
        brier = brier_score(outcome, outcome, curves, DAYS)[1]
        area = cumulative_dynamic_auc(outcome, outcome, 1 - curves, DAYS)[0]
        cells = [f"{value:.4f}" for value in (*brier, integrated_brier_score(outcome, outcome, curves, DAYS))]
        cells += [*(f"{value:.3f}" for value in area), f"{spent:.0f}"]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
