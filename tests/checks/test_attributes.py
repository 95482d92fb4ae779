"""What is written when an account leaves tells of its leaving, whether or not a labelled window saw it."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.checks import check_attributes, ended_accounts, run_checks
from csrisk.datasets import make_saas
from csrisk.exceptions import LeakageWarning


def test_who_has_left_by_hand():
    day = pd.Timestamp
    contracts = pd.DataFrame(
        {
            "account_id": ["a", "a", "b", "c", "d"],
            "start_at": [day("2025-01-01"), day("2025-03-01"), day("2025-01-01"), day("2025-01-01"), day("2025-01-01")],
            "end_at": [day("2025-03-01"), pd.NaT, day("2025-04-01"), day("2025-08-01"), pd.NaT],
        }
    )
    accounts = pd.DataFrame({"account_id": ["a", "b", "c", "d"], "ended_at": [pd.NaT] * 3 + [day("2025-05-01")]})
    data = cr.CustomerData({"accounts": accounts, "subscriptions": contracts}, end="2025-07-01")
    assert ended_accounts(data).to_dict() == {"a": False, "b": True, "c": False, "d": True}
    assert ended_accounts(
        cr.CustomerData({"usage": pd.DataFrame({"account_id": ["a"], "at": [day("2025-01-01")]})})
    ).empty


@pytest.fixture(scope="module")
def book():
    data = make_saas(300, 18, seed=4).data()
    past = cr.Snapshots.every(data, "3MS", horizon="60D", lead="7D", start=data.start + pd.Timedelta(days=184))
    X, y = cr.build_features(data, past), cr.label_churn(data, past)
    return data, X, y, ended_accounts(data).reindex(X.index.get_level_values("account_id")).fillna(False).to_numpy(bool)


def by_account(X: pd.DataFrame, seed: int) -> np.ndarray:
    """A random number for each account, the same at each date."""
    codes = X.index.get_level_values("account_id").factorize()[0]
    return np.random.default_rng(seed).random(codes.max() + 1)[codes]


LEAKS = {
    "filled for all who left and nobody else": lambda _, left: np.where(left, "moved to another vendor", None),
    "a code that only the left have": lambda X, left: np.where(left & (by_account(X, 1) < 0.5), "closed", "open"),
    "a last score with noise": lambda X, left: np.where(left, 30, 70) + 30 * (by_account(X, 2) - 0.5),
    "missing for most who left": lambda X, left: np.where(by_account(X, 3) < np.where(left, 0.7, 0.1), np.nan, 1.0),
    "missing for most who stayed": lambda X, left: np.where(by_account(X, 5) < np.where(left, 0.1, 0.7), np.nan, 1.0),
    "a group that is empty after leaving": lambda _, left: np.where(left, None, "north"),
}  # fmt: skip


@pytest.mark.parametrize("name", LEAKS)
def test_what_was_written_when_they_left_is_found(book, name):
    data, X, _, left = book
    with pytest.warns(LeakageWarning, match="CSR023"):
        check = check_attributes(X.assign(own=LEAKS[name](X, left)), data)
    assert check.found == ("own",)
    assert "1 of " in check.measure


HONEST = {
    "noise": lambda X: by_account(X, 6),
    "three groups": lambda X: np.array(["x", "y", "z"])[(3 * by_account(X, 7)).astype(int)],
    "missing for a third": lambda X: np.where(by_account(X, 8) < 0.33, np.nan, by_account(X, 9)),
    "changes over time": lambda X: np.arange(len(X), dtype=float),
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_attributes_are_left_in_peace(book, name):
    data, X, _, _ = book
    assert check_attributes(X.assign(own=HONEST[name](X)), data).status == "passed"


def test_run_checks_holds_attributes_against_the_tables(book):
    data, X, y, left = book
    leaky = X.assign(own=np.where(left, "gone", None))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {check.code: check for check in run_checks(leaky, y, data=data)}
        alone = {check.code: check for check in run_checks(leaky, y)}
    assert found["CSR023"].failed
    assert alone["CSR023"].status == "not applicable"
