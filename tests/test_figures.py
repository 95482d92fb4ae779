"""Every plot shows its picture in a notebook, once, and leaves no figure open behind it."""

from __future__ import annotations

import io
import pickle
import sys

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk import evaluation, success
from csrisk.datasets import make_saas


@pytest.fixture(scope="module")
def book():
    return make_saas(80, 18, seed=1).data()


@pytest.fixture(scope="module")
def risks():
    rng = np.random.default_rng(0)
    risk = rng.random(300)
    return rng.random(300) < risk, risk


@pytest.fixture(scope="module")
def why():
    index = pd.MultiIndex.from_product([range(60), [pd.Timestamp("2025-10-01")]], names=["account_id", "as_of"])
    X = pd.DataFrame({"logins": range(60), "transfers": [0, 1, 2] * 20}, index=index)
    y = X["logins"] + 9 * X["transfers"] > 40
    model = cr.ChurnModel(n_members=2, blend=False, random_state=0).fit(X, y)
    return cr.explain(model, X, reference=X, declarations={"logins": "footprint", "transfers": "churn"})


PLOTS = {
    "account": lambda s: s("why").plot_account(3),
    "beeswarm": lambda s: s("why").plot_goals(),
    "bars": lambda s: s("why").plot_goals("bars", most=3),
    "calibration": lambda s: evaluation.plot_calibration(evaluation.calibration_curve(*s("risks"))),
    "capacity": lambda s: evaluation.plot_capacity(evaluation.capacity_curve(*s("risks"))),
    "profit": lambda s: evaluation.plot_profit(evaluation.profit_curve(*s("risks"), value=9, cost=1, save_rate=0.3)),
    "cost": lambda s: evaluation.plot_cost(evaluation.cost_curve(*s("risks"), miss_cost=5, contact_cost=1)),
    "journey": lambda s: success.plot_journey(success.journey(s("book"))),
    "claims": lambda s: success.plot_claims(success.claims(s("book"))),
}  # fmt: skip


@pytest.mark.parametrize("name", PLOTS)
def test_a_notebook_shows_the_picture(name, request):
    drawn = PLOTS[name](request.getfixturevalue)
    picture = matplotlib.image.imread(io.BytesIO(drawn._repr_png_()))
    assert min(picture.shape[:2]) > 200
    assert picture[..., :3].std() > 0.02
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()
    first = drawn[0] if isinstance(drawn, tuple) else drawn
    assert first.figure._repr_png_()
    assert len(pickle.dumps(first.figure)) > 1000


def test_axes_handed_over_are_used_and_returned(risks):
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots()
    try:
        assert evaluation.plot_calibration(evaluation.calibration_curve(*risks), ax) is ax
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
