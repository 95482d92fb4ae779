"""What explanations of one model share is shared, and nothing else is."""

from __future__ import annotations

import numpy as np
import pandas as pd

from csrisk import ChurnModel, explain
from csrisk._explain import _explain as module
from csrisk._explain._adapters._prepared import Prepared, prepared
from csrisk._explain._adapters._trees import Trees, read_booster
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
