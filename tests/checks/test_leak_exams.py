"""Leak exams: what is planted is found, and honest books are left in peace."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from csrisk import ChurnModel, CustomerData, ForwardSplit, Snapshots, build_features, label_churn
from csrisk.checks import (
    ForwardEvidence,
    check_future_use,
    check_permutation_null,
    check_rows,
    check_single_feature,
    check_telling_values,
    checks_frame,
    run_checks,
)
from csrisk.datasets import make_saas

if TYPE_CHECKING:
    from csrisk.checks import Check
    from csrisk.datasets import SaasBook

OULAD = Path(__file__).resolve().parents[3] / "shared" / "data" / "oulad_2013"
LEAKAGE = {"CSR001", "CSR002", "CSR003", "CSR004", "CSR005", "CSR006", "CSR023", "CSR024"}
DAY = np.timedelta64(1, "D")

pytestmark = [pytest.mark.slow, pytest.mark.promise("Planted leaks are found, honest books are left in peace")]


def panel(data: CustomerData) -> tuple[Snapshots, pd.DataFrame, pd.Series]:
    """Snapshots of a book with honest features and outcomes."""
    past = Snapshots.every(data, "MS", horizon="60D", lead="7D", start=data.start + pd.Timedelta(days=184))
    return past, build_features(data, past), label_churn(data, past)


def with_own(X: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Add three honest features that csrisk did not compute."""
    rng = np.random.default_rng(seed)
    account = X.index.get_level_values("account_id").factorize()[0]
    return X.assign(
        size=rng.normal(size=account.max() + 1)[account],
        tier=pd.Categorical(rng.choice(list("abcd"), account.max() + 1)[account]),
        noise=rng.normal(size=len(X)),
    )


@cache
def simulated(seed: int) -> tuple[SaasBook, CustomerData, Snapshots, pd.DataFrame, pd.Series]:
    book = make_saas(250, 18, seed=seed)
    data = book.data()
    past, X, y = panel(data)
    return book, data, past, with_own(X, seed), y


def together(books: list[SaasBook]) -> CustomerData:
    """One book of many, whose features cost little more than those of one."""
    tables = {}
    for name, first in books[0].tables.items():
        keys = [key for key in ("account_id", "contact_id") if key in first]
        parts = [book.tables[name] for book in books] if keys else [first]
        named = [part.assign(**{key: f"{n}-" + part[key] for key in keys}) for n, part in enumerate(parts)]
        tables[name] = pd.concat(named, ignore_index=True)
    return CustomerData(tables, end=books[0].end)


def planted(book: SaasBook, y: pd.Series, rng: np.random.Generator) -> pd.DataFrame:
    """Six leaks of the kinds that real tables have."""
    account, as_of = (y.index.get_level_values(level) for level in (0, 1))
    usage, contracts = book.tables["usage"], book.tables["subscriptions"]
    day = pd.to_datetime(usage["at"]).dt.normalize()
    days = {name: np.sort(group.to_numpy()) for name, group in day.groupby(usage["account_id"])}
    ends = pd.to_datetime(contracts["end_at"]).groupby(contracts["account_id"])
    left = ends.max().where(ends.count() == ends.size())
    left = left.where(left < book.end)
    to_end = (pd.DatetimeIndex(left.reindex(account)) - as_of).days.to_numpy()

    def used_next(name: str, date: pd.Timestamp) -> int:
        rows = days.get(name, np.array([], dtype="datetime64[us]"))
        return int(np.subtract(*np.searchsorted(rows, np.array([date + 30 * DAY, date], dtype="datetime64[us]"))))

    last = day.groupby(usage["account_id"]).max().reindex(account)
    status = np.where(left.reindex(account).notna(), "closed", rng.choice(["open", "paused"], len(y)))
    noisy = y.fillna(False).to_numpy(dtype=bool) ^ (rng.random(len(y)) < 0.03)
    return pd.DataFrame(
        {
            # set when the account has left
            "status": pd.Categorical(status),
            # counted over the whole life
            "events_total": usage.groupby("account_id").size().reindex(account).fillna(0).to_numpy(dtype=float),
            # a window that looks the wrong way
            "events_next_30d": np.array([used_next(*key) for key in y.index], dtype=float),
            # filled in only for those who leave
            "days_to_end": np.where(to_end <= 70, to_end, np.nan),
            # somebody's note after the fact
            "called_back": noisy.astype(float),
            # a date that moves on until the end
            "last_seen": ((last.to_numpy() - np.datetime64("2020-01-01")) / DAY).astype(float),
        },
        index=y.index,
    )


def leaks(X: pd.DataFrame, y: pd.Series, data: CustomerData, past: Snapshots) -> list[Check]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [check_single_feature(X, y), check_telling_values(X, y), check_future_use(X, data, past)]


@pytest.mark.parametrize("seed", [0, 1])
def test_each_planted_leak_is_found_alone_and_in_company(seed: int) -> None:
    book, data, past, X, y = simulated(seed)
    leaky = planted(book, y, np.random.default_rng(seed))
    for name in leaky:
        found = {column for check in leaks(X.join(leaky[[name]]), y, data, past) for column in check.found}
        assert found == {name}
    found = {column for check in leaks(X.join(leaky), y, data, past) for column in check.found}
    assert found == set(leaky)


def test_at_most_one_false_alarm_in_twenty_honest_books(monkeypatch: pytest.MonkeyPatch) -> None:
    books = [make_saas(120, 18, seed=100 + seed) for seed in range(20)]
    data = together(books)
    # rows are held against who left by book, not once more for all books together
    rows = {seed: check_rows(book.data()) for seed, book in enumerate(books)}
    everything, features, churn = panel(data)
    alarms = []
    for seed in range(20):
        own = everything.index.get_level_values("account_id").str.startswith(f"{seed}-")
        past, X, y = everything[own], with_own(features[own], seed), churn[own]
        split = ForwardSplit.at(past, "2025-07-01", grace="30D")
        monkeypatch.setattr("csrisk.checks._run.check_rows", lambda _, seed=seed: rows[seed])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            checks = run_checks(X, y, data=data, snapshots=past, forward=ForwardEvidence(split=split))
        failed = {check.code for check in checks if check.failed}
        alarms.append(sorted(failed & LEAKAGE))
    assert sum(map(bool, alarms)) <= 1, alarms


def test_the_model_finds_nothing_where_there_is_nothing() -> None:
    _, _, past, X, y = simulated(0)
    train, test = ForwardSplit.at(past, "2025-06-01", grace="30D")

    def fit_predict(X: pd.DataFrame, y: pd.Series, new: pd.DataFrame) -> np.ndarray:
        return ChurnModel(random_state=0, n_jobs=1).fit(X, y).decision_function(new)

    assert check_permutation_null(fit_predict, X, y, train=train, test=test).status == "passed"


@pytest.mark.real_data
@pytest.mark.skipif(not OULAD.exists(), reason="the public OULAD tables are not beside the checkout")
def test_oulad() -> None:
    tables = {name: pd.read_parquet(OULAD / f"{name}.parquet") for name in ("accounts", "subscriptions", "usage")}
    tables = {name: table[table["account_id"].str.contains("2013B")] for name, table in tables.items()}
    usage = tables["usage"].groupby("account_id")
    totals = usage.agg(total_clicks=("quantity", "sum"), total_days=("ts", "nunique"))
    tables["accounts"] = tables["accounts"].merge(totals, left_on="account_id", right_index=True, how="left")
    columns = {"usage": {"at": "ts"}, "subscriptions": {"start_at": "start_date", "end_at": "end_date"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some signed off before the course began
        data = CustomerData(tables, columns=columns)
    dates = tables["subscriptions"]["start_date"].iloc[0] + pd.to_timedelta([30, 60, 90, 120, 150], unit="D")
    past = Snapshots.at(data, dates, horizon="28D")
    X, y = build_features(data, past), label_churn(data, past, grace=0)
    checks = leaks(X, y, data, past)
    found = {column for check in checks for column in check.found}
    assert found == {"account_final_result", "account_total_clicks", "account_total_days"}, checks_frame(checks)
    honest = leaks(X.drop(columns=sorted(found)), y, data, past)
    assert not any(check.failed for check in honest)
