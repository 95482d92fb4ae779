"""How well the bundled book is read: its truth is known, so the driver found can be compared with the true one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from csrisk.data._demo import demo_folder

if TYPE_CHECKING:
    from csrisk._explain import Explanation

__all__ = ["DriverFound", "driver_found"]

_GOALS = ("churn", "footprint", "advocacy", "feedback")
_DOUBLED = math.log(2.0)
_Z = 1.959963984540054  # two-sided 95 %


class DriverFound(NamedTuple):
    """Share of truly driven accounts whose true driver comes first among the goals, with its 95 % interval."""

    share: float
    low: float
    high: float
    accounts: int


def driver_found(why: Explanation) -> DriverFound:
    """Compare the first goal of each account with the truth of the simulated book.

    An account is truly driven where one goal alone at least doubles its odds of churn against the book of that month.

    Parameters
    ----------
    why : Explanation
        Contributions for the bundled book at its last date.

    Returns
    -------
    DriverFound
        The interval is Wilson's.
    """
    months = pd.read_parquet(demo_folder() / "truth" / "months.parquet")
    last = months[months["month"] == months["month"].max()].set_index("account_id")
    true = last[[f"churn_{goal}" for goal in _GOALS]]
    found = why.goals().droplevel("as_of")[list(_GOALS)]
    both = found.index.intersection(true.index)
    true, found = true.loc[both], found.loc[both]
    driven = true.to_numpy().max(axis=1) >= _DOUBLED
    hits = (true.to_numpy().argmax(axis=1) == found.to_numpy().argmax(axis=1))[driven]
    return DriverFound(float(hits.mean()), *_wilson(int(hits.sum()), len(hits)), len(hits))


def _wilson(hits: int, count: int) -> tuple[float, float]:
    share, spread = hits / count, _Z**2 / count
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * float(np.sqrt(share * (1 - share) / count + spread / (4 * count))) / (1 + spread)
    return middle - half, middle + half
