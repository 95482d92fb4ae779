"""Compare models forward in time on simulated books, paired by book: train on the past, judge on later snapshots.

python benchmarks/models_forward.py --seeds 101 103 104 --models csrisk lightgbm logistic
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

sys.path.insert(0, str(Path(__file__).parent))
from models_peers import PEERS

import csrisk
from csrisk.data import make_saas
from csrisk.evaluation import compare, evaluate_scores


def book(seed: int, n_accounts: int, date: str) -> tuple[pd.DataFrame, pd.Series, np.ndarray, np.ndarray]:
    data = make_saas(n_accounts, 24, seed=seed).data()
    past = csrisk.Snapshots.every(data, "MS", horizon="90D", lead="14D")
    y = csrisk.label_churn(data, past)
    past, y = past[y.notna()], y[y.notna()].astype(bool)
    train, test = csrisk.ForwardSplit.at(past, date, grace="30D")
    return csrisk.build_features(data, past), y, train.to_numpy(), test.to_numpy()


def scored(seeds: list[int], models: list[str], n_accounts: int, date: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    parts, seconds = [], []
    for seed in seeds:
        X, y, train, test = book(seed, n_accounts, date)
        risks = pd.DataFrame({"churn": y[test].to_numpy()}, index=[f"{seed}-{key}" for key in X.index[test].codes[0]])
        for name in models:
            start = time.process_time()
            risks[name] = np.clip(PEERS[name](0).fit(X[train], y[train]).predict_proba(X[test])[:, 1], 1e-6, 1 - 1e-6)
            seconds.append({"seed": seed, "model": name, "seconds": time.process_time() - start})
            print(seed, name, f"{seconds[-1]['seconds']:.1f} s CPU", flush=True)
        parts.append(risks.assign(seed=seed))
    return pd.concat(parts), pd.DataFrame(seconds)


def table(risks: pd.DataFrame, seconds: pd.DataFrame, models: list[str]) -> str:
    """Metrics of all books together, and differences to csrisk with intervals from whole accounts."""
    spent = seconds.groupby("model")["seconds"].median()
    lines = [
        "| model | log-loss | against csrisk | AUC (median book) | against csrisk | AP | slope | fit s |\n"
        + "|---" * 8
        + "|"
    ]
    for name in sorted(models, key=lambda name: log_loss(risks["churn"], risks[name])):
        cells = [name, f"{log_loss(risks['churn'], risks[name]):.4f}"]
        by_book = [roc_auc_score(part["churn"], part[name]) for _, part in risks.groupby("seed")]
        if name == "csrisk":
            cells += ["", f"{np.median(by_book):.3f}", ""]
        else:
            found = compare(risks["churn"].to_numpy(), risks[name], risks["csrisk"], risks.index, probability=True)
            loss, area = (found.loc[metric, ["difference", "low", "high"]] for metric in ("log_loss", "auc"))
            cells += [f"{loss.iloc[0]:+.4f} ({loss.iloc[1]:+.4f} to {loss.iloc[2]:+.4f})", f"{np.median(by_book):.3f}"]
            cells += [f"{area.iloc[0]:+.3f} ({area.iloc[1]:+.3f} to {area.iloc[2]:+.3f})"]
        slope = evaluate_scores(risks["churn"].to_numpy(), risks[name].to_numpy(), probability=True, n_bootstrap=0)
        cells += [f"{average_precision_score(risks['churn'], risks[name]):.3f}"]
        cells += [f"{slope.loc['calibration_slope', 'estimate']:.2f}", f"{spent[name]:.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="+", type=int, default=[101, 103, 104])
    parser.add_argument("--models", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--date", default="2025-04-01")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    risks, seconds = scored(arguments.seeds, arguments.models, arguments.accounts, arguments.date)
    print(f"{len(risks):,} snapshots, {int(risks['churn'].sum())} churned\n{table(risks, seconds, arguments.models)}")


if __name__ == "__main__":
    main()
