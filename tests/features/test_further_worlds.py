"""On a simulated portfolio whose truth is known, the further families tell who was truly affected."""

from __future__ import annotations

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import csrisk as cr
from csrisk.datasets import SaasBook, make_saas
from csrisk.features import Measures, further_builders

DATES = ["2025-03-01", "2025-06-01", "2025-09-01", "2025-12-01"]
# part of the truth, the feature that shows it, and which way; the signs are those of `csrisk.datasets.MECHANISMS`
SHOWN = {
    "handover": ("asked_after_handover_90d", 1),
    "fire": ("sla_missed_share_90d", 1),
    "sponsor_silent": ("sponsor_silent_days", 1),
    "sponsor_changed": ("days_since_sponsor_change", -1),
    "invoice_overdue": ("overdue_days", 1),
    "invoice_disputed": ("invoices_disputed_365d", 1),
    "too_many_meetings": ("meetings_missed_share_180d", 1),
    "captive": ("auto_renews", 1),
    "sales_promise_missed": ("sales_promises_unmet", 1),
}


@pytest.fixture(scope="module")
def world() -> SaasBook:
    return make_saas(300, 24, seed=3, mechanisms="all")


@pytest.fixture(scope="module")
def known(world: SaasBook) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features, and the truth of the month before each date."""
    data = world.data()
    pulse = Measures((cr.Feature("csm_pulse", "advocacy", "points", "The CSM gives {value}", -1),))
    X = cr.build_features(data, cr.Snapshots.at(data, DATES), [*further_builders(), pulse])
    before = X.index.get_level_values("as_of") - pd.DateOffset(months=1)
    months = pd.MultiIndex.from_arrays([X.index.get_level_values("account_id"), before], names=["account_id", "month"])
    return X, world.truth.months.reindex(months).set_axis(X.index)


@pytest.mark.slow
@pytest.mark.parametrize("part", SHOWN)
def test_a_feature_shows_who_is_truly_affected(known: tuple[pd.DataFrame, pd.DataFrame], part: str) -> None:
    X, truth = known
    name, way = SHOWN[part]
    level = truth[part]
    clear = level.notna() & ((level > 0.4) | (level < 0.02))
    value = (way * X[name][clear]).fillna(way * X[name].min() if way > 0 else -X[name].max() - 1)
    affected = level[clear] > 0.4
    auc = roc_auc_score(affected, value)
    print(f"{part}: {name} tells {int(affected.sum())} of {len(affected)} affected, AUC {auc:.3f}")
    assert affected.sum() >= 10
    assert auc >= 0.7


@pytest.mark.slow
def test_a_judgement_follows_the_true_hazard(known: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    X, truth = known
    rank = X["csm_pulse_last"].corr(truth["churn_log_odds"], method="spearman")
    assert rank < -0.3
