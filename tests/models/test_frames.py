"""Frames of every kind are the same risk, to fit and to predict, or are refused."""

from __future__ import annotations

import datetime as dt
import decimal
import warnings

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from csrisk import ChurnModel, ExpansionModel
from csrisk.exceptions import DataWarning
from csrisk.models import AmountModel, LongevityModel
from csrisk.success import UpliftModel, propensity

N = 240
_rng = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "use": np.where(np.arange(N) % 7 == 0, np.nan, _rng.normal(size=N)),
        "seats": _rng.integers(1, 50, N),
        "is_trial": _rng.random(N) < 0.5,
        "plan": _rng.choice(["basic", "pro", None], N),
        "tier": _rng.choice(["1", "2", "3"], N),
        "fee": [decimal.Decimal(int(quarters)) / 4 for quarters in _rng.integers(1, 9, N)],
    }
)
CHURN = pd.Series(_rng.random(N) < 1 / (1 + np.exp(1 - FRAME["use"].fillna(0) - 2 * (FRAME["tier"] == "3"))))
TREATED = pd.Series(_rng.random(N) < 0.5)


def polars() -> pl.DataFrame:
    told = {name: FRAME[name].tolist() for name in ("seats", "is_trial", "tier", "fee")}
    plan = [None if pd.isna(value) else value for value in FRAME["plan"]]
    use = pl.Series("use", FRAME["use"].tolist()).fill_nan(None)
    return pl.DataFrame({**told, "plan": plan}).with_columns(use).select(list(FRAME.columns))


WAYS = {
    "objects": lambda: FRAME.astype(object),
    "strings": lambda: FRAME.astype({"plan": "string", "tier": "string", "use": "Float64", "is_trial": "boolean"}),
    "categories": lambda: FRAME.astype({"plan": "category", "tier": "category"}),
    "categories in another order": lambda: FRAME.assign(tier=pd.Categorical(FRAME["tier"], ["3", "9", "1", "2"])),
    "pandas on Arrow": lambda: FRAME.convert_dtypes(dtype_backend="pyarrow"),
    "Polars": polars,
    "Polars lazy": lambda: polars().lazy(),
    "Polars categorical": lambda: polars().with_columns(pl.col("plan", "tier").cast(pl.Categorical)),
    "Polars enum": lambda: polars().with_columns(pl.col("tier").cast(pl.Enum(["3", "2", "1", "0"]))),
    "Polars decimal": lambda: polars().with_columns(pl.col("fee").cast(pl.Decimal(10, 2))),
    "Arrow": lambda: polars().to_arrow(),
    "Arrow with an index": lambda: pa.Table.from_pandas(FRAME),
}


def churn_model() -> ChurnModel:
    return ChurnModel(n_members=2, blend=False, random_state=0)


@pytest.fixture(scope="module")
def risk() -> tuple[ChurnModel, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # the tiers are text that is numbers, and meant to be
        model = churn_model().fit(FRAME, CHURN)
    return model, model.predict_proba(FRAME)


@pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")
@pytest.mark.parametrize("way", WAYS)
def test_the_same_rows_are_the_same_risk_in_every_frame_to_fit_and_to_predict(risk, way):
    model, want = risk
    np.testing.assert_array_equal(model.predict_proba(WAYS[way]()), want)
    np.testing.assert_array_equal(churn_model().fit(WAYS[way](), CHURN).predict_proba(FRAME), want)


@pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")
@pytest.mark.parametrize("estimator", ["expansion", "amount", "longevity", "uplift", "propensity"])
def test_every_estimator_reads_the_same_from_polars(estimator):
    times = pd.DataFrame({"duration": 1 + np.arange(N) % 200, "event": CHURN})

    def fitted(X):
        if estimator == "propensity":
            return propensity(X, TREATED)
        if estimator == "uplift":
            return UpliftModel("t").fit(X, CHURN, TREATED).predict(X)
        if estimator == "longevity":
            model = LongevityModel((60, 120), n_members=2, random_state=0).fit(X, times)
            return model.predict_survival(X, [30, 120])
        if estimator == "amount":
            return AmountModel(2, random_state=0).fit(X, CHURN * 10.0).predict(X)
        return ExpansionModel(2, blend=False, random_state=0).fit(X, CHURN).predict_proba(X)

    np.testing.assert_array_equal(fitted(polars()), fitted(FRAME))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (lambda: FRAME.to_numpy(), r"X is an array with text in 391 of 1440 cells \(columns \[3, 4\]\)"),
        (lambda: FRAME.to_numpy().tolist(), "X is an array with text in"),
        (lambda: np.zeros((3, 6)), r"X is an array, and columns \['plan', 'tier'\] were learned as categories"),
        (lambda: duckdb.sql("select 1 as use"), "X is a query of .*whose rows have no order"),
        (lambda: polars().with_columns(fee=pl.lit(dt.date(2025, 1, 1))), "column 'fee': dtype .*turn times into days"),
        (lambda: polars().with_columns(fee=pl.lit(dt.timedelta(1))), "column 'fee': dtype .*turn times into days"),
        (lambda: polars().with_columns(fee=pl.concat_list("seats")), "column 'fee': dtype object holding 'mixed'"),
        (
            lambda: polars().with_columns(pl.col("seats").cast(pl.String)),
            "'seats': holds values of kind 'category' now",
        ),
        (lambda: polars().select(FRAME.columns[::-1].tolist()), "must be in the same order as they were in fit"),
    ],
)
def test_what_cannot_be_read_as_in_training_is_refused(risk, X, message):
    with pytest.raises(ValueError, match=message):
        risk[0].predict_proba(X())


@pytest.mark.parametrize("X", [np.array([["1", "2"]] * N), np.array([["1", 2]] * N, dtype=object), [["a", 1.0]] * N])
def test_arrays_of_text_are_refused_when_a_model_learns(X):
    with pytest.raises(ValueError, match="X is an array with text in"):
        churn_model().fit(X, CHURN)


def test_masked_cells_of_an_array_are_missing():
    X = FRAME[["use", "seats"]].to_numpy(dtype=float)
    model = churn_model().fit(X, CHURN)
    hidden = np.ma.masked_array(np.nan_to_num(X, nan=99.0), mask=np.isnan(X))
    np.testing.assert_array_equal(model.predict_proba(hidden), model.predict_proba(X))
    np.testing.assert_array_equal(churn_model().fit(hidden, CHURN).predict_proba(X), model.predict_proba(X))


def test_columns_that_are_numbers_are_names_too():
    X = pd.DataFrame(np.random.default_rng(1).normal(size=(N, 2)))
    model = churn_model().fit(X, CHURN)
    with pytest.raises(ValueError, match=r"X has the columns \[1, 0\], training had \[0, 1\]"):
        model.predict_proba(X[[1, 0]])
    with pytest.raises(ValueError, match=r"X has the columns \[7, 1\], training had \[0, 1\]"):
        model.predict_proba(X.rename(columns={0: 7}))


@pytest.mark.parametrize("names", [("*", "{x}"), ("%s", "a b"), ('"', "'"), ("[0]", "\n"), ("ä", "=1+1")])
def test_columns_may_be_called_anything(names):
    X = FRAME[["use", "tier"]].set_axis(list(names), axis=1).astype({names[1]: "category"})
    risk = churn_model().fit(X, CHURN).predict_proba(X)
    plain = FRAME[["use", "tier"]].astype({"tier": "category"})
    np.testing.assert_array_equal(risk, churn_model().fit(plain, CHURN).predict_proba(plain))


def said(X: pd.DataFrame, **options: object) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        churn_model().fit(X, CHURN, **options)
    return [str(one.message) for one in caught if isinstance(one.message, DataWarning)]


def test_what_is_hardly_what_it_seems_is_said_when_a_model_learns():
    plain = FRAME[["use", "seats"]]
    assert said(plain.assign(plan=FRAME["plan"])) == []
    total = pd.Series(np.round(np.arange(N) * 1.25, 2)).astype(str).where(np.arange(N) % 40 > 0, " ")
    (text,) = said(plain.assign(TotalCharges=total))
    assert "'TotalCharges': 234 numbers, 6 blank" in text
    (text, repeat) = said(plain.assign(TotalCharges=total.where(total != "1.25", "1,250")))
    assert "'TotalCharges': 234 values in 240 rows, 6 blank" in text
    assert "no comma" in text
    assert "'TotalCharges': 235 values in 240 rows" in repeat
    (tiers,) = said(plain.assign(tier=FRAME["tier"]))
    assert "'tier': 3 values in 240 rows" in tiers
    assert said(plain.assign(tier=FRAME["tier"].astype("category"))) == []
    names = pd.Series([f"Ada {row}" for row in range(N)])
    (found,) = said(plain.assign(contact=names.astype("category")))
    assert "'contact': 240 values in 240 rows" in found
    assert "Ada" not in found
    (number,) = said(plain.assign(customer_id=np.random.default_rng(0).permutation(10**6)[:N]))
    assert "'customer_id': 240 whole numbers in 240 rows" in number
    (counted,) = said(plain.assign(row=np.arange(N) + 5))
    assert "'row': 240 whole numbers in 240 rows" in counted


@pytest.mark.parametrize("wrong", [dict.fromkeys(range(240), "a"), set(range(240)), np.zeros((240, 2))])
def test_groups_that_are_no_column_are_refused(wrong):
    with pytest.raises(ValueError, match=r"groups: .* of shape .*; give one account for each row"):
        ChurnModel(n_members=2).fit(FRAME, CHURN, groups=wrong)


def test_a_category_is_held_against_the_accounts_where_they_are_known():
    owner = np.repeat(np.arange(60), 4)
    (found,) = said(FRAME[["use"]].assign(name=[f"name {one}" for one in owner]), groups=owner)
    assert "'name': 60 values in 60 accounts" in found
    assert said(FRAME[["use"]].assign(region=[f"region {one % 9}" for one in owner]), groups=owner) == []


@pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")
def test_keys_beside_the_features_are_the_index_that_other_libraries_lack():
    owner, date = (
        [f"a{row // 4}" for row in range(N)],
        pd.to_datetime("2025-01-01") + pd.to_timedelta(np.arange(N) % 4, "D"),
    )
    indexed = FRAME.set_axis(pd.MultiIndex.from_arrays([owner, date], names=["account_id", "as_of"]))
    beside = polars().with_columns(pl.Series("account_id", owner), pl.Series("as_of", date.tolist()))
    want = churn_model().fit(indexed, CHURN.to_numpy()).predict_proba(indexed)
    model = churn_model().fit(beside, CHURN.to_numpy())
    assert list(model.feature_names_in_) == list(FRAME.columns)
    np.testing.assert_array_equal(model.predict_proba(beside), want)
    np.testing.assert_array_equal(model.predict_proba(polars()), want)
    # labels of pandas are then found by their index
    with pytest.raises(ValueError, match="y and X have different indexes"):
        churn_model().fit(beside, CHURN)
