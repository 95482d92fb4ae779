"""Whether the next steps of a card point the right way: held against the truth of simulated worlds.

`python benchmarks/truth.py` prints, for every step, the share of the accounts that get it whose goal is truly raised
(its log-hazard lies above the mean of the book), beside the share among all accounts of the same portfolios, with the
difference and its 95 % interval (accounts drawn with replacement). All steps of an account count, not the four that a
card shows: they hang on the tables, not on the model. `--only`, `--seeds` and `--accounts` choose the portfolios.
Whether the named driver is the true one: `python benchmarks/truth_drivers.py`.
"""

from __future__ import annotations

import argparse
import re
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier

import csrisk as cr
from csrisk.datasets import RegimeTraits, make_agents, make_regimes, make_saas
from csrisk.report._accounts import _next_steps
from csrisk.report._accounts._standing import read_standing
from csrisk.report._book import read_book

if TYPE_CHECKING:
    from collections.abc import Callable

    from csrisk.datasets import SaasBook

GOALS = ("footprint", "churn", "advocacy", "feedback")
DAY = pd.Timestamp("2025-07-01")
WORLDS: dict[str, Callable[..., SaasBook]] = {
    "make_saas": make_saas,
    "all mechanisms": lambda *size, **more: make_saas(*size, mechanisms="all", **more),
    "regimes .6": lambda *size, **more: make_regimes(*size, traits=RegimeTraits(0.6), **more),
    "agents": make_agents,
}


def kind(action: str) -> str:
    """Words of a step that are the same for every account."""
    words = re.sub(r"\b(?:the )?\d+ ", "", action)
    return "Show them a feature" if words.startswith("Show them") else re.sub(r" in \w+ to self", " to self", words)


def one(name: str, accounts: int, seed: int) -> pd.DataFrame:
    """Each account and step, or none, with whether the goal of the step is truly raised."""
    world = WORLDS[name](accounts, 24, seed)
    data = world.data()
    true = world.truth.goals(DAY)
    X = cr.build_features(data, cr.Snapshots.at(data, DAY))
    X = X[X.index.get_level_values("account_id").isin(true.index)]
    risk = true["probability"].reindex(X.index.get_level_values("account_id")).to_numpy()
    model = LGBMClassifier(n_estimators=20, num_leaves=6, verbose=-1, n_jobs=1).fit(X, risk > np.median(risk))
    book = read_book(cr.explain(model, X, n_reference=8), data)
    _next_steps._MOST = _next_steps._MOST_BY_GOAL = 99  # every step, not the first four
    standing = read_standing(book, data)
    traps = frozenset() if standing is None else frozenset(standing.traps.columns)
    steps = _next_steps.make_next_steps(book, data, len(book.keys), standing, traps, fires_help=True)
    rows = []
    for key, found in zip(book.keys, steps, strict=True):
        asked = {kind(step.action): step.goal for step in found}
        rows += [(key, "", goal, true.loc[key, goal] > 0) for goal in GOALS]
        rows += [(key, words, goal, true.loc[key, goal] > 0) for words, goal in asked.items()]
    return pd.DataFrame(rows, columns=["account", "step", "goal", "raised"]).assign(world=name, seed=seed)


def measured(frame: pd.DataFrame, step: str, draws: int = 400) -> tuple[int, float, float, float, float]:
    """Accounts with a step, share truly raised, base rate, and the interval of the difference."""
    goal = frame.loc[frame["step"] == step, "goal"].iloc[0]
    base = frame[(frame["step"] == "") & (frame["goal"] == goal)].set_index(["world", "seed", "account"])["raised"]
    asked = pd.MultiIndex.from_frame(frame.loc[frame["step"] == step, ["world", "seed", "account"]])
    inside, raised = base.index.isin(asked), base.to_numpy(bool)
    rng, gaps = np.random.default_rng(0), []
    for _ in range(draws):
        drawn = rng.integers(0, len(raised), len(raised))
        if inside[drawn].any():
            gaps.append(raised[drawn][inside[drawn]].mean() - raised[drawn].mean())
    low, high = np.quantile(gaps, (0.025, 0.975))
    return int(inside.sum()), float(raised[inside].mean()), float(raised.mean()), float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=list(WORLDS), default=list(WORLDS))
    parser.add_argument("--seeds", type=int, nargs="*", default=[301, 302])
    parser.add_argument("--accounts", type=int, default=250)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    frame = pd.concat([one(name, given.accounts, seed) for name in given.only for seed in given.seeds])
    print("| step | goal | world | accounts | goal truly raised | of all | difference (95 %) |")
    print("|---|---|---|---|---|---|---|")
    for step in sorted(set(frame["step"]) - {""}):
        for name in ("all", *given.only):
            rows = frame if name == "all" else frame[frame["world"] == name]
            if (rows["step"] == step).sum() < (20 if name != "all" else 1):
                continue
            n, share, base, low, high = measured(rows, step)
            goal = rows.loc[rows["step"] == step, "goal"].iloc[0]
            gap = f"{100 * (share - base):+.0f} ({100 * low:+.0f} to {100 * high:+.0f})"
            print(f"| {step} | {goal} | {name} | {n} | {100 * share:.0f} % | {100 * base:.0f} % | {gap} |", flush=True)


if __name__ == "__main__":
    main()
