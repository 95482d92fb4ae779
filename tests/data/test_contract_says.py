"""What contracts say beside their dates: trials, states, notice, reasons, parents, and attributes by date."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from csrisk import CustomerData, Snapshots, build_features, label_churn, label_time_to_churn
from csrisk.features import AccountContext, AccountGroup, Relationship
from csrisk.features._families._context import attributes_of
from csrisk.testing import on_engine

if TYPE_CHECKING:
    from collections.abc import Callable

ENGINES = ["duckdb", "polars", "ibis-duckdb", "ibis-sqlite", pytest.param("pyspark", marks=pytest.mark.slow)]
Make = "Callable[..., CustomerData]"
TIMES = ("started_at", "start_at", "end_at", "trial_ends_at", "notice_given_at", "at", "known_at")


def table(names: str, *rows: tuple[object, ...]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=names.split())
    for name in frame.columns.intersection(TIMES):
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
    return frame


@pytest.fixture(params=ENGINES)
def make(request: pytest.FixtureRequest) -> Callable[..., CustomerData]:
    def data(end: str = "2026-02-01", **tables: pd.DataFrame) -> CustomerData:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return CustomerData(on_engine(tables, request.param), end=end)

    return data


def pairs(*rows: tuple[str, str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_tuples([(a, pd.Timestamp(day)) for a, day in rows], names=["account_id", "as_of"])


def found(data: CustomerData) -> dict[str, int]:
    return {breach.code: breach.count for breach in data.breaches if breach.code.startswith("CSD34")}


def test_a_trial_is_no_customer_before_it_is_paid(make: Callable[..., CustomerData]) -> None:
    data = make(
        subscriptions=table(
            "account_id start_at end_at trial_ends_at is_trial status mrr",
            ("paid", "2025-01-01", None, None, None, "active", 10.0),
            ("became", "2025-02-10", None, "2025-03-10", False, "Active", 20.0),
            ("left in trial", "2025-02-10", "2025-03-10", "2025-03-10", None, "canceled", 20.0),
            ("only a trial", "2025-01-01", "2025-03-20", None, True, "ended", 20.0),
            ("in trial", "2025-02-10", None, None, None, "Trialing", 20.0),
            ("left", "2025-01-01", "2025-04-10", "2025-01-15", None, "canceled", 30.0),
        )
    )
    # no contract but those that were paid: three rows are trials, one account waits for its day
    assert found(data) == {"CSD340": 3}
    seen = [
        Snapshots.at(data, day, horizon="30D").index.get_level_values(0).tolist()
        for day in ("2025-03-10", "2025-03-11")
    ]
    assert seen == [["left", "paid"], ["became", "left", "paid"]]
    churn = label_churn(data, Snapshots.at(data, "2025-03-20", horizon="30D")).droplevel("as_of")
    assert churn.to_dict() == {"became": False, "left": True, "paid": False}
    # nobody is labelled on a trial, also where the snapshots are the user's
    asked = Snapshots.of(data, pairs(("became", "2025-03-01"), ("only a trial", "2025-03-01")), horizon="30D")
    assert label_churn(data, asked).isna().all()
    assert label_time_to_churn(data, asked)["event"].isna().all()
    X = build_features(data, asked, [Relationship()])
    assert X[["contracts_begun", "mrr"]].isna().all(axis=None)


def test_a_contract_that_is_over_says_since_when(make: Callable[..., CustomerData]) -> None:
    rows = [("a", "2025-01-01", None, "canceled"), ("b", "2025-01-01", "2025-03-01", "canceled")]
    data = make(subscriptions=table("account_id start_at end_at status", *rows, ("c", "2025-01-01", None, "past_due")))
    assert found(data) == {"CSD341": 1}
    said = next(breach for breach in data.breaches if breach.code == "CSD341")
    assert str(said.examples) == "('canceled',)"
    assert Snapshots.at(data, "2025-02-01").index.get_level_values(0).tolist() == ["b", "c"]


def test_who_gave_notice_is_no_forecast(make: Callable[..., CustomerData]) -> None:
    data = make(
        subscriptions=table(
            "account_id start_at end_at notice_given_at known_at",
            # the last update came with the end; the notice was known when it came all the same
            ("gave", "2025-01-01", "2025-04-10", "2025-03-15", "2025-04-10"),
            ("gave one", "2025-01-01", "2025-04-10", "2025-03-15", None),
            ("gave one", "2025-02-01", "2025-04-20", None, None),
            ("stays", "2025-01-01", None, None, None),
            ("to come", "2025-01-01", None, "2026-01-20", None),
        )
    )
    assert found(data) == {"CSD342": 1}
    # on the day itself it has not happened yet; the day after there is nothing left to foresee
    asked = Snapshots.of(data, pairs(("gave", "2025-03-15"), ("gave", "2025-03-16"), ("gave one", "2025-03-16")))
    asked = Snapshots.of(data, asked.index, horizon="40D")
    assert label_churn(data, asked).tolist() == [True, pd.NA, True]
    assert label_time_to_churn(data, asked)["duration"].tolist() == [27, pd.NA, 36]
    names = [Snapshots.at(data, day).index.get_level_values(0).tolist() for day in ("2025-03-15", "2025-03-16")]
    assert names == [["gave", "gave one", "stays", "to come"], ["gave one", "stays", "to come"]]
    assert "to come" not in Snapshots.at(data, "2026-02-01").index.get_level_values(0)


def test_the_reason_is_that_of_the_contract_that_ended(make: Callable[..., CustomerData]) -> None:
    data = make(
        subscriptions=table(
            "account_id start_at end_at ended_reason",
            ("chose", "2025-01-01", "2025-03-10", "too expensive"),
            ("could not pay", "2025-01-01", "2025-03-10", "Payment failed"),
            # could not pay, came back and chose
            ("both", "2024-01-01", "2024-06-01", "payment_failed"),
            ("both", "2024-09-01", "2025-03-10", "price"),
            # of two on one day one was chosen
            ("mixed", "2025-01-01", "2025-03-10", "payment_failed"),
            ("mixed", "2025-01-01", "2025-03-10", "price"),
            ("unsaid", "2025-01-01", "2025-03-10", None),
            ("stays", "2025-01-01", None, None),
        )
    )
    past = Snapshots.at(data, "2025-03-01", horizon="30D")
    names = past.index.get_level_values(0)

    def told(cause: str) -> dict[str, object]:
        label = label_churn(data, past, cause=cause)  # type: ignore[arg-type]
        return dict(zip(names, label.astype(object).where(label.notna(), None), strict=True))

    all_ends = dict.fromkeys(names, True) | {"stays": False}
    assert told("any") == all_ends
    assert told("voluntary") == all_ends | {"could not pay": None}
    assert told("involuntary") == dict.fromkeys(names) | {"could not pay": True, "stays": False}


def test_attributes_are_read_as_they_were(make: Callable[..., CustomerData]) -> None:
    accounts = table(
        "account_id started_at region headcount tier",
        ("a", "2025-01-01", "now", 99.0, "gold"),
        ("b", "2025-01-01", "now", 88.0, "tin"),
    )
    attributes = table(
        "account_id at name value known_at",
        ("a", "2025-01-01", "region", "north", None),
        ("a", "2025-03-01", "region", "south", None),
        ("a", "2025-03-01", "region", "west", "2025-04-10"),  # corrects the row before, from then on
        ("a", "2025-05-01", "region", None, None),
        ("a", "2025-01-01", "headcount", "10", None),
        ("a", "2025-03-01", "headcount", "about 20", None),
        ("a", "2025-02-01", "stage", "live", None),
    )
    data = make(accounts=accounts, attributes=attributes)
    assert attributes_of(data) == ("segment", "industry", "region", "headcount", "stage", "tier")
    days = ["2025-01-02", "2025-03-01", "2025-03-02", "2025-04-11", "2025-05-02"]
    asked = Snapshots.of(data, pairs(*(("a", day) for day in days), ("b", "2025-05-02")))
    X = build_features(data, asked, [AccountContext(("region", "headcount", "stage", "tier"))]).astype(object)
    X = X.where(X.notna(), None)
    assert X["account_region"].tolist() == ["north", "north", "south", "west", None, None]
    assert X["account_headcount"].tolist() == [10.0, 10.0, None, None, None, None]
    assert X["account_stage"].tolist() == [None, "live", "live", "live", "live", None]
    # what has no history is taken as it stands
    assert X["account_tier"].tolist() == ["gold", "gold", "gold", "gold", "gold", "tin"]


def test_other_accounts_of_the_parent(make: Callable[..., CustomerData]) -> None:
    accounts = table(
        "account_id parent_id",
        ("top", None), ("a", "top"), ("b", "top"), ("c", "a"), ("x", "holding"), ("y", "holding"),
        ("own", "own"), ("z", None),
    )  # fmt: skip
    subscriptions = table(
        "account_id start_at end_at known_at",
        ("top", "2024-01-01", None, None),
        ("a", "2024-01-01", None, None),
        ("b", "2024-01-01", "2025-02-01", None),
        ("c", "2025-03-01", None, None),
        ("x", "2024-01-01", "2025-02-01", "2025-03-05"),
        ("y", "2024-01-01", None, None),
        ("z", "2024-01-01", None, None),
        ("own", "2024-01-01", None, None),
    )
    data = make(accounts=accounts, subscriptions=subscriptions)
    asked = [("a", "2025-02-01"), ("a", "2025-02-02"), ("a", "2025-03-02"), ("a", "2026-02-01"), ("b", "2025-02-02")]
    asked += [("own", "2025-02-02"), ("y", "2025-03-05"), ("y", "2025-03-06"), ("z", "2025-02-02")]
    X = build_features(data, Snapshots.of(data, pairs(*asked)), [AccountGroup()])
    # of a: top, b and c, which begins on 1 March; x is known to have ended from 6 March on
    nan = np.nan
    np.testing.assert_array_equal(X["group_customers"], [2, 1, 2, 2, 2, nan, 1, 0, nan])
    np.testing.assert_array_equal(X["group_left_365d"], [0, 1, 1, 1, 0, nan, 0, 1, nan])
