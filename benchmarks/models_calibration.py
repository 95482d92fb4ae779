"""Calibration of ChurnModel forward in time on simulated books without drift, pooled over seeds.

Each book is split at one date: training labels are final by then. A quarter of the accounts is kept out of training, so
that accounts seen in training, held out, and new ones can be told apart. The slope has one intercept for each book, and
its error is clustered by account.

    python benchmarks/models_calibration.py --seeds 101 102 103 104 105 107
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.metrics import roc_auc_score

import csrisk
from csrisk.datasets import make_saas


def scored(seed: int, n_accounts: int, date: str, held_out: float, blend: bool | str) -> pd.DataFrame:
    """Margins and outcomes of the snapshots that one model has not seen."""
    data = make_saas(n_accounts, 24, seed=seed).data()
    past = csrisk.Snapshots.every(data, "MS", horizon="90D", lead="14D")
    y = csrisk.label_churn(data, past)
    past, y = past[y.notna()], y[y.notna()]
    X = csrisk.build_features(data, past)
    train, test = (part.to_numpy() for part in csrisk.ForwardSplit.at(past, date, grace="30D"))
    account = np.asarray(X.index.codes[0])
    held = np.random.default_rng(seed).random(account.max() + 1)[account] < held_out
    fit, use = train & ~held, test | (train & held)
    model = csrisk.ChurnModel(blend=blend, random_state=0).fit(X[fit], y[fit])
    later = np.where(np.isin(account, account[fit]), "later, seen", np.where(held, "later, held out", "later, new"))
    return pd.DataFrame(
        {
            "seed": seed,
            "account": [f"{seed}-{code}" for code in account[use]],
            "margin": model.decision_function(X[use]),
            "churn": y[use].to_numpy(dtype=float),
            "rows": np.where(test, later, "same period, held out")[use],
        }
    )


def pooled_slope(rows: pd.DataFrame) -> tuple[float, float]:
    """Slope of the outcome on the margin with one intercept for each book, and its error clustered by account."""
    design = np.column_stack([rows["margin"], pd.get_dummies(rows["seed"]).to_numpy(dtype=float)])
    weights, churn = np.zeros(design.shape[1]), rows["churn"].to_numpy()
    for _ in range(50):
        risk = expit(design @ weights)
        hessian = design.T @ (design * (risk * (1 - risk))[:, None]) + 1e-9 * np.eye(len(weights))
        weights = weights + np.linalg.solve(hessian, design.T @ (churn - risk))
    scores = design * (churn - expit(design @ weights))[:, None]
    of_account = pd.DataFrame(scores).groupby(rows["account"].to_numpy()).sum().to_numpy()
    inverse = np.linalg.inv(hessian)
    return float(weights[0]), float(np.sqrt((inverse @ (of_account.T @ of_account) @ inverse)[0, 0]))


def line(name: str, rows: pd.DataFrame) -> str:
    slope, error = pooled_slope(rows)
    area = rows.groupby("seed").apply(lambda book: roc_auc_score(book["churn"], book["margin"])).median()
    return (
        f"| {name} | {len(rows):,} | {rows['churn'].sum():.0f} | {slope:.2f} ({error:.2f}) | "
        f"{expit(rows['margin']).mean():.4f} | {rows['churn'].mean():.4f} | {area:.3f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="+", type=int, default=[101, 102, 103, 104, 105, 107])
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--date", default="2025-04-01")
    parser.add_argument("--held-out", type=float, default=0.25)
    parser.add_argument("--single", action="store_true", help="one kind of trees: blend=False")
    arguments = parser.parse_args()
    blend = False if arguments.single else "auto"
    parts = []
    for seed in arguments.seeds:
        start = time.process_time()
        parts.append(scored(seed, arguments.accounts, arguments.date, arguments.held_out, blend))
        print(f"book {seed}: {time.process_time() - start:.0f} s CPU", flush=True)
    rows = pd.concat(parts, ignore_index=True)
    later = rows["rows"].str.startswith("later")
    print("| snapshots | rows | churned | slope (error) | mean risk | share churned | median AUC |\n|" + "---|" * 7)
    for name, part in [("later, all", rows[later]), *rows.groupby("rows")]:
        print(line(name, part))


if __name__ == "__main__":
    main()
