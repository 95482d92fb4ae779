"""Refusals of `explain` in words, and the rare shapes of models and frames that it must still split exactly."""

from __future__ import annotations

import re

import lightgbm
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

import csrisk as cr
from csrisk._explain._adapters._frames import index_keys
from csrisk._explain._games._direct import coalition_values
from csrisk._explain._herding import herd
from csrisk.exceptions import ExplanationError

GOALS = {"use": "footprint", "calls": "churn", "plan": "context"}
SMALL = {"n_estimators": 4, "verbose": -1, "n_jobs": 1, "min_child_samples": 5}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    numbers = {"use": rng.normal(size=200), "calls": rng.integers(0, 9, 200)}
    return pd.DataFrame(numbers).assign(plan=pd.Categorical(rng.choice(["a", "b", "c"], 200)))


@pytest.fixture(scope="module")
def risk(frame: pd.DataFrame) -> pd.Series:
    return ((frame["use"] < 0) | (frame["calls"] > 6) & (frame["plan"] == "b")).astype(int)


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame, risk: pd.Series) -> lightgbm.LGBMClassifier:
    return lightgbm.LGBMClassifier(**SMALL).fit(frame, risk)


def adds_up(why: cr.Explanation) -> bool:
    goals = why.goals()
    rest = goals.drop(columns="prediction").sum(axis=1) - goals["prediction"]
    return bool(rest.abs().max() < 1e-9)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"output": "odds"}, r"output='odds' must be 'probability', 'log_odds' or 'amount'"),
        ({"n_reference": 0}, r"n_reference=0 must be a whole number of at least 1"),
        ({"n_reference": 2.5}, r"n_reference=2\.5 must be a whole number"),
        ({"n_strongest": 9}, r"n_strongest=9 one between 0 and 8"),
        ({"declarations": {**GOALS, "use": "growth"}}, r"declarations: goal='growth' must be one of \["),
        (
            {"declarations": {"use": "churn"}},
            r"declarations: 1 of 3 columns of the model have no goal",
        ),
    ],
)
def test_arguments(frame, model, given, said) -> None:
    with pytest.raises(ExplanationError, match=said):
        cr.explain(model, frame[:3], **{"reference": frame, "declarations": GOALS, **given})


def test_a_column_of_text_where_numbers_were_learned(frame, model) -> None:
    with pytest.raises(ExplanationError, match=r"column 'use': dtype .* holds no numbers, and LightGBM"):
        cr.explain(model, frame.assign(use="low")[:3], reference=frame, declarations=GOALS)


def test_frames_of_other_names_for_a_model_without_names(frame, risk) -> None:
    numbers = frame[["use", "calls"]]
    bare = lightgbm.LGBMClassifier(**SMALL).fit(numbers.to_numpy(), risk)
    other = numbers.rename(columns={"use": "usage"})
    with pytest.raises(ExplanationError, match=r"X and reference name their columns differently: \['use', 'calls'\]"):
        cr.explain(bare, numbers[:3], reference=other, declarations=GOALS)


def test_an_index_of_three_levels_without_names() -> None:
    index = pd.MultiIndex.from_tuples([("eu", "a", 1)])
    with pytest.raises(ExplanationError, match=r"index has levels .*; name those of it account_id and as_of"):
        index_keys(index)


@pytest.mark.parametrize("turned", [False, True])
def test_levels_without_names_are_told_by_their_times(turned: bool) -> None:
    days = pd.to_datetime(["2025-01-01", "2025-02-01"])
    index = pd.MultiIndex.from_arrays([days, ["a", "b"]] if turned else [["a", "b"], days])
    accounts, times = index_keys(index)
    assert (list(accounts), list(times)) == (["a", "b"], list(days))


def test_levels_of_swapped_names_follow_those_of_the_other_index() -> None:
    index = pd.MultiIndex.from_tuples([(3, "a"), (4, "b")], names=["month", "customer"])
    like = pd.MultiIndex.from_tuples([("a", 3)], names=["customer", "month"])
    accounts, times = index_keys(index, like)
    assert (list(accounts), list(times)) == (["a", "b"], [3, 4])


def test_a_model_that_learned_nothing_gives_every_goal_nothing(frame, risk) -> None:
    constant = lightgbm.LGBMClassifier(**{**SMALL, "min_child_samples": 500}).fit(frame, risk)
    for output in ("probability", "log_odds"):
        why = cr.explain(constant, frame[:5], reference=frame, declarations=GOALS, output=output)
        assert adds_up(why)
        assert why.goals()[["churn", "footprint", "context"]].abs().max(axis=None) < 1e-12
        assert why.account(why.index[0])["points"].abs().sum() < 1e-12


@pytest.mark.parametrize("objective", [{"reg_sqrt": True}, {"objective": "poisson"}, {"objective": "huber"}])
def test_amounts_on_the_scale_of_the_model(frame, objective) -> None:
    amount = 3 + 2 * frame["calls"] + (frame["use"] > 0)
    regressor = lightgbm.LGBMRegressor(**SMALL, **objective).fit(frame, amount)
    why = cr.explain(regressor, frame[:20], reference=frame[:50], declarations=GOALS, output="amount")
    assert adds_up(why)
    np.testing.assert_allclose(why.goals()["prediction"], regressor.predict(frame[:20]), rtol=1e-9)


def test_damaged_category_sets_are_told_apart_from_others(frame, model) -> None:
    from csrisk._explain._adapters._trees import read_text

    text = model.booster_.model_to_string()
    assert "cat_threshold=" in text
    broken = re.sub(r"cat_boundaries=0 ", "cat_boundaries=1 ", text, count=1)
    with pytest.raises(ExplanationError, match=r"tree \d+ has damaged category sets; train or save it again"):
        read_text(broken)


def test_own_past_of_a_model_of_another_library(frame, risk) -> None:
    """The same account a month before, for a model without trees: each row has its own partner."""
    numbers = frame[["use", "calls"]]
    linear = LogisticRegression().fit(numbers, risk)
    days = pd.to_datetime(["2025-01-01", "2025-02-01"])
    index = pd.MultiIndex.from_product([[f"a{i}" for i in range(100)], days], names=["account_id", "as_of"])
    panel = numbers.set_axis(index)
    now, before = panel.xs(days[1], level=1, drop_level=False), panel.xs(days[0], level=1, drop_level=False)
    why = cr.explain(linear, now, reference=cr.Reference.own_past(before), declarations=GOALS)
    assert adds_up(why)
    goals = why.goals()
    np.testing.assert_allclose(goals["reference"], 100 * linear.predict_proba(before)[:, 1], rtol=1e-12)
    # by hand: two goals of one feature each, so each is the mean of its two marginal effects
    mixed = now.assign(calls=before["calls"].to_numpy())
    other = now.assign(use=before["use"].to_numpy())
    p = {
        name: 100 * linear.predict_proba(X)[:, 1]
        for name, X in {"now": now, "before": before, "use": mixed, "calls": other}.items()
    }
    by_hand = (p["use"] - p["before"] + p["now"] - p["calls"]) / 2
    np.testing.assert_allclose(goals["footprint"], by_hand, atol=1e-9)


def test_rows_without_an_earlier_snapshot_are_told(frame) -> None:
    index = pd.MultiIndex.from_tuples([("a", pd.Timestamp("2025-01-01")), ("b", pd.Timestamp("2025-01-01"))])
    index = index.set_names(["account_id", "as_of"])
    later = pd.MultiIndex.from_tuples([("a", pd.Timestamp("2025-02-01")), ("c", pd.Timestamp("2025-02-01"))])
    now = frame[:2].set_axis(later.set_names(["account_id", "as_of"]))
    assert cr.Reference.own_past(frame[:2].set_axis(index)).covers(now).tolist() == [True, False]
    segment = cr.Reference.segment(frame[:50].assign(plan="a"), "plan")
    assert segment.covers(frame[:50]).equals(frame["plan"][:50].eq("a"))


def test_json_of_all_kinds_of_values(frame, risk) -> None:
    kinds = frame[["use", "plan"]].assign(is_big=frame["use"] > 1, seats=frame["calls"].where(frame["calls"] != 3))
    model = lightgbm.LGBMClassifier(**SMALL).fit(kinds, risk)
    goals = {**dict.fromkeys(("is_big", "seats"), "footprint"), **GOALS}
    why = cr.explain(model, kinds[:9], reference=kinds, declarations=goals)
    told = why.to_json()
    assert "NaN" not in told
    assert re.search(r'"value": ?(true|false)', told)


def test_more_than_two_classes_are_refused(frame) -> None:
    three = LogisticRegression().fit(frame[["use", "calls"]], frame["calls"] % 3)
    with pytest.raises(ExplanationError, match=r"returned shape .*: only models of two classes are explained"):
        cr.explain(three, frame[["use", "calls"]][:3], reference=frame[["use", "calls"]], declarations=GOALS)


def test_an_estimator_without_names_is_not_recognised(frame) -> None:
    with pytest.raises(ExplanationError, match=r"model=FunctionTransformer: not recognised; pass a csrisk or LightGBM"):
        cr.explain(FunctionTransformer(), frame[:3], reference=frame, declarations=GOALS)


def test_no_row_is_refused(frame, model) -> None:
    with pytest.raises(ExplanationError, match="X has 0 rows, at least one is needed"):
        cr.explain(model, frame.iloc[:0], reference=frame, declarations=GOALS)


def test_shap_colours_by_numbers_and_shows_words(frame, risk) -> None:
    pytest.importorskip("shap", reason="shap is not installed")
    pipe = make_pipeline(
        make_column_transformer((OrdinalEncoder(), ["plan"]), remainder="passthrough"), LogisticRegression()
    ).fit(frame, risk)
    why = cr.explain(pipe, frame.iloc[:20], reference=frame, n_reference=10, declarations=GOALS)
    told = why.to_shap(level="feature")
    place = list(told.feature_names).index("plan")
    assert told.display_data[:, place].tolist() == frame["plan"].astype(object).iloc[:20].tolist()
    assert set(told.data[:, place]) <= {0.0, 1.0, 2.0}
    assert np.allclose(
        np.asarray(told.values).sum(axis=1) + told.base_values, pipe.predict_proba(frame.iloc[:20])[:, 1] * 100
    )


def test_columns_of_no_player_stay_those_of_the_reference() -> None:
    rows, reference = np.array([[1.0, 10.0, 100.0]]), np.array([[2.0, 20.0, 200.0], [4.0, 40.0, 400.0]])
    values = coalition_values(lambda X: X.sum(axis=1), rows, reference, [[0], [1]])
    means = reference.mean(axis=0)
    assert values[0, 3] == rows[0, :2].sum() + means[2]
    assert values[0].tolist() == [means.sum(), 1 + means[1:].sum(), 10 + means[[0, 2]].sum(), 11 + means[2]]


def test_herding_takes_all_of_few_rows_and_looks_at_some_of_very_many(monkeypatch) -> None:
    points = np.repeat([[0.0], [10.0]], [75, 25], axis=0)
    assert herd(points, 100, 0).tolist() == list(range(100))
    monkeypatch.setattr("csrisk._explain._herding._MOST_ROWS", 40)
    chosen = herd(points, 8, 0)
    assert chosen.tolist() == herd(points, 8, 0).tolist() == sorted(set(chosen.tolist()))
    assert len(chosen) == 8
    assert 1 <= (points[chosen] == 10).sum() <= 3


def test_features_of_the_rows_of_one_segment_are_those_of_all(frame, risk, model) -> None:
    against = cr.Reference.segment(frame, "plan")
    why = cr.explain(model, frame.iloc[:30], reference=against, declarations=GOALS)
    assert against.covers(frame).all()
    assert cr.Reference.book(frame).covers(frame).all()
    some = np.flatnonzero(frame["plan"].iloc[:30].to_numpy() == "b")
    points, rest = why.feature_game(np.arange(30))
    for found, all_rows in zip(why.feature_game(some), (points, rest), strict=True):
        np.testing.assert_allclose(found, all_rows[some], atol=1e-10)


def test_names_that_agree_and_no_times_keep_the_order_of_the_levels() -> None:
    index = pd.MultiIndex.from_tuples([("a", "p"), ("b", "q")], names=["account_id", "product"])
    for level, keys in enumerate(index_keys(index, index)):
        assert list(keys) == list(index.get_level_values(level))


@pytest.mark.parametrize("looked_at", [200, 120])
@pytest.mark.parametrize("kind", ["trees", "predictions alone"])
def test_the_order_of_reference_rows_changes_no_bit(monkeypatch, frame, risk, model, kind, looked_at) -> None:
    monkeypatch.setattr("csrisk._explain._explain._HERDED_FROM", looked_at)
    numbers = frame.drop(columns="plan")
    told, X = (model, frame) if kind == "trees" else (LogisticRegression().fit(numbers, risk), numbers)

    def goals(reference: pd.DataFrame) -> pd.DataFrame:
        return cr.explain(told, X[:20], reference=reference, declarations=GOALS, n_reference=40).goals()

    pd.testing.assert_frame_equal(goals(X), goals(X.sample(frac=1, random_state=3)), check_exact=True)
