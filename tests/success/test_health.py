"""The health score by hand: weights, bands, and no score without evidence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.exceptions import ConfigError, FeatureError
from csrisk.success import HEALTH_WEIGHTS, health_band, health_components, health_quality, health_score


def test_weights_add_up_to_one() -> None:
    assert sum(HEALTH_WEIGHTS.values()) == pytest.approx(1.0)


def test_score_by_hand() -> None:
    X = pd.DataFrame(
        {
            "seat_utilisation_30d": [0.4],  # (.4 - .1) / (.7 - .1) = .5
            "events_trend_30d": [-0.2],  # (-.2 + .5) / .6 = .5
            "days_since_use": [30.0],  # 0
            "feature_share_90d": [0.35],  # (.35 - .1) / .5 = .5
            "contacts_per_user_90d": [0.2],  # 1
            "nps_last": [4.0],  # 0
            "csat_last": [np.nan],
        }
    )
    components = health_components(X).iloc[0]
    assert components.drop("relationship").round(9).to_dict() == pytest.approx(
        {"usage": 100 / 3, "breadth": 50, "effort": 100, "sentiment": 0}
    )
    assert np.isnan(components["relationship"])
    by_hand = (0.25 * 100 / 3 + 0.15 * 50 + 0.20 * 100 + 0.25 * 0) / 0.85
    assert health_score(X).iloc[0] == pytest.approx(by_hand)


def test_without_evidence_there_is_no_score() -> None:
    X = pd.DataFrame({"nps_last": [np.nan, 9.0], "mrr": [100.0, 100.0]})
    assert health_score(X).isna().tolist() == [True, False]


def test_weights_can_be_chosen() -> None:
    X = pd.DataFrame({"nps_last": [4.0], "feature_share_90d": [0.6]})
    assert health_score(X, weights={"sentiment": 1, "breadth": 3}).iloc[0] == pytest.approx(75)
    assert health_score(X, weights={"breadth": 2}).iloc[0] == pytest.approx(100)


@pytest.mark.parametrize("weights", [{"mood": 1.0}, {"usage": -1.0}, {"usage": 0.0}, {}])
def test_weights_without_sense_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"weights=.* must give 0 or more to components of \['usage', 'breadth'"):
        health_score(pd.DataFrame({"nps_last": [4.0]}), weights=weights)


def test_frames_without_any_measure_are_refused() -> None:
    with pytest.raises(FeatureError, match=r"X has none of the columns .*'nps_last'.* make X with build_features"):
        health_score(pd.DataFrame({"mrr": [1.0]}))


def test_bands_are_closed_below() -> None:
    bands = health_band(pd.Series([0.0, 39.99, 40.0, 59.99, 60.0, 100.0, np.nan]))
    assert bands.tolist()[:6] == ["red", "red", "yellow", "yellow", "green", "green"]
    assert pd.isna(bands.iloc[6])
    with pytest.raises(ConfigError, match=r"red=70 and green=60.0 must be in order"):
        health_band(pd.Series([1.0]), red=70)


def test_healthy_in_truth_is_healthy_by_hand(small_saas: cr.datasets.SaasBook, small_book: cr.CustomerData) -> None:
    """The score is made of what the four states show, so it must fall with the true hazard."""
    today = cr.Snapshots.at(small_book, "2025-12-01")
    health = health_score(cr.build_features(small_book, today)).droplevel("as_of")
    risk = small_saas.truth.goals("2025-12-01")["risk"].reindex(health.index)
    assert health.between(0, 100).all()
    assert health.corr(risk, method="spearman") < -0.3


def test_quality_by_hand() -> None:
    """Red: 2 of 4 leave, of all 3 of 10, so 5/3; of the 3 who leave one was green."""
    health = pd.Series([10.0, 20.0, 30.0, 35.0, 50.0, 70.0, 70.0, 80.0, 90.0, 95.0])
    churn = pd.Series([1, 1, 0, 0, 0, 1, 0, 0, 0, 0], dtype="Int64")
    table = health_quality(health, churn, n_bootstrap=50)
    assert table.loc["red_lift", "estimate"] == pytest.approx((2 / 4) / (3 / 10))
    assert table.loc["churners_not_green", "estimate"] == pytest.approx(2 / 3)
    assert table.loc["red_share", "estimate"] == pytest.approx(0.4)
    assert table.loc["n_events", "estimate"] == 3
    longer = pd.concat([health, pd.Series([np.nan])], ignore_index=True)
    missing = health_quality(longer, churn.reindex(longer.index), n_bootstrap=0)
    assert missing.loc["n_snapshots", "estimate"] == 10
