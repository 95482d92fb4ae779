"""Whether context gets what is the segment's where the segment moves use and leaving alike.

`python benchmarks/truth_context.py` trains on worlds whose truth tells what the segment does (`make_regimes`, by
correlation of the goals) and explains the book twice: against all of it, and with the segment first
(`Reference.book(frame, first="account_segment")`). It prints, over the accounts, how often the sign of context is the
true one (where the segment moves the log-odds by .2 or more), the correlation of context with its truth, by how much
footprint differs between small businesses and enterprises on the mean (truth: about 0), and how often the first goal
of driven accounts is the true one. Intervals: 95 %, accounts drawn with replacement.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import pandas as pd

import csrisk as cr
from csrisk.datasets import RegimeTraits, make_regimes
from csrisk.features import declared

DAY = pd.Timestamp("2025-07-01")
GOALS = ["footprint", "churn", "advocacy", "feedback"]


def explained(correlation: float, accounts: int, seed: int) -> dict[str, pd.DataFrame]:
    """Contributions of each account in two ways, beside the truth."""
    world = make_regimes(accounts, 30, seed, monthly_churn=0.025, traits=RegimeTraits(correlation))
    data = world.data()
    past = cr.Snapshots.every(data, "2MS", horizon="90D", lead="14D").until(DAY)
    y = cr.label_churn(data, past)
    X = cr.build_features(data, past[y.notna()])
    directions = {feature.name: feature.direction for feature in declared(X.columns) if feature.direction}
    model = cr.ChurnModel(monotone=directions, random_state=0, n_jobs=1).fit(X, y[y.notna()])
    today = cr.build_features(data, cr.Snapshots.at(data, DAY))
    true = world.truth.goals(DAY)
    ways = {"the book": today, "segment first": cr.Reference.book(today, first="account_segment")}
    segment = today["account_segment"].astype(str).droplevel("as_of")
    out = {}
    for name, reference in ways.items():
        goals = cr.explain(model, today, reference=reference).goals().droplevel("as_of")
        out[name] = goals.join(true.add_prefix("true_"), how="inner").assign(segment=segment)
    return out


def figures(frame: pd.DataFrame) -> dict[str, float]:
    """Hold one way of explaining against the truth."""
    moved = frame["true_context"].abs() >= 0.2
    driven = (frame[[f"true_{goal}" for goal in GOALS]].max(axis=1) >= np.log(2)) & (frame["true_margin"] >= np.log(2))
    first = np.array(GOALS)[frame[GOALS].to_numpy().argmax(axis=1)]
    by = frame.groupby("segment")["footprint"].mean()
    return {
        "sign of context": (np.sign(frame["context"]) == np.sign(frame["true_context"]))[moved].mean(),
        "correlation": frame["context"].corr(frame["true_context"]),
        "footprint, small less large": by.get("small business", np.nan) - by.get("enterprise", np.nan),
        "first goal": (first == frame["true_driver"])[driven].mean(),
    }


def line(name: str, frame: pd.DataFrame, draws: int = 200) -> str:
    """One row of the table, with intervals."""
    rng = np.random.default_rng(0)
    drawn = pd.DataFrame([figures(frame.iloc[rng.integers(0, len(frame), len(frame))]) for _ in range(draws)])
    low, high = drawn.quantile(0.025), drawn.quantile(0.975)
    cells = [f"{v:.2f} ({low[k]:.2f} to {high[k]:.2f})" for k, v in figures(frame).items()]
    return "| " + " | ".join([name, str(len(frame)), *cells]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--correlations", type=float, nargs="*", default=[0.0, 0.3, 0.6])
    parser.add_argument("--seed", type=int, default=401)
    parser.add_argument("--accounts", type=int, default=600)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    head = ["world, compared with", "accounts", "sign of context", "correlation", "footprint, small less large"]
    print("| " + " | ".join([*head, "first goal"]) + " |\n|" + "---|" * 6)
    for correlation in given.correlations:
        for name, frame in explained(correlation, given.accounts, given.seed).items():
            print(line(f"regimes {correlation:g}, {name}", frame), flush=True)


if __name__ == "__main__":
    main()
