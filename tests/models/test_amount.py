"""Amounts: they follow the truth, their sum is not biased, and an outlook is worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from csrisk.exceptions import NotEnoughDataError
from csrisk.models import AmountModel, revenue_outlook


@pytest.fixture(scope="module")
def book() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product(
        [[f"a{n}" for n in range(200)], pd.date_range("2025-01-01", periods=4, freq="MS")],
        names=["account_id", "as_of"],
    )
    X = pd.DataFrame({"seat_utilisation_30d": rng.random(800), "noise": rng.normal(size=800)}, index=index)
    X["plan"] = pd.Categorical(rng.choice(["basic", "pro"], 800))
    grows = rng.random(800) < 0.4 * X["seat_utilisation_30d"]
    size = rng.gamma(2.0, np.where(X["plan"] == "pro", 200.0, 50.0))
    y = pd.Series(np.where(grows, size, 0.0), index=index, dtype="Float64")
    y.iloc[::20] = pd.NA
    return X, y


def test_amounts_follow_the_truth_and_their_sum_is_not_biased(book):
    X, y = book
    model = AmountModel(random_state=0).fit(X, y)
    labelled = y.notna()
    expected = 0.4 * X["seat_utilisation_30d"] * np.where(X["plan"] == "pro", 400.0, 100.0)
    assert model.n_unlabelled_ == 40
    assert np.corrcoef(model.predict(X), expected)[0, 1] > 0.7
    assert model.predict(X[labelled]).sum() == pytest.approx(y[labelled].sum(), rel=0.1)
    np.testing.assert_allclose(model.calibrate(model.margin(X)), model.predict(X))
    by_hand = np.mean([booster.predict(model.encode(X), raw_score=True) for booster in model.boosters_], axis=0)
    np.testing.assert_allclose(model.margin(X), by_hand, atol=1e-12)


def test_the_same_rows_make_the_same_bytes(book):
    X, y = book
    one = AmountModel(random_state=0).fit(X, y)
    order = np.random.default_rng(0).permutation(len(X))
    other = AmountModel(random_state=0, n_jobs=2).fit(X.iloc[order], y.iloc[order])
    assert [b.model_to_string() for b in one.boosters_] == [b.model_to_string() for b in other.boosters_]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (lambda y: -y, r"y: \d+ of 800 amounts are negative"),
        (lambda y: y[::-1], "y and X have different indexes"),
        (lambda y: y * pd.NA, "none of 800 rows has an amount"),
        (lambda y: y * 0, "min_events=10: 0 accounts have an amount above 0"),
        (lambda _: np.full(800, np.nan), "contains NaN or infinity"),
    ],
)
def test_amounts_that_make_no_sense_are_refused(book, y, message):
    with pytest.raises(ValueError, match=message):
        AmountModel().fit(book[0], y(book[1]))


def test_too_few_amounts_are_refused(book):
    with pytest.raises(NotEnoughDataError, match=r"min_events=500: .* 500 are needed"):
        AmountModel(min_events=500).fit(*book)
    with pytest.raises(ValueError, match=r"power=2.5: must lie between 1 and 2"):
        AmountModel(power=2.5).fit(*book)


LEVEL = pd.Series([100.0, 200.0], index=["a", "b"])


def test_the_outlook_by_hand():
    outlook = revenue_outlook(
        LEVEL,
        churn=[0.1, 0.2],
        expansion=[0.3, 0.0],
        expansion_amount=[6.0, 0.0],
        contraction=[0.0, 0.5],
        contraction_amount=[0.0, 10.0],
    )
    # a: 0.1 x 100 lost, 6 gained; b: 0.2 x 200 lost, 10 shrunk
    assert outlook.accounts["change"].tolist() == pytest.approx([-10 + 6, -40 - 10])
    assert outlook.accounts["net_retention"].tolist() == pytest.approx([0.96, 0.75])
    book = outlook.book["estimate"]
    assert book["expected_level"] == pytest.approx(246)
    assert book["net_retention"] == pytest.approx(246 / 300)
    assert book["gross_retention"] == pytest.approx(1 - (50 + 10) / 300)
    # a grows by 6 / 0.3 = 20 if it does; b shrinks by 10 / 0.5 = 20 if it does
    variance = 0.1 * 100**2 + 0.3 * 20**2 - 4**2 + 0.2 * 200**2 + 0.5 * 20**2 - 50**2
    half = norm.ppf(0.975) * np.sqrt(variance)
    assert outlook.book.loc["change", "high"] == pytest.approx(-54 + half)
    assert outlook.book.loc["net_retention", "low"] == pytest.approx((246 - half) / 300)


def test_the_interval_of_the_book_holds_what_happens():
    rng = np.random.default_rng(0)
    level = pd.Series(rng.gamma(2.0, 500.0, 300))
    churn, expansion, contraction = rng.random((3, 300)) * np.array([[0.2], [0.3], [0.1]])
    size, less = 0.2 * level.to_numpy(), 0.3 * level.to_numpy()
    outlook = revenue_outlook(
        level,
        churn=churn,
        expansion=expansion,
        expansion_amount=expansion * size,
        contraction=contraction,
        contraction_amount=contraction * less,
    )
    draw = rng.random((2000, 300))
    after = np.where(draw < churn + expansion + contraction, level.to_numpy() - less, level.to_numpy())
    after = np.where(draw < churn + expansion, level.to_numpy() + size, after)
    retention = np.where(draw < churn, 0.0, after).sum(axis=1) / level.sum()
    low, high = outlook.book.loc["net_retention", ["low", "high"]]
    assert 0.93 < ((retention > low) & (retention < high)).mean() < 0.97


def test_nobody_shrinks_by_more_than_they_pay_in_the_mean_and_in_the_interval():
    told = {"churn": 0.0, "expansion": 0.0, "expansion_amount": 0.0, "contraction": 1.0}
    outlook = revenue_outlook(LEVEL, **told, contraction_amount=1000.0)
    pd.testing.assert_frame_equal(outlook.book, revenue_outlook(LEVEL, **told, contraction_amount=LEVEL).book)
    # all of it is lost for certain: nothing is left, and nothing is open
    assert outlook.book.loc["expected_level"].tolist() == pytest.approx([0.0, 0.0, 0.0])


def test_probabilities_that_sum_to_more_than_one_leave_no_more_than_churn_does():
    outlook = revenue_outlook(LEVEL, churn=0.9, expansion=0.5, expansion_amount=50.0)
    # 0.1 is left of 0.5: a fifth of the amount
    assert outlook.accounts["expansion"].tolist() == pytest.approx([10.0, 10.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"churn": 1.2}, r"churn: 2 of 2 are missing or not in \[0, 1\]"),
        ({"expansion_amount": [np.nan, 1]}, "expansion_amount: 1 of 2 are missing or not >= 0"),
        ({"churn": pd.Series([0.1, 0.2])}, "churn and level have different indexes"),
    ],
)
def test_input_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        revenue_outlook(LEVEL, **({"churn": 0.1, "expansion": 0.1, "expansion_amount": 1.0} | change))


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("unit", [0.01, 100.0, 1e-9, 163.7])
def test_the_unit_of_money_changes_nothing_but_the_unit(book, n_members, unit):
    X, amount = book
    model = AmountModel(n_members, random_state=0)
    expected = model.fit(X, amount).predict(X)
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(model.fit(X, amount * unit).predict(X) / unit, expected, rtol=1e-12)
