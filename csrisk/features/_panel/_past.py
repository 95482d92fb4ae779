"""What a set of snapshots may know: rolled-up tables seen through `visible`, and brought home by snapshot."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from csrisk._days import as_days
from csrisk._snapshots import visible
from csrisk.data._findings import did_you_mean
from csrisk.exceptions import FeatureError
from csrisk.features._panel import _rollups
from csrisk.features._panel._rollups import Rollups

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["Array", "Facts", "Past", "latest", "nothing", "ratio", "share_of_change"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Facts: TypeAlias = dict[str, Array]
Lazy = nw.LazyFrame[Any]


def ratio(above: Array, below: Array) -> Array:
    """Quotient; NaN where nothing is below (0/0 says nothing)."""
    # both branches are computed before one is chosen
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / below, np.nan)


def share_of_change(now: Array, before: Array) -> Array:
    """Difference against the sum, between -1 and 1; NaN where both are nothing."""
    return ratio(now - before, now + before)


def latest(seen: Lazy, order: str, *values: nw.Expr) -> Lazy:
    """Aggregate the rows that come last in each snapshot.

    Rows that share the last place are aggregated together, so that the order of rows never matters.
    """
    last = seen.group_by("snapshot").agg(nw.col(order).max().alias("last"))
    # joined back, so that all rows of the last place stay and not the one that an engine meets first
    rows = seen.join(last, on="snapshot", how="inner").filter(nw.col(order) == nw.col("last"))
    return rows.group_by("snapshot").agg(*values)


def nothing(past: Past, *absent: str) -> Facts:
    """Facts of missing evidence: NaN until the first fact is put in, afterwards for the names that are absent."""
    return _Nothing(len(past.index), absent)


class _Nothing(dict[str, Array]):
    def __init__(self, length: int, absent: tuple[str, ...]) -> None:
        super().__init__()
        self._length, self._absent = length, absent

    def __missing__(self, name: str) -> Array:
        # a name that is spelled wrong must not become a column of NaN
        if self and name not in self._absent:
            raise FeatureError(f"fact {name!r} is never computed; {did_you_mean(name, sorted(self))}")
        return np.full(self._length, np.nan)


class Past:
    """The past of some snapshots."""

    def __init__(
        self, data: CustomerData, snapshots: Snapshots, rollups: Rollups | None = None, *, part: bool = False
    ) -> None:
        self.data = data
        self.snapshots = snapshots
        self.rollups = rollups or Rollups(data)
        self.index = snapshots.index
        self.shared: Facts = {}  # what one family found and another can use
        # rows of other accounts are left out of a part; parts hold neighbours, so two bounds are enough
        self._between = (int(self.account.min()), int(self.account.max())) if part else None
        dates = pd.DatetimeIndex(self.index.levels[1])
        self.cut: Array = as_days(dates)[self.index.codes[1]].astype(np.float64)

    @property
    def embedded(self) -> bool:
        """Whether the rows are in this process, so that they can be merged here."""
        return self.data.engine.name in ("duckdb", "polars")

    @cached_property
    def account(self) -> Array:
        """Code of the account of each snapshot."""
        codes = self.data.accounts.get_indexer(self.index.levels[0])
        # looked up by level and not by row: an account is hashed once
        return np.asarray(codes, dtype=np.int64)[self.index.codes[0]]

    @cached_property
    def pairs(self) -> Lazy:
        """Snapshots as a lazy frame."""
        return self.data.engine.materialise(self.snapshots.lazy(self.data), sort_by=("account", "cut"))

    def near(self, rolled: Lazy) -> Lazy:
        """Rows of the accounts that are looked at."""
        if self._between is None:
            return rolled
        low, high = self._between
        return rolled.filter(nw.col("account") >= low, nw.col("account") <= high)

    def seen(self, rolled: Lazy, window: int | None = None, *, pairs: Lazy | None = None) -> Lazy:
        """Rows that the snapshots, or some of them, may see."""
        return visible(self.pairs if pairs is None else pairs, self.near(rolled), window=window)

    def home(self, frame: Lazy) -> Facts:
        """Bring one row per snapshot home: numbers as float64 and NaN where a snapshot has no row."""
        rows = self.data.engine.collect(frame)
        position = rows.pop("snapshot").to_numpy(dtype=np.int64)
        facts: Facts = {}
        for name, column in rows.items():
            if pd.api.types.is_numeric_dtype(column):
                values: Array = np.full(len(self.index), np.nan)
                values[position] = column.to_numpy(np.float64, na_value=np.nan)
            else:
                values = np.full(len(self.index), None, dtype=object)
                values[position] = column.astype(object).where(column.notna(), None)
            facts[str(name)] = values
        return facts

    def spread(self, position: Array, found: Facts) -> Facts:
        """Put what some snapshots have in their places; NaN for all others."""
        facts = {name: np.full(len(self.index), np.nan) for name in found}
        for name, values in found.items():
            facts[name][position] = values
        return facts

    def counts(self, frame: Lazy, table: str, *columns: str) -> Facts:
        """Bring counts home: 0 where a snapshot has no row but the table and columns are evidence, else NaN."""
        return self.filled(self.home(frame), table, *columns)

    def filled(self, facts: Facts, table: str, *columns: str) -> Facts:
        """Fill counts up: 0 where a snapshot has no row but the table and columns are evidence, else NaN."""
        there = self.evidence(table, *columns)
        return {name: np.where(there, np.nan_to_num(values), np.nan) for name, values in facts.items()}

    def since(self, table: str, *columns: str) -> int:
        """First day on which something was known of the table and of each of the columns."""
        # the later one: before it one of them was silent because nothing was recorded
        return max([self.rollups.since(table), *(self.rollups.since(table, column) for column in columns)])

    def evidence(self, table: str, *columns: str) -> Array:
        """Whether the table, and each of the columns, held anything by then."""
        # strictly, as what becomes known on the day of the snapshot is not seen
        return self.cut > self.since(table, *columns)

    def exposure(self, window: int, table: str, *columns: str) -> Array:
        """Days of the window in which the account was a customer and the table was kept; NaN without evidence."""
        recorded = self.cut - self.since(table, *columns)
        # fmin: where the tenure is unknown the other two bounds decide
        days = np.fmin(np.minimum(float(window), recorded), self.tenure)
        return np.where(days > 0, days, np.nan)

    @cached_property
    def plan(self) -> Array:
        """Plan of the latest running contract, else of the accounts table; None where neither is known."""
        # here and not above: the families import this module
        from csrisk.features._families._context import account_facts
        from csrisk.features._families._relationship import plan_now

        empty: Array = np.full(len(self.index), None, dtype=object)
        contract = plan_now(self) if "subscriptions" in self.data.tables else empty
        stated = account_facts(self, ("plan",)).get("plan", empty)
        # a contract has a date and the table of accounts has none, so the contract is believed
        return np.where(pd.isna(contract), stated, contract)

    @cached_property
    def tenure(self) -> Array:
        """Days since the relation began: the earliest of account start, first contract and first known use."""
        return self.cut - self._started

    def fresh(self, window: int, table: str, *columns: str) -> Array:
        """Whether something seen for the first time within the window is new, and not just the start of the records."""
        recorded = self.cut - self.since(table, *columns)
        # else all that began before the records would look new when they begin
        return (recorded > window) | ((self.tenure <= recorded) & (recorded > 0))

    @cached_property
    def _started(self) -> Array:
        started: Array = np.full(len(self.index), np.nan)
        for table in ("accounts", "subscriptions", "usage"):
            if table not in self.data.tables:
                continue
            if table == "usage":
                rows = self.rollups.get("use_firsts", _rollups.use_firsts)
            else:
                rows = self.data.lazy(table).select("account", "day", "known").filter(~nw.col("day").is_null())
            first = self.seen(rows).group_by("snapshot").agg(nw.col("day").min())
            # fmin passes over tables in which the account does not occur
            started = np.fmin(started, self.home(first)["day"])
        return started
