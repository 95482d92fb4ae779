"""A measure that carries what only those who left have is found as a leak, as any column of the user's own is."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.checks import check_single_feature, check_telling_values
from csrisk.features import Expectations, Measures, Relationship


@pytest.mark.parametrize("honest", [True, False])
def test_a_measure_written_back_from_the_reason_for_leaving_is_found(honest: bool) -> None:
    rng = np.random.default_rng(1)
    n, start = 300, pd.Timestamp("2024-01-01")
    ids = [f"a{number:03d}" for number in range(n)]
    left = rng.random(n) < 0.3
    ends = pd.Series(start + pd.to_timedelta(rng.integers(200, 360, n), unit="D")).where(left)
    contracts = pd.DataFrame({"account_id": ids, "start_at": start, "end_at": ends, "mrr": rng.integers(1, 9, n)})
    # the code of the reason, backdated to the start: for those who left only, or of all by chance
    codes = pd.DataFrame({"account_id": ids, "at": start, "name": "reason_code", "value": rng.integers(1, 5, n)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = cr.CustomerData(
            {"subscriptions": contracts, "measures": codes if honest else codes[left]}, end="2025-02-01"
        )
    past = cr.Snapshots.at(data, ["2024-06-01", "2024-08-01"], horizon="120D")
    code = Measures((cr.Feature("reason_code", "churn", "points", "Code {value}"),))
    X = cr.build_features(data, past, [Relationship(), Expectations(), code])
    churn = cr.label_churn(data, past)
    checks = [check_single_feature(X, churn), check_telling_values(X, churn)]
    found = {name for check in checks for name in (check.found if check.status == "failed" else ())}
    assert bool(found) is not honest
