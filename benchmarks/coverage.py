"""How often intervals hold what they state, on simulated draws whose truth is known.

    python benchmarks/coverage.py --draws 2000 --portfolios 10 --seed 2000

Areas by resampled accounts (no model), happiness (no model), and forecast totals of trained models. Portfolios are
appended to ``--kept`` one by one, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import csrisk as cr
from csrisk.datasets import make_agents, make_regimes, make_saas
from csrisk.evaluation import evaluate_scores
from csrisk.report._forecast import churn_forecast, mrr_forecast, read_bias
from csrisk.success import happiness

if TYPE_CHECKING:
    from collections.abc import Iterable

WORLDS: dict[str, Any] = {"make_saas": make_saas, "make_regimes": make_regimes, "make_agents": make_agents}
AREAS = ("auc", "average_precision")
SPAN = pd.Timedelta("104D")  # lead and horizon


def areas(events: int, rows: int, apart: float, draws: int, seed: int) -> dict[str, list[bool]]:
    """Scores of two normal groups; the truth is that of 400,000 rows."""
    large = np.arange(400_000) < 400_000 * events / rows
    score = np.random.default_rng(9).normal(size=len(large)) + apart * large
    truth = evaluate_scores(large, score, n_bootstrap=0)["estimate"]
    held: dict[str, list[bool]] = {name: [] for name in AREAS}
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        event = np.arange(rows) < max(rng.binomial(rows, events / rows), 3)
        table = evaluate_scores(event, rng.normal(size=rows) + apart * event, random_state=draw)
        for name in AREAS:
            held[name].append(bool(table.loc[name, "low"] <= truth[name] <= table.loc[name, "high"]))
    return held


def moods(world: str, seed: int) -> tuple[float, float, float] | None:
    """Share of accounts whose interval holds the true happiness, the true share explained, and the share told."""
    book = WORLDS[world](300, 18, seed)
    if "happiness" not in book.truth.months:
        return None
    table = happiness(book.data()).droplevel("as_of")
    true = book.truth.months.xs(book.end - pd.DateOffset(months=1), level="month")["happiness"]
    both = table.join(true.rename("true"), how="inner").dropna(subset=["position", "true"])
    # the continuum has no unit in common with the true state: the best line brings one to the other
    slope, start = np.polyfit(both["position"], both["true"], 1)
    inside = ((both["true"] - start) / slope).between(both["low"], both["high"]).mean()
    return float(inside), float(both["position"].corr(both["true"]) ** 2), float(both["reliability"].mean())


def portfolio(world: str, seed: int) -> dict[str, Any]:
    """Train, test on the two dates before, train again, and forecast the last date, whose outcome is known."""
    data = WORLDS[world](300, 24, seed, monthly_churn=0.025).data()
    snapshots = cr.Snapshots.every(data, "3MS", horizon="90D", lead="14D")
    y = cr.label_churn(data, snapshots)
    snapshots, y = snapshots[y.notna()], y[y.notna()].astype(int)
    X = cr.build_features(data, snapshots)
    y, at = y.reindex(X.index), X.index.get_level_values("as_of")
    days = np.sort(at.unique())
    prior = days[days + SPAN <= days[-1]]
    test, now = at.isin(prior[-2:]), at == days[-1]

    def risk(train: np.ndarray, of: np.ndarray) -> np.ndarray:
        model = cr.ChurnModel(n_members=2, blend=False, min_events=5, random_state=0, n_jobs=1)
        return np.asarray(model.fit(X[train], y[train]).predict_proba(X[of])[:, 1])

    tested = evaluate_scores(y[test], risk(at + SPAN <= prior[-2], test), probability=True)
    told = risk(at.isin(prior), now)
    row = tested.loc["calibration_intercept", ["estimate", "low", "high"]].tolist()
    return {
        "world": world,
        "seed": seed,
        "ci": row,
        "p": told.tolist(),
        "y": y[now].tolist(),
        "mrr": X.loc[now, "mrr"].astype(float).tolist() if "mrr" in X else None,
    }


def totals(found: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Whether each interval of each portfolio holds what came."""
    rows = []
    for one in found:
        risk, left = np.array(one["p"]), np.array(one["y"], float)
        table = pd.DataFrame([one["ci"]], ["calibration_intercept"], ["estimate", "low", "high"])
        bias, ones = read_bias(table), np.ones(len(risk))
        told = {"churners, chance alone": (churn_forecast(risk), left.sum())}
        told["churners"] = (churn_forecast(risk, bias), left.sum())
        if bias is not None:
            told["churners, corrected"] = (bias.total(risk, ones), left.sum())
        if one["mrr"] is not None:
            mrr = np.array(one["mrr"])
            lost = float(np.nansum(mrr * left))
            told["revenue, chance alone"] = (mrr_forecast(risk, mrr), lost)
            told["revenue"] = (mrr_forecast(risk, mrr, bias), lost)
            if bias is not None:
                told["revenue, corrected"] = (bias.total(risk, mrr), lost)
        for name, (forecast, came) in told.items():
            held = forecast.low <= came <= forecast.high
            rows.append((one["world"], name, held, came / max(forecast.expected, 1e-9)))
    return pd.DataFrame(rows, columns=["world", "interval", "held", "observed/expected"])


def said(what: str, held: Iterable[float], stated: float) -> None:
    values = np.asarray(list(held), float)
    error = np.sqrt(stated * (1 - stated) / max(len(values), 1))
    print(f"| {what} | {len(values)} | {stated:.0%} | {values.mean():.1%} | {error:.1%} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--books", type=int, default=5, help="books of each world for happiness")
    parser.add_argument("--portfolios", type=int, default=10, help="trained portfolios of each world")
    parser.add_argument("--seed", type=int, default=2000)
    parser.add_argument("--kept", type=Path, default=Path("coverage.jsonl"))
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| interval | draws | stated | held | standard error if true |\n|---|---|---|---|---|")
    for events, rows, apart in ((10, 200, 1.0), (21, 400, 0.8), (21, 400, 1.5), (21, 150, 2.2), (60, 600, 1.0)):
        for name, held in areas(events, rows, apart, asked.draws, asked.seed).items():
            said(f"{name}, {events} events of {rows}, {apart} apart", held, 0.95)
    for world in WORLDS:
        books = [found for seed in range(asked.books) if (found := moods(world, asked.seed + seed)) is not None]
        if books:
            inside, true, told = zip(*books, strict=True)
            print(
                f"| happiness, {world} | {len(books)} books | 95% | {np.mean(inside):.1%} | {np.std(inside):.1%} each |"
            )
            print(f"| its reliability, {world} | {len(books)} books | {np.mean(told):.2f} | {np.mean(true):.2f} | |")
    kept = [json.loads(line) for line in asked.kept.read_text().splitlines()] if asked.kept.exists() else []
    done = {(one["world"], one["seed"]) for one in kept}
    for seed in range(asked.seed, asked.seed + asked.portfolios):
        for world in WORLDS:
            if (world, seed) not in done:
                kept.append(portfolio(world, seed))
                with asked.kept.open("a") as file:
                    file.write(json.dumps(kept[-1]) + "\n")
    for (world, name), part in totals(kept).groupby(["world", "interval"]):
        said(f"{name}, {world} (observed/expected {part['observed/expected'].mean():.2f})", part["held"], 0.9)


if __name__ == "__main__":
    main()
