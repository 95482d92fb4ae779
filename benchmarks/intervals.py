"""How often intervals hold what they state, on simulated draws whose truth is known.

    python benchmarks/intervals.py --draws 2000 --portfolios 10 --seed 2000

Areas by resampled accounts (no model), happiness (no model), and totals and bands of accounts of trained models:
one for each date of a portfolio, tested and used as the pipeline does, on the features of four families and with one
kind of trees, which saves time. Portfolios are appended to ``--kept`` one by one, so that an interrupted run goes on;
``--draws 0`` and ``--books 0`` leave the first two out.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

import csrisk as cr
from csrisk._pipeline._learning._band import RiskBand
from csrisk._wilson import Z_95
from csrisk.datasets import make_agents, make_regimes, make_saas
from csrisk.evaluation import evaluate_scores
from csrisk.features import ContactEffort, Relationship, SurveySentiment, UsageDepth
from csrisk.report._figures._forecast import churn_forecast, mrr_forecast, read_bias
from csrisk.success import happiness

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from csrisk.data import CustomerData

WORLDS: dict[str, Any] = {"make_saas": make_saas, "make_regimes": make_regimes, "make_agents": make_agents}
AREAS = ("auc", "average_precision")
ACCOUNTS, MONTHS = 220, 30
FAMILIES = (UsageDepth(), ContactEffort(), SurveySentiment(), Relationship())  # what moves most; all cost thrice
GAP = 2  # dates, three months each, until lead and horizon are over
TOGETHER = 4  # portfolios whose features are computed at once


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


def joined(world: str, seeds: Sequence[int]) -> CustomerData:
    """Independent portfolios as one set of tables, so that features are computed once; the seed leads every id."""
    tables: dict[str, list[pd.DataFrame]] = {}
    for seed in seeds:
        for name, table in WORLDS[world](ACCOUNTS, MONTHS, seed, monthly_churn=0.03).tables.items():
            own = [column for column in table if column.endswith("_id")]
            ids = {column: f"{seed}/" + table[column].astype(str).where(table[column].notna()) for column in own}
            tables.setdefault(name, []).append(table.assign(**ids))
    # what no account owns, such as the list of features, is the same in each
    whole = {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}
    return cr.CustomerData({name: table if "account_id" in table else tables[name][0] for name, table in whole.items()})


def portfolios(world: str, seeds: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Let a model of each date speak of each later date, and set what came beside it, for each portfolio."""
    data = joined(world, seeds)
    snapshots = cr.Snapshots.every(data, "3MS", horizon="90D", lead="14D")
    churn = cr.label_churn(data, snapshots)
    snapshots, churn = snapshots[churn.notna()], churn[churn.notna()].astype(int)
    features = cr.build_features(data, snapshots, FAMILIES)
    for seed in seeds:
        X = features[features.index.get_level_values("account_id").str.startswith(f"{seed}/")]
        y, at = churn.reindex(X.index), X.index.get_level_values("as_of")
        days = np.sort(at.unique())
        told = {}
        for last in range(1, len(days) - GAP):
            model = cr.ChurnModel(blend=False, min_events=5, random_state=0, n_jobs=1)
            model.fit(X[at <= days[last]], y[at <= days[last]])
            for day in range(last + GAP, len(days)):
                told[f"{last},{day}"] = model.predict_proba(X[at == days[day]])[:, 1].round(6).tolist()
        parts = [at == day for day in days]
        yield {
            "world": world,
            "seed": seed,
            "days": [f"{pd.Timestamp(day):%Y-%m-%d}" for day in days],
            "told": told,
            "account": [X.index.get_level_values("account_id")[part].tolist() for part in parts],
            "y": [y[part].tolist() for part in parts],
            "mrr": [X.loc[part, "mrr"].astype(float).round(2).tolist() for part in parts],
        }


def forecasts(found: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Take each date whose past can be trained and tested on as `RiskPipeline` does, its last quarter."""
    for one in found:
        for now in range(GAP, len(one["days"])):
            labelled = now - GAP + 1
            start = int(labelled * 0.75)
            if start - GAP < 1 or start == labelled:
                continue
            dates = range(start, labelled)
            keys = [(account, one["days"][day]) for day in dates for account in one["account"][day]]
            index = pd.MultiIndex.from_tuples(keys, names=["account_id", "as_of"])
            tested = np.concatenate([one["told"][f"{start - GAP},{day}"] for day in dates])
            came = np.concatenate([one["y"][day] for day in dates])
            yield {
                "world": one["world"],
                "portfolio": (one["world"], one["seed"]),
                "tested": pd.Series(tested, index),
                "came": pd.Series(came, index, dtype=float),
                "risk": np.array(one["told"][f"{labelled - 1},{now}"]),
                "left": np.array(one["y"][now], float),
                "mrr": np.array(one["mrr"][now], float),
            }


def totals(found: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Whether each interval of each forecast holds what came."""
    rows = []
    for one in forecasts(found):
        bias = read_bias(evaluate_scores(one["came"], one["tested"], probability=True, n_bootstrap=200))
        risk, left, mrr = one["risk"], one["left"], one["mrr"]
        lost, ones = float(np.nansum(mrr * left)), np.ones(len(risk))
        told = {
            "churners, chance alone": (churn_forecast(risk), left.sum()),
            "revenue, chance alone": (mrr_forecast(risk, mrr), lost),
        }
        if bias is not None:
            told["churners"] = (churn_forecast(risk, bias), left.sum())
            whole = expit(logit(np.clip(risk, 1e-9, 1 - 1e-9)) + bias.shift)
            told["churners, whole shift, chance alone"] = (churn_forecast(whole), left.sum())
            told["churners, corrected"] = (bias.total(risk, ones), left.sum())
            told["revenue"] = (mrr_forecast(risk, mrr, bias), lost)
            told["revenue, corrected"] = (bias.total(risk, mrr), lost)
        for name, (forecast, came) in told.items():
            held = forecast.low <= came <= forecast.high
            rows.append((one["portfolio"], name, held, forecast.expected, came))
    return pd.DataFrame(rows, columns=["portfolio", "interval", "held", "expected", "came"])


def bands(found: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Whether the 95 % range of a count that follows from the bands of its accounts holds it, by fifth of told risk.

    The error of the log-odds is drawn once for all accounts of a fifth, and each of them then leaves or stays; counts
    are whole, so the place of what came among the draws is spread at random within its own count.
    """
    rows, chance = [], np.random.default_rng(0)
    for one in forecasts(found):
        band = RiskBand.fit(one["came"], one["tested"])
        if band is None:
            continue
        low, high = (logit(end) for end in band.bounds(one["risk"]))
        draws = chance.normal(size=(2000, 1)) / Z_95
        for fifth, inside in enumerate(np.array_split(np.argsort(one["risk"]), 5), start=1):
            share = expit((low + high)[inside] / 2 + draws * (high - low)[inside] / 2)
            count, came = (chance.random(share.shape) < share).sum(axis=1), one["left"][inside].sum()
            place = (count < came).mean() + chance.random() * (count == came).mean()
            rows.append((one["portfolio"], fifth, 0.025 <= place <= 0.975, count.mean(), came))
    return pd.DataFrame(rows, columns=["portfolio", "fifth", "held", "expected", "came"])


def said(what: str, held: pd.Series, stated: float, portfolio: pd.Series | None = None) -> None:
    """Print how many held, with an error: that of independent draws, or from the spread between portfolios."""
    alone = np.sqrt(stated * (1 - stated) / len(held))
    error = alone if portfolio is None else held.groupby(portfolio).mean().sem()
    print(f"| {what} | {len(held)} | {stated:.0%} | {held.mean():.1%} | {error:.1%} |", flush=True)


def said_of_portfolios(kept: list[dict[str, Any]]) -> None:
    """Print totals by world, and bands by fifth of risk."""
    found = totals(kept)
    for name, part in found.groupby("interval"):
        for world, own in part.groupby(part["portfolio"].str[0]):
            came, told = own["came"].sum(), own["expected"].sum()
            off = np.log((own["came"] + 0.5) / (own["expected"] + 0.5)).abs().mean()
            what = f"{name}, {world} (observed/expected {came / told:.2f}, mean distance of their logarithms {off:.2f})"
            said(what, own["held"], 0.9, own["portfolio"])
        said(f"{name}, all worlds", part["held"], 0.9, part["portfolio"])
    for fifth, part in (found := bands(kept)).groupby("fifth"):
        said(f"accounts in the {fifth}. fifth of risk", part["held"], 0.95, part["portfolio"])
    said("accounts, all fifths", found["held"], 0.95, found["portfolio"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--books", type=int, default=5, help="books of each world for happiness")
    parser.add_argument("--portfolios", type=int, default=10, help="trained portfolios of each world")
    parser.add_argument("--seed", type=int, default=2000)
    parser.add_argument("--kept", type=Path, default=Path("intervals.jsonl"))
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| interval | draws | stated | held | standard error |\n|---|---|---|---|---|")
    cases = ((10, 200, 1.0), (21, 400, 0.8), (21, 400, 1.5), (21, 150, 2.2), (60, 600, 1.0))
    for events, rows, apart in cases if asked.draws else ():
        for name, held in areas(events, rows, apart, asked.draws, asked.seed).items():
            said(f"{name}, {events} events of {rows}, {apart} apart", pd.Series(held), 0.95)
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
    for first in range(asked.seed, asked.seed + asked.portfolios, TOGETHER):
        for world in WORLDS:
            seeds = range(first, min(first + TOGETHER, asked.seed + asked.portfolios))
            for one in portfolios(world, [seed for seed in seeds if (world, seed) not in done]):
                kept.append(one)
                with asked.kept.open("a") as file:
                    file.write(json.dumps(one) + "\n")
    if kept:
        said_of_portfolios(kept)


if __name__ == "__main__":
    main()
