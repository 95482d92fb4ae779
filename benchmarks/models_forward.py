"""Compare models forward in time on event sets, paired by snapshot: train on the past, judge on later snapshots.

Differences to the first model carry standard errors clustered by account. Each model keeps its risks in the folder
`--out`, so that a run that was stopped goes on where it was.

    python benchmarks/models_forward.py
    python benchmarks/models_forward.py --sets oulad --models csrisk lightgbm ebm --rows 2000
    python benchmarks/models_forward.py --families --rows 6000

With `--families` it is features that are compared, under csrisk's own model: all of them, all but one family of those
that join by what is asked, all but these, and a dozen that an analyst makes by hand.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

sys.path.insert(0, str(Path(__file__).parent))
from models import calibration_error
from models_events import EVENT_SETS
from models_peers import PEERS

from csrisk.evaluation import evaluate_scores
from csrisk.features import built

if TYPE_CHECKING:
    from collections.abc import Callable

    from models_events import Part

JOINED = ("OwnLife", "Season")
WAYS = ["all", *(f"without {family}" for family in JOINED), "none of them", "by hand"]
# recency, frequency and money in three windows, the customer's age, own rhythm, the month, the same days a year ago
DOZEN = ["days_since_use", "tenure_days", "use_gap_180d", "use_gap_deviation", "days_to_year_end", "spend_90d_year_ago"]
DOZEN += [f"{name}_{days}d" for days in (30, 90, 180) for name in ("active_days", "spend")]
HEADS = ["log-loss", "against the first", "AUC", "against the first", "AP", "Brier", "calibration error", "slope"]


def scored(part: Part, model: str, rows: int | None) -> pd.DataFrame:
    """Risks of the snapshots judged, with what happened, and the CPU seconds of fitting and predicting."""
    train = part.train
    if rows is not None:
        account = np.asarray(part.X.index.codes[0])
        order = np.random.default_rng(0).permutation(account.max() + 1)[account]
        # whole accounts, until there are so many rows
        train = train & (order <= np.sort(order[train])[min(rows, int(train.sum())) - 1])
    start = time.process_time()
    fitted = PEERS[model](0).fit(part.X[train], part.y[train])
    middle = time.process_time()
    risk = fitted.predict_proba(part.X[part.test])[:, 1]
    seconds = {"fit_seconds": middle - start, "predict_seconds": time.process_time() - middle}
    accounts = [f"{part.name} {code}" for code in part.X.index[part.test].codes[0]]
    found = {"part": part.name, "account": accounts, "churn": part.y[part.test].to_numpy(dtype=int)}
    return pd.DataFrame(found | {"risk": np.clip(risk, 1e-6, 1 - 1e-6), "n_train": int(train.sum())} | seconds)


def features_of(part: Part, way: str) -> Part:
    """Leave families out, or all but a dozen."""
    if way in ("csrisk", "all"):
        return part
    if way == "by hand":
        kept = [name for name in DOZEN if name in part.X]
        return part._replace(X=part.X[kept])
    out = JOINED if way == "none of them" else (way.removeprefix("without "),)
    family = {feature.name: feature.family for feature in built(part.X.columns).values()}
    return part._replace(X=part.X[[name for name in part.X if family.get(name) not in out]])


def run(name: str, models: list[str], rows: int | None, folder: Path) -> dict[str, pd.DataFrame]:
    """Risks by model of one event set, all its books together."""
    path = {
        model: folder / f"{name}_{model.replace(' ', '_')}{'' if rows is None else f'_{rows}'}.parquet"
        for model in models
    }
    missing = [model for model in models if not path[model].exists()]
    parts: dict[str, list[pd.DataFrame]] = {model: [] for model in missing}
    for part in EVENT_SETS[name]() if missing else ():
        for model in missing:
            less = features_of(part, model)
            if less.X.shape == part.X.shape and model in WAYS[1:] and parts.get(WAYS[0]):
                parts[model].append(parts[WAYS[0]][-1])  # the family did not join
            else:
                parts[model].append(scored(less, model if model in PEERS else "csrisk", rows))
            fit, predict = parts[model][-1][["fit_seconds", "predict_seconds"]].iloc[0]
            print(f"{part.name}, {model}: {fit:.1f} and {predict:.1f} s CPU", file=sys.stderr, flush=True)
            pd.concat(parts[model]).to_parquet(path[model].with_suffix(".part"))
    for model in missing:
        path[model].with_suffix(".part").rename(path[model])
    return {model: pd.read_parquet(path[model]) for model in models}


def log_losses(y: np.ndarray, risk: np.ndarray) -> np.ndarray:
    """Share of each row in the log-loss."""
    return -np.log(np.where(y == 1, risk, 1 - risk)) / len(y)


def placements(y: np.ndarray, risk: np.ndarray) -> np.ndarray:
    """Share of each row in the AUC: of a row that churned the rows below it that stayed, and the other way round."""
    event = y == 1
    among_all = rankdata(risk)
    below = np.empty(len(y))
    for side, other in ((event, ~event), (~event, event)):
        beaten = (among_all[side] - rankdata(risk[side])) / other.sum()
        below[side] = (beaten if side is event else 1 - beaten) / (2 * side.sum())
    return below


def difference(found: pd.DataFrame, base: pd.DataFrame, share: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> str:
    """Write a paired difference with its standard error, clustered by account.

    The error of an AUC is that of DeLong et al. (1988) with clusters as in Obuchowski (1997).
    """
    y = found["churn"].to_numpy()
    rows = share(y, found["risk"].to_numpy()) - share(y, base["risk"].to_numpy())
    if share is placements:
        # both halves of an area have a mean of their own
        centre = np.where(y == 1, rows[y == 1].mean(), rows[y == 0].mean())
        by_account = pd.Series(2 * (rows - centre)).groupby(found["account"].to_numpy()).sum()
    else:
        by_account = pd.Series(rows - rows.mean()).groupby(found["account"].to_numpy()).sum()
    return f"{rows.sum():+.4f} ({np.sqrt((by_account**2).sum()):.4f})"


def line(model: str, found: pd.DataFrame, base: pd.DataFrame) -> str:
    """One row of the table: metrics, and differences to the base with their errors."""
    y, risk = found["churn"].to_numpy(), found["risk"].to_numpy()
    against = ["", ""] if found is base else [difference(found, base, share) for share in (log_losses, placements)]
    slope = evaluate_scores(y, risk, probability=True, n_bootstrap=0).loc["calibration_slope", "estimate"]
    cells = [model, f"{log_loss(y, risk):.4f}", against[0], f"{roc_auc_score(y, risk):.4f}", against[1]]
    cells += [f"{average_precision_score(y, risk):.4f}", f"{brier_score_loss(y, risk):.4f}"]
    cells += [f"{calibration_error(y, risk):.4f}", f"{slope:.2f}"]
    seconds = found.groupby("part")[["fit_seconds", "predict_seconds"]].first().median()
    return "| " + " | ".join([*cells, *(f"{value:.1f}" for value in seconds)]) + " |"


def table(name: str, risks: dict[str, pd.DataFrame]) -> str:
    base = next(iter(risks.values()))
    n_train = base.groupby("part")["n_train"].first().sum()
    counts = f"{name}: learned from {n_train:,} snapshots, judged on {len(base):,} of {base['account'].nunique():,}"
    lines = [f"{counts} accounts, {base['churn'].sum():,} churned", ""]
    heads = ["model", *HEADS, "fit s", "predict s"]
    lines += [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    by_loss = sorted(risks, key=lambda model: log_loss(risks[model]["churn"], risks[model]["risk"]))
    order = [model for model in WAYS if model in risks] or by_loss
    return "\n".join([*lines, *(line(model, risks[model], base) for model in order)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(EVENT_SETS), choices=list(EVENT_SETS))
    parser.add_argument(
        "--models", nargs="+", default=[*PEERS][:7], choices=list(PEERS), help="compared with the first"
    )
    parser.add_argument("--rows", type=int, help="learn from whole accounts, drawn until there are so many rows")
    parser.add_argument("--families", action="store_true", help="compare families of features, not models")
    parser.add_argument("--out", type=Path, default=Path("models_forward"))
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.sets:
        ways = WAYS if arguments.families else arguments.models
        risks = run(name, ways, arguments.rows, arguments.out)
        print(f"{table(name, risks)}\n", flush=True)


if __name__ == "__main__":
    main()
