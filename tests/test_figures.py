"""Every plot shows its picture in a notebook, once, readable on a phone, and leaves no figure open behind it.

The list is read from what is public, so that a new plot without a case here fails.
"""

from __future__ import annotations

import io
import pickle
import sys

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from matplotlib.text import Text

import csrisk as cr
from csrisk import evaluation, monitoring, success
from csrisk._drawing import _figure
from csrisk._drawing._palette import LIGHT, MOVES_LIGHT, SERIES
from csrisk.datasets import make_saas
from csrisk.success._pictures._groups import _PLANS

PHONE, SMALLEST = 400, 7.5  # pixels of a narrow column, and of the letters of a picture shown in it
LONG = "Gesellschaft für außerordentlich lange Firmennamen und Beteiligungen mbH & Co. KG $"
HEBREW, ARABIC = "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd", "\u202e\u0645\u0631\u062d\u0628\u0627"
TURNED = (HEBREW, ARABIC, "Ünïcorn \N{UNICORN FACE} Ltd")


@pytest.fixture(scope="module")
def book():
    return make_saas(80, 18, seed=1).data()


@pytest.fixture(scope="module")
def seen(book):
    dates = pd.to_datetime(["2025-01-01", "2025-04-01"])
    now = cr.Snapshots.at(book, dates[1])
    both = pd.concat([now.index.to_frame(index=False).assign(as_of=date) for date in dates])
    return cr.Snapshots.of(book, both)


@pytest.fixture(scope="module")
def happy(book):
    return success.happiness(book)


@pytest.fixture(scope="module")
def risks():
    rng = np.random.default_rng(0)
    risk = rng.random(300)
    return rng.random(300) < risk, risk


def numbered(names):
    index = pd.MultiIndex.from_product([names, [pd.Timestamp("2025-10-01")]], names=["account_id", "as_of"])
    at = np.arange(len(names))
    return pd.DataFrame({"days_since_use": at % 60 / 2, "transfers_90d": at % 3}, index=index)


def explained(names):
    X = numbered(range(60))
    model = cr.ChurnModel(n_members=2, blend=False, random_state=0)
    model.fit(X, X["days_since_use"] + 4.5 * X["transfers_90d"] > 20)
    goals = {"days_since_use": "footprint", "transfers_90d": "churn"}
    return cr.explain(model, numbered(names), reference=X, declarations=goals, n_reference=8)


@pytest.fixture(scope="module")
def why():
    return explained([f"{LONG}{number}" for number in range(60)])


@pytest.fixture(scope="module")
def tested():
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([range(60), pd.date_range("2025-01-01", periods=6, freq="MS")])
    past = cr.Snapshots(index.set_names(["account_id", "as_of"]), lead=0, horizon=30, end=pd.Timestamp("2025-07-01"))
    X = pd.DataFrame({"days_since_use": rng.exponential(size=360)}, index=past.index)
    y = X["days_since_use"] + rng.random(360) > 1.5
    model = cr.ChurnModel(n_members=2, blend=False, random_state=0)
    return cr.backtest(
        model, X, y, past, ["2025-03-01", "2025-05-01"], measurement=evaluation.Measurement(n_bootstrap=20)
    )


@pytest.fixture(scope="module")
def watched():
    rng = np.random.default_rng(0)

    def seen(date, days):
        index = pd.MultiIndex.from_product([range(200), [pd.Timestamp(date)]], names=["account_id", "as_of"])
        scores = {"days_since_use": rng.exponential(days, 200), "churn_probability": rng.random(200) / 5}
        return pd.DataFrame(scores | {"churn_points": rng.random(200)}, index=index)

    later = seen("2025-06-01", 40)
    return cr.monitor(seen("2025-01-01", 10), later, pd.Series(rng.random(200) < 0.1, later.index))


def _apart():
    row = {"chance": 0.8, "low": 0.7, "high": 0.9, "n_best": 20, "n_other": 80, "stands_out": True}
    return pd.DataFrame(row, index=[f"share_of_seats_with_more_than_one_login_{days}d" for days in (30, 90)])


def _worth(happy):
    risk = pd.Series(np.linspace(0, 0.4, len(happy)), happy.index)
    campaign = success.Campaign(capacity=5, cost=150, name="c")
    return risk, success.priorities(risk, 90_000 * risk, campaign=campaign, save_rate=0.2)


def _uplift(risks):
    y, risk = risks
    return success.evaluate_uplift(risk, y, np.arange(len(y)) % 2 == 0, n_bootstrap=20)


def _campaign():
    rows = {"estimate": [0.1, 0.12, 80, 20], "low": [0.02, 0.03, None, None], "high": [0.18, 0.2, None, None]}
    return pd.DataFrame(rows, index=["kept", "kept_per_contact", "n_contact", "n_holdout"])


def _loyalty(happy):
    risk = _worth(happy)[0]
    return success.plot_loyalty(success.loyalty_groups(happy["position"], risk), happy["position"], risk)


PLOTS = {
    "plot_account": lambda s: s("why").plot_account(f"{LONG}3"),
    "plot_goals": lambda s: s("why").plot_goals(),
    "plot_goals: bars": lambda s: s("why").plot_goals("bars", most=3),
    "plot_goals: chosen": lambda s: s("why").plot_goals("bars", accounts=[f"{LONG}7", f"{LONG}3"]),
    "plot_what_if": lambda s: s("why").plot_what_if(f"{LONG}8"),
    "plot_backtest": lambda s: evaluation.plot_backtest(s("tested")),
    "plot_calibration": lambda s: evaluation.plot_calibration(evaluation.calibration_curve(*s("risks"))),
    "plot_capacity": lambda s: evaluation.plot_capacity(evaluation.capacity_curve(*s("risks"))),
    "plot_profit": lambda s: evaluation.plot_profit(
        evaluation.profit_curve(*s("risks"), value=900, cost=1, save_rate=0.3)
    ),
    "plot_cost": lambda s: evaluation.plot_cost(evaluation.cost_curve(*s("risks"), miss_cost=5, contact_cost=1)),
    "plot_monitoring": lambda s: monitoring.plot_monitoring(s("watched")),
    "plot_campaign": lambda _: success.plot_campaign(_campaign()),
    "plot_claims": lambda s: success.plot_claims(success.claims(s("book"))),
    "plot_journey": lambda s: success.plot_journey(success.journey(s("book"))),
    "plot_ledger": lambda s: success.plot_ledger(success.feedback_ledger(s("book"), s("seen"), by="book")),
    "plot_loyalty": lambda s: _loyalty(s("happy")),
    "plot_migration": lambda s: success.plot_migration(
        success.quadrant_migration(
            success.success_quadrant(
                success.happiness(s("book"), s("seen")), success.company_happiness(s("book"), s("seen"))
            )
        )
    ),
    "plot_priorities": lambda s: success.plot_priorities(_worth(s("happy"))[1]),
    "plot_quadrant": lambda s: success.plot_quadrant(
        success.success_quadrant(s("happy"), success.company_happiness(s("book")))
    ),
    "plot_stages": lambda s: success.plot_stages(s("happy")),
    "plot_traps": lambda s: success.plot_traps(
        success.trap_summary(success.relationship_traps(s("book"), cr.Snapshots.at(s("book"), s("book").end)))
    ),
    "plot_uplift": lambda s: success.plot_uplift(_uplift(s("risks"))),
    "plot_what_sets_apart": lambda _: success.plot_what_sets_apart(_apart()),
    "plot_cohorts": lambda s: success.plot_cohorts(success.cohorts(s("book"))),
    "plot_retention": lambda s: success.plot_retention(success.retention(s("book"), "segment")),
}  # fmt: skip


def public_plots():
    places = [getattr(cr, room) for room in cr._ROOMS] + [getattr(cr, name) for name in cr.__all__]
    return {name for place in places for name in dir(place) if name.startswith("plot_")}


def test_no_plot_is_forgotten():
    assert {name.partition(":")[0] for name in PLOTS} == public_plots()


@pytest.mark.parametrize("name", PLOTS)
def test_a_notebook_shows_the_picture(name, request):
    drawn = PLOTS[name](request.getfixturevalue)
    picture = matplotlib.image.imread(io.BytesIO(drawn._repr_png_()))
    assert min(picture.shape[:2]) > 130
    assert picture[..., :3].std() > 0.02
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()
    first = drawn[0] if isinstance(drawn, tuple) else drawn
    assert first.figure._repr_png_()
    assert len(pickle.dumps(first.figure)) > 1000
    said = [text for text in first.figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
    assert len(said) >= 5
    smallest = min(text.get_fontsize() for text in said) / 72 * first.figure.dpi * PHONE
    assert smallest / (picture.shape[1] / 110 * first.figure.dpi) >= SMALLEST


@pytest.mark.filterwarnings("error:Glyph")
@pytest.mark.parametrize("n", [1, 3, 300])
def test_bars_of_few_and_many_accounts_are_bounded_and_their_legend_is_beside_them(n):
    names = [*TURNED, *[f"{LONG}{number}" for number in range(n)]][:n]
    ax = explained(names).plot_goals("bars", most=n)
    assert 3 <= ax.figure.get_size_inches()[1] <= 12
    assert ax.figure._repr_png_()
    legend = ax.get_legend().get_window_extent()
    assert legend.y0 >= ax.get_window_extent().y1 - 1
    assert legend.y1 <= ax._left_title.get_window_extent().y0 + 1
    assert all(len(label.get_text()) <= 42 for label in ax.get_yticklabels())


def test_names_that_begin_alike_are_told_apart(why):
    labels = [label.get_text() for label in why.plot_goals("bars").get_yticklabels()]
    assert len(set(labels)) == 25


def test_lines_are_told_apart_by_everybody_and_are_no_colour_of_a_goal():
    assert len(set(SERIES)) == len(SERIES)
    assert not set(SERIES) & {*LIGHT.values(), *MOVES_LIGHT.values()}


def test_scores_are_compared_in_one_picture(risks):
    table = evaluation.capacity_curve(*risks)
    ax = evaluation.plot_capacity({"model": table, "health score": table})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["at random", "model", "health score"]
    with pytest.raises(ValueError, match=r"table=\['a', 'b', 'c', 'd', 'e'\]: at most 4 scores"):
        evaluation.plot_capacity(dict.fromkeys("abcde", table))


def test_a_backtest_draws_its_table(tested):
    above, below = evaluation.plot_backtest(tested)
    table = tested.by_date().xs("model", level="score")
    np.testing.assert_allclose(above.lines[0].get_ydata().astype(float), table["auc"])
    np.testing.assert_allclose(below.lines[0].get_ydata().astype(float), table["event_rate"] / table["mean_risk"])
    assert [text.get_text() for text in above.get_legend().get_texts()] == ["model", "recency"]
    with pytest.raises(ValueError, match=r"metric='gini': a backtest has \['auc', "):
        evaluation.plot_backtest(tested, "gini")


def test_monitoring_draws_drift_and_what_came(watched):
    drift, performance = monitoring.plot_monitoring(watched)
    assert drift.patches[0].get_width() == watched.goals["distance"].iloc[-1]
    labels = [label.get_text() for label in drift.get_yticklabels()]
    assert labels == ["Footprint: drifts\ndays since use", "Churn: no alarm\nchurn points"]
    assert [text.get_text() for text in performance.get_legend().get_texts()] == [
        "expected of this portfolio",
        "came true",
    ]
    nothing = cr.monitor(*[_plain_book(date) for date in ("2025-01-01", "2025-06-01")])
    assert "not known" in monitoring.plot_monitoring(nothing)[1].texts[0].get_text()


def _plain_book(date):
    index = pd.MultiIndex.from_product([range(50), [pd.Timestamp(date)]], names=["account_id", "as_of"])
    return pd.DataFrame({"days_since_use": range(50)}, index=index)


def test_pictures_of_the_plan_and_of_loyalty_count_every_account(happy):
    risk, plan = _worth(happy)
    bars = success.plot_priorities(plan).patches
    np.testing.assert_allclose(sorted(bar.get_height() for bar in bars), sorted(plan["gain"].dropna().head(100)))
    stages = success.plot_stages(happy).patches
    assert sum(bar.get_width() for bar in stages) == len(happy)
    with pytest.raises(ValueError, match="must share one index"):
        success.plot_loyalty(success.loyalty_groups(happy["position"], risk), happy["position"], risk.iloc[1:])


def test_a_plan_beyond_the_bars_has_its_colour_in_the_legend(happy):
    ax = success.plot_priorities(_worth(happy)[1], most=2)
    key = dict(zip([text.get_text().partition(" (")[0] for text in ax.get_legend().get_texts()],
                   ax.get_legend().legend_handles, strict=True))  # fmt: skip
    assert "beyond capacity" in key
    for name, handle in key.items():
        assert handle.get_facecolor() == pytest.approx(to_rgba(_PLANS[name]))


def test_an_account_that_no_lever_moves_has_a_picture_that_says_so(why):
    still = f"{LONG}0"  # no transfer that could be halved
    assert why.levers(still).empty
    ax = why.plot_what_if(still)
    assert [text.get_text().strip() for text in ax.texts] == ["no lever moves this account"]
    assert len(why.levers(f"{LONG}8")) >= 1


def test_names_of_groups_are_text_and_fit(book):
    table = success.retention(book).rename(index={"all": f"{LONG}\u202e$x$ {LONG}"}, level=0)
    curves, below = success.plot_retention(table)
    label = curves.get_legend().get_texts()[0].get_text()
    assert "\u202e" not in label
    assert "\\$" in label
    assert len(label) <= 50
    assert len(below.get_yticklabels()[0].get_text()) <= 26


@pytest.mark.parametrize(("there", "shown"), [(False, "Ltd 1"), (True, "\N{UNICORN FACE} Ltd 1")])
def test_emoji_are_drawn_where_a_font_has_them_and_left_out_elsewhere(there, shown, monkeypatch):
    monkeypatch.setattr(_figure, "_has_faces", lambda: there)
    assert _figure.name_of("\N{UNICORN FACE} Ltd 1") == shown
    assert _figure.name_of("\N{UNICORN FACE}") == "\N{UNICORN FACE}"


def test_axes_handed_over_are_used_and_returned(risks, tested):
    import matplotlib.pyplot as plt

    figure, (ax, other) = plt.subplots(2)
    try:
        assert evaluation.plot_calibration(evaluation.calibration_curve(*risks), ax) is ax
        assert evaluation.plot_backtest(tested, axes=[ax, other]) == (ax, other)
    finally:
        plt.close(figure)


def test_a_level_without_events_is_not_certain():
    """Wilson (1927) at 0 of 50 and 50 of 50: high is z^2 / (n + z^2) and its mirror image."""
    y, risk = np.repeat([0, 1], 50), np.repeat([0.1, 0.9], 50)
    table = evaluation.calibration_curve(y, risk, n_bins=2)
    z2 = 1.959963984540054**2
    assert table.loc[1, ["low", "high"]].tolist() == pytest.approx([0.0, z2 / (50 + z2)])
    assert table.loc[2, ["low", "high"]].tolist() == pytest.approx([50 / (50 + z2), 1.0])
    accounts = np.repeat(np.arange(20), 5)
    few = evaluation.calibration_curve(y, risk, groups=accounts, n_bins=2)
    assert few.loc[1, "high"] == pytest.approx(z2 / (10 + z2))
