"""Growth beside accounts of the same age, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.exceptions import ConfigError
from csrisk.success import velocity


def _data(n: int = 12, started: str = "2025-05-01") -> cr.CustomerData:
    """Account k uses k + 1 features, one a day; "old" is a customer for years."""
    rows = [
        {"account_id": f"a{k:02d}", "at": pd.Timestamp("2025-06-30") - pd.Timedelta(days=j), "feature": f"f{j}"}
        for k in range(n)
        for j in range(k + 1)
    ]
    rows.append({"account_id": "old", "at": pd.Timestamp("2025-06-30"), "feature": "f0"})
    ids = sorted({str(row["account_id"]) for row in rows})
    accounts = pd.DataFrame({"account_id": ids, "started_at": pd.Timestamp(started)})
    accounts.loc[accounts["account_id"] == "old", "started_at"] = pd.Timestamp("2020-01-01")
    return cr.CustomerData({"accounts": accounts, "usage": pd.DataFrame(rows)}, end="2025-07-01")


def _table(data: cr.CustomerData, **options: int) -> pd.DataFrame:
    return velocity(data, cr.Snapshots.at(data, "2025-07-01", eligible="account"), **options).droplevel("as_of")


def test_place_by_hand() -> None:
    """Of the 11 others of its cohort account 03 is faster than 3; the old customer has no cohort."""
    table = _table(_data())
    assert table.loc["a03", ["features", "active_days", "others"]].tolist() == [4, 4, 11]
    assert table.loc["a03", "cohort"] == "0 to 89"
    assert table["features_place"].drop("old").tolist() == pytest.approx([k / 11 for k in range(12)])
    assert table.loc["a03", "features_place_low"] < 3 / 11 < table.loc["a03", "features_place_high"]
    assert table.loc["old", "cohort"] == "from 730"
    assert np.isnan(table.loc["old", "features_place"])


def test_growth_by_hand() -> None:
    """Window of 4 days: a03 was active on days 1 to 4 before, two and two; a01 on days 1 and 2, two and none."""
    table = _table(_data(), window=4)
    assert table.loc[["a03", "a01"], "growth"].tolist() == [0, 2]


def test_equal_pace_is_the_middle() -> None:
    rows = pd.DataFrame({"account_id": [f"a{k}" for k in range(20)], "at": pd.Timestamp("2025-06-20"), "feature": "f"})
    data = cr.CustomerData({"usage": rows}, end="2025-07-01")
    table = velocity(data, cr.Snapshots.at(data, "2025-07-01"))
    assert table["features_place"].tolist() == [0.5] * 20
    assert set(table["cohort"].astype(str)) == {"0 to 89"}  # no start is known: since the first use


def test_small_cohorts_say_nothing() -> None:
    assert _table(_data(), at_least=12)["features_place"].isna().all()
    with pytest.raises(ConfigError, match=r"at_least=0 must be 1 or more"):
        _table(_data(), at_least=0)
