"""A notebook that was run holds one picture for every public plot: of few and many accounts, with difficult names."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import matplotlib.image
import pytest

import csrisk as cr

if TYPE_CHECKING:
    from nbformat import NotebookNode

SETUP = """
import numpy as np
import pandas as pd
import csrisk as cr
from csrisk import evaluation, monitoring, success
from csrisk.datasets import make_saas

LONG = "Gesellschaft f\u00fcr au\u00dferordentlich lange Firmennamen und Beteiligungen mbH & Co. KG $x$ "
TURNED = ("\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd ", "\u202e\u0645\u0631\u062d\u0628\u0627 ")
FACES = ("\U0001f984\U0001f680 Ltd ", "\u682a\u5f0f\u4f1a\u793e ")
KINDS = (LONG, TURNED[0], FACES[0], TURNED[1], FACES[1], "Acme ")

def named(ids):
    return {key: f"{KINDS[at % len(KINDS)]}{at}" for at, key in enumerate(ids)}

made = make_saas(N, 18, seed=4)  # of its three one has left
tables = {name: table for name, table in made.tables.items() if len(table)}
again = named(made.tables["accounts"]["account_id"])
tables = {
    name: table.assign(account_id=table["account_id"].map(again)) if "account_id" in table else table
    for name, table in tables.items()
}
segments = named(tables["accounts"]["segment"].unique())
tables["accounts"] = tables["accounts"].assign(segment=tables["accounts"]["segment"].map(segments))
book = cr.CustomerData(tables, end=made.end)
dates = pd.to_datetime(["2025-06-01", "2025-12-01"])
now = cr.Snapshots.at(book, dates[1])
both = cr.Snapshots.of(book, pd.concat([now.index.to_frame(index=False).assign(as_of=date) for date in dates]))
happy, value = success.happiness(book, now), success.company_happiness(book, now)
chance = np.random.default_rng(0)
risk = pd.Series(chance.random(len(now.index)), now.index)
gone = chance.random(len(risk)) < risk.to_numpy()
gone[:2] = True, False
shown = pd.DataFrame({"days_since_use": 60 * chance.random(len(risk)), "transfers_90d": 1.0}, now.index)
shown["transfers_90d"] = np.arange(len(risk)) % 3
X = pd.DataFrame({"days_since_use": np.arange(60) / 2, "transfers_90d": np.arange(60) % 3})
came = X["days_since_use"] + 4 * X["transfers_90d"] > 20
model = cr.ChurnModel(n_members=2, blend=False, random_state=0).fit(X, came)
goals = {"days_since_use": "footprint", "transfers_90d": "churn"}
why = cr.explain(model, shown, reference=X, declarations=goals, n_reference=8)
first, moved = why.index[0][0], why.index[2][0]
campaign = success.Campaign(capacity=5, cost=150, name="c")
plan = success.priorities(risk, 90_000 * risk, campaign=campaign, save_rate=0.2)

def panel(days, date):
    index = pd.MultiIndex.from_product([list(again.values()), [pd.Timestamp(date)]], names=["account_id", "as_of"])
    columns = {"days_since_use": chance.exponential(days, N), "churn_probability": chance.random(N) / 5}
    return pd.DataFrame(columns | {"churn_points": chance.random(N)}, index)

def tested():
    index = pd.MultiIndex.from_product([range(60), pd.date_range("2025-01-01", periods=8, freq="MS")])
    past = cr.Snapshots(index.set_names(["account_id", "as_of"]), lead=0, horizon=30, end=pd.Timestamp("2025-09-01"))
    rows = pd.DataFrame({"days_since_use": chance.exponential(size=len(index))}, index=past.index)
    came = rows["days_since_use"] + chance.random(len(index)) > 1.5
    fresh = cr.ChurnModel(n_members=2, blend=False, random_state=0)
    trained = ["2025-03-01", "2025-05-01", "2025-06-01", "2025-07-01"]
    return cr.backtest(fresh, rows, came, past, trained, n_bootstrap=20)

def effect():
    rows = {"estimate": [0.1, 0.12, 80, 20], "low": [0.02, 0.03, None, None], "high": [0.18, 0.2, None, None]}
    return pd.DataFrame(rows, index=["kept", "kept_per_contact", "n_contact", "n_holdout"])

def apart():
    row = {"chance": 0.8, "low": 0.7, "high": 0.9, "n_best": N, "n_other": 4 * N, "stands_out": True}
    return pd.DataFrame(row, index=[f"share_of_seats_with_more_than_one_login_{days}d" for days in (30, 90)])
"""

# one cell each; the list of what must be here is read from what is public
CELLS = {
    "plot_account": "why.plot_account(first)",
    "plot_goals": "why.plot_goals()",
    "plot_goals bars": "why.plot_goals('bars', most=N)",
    "plot_what_if": "why.plot_what_if(moved)",
    "plot_backtest": "evaluation.plot_backtest(tested())",
    "plot_calibration": "evaluation.plot_calibration(evaluation.calibration_curve(gone, risk))",
    "plot_capacity": "evaluation.plot_capacity(evaluation.capacity_curve(gone, risk))",
    "plot_profit": "evaluation.plot_profit(evaluation.profit_curve(gone, risk, value=9_000, cost=50, save_rate=0.3))",
    "plot_cost": "evaluation.plot_cost(evaluation.cost_curve(gone, risk, miss_cost=5, contact_cost=1))",
    "plot_monitoring": "monitoring.plot_monitoring(cr.monitor(panel(10, '2025-01-01'), panel(40, '2025-06-01')))",
    "plot_campaign": "success.plot_campaign(effect())",
    "plot_claims": "success.plot_claims(success.claims(book))",
    "plot_journey": "success.plot_journey(success.journey(book))",
    "plot_ledger": "success.plot_ledger(success.feedback_ledger(book, both, by='book'))",
    "plot_loyalty": "success.plot_loyalty(success.loyalty_groups(happy['position'], risk), happy['position'], risk)",
    "plot_migration": """success.plot_migration(success.quadrant_migration(success.success_quadrant(
    success.happiness(book, both), success.company_happiness(book, both))))""",
    "plot_priorities": "success.plot_priorities(plan)",
    "plot_quadrant": "success.plot_quadrant(success.success_quadrant(happy, value))",
    "plot_stages": "success.plot_stages(happy)",
    "plot_traps": "success.plot_traps(success.trap_summary(success.relationship_traps(book, now)))",
    "plot_uplift": "success.plot_uplift(success.evaluate_uplift(risk, gone, np.arange(len(risk)) % 2 == 0))",
    "plot_what_sets_apart": "success.plot_what_sets_apart(apart())",
    "plot_cohorts": "success.plot_cohorts(success.cohorts(book))",
    "plot_retention": "success.plot_retention(success.retention(book, 'segment'))",
}


def public_plots() -> set[str]:
    """Every name that begins so, of a room or of an object that is public."""
    places = [getattr(cr, room) for room in cr._ROOMS] + [getattr(cr, name) for name in cr.__all__]
    return {name for place in places for name in dir(place) if name.startswith("plot_")}


def executed(n_accounts: int) -> NotebookNode:
    """Run a notebook with each picture in a cell of its own."""
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient").NotebookClient
    cells = [f"import warnings; warnings.simplefilter('ignore'); N = {n_accounts}\n{SETUP}", *CELLS.values()]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client(book, timeout=600, kernel_name="python3").execute()
    return book


def test_every_public_plot_has_a_cell():
    assert {name.partition(" ")[0] for name in CELLS} == public_plots()


@pytest.mark.slow
@pytest.mark.promise("An executed notebook holds one picture for every plot")
@pytest.mark.parametrize("n_accounts", [3, 300])
def test_each_cell_holds_one_picture(n_accounts):
    for name, cell in zip(CELLS, executed(n_accounts).cells[1:], strict=True):
        pictures = [output for output in cell.outputs if "image/png" in output.get("data", {})]
        assert len(pictures) == len(cell.outputs) == 1, name
        picture = matplotlib.image.imread(io.BytesIO(base64.b64decode(pictures[0]["data"]["image/png"])))
        # 20 inches at most, and no strip
        assert 130 < picture.shape[0] < 20 * 110, name
        assert picture.shape[1] < 1000, name
        assert picture[..., :3].std() > 0.02, name
