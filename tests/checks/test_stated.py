"""Reasons for leaving: a label by cause, a check of the named goals, never a feature."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.checks import check_stated_reasons, run_checks, stated_and_named
from csrisk.exceptions import FeatureError, LabelError
from csrisk.features import AccountContext

GOALS = ("churn", "footprint", "advocacy", "feedback")


def leaving(reasons: list[str | None]) -> cr.CustomerData:
    ids = [f"a{i}" for i in range(len(reasons) + 1)]
    ends = [pd.Timestamp("2025-03-15")] * len(reasons) + [pd.NaT]
    accounts = pd.DataFrame({"account_id": ids, "started_at": pd.Timestamp("2024-01-01"), "ended_at": ends})
    contracts = pd.DataFrame({"account_id": ids, "start_at": pd.Timestamp("2024-01-01"), "end_at": ends})
    accounts["ended_reason"] = [*reasons, None]
    return cr.CustomerData({"accounts": accounts, "subscriptions": contracts}, end="2025-08-01")


@pytest.mark.parametrize(
    ("cause", "churned"),
    [
        # chose to leave, could not pay, was bought, left without a word, stays
        ("voluntary", [True, None, None, True, False]),
        ("involuntary", [None, True, True, None, False]),
        ("any", [True, True, True, True, False]),
    ],
)
def test_label_by_cause(cause: str, churned: list[bool | None]) -> None:
    data = leaving(["Too much effort", "Payment failed", "acquired", None])
    past = cr.Snapshots.at(data, "2025-03-01", horizon="90D")
    found = cr.label_churn(data, past, cause=cause)
    assert [None if pd.isna(value) else bool(value) for value in found] == churned


def test_causes_that_cannot_be_told_are_refused() -> None:
    data = leaving([None])
    past = cr.Snapshots.at(data, "2025-03-01", horizon="90D")
    with pytest.raises(LabelError, match="no account states why it left"):
        cr.label_churn(data, past, cause="involuntary")
    with pytest.raises(LabelError, match=r"cause='own' must be one of"):
        cr.label_churn(data, past, cause="own")
    assert cr.label_churn(data, past).tolist() == [True, False]


def test_a_reason_for_leaving_is_never_a_feature() -> None:
    data = leaving(["Too much effort"])
    X = cr.build_features(data, cr.Snapshots.at(data, "2025-03-01"))
    assert not [name for name in X if "reason" in name]
    with pytest.raises(FeatureError, match="'ended_reason' is known only when an account has left"):
        AccountContext(("segment", "ended_reason"))


class _Why:
    """What the check asks of an explanation."""

    goals_present = tuple(cr.Goal(name) for name in GOALS)

    def __init__(self, named: list[str]) -> None:
        days = pd.to_datetime(["2025-02-01", "2025-03-01"])
        index = pd.MultiIndex.from_product([[f"a{i}" for i in range(len(named))], days], names=["account_id", "as_of"])
        points = np.zeros((len(index), 4))
        for row, goal in enumerate(named):
            points[2 * row + 1, GOALS.index(goal)] = 1.0  # the last snapshot counts
            points[2 * row, (GOALS.index(goal) + 1) % 4] = 9.0
        self.table = pd.DataFrame(points, index=index, columns=list(GOALS))

    def goals(self) -> pd.DataFrame:
        return self.table


def test_stated_beside_named_by_hand() -> None:
    data = leaving(["too much effort", "price", "Expectations not met", "payment failed"])
    found = stated_and_named(data, _Why(["churn", "churn", "footprint", "feedback"]))
    assert found.to_dict("index") == {
        "a0": {"stated": "churn", "named": "churn"},
        "a2": {"stated": "advocacy", "named": "footprint"},
    }
    mapped = stated_and_named(data, _Why(["churn"] * 4), goals={"price": "footprint"})
    assert mapped.loc["a1", "stated"] == "footprint"


def test_agreement_is_held_against_chance() -> None:
    """30 accounts, half of each of two reasons: all agree, or all disagree, where half would by chance."""
    data = leaving(["too much effort", "not used"] * 15)
    right = check_stated_reasons(data, _Why(["churn", "footprint"] * 15))
    assert right.status == "passed"
    assert "100\u00a0% (89 to 100) of 30 accounts stated the goal that was named; 50\u00a0% by chance" in right.measure
    assert check_stated_reasons(data, _Why(["footprint", "churn"] * 15)).failed
    assert check_stated_reasons(leaving(["not used"] * 5), _Why(["churn"] * 5)).status == "not applicable"


def test_without_reasons_the_check_says_so() -> None:
    X = pd.DataFrame({"one": np.arange(60.0)})
    checks = {check.code: check.status for check in run_checks(X, pd.Series(np.arange(60) % 2))}
    assert checks["CSR015"] == "not applicable"


@pytest.mark.slow
def test_simulated_accounts_leave_for_what_was_named() -> None:
    """65 % of the simulated reasons are the true driver; the model agrees with them beyond chance, on two books."""
    for seed in (5, 8):
        data = cr.datasets.make_saas(500, 30, seed=seed).data()
        past = cr.Snapshots.every(data, "MS", horizon="90D", lead="14D")
        X, churn = cr.build_features(data, past), cr.label_churn(data, past)
        model = cr.ChurnModel(n_members=2, blend=False, random_state=0).fit(X, churn)
        left = churn[churn.fillna(False)].index
        why = cr.explain(model, X.loc[left], reference=X[churn.notna()])
        assert check_stated_reasons(data, why).status == "passed"
