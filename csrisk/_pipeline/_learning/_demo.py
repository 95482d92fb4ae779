"""How well the bundled book is read: its truth is known, so the driver found can be compared with the true one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from csrisk._wilson import Z_95, share_interval
from csrisk.datasets import SaasTruth, demo_folder

if TYPE_CHECKING:
    from csrisk._explain import Explanation

__all__ = ["DEMO_SPEC", "DriverFound", "driver_found"]

# A year of forward test, with a new model every quarter, as a team would have it. Binding directions were chosen on
# simulated books of other seeds.
DEMO_SPEC = {
    "features": {"monotone": True},
    "test": {"start": "2024-09-01", "trainings": 4},
    "model": {"n_jobs": 2},
}

_GOALS = ("churn", "footprint", "advocacy", "feedback")
_DOUBLED = math.log(2.0)


class DriverFound(NamedTuple):
    """Share of truly driven accounts whose true driver comes first among the goals, with its 95 % interval."""

    share: float
    low: float
    high: float
    accounts: int


def driver_found(why: Explanation) -> DriverFound:
    """Compare the first goal of each account with the truth of the simulated book.

    An account is truly driven where one goal alone doubles its hazard of churn, or more, and leads the next goal by as
    much.
    """
    folder = demo_folder() / "truth"
    months = pd.read_parquet(folder / "months.parquet").set_index(["account_id", "month"])
    truth = SaasTruth(months, pd.read_parquet(folder / "accounts.parquet").set_index("account_id"))
    found = why.goals()
    true = truth.goals(found.index.get_level_values("as_of")[0])
    first = found.droplevel("as_of")[list(_GOALS)].idxmax(axis=1).reindex(true.index)
    driven = (true[list(_GOALS)].max(axis=1) >= _DOUBLED) & (true["margin"] >= _DOUBLED) & first.notna()
    hits = (first == true["driver"])[driven]
    low, high = share_interval(hits.sum(), len(hits), Z_95)
    return DriverFound(float(hits.mean()), float(low), float(high), len(hits))
