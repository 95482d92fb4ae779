"""How near csrisk comes to the truth of each simulated world: order of risk, and the goal that truly drives it.

`python benchmarks/worlds.py` prints these figures, `--out benchmarks/worlds.md` writes them; `--only`, `--seeds` and
`--accounts` choose worlds and portfolios. A model learns until 2025-07-01 and is asked on that day; what happens in
the 14 to 104 days after it, and the truth of that day, are what it is held against. The ceiling is the true
probability in the place of the model's. Seeds from 201 on were not looked at while the worlds were made.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

import csrisk as cr
from csrisk.datasets import RegimeTraits, make_agents, make_regimes, make_saas
from csrisk.features import declared

if TYPE_CHECKING:
    from collections.abc import Callable

    from csrisk.datasets import SaasBook

DAY = pd.Timestamp("2025-07-01")
GOALS = ["footprint", "churn", "advocacy", "feedback"]
WORLDS: dict[str, Callable[..., SaasBook]] = {
    "make_saas": make_saas,
    "make_saas, all mechanisms": lambda *size, **more: make_saas(*size, mechanisms="all", **more),
    "make_regimes, correlation 0": lambda *size, **more: make_regimes(*size, traits=RegimeTraits(0.0), **more),
    "make_regimes, correlation .6": lambda *size, **more: make_regimes(*size, traits=RegimeTraits(0.6), **more),
    "make_regimes, correlation .9": lambda *size, **more: make_regimes(*size, traits=RegimeTraits(0.9), **more),
    "make_agents": make_agents,
}


def one(name: str, accounts: int, seed: int) -> pd.DataFrame:
    """Each account that ran on the day: what the model said, what was true, and whether it left."""
    world = WORLDS[name](accounts, 30, seed, monthly_churn=0.025)
    data = world.data()
    past = cr.Snapshots.every(data, "2MS", horizon="90D", lead="14D")
    past = past.until(DAY)
    y = cr.label_churn(data, past)
    X = cr.build_features(data, past[y.notna()])
    directions = {feature.name: feature.direction for feature in declared(X.columns) if feature.direction}
    model = cr.ChurnModel(monotone=directions, random_state=0, n_jobs=1).fit(X, y[y.notna()])
    now = cr.Snapshots.at(data, DAY)
    today = cr.build_features(data, now)
    why = cr.explain(model, today)
    true = world.truth.goals(DAY)
    ended = world.tables["accounts"].set_index("account_id")["ended_at"].reindex(true.index)
    out = pd.DataFrame({"true": true["probability"], "driver": true["driver"], "margin": true["margin"]})
    out["most"] = true[GOALS].max(axis=1)
    parts = why.goals().droplevel("as_of")
    said = pd.Series(model.predict_proba(today)[:, 1], index=today.index).droplevel("as_of")
    out["said"] = said.reindex(true.index)
    out["first"] = parts[GOALS].idxmax(axis=1).reindex(true.index)
    out["left"] = (ended >= DAY + pd.Timedelta(days=14)) & (ended < DAY + pd.Timedelta(days=104))
    out = out[~(ended < DAY + pd.Timedelta(days=14)) & out["said"].notna()]
    return out.assign(seed=seed).reset_index()


def interval(frame: pd.DataFrame, measure: Callable[[pd.DataFrame], float], draws: int = 500) -> tuple[float, float]:
    """95 % interval by drawing accounts with replacement."""
    rng = np.random.default_rng(0)
    drawn = [measure(frame.iloc[rng.integers(0, len(frame), len(frame))]) for _ in range(draws)]
    return float(np.nanquantile(drawn, 0.025)), float(np.nanquantile(drawn, 0.975))


def auc(column: str) -> Callable[[pd.DataFrame], float]:
    """Area under the curve, the mean over portfolios."""

    def measure(frame: pd.DataFrame) -> float:
        parts = [rows for _, rows in frame.groupby("seed") if 0 < rows["left"].sum() < len(rows)]
        return float(np.mean([roc_auc_score(rows["left"], rows[column]) for rows in parts])) if parts else np.nan

    return measure


def named(frame: pd.DataFrame) -> float:
    """Share of driven accounts whose true driver comes first: one goal doubles the hazard, and leads by as much."""
    driven = frame[(frame["most"] >= np.log(2)) & (frame["margin"] >= np.log(2))]
    return float((driven["first"] == driven["driver"]).mean()) if len(driven) else np.nan


def row(name: str, frame: pd.DataFrame) -> str:
    """One line of the table."""
    driven = int(((frame["most"] >= np.log(2)) & (frame["margin"] >= np.log(2))).sum())
    cells = [name, f"{len(frame)}", f"{int(frame['left'].sum())}"]
    for measure in (auc("said"), auc("true"), named):
        low, high = interval(frame, measure)
        cells.append(f"{measure(frame):.3f} ({low:.3f} to {high:.3f})")
    return "| " + " | ".join([*cells, f"{driven}"]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=list(WORLDS), default=list(WORLDS))
    parser.add_argument("--seeds", type=int, nargs="*", default=[201, 202, 203])
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    told = [
        "| world | asked | left | AUC of csrisk | AUC of the true probability | true driver first | driven |",
        "|---|---|---|---|---|---|---|",
    ]
    print("\n".join(told), flush=True)
    for name in given.only:
        frame = pd.concat([one(name, given.accounts, seed) for seed in given.seeds], ignore_index=True)
        told.append(row(name, frame))
        print(told[-1], flush=True)
    if given.out:
        head = "# Worlds\n\nWritten by `python benchmarks/worlds.py`; its docstring says how."
        seeds = ", ".join(map(str, given.seeds))
        size = f"{given.accounts} accounts, 30 months, seeds {seeds}. Intervals: 95 %, by account."
        given.out.write_text("\n".join([head, "", size, "", *told, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
