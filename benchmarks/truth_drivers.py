"""How often the named driver of an account is the true one, and whether its stated probability holds.

`python benchmarks/truth_drivers.py --store FOLDER` makes what is missing in the folder (a file per world and seed),
fits the terms of `driver_terms.toml` on the seeds `--fit` and prints how they do on the seeds `--held`, which
the fit never saw. A model learns from 600 accounts until 2025-07-01 and is asked on that day. A driven account has one
goal that doubles its true hazard, and that leads the next by as much. Intervals: 95 %, accounts drawn with replacement.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

import csrisk as cr
from csrisk._explain._answers._drivers import SERVED, driver_terms
from csrisk.datasets import RegimeTraits, make_agents, make_regimes, make_saas
from csrisk.features import declared

if TYPE_CHECKING:
    from collections.abc import Callable

    from csrisk.datasets import SaasBook

DAY = pd.Timestamp("2025-07-01")
GOALS = ["footprint", "churn", "advocacy", "feedback"]
LEAST = 0.05  # percentage points: less raises nothing


def _regimes(correlation: float) -> Callable[..., SaasBook]:
    return lambda *size, **more: make_regimes(*size, traits=RegimeTraits(correlation), **more)


WORLDS: dict[str, Callable[..., SaasBook]] = {
    "make_saas": make_saas,
    "all mechanisms": lambda *size, **more: make_saas(*size, mechanisms="all", **more),
    "regimes 0": _regimes(0.0),
    "regimes .3": _regimes(0.3),
    "regimes .6": _regimes(0.6),
    "regimes .9": _regimes(0.9),
    "agents": make_agents,
}


def made(name: str, accounts: int, seed: int) -> pd.DataFrame:
    """Each account that ran on the day: contributions, what is known of it, and its true driver."""
    world = WORLDS[name](accounts, 30, seed, monthly_churn=0.025)
    data = world.data()
    past = cr.Snapshots.every(data, "2MS", horizon="90D", lead="14D").until(DAY)
    y = cr.label_churn(data, past)
    X = cr.build_features(data, past[y.notna()])
    directions = {feature.name: feature.direction for feature in declared(X.columns) if feature.direction}
    model = cr.ChurnModel(monotone=directions, random_state=0, n_jobs=1).fit(X, y[y.notna()])
    today = cr.build_features(data, cr.Snapshots.at(data, DAY))
    why = cr.explain(model, today)
    true = world.truth.goals(DAY)
    out = why.goals().join(why.measured().add_suffix("_measured"))
    for goal in GOALS:
        own = [feature.name for feature in why.declarations if str(feature.goal) == goal]
        out[f"{goal}_known"] = today[own].notna().mean(axis=1)
    if "account_segment" in today:
        apart = cr.explain(model, today, reference=cr.Reference.segment(today, by="account_segment")).goals()
        out = out.join(apart[GOALS].add_suffix("_segment"))
    out = out.droplevel("as_of").join(true[["probability", "driver", "margin"]], how="inner")
    out["most"] = true[GOALS].max(axis=1).reindex(out.index)
    return out.assign(world=name, seed=seed, events=float(y.sum())).reset_index()


def stored(folder: Path, name: str, accounts: int, seed: int) -> pd.DataFrame:
    """Read one portfolio, made where it is not there yet."""
    path = folder / f"{name.replace(' ', '_')}_{accounts}_{seed}.pkl"
    if not path.exists():
        made(name, accounts, seed).to_pickle(path)
    return pd.read_pickle(path)


def judged(frame: pd.DataFrame, suffix: str = "") -> pd.DataFrame:
    """Terms of each account that a goal raises, and whether that goal is the true driver."""
    points = frame[[f"{goal}{suffix}" for goal in SERVED]].to_numpy()
    measured = frame[[f"{goal}_measured" for goal in SERVED]].to_numpy(bool)
    ends = frame["reference"].to_numpy() / 100, frame["prediction"].to_numpy() / 100
    out = driver_terms(points, ends, measured).assign(first=np.array(SERVED)[points.argmax(axis=1)])
    out["right"] = out["first"].to_numpy() == frame["driver"].to_numpy()
    out["driven"] = ((frame["most"] >= np.log(2)) & (frame["margin"] >= np.log(2))).to_numpy()
    out[["world", "seed"]] = frame[["world", "seed"]].to_numpy()
    return out[points.max(axis=1) >= LEAST].reset_index(drop=True)


def design(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of the regression: the terms, and one for each goal."""
    return pd.DataFrame(
        {"gap": frame["gap"], "missing": frame["missing"]} | {g: frame["first"] == g for g in SERVED}
    ).astype(float)


def fitted(frame: pd.DataFrame) -> dict[str, float]:
    """Coefficients; the goals stand for the intercept."""
    model = LogisticRegression(C=10.0, fit_intercept=False, max_iter=2000).fit(design(frame), frame["right"])
    return dict(zip(design(frame).columns, model.coef_[0], strict=True))


def threshold_of(frame: pd.DataFrame, likely: np.ndarray) -> float:
    """Lowest probability from which driven accounts are right in 92 % of cases in every world up to .6."""
    for least in np.arange(0.5, 0.99, 0.01):
        inside = frame[frame["driven"].to_numpy() & (likely >= least) & (frame["world"] != "regimes .9").to_numpy()]
        if inside.groupby("world")["right"].mean().min() >= 0.92:
            return float(round(least, 2))
    return 0.99


def slope_of(frame: pd.DataFrame, likely: np.ndarray) -> float:
    """Slope of truth on the log-odds of the stated probability: 1 is calibrated."""
    score = logit(np.clip(likely, 1e-6, 1 - 1e-6))[:, None]
    return float(LogisticRegression(C=1e6).fit(score, frame["right"]).coef_[0, 0])


def figures(frame: pd.DataFrame, least: float) -> dict[str, float]:
    """Hold what is stated against the truth."""
    likely = frame["likely"].to_numpy()
    named, driven = likely >= least, frame["driven"].to_numpy(bool)
    right = frame["right"].to_numpy(bool)
    return {
        "first, driven": right[driven].mean(),
        "coverage, driven": named[driven].mean(),
        "named and driven": right[named & driven].mean() if (named & driven).any() else np.nan,
        "named": right[named].mean() if named.any() else np.nan,
        "stated": likely[named].mean() if named.any() else np.nan,
        "slope": slope_of(frame, likely),
    }


def line(name: str, frame: pd.DataFrame, least: float, draws: int = 200) -> str:
    """One row of the table, with intervals."""
    rng = np.random.default_rng(0)
    drawn = pd.DataFrame([figures(frame.iloc[rng.integers(0, len(frame), len(frame))], least) for _ in range(draws)])
    low, high = drawn.quantile(0.025), drawn.quantile(0.975)
    cells = [f"{v:.2f} ({low[k]:.2f} to {high[k]:.2f})" for k, v in figures(frame, least).items()]
    return "| " + " | ".join([name, str(len(frame)), str(int(frame["driven"].sum())), *cells]) + " |"


def report(fit: pd.DataFrame, held: pd.DataFrame) -> None:
    """Print the terms, and what they are worth on worlds and seeds that they were not fitted on."""
    terms = fitted(fit)
    values = np.array(list(terms.values()))
    fit, held = (frame.assign(likely=expit(design(frame) @ values)) for frame in (fit, held))
    least = threshold_of(fit, fit["likely"].to_numpy())
    print({name: round(float(value), 3) for name, value in terms.items()}, "threshold", least)
    head = ["", "raised", "driven", *figures(held, least)]
    print("\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for name in WORLDS:
        print(line(name, held[held["world"] == name], least), flush=True)
    for goal in SERVED:
        print(line(f"{goal} first", held[held["first"] == goal], least), flush=True)
    print(line("all", held, least))
    families = {"make_saas": "make_saas", "all mechanisms": "make_saas", "agents": "agents"}
    for family in ("make_saas", "regimes", "agents"):
        own, other = (frame["world"].map(families).fillna("regimes") == family for frame in (held, fit))
        values = np.array(list(fitted(fit[~other]).values()))
        left = held[own].assign(likely=expit(design(held[own]) @ values))
        print(
            line(f"fitted without any {family}", left, threshold_of(fit[~other], expit(design(fit[~other]) @ values)))
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--fit", type=int, nargs="*", default=[401, 402])
    parser.add_argument("--held", type=int, nargs="*", default=[501, 502])
    parser.add_argument("--accounts", type=int, default=600)
    parser.add_argument("--segment", action="store_true", help="compared with the own segment instead of the book")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    suffix = "_segment" if given.segment else ""
    fit, held = (
        judged(pd.concat([stored(given.store, name, given.accounts, s) for name in WORLDS for s in seeds]), suffix)
        for seeds in (given.fit, given.held)
    )
    report(fit, held)


if __name__ == "__main__":
    main()
