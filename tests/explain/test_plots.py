"""Pictures show the numbers of the tables that they are drawn from."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

from csrisk import Reference, explain
from csrisk.exceptions import ExplanationError

from ._fakes import FakeModel, book, goals_of

mpl.use("Agg")


@pytest.fixture(scope="module")
def why():
    X, y = book(120)
    model = FakeModel().fit(X, y)
    return explain(model, X.iloc[:30], reference=X, declarations=goals_of(X.columns), n_reference=10)


@pytest.fixture(autouse=True)
def _closed():
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


def _texts(ax):
    return [text.get_text().replace("\N{MINUS SIGN}", "-") for text in ax.texts]


@pytest.mark.parametrize("goal", [None, "footprint"])
def test_waterfall_prints_numbers_that_add_up_to_the_prediction(why, goal):
    ax = why.plot_account("acct-0003", goal=goal)
    steps = why.steps("acct-0003", goal=goal)
    *printed, end = _texts(ax)
    assert [float(text) for text in printed] == steps["shown"].tolist()
    base = round(float(why.reference[3]), 1)
    assert float(end.removesuffix("\u00a0%")) == pytest.approx(base + steps["shown"].sum(), abs=1e-9)
    widths = [patch.get_width() for patch in ax.patches]
    np.testing.assert_allclose(widths, steps["points"])
    np.testing.assert_allclose(steps["start"] + steps["points"], [*steps["start"][1:], why.prediction[3]], atol=1e-9)
    assert [label.get_text() for label in ax.get_yticklabels()] == [*steps["label"], "Prediction"]


def test_bars_and_swarm_show_every_number(why):
    bars = why.plot_goals("bars", most=7)
    assert len(bars.patches) == 7 * len(why.goals_present)
    first = why.goals()["prediction"].max()
    assert bars.texts[0].get_text().strip() == f"{first:.1f}\u00a0%"
    swarm = why.plot_goals()
    drawn = [dots.get_offsets()[:, 0] for dots in swarm.collections]
    np.testing.assert_allclose(np.column_stack(drawn), why.contributions)


def test_change_says_then(why):
    X, y = book(60)
    X.index = X.index.set_levels([X.index.levels[0], X.index.levels[1]]).set_names(["account_id", "as_of"])
    later = X.copy()
    later.index = later.index.set_levels(later.index.levels[1] + np.timedelta64(31, "D"), level=1)
    model = FakeModel().fit(X, y)
    change = explain(model, later.iloc[:5], reference=Reference.own_past(X), declarations=goals_of(X.columns))
    assert "\nThen " in change.plot_account("acct-0001").get_title(loc="left")
    bars, table = change.plot_goals("bars"), change.goals()
    rise = (table["prediction"] - table["reference"]).sort_values(ascending=False, kind="stable").index
    first = table.loc[rise[0]]
    assert [label.get_text() for label in bars.get_yticklabels()] == [key[0] for key in rise]
    assert bars.texts[0].get_text().strip() == f"{first['reference']:.1f}\u00a0% → {first['prediction']:.1f}\u00a0%"
    assert bars.get_title(loc="left") == "What changed by goal, largest rise first\n1 February 2025"


def test_unknown_kinds_are_refused(why):
    with pytest.raises(ExplanationError, match="kind='pie' must be"):
        why.plot_goals("pie")
    with pytest.raises(ExplanationError, match="level='word' must be"):
        why.to_shap("word")


@pytest.mark.parametrize("level", ["goal", "feature"])
def test_shap_draws_what_it_is_given(why, level):
    shap = pytest.importorskip("shap")
    handed = why.to_shap(level)
    np.testing.assert_allclose(handed.values.sum(axis=1) + handed.base_values, why.prediction, atol=1e-9)
    shap.plots.beeswarm(handed, show=False)
    shap.plots.waterfall(handed[0], show=False)
