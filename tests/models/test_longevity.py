"""LongevityModel: person-periods by hand, curves that are those of the truth and never rise."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from csrisk import ChurnModel
from csrisk.evaluation import evaluate_survival
from csrisk.exceptions import NotEnoughDataError
from csrisk.models import LongevityModel
from csrisk.models._longevity import person_periods

EDGES = (30, 60, 90, 180)


def exponential_book(n_rows: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Snapshots that churn at a constant rate told by x, censored at a random day."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"x": rng.normal(size=n_rows), "noise": rng.normal(size=n_rows)})
    rate = np.exp(-5.3 + 0.8 * X["x"].to_numpy())
    churn, censored = np.ceil(rng.exponential(1 / rate)), rng.integers(20, 400, n_rows)
    y = pd.DataFrame({"duration": np.minimum(churn, censored), "event": churn <= censored})
    return X, y.astype({"duration": "Int64", "event": "boolean"}), rate


@pytest.fixture(scope="module")
def fitted() -> LongevityModel:
    X, y, _ = exponential_book(1500, 0)
    return LongevityModel(EDGES, random_state=0).fit(X, y)


def test_person_periods_by_hand():
    row, period, event = person_periods(
        np.arange(6), np.array([10, 30, 31, 30, 45, 500]), np.array([1, 1, 1, 0, 0, 1], bool), np.array([30, 60])
    )
    # churn on day 10 and 30: first period; on day 31: second; censored on day 30: seen through the first;
    # on day 45: not seen through the second; churn on day 500: through both
    assert list(zip(row.tolist(), period.tolist(), event.tolist(), strict=True)) == [
        (0, 0, True),
        (1, 0, True),
        (2, 0, False),
        (2, 1, True),
        (3, 0, False),
        (4, 0, False),
        (5, 0, False),
        (5, 1, False),
    ]


def test_survival_starts_at_one_and_never_rises(fitted):
    X, _, _ = exponential_book(200, 1)
    survival = fitted.predict_survival(X, np.arange(0, 181, 5).tolist())
    assert (survival[0] == 1).all()
    assert (survival.diff(axis=1).iloc[:, 1:] <= 0).all(axis=None)
    assert (survival > 0).all(axis=None)
    assert survival.index.equals(X.index)


def test_survival_is_that_of_the_truth_on_average_and_by_rank(fitted):
    X, _, rate = exponential_book(3000, 1)
    for days in (45, 90, 180):
        truth, told = np.exp(-rate * days), fitted.predict_survival(X, [days])[days]
        assert told.mean() == pytest.approx(truth.mean(), abs=0.03)
        assert np.corrcoef(told, truth)[0, 1] > 0.9


def test_expected_days_are_the_area_under_the_curve(fitted):
    X, _, rate = exponential_book(300, 2)
    grid = np.linspace(0, 180, 3601)
    by_hand = np.trapezoid(fitted.predict_survival(X, grid.tolist()).to_numpy(), grid, axis=1)
    np.testing.assert_allclose(fitted.expected_days(X), by_hand, rtol=1e-5)
    truth = (1 - np.exp(-rate * 180)) / rate
    assert np.abs(fitted.expected_days(X) - truth).mean() < 15


def test_risk_after_a_lead_is_that_of_those_who_are_still_there(fitted):
    X, _, _ = exponential_book(50, 3)
    survival = fitted.predict_survival(X, [14, 104])
    expected = (survival[14] - survival[104]) / survival[14]
    np.testing.assert_allclose(fitted.predict_risk(X, 90, lead=14), expected)


def test_the_risk_agrees_with_a_churn_model_of_the_same_horizon(fitted):
    X, y, _ = exponential_book(1500, 0)
    seen = (y["event"] | (y["duration"] > 90)).to_numpy(dtype=bool)
    label = y["event"] & (y["duration"] <= 90)
    direct = ChurnModel(random_state=0, blend=False).fit(X[seen], label[seen].astype(bool))
    new, _, rate = exponential_book(2000, 5)
    told, asked = fitted.predict_risk(new, 90), direct.predict_proba(new)[:, 1]
    assert np.corrcoef(told, asked)[0, 1] > 0.9
    # a direct model must drop the censored, and so sees too much churn; longevity uses them
    truth = 1 - np.exp(-rate * 90)
    assert abs(told.mean() - truth.mean()) < abs(asked.mean() - truth.mean())


def test_the_same_rows_make_the_same_curves_and_copies_agree(fitted):
    X, y, _ = exponential_book(1500, 0)
    order = np.random.default_rng(0).permutation(len(X))
    groups = np.arange(len(X))
    again = clone(fitted).set_params(n_jobs=2).fit(X.iloc[order], y.iloc[order], groups=groups[order])
    np.testing.assert_array_equal(again.expected_days(X), fitted.expected_days(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).expected_days(X), fitted.expected_days(X))


def test_periods_without_churn_take_the_hazard_of_the_last():
    X, y, _ = exponential_book(600, 0)
    early = y.assign(event=y["event"] & (y["duration"] <= 60), duration=y["duration"].clip(upper=200))
    model = LongevityModel((30, 60, 120), random_state=0).fit(X, early)
    assert model.n_periods_ == 2
    survival = model.predict_survival(X[:5], [30, 60, 90, 120])
    # twice the days of the last period seen: its survival squared
    np.testing.assert_allclose(survival[120] / survival[60], (survival[60] / survival[30]) ** 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edges": (30, 20)}, r"edges=\[30, 20\]: must be whole days above 0 that rise"),
        ({"y": pd.DataFrame({"duration": [1]})}, r"y: columns \['event'\] are missing"),
        ({"duration": 0}, "y: 300 durations are not above 0"),
        ({"event": False}, "min_events=10: 0 accounts are seen to churn within 180 days"),
        ({"index": range(1, 301)}, "y and X have different indexes"),
    ],
)
def test_input_that_makes_no_sense_is_refused(change, message):
    X, y, _ = exponential_book(300, 0)
    y = y.assign(**{name: value for name, value in change.items() if name in y})
    y = change.get("y", y.set_axis(change.get("index", y.index)))
    with pytest.raises(ValueError, match=message):
        LongevityModel(change.get("edges", EDGES)).fit(X, y)


def test_days_beyond_the_last_edge_are_refused(fitted):
    with pytest.raises(ValueError, match="must lie between 0 and the last edge, 180"):
        fitted.predict_survival(exponential_book(5, 0)[0], [200])


def test_too_few_events_name_the_figure_that_is_needed():
    X, y, _ = exponential_book(300, 0)
    with pytest.raises(NotEnoughDataError, match="min_events=999: "):
        LongevityModel(EDGES, min_events=999).fit(X, y)


def test_survival_metrics_by_hand():
    y = pd.DataFrame({"duration": [10, 20, 40, 50], "event": [True, False, True, False]})
    survival = pd.DataFrame({30: [0.5, 0.6, 0.9, 0.7]})
    table = evaluate_survival(y, survival)["estimate"]
    # one of the three at risk on day 20 is censored there: weights 1 before it, 3/2 beyond
    assert table[30, "brier"] == pytest.approx((0.25 + 1.5 * 0.01 + 1.5 * 0.09) / 4)
    assert table[30, "event_rate"] == pytest.approx(1 / (1 + 1.5 + 1.5))
    assert table[30, "auc"] == pytest.approx(1.0)


def test_weights_of_the_uncensored_undo_the_censoring():
    _, y, rate = exponential_book(20_000, 7)
    truth = pd.DataFrame({90: np.exp(-rate * 90)})
    table = evaluate_survival(y, truth, n_bootstrap=30)
    assert table.loc[(90, "event_rate"), "estimate"] == pytest.approx(1 - truth[90].mean(), abs=0.01)
    assert table.loc[(90, "mean_risk"), "low"] < 1 - truth[90].mean() < table.loc[(90, "mean_risk"), "high"]
    brier = (truth[90] * (1 - truth[90])).mean()
    assert table.loc[(90, "brier"), "estimate"] == pytest.approx(brier, abs=0.005)


def test_survival_of_another_index_or_beyond_all_is_refused():
    y = pd.DataFrame({"duration": [10, 20], "event": [True, False]})
    with pytest.raises(ValueError, match="y and survival have different indexes"):
        evaluate_survival(y, pd.DataFrame({5: [0.5, 0.5]}, index=[1, 2]))
    with pytest.raises(ValueError, match="days=30: no row is seen beyond it; the longest duration is 20"):
        evaluate_survival(y, pd.DataFrame({30: [0.5, 0.5]}))
