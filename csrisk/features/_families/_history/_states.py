"""Running facts of an account, looked up as they stood at each snapshot.

A row says how things stood from its day until the next one. So a snapshot finds all that it wants to know of a whole
life in one row, and a window of any length is the difference of two.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from csrisk.data._engines import MONEY, exact
from csrisk.features._panel import _rollups
from csrisk.features._panel._rollups import NEVER, Rollups

if TYPE_CHECKING:
    from csrisk.features._panel._past import Array, Facts, Past

__all__ = ["States", "money_states", "use_states"]

Lazy = nw.LazyFrame[Any]
_STRIDE = 2**32  # one account's days never reach the next account's in a joint key


class States:
    """Rows that hold from their day until the next of their account."""

    def __init__(self, past: Past, rolled: Lazy) -> None:
        self.past, self.rolled = past, rolled
        named = ("account", "day", "known", "until")
        self.names = [name for name in rolled.collect_schema().names() if name not in named]

    def at(self, before: int = 0) -> Facts:
        """Look facts up so many days before each snapshot, with ``age``, the days since; NaN where none held."""
        if self.past.embedded:
            return self._found(before)
        cut = nw.col("cut")
        pairs = self.past.pairs.with_columns(cut - before) if before else self.past.pairs
        # the last row of the account before the cut is the one that still holds at it
        held = self.past.seen(self.rolled, pairs=pairs).filter(nw.col("until") >= cut)
        return self.past.home(held.select("snapshot", "age", *self.names))

    def _found(self, before: int) -> Facts:
        account, days, table = self._sorted
        cut = self.past.cut.astype(np.int64) - before
        # side left less one: the last row strictly before the cut
        place = np.searchsorted(account * _STRIDE + days, self.past.account * _STRIDE + cut) - 1
        there = place >= 0
        # the row before may be that of the account before
        there[there] = account[place[there]] == self.past.account[there]
        position, row = np.flatnonzero(there), place[there]
        found = {name: values[row] for name, values in table.items()} | {"age": cut[there] - days[row]}
        return self.past.spread(position, found)

    @cached_property
    def _sorted(self) -> tuple[Array, Array, Facts]:
        # null and NaN are two things in engines, and one in numpy
        numbers = [nw.col(name).cast(nw.Float64).fill_null(float("nan")) for name in self.names]
        keys = [nw.col(name).cast(nw.Int64) for name in ("account", "day")]
        table = self.past.near(self.rolled).select(*keys, *numbers).collect()
        account, days = table["account"].to_numpy(), table["day"].to_numpy()
        order = np.lexsort((days, account))
        return account[order], days[order], {name: table[name].to_numpy()[order] for name in self.names}


def use_states(rollups: Rollups) -> Lazy:
    """How use and money of an account stood after each day on which use became known.

    Use that became known late counts from the day on which it did: what a life looks like must not change afterwards.
    """
    return _running(rollups.get("usage_days", _rollups.usage_days, ("account", "day", "known")))


def money_states(rollups: Rollups) -> Lazy:
    """How money of an account stood after each day on which some became known, that of rows that are no use with it."""
    return _running(rollups.get("money_days", _rollups.money_days, ("account", "day", "known")))


def _running(rows: Lazy) -> Lazy:
    value, day = nw.col("value"), nw.col("day")
    days = rows.group_by("account", "known").agg(exact(value, MONEY).alias("value"))
    # dated on the day of being known, so that a state is never changed afterwards
    days = days.with_columns(nw.col("known").alias("day"), value.fill_null(0.0))
    by: dict[str, Any] = {"order_by": "day"}
    gap = (day - day.shift(1).over("account", **by)).fill_null(0).cast(nw.Int64)
    # the last state holds for ever
    until = day.shift(-1).over("account", **by).fill_null(NEVER)
    # whole numbers run up to the same sum on every engine
    units = value.round(0).cast(nw.Int64)
    days = days.with_columns(gap.alias("gap"), until.alias("until"), units.alias("units"))
    grains = ((value - nw.col("units").cast(nw.Float64)) * MONEY).round(0).cast(nw.Int64)
    days = days.with_columns((nw.col("gap") * nw.col("gap")).alias("squared"), grains.alias("grains"))
    days = days.with_columns((day * 0 + 1).cast(nw.Int64).alias("one"))
    sums = {"days": "one", "span": "gap", "squares": "squared", "units": "units", "grains": "grains"}
    runs = [
        nw.col(column).cum_sum().over("account", **by).cast(nw.Int64).alias(f"{run}_") for run, column in sums.items()
    ]
    longest = nw.col("gap").cum_max().over("account", **by).alias("longest")
    days = days.with_columns(*runs, longest)
    kept = ("account", "day", "known", "until", "value", "gap", "longest")
    return days.select(*kept, *(nw.col(f"{run}_").alias(run) for run in sums))
