"""ChurnModel: the same rows give the same bytes, risks are calibrated, and what does not fit is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from csrisk import ChurnModel, ExpansionModel
from csrisk.exceptions import NotEnoughDataError, ScoringWarning


@pytest.fixture(scope="module")
def book() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    n_accounts, n_months = 150, 6
    account = np.repeat(np.arange(n_accounts), n_months)
    index = pd.MultiIndex.from_arrays(
        [np.char.add("acct-", account.astype(str)), np.tile(pd.date_range("2025-01-01", periods=6, freq="MS"), 150)],
        names=["account_id", "as_of"],
    )
    X = pd.DataFrame(
        {
            "days_since_use": rng.exponential(15, len(index)),
            "seat_utilisation_30d": rng.random(len(index)),
            "plan": pd.Categorical(rng.choice(["basic", "pro", "enterprise"], n_accounts)[account]),
            "account_region": pd.Series(rng.choice(["emea", "apac", None], n_accounts)[account], dtype="str").array,
        },
        index=index,
    )
    X.loc[rng.random(len(X)) < 0.1, "seat_utilisation_30d"] = np.nan
    margin = -2 + X["days_since_use"] / 15 - 2 * X["seat_utilisation_30d"].fillna(0.2) + (X["plan"] == "basic")
    y = pd.Series(rng.random(len(X)) < expit(margin), index=index, dtype="boolean", name="churn")
    y.iloc[::17] = pd.NA
    return X, y


@pytest.fixture(scope="module")
def model(book) -> ChurnModel:
    return ChurnModel(random_state=0).fit(*book)


def model_text(model: ChurnModel) -> list[str]:
    return [booster.model_to_string() for booster in model.boosters_]


def test_margin_is_the_mean_of_the_members_and_the_log_odds_of_the_risk(model, book):
    X, _ = book
    matrix = model.encode(X)
    assert matrix.dtype == np.float64
    assert matrix.shape == X.shape
    by_hand = np.mean([booster.predict(matrix, raw_score=True) for booster in model.boosters_], axis=0)
    np.testing.assert_allclose(model.decision_function(X), by_hand, rtol=0, atol=1e-12)
    np.testing.assert_allclose(logit(model.predict_proba(X)[:, 1]), by_hand, atol=1e-9)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)
    assert (model.predict(X) == (by_hand > 0)).all()
    assert model.linear_ is None
    assert list(model.feature_names_in_) == list(X.columns)


def test_calibrate_rises_strictly(model):
    risk = model.calibrate(np.linspace(-20, 20, 401))
    assert (np.diff(risk) > 0).all()


def test_rows_without_a_label_are_left_out_and_counted(model, book):
    X, y = book
    assert model.n_unlabelled_ == y.isna().sum() == 53
    labelled = y.notna().to_numpy()
    again = ChurnModel(random_state=0).fit(X[labelled], y[labelled].astype(bool))
    assert model_text(again) == model_text(model)


@pytest.mark.promise("The same rows make the same model to the byte, in any order")
@pytest.mark.parametrize("change", ["shuffled rows", "renamed accounts", "two jobs", "second run", "one weight"])
def test_the_same_rows_make_the_same_bytes(model, book, change):
    X, y = book
    again, weight = ChurnModel(random_state=0), None
    if change == "shuffled rows":
        order = np.random.default_rng(1).permutation(len(X))
        X, y = X.iloc[order], y.iloc[order]
    elif change == "renamed accounts":
        codes = pd.factorize(X.index.get_level_values("account_id"))[0]
        renamed = np.random.default_rng(2).permutation(150)[codes]
        X = X.set_index(pd.MultiIndex.from_arrays([renamed, X.index.get_level_values(1)], names=X.index.names))
        y = y.set_axis(X.index)
    elif change == "two jobs":
        again.set_params(n_jobs=2)
    elif change == "one weight":
        weight = np.full(len(X), 3e6)
    assert model_text(again.fit(X, y, sample_weight=weight)) == model_text(model)


def test_another_seed_makes_another_model(model, book):
    assert model_text(ChurnModel(random_state=1).fit(*book)) != model_text(model)


def test_a_weight_of_two_is_two_rows_and_a_weight_of_zero_is_none(book):
    X, y = (part[book[1].notna().to_numpy()] for part in book)
    weight = np.random.default_rng(0).integers(0, 3, len(X))
    weighted = ChurnModel(random_state=0).fit(X, y, sample_weight=weight)
    rows = np.repeat(np.arange(len(X)), weight)
    assert model_text(weighted) == model_text(ChurnModel(random_state=0).fit(X.iloc[rows], y.iloc[rows]))


def test_accounts_stay_on_one_side_of_a_fold(book):
    from csrisk.models._boosting._members import assign_folds
    from csrisk.models._rows._sample import read_sample

    X, y = book
    matrix = ChurnModel(random_state=0).fit(X, y).encode(X)
    sample, _, _ = read_sample(X, matrix, y)
    fold = assign_folds(sample, 5, 0)
    assert pd.Series(fold).groupby(sample.group).nunique().max() == 1
    events = np.bincount(fold, weights=sample.target)
    assert events.max() - events.min() <= 6
    # a duplicate of a row is the same account where nothing else says who is who
    doubled, _, _ = read_sample(np.tile(matrix, (2, 1)), np.tile(matrix, (2, 1)), np.tile(y.fillna(False), 2))
    assert doubled.group.max() + 1 == len(X)


def test_categories_are_matched_by_name_and_not_by_code(model, book):
    X, _ = book
    other = X.assign(plan=X["plan"].cat.reorder_categories(["pro", "enterprise", "basic"]))
    text = X.assign(plan=X["plan"].astype(str))
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(other))
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(text))
    np.testing.assert_array_equal(model.predict_proba(X)[:7], model.predict_proba(X[:7]))


def test_unseen_categories_are_missing_and_said_so_without_their_names(model, book):
    X, _ = book
    some = X[:20].assign(plan=["secret-plan"] * 5 + ["pro"] * 15)
    with pytest.warns(ScoringWarning, match=r"'plan': 5 of 20 rows") as caught:
        unseen = model.predict_proba(some)
    assert "secret-plan" not in str(caught[0].message)
    missing = model.predict_proba(X[:20].assign(plan=pd.Categorical([None] * 5 + ["pro"] * 15)))
    np.testing.assert_array_equal(unseen, missing)


@pytest.mark.parametrize("dtype", ["float32", "Float64", "object", "float64[pyarrow]"])
def test_the_type_that_holds_a_number_does_not_matter(model, book, dtype):
    X, _ = book
    single = X.assign(days_since_use=X["days_since_use"].astype("float32").astype(float))
    same = single.assign(days_since_use=single["days_since_use"].astype(dtype))
    np.testing.assert_array_equal(model.predict_proba(single), model.predict_proba(same))


def test_monotone_directions_hold(book):
    X, y = book
    model = ChurnModel(random_state=0, monotone={"seat_utilisation_30d": -1, "days_since_use": 1}).fit(X, y)
    grid = pd.concat([X.iloc[[7]]] * 50, ignore_index=True)
    by_use = model.decision_function(grid.assign(seat_utilisation_30d=np.linspace(0, 1, 50)))
    by_days = model.decision_function(grid.assign(days_since_use=np.linspace(0, 100, 50)))
    assert (np.diff(by_use) <= 1e-12).all()
    assert (np.diff(by_days) >= -1e-12).all()


def test_clone_pickle_pipeline_and_grid_search(model, book):
    X, y = book
    labelled = y.notna().to_numpy()
    X, y = X[labelled], y[labelled].astype(bool)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))
    assert clone(model).get_params() == model.get_params()
    piped = make_pipeline(FunctionTransformer(), ChurnModel(random_state=0)).fit(X, y)
    np.testing.assert_array_equal(piped.predict_proba(X), ChurnModel(random_state=0).fit(X, y).predict_proba(X))
    search = GridSearchCV(ChurnModel(n_members=2, random_state=0), {"num_leaves": [4, 8]}, cv=2, scoring="roc_auc")
    assert search.fit(X, y).best_score_ > 0.6
    risk = cross_val_predict(
        ChurnModel(n_members=2, random_state=0),
        X,
        y,
        groups=X.index.get_level_values("account_id"),
        cv=GroupKFold(3),
        method="predict_proba",
    )
    assert risk.shape == (len(X), 2)


@pytest.mark.promise("Risks are calibrated on accounts that were not seen")
def test_risks_are_calibrated_on_accounts_not_seen():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(6000, 8))
    truth = expit(-2 + X[:, 0] + 0.8 * X[:, 1] * (X[:, 2] > 0))
    y = rng.random(6000) < truth
    risk = ChurnModel(random_state=0).fit(X[:3000], y[:3000]).predict_proba(X[3000:])[:, 1]
    from csrisk.evaluation import evaluate_scores

    table = evaluate_scores(y[3000:], risk, probability=True)
    assert table.loc["calibration_slope", "low"] < 1 < table.loc["calibration_slope", "high"]
    assert table.loc["mean_risk", "estimate"] == pytest.approx(truth[3000:].mean(), abs=0.02)


def refusals(book) -> dict[str, tuple[dict, str]]:
    X, y = book
    weight = np.ones(len(X))
    return {
        "inf": ({"X": X.assign(days_since_use=np.inf)}, r"column 'days_since_use': 900 of 900 values are inf"),
        "time": ({"X": X.assign(at=pd.Timestamp("2025-01-01"))}, "turn times into days before as_of"),
        "mixed": ({"X": X.assign(x=[1, "a"] * 450)}, "column 'x': dtype object holding 'mixed-integer' values"),
        "twice": ({"X": X[["plan", "plan"]]}, r"columns=\['plan'\]: each occurs more than once"),
        "other_index": ({"y": y[::-1]}, "y and X have different indexes"),
        "shorter": ({"y": y[:-1]}, "y and X have different indexes"),
        "one_class": ({"y": y.fillna(False) & False}, "y holds one class in 900 labelled rows"),
        "no_label": ({"y": y.where(y.isna() & False)}, "y holds one class in 0 labelled rows"),
        "three_classes": ({"y": np.arange(900) % 3}, "Only binary classification is supported"),
        "negative": ({"sample_weight": -weight}, "sample_weight: 900 of 900 are negative or not finite"),
        "short_weight": ({"sample_weight": weight[1:]}, "sample_weight has 899 values, X has 900 rows"),
        "no_group": ({"groups": pd.Series([None] * 900, index=X.index)}, "groups: 900 of 900 are missing"),
        "few": (
            {"y": pd.Series(np.arange(900) < 18, index=X.index)},
            "min_events=10: 3 accounts with churn in 900 labelled rows, 10 are needed",
        ),
    }


CASES = "inf time mixed twice other_index shorter one_class no_label three_classes negative short_weight no_group few"


@pytest.mark.parametrize("case", CASES.split())
def test_input_that_makes_no_sense_is_refused(book, case):
    change, message = refusals(book)[case]
    arguments = {"X": book[0], "y": book[1]} | change
    with pytest.raises(ValueError, match=message):
        ChurnModel(random_state=0).fit(**arguments)


def test_too_few_events_name_the_figure_that_is_needed(book):
    X, y = book
    with pytest.raises(NotEnoughDataError, match=r"min_events=200: .* accounts with expansion .*200 are needed"):
        ExpansionModel(min_events=200).fit(X, y)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X.drop(columns="plan"), "Feature names seen at fit time, yet now missing:\n- plan"),
        (lambda X: X.assign(more=1), "Feature names unseen at fit time:\n- more"),
        (lambda X: X[X.columns[::-1]], "must be in the same order as they were in fit"),
        (
            lambda X: X.assign(days_since_use="long"),
            "'days_since_use': holds values of kind 'category' now and 'number'",
        ),
        (lambda X: X.assign(plan=1.0), "'plan': holds values of kind 'number' now and 'category'"),
        (lambda X: X[:0], "a minimum of 1 row is required"),
    ],
)
def test_frames_that_differ_from_training_are_refused(model, book, change, message):
    with pytest.raises(ValueError, match=message):
        model.predict_proba(change(book[0]))


@pytest.mark.parametrize(
    ("monotone", "message"),
    [({"seats": 1}, r"columns \['seats'\] are not in X"), ({"days_since_use": 2}, "directions must be -1, 0 or 1")],
)
def test_monotone_directions_are_checked(book, monotone, message):
    with pytest.raises(ValueError, match=message):
        ChurnModel(monotone=monotone).fit(*book)


def test_a_column_without_any_value_stays_missing(book):
    X, y = book
    model = ChurnModel(random_state=0).fit(X.assign(nps_last=None), y)
    np.testing.assert_array_equal(
        model.predict_proba(X.assign(nps_last=None)), model.predict_proba(X.assign(nps_last="nine"))
    )
