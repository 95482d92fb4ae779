"""Flat tables of others: the model as `csrisk train table.csv --target ...` makes it, beside models prepared by hand.

By hand means what a careful person writes: text that is numbers as numbers, categories one by one, missing values
filled, scaled for the logistic regression; LightGBM with few leaves and a low rate. All on the same five folds, in
which rows that repeat another one stay together; the differences of AUC are paired, over resampled rows.

Run: python benchmarks/flat.py [SET ...]
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import csrisk as cr
from csrisk._pipeline import read_flat_table

DATA = Path(os.environ.get("CSRISK_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SETS = {
    "ibm_telco": ("ibm_telco/Telco-Customer-Churn.csv", "Churn", "Yes", "customerID"),
    "pysurvival_saas": ("pysurvival_saas/churn.csv", "churned", None, None),
    "iranian": ("iranian/Customer_Churn.csv", "Churn", None, None),
    "mlc_churn": ("mlc_churn/mlc_churn.parquet", "churn", "yes", None),
}


def by_hand(X: pd.DataFrame) -> pd.DataFrame:
    """Turn text that is numbers into numbers, and other text into categories."""
    X = X.copy()
    for name in X:
        if not pd.api.types.is_numeric_dtype(X[name]):
            numbers = pd.to_numeric(X[name].astype(str).str.strip(), errors="coerce")
            X[name] = numbers if numbers.notna().mean() > 0.95 else X[name].astype(str).astype("category")
    return X


def logistic() -> object:
    """Give a logistic regression over one column for each category."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    words = OneHotEncoder(handle_unknown="ignore", min_frequency=10)
    ready = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")), (words, make_column_selector(dtype_include="category"))
    )
    return make_pipeline(ready, LogisticRegression(max_iter=3000))


def boosted() -> object:
    """Give boosted trees as one who has done this before sets them."""
    return lgb.LGBMClassifier(
        n_estimators=300, learning_rate=0.03, num_leaves=15, min_child_samples=20, subsample=0.8, subsample_freq=1,
        colsample_bytree=0.8, random_state=0, n_jobs=1, verbose=-1,
    )  # fmt: skip


def risks(X: pd.DataFrame, left: np.ndarray) -> dict[str, np.ndarray]:
    """Predict every row by models that have not seen it or its like."""
    hand, groups = by_hand(X), X.groupby(list(X), dropna=False, observed=True).ngroup()
    found = {name: np.zeros(len(X)) for name in ("csrisk", "logistic by hand", "LightGBM by hand")}
    for seen, held in StratifiedGroupKFold(5, shuffle=True, random_state=0).split(X, left, groups):
        model = cr.ChurnModel(random_state=0).fit(X.iloc[seen], pd.Series(left[seen], index=X.index[seen]))
        found["csrisk"][held] = model.predict_proba(X.iloc[held])[:, 1]
        for name, made in (("logistic by hand", logistic()), ("LightGBM by hand", boosted())):
            found[name][held] = made.fit(hand.iloc[seen], left[seen]).predict_proba(hand.iloc[held])[:, 1]
    return found


def main() -> None:
    for name in sys.argv[1:] or SETS:
        path, target, event, key = SETS[name]
        table = read_flat_table(DATA / path, target, event=event, key=key)
        left = table.y.to_numpy(dtype=bool)
        found, rng = risks(table.X, left), np.random.default_rng(0)
        draws = [rng.integers(0, len(left), len(left)) for _ in range(300)]
        for kind, risk in found.items():
            gaps = [roc_auc_score(left[d], found["csrisk"][d]) - roc_auc_score(left[d], risk[d]) for d in draws]
            low, high = np.quantile(gaps, [0.025, 0.975])
            paired = "" if kind == "csrisk" else f"   csrisk is {np.mean(gaps):+.4f} ({low:+.4f} to {high:+.4f})"
            print(f"{name:16} {kind:17} AUC {roc_auc_score(left, risk):.4f}{paired}", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
