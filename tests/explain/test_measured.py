"""Goals of which nothing was recorded carry nothing, the sum holds, and every table says the same."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier

import csrisk as cr
from csrisk._explain import NOT_MEASURED
from csrisk.report._book import book_features

DAY = "2025-12-01"


@pytest.fixture(scope="module", params=["probability", "log_odds"])
def why(request, small_saas):
    """A book in which the first ten accounts were never asked, five never used anything, one has neither."""
    tables = {name: table.copy() for name, table in small_saas.tables.items()}
    running = sorted(small_saas.truth.goals(DAY).index)
    silent = {"surveys": running[:10], "advocacy": running[:10], "expectations": running[:10], "usage": running[9:14]}
    for name, accounts in silent.items():
        tables[name] = tables[name][~tables[name]["account_id"].isin(accounts)]
    data = cr.CustomerData(tables, end=small_saas.data().end)
    X = cr.build_features(data, cr.Snapshots.at(data, DAY))
    y = small_saas.truth.goals(DAY)["probability"].reindex(X.index.get_level_values(0))
    y = y.to_numpy() + 0.1 * X["nps_last"].isna().to_numpy()  # silence tells the model something
    model = LGBMClassifier(n_estimators=40, num_leaves=6, min_child_samples=4, verbose=-1, n_jobs=1)
    found = cr.explain(model.fit(X, y > np.median(y)), X, output=request.param, n_reference=24)
    return found, silent, data


def test_counts_of_the_table_are_no_evidence_of_the_account(why):
    found, silent, _ = why
    measured = found.measured().droplevel("as_of")
    assert not measured.loc[silent["surveys"], ["advocacy", "feedback"]].any(axis=None)
    assert not measured.loc[silent["usage"], "footprint"].any()
    assert measured[["churn", "context"]].all(axis=None)
    others = measured.drop([*silent["surveys"], *silent["usage"]])
    assert others["footprint"].mean() > 0.9
    assert others["feedback"].mean() > 0.9
    # the counts are there all the same
    assert (book_features(found)["surveys_sent_365d"].droplevel("as_of")[silent["surveys"]] == 0).all()


def test_what_was_not_measured_carries_nothing_and_the_sums_hold(why):
    found, _, _ = why
    goals, measured = found.goals(), found.measured()
    names = list(measured)
    assert (goals[names].where(~measured).fillna(0.0) == 0).all(axis=None)
    assert np.abs(goals[names].sum(axis=1) + goals["reference"] - goals["prediction"]).max() < 1e-9
    assert np.abs(found.silence).max() > 0.01
    assert (found.silence[measured.all(axis=1)] == 0).all()
    table = found.features()
    sums = table.reset_index().pivot_table("points", ["account_id", "as_of"], "goal", aggfunc="sum")[names]
    assert np.abs(sums - goals[names].sort_index()).max(axis=None) < 1e-9
    told = table[(table["feature"] == NOT_MEASURED) & (table["goal"] == "context")]["points"]
    assert told.droplevel("as_of").to_dict() == pytest.approx(
        pd.Series(found.silence, found.index).droplevel("as_of")[~measured.all(axis=1).to_numpy()].to_dict()
    )
    pairs = found.interactions()
    assert np.abs(pairs.T.groupby(level=0).sum().T[names] - goals[names]).max(axis=None) < 1e-9
    assert (pairs[("feedback", "churn")][~measured["feedback"]] == 0).all()


def test_silence_is_no_reason_and_json_says_what_was_not_measured(why):
    found, silent, _ = why
    rows = np.flatnonzero(found.index.get_level_values(0).isin(silent["surveys"]))
    goal_of = {feature.name: str(feature.goal) for feature in found.declarations}
    reasons = found.reasons(rows)
    named = {goal_of[name] for name in reasons.filter(like="_feature").to_numpy().ravel() if name is not None}
    assert named.isdisjoint({"advocacy", "feedback"})
    assert not set(found.main_goals[rows]) & {"advocacy", "feedback"}
    told = {row["snapshot"]["account_id"]: row for row in json.loads(found.to_json())["snapshots"]}
    assert told[silent["surveys"][0]]["not_measured"] == ["advocacy", "feedback"]
    assert told[silent["usage"][-1]]["not_measured"] == ["footprint"]


def test_cards_say_so_and_ask_to_measure(why, tmp_path):
    found, silent, data = why
    if found.output != "probability":
        pytest.skip("a report speaks in percentage points")
    cards = json.loads(cr.write_report(tmp_path / "a.json", found, data=data).read_text("utf-8"))["cards"]
    for card in cards:
        parts = {part["goal"]: part for part in card["goals"]}
        shown = round(sum(part["shown"] for part in card["goals"]) + card["reference_shown"], 1)
        assert shown == card["prediction_shown"]
        asked = {step["action"] for step in card["steps"]}
        if card["account"] in silent["surveys"]:
            assert not parts["feedback"]["evidence"]
            assert parts["feedback"]["shown"] == 0
            assert (
                len(asked & {"Ask what they think of us", "Ask for feedback, and act on it"}) or len(card["steps"]) == 4
            )
        context = [part["shown"] for part in parts["context"]["features"]] + [parts["context"]["rest_shown"]]
        assert round(sum(context), 1) == parts["context"]["shown"]


def test_a_flat_table_keeps_its_zeros_and_a_model_without_context_gets_one():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"logins": rng.integers(0, 3, 200), "score": rng.normal(size=200), "calls": rng.normal(size=200)})
    X.loc[:39, "score"] = np.nan
    y = (X["logins"] + X["score"].fillna(2) + rng.normal(size=200)) > 1
    goals = {"logins": "footprint", "score": "advocacy", "calls": "churn"}
    model = LGBMClassifier(n_estimators=20, num_leaves=5, verbose=-1, n_jobs=1).fit(X, y)
    found = cr.explain(model, X, declarations=goals)
    assert found.measured()["footprint"].all()  # 0 logins of a table of the user are 0 logins
    assert list(found.measured()) == ["churn", "footprint", "advocacy", "context"]
    table = found.goals()
    assert (table.loc[:39, "advocacy"] == 0).all()
    assert (table.loc[:39, "context"].abs() > 0).any()
    assert (table.loc[40:, "context"] == 0).all()
    assert np.abs(table[list(found.measured())].sum(axis=1) + table["reference"] - table["prediction"]).max() < 1e-9
    whole = cr.explain(model, X[40:], declarations=goals)
    assert list(whole.measured()) == ["churn", "footprint", "advocacy"]
    assert found.without().shape == (200, 4)
