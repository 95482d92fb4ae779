"""A beginning is known at the beginning: the time of the last update hides the end of a contract, never its start."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from csrisk import CustomerData, Snapshots, build_features, label_churn
from csrisk._pipeline._load import open_source
from csrisk._pipeline._settings._spec import RiskSpec
from csrisk.checks import check_rebuilt
from csrisk.exceptions import ConfigError, DataContractError, SnapshotError
from csrisk.features import Relationship
from csrisk.testing import on_engine

pytestmark = pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")

TIMES = ("start_at", "started_at", "end_at", "ended_at", "known_at", "at")


def _times(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype({name: "datetime64[us]" for name in table if name in TIMES})


# the left one ended on 1 March, which was entered on 5 March, when its row was updated last
_IDS = ["left", "stays"]
CONTRACTS = pd.DataFrame(
    {
        "account_id": _IDS,
        "start_at": ["2024-01-01", "2024-01-01"],
        "end_at": ["2025-03-01", None],
        "mrr": [100.0, 50.0],
        "known_at": ["2025-03-05", "2025-02-01"],
    }
).pipe(_times)
ACCOUNTS = CONTRACTS.rename(columns={"start_at": "started_at", "end_at": "ended_at"}).drop(columns="mrr")
USAGE = pd.DataFrame({"account_id": ["other", "stays"], "at": ["2023-12-01", "2025-11-30"]}).pipe(_times)


@pytest.fixture(scope="module", params=["duckdb", "polars", "ibis-duckdb", "ibis-sqlite"])
def load(request):
    @cache
    def load(table, meaning=None):
        frames = {table: CONTRACTS if table == "subscriptions" else ACCOUNTS, "usage": USAGE}
        means = None if meaning is None else {table: meaning}
        return CustomerData(on_engine(frames, request.param), end="2025-12-01", known_at=means)

    return load


def _who(data, as_of, rule):
    try:
        return Snapshots.at(data, as_of, eligible=rule).index.get_level_values(0).tolist()
    except SnapshotError as error:
        assert "qualifies" in str(error)  # noqa: PT017
        return []


def _at(data, account, as_of, **window):
    return Snapshots.of(data, pd.DataFrame({"account_id": [account], "as_of": [as_of]}), **window)


@pytest.mark.parametrize(("table", "rule"), [("subscriptions", "contract"), ("accounts", "account")])
def test_a_row_is_seen_from_its_beginning_and_its_end_from_the_day_after_it_was_told(load, table, rule):
    data = load(table)
    assert _who(data, "2024-01-01", rule) == []
    for day in ("2024-01-02", "2024-06-01", "2025-03-01", "2025-03-03", "2025-03-05"):
        assert _who(data, day, rule) == ["left", "stays"], day
    assert _who(data, "2025-03-06", rule) == ["stays"]
    label = label_churn(data, _at(data, "left", "2025-02-01", lead=0, horizon=60), kind="contract")
    assert label.tolist() == [True]
    assert label_churn(data, _at(data, "left", "2024-06-01", lead=0, horizon=60), kind="contract").tolist() == [False]


@pytest.mark.parametrize(("table", "rule"), [("subscriptions", "contract"), ("accounts", "account")])
def test_a_row_that_was_entered_late_is_seen_when_it_was(load, table, rule):
    data = load(table, "entered")
    assert _who(data, "2025-02-01", rule) == []
    assert _who(data, "2025-02-02", rule) == ["stays"]
    assert _who(data, "2025-03-06", rule) == ["stays"]
    assert _who(load(table, "updated"), "2025-02-01", rule) == ["left", "stays"]


def test_features_see_the_contract_before_and_its_end_after_it_was_told(load):
    data = load("subscriptions")
    days = ["2024-06-01", "2025-03-03", "2025-03-05", "2025-03-06"]
    features = build_features(data, _at_days(data, "left", days), [Relationship()])
    assert features["tenure_days"].tolist() == [152, 427, 429, 430]
    assert features["mrr"].tolist()[:3] == [100.0, 100.0, 100.0]
    assert np.isnan(features["mrr"].iloc[3])
    entered = build_features(load("subscriptions", "entered"), _at_days(data, "left", days), [Relationship()])
    assert entered["mrr"].isna().all()
    assert entered["tenure_days"].isna().tolist() == [True, True, True, False]


def _at_days(data, account, days):
    return Snapshots.of(data, pd.DataFrame({"account_id": account, "as_of": pd.to_datetime(days)}))


def test_an_end_that_nobody_told_before_the_end_of_the_data_is_no_churn():
    data = CustomerData({"subscriptions": CONTRACTS, "usage": USAGE}, end="2025-12-01")
    snapshots = _at(data, "left", "2025-01-01", lead=0, horizon=20)
    assert label_churn(data, snapshots.until("2025-03-05"), grace=0).tolist() == [False]
    later = _at(data, "left", "2025-02-20", lead=0, horizon=10)
    assert label_churn(data, later.until("2025-03-05"), grace=0).tolist() == [False]
    assert label_churn(data, later.until("2025-03-06"), grace=0).tolist() == [True]


def test_an_account_without_a_start_is_there_until_its_end_was_told():
    accounts = ACCOUNTS.assign(started_at=[pd.NaT, pd.Timestamp("2024-01-01")])
    data = CustomerData({"accounts": accounts, "usage": USAGE}, end="2025-12-01")
    assert _who(data, "2025-03-05", "account") == ["left", "stays"]
    assert _who(data, "2025-03-06", "account") == ["stays"]


@pytest.mark.promise("A row counts from the day it was known; tables cut at a day give the same features")
@pytest.mark.parametrize("meaning", ["updated", "entered"])
def test_tables_cut_at_a_day_give_the_same_features(meaning):
    tables = {"subscriptions": CONTRACTS, "accounts": ACCOUNTS, "usage": USAGE}
    data = CustomerData(tables, end="2025-12-01", known_at={"subscriptions": meaning})
    snapshots = _at_days(data, "left", ["2025-03-03"])
    X = build_features(data, snapshots, [Relationship()])
    build = lambda given, rows: build_features(given, rows, [Relationship()])  # noqa: E731
    assert check_rebuilt(X, data, snapshots, build).status == "passed"


@pytest.mark.parametrize(
    ("known_at", "message"),
    [
        ({"usage": "entered"}, r"CSD218 table=usage .*known_at= is for \['accounts', 'subscriptions', 'people'\]"),
        ({"subscriptions": "loaded"}, "CSD218 table=subscriptions column=known_at .*'loaded' is none of these"),
        ("entered", "CSD218 .*known_at is no mapping"),
    ],
)
def test_a_meaning_that_is_none_is_refused(known_at, message):
    with pytest.raises(DataContractError, match=message):
        CustomerData({"subscriptions": CONTRACTS}, known_at=known_at)


@pytest.mark.parametrize(("said", "who"), [("", ["left", "stays"]), ('known_at_means = "entered"', ["stays"])])
def test_the_configuration_says_what_known_at_means(tmp_path, said, who):
    for name, table in {"subscriptions": CONTRACTS, "usage": USAGE}.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    spec = RiskSpec.from_toml(f"[tables.subscriptions]\n{said}")
    assert RiskSpec.from_toml(spec.to_toml()) == spec
    assert _who(open_source(tmp_path, spec), "2025-02-15", "contract") == who


def test_the_configuration_refuses_another_meaning():
    with pytest.raises(ConfigError, match=r'known_at_means.*loaded.*"updated" or "entered"'):
        RiskSpec.from_toml('[tables.subscriptions]\nknown_at_means = "loaded"')
