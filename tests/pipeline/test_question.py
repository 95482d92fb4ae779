"""Families that join by what is asked: in a pipeline they take its lead and horizon, and the model keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk._pipeline._learning._panel import features_of, resolved

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")
SPEC = {
    "snapshots": {"start": "2024-03-01", "lead": "5D", "horizon": "40D"},
    "model": {"n_members": 2},
    "test": {"n_bootstrap": 20},
    "features": {"optional": ["own_life", "forecast", "season"]},
}


@pytest.fixture(scope="module")
def shop() -> cr.CustomerData:
    """Two years of purchases; half of the customers stop at some time."""
    rng = np.random.default_rng(0)
    days = np.sort(rng.integers(0, 730, (120, 40)), axis=1)
    kept = days < np.where(np.arange(120) % 2, 730, rng.integers(100, 700, 120))[:, None]
    usage = pd.DataFrame({"account_id": np.repeat(np.arange(120), 40)[kept.ravel()].astype(str)})
    usage["at"] = pd.Timestamp("2023-01-01") + pd.to_timedelta(days[kept], unit="D")
    usage["value"] = rng.integers(1, 90, len(usage)).astype(float)
    return cr.CustomerData({"usage": usage}, end="2025-01-01")


@pytest.fixture(scope="module")
def fitted(shop: cr.CustomerData) -> cr.RiskPipeline:
    return cr.RiskPipeline(SPEC).fit(shop)


def test_windows_follow_lead_and_horizon_and_the_model_keeps_them(fitted, shop, tmp_path: Path) -> None:
    names = set(fitted.model_.feature_names_in_)
    assert {"spend_40d", "spend_40d_before", "spend_45d_year_ago", "days_to_year_end", "use_gap_longest"} <= names
    fitted.save(tmp_path / "m.csrisk")
    again = cr.RiskPipeline.load(tmp_path / "m.csrisk")
    why = again.explain(shop)
    told = {feature.name: feature for feature in why.declarations}
    assert str(told["days_to_year_end"].goal) == "context"
    assert told["spend_45d_year_ago"].sentence.startswith("Spent {value} a year ago in the 45 days")
    pd.testing.assert_frame_equal(again.score(shop, why=why), fitted.score(shop))


def test_one_account_is_scored_as_it_is_among_all(fitted, shop) -> None:
    scores = fitted.score(shop)["churn_probability"]
    account = scores.index[3][0]
    with cr.CustomerData({"usage": shop.frame("usage").query("account_id == @account")}, end="2025-01-01") as alone:
        assert fitted.score(alone)["churn_probability"].loc[account].tolist() == [scores.loc[account].iloc[0]]


def test_they_can_be_left_out(shop) -> None:
    by_default = resolved(cr.RiskSpec.from_dict(SPEC | {"features": {}}), shop)
    assert by_default.features.optional == ("own_life", "season")
    spec = cr.RiskSpec.from_dict(SPEC | {"features": {"optional": ["own_life"]}})
    names = set(features_of(spec, shop, cr.Snapshots.at(shop, "2024-06-01")))
    assert "use_gap_longest" in names
    assert not {"spend_40d", "days_to_year_end"} & names
