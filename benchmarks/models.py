"""Compare models on flat churn sets by repeated stratified cross-validation, paired by fold.

Rows with equal features stay on one side of a fold. Nothing is tuned here: each model gets the training folds alone.

    python benchmarks/models.py --sets telco iranian --models csrisk lightgbm catboost --repeats 2
    python benchmarks/models.py --rows 500 --repeats 4
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

sys.path.insert(0, str(Path(__file__).parent))
from models_peers import PEERS, AutoGluon
from models_sets import SETS

from csrisk.evaluation import evaluate_scores

METRICS = ["log_loss", "auc", "average_precision", "brier", "calibration_error", "calibration_slope"]


def calibration_error(y: np.ndarray, risk: np.ndarray, n_bins: int = 10) -> float:
    order = np.argsort(risk, kind="stable")
    parts = np.array_split(order, n_bins)
    return float(sum(len(part) * abs(risk[part].mean() - y[part].mean()) for part in parts) / len(y))


def measured(model: Any, X: pd.DataFrame, y: pd.Series, train: np.ndarray, test: np.ndarray) -> dict[str, float]:
    start = time.process_time()
    model.fit(X.iloc[train], y.iloc[train])
    fitted = time.process_time()
    risk = model.predict_proba(X.iloc[test])[:, 1]
    scored = time.process_time()
    truth = y.iloc[test].to_numpy()
    inside = np.clip(risk, 1e-6, 1 - 1e-6)
    table = evaluate_scores(truth, inside, probability=True, n_bootstrap=0)
    return {
        "log_loss": log_loss(truth, inside),
        "auc": roc_auc_score(truth, risk),
        "average_precision": average_precision_score(truth, risk),
        "brier": brier_score_loss(truth, risk),
        "calibration_error": calibration_error(truth, risk),
        "calibration_slope": table.loc["calibration_slope", "estimate"],
        "fit_seconds": fitted - start,
        "predict_seconds": scored - fitted,
    }


def folds(X: pd.DataFrame, y: pd.Series, repeat: int, rows: int | None) -> Any:
    groups = pd.util.hash_pandas_object(X, index=False).to_numpy()
    used = np.arange(len(X))
    if rows is not None:
        used = np.random.default_rng(repeat).permutation(len(X))[:rows]
    splitter = StratifiedGroupKFold(5, shuffle=True, random_state=repeat)
    for number, (train, test) in enumerate(splitter.split(X.iloc[used], y.iloc[used], groups[used])):
        yield number, used[train], used[test]


def run(
    sets: list[str], models: list[str], repeats: int, rows: int | None, out: Path, n_folds: int = 5
) -> pd.DataFrame:
    found = pd.read_csv(out).to_dict("records") if out.exists() else []
    done = {(row["set"], row["model"], row["repeat"], row["fold"]) for row in found}
    for name in sets:
        X, y = SETS[name]()
        for repeat in range(repeats):
            for number, train, test in islice(folds(X, y, repeat, rows), n_folds):
                for model in models:
                    if (name, model, repeat, number) in done:
                        continue
                    key = {"set": name, "model": model, "repeat": repeat, "fold": number}
                    found.append(key | measured(PEERS[model](repeat), X, y, train, test))
                pd.DataFrame(found).to_csv(out, index=False)
    return pd.DataFrame(found)


def summary(found: pd.DataFrame, base: str = "csrisk") -> pd.DataFrame:
    """Median and spread of each metric, and the paired difference to the base with its standard error.

    The standard error is that of Nadeau and Bengio (2003) for overlapping training sets.
    """
    keys = ["set", "repeat", "fold"]
    paired = found.merge(found[found["model"] == base], on=keys, suffixes=("", "_base"))
    rows = []
    for (name, model), part in paired.groupby(["set", "model"]):
        row: dict[str, Any] = {"set": name, "model": model, "n": len(part)}
        for metric in METRICS:
            difference = part[metric] - part[f"{metric}_base"]
            row |= {metric: part[metric].median()}
            if metric in METRICS[:2]:
                error = np.sqrt(difference.var(ddof=1) * (1 / len(part) + 1 / 4))
                row |= {f"{metric}_iqr": part[metric].quantile(0.75) - part[metric].quantile(0.25)}
                row |= {f"{metric}_diff": difference.mean(), f"{metric}_se": error}
        rows.append(row | {"fit_s": part["fit_seconds"].median(), "predict_s": part["predict_seconds"].median()})
    return pd.DataFrame(rows).set_index(["set", "model"]).sort_values(["set", "log_loss"])


def markdown(table: pd.DataFrame) -> str:
    """Write the summary as a table: medians (spread), and mean paired differences (standard error)."""
    lines = [
        "| set | model | folds | log-loss | against csrisk | AUC | against csrisk | calibration error | slope | fit s |"
    ]
    lines += ["|" + "---|" * 10]
    for (name, model), row in table.iterrows():
        cells = [name, model, f"{row['n']:.0f}"]
        for metric in METRICS[:2]:
            cells += [f"{row[metric]:.4f} ({row[f'{metric}_iqr']:.4f})"]
            cells += ["" if model == "csrisk" else f"{row[f'{metric}_diff']:+.4f} ({row[f'{metric}_se']:.4f})"]
        cells += [f"{row['calibration_error']:.3f}", f"{row['calibration_slope']:.2f}", f"{row['fit_s']:.1f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--models", nargs="+", default=[*PEERS][:7], choices=list(PEERS))
    parser.add_argument("--autogluon-seconds", type=float, default=60.0, help="wall time of each search")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--rows", type=int, help="take so many rows at random in each repeat")
    parser.add_argument("--folds", type=int, default=5, help="the first of the five folds of each repeat")
    parser.add_argument("--table", type=Path, help="write the summary as Markdown")
    parser.add_argument("--out", type=Path, default=Path("models.csv"))
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    AutoGluon.SECONDS = arguments.autogluon_seconds
    found = run(arguments.sets, arguments.models, arguments.repeats, arguments.rows, arguments.out, arguments.folds)
    with pd.option_context("display.width", 250, "display.max_columns", 40, "display.float_format", "{:.4f}".format):
        base = "csrisk" if "csrisk" in set(found["model"]) else found["model"].iloc[0]
        print(summary(found, base).to_string())
    if arguments.table:
        arguments.table.write_text(markdown(summary(found, base)))


if __name__ == "__main__":
    main()
