"""What explanations of one model share is shared, and nothing else is."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

from csrisk import ChurnModel, explain
from csrisk._explain import _explain as module
from csrisk._explain._adapters._codes import coded
from csrisk._explain._adapters._prepared import Prepared, prepared
from csrisk._explain._adapters._trees import Trees, read_booster
from csrisk._explain._herding import herd
from csrisk._explain._kept import Kept
from csrisk.models._boosting import raw_score

GOALS = {"logins": "footprint", "transfers": "churn"}


def _trees(boosters):
    return Trees.mean([read_booster(booster) for booster in boosters])


def _kept(boosters):
    return prepared(boosters, lambda: _trees(boosters))


def test_trees_and_reference_are_prepared_once_and_anew_for_what_differs(monkeypatch):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"logins": rng.normal(size=120), "transfers": rng.normal(size=120)})
    y = X["logins"] - X["transfers"] + rng.normal(size=120) > 0
    model = ChurnModel(2, blend=False, min_events=1).fit(X, y)
    herdings = []
    monkeypatch.setattr(module, "herd", lambda *told: herdings.append(told) or herd(*told))

    def risk_of(rows, reference, n_reference=10):
        why = explain(model, rows, reference=reference, declarations=GOALS, n_reference=n_reference)
        np.testing.assert_allclose(why.prediction / 100, model.predict_proba(rows)[:, 1], atol=1e-12)
        return why

    first = risk_of(X[:3], X)
    again = risk_of(X[:3], X.copy())
    assert len(herdings) == 1
    np.testing.assert_array_equal(first.contributions, again.contributions)
    risk_of(X[:3], X[:60])
    risk_of(X[:3], X, n_reference=11)
    assert len(herdings) == 3
    assert _kept(model.boosters_) is _kept(tuple(model.boosters_))
    before = _kept(model.boosters_)
    model.fit(X, ~y)
    assert _kept(model.boosters_) is not before
    risk_of(X[:3], X)
    assert len(herdings) == 4


def test_other_members_are_told_apart():
    X = np.random.default_rng(1).normal(size=(90, 2))
    members = ChurnModel(2, blend=False, min_events=1).fit(X, X[:, 0] > 0).boosters_
    known = Prepared(_trees(members), members)
    assert known.is_of(list(members))
    assert not known.is_of(members[:1])


def _model(X):
    noise = np.random.default_rng(5).normal(size=len(X))
    return ChurnModel(2, blend=True, min_events=1).fit(X, X["logins"] - X["transfers"] + noise > 0)


def _told(why):
    return [why.contributions, why.reference, *why.feature_game(np.arange(len(why))), why.interactions().to_numpy()]


@pytest.mark.parametrize("output", ["probability", "log_odds"])
def test_what_was_kept_gives_the_bits_of_a_model_that_keeps_nothing(output):
    rng = np.random.default_rng(2)
    X = pd.DataFrame({"logins": rng.normal(size=150), "transfers": rng.normal(size=150)})
    warm, cold = _model(X), _model(X)
    asked = {"reference": X, "declarations": GOALS, "output": output, "n_reference": 20}
    explain(warm, X[:1], **asked).account(0)
    for rows in (X[3:4], X[4:9], X[:1]):
        for mine, theirs in zip(_told(explain(warm, rows, **asked)), _told(explain(cold, rows, **asked)), strict=True):
            np.testing.assert_array_equal(mine, theirs)
        # by the first member, so that the other model begins anew
        cold = _model(X)


def test_a_reference_that_was_changed_in_place_is_another_one():
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"logins": rng.normal(size=90), "transfers": rng.normal(size=90)})
    model, reference = _model(X), X[40:].reset_index(drop=True)
    before = explain(model, X[:2], reference=reference, declarations=GOALS)
    reference["logins"] += 3.0
    found = explain(model, X[:2], reference=reference, declarations=GOALS)
    assert (found.reference > before.reference).all()
    fresh = explain(_model(X), X[:2], reference=reference, declarations=GOALS)
    for mine, theirs in zip(_told(found), _told(fresh), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_what_is_kept_goes_by_content_and_stays_within_its_bytes():
    kept, made = Kept(most_bytes=1000), []

    def make(size):
        made.append(size)
        return np.zeros(size, dtype=np.uint8)

    def asked(what, *about, size=300):
        return kept.get(what, about, lambda: make(size))

    one = np.arange(4.0)
    assert asked("side", one) is asked("side", one.copy())
    # of another name, type, shape or cut it is something else
    asked("table", one)
    asked("side", one.astype(np.float32))
    assert len(made) == 3
    asked("side", one)  # the one that was asked for last stays longest
    asked("side", one.reshape(2, 2))
    assert len(made) == 4
    asked("side", one)
    assert len(made) == 4
    asked("table", one)
    assert len(made) == 5
    assert asked("large", one, size=1001) is not asked("large", one, size=1001)
    assert asked("bytes", b"ab", b"c") is not asked("bytes", b"a", b"bc")


@pytest.mark.parametrize("blend", [False, True])
def test_margins_from_codes_are_those_of_the_members_to_the_bit(blend):
    """With missing values, zeros of either sign and categories, which splits treat each in a way of their own."""
    rng = np.random.default_rng(4)
    X = pd.DataFrame(rng.normal(size=(1500, 3)).round(1), columns=["logins", "transfers", "spend"])
    X.iloc[::7, 0], X.iloc[::5, 1], X.iloc[::3, 2] = np.nan, 0.0, -0.0
    X["plan"] = pd.Categorical(rng.choice(["a", "b", "c", None], size=1500))
    y = X["logins"].fillna(-1) - X["transfers"] + (X["plan"] == "b") + rng.normal(size=1500) > 0
    model = ChurnModel(3, blend=blend, min_events=1).fit(X, y)
    known, matrix = _kept(model.boosters_), np.asarray(model.encode(X))
    means = known.member_means(coded(known.forest, matrix))
    assert means is not None
    np.testing.assert_array_equal(means, np.mean([raw_score(booster, matrix) for booster in model.boosters_], axis=0))
    # few rows are left to the library
    assert known.member_means(coded(known.forest, matrix[:9])) is None
    goals = {**GOALS, "spend": "footprint", "plan": "context"}
    asked = {"reference": X[:50], "declarations": goals, "output": "log_odds"}
    many, few = explain(model, X, **asked), explain(model, X[:9], **asked)
    np.testing.assert_array_equal(many.prediction[:9], few.prediction)
    np.testing.assert_array_equal(many.prediction, model.decision_function(X))


def test_members_that_add_up_in_another_way_are_asked_themselves(monkeypatch):
    rng = np.random.default_rng(6)
    X = pd.DataFrame({"logins": rng.normal(size=1200), "transfers": rng.normal(size=1200)})
    model = _model(X)
    monkeypatch.setattr(Prepared, "member_means", lambda _, codes: np.full(codes.shape[1], 0.5))
    found = explain(model, X, reference=X[:40], declarations=GOALS, output="log_odds")
    np.testing.assert_allclose(found.prediction, model.decision_function(X), atol=1e-12)


def test_an_explanation_travels_without_what_was_kept():
    """To another process, or as a copy: it can still be asked, and its numbers are the same."""
    rng = np.random.default_rng(7)
    X = pd.DataFrame({"logins": rng.normal(size=90), "transfers": rng.normal(size=90)})
    why = explain(_model(X), X[:3], reference=X, declarations=GOALS)
    for other in (pickle.loads(pickle.dumps(why)), copy.deepcopy(why)):
        for mine, theirs in zip(_told(other), _told(why), strict=True):
            np.testing.assert_array_equal(mine, theirs)
