"""Identities that hold whatever the data, the reference and the model; and other people's exact values."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csrisk import Reference, explain
from csrisk._explain._adapters._trees import read_text
from csrisk._explain._answers._steps import add_up
from csrisk._explain._games._game import interaction_map, leave_one_out_map, owen_maps, pairs, shapley_map
from csrisk.exceptions import ExplanationError

from ._fakes import FakeModel, book, goals_of

X, Y = book(240, 8, seed=4)
MODELS = [FakeModel(linear=linear, num_leaves=leaves).fit(X, Y) for linear in (False, True) for leaves in (2, 20)]
COLUMNS = X.columns


@pytest.mark.promise("Contributions add up to the prediction, whatever the data, the reference and the model")
@settings(deadline=None, max_examples=25)
@given(
    model=st.sampled_from(MODELS),
    goals=st.lists(st.sampled_from(["churn", "footprint", "advocacy", "feedback", "context"]), min_size=8, max_size=8),
    output=st.sampled_from(["probability", "log_odds"]),
    seed=st.integers(0, 99),
    n_reference=st.integers(1, 30),
)
def test_everything_adds_up(model, goals, output, seed, n_reference):
    rng = np.random.default_rng(seed)
    rows, other = X.iloc[rng.integers(0, 240, 4)], X.iloc[rng.integers(0, 240, n_reference)]
    declared = dict(zip(COLUMNS, goals, strict=True))
    why = explain(model, rows, reference=other, output=output, declarations=declared, n_strongest=2)
    np.testing.assert_allclose(why.reference + why.contributions.sum(axis=1), why.prediction, atol=1e-9)
    points, rest = why.feature_game(np.arange(4))
    for k, goal in enumerate(why.goals_present):
        own = [j for j, feature in enumerate(why.declarations) if feature.goal == goal]
        total = np.nansum(points[:, own], axis=1) + rest[:, k]
        np.testing.assert_allclose(total, why.contributions[:, k], atol=1e-9)
    table = why.interactions()
    for k, goal in enumerate(why.goals_present):
        np.testing.assert_allclose(table[str(goal)].sum(axis=1), why.contributions[:, k], atol=1e-9)


@pytest.mark.parametrize("output", ["probability", "log_odds"])
def test_one_goal_alone_has_the_whole_difference_and_no_interactions(output):
    why = explain(MODELS[1], X[:4], reference=X, output=output, declarations=dict.fromkeys(COLUMNS, "churn"))
    np.testing.assert_allclose(why.contributions[:, 0], why.prediction - why.reference, atol=1e-9)
    assert list(why.interactions().columns) == [("churn", "churn")]
    np.testing.assert_allclose(why.interactions().to_numpy(), why.contributions)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 999))
def test_an_account_like_its_reference_has_nothing_to_explain(seed):
    row = X.iloc[[seed % 240]]
    why = explain(MODELS[3], row, reference=row, declarations=goals_of(COLUMNS))
    np.testing.assert_allclose(why.contributions, 0.0, atol=1e-12)


@settings(deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=1, max_size=6), st.integers(0, 2))
def test_printed_parts_add_up_to_the_printed_total(parts, digits):
    printed = add_up(sum(parts), parts, digits)
    assert round(sum(printed), digits) == pytest.approx(round(sum(parts), digits), abs=1e-9)
    assert np.abs(np.subtract(printed, parts)).max() <= 1.01 * 10.0**-digits


def test_maps_by_hand():
    """Three players of the glove game: v = 1 if the left glove (0) meets a right one (1 or 2)."""
    worth = np.array([float(s & 1 and s & 6 != 0) for s in range(8)])
    np.testing.assert_allclose(shapley_map(3) @ worth, [2 / 3, 1 / 6, 1 / 6])
    np.testing.assert_allclose(leave_one_out_map(3) @ worth, [1, 0, 0])
    np.testing.assert_allclose(interaction_map(3) @ worth, [1 / 2, 1 / 2, -1 / 2])
    assert pairs(3) == [(0, 1), (0, 2), (1, 2)]
    # players 0 and 1 form a union: the union has 1 alone, so it gets all, and player 1 gains from the threat of leaving
    inside = np.einsum("to,pto->p", worth.reshape(2, 4), owen_maps(1, 2))
    np.testing.assert_allclose(inside.sum(), (shapley_map(2) @ worth[[0, 3, 4, 7]])[0])
    np.testing.assert_allclose(inside, [3 / 4, 1 / 4])


def test_shapiq_says_the_same():
    """The goal game in probability, computed by shapiq from nothing but predictions."""
    shapiq = pytest.importorskip("shapiq")
    goals = goals_of(COLUMNS)
    model, reference = MODELS[3], X.iloc[100:120]
    why = explain(model, X.iloc[:3], reference=reference, declarations=goals)
    names = [str(goal) for goal in why.goals_present]
    player = np.array([names.index(goals[name]) for name in COLUMNS])
    for i in range(3):

        def worth(coalitions, i=i):
            mixed = [np.where(c[player], X.iloc[i].to_numpy(), reference.to_numpy()) for c in coalitions]
            return np.array([100 * model.predict_proba(pd.DataFrame(m, columns=COLUMNS))[:, 1].mean() for m in mixed])

        computer = shapiq.ExactComputer(game=worth, n_players=len(names))
        values = computer("SV").get_n_order_values(1)
        np.testing.assert_allclose(why.contributions[i], values, atol=1e-9)


def test_shap_says_the_same_on_log_odds():
    """One feature per goal: shap's interventional tree explainer plays the same game."""
    shap = pytest.importorskip("shap")
    columns = COLUMNS[:5]
    model = FakeModel(n_members=1).fit(X[columns].fillna(0.5), Y)
    rows, reference = X[columns].fillna(0.5).iloc[:5], X[columns].fillna(0.5).iloc[50:80]
    why = explain(model, rows, reference=reference, declarations=goals_of(columns), output="log_odds")
    explainer = shap.TreeExplainer(model.boosters_[0], reference.to_numpy(), feature_perturbation="interventional")
    by_goal = dict(zip(map(str, why.goals_present), why.contributions.T, strict=True))
    expected = explainer.shap_values(rows.to_numpy())
    for j, name in enumerate(columns):
        np.testing.assert_allclose(by_goal[goals_of(columns)[name]], expected[:, j], atol=1e-9)


def test_without_numba_the_numbers_are_the_same():
    """A fresh interpreter in which numba cannot be imported."""
    code = """
import sys
if sys.argv[1] == "off":
    sys.modules["numba"] = None
import numpy as np
from tests_fakes import FakeModel, book, goals_of
from csrisk import Reference, explain
X, y = book(120, 6)
model = FakeModel(linear=True).fit(X, y)
found = []
for output in ("probability", "log_odds"):
    why = explain(model, X.iloc[:3], reference=X, output=output, n_reference=9, declarations=goals_of(X.columns))
    found += [why.contributions, *why.feature_game(np.arange(3)), why.interactions().to_numpy()]
print(repr([float(v) for part in found for v in np.nan_to_num(part).ravel()]))
print("csrisk._explain._kernels._compiled" in sys.modules)
"""
    folder = __file__.rsplit("/", 1)[0]
    start = (
        f"import sys, importlib.util as u; s = u.spec_from_file_location('tests_fakes', {folder + '/_fakes.py'!r})\n"
    )
    start += "m = u.module_from_spec(s); sys.modules['tests_fakes'] = m; s.loader.exec_module(m)\n"
    lines = [
        subprocess.run([sys.executable, "-c", start + code, mode], capture_output=True, text=True, check=True).stdout
        for mode in ("on", "off")
    ]
    with_numba, without = (text.strip().split("\n") for text in lines)
    assert without[-1] == "False"
    np.testing.assert_allclose(json.loads(with_numba[0]), json.loads(without[0]), atol=1e-12)


def _panel():
    rows, y = book(90, 6, seed=9)
    index = pd.MultiIndex.from_product(
        [[f"a{i}" for i in range(30)], pd.to_datetime(["2025-01-01", "2025-02-01", "2025-03-01"])],
        names=["account_id", "as_of"],
    )
    segment = np.array(["smb", "large", "smb"] * 30)
    return rows.set_axis(index), y, segment


def test_own_past_is_the_latest_earlier_snapshot():
    panel, y, _ = _panel()
    model = FakeModel().fit(panel, y)
    now = panel[panel.index.get_level_values("as_of") == "2025-03-01"]
    why = explain(model, now, reference=Reference.own_past(panel), declarations=goals_of(panel.columns))
    before = panel[panel.index.get_level_values("as_of") == "2025-02-01"]
    np.testing.assert_allclose(why.reference, 100 * model.predict_proba(before)[:, 1], atol=1e-9)
    np.testing.assert_allclose(why.reference + why.contributions.sum(axis=1), why.prediction, atol=1e-9)
    assert "before it was" in why.account("a3")["sentence"].iloc[0]
    one = explain(model, now.iloc[[4]], reference=before.iloc[[4]], declarations=goals_of(panel.columns))
    np.testing.assert_allclose(why.contributions[4], one.contributions[0], atol=1e-9)
    np.testing.assert_allclose(why.feature_game(np.array([4]))[0], one.feature_game(np.array([0]))[0], atol=1e-9)


def test_segment_and_best():
    panel, y, segment = _panel()
    frame = panel.assign(f5=np.where(segment == "smb", 1.0, 2.0))
    model = FakeModel().fit(frame, y)
    why = explain(model, frame.iloc[:4], reference=Reference.segment(frame, by="f5"), declarations=goals_of(frame))
    p = pd.Series(100 * model.predict_proba(frame)[:, 1], index=frame["f5"].to_numpy())
    np.testing.assert_allclose(why.reference, p.groupby(level=0).mean()[frame["f5"].iloc[:4]].to_numpy(), atol=1e-9)
    best = Reference.best(frame, frame["f0"] > 0.5, words="much f0")
    why = explain(model, frame.iloc[:4], reference=best, declarations=goals_of(frame))
    assert why.reference_words.endswith("snapshots: much f0")
    np.testing.assert_allclose(why.reference + why.contributions.sum(axis=1), why.prediction, atol=1e-9)


def test_references_that_do_not_fit_are_refused():
    panel = _panel()[0]
    first = panel[panel.index.get_level_values("as_of") == "2025-01-01"]
    past = Reference.own_past(panel)
    assert not past.covers(first).any()
    with pytest.raises(ExplanationError, match="30 of 30 snapshots have no earlier snapshot"):
        past.comparisons(first)
    with pytest.raises(ExplanationError, match="needs an index of account and as_of"):
        Reference.own_past(panel.reset_index(drop=True))
    with pytest.raises(ExplanationError, match="no such column"):
        Reference.segment(panel, by="region")
    with pytest.raises(ExplanationError, match=r"mask has shape \(3,\) for 90 rows"):
        Reference.best(panel, np.array([True, False, True]))
    with pytest.raises(ExplanationError, match="'best' has 0 rows"):
        Reference.best(panel, panel["f0"] > 1e9)


@pytest.mark.parametrize(
    ("find", "put", "said"),
    [
        ("num_leaves=", "num_leaves=9", "are needed"),
        ("left_child=1", "left_child=0", "damaged"),
        ("threshold=", "threshold=x ", "no readable threshold"),
        ("leaf_value=", "leaf_value=nan ", "leaf_value"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=3", "one output per row"),
        ("split_feature=", "split_feature=77 ", "split_feature"),
        ("is_linear=0", "is_linear=1", "linear leaves"),
    ],
)
def test_damaged_model_text_is_refused(find, put, said):
    text = MODELS[1].boosters_[0].model_to_string()
    assert find in text
    with pytest.raises(ExplanationError, match=said):
        read_text(text.replace(find, put, 1))


def test_rows_that_share_their_strongest_features_are_explained_together(monkeypatch):
    """Both ways to the features in percentage points give the same numbers."""
    settings_ = {"reference": X, "declarations": goals_of(COLUMNS), "n_reference": 12, "n_strongest": 1}
    found = []
    for enough in (1, 10**6):
        monkeypatch.setattr("csrisk._explain._games._strongest._SHARING_ROWS", enough)
        why = explain(MODELS[3], X.iloc[:25], **settings_, n_jobs=2)
        found.append(why.feature_game(np.arange(25)))
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-9)
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-9)


@pytest.mark.parametrize("output", ["probability", "log_odds"])
def test_any_number_of_threads_gives_the_same_numbers(output):
    settings_ = {"reference": X, "declarations": goals_of(COLUMNS), "n_reference": 8, "output": output}
    one, three = (explain(MODELS[1], X.iloc[:20], **settings_, n_jobs=n_jobs) for n_jobs in (1, 3))
    np.testing.assert_array_equal(one.contributions, three.contributions)
    for alone, together in zip(one.feature_game(np.arange(20)), three.feature_game(np.arange(20)), strict=True):
        np.testing.assert_array_equal(alone, together)


def test_a_booster_is_a_model_too():
    booster = MODELS[1].boosters_[0]
    columns = dict(zip(COLUMNS, booster.feature_name(), strict=True))
    why = explain(
        booster,
        X.rename(columns=columns).iloc[:4],
        reference=X.rename(columns=columns),
        declarations=goals_of(columns.values()),
    )
    np.testing.assert_allclose(why.prediction, 100 * booster.predict(X.iloc[:4].to_numpy()), atol=1e-9)
    np.testing.assert_allclose(why.reference + why.contributions.sum(axis=1), why.prediction, atol=1e-9)
