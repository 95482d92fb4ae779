"""A row of quantity 0 is no use: every number is the same as if it were left out, on every engine."""

from __future__ import annotations

import os
import shutil
import warnings

import numpy as np
import pandas as pd
import pytest

from csrisk import CustomerData, Snapshots, build_features, label_change, label_churn, label_time_to_churn
from csrisk.exceptions import DataWarning, SnapshotError
from csrisk.success import unused_features, velocity
from csrisk.testing import on_engine, random_tables

END = "2025-06-01"
CUTS = pd.to_datetime(["2024-05-01", "2024-09-17", "2025-01-20"])
ENGINES = [
    "duckdb",
    "polars",
    "ibis-duckdb",
    "ibis-sqlite",
    pytest.param("pyspark", marks=pytest.mark.slow),
]


def opened(tables, engine):
    if engine == "pyspark":
        pytest.importorskip("pyspark", reason="the extra spark is not installed")
        if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
            pytest.skip("no Java is installed, which Spark needs")
    elif engine.startswith("ibis"):
        pytest.importorskip("ibis", reason="the extra ibis is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # the books are odd on purpose
        return CustomerData(on_engine(tables, engine), end=END, threads=1)


def with_idle_rows(tables):
    """Each account gets a row of quantity 0 a day from the second day of use on, of a person and feature of its own."""
    usage = tables["usage"]
    days = pd.date_range(usage["at"].min().normalize() + pd.Timedelta(days=1), "2025-05-31")
    idle = pd.MultiIndex.from_product([tables["accounts"]["account_id"], days], names=["account_id", "at"]).to_frame(
        index=False
    )
    idle = idle.assign(quantity=0.0, user_id="nobody", feature="nothing", product="none", value=0.0)
    return tables | {"usage": pd.concat([usage, idle], ignore_index=True)}


def without_idle_rows(tables):
    usage = tables["usage"]
    return tables | {"usage": usage[(usage["quantity"] != 0)].reset_index(drop=True)}


def all_numbers(data, *, features=True):
    pairs = pd.MultiIndex.from_product([data.accounts, CUTS], names=["account_id", "as_of"])
    past = Snapshots.of(data, pairs, horizon="60D")
    if features:
        yield build_features(data, past)
    yield label_churn(data, past, kind="inactivity").to_frame()
    yield label_time_to_churn(data, past, kind="inactivity")
    for measure in ("usage", "value"):
        yield label_change(data, past, measure=measure).to_frame()
    yield pd.DataFrame(index=Snapshots.at(data, CUTS, eligible="active", look_back="30D").index)
    yield unused_features(data, past)
    yield velocity(data, past)


@pytest.fixture(scope="module")
def plain():
    """A book without such rows, and its numbers."""
    tables = without_idle_rows(random_tables(2, n_accounts=5))
    with opened(tables, "polars") as data:
        return tables, list(all_numbers(data))


@pytest.mark.parametrize("engine", ENGINES)
def test_every_number_is_as_if_they_were_left_out(engine, plain):
    tables, numbers = plain
    # books of `random_tables` hold such rows, too: features of engines that take long are compared in test_engines
    features = engine not in ("pyspark", "ibis-sqlite")
    with opened(with_idle_rows(tables), engine) as idle:
        for expected, found in zip(numbers[not features :], all_numbers(idle, features=features), strict=True):
            pd.testing.assert_frame_equal(found, expected, rtol=1e-9, atol=1e-9, check_categorical=False)


@pytest.mark.parametrize("engine", ["duckdb", "polars", "ibis-sqlite"])
def test_money_of_a_row_that_is_no_use_counts_as_money_alone(engine):
    usage = pd.DataFrame(
        {
            "account_id": ["a", "a", "b"],
            "at": pd.to_datetime(["2025-03-01", "2025-03-20", "2025-03-01"]),
            "quantity": [1.0, 0.0, None],
            "value": [50.0, -20.0, None],
        }
    )
    with opened({"usage": usage}, engine) as data:
        row = build_features(data, Snapshots.at(data, "2025-04-01")).droplevel("as_of").loc["a"]
    assert row["spend_30d"] == -20
    assert row["spend_90d"] == 30
    assert row["events_90d"] == row["active_days_90d"] == row["quantity_90d"] == 1
    assert row["days_since_use"] == 31


@pytest.mark.parametrize("engine", ["duckdb", "polars", "ibis-sqlite"])
def test_rows_of_zero_alone_are_an_observed_silence(engine):
    days = pd.date_range("2025-01-01", "2025-03-31")
    usage = pd.DataFrame({"account_id": ["a", "b"] * 45, "at": days, "quantity": 0.0})
    with opened({"usage": usage}, engine) as data:
        row = build_features(data, Snapshots.of(data, pd.DataFrame({"account_id": ["a"], "as_of": ["2025-03-01"]})))
        assert (row["events_30d"] == 0).all()
        assert row["days_since_use"].isna().all()
        assert row["tenure_days"].isna().all()
        with pytest.raises(SnapshotError, match="none of 2 accounts qualifies"):
            Snapshots.at(data, "2025-03-01")


def test_missing_quantity_is_one_and_a_fraction_is_use():
    usage = pd.DataFrame({"account_id": ["a", "b", "c"], "at": pd.to_datetime(["2025-03-01"] * 3)})
    usage["quantity"] = [np.nan, 0.25, 0.0]
    with opened({"usage": usage}, "duckdb") as data:
        pairs = pd.DataFrame({"account_id": ["a", "b", "c"], "as_of": ["2025-03-10"] * 3})
        table = build_features(data, Snapshots.of(data, pairs)).droplevel("as_of")
    assert table["events_30d"].tolist() == [1, 1, 0]
    assert table["quantity_30d"].tolist() == [1, 0.25, 0]
