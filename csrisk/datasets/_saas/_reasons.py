"""Why simulated accounts say that they left: mostly what drove them, sometimes something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from csrisk.datasets._saas._truth import SaasTruth

__all__ = ["last_drivers", "reasons"]

_WORDS = {
    "footprint": "not used enough",
    "churn": "too much effort",
    "advocacy": "expectations not met",
    "feedback": "feedback ignored",
}
_TRUE, _OTHER = 0.65, 0.2  # share that states its driver, and that gives the price; the rest states another goal


def last_drivers(months: pd.DataFrame) -> pd.Series:
    """Driver of the last running month of each account; missing where none was felt in it."""
    # tail and not last(), which takes the last month that has a driver, however long ago
    return months["driver"].groupby(level="account_id", sort=False).tail(1).droplevel("month")


def reasons(accounts: pd.DataFrame, truth: SaasTruth, seed: int) -> pd.Series:
    """Reasons of the accounts that ended; missing for the others.

    What people state when they leave is noisy: 65 % name the goal that drove them most in their last month (the price
    where none did), 20 % the price, the others one of the goals at random.
    """
    # a stream of its own: the tables of a seed do not depend on reasons
    chance = np.random.default_rng([seed, 17])
    last = last_drivers(truth.months).reindex(accounts["account_id"])
    draw, other = chance.random(len(accounts)), chance.choice(list(_WORDS.values()), len(accounts))
    said = np.where(
        draw < _TRUE, last.astype("str").map(_WORDS).fillna("price"), np.where(draw < _TRUE + _OTHER, "price", other)
    )
    return pd.Series(said, index=accounts.index, dtype=object).where(accounts["ended_at"].notna(), None)
