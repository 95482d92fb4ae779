"""What the tables looked like month by month: rows, accounts, levels and gaps, as ranges for later months."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from scipy.stats import trim_mean

from csrisk.data import CONTRACT
from csrisk.data._engines import exact, one, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from csrisk.data import CustomerData

__all__ = ["MONTHS", "TableProfile", "months_of", "now_of", "profile_of"]

Lazy = nw.LazyFrame[Any]
# months of equal length, so that counts compare; twelve hold a season
DAYS, MONTHS = 30, 12
# a column of more is free text or an id, in which a new value is no news
_MOST_VALUES = 200
# at both ends: one large customer would move the mean of a small book
_TRIMMED = 0.1
_KEYS = ["table", "column", "measure"]
# of rows that are filled in later, such as an answer, a gap says nothing
_STATED, _AT_ONCE = ("number", "category", "bool", "id", "text"), ("category", "id")
_LATER = ("outcome",)


@dataclass(frozen=True, eq=False)
class TableProfile:
    """What training saw of the tables."""

    # index (table, column, measure): of a table accounts (with rows), rows (of each), kept (share of accounts of the
    # month before that have rows again), change (their rows against those of the month before), twice (share of rows
    # that are there already); of a column missing (share) and level (trimmed mean over accounts of their mean)
    ranges: pd.DataFrame
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def empty(cls) -> TableProfile:
        """Give the profile of a model that noted nothing; nothing is judged by it."""
        return cls.from_dict({"ranges": [], "columns": {}, "categories": {}})

    @classmethod
    def of_months(cls, months: pd.DataFrame) -> TableProfile:
        """Take the ranges of months alone."""
        return cls(_ranges(months))

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        rows = [
            [*map(str, key), *map(float, row)]
            for key, row in zip(self.ranges.index, self.ranges.to_numpy(), strict=True)
        ]
        return {
            "ranges": rows,
            "columns": {table: list(names) for table, names in self.columns.items()},
            "categories": {name: list(values) for name, values in self.categories.items()},
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> TableProfile:
        """Read what `to_dict` gave."""
        rows = [_row(entry) for entry in told["ranges"]]
        ranges = pd.DataFrame(rows, columns=[*_KEYS, "low", "high", "months"]).set_index(_KEYS)
        columns, values = (
            {str(k): tuple(map(str, v)) for k, v in told[name].items()} for name in ("columns", "categories")
        )
        return cls(ranges.astype(np.float64), columns, values)


def _row(entry: Any) -> list[Any]:
    table, column, measure, *numbers = entry
    figures = [float(number) for number in numbers]
    # profiles come from model files, which anybody may have written
    if table not in CONTRACT or len(figures) != 3 or not all(map(math.isfinite, figures)):
        raise ValueError("range of a table")
    return [str(table), str(column), str(measure), *figures]


def profile_of(data: CustomerData, as_of: Any, measured: pd.DataFrame | None = None) -> TableProfile:
    """Take the ranges of the months before a date; `measured` are these and more, where they are there already."""
    months = months_of(data, as_of, MONTHS) if measured is None else _first_of(measured)
    columns = {table: tuple(name for name in CONTRACT[table].names if data.has(table, name)) for table in data.tables}
    values = {}
    for table, name in _categories(data):
        found = _values(data, table, name, as_of, MONTHS * DAYS)
        # _values gives one more than allowed, which is how too many show
        if 0 < len(found) <= _MOST_VALUES:
            values[f"{table}.{name}"] = tuple(sorted(found.index))
    return TableProfile(_ranges(months), columns, values)


def _first_of(measured: pd.DataFrame) -> pd.DataFrame:
    """Take the months of a profile out of more: nothing is held against the months before them."""
    oldest = measured["measure"].isin(["kept", "change"]) & (measured["month"] >= MONTHS - 1)
    return measured[(measured["month"] < MONTHS) & ~oldest]


def _ranges(months: pd.DataFrame) -> pd.DataFrame:
    # a month without rows has no level, and must not count among the months of a range
    known = months[months["value"].notna()]
    found = known.groupby(_KEYS, sort=True)["value"].agg(["min", "max", "size"])
    return found.set_axis(["low", "high", "months"], axis=1).astype(np.float64)


def now_of(data: CustomerData, as_of: Any, profile: TableProfile) -> pd.DataFrame:
    """Measure the month before a date as the profile was measured."""
    # two, as kept and change hold the latest month against the one before
    months = months_of(data, as_of, 2)
    found = months[months["month"] == 0].set_index(_KEYS)[["value", "n"]]
    more = []
    for name, seen in profile.categories.items():
        table, _, column = name.partition(".")
        if not data.has(table, column):
            continue
        counts = _values(data, table, column, as_of, DAYS)
        if len(counts):
            share = float(counts[~counts.index.isin(seen)].sum() / counts.sum())
            more.append([table, column, "unseen", share, float(counts.sum())])
    extra = pd.DataFrame(more, columns=[*_KEYS, "value", "n"]).set_index(_KEYS)
    return pd.concat([found, extra]).astype(np.float64) if more else found


def months_of(data: CustomerData, as_of: Any, months: int) -> pd.DataFrame:
    """Measure each of the months before a date."""
    cut = int((pd.Timestamp(as_of) - pd.Timestamp(0)).days)
    rows = [row for table in _dated(data) for row in _measures(data, table, cut, months)]
    # also of contracts and accounts: they have no months, and may be loaded twice all the same
    rows += [row for table in data.tables if CONTRACT[table].has_account for row in _twice(data, table, cut)]
    return pd.DataFrame(rows, columns=[*_KEYS, "month", "value", "n"])


def _dated(data: CustomerData) -> list[str]:
    return [table for table in data.tables if CONTRACT[table].event]


def _columns(data: CustomerData, table: str, *kinds: str) -> list[str]:
    return [
        c.name
        for c in CONTRACT[table].columns
        if c.kind in kinds and c.name != "account_id" and data.has(table, c.name)
    ]


def _categories(data: CustomerData) -> Iterator[tuple[str, str]]:
    for table in _dated(data):
        yield from ((table, name) for name in _columns(data, table, "category"))


def _by_month(rows: Lazy, cut: int, months: int) -> Lazy:
    """Rows of the months before a day, each as it was known at the end of its month."""
    age = cut - nw.col("day")
    # comparisons and sums alone: engines divide whole numbers each in their own way
    month = sum((one(age > DAYS * number) for number in range(1, months)), start=one(age < 0))
    rows = rows.filter(nw.col("day") < cut, nw.col("day") >= cut - DAYS * months).with_columns(month.alias("month"))
    # rows that are entered late would make past months fuller than the latest one can be
    return rows.filter(nw.col("known") < cut - DAYS * nw.col("month"))


def _measures(data: CustomerData, table: str, cut: int, months: int) -> Iterator[list[Any]]:
    kinds = _AT_ONCE if CONTRACT[table].second_times else _STATED
    stated = [name for name in _columns(data, table, *kinds) if name not in _LATER]
    numbers = _columns(data, table, "number")
    names = sorted({*stated, *numbers})
    # counted as whole numbers, which no engine may answer with a decimal
    sums = [whole(nw.col("day") * 0 + 1).alias("n")]
    sums += [whole(one(~nw.col(name).is_null())).alias(f"n_{name}") for name in names]
    # exact: the order in which threads add changes no bit, so every engine measures alike
    sums += [exact(nw.col(name)).alias(f"sum_{name}") for name in numbers]
    rows = _by_month(data.lazy(table), cut, months).group_by("account", "month").agg(*sums)
    # in one order, as means of accounts are added in it
    found = data.engine.collect(rows).sort_values(["account", "month"], ignore_index=True)
    first = data.engine.collect(data.lazy(table).select(nw.col("day").min().alias("day")))["day"].iloc[0]
    # a month that the table does not cover from its first day would look like a loss
    whole_months = min(months, int((cut - first) // DAYS))
    accounts = {month: part.set_index("account")["n"] for month, part in found.groupby("month")}
    nobody = pd.Series(dtype=np.int64)
    # the latest month counts in any case: a table may have lost all the others
    for month in range(max(1, whole_months)):
        part = found[found["month"] == month]
        n, before, now = len(part), accounts.get(month + 1, nobody), accounts.get(month, nobody)
        yield [table, "", "accounts", month, float(n), n]
        yield [table, "", "rows", month, part["n"].sum() / n if n else np.nan, n]
        # the oldest month has none before it
        if month + 1 < whole_months and len(before):
            again = now[now.index.isin(before.index)]
            yield [table, "", "kept", month, len(again) / len(before), len(before)]
            yield [table, "", "change", month, again.sum() / before.sum(), float(before.sum())]
        for name in stated if n else ():
            yield [table, name, "missing", month, 1 - part[f"n_{name}"].sum() / part["n"].sum(), n]
        for name in numbers if n else ():
            own = part[part[f"n_{name}"] > 0]
            # by account first, so that accounts with many rows do not decide
            means = (own[f"sum_{name}"] / own[f"n_{name}"]).to_numpy(dtype=np.float64)
            yield [table, name, "level", month, float(trim_mean(means, _TRIMMED)) if len(means) else np.nan, len(own)]


def _twice(data: CustomerData, table: str, cut: int) -> Iterator[list[Any]]:
    """Share of rows that say in every column what another one says: of the latest month, or of all contracts."""
    rows = data.lazy(table).filter(nw.col("day") < cut, nw.col("known") < cut)
    if CONTRACT[table].event:
        rows = rows.filter(nw.col("day") >= cut - DAYS)
    count = whole(nw.col("account") * 0 + 1).alias("n")
    n, different = (data.engine.collect(part.select(count))["n"].iloc[0] for part in (rows, rows.unique()))
    if not pd.isna(n) and n:
        yield [table, "", "twice", 0, 1 - float(different) / float(n), int(n)]


def _values(data: CustomerData, table: str, name: str, as_of: Any, days: int) -> pd.Series:
    """Rows by category within days before a date."""
    cut = int((pd.Timestamp(as_of) - pd.Timestamp(0)).days)
    day, known = nw.col("day"), nw.col("known")
    rows = data.lazy(table).filter(day < cut, known < cut, day >= cut - days, ~nw.col(name).is_null())
    counts = data.engine.collect(
        rows.group_by(name)
        .agg(whole(day * 0 + 1).alias("n"))
        .sort("n", name, descending=[True, False])
        .head(_MOST_VALUES + 1)
    )
    return counts.set_index(counts[name].astype(str))["n"]
