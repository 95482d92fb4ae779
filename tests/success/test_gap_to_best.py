"""The gap to the best names the goal that is truly deficient."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.success import best_customers, company_happiness, gap_to_best, happiness, success_quadrant

GOALS = ["footprint", "churn", "advocacy", "feedback"]


@pytest.mark.slow
def test_names_the_truly_deficient_goal_first(capsys: pytest.CaptureFixture[str]) -> None:
    """A book of 2,400 accounts, gaps in percentage points. Deficient: one goal truly costs at least 1 in log-hazard
    more than it costs the best, and at least 1 more than any other goal. Several seeds: benchmarks/success.py."""
    book = cr.datasets.make_saas(2400, 36, seed=5, monthly_churn=0.024)
    data = book.data()
    past = cr.Snapshots.every(data, "1MS", horizon="90D", lead="14D")
    X, churn = cr.build_features(data, past), cr.label_churn(data, past)
    train, _ = cr.ForwardSplit.at(past, "2025-04-01")
    model = cr.ChurnModel(random_state=0).fit(X.loc[train], churn.loc[train])
    today = cr.Snapshots.at(data, "2026-01-01")
    now = cr.build_features(data, today)
    risk = pd.Series(model.predict_proba(now)[:, 1], now.index)
    quadrant = success_quadrant(happiness(data, today), company_happiness(data, today))["quadrant"]
    best = best_customers(quadrant, risk)
    found = gap_to_best(model, now, best).goals().droplevel("as_of")[GOALS]
    truth = book.truth.goals("2026-01-01")[GOALS].reindex(found.index).dropna()
    truth -= truth.reindex(best[best].index.get_level_values("account_id")).mean()
    named = found.reindex(truth.index).idxmax(axis=1) == truth.idxmax(axis=1)
    values = np.sort(truth.to_numpy(), axis=1)
    deficient = (values[:, -1] >= 1) & (values[:, -1] - values[:, -2] >= 1)
    with capsys.disabled():
        print(f"\ntruly deficient goal named first: {named[deficient].mean():.0%} of {deficient.sum()} accounts")
    assert named[deficient].mean() >= 0.8
