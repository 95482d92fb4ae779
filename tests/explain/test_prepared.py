"""What explanations of one model share is shared, and nothing else is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from csrisk import ChurnModel, explain
from csrisk._explain import _explain as module
from csrisk._explain._adapters._prepared import Prepared, prepared
from csrisk._explain._adapters._trees import Trees, read_booster
from csrisk._explain._games._kept import Kept
from csrisk._explain._herding import herd

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
