"""Sums, forecasts and printed figures, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csrisk.report._accounts._rounding import add_up
from csrisk.report._figures._forecast import churn_forecast, mrr_forecast
from csrisk.report._printing import _format


@settings(deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=1, max_size=8))
def test_rounded_parts_add_up_and_stay_near(parts):
    total = round(sum(parts), 1)
    shown = add_up(total, parts)
    assert sum(shown) == pytest.approx(total, abs=1e-9)
    assert all(value == round(value, 1) for value in shown)
    if 0.0 not in parts:
        assert max(abs(a - b) for a, b in zip(shown, parts, strict=True)) <= 0.1 + 1e-6


def test_parts_that_are_zero_stay_zero():
    assert add_up(1.0, [0.0, 0.46, 0.46, 0.0]) == (0.0, 0.5, 0.5, 0.0)


def test_difference_of_the_total_itself_is_shared_out():
    # 20.04 is printed as 20.0, 25.06 as 25.1: 5.1 between them, though the parts make 5.02
    assert sum(add_up(5.1, [2.51, 2.51])) == pytest.approx(5.1)


def test_forecast_of_equal_chances_is_binomial():
    # Binomial(10, .5): P(X <= 1) = 11/1024 = .011, P(X <= 2) = 56/1024 = .055, P(X <= 7) = 968/1024 = .945
    forecast = churn_forecast(np.full(10, 0.5))
    assert (forecast.expected, forecast.low, forecast.high) == (5.0, 2.0, 8.0)
    assert forecast.method == "Poisson-binomial, chance alone"


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_forecast_lies_within_the_book(chances):
    forecast = churn_forecast(np.array(chances))
    assert 0 <= forecast.low <= forecast.high <= len(chances)
    assert forecast.low - 1 <= forecast.expected <= forecast.high + 1


def test_exact_and_normal_forecast_agree_on_a_large_book(monkeypatch):
    chances = np.random.default_rng(0).beta(1, 9, 3000)
    exact = churn_forecast(chances)
    monkeypatch.setattr("csrisk.report._figures._forecast._EXACT_UP_TO", 100)
    normal = churn_forecast(chances)
    assert normal.method == "normal approximation, chance alone"
    assert abs(exact.low - normal.low) <= 2
    assert abs(exact.high - normal.high) <= 2


def test_forecast_covers_what_happens():
    rng = np.random.default_rng(1)
    chances = rng.beta(1, 6, 200)
    forecast = churn_forecast(chances)
    happened = (rng.random((4000, 200)) < chances).sum(axis=1)
    covered = ((happened >= forecast.low) & (happened <= forecast.high)).mean()
    assert 0.9 <= covered <= 0.95


def test_revenue_at_risk_by_hand():
    # 100 * .5 + 200 * .1 = 70; variance 100^2 * .25 + 200^2 * .09 = 6100; 1.6449 * sqrt(6100) = 128.5
    forecast = mrr_forecast(np.array([0.5, 0.1]), np.array([100.0, 200.0]))
    assert forecast.expected == pytest.approx(70.0)
    assert forecast.low == 0.0
    assert forecast.high == pytest.approx(70 + 1.644854 * 6100**0.5, abs=0.01)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (_format.percent(0.1234), "12.3\u00a0%"),
        (_format.signed(-0.04), "0.0"),
        (_format.signed(1.25), "+1.2"),
        (_format.signed(-3.46), "\u22123.5"),
        (_format.money(1234.6, "€"), "€1,235"),
        (_format.money(None), "\u2013"),
        (_format.number(-0.01234), "\u22120.0123"),
    ],
)
def test_figures_as_people_read_them(written, expected):
    assert written == expected
