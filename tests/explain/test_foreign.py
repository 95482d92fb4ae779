"""Base and predictions are the model's own on the original frames, whatever the library, the names and the dtypes."""

from __future__ import annotations

import duckdb
import lightgbm
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import csrisk as cr
from csrisk.exceptions import ExplanationError

pytestmark = pytest.mark.promise("Models of other libraries are explained by their own predictions")

GOALS = {"use": "footprint", "tier": "churn", "seats": "footprint", "is_big": "context"}


@pytest.fixture(scope="module")
def X() -> pd.DataFrame:  # noqa: N802  # the name that scikit-learn gives to the feature frame
    rng = np.random.default_rng(4)
    n = 300
    columns = {"use": rng.normal(size=n), "tier": rng.choice(["a", "b", "c"], n), "seats": rng.integers(1, 9, n)}
    return pd.DataFrame(columns).assign(is_big=lambda frame: frame["seats"] > 5)


@pytest.fixture(scope="module")
def y(X: pd.DataFrame) -> pd.Series:
    risk = 1 / (1 + np.exp(-(X["use"] + 2 * (X["tier"] == "c") - 1)))
    return (np.random.default_rng(5).random(len(X)) < risk).astype(int)


def _one_hot():
    return make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["tier"]), remainder="passthrough")


def _catboost():
    kind = pytest.importorskip("catboost").CatBoostClassifier
    return kind(iterations=10, cat_features=["tier"], verbose=0, allow_writing_files=False, thread_count=1)


MODELS = {
    "HGB": lambda: HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=15, random_state=0),
    "pipeline": lambda: make_pipeline(_one_hot(), LogisticRegression()),
    "calibrated": lambda: CalibratedClassifierCV(make_pipeline(_one_hot(), LogisticRegression()), cv=2),
    "LightGBM": lambda: lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1),
    "XGBoost": lambda: pytest.importorskip("xgboost").XGBClassifier(n_estimators=5, enable_categorical=True, n_jobs=1),
    "CatBoost": _catboost,
}


def _require_own(model, frame, reference, goals=None, output="probability"):
    why = cr.explain(model, frame, reference=reference, declarations=goals or GOALS, output=output, n_reference=40)
    # the reference is no larger than n_reference, so that nothing is chosen from it
    np.testing.assert_allclose(why.reference, 100 * model.predict_proba(reference)[:, 1].mean(), atol=1e-5)
    np.testing.assert_allclose(why.prediction, 100 * model.predict_proba(frame)[:, 1], atol=1e-5)
    return why


@pytest.mark.parametrize("kind", ["text", "category"])
@pytest.mark.parametrize("name", MODELS)
def test_base_and_predictions_are_those_of_the_model(name, kind, X, y):
    if kind == "text" and name in ("HGB", "LightGBM", "XGBoost"):
        pytest.skip("takes no text")
    frame = X.astype({"tier": "category"}) if kind == "category" else X
    _require_own(MODELS[name]().fit(frame, y), frame.iloc[:5], frame.iloc[:40])


@pytest.mark.parametrize("which", ["explained", "reference", "both"])
@pytest.mark.parametrize("how", ["fewer", "other order", "never seen"])
@pytest.mark.parametrize("name", ["HGB", "pipeline", "LightGBM", "calibrated"])
def test_categories_of_one_frame_are_not_stamped_on_another(name, how, which, X, y):
    frame = X.assign(tier=pd.Categorical(X["tier"], categories=["a", "b", "c", "d"]))
    model = MODELS[name]().fit(frame, y)

    def changed(rows: pd.DataFrame) -> pd.DataFrame:
        if how == "fewer":
            rows = rows[rows["tier"] != "c"]
            return rows.assign(tier=rows["tier"].cat.remove_unused_categories())
        if how == "other order":
            return rows.assign(tier=rows["tier"].cat.reorder_categories(["d", "c", "b", "a"]))
        return rows.assign(tier=rows["tier"].cat.add_categories(["e"]))

    some = changed(frame.iloc[:12]) if which != "reference" else frame.iloc[:12]
    reference = changed(frame.iloc[50:90]) if which != "explained" else frame.iloc[50:90]
    _require_own(model, some, reference)


def test_text_and_categories_may_meet_where_the_model_takes_both(X, y):
    model = MODELS["pipeline"]().fit(X, y)
    narrow = X.iloc[:6].astype({"tier": "category"})
    _require_own(model, narrow, X.iloc[:40])
    _require_own(model, X.iloc[:6], X.iloc[:40].astype({"tier": "category"}))


class _ByCode:
    """A model that reads the codes of a dtype, as some libraries do: another dtype is another question."""

    feature_names_in_ = np.array(["use", "tier"], dtype=object)

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        risk = 0.2 + 0.2 * frame["tier"].cat.codes.to_numpy()
        return np.column_stack([1 - risk, risk])


def test_a_model_that_reads_codes_of_another_dtype_is_refused(X):
    frame = X.astype({"tier": "category"})
    some = frame[frame["tier"] != "a"].iloc[:5]
    narrow = some.assign(tier=some["tier"].cat.remove_unused_categories())
    with pytest.raises(ExplanationError, match=r"5 of 5 predictions of X are not those of the model itself"):
        cr.explain(_ByCode(), narrow, reference=frame.iloc[:40], declarations=GOALS)
    cr.explain(_ByCode(), some, reference=frame.iloc[:40], declarations=GOALS)


def test_what_the_model_itself_refuses_is_said(X, y):
    frame = X.astype({"tier": "category"})
    model = MODELS["LightGBM"]().fit(frame, y)
    with pytest.raises(ExplanationError, match="0 columns have a category dtype, 1 had one in training"):
        cr.explain(model, X.iloc[:3], reference=X.iloc[:40], declarations=GOALS)

    class Picky(_ByCode):
        def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
            if len(frame) == 3:
                raise KeyError("Anna Smith")
            return super().predict_proba(frame)

    with pytest.raises(ExplanationError, match=r"does not predict X \(KeyError\); give each column the dtype") as error:
        cr.explain(Picky(), frame.iloc[:3], reference=frame.iloc[:40], declarations=GOALS, n_reference=9)
    assert "Anna" not in str(error.value)


NAMES = ["a b", "*", "{x}", "größe/年", "m$2$_", "<b>[1]"]


@pytest.mark.parametrize("make", ["HGB", "LightGBM", "csrisk", "Booster", "Polars"])
def test_names_of_any_characters(make, y):
    names = [name for name in NAMES if make not in ("LightGBM", "Booster") or not set(name) & set('{}[],:"')]
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(300, len(names))), columns=names)
    goals = dict.fromkeys(names, "footprint") | {names[0]: "churn"}
    if make == "Booster":
        told = {"objective": "binary", "verbose": -1, "num_threads": 1}
        model = lightgbm.train(told, lightgbm.Dataset(frame, y), 5)
        want = model.predict(frame.iloc[:5], num_threads=1)
    else:
        kind = cr.ChurnModel(2, blend=False, min_events=1) if make in ("csrisk", "Polars") else MODELS[make]()
        model = kind.fit(frame, y)
        want = model.predict_proba(frame.iloc[:5])[:, 1]
    read = pl.from_pandas if make == "Polars" else lambda rows: rows
    why = cr.explain(model, read(frame.iloc[:5]), reference=read(frame.iloc[:30]), declarations=goals)
    np.testing.assert_allclose(why.prediction, 100 * want, atol=1e-9)
    assert set(why.features()["feature"]) <= {*names, "(rest)"}
    assert not [text for text in why.features()["sentence"] if "{value}" in text]
    why.plot(0) if hasattr(why, "plot") else None


def test_columns_that_are_missing_or_named_twice_are_said(X, y):
    model = MODELS["pipeline"]().fit(X, y)
    with pytest.raises(ExplanationError, match=r"X: 1 of 4 columns of the model are missing .*'use'"):
        cr.explain(model, X.drop(columns="use").iloc[:3], reference=X, declarations=GOALS)
    twice = pd.concat([X, X[["use"]]], axis=1)
    with pytest.raises(ExplanationError, match=r"reference: 1 of 4 columns .* more than once"):
        cr.explain(model, X.iloc[:3], reference=twice, declarations=GOALS)


def test_a_booster_without_names_takes_the_columns_in_their_order(X, y):
    frame = X[["use", "seats"]]
    told = {"objective": "binary", "verbose": -1, "num_threads": 1}
    model = lightgbm.train(told, lightgbm.Dataset(frame.to_numpy(dtype=float), y), 5)
    why = cr.explain(model, frame.iloc[:4], reference=frame.iloc[:40], declarations=GOALS)
    np.testing.assert_allclose(why.prediction, 100 * model.predict(frame.iloc[:4], num_threads=1), atol=1e-9)


def test_declarations_given_come_beside_those_of_csrisk(y):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 3)), columns=["events_30d", "own", "account_size"])
    model = LogisticRegression().fit(frame, y)
    own = {"own": "feedback"}
    why = cr.explain(model, frame.iloc[:2], reference=frame.iloc[:20], declarations=own)
    assert [str(goal) for goal in why.goals_present] == ["footprint", "feedback", "context"]
    moved = cr.explain(model, frame.iloc[:2], reference=frame.iloc[:20], declarations=own | {"events_30d": "churn"})
    assert "churn" in map(str, moved.goals_present)
    with pytest.raises(ExplanationError, match=r"1 of 3 columns of the model have no goal, first \['own'\]"):
        cr.explain(model, frame.iloc[:2], reference=frame.iloc[:20], declarations={"events_30d": "churn"})


@pytest.mark.parametrize(
    "read",
    [pl.from_pandas, lambda f: pl.from_pandas(f).lazy(), lambda f: pa.Table.from_pandas(f, preserve_index=False)],
)
def test_frames_of_other_libraries_are_read_by_the_same_encoder(read, X, y):
    model = cr.ChurnModel(2, blend=False, random_state=0).fit(X, y)
    want = cr.explain(model, X.iloc[:5], reference=X, declarations=GOALS).goals()
    got = cr.explain(model, read(X.iloc[:5]), reference=read(X), declarations=GOALS).goals()
    pd.testing.assert_frame_equal(got, want)
    with pytest.raises(ExplanationError, match=r"X: X is a query of .*duckdb.*collect it into a frame first"):
        cr.explain(model, duckdb.sql("select 1 as events_30d"), reference=X, declarations=GOALS)


def test_numbers_keep_their_types(X, y):
    frame = X.drop(columns="tier").assign(
        seats=X["seats"].astype("Int64").where(X["seats"] > 2), is_big=X["is_big"].astype("boolean")
    )

    class Typed:
        feature_names_in_ = np.array(frame.columns, dtype=object)

        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            assert rows.dtypes.to_dict() == frame.dtypes.to_dict()
            return rows["seats"].fillna(0).to_numpy(dtype=float) + rows["is_big"].to_numpy(dtype=float)

    why = cr.explain(Typed(), frame.iloc[:4], reference=frame.iloc[:30], declarations=GOALS, output="amount")
    np.testing.assert_allclose(why.prediction, Typed().predict(frame.iloc[:4]))


@pytest.mark.parametrize("kinds", [{}, {"seats": "Int64", "is_big": "boolean"}], ids=["numpy", "nullable"])
@pytest.mark.parametrize("change", [{"seats": 2.5}, {"is_big": 0.25}, {"seats": 3}, {"is_big": True}])
def test_what_if_asks_for_the_value_and_not_for_its_whole_part(change, kinds, X, y):
    frame = X.drop(columns="tier").astype(kinds)
    model = LogisticRegression(max_iter=500).fit(frame, y)
    why = cr.explain(model, frame.iloc[:4], reference=frame.iloc[:40], declarations=GOALS)
    asked = why.what_if(frame.index[0], change)["what_if"]
    own = model.predict_proba(frame.iloc[[0]].astype(float).assign(**change))[:, 1]
    np.testing.assert_allclose(asked, 100 * own)


@pytest.mark.parametrize("labels", [("retained", "churned"), (1, 2), ("False", "True")])
@pytest.mark.parametrize("name", ["pipeline", "calibrated", "LightGBM"])
def test_labels_that_name_no_event_are_asked_for(name, labels, X, y):
    frame = X.astype({"tier": "category"})
    model = MODELS[name]().fit(frame, np.array(labels)[y.to_numpy()])
    with pytest.raises(ExplanationError, match=r"classes_: y holds the labels .*, and neither says that"):
        cr.explain(model, frame.iloc[:5], reference=frame.iloc[:40], declarations=GOALS)


@pytest.mark.parametrize("labels", [(-1, 1), (0.0, 1.0), (False, True)])
def test_labels_that_name_the_event_are_explained(labels, X, y):
    frame = X.astype({"tier": "category"})
    _require_own(MODELS["LightGBM"]().fit(frame, np.array(labels)[y.to_numpy()]), frame.iloc[:5], frame.iloc[:40])


def test_a_regressor_of_whole_numbers(X):
    frame = X[["use", "seats"]]
    model = RandomForestRegressor(n_estimators=3, random_state=0).fit(frame, frame["seats"] * 3.0)
    why = cr.explain(model, frame.iloc[:3], reference=frame.iloc[:30], declarations=GOALS, output="amount")
    np.testing.assert_allclose(why.reference, model.predict(frame.iloc[:30]).mean())


@pytest.mark.parametrize("names", [("account_id", "as_of"), ("customer", "day"), (None, None)])
def test_own_past_goes_by_the_names_of_the_levels(names):
    dates = pd.to_datetime(["2025-01-01", "2025-02-01", "2025-03-01"])
    index = pd.MultiIndex.from_product([["a", "b", "c"], dates], names=names)
    frame = pd.DataFrame({"use": np.arange(9.0)}, index=index)
    for past in (frame, frame.swaplevel()):
        for rows in (frame, frame.swaplevel()):
            assert cr.Reference.own_past(past)._partners(rows).tolist() == [-1, 0, 1, -1, 3, 4, -1, 6, 7]


@pytest.mark.parametrize(
    "other",
    [
        lambda index: index.set_levels(index.levels[1].tz_localize("UTC"), level=1),
        lambda index: index.set_levels([1, 2, 3], level=0),
    ],
    ids=["with a zone", "numbers as ids"],
)
def test_own_past_of_another_kind_of_index_is_told(other):
    dates = pd.to_datetime(["2025-01-01", "2025-02-01"])
    index = pd.MultiIndex.from_product([["a", "b", "c"], dates], names=["account_id", "as_of"])
    frame = pd.DataFrame({"use": np.arange(6.0)}, index=index)
    with pytest.raises(ExplanationError, match=r"cannot be compared; give both indexes the same types"):
        cr.Reference.own_past(frame).covers(frame.set_axis(other(index)))


def test_an_account_is_found_by_the_name_of_its_level(X, y):
    frame = X[["use", "seats"]].set_index(
        pd.MultiIndex.from_arrays([pd.to_datetime(["2025-01-01"] * 300), range(300)], names=["as_of", "account_id"])
    )
    model = LogisticRegression().fit(frame, y)
    why = cr.explain(model, frame.iloc[:9], reference=frame.iloc[:30], declarations=GOALS)
    assert why.position(7) == 7
