"""What an account used and spent in spans of its past, and when that tells who left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from csrisk.data._engines import MONEY
from csrisk.features._families._history._states import States, money_states, use_states
from csrisk.features._panel._past import share_of_change

if TYPE_CHECKING:
    from csrisk.data import CustomerData
    from csrisk.features._family import Formula
    from csrisk.features._panel._past import Array, Facts, Past

__all__ = ["Running", "change", "named", "silence_tells"]


def silence_tells(data: CustomerData) -> bool:
    """Whether use is recorded and no end of a contract: then it is silence that tells who left."""
    ends = data.has("subscriptions", "end_at") or data.has("accounts", "ended_at")
    return data.has("usage", "at") and not ends


def change(now: str, before: str) -> Formula:
    """Give the formula of a change between two facts; below 0 counts as 0."""
    # refunds may leave a span below 0, where a share has no meaning
    return lambda facts: share_of_change(np.maximum(facts[now], 0.0), np.maximum(facts[before], 0.0))


def named(facts: Facts, suffix: str) -> Facts:
    """Add a word to the names of facts."""
    return {f"{name}_{suffix}": values for name, values in facts.items()}


class Running:
    """Days of use and money of each snapshot's account in spans of the past."""

    def __init__(self, past: Past) -> None:
        self.past = past
        self.use = States(past, past.rollups.get("use_states", use_states))
        idle = past.rollups.idle_money
        self.money = States(past, past.rollups.get("money_states", money_states)) if idle else self.use

    def between(self, first: int, last: int) -> Facts:
        """Give days and money from so many days before the snapshot until so many; NaN before records began."""
        # no row held then: nothing was used yet
        used = [np.nan_to_num(self.use.at(before)["days"]) for before in (last, first)]
        spent = [self._spent(before) for before in (last, first)]
        # money in grains of 1e-8: the difference of two sums of floats would leave dust where nothing was spent
        facts = {"days": used[0] - used[1], "money": np.round(spent[0] - spent[1], 8)}
        columns: dict[str, tuple[str, ...]] = {"days": (), "money": ("value",)}
        for name, needed in columns.items():
            recorded = self.past.cut - self.past.since("usage", *needed)
            facts[name] = np.where(recorded > last, facts[name], np.nan)
        return facts

    def _spent(self, before: int) -> Array:
        found = self.money.at(before)
        return np.nan_to_num(found["units"] + found["grains"] / MONEY)
