"""Loyalty groups by hand: satisfied and at risk are two things."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.exceptions import ConfigError
from csrisk.success import LOYALTY_GROUPS, happiness, loyalty, loyalty_groups


def test_groups_and_shares_by_hand() -> None:
    position = pd.Series([0.9, 0.8, 0.7, 0.7, 0.55, 0.3, 0.2, np.nan])
    risk = pd.Series([0.1, 0.1, 0.1, 0.5, 0.5, 0.5, 0.1, 0.5])
    table = loyalty(loyalty_groups(position, risk, at_risk_from=0.3))
    assert table["accounts"].to_dict() == dict(zip(LOYALTY_GROUPS, [3, 1, 1, 1], strict=True))
    assert table["share"].tolist() == [0.75, 0.25, 0.5, 0.5]
    # Wilson for 1 of 4: centre (.25 + z2/8) / (1 + z2/4), z2 = 3.841459
    centre, spread = (0.25 + 3.841459 / 8) / (1 + 3.841459 / 4), 1.959964 * np.sqrt(0.25 * 0.75 / 4 + 3.841459 / 64)
    assert table["low"].iloc[1] == pytest.approx(centre - spread / (1 + 3.841459 / 4))


def test_driver_is_the_goal_with_the_largest_mean() -> None:
    groups = loyalty_groups(pd.Series([0.9, 0.9]), pd.Series([0.5, 0.5]), at_risk_from=0.3)
    goals = pd.DataFrame({"churn": [1.0, 2.0], "feedback": [4.0, 0.0], "context": [9.0, 9.0], "prediction": [5.0, 5.0]})
    row = loyalty(groups, goals).loc["satisfied but at risk"]
    assert (row["churn"], row["feedback"], row["driver"]) == (1.5, 2.0, "feedback")


def test_limits_are_checked() -> None:
    one = pd.Series([0.5])
    with pytest.raises(ConfigError, match=r"dissatisfied_below=0.7 and satisfied_from=0.6 must be in order"):
        loyalty_groups(one, one, dissatisfied_below=0.7)
    with pytest.raises(ConfigError, match=r"must share their index"):
        loyalty_groups(one, one.set_axis([4]))


def test_some_satisfied_are_at_risk_and_some_dissatisfied_are_not() -> None:
    """With true risks: roughly the 20 % and 28 % that the process is made for."""
    book = cr.datasets.make_saas(500, 24, seed=3)
    data = book.data()
    position = happiness(data).droplevel("as_of")["position"]
    risk = book.truth.goals("2026-01-01", lead=0, horizon=365)["probability"].reindex(position.index)
    table = loyalty(loyalty_groups(position, risk, satisfied_from=0.8, dissatisfied_below=0.6, at_risk_from=0.05))
    assert 0.05 < table.loc["satisfied but at risk", "share"] < 0.35
    assert 0.1 < table.loc["dissatisfied but safe", "share"] < 0.45
