"""Event sets for the benchmark forward in time: features of each snapshot, what came after, and one split by date."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from models_sets import FOLDER

import csrisk
from csrisk.datasets import make_saas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FROM_START = pd.to_timedelta([30, 60, 90, 120, 150], unit="D")


class Part(NamedTuple):
    """One book with one split: labelled snapshots, and which of them are learned from and judged."""

    name: str
    X: pd.DataFrame
    y: pd.Series
    train: np.ndarray
    test: np.ndarray


def simulated(seeds: tuple[int, ...] = (101, 103, 104), n_accounts: int = 1000) -> Iterator[Part]:
    """Simulate books of a software company: who leaves within 90 days from two weeks on."""
    for seed in seeds:
        data = make_saas(n_accounts, 24, seed=seed).data()
        past = csrisk.Snapshots.every(data, "MS", horizon="90D", lead="14D")
        yield _part(f"book {seed}", data, past, csrisk.label_churn(data, past), "2025-04-01", 30)


def oulad() -> Iterator[Part]:
    """Read enrolments of the Open University: learn from the presentation of February 2013, test on that of October."""
    folder = FOLDER / "oulad_2013"
    tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in ("accounts", "subscriptions", "usage")}
    # known only after the course
    tables["accounts"] = tables["accounts"].drop(columns=["final_result", "id_student", "code_presentation"])
    columns = {"usage": {"at": "ts"}, "subscriptions": {"start_at": "start_date", "end_at": "end_date"}}
    data = csrisk.CustomerData(tables, columns=columns)
    each = tables["subscriptions"][["account_id", "start_date"]].merge(FROM_START.to_frame(name="seen"), how="cross")
    pairs = each.assign(as_of=each["start_date"] + each["seen"])[["account_id", "as_of"]]
    past = csrisk.Snapshots.of(data, pairs, horizon="28D")
    yield _part("oulad", data, past, csrisk.label_churn(data, past, grace=0), "2013-10-01", 0)


def online_retail(question: str = "churn") -> Iterator[Part]:
    """Read customers of a wholesaler without contracts: who buys nothing within 90 days, or spends more than before."""
    folder = FOLDER / "online_retail_y1"
    usage = pd.read_parquet(folder / "usage_events.parquet")
    data = csrisk.CustomerData({"usage": usage}, columns={"usage": {"at": "ts", "feature": "product"}})
    past = csrisk.Snapshots.every(data, "MS", horizon="90D", start="2010-03-01", eligible="active", look_back="180D")
    yield _part("online_retail", data, past, _asked(data, past, question), "2010-09-01", 0)


def cdnow(question: str = "churn", n_accounts: int = 4000) -> Iterator[Part]:
    """Read customers of a music shop, all won in one quarter: who buys nothing within 90 days, or spends more."""
    names = ["account_id", "at", "quantity", "value"]
    usage = pd.read_csv(
        FOLDER / "cdnow" / "CDNOW_master.txt", sep=r"\s+", names=names, header=0, dtype={"account_id": str}
    )
    usage["at"] = pd.to_datetime(usage["at"], format="%Y%m%d")
    some = np.random.default_rng(0).permutation(usage["account_id"].unique())[:n_accounts]
    data = csrisk.CustomerData({"usage": usage[usage["account_id"].isin(some)]})
    past = csrisk.Snapshots.every(data, "MS", horizon="90D", start="1997-06-01", eligible="active", look_back="180D")
    yield _part("cdnow", data, past, _asked(data, past, question), "1998-01-01", 0)


def seasonal(question: str = "churn", seeds: tuple[int, ...] = (2,), n_accounts: int = 2000) -> Iterator[Part]:
    """Simulate a shop of two years whose customers buy most before Christmas, each with a season of its own beside."""
    for seed in seeds:
        usage = _purchases(np.random.default_rng(seed), n_accounts)
        data = csrisk.CustomerData({"usage": usage}, end="2011-12-01")
        past = csrisk.Snapshots.every(data, "MS", horizon="90D", start="2010-03-01", eligible="active")
        yield _part(f"shop {seed}", data, past, _asked(data, past, question), "2011-06-01", 0)


def _purchases(rng: np.random.Generator, n_accounts: int, days: int = 730) -> pd.DataFrame:
    """Purchases at random: gamma rates, lives of some hundred days, and seasons of the shop and of the customer."""
    start, day = pd.Timestamp("2009-12-01"), np.arange(days)
    of_year = (start + pd.to_timedelta(day, unit="D")).day_of_year.to_numpy() * 2 * np.pi / 365.25
    shop, rows = np.exp(0.9 * np.cos(of_year - 5.5)), []
    for number in range(n_accounts):
        own = np.exp(rng.normal(0, 0.5) * np.cos(of_year - rng.uniform(0, 2 * np.pi)))
        begun, lived = rng.integers(-300, 500), rng.exponential(rng.gamma(2, 250))
        here = (day >= begun) & (day < begun + lived)
        bought = day[here & (rng.random(days) < 1 - np.exp(-rng.gamma(1, 1 / 35) * shop * own / shop.mean()))]
        value = rng.lognormal(3, 0.6) * rng.lognormal(0, 0.5, len(bought))
        at = start + pd.to_timedelta(bought, unit="D")
        rows.append(pd.DataFrame({"account_id": f"c{number}", "at": at, "value": value.round(2)}))
    return pd.concat(rows, ignore_index=True)


def _asked(data: csrisk.CustomerData, past: csrisk.Snapshots, question: str) -> pd.Series:
    if question == "churn":
        return csrisk.label_churn(data, past, kind="inactivity")
    return csrisk.label_expansion(data, past, measure="value")


def _part(name: str, data: csrisk.CustomerData, past: csrisk.Snapshots, y: pd.Series, date: str, grace: int) -> Part:
    past, y = past[y.notna()], y[y.notna()].astype(bool)
    train, test = csrisk.ForwardSplit.at(past, date, grace=f"{grace}D")
    X = csrisk.build_features(data, past)
    # what these tables cannot tell is a column without any value
    return Part(name, X.loc[:, X[train].notna().any()], y, train.to_numpy(), test.to_numpy())


EVENT_SETS: dict[str, Callable[[], Iterator[Part]]] = {
    "simulated": simulated,
    "oulad": oulad,
    "online_retail": online_retail,
    "cdnow": cdnow,
    "seasonal": seasonal,
    "online_retail growth": partial(online_retail, "growth"),
    "cdnow growth": partial(cdnow, "growth"),
    "seasonal growth": partial(seasonal, "growth"),
}
