"""Sums over windows of the past, declared once, and computed as expressions or as a compiled merge.

Where the engine is embedded, the rolled-up rows are brought home in order and merged with the snapshots (`merge`);
elsewhere the same declarations become expressions, which Spark and warehouses run. Both give the same features.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np

from csrisk._snapshots import Merged, Rows, merge
from csrisk.data._engines import MONEY, exact, one, whole

if TYPE_CHECKING:
    from csrisk.features._panel._past import Array, Facts, Past

__all__ = [
    "Count",
    "Each",
    "Largest",
    "NLogN",
    "Newest",
    "Oldest",
    "Over",
    "Sum",
    "Total",
    "seen_within",
    "tally",
    "tally_over",
]

Lazy = nw.LazyFrame[Any]
# both ways to one number cut its terms into the same grains, so that they agree to the last bit: a weight of 36 binary
# places times a whole number is exact, and a logarithm of another library seldom falls on the other side of 30 places
_GRAINS, _LOGARITHMS = 2.0**36, 2.0**30

Of: TypeAlias = Mapping[str, Any]  # facts of each entity: expressions or arrays, which know the same operators


@dataclass(frozen=True, slots=True)
class Sum:
    """Sum of a column over the rows of an age above `low`, up to `high` days."""

    column: str
    high: int
    low: int = 0
    of_floats: bool = False
    times_age: bool = False
    half_life: int | None = None

    @property
    def expression(self) -> nw.Expr:
        """As an expression over visible rows."""
        column, age, inside = nw.col(self.column), nw.col("age"), _inside(self.low, self.high)
        if self.half_life is not None:
            weight = ((age.cast(nw.Float64) * (-math.log(2) / self.half_life)).exp() * _GRAINS).round(0) / _GRAINS
            # the same grains as in `weights`, or both ways would differ in the last bit
            return exact(nw.when(inside).then(column.cast(nw.Float64) * weight), _GRAINS)
        if self.of_floats:
            return exact(nw.when(inside).then(column), MONEY)
        return whole(nw.when(inside).then(column * age if self.times_age else column).otherwise(0))

    def weights(self, reach: int) -> Array:
        """Give what a value of each age is multiplied with."""
        age = np.arange(reach + 1, dtype=np.float64)
        if self.half_life is not None:
            return np.rint(np.exp(age * (-math.log(2) / self.half_life)) * _GRAINS) / _GRAINS
        return age if self.times_age else np.ones(reach + 1)


@dataclass(frozen=True, slots=True)
class Newest:
    """Smallest age above `low`, up to `high` days."""

    high: int
    low: int = 0

    @property
    def expression(self) -> nw.Expr:
        """As an expression over visible rows."""
        return nw.when(_inside(self.low, self.high)).then(nw.col("age")).min()


@dataclass(frozen=True, slots=True)
class Oldest:
    """Largest age above `low`, up to `high` days."""

    high: int
    low: int = 0

    @property
    def expression(self) -> nw.Expr:
        """As an expression over visible rows."""
        return nw.when(_inside(self.low, self.high)).then(nw.col("age")).max()


Each: TypeAlias = Sum | Newest | Oldest


@dataclass(frozen=True, slots=True)
class Count:
    """Number of entities for which a condition holds."""

    condition: Callable[[Of], Any]

    def expression(self, of: Of) -> nw.Expr:
        """As an expression over entities."""
        return whole(one(self.condition(of)))

    def array(self, of: Of, starts: Array) -> Array:
        """From arrays of entities, those of a snapshot together from each start on."""
        return np.add.reduceat(np.asarray(self.condition(of), dtype=np.int64), starts)


@dataclass(frozen=True, slots=True)
class Total:
    """Sum of a column of whole numbers over entities."""

    column: str

    def expression(self, of: Of) -> nw.Expr:
        """As an expression over entities."""
        return whole(of[self.column])

    def array(self, of: Of, starts: Array) -> Array:
        """From arrays of entities, those of a snapshot together from each start on."""
        return np.add.reduceat(of[self.column], starts)


@dataclass(frozen=True, slots=True)
class Largest:
    """Largest number over entities: of a column, or of a formula over columns."""

    value: str | Callable[[Of], Any]

    def expression(self, of: Of) -> nw.Expr:
        """As an expression over entities."""
        number: nw.Expr = self._number(of)
        return number.cast(nw.Int64).max()

    def array(self, of: Of, starts: Array) -> Array:
        """From arrays of entities, those of a snapshot together from each start on."""
        return np.maximum.reduceat(self._number(of), starts)

    def _number(self, of: Of) -> Any:
        return of[self.value] if isinstance(self.value, str) else self.value(of)


@dataclass(frozen=True, slots=True)
class NLogN:
    """Sum of ``n log n`` over entities: what entropy needs. ``0 log 0`` is 0."""

    column: str

    def expression(self, of: Of) -> nw.Expr:
        """As an expression over entities."""
        count = of[self.column].cast(nw.Float64)
        logarithm = nw.when(count > 0).then(count).otherwise(nw.lit(1).cast(nw.Float64)).log()
        return exact(count * logarithm, _LOGARITHMS)

    def array(self, of: Of, starts: Array) -> Array:
        """From arrays of entities, those of a snapshot together from each start on."""
        count = of[self.column]
        # in fixed point like `exact`: the order of entities changes no bit
        terms = np.rint(count * np.log(np.maximum(count, 1.0)) * _LOGARITHMS).astype(np.int64)
        return np.add.reduceat(terms, starts) / _LOGARITHMS


def seen_within(days: int) -> Count:
    """Count the entities whose ``newest`` row is at most so many days old."""
    return Count(lambda of: of["newest"] <= days)


Over: TypeAlias = Count | Total | Largest | NLogN


def tally(past: Past, rolled: Lazy, each: Mapping[str, Each]) -> Facts:
    """Sum visible rows for each snapshot; NaN where it sees none."""
    if past.embedded:
        merged = _merge(past, rolled, each, None)
        return past.spread(merged.snapshot, {name: _array(merged, each, name) for name in each})
    sums = [term.expression.alias(name) for name, term in each.items()]
    return past.home(past.seen(rolled, _reach(each)).group_by("snapshot").agg(*sums))


def tally_over(past: Past, rolled: Lazy, entity: str, each: Mapping[str, Each], over: Mapping[str, Over]) -> Facts:
    """Sum visible rows for each entity that a snapshot sees, then sum over the entities; NaN where it sees none."""
    if past.embedded:
        merged = _merge(past, rolled, each, entity)
        of = {name: _array(merged, each, name) for name in each}
        # merged rows come snapshot by snapshot, so a new number begins a new one
        starts = np.flatnonzero(np.diff(merged.snapshot, prepend=-1))
        if not len(starts):
            return past.spread(starts, {name: np.zeros(0) for name in over})
        return past.spread(merged.snapshot[starts], {name: term.array(of, starts) for name, term in over.items()})
    entities = past.seen(rolled, _reach(each)).group_by("snapshot", entity)
    facts = entities.agg(*(term.expression.alias(name) for name, term in each.items()))
    columns = {name: nw.col(name) for name in each}
    sums = [term.expression(columns).alias(name) for name, term in over.items()]
    return past.home(facts.group_by("snapshot").agg(*sums))


def _inside(low: int, high: int) -> nw.Expr:
    age = nw.col("age")
    return (age > low) & (age <= high)


def _reach(each: Mapping[str, Each]) -> int:
    return max(term.high for term in each.values())


def _summed(each: Mapping[str, Each]) -> list[Sum]:
    """Different sums of the kernel: the windows come from its slices."""
    # sums that differ in their window alone are one sum of the kernel
    plain = (Sum(t.column, 0, 0, t.of_floats, t.times_age, t.half_life) for t in each.values() if isinstance(t, Sum))
    return list(dict.fromkeys(plain))


def _merge(past: Past, rolled: Lazy, each: Mapping[str, Each], entity: str | None) -> Merged:
    reach, sums = _reach(each), _summed(each)
    columns = list(dict.fromkeys(term.column for term in sums))
    # all edges of all windows: each window is then a run of whole slices
    edges = sorted({0, *(edge for term in each.values() for edge in (term.low, term.high))})
    weights = np.array([term.weights(reach) for term in sums]).reshape(len(sums), reach + 1)
    account, cut = past.account, past.cut.astype(np.int64)
    rows = _rows(past.near(rolled), entity, columns)
    return merge(account, cut, rows, edges, [columns.index(term.column) for term in sums], weights)


def _rows(rolled: Lazy, entity: str | None, columns: list[str]) -> Rows:
    """Sorted arrays; a table that was kept in order is not sorted again."""
    keys = ["account", "day", "known", *([entity] if entity else [])]
    # the kernel adds without asking what is missing
    numbers = [nw.col(name).cast(nw.Float64).fill_null(0.0).alias(f"{name}_") for name in columns]
    table = rolled.select(*(nw.col(name).cast(nw.Int64) for name in keys), *numbers).collect()
    account, day, known, *whom = (table[name].to_numpy() for name in keys)
    values = np.empty((len(columns), len(day)))
    for place, name in enumerate(columns):
        values[place] = table[f"{name}_"].to_numpy()
    whom = whom or [np.zeros(len(day), dtype=np.int64)]
    # whole numbers add up in any order; sums of floats follow the order of rows, so that it must be one
    order = (account, day) if entity else (account, day, known)
    # looking whether rows are in order is one pass; sorting a large table is not
    if not _ordered(order):
        by = np.lexsort(order[::-1])
        account, day, known, whom, values = account[by], day[by], known[by], [whom[0][by]], values[:, by]
    return Rows(account, day, known, whom[0], values)


def _ordered(keys: tuple[Array, ...]) -> bool:
    ties: Array = np.ones(max(len(keys[0]) - 1, 0), dtype=bool)
    for key in keys:
        # a later key counts only where all keys before it are equal
        step = np.diff(key)
        if (step[ties] < 0).any():
            return False
        ties &= step == 0
    return True


def _array(merged: Merged, each: Mapping[str, Each], name: str) -> Array:
    """Put the slices of a window together."""
    term = each[name]
    # low and high are edges themselves, so the slices between them make the window exactly
    low, high = np.searchsorted(merged.edges, (term.low, term.high))
    if isinstance(term, Sum):
        plain = Sum(term.column, 0, 0, term.of_floats, term.times_age, term.half_life)
        total: Array = merged.sums[_summed(each).index(plain), low:high].sum(axis=0)
        return total
    ages = (merged.newest if isinstance(term, Newest) else merged.oldest)[low:high]
    # 0 stands for an empty slice
    age = ages.max(axis=0) if isinstance(term, Oldest) else np.where(ages > 0, ages, np.inf).min(axis=0)
    return np.where((age > 0) & (age < np.inf), age, np.nan)
