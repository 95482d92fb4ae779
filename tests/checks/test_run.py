"""All checks together: each answers once and in order, and names no account."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import csrisk.checks
from csrisk import CustomerData, ForwardSplit, Snapshots, build_features, label_churn
from csrisk.checks import RULES, Check, ForwardEvidence, check_rebuilt, checks_frame, run_checks
from csrisk.exceptions import LeakageWarning

CODES = [f"CSR{number:03d}" for number in (*range(1, 17), 23, 24)]


@pytest.fixture(scope="module")
def sample(small_book: CustomerData) -> dict[str, object]:
    past = Snapshots.every(small_book, "MS", horizon="60D", start="2024-10-01")
    return {
        "X": build_features(small_book, past),
        "y": label_churn(small_book, past),
        "data": small_book,
        "snapshots": past,
        "forward": ForwardEvidence(split=ForwardSplit.at(past, "2025-06-01")),
        "book": build_features(small_book, Snapshots.at(small_book, small_book.end)),
    }


def test_every_check_answers_once_and_in_order(sample: dict[str, object]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", LeakageWarning)
        checks = run_checks(**sample)
    assert [check.code for check in checks] == CODES
    assert all(check.source and check.measure and check.threshold for check in checks)
    assert all(check.next_step for check in checks if check.failed)
    again = run_checks(sample["X"], sample["y"])
    assert [check.code for check in again] == CODES
    assert [check.status for check in again].count("not applicable") >= 10


def test_risks_and_the_null_are_checked_where_handed_over(sample: dict[str, object]) -> None:
    split = sample["forward"].split
    _, test = split
    risk = pd.Series(0.1, index=sample["X"].index[test])

    def fit_predict(X: pd.DataFrame, y: pd.Series, new: pd.DataFrame) -> np.ndarray:
        return new["tenure_days"].to_numpy()

    forward = ForwardEvidence(split, risk, fit_predict)
    checks = {c.code: c for c in run_checks(**sample | {"forward": forward}, build=build_features)}
    assert "no risks" not in checks["CSR011"].measure
    assert "not asked for" not in checks["CSR004"].measure
    assert checks["CSR013"].status == "passed"


def test_a_builder_that_looks_ahead_is_found(sample: dict[str, object]) -> None:
    X, data, past = sample["X"], sample["data"], sample["snapshots"]

    def peeking(data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
        total = data.frame("usage").groupby("account_id").size()
        account = snapshots.index.get_level_values("account_id")
        return pd.DataFrame({"total": total.reindex(account).to_numpy()}, index=snapshots.index)

    leaky = X[["tenure_days"]].join(peeking(data, past))
    with pytest.warns(LeakageWarning, match=r"CSR013 .* failed \(1 of 1 features .* change: total"):
        assert check_rebuilt(leaky, data, past, peeking).found == ("total",)


def test_order_of_rows_changes_nothing(sample: dict[str, object]) -> None:
    rng = np.random.default_rng(0)
    X, y, book = (sample[name].sample(frac=1, random_state=rng) for name in ("X", "y", "book"))
    shuffled = run_checks(**sample | {"X": X, "y": y.loc[X.index], "book": book})
    assert checks_frame(shuffled).equals(checks_frame(run_checks(**sample)))


def test_messages_name_no_account(sample: dict[str, object]) -> None:
    text = "".join(str(check) for check in run_checks(**sample))
    assert not any(str(account) in text for account in sample["data"].accounts)


def test_checks_frame_has_one_row_for_each() -> None:
    checks = [
        Check("CSR001", "One", "passed", "m", "t", "s"),
        Check("CSR002", "Two", "failed", "m", "t", "s", "do it", ("a", "b")),
    ]
    table = checks_frame(checks)
    assert table.index.tolist() == ["CSR001", "CSR002"]
    assert table.loc["CSR002"].tolist() == ["Two", "failed", "m", "t", "s", "do it", "a, b"]
    assert checks_frame([]).empty
    assert str(checks[1]) == "CSR002 Two: failed (m; threshold: t). do it"


def test_rules_have_one_code_each() -> None:
    assert [rule.code for rule in RULES] == CODES
    assert all(rule.name and rule.source and rule.next_step for rule in RULES)


def test_public_names() -> None:
    assert set(csrisk.checks.__all__) <= set(dir(csrisk.checks))
