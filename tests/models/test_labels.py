"""Labels say which outcome is the event, or are refused in words."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score, learning_curve, permutation_test_score

from csrisk import ChurnModel, evaluate
from csrisk.exceptions import DataWarning

rng = np.random.default_rng(0)
N = 240
INDEX = pd.MultiIndex.from_product(
    [[f"a{i}" for i in range(60)], pd.date_range("2025-01-01", periods=4, freq="MS")], names=["account_id", "as_of"]
)
X = pd.DataFrame({"use": rng.normal(size=N), "seats": rng.normal(size=N)}, index=INDEX)
Y = pd.Series(rng.random(N) < 1 / (1 + np.exp(1 - 2 * X["use"])), index=INDEX)


def model() -> ChurnModel:
    return ChurnModel(2, blend=False, learning_rate=0.2, random_state=0)


WORDS = [("retained", "churned"), ("no", "yes"), ("stayed", "left"), ("False", "True"), ("0", "1"), (1, 2), (2.0, 3.0)]


@pytest.mark.parametrize(("stayed", "left"), WORDS)
def test_the_event_is_asked_for_and_never_the_label_that_sorts_last(stayed, left):
    words = Y.map({False: stayed, True: left})
    with pytest.raises(ValueError, match=rf"y holds the labels .*{stayed!r}.*name it: y\.map"):
        model().fit(X, words)
    # what the message says makes the model that booleans make, and leaves a missing label missing
    words.iloc[:12] = np.nan if isinstance(stayed, float) else None
    mapped = words.map({left: True, stayed: False})
    fitted = model().fit(X, mapped)
    assert fitted.n_unlabelled_ == 12
    assert fitted.predict_proba(X)[:, 1].mean() == pytest.approx(Y[12:].mean(), abs=0.05)


@pytest.mark.parametrize(("low", "high"), [(False, True), (0, 1), (0.0, 1.0), (-1, 1)])
def test_labels_that_say_which_is_the_event_are_taken(low, high):
    words = Y.map({False: low, True: high})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = model().fit(X, words)
    np.testing.assert_array_equal(fitted.predict_proba(X), model().fit(X, Y).predict_proba(X))
    assert evaluate(fitted, X, words, n_bootstrap=5).loc["n_events", "estimate"] == Y.sum()


def test_a_plain_array_is_warned_of_and_its_risk_is_measured_by_nobody():
    with pytest.warns(DataWarning, match="the labels 'churned' and 'retained', and neither says"):
        fitted = model().fit(X.to_numpy(), np.where(Y, "churned", "retained"))
    assert list(fitted.classes_) == ["churned", "retained"]
    with pytest.raises(ValueError, match=r"ChurnModel.classes_: y holds the labels 'churned' and 'retained'"):
        evaluate(fitted, X.to_numpy(), np.where(Y, "churned", "retained"))
    foreign = LogisticRegression().fit(X, np.where(Y, "churned", "retained"))
    with pytest.raises(ValueError, match=r"LogisticRegression.classes_: y holds the labels"):
        evaluate(foreign, X, np.where(Y, "churned", "retained"))


@pytest.mark.parametrize("labels", [("no", "yes"), ("False", "True"), (1, 2), ("0", "1")])
def test_labels_that_the_model_does_not_know_are_an_error_that_names_them(labels):
    fitted = model().fit(X, Y)
    with pytest.raises(ValueError, match=rf"y: \d+ of 240 labels are .*{labels[1]!r}.*the model knows False, True"):
        evaluate(fitted, X, Y.map(dict(zip((False, True), labels, strict=True))))


def test_nan_is_no_class():
    fitted = model().fit(X, Y)
    some = Y.astype("float64").where(np.arange(N) >= 40)
    want = evaluate(fitted, X[40:], Y[40:], n_bootstrap=5)
    for labels in (some, some.astype("boolean"), some.to_numpy(), pl.Series(some.tolist()).fill_nan(None)):
        pd.testing.assert_frame_equal(evaluate(fitted, X, labels, n_bootstrap=5), want)
    assert model().fit(X, some).n_unlabelled_ == 40
    assert model().fit(X, pl.Series(some.tolist()).fill_nan(None)).n_unlabelled_ == 40
    for text in ("nan", "None", "", "<NA>"):
        with pytest.raises(ValueError, match=r"y: 40 of 240 labels are the text .*a missing label made text"):
            model().fit(X, np.where(np.arange(N) < 40, text, np.where(Y, "yes", "no")))


def test_levels_are_told_by_their_names_and_rows_in_another_order_are_refused_to_learn_from():
    swapped = Y.swaplevel()
    np.testing.assert_array_equal(model().fit(X, swapped).predict_proba(X), model().fit(X, Y).predict_proba(X))
    groups = pd.Series(X.index.get_level_values("account_id"), index=X.index)
    with pytest.raises(
        ValueError, match=r"y and X have different indexes \(the same rows in another order\).*to_numpy"
    ):
        model().fit(X, Y[::-1])
    with pytest.raises(ValueError, match="groups and X have different indexes"):
        model().fit(X, Y, groups=groups[::-1])
    fitted = model().fit(X, Y)
    want = evaluate(fitted, X, Y, n_bootstrap=20)
    for labels in (swapped, swapped.sort_index(), Y.sample(frac=1, random_state=0)):
        pd.testing.assert_frame_equal(evaluate(fitted, X, labels, n_bootstrap=20), want)
    pd.testing.assert_frame_equal(evaluate(fitted, X, Y, groups=groups[::-1], n_bootstrap=20), want)


def test_an_index_without_a_level_of_accounts_is_said():
    renamed = X.rename_axis(["customer", "month"])
    with pytest.warns(DataWarning, match=r"index levels \['customer', 'month'\]: none is called 'account_id'"):
        model().fit(renamed, Y)


def test_tools_that_shuffle_labels_work_or_are_refused_in_words():
    with pytest.raises(ValueError, match=r"permutation_test_score does, hand over y.to_numpy\(\)"):
        permutation_test_score(model(), X, Y, n_permutations=2, cv=2)
    options = {"scoring": "roc_auc", "n_permutations": 5, "cv": 2, "random_state": 0}
    score, permuted, p = permutation_test_score(model(), X, Y.to_numpy(), **options)
    assert score > permuted.max()
    assert p == pytest.approx(1 / 6)


def test_tools_of_scikit_learn_take_frames_and_labels():
    assert cross_val_score(model(), X, Y.to_numpy(), cv=2, scoring="roc_auc").mean() > 0.6
    assert learning_curve(model(), X, Y, cv=2, train_sizes=[0.5, 1.0])[1].shape == (2, 2)
    fitted = CalibratedClassifierCV(model(), cv=2).fit(X, Y)
    assert fitted.predict_proba(X).shape == (N, 2)
    assert evaluate(fitted, X, Y, n_bootstrap=5).loc["auc", "estimate"] > 0.6
    importance = permutation_importance(model().fit(X, Y), X, Y.to_numpy(), n_repeats=2, random_state=0)
    assert importance.importances_mean[0] > importance.importances_mean[1]
