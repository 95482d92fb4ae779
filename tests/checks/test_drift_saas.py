"""Drift exams on simulated books: quiet where nothing drifts, loud where drift was planted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from csrisk import ChurnModel, ForwardSplit, Snapshots, build_features, label_churn
from csrisk.checks import check_base_rate, check_calibration, check_drift
from csrisk.datasets import make_saas

if TYPE_CHECKING:
    import pandas as pd

    from csrisk.datasets import SaasBook

pytestmark = pytest.mark.slow


def panel(book: SaasBook) -> tuple[Snapshots, pd.DataFrame, pd.Series]:
    data = book.data()
    past = Snapshots.every(data, "MS", horizon="90D", lead="14D")
    y = label_churn(data, past)
    past = past[y.notna()]
    return past, build_features(data, past), y[y.notna()]


@pytest.fixture(scope="module")
def calm() -> tuple[ChurnModel, pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    """A model, what it learned from, and later snapshots of the same book."""
    book = make_saas(600, 24, seed=12)
    # an outage hits the whole book, and would be drift
    assert not book.truth.months["outage"].any()
    past, X, y = panel(book)
    train, test = ForwardSplit.at(past, "2025-04-01", grace="30D")
    model = ChurnModel(blend=False, random_state=0).fit(X[train], y[train])
    return model, X[train], X[test], y[train], y[test]


def test_later_snapshots_of_a_steady_book_raise_no_alarm(calm) -> None:
    model, _, X_test, y_train, y_test = calm
    found = [
        check_calibration(y_test, model.predict_proba(X_test)[:, 1]),
        check_base_rate(y_train, y_test),
    ]
    assert [check.status for check in found] == ["passed"] * 2, [str(check) for check in found]


def test_churn_that_grew_threefold_is_miscalibration_and_a_shift_of_the_rate(calm) -> None:
    model, _, _, y_train, _ = calm
    _, X, y = panel(make_saas(600, 24, seed=11, monthly_churn=0.06))
    check = check_calibration(y, model.predict_proba(X)[:, 1])
    assert check.failed, str(check)
    assert check_base_rate(y_train, y).failed


def test_usage_that_lost_half_of_its_events_is_named(calm) -> None:
    _, X_train, X_test, _, _ = calm
    new = X_test.xs("2025-08-01", level="as_of", drop_level=False)
    counted = {name for name in new if name.startswith("events_") and name.endswith("d")}
    steady = check_drift(X_train, new)
    # what is overdue grows older from date to date, and goes on to
    assert not steady.failed, str(steady)
    halved = new.assign(**{name: np.floor(new[name] / 2) for name in counted})
    check = check_drift(X_train, halved)
    assert check.failed, str(check)
    assert set(check.found) <= counted
    assert {"events_30d", "events_per_day_90d"} <= set(check.found)
