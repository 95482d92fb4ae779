"""How long accounts stay: by month of start, by segment, and what is still to be expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from csrisk._text import month, number
from csrisk.exceptions import CsriskError
from csrisk.report._content import Column, Interval, Survival, Table
from csrisk.report._names import clean
from csrisk.success import cohorts, remaining_life, retention

if TYPE_CHECKING:
    import pandas as pd

    from csrisk.data import CustomerData
    from csrisk.report._content import Cell

__all__ = ["cohort_tables", "survival_of"]

_MONTHS = 12
_STARTS = 24
_GROUPS = 4  # colours that are told apart
_LEAST = 5  # followed accounts; with fewer, one that leaves throws the curve to the ground
_MONTH_DAYS = 365.25 / 12
_AT = (3, 6, 12, 24, 36)
_AFTER = (0, 180, 365)
_BY = ("segment", "plan")


def cohort_tables(data: CustomerData, as_of: pd.Timestamp) -> tuple[Table, ...]:
    """Give retention of accounts and of revenue by month of start, as it was known at the date."""
    try:
        found = cohorts(data, until=as_of)
    except CsriskError:
        return ()
    tables = (_heat(found, "retention", "accounts"), _heat(found, "revenue_retention", "monthly revenue"))
    return tuple(table for table in tables if table)


def _heat(found: pd.DataFrame, value: str, words: str) -> Table | None:
    wide = found[value].unstack("month").drop(columns=0, errors="ignore")  # noqa: PD010  # at the start all are there
    wide = wide.dropna(axis="columns", how="all").dropna(how="all").iloc[-_STARTS:]
    if not wide.shape[1]:
        return None
    # rounded up: a dozen columns at most
    every = max(1, -(-int(wide.columns.max()) // _MONTHS))
    wide = wide.loc[:, wide.columns.to_numpy(np.int64) % every == 0]
    first = found.groupby("start_month")[["accounts", "few"]].first()
    rows: list[tuple[Cell, ...]] = []
    for start, row in wide.iterrows():
        counts = first.loc[start]
        shares = (None if np.isnan(share) else float(share) for share in row.to_numpy(np.float64))
        rows.append((f"{month(start)}{'*' if counts['few'] else ''}", int(counts["accounts"]), *shares))
    columns = (
        Column("Month of start"),
        Column("Accounts", "integer"),
        *(Column(f"{month} months" if month != 1 else "1 month", "heat") for month in wide.columns),
    )
    note = (
        f"Per cent of {words} still there so many full months after the start, coming back not counted. Empty: not "
        "every account of the month was followed for so long. * fewer than 20 accounts: one more or less moves the "
        "share by more than 5 points."
    )
    return Table(f"Retention of {words} by month of start", columns, tuple(rows), note, folded=True)


def survival_of(data: CustomerData, as_of: pd.Timestamp) -> Survival | None:
    """Estimate the share of accounts that stay by segment, and the life that is still to be expected."""
    by = next((name for name in _BY if data.has("accounts", name)), None)
    try:
        found = retention(data, by, until=as_of)
        life = remaining_life(data, by, after=_AFTER, until=as_of)
    except CsriskError:
        return None
    if found.empty:
        return None
    # the largest groups have curves; stable, so that groups of one size keep their order
    sizes = (found["left"] + found["censored"]).groupby("group").sum().sort_values(ascending=False, kind="stable")
    groups = list(sizes.index[:_GROUPS])
    curves = tuple((f"{clean(group)} ({number(sizes[group], 0)})", _points(found.loc[group])) for group in groups)
    more = f" The {len(groups)} largest of {len(sizes)} groups." if len(sizes) > len(groups) else ""
    tables = (_stay_table(found, groups, by, more), _life_table(life, groups, by))
    return Survival(curves, tuple(table for table in tables if table))


def _points(one: pd.DataFrame) -> tuple[tuple[int, float, float, float], ...]:
    """Give the steps of a curve, up to the last day on which enough accounts were followed."""
    thin = (one["at_risk"].to_numpy() < _LEAST) & (one.index.to_numpy() > 0)
    # argmax of booleans is the first that is true, and 0 where none is
    kept = one.iloc[: int(np.argmax(thin)) if thin.any() else len(one)]
    figures = kept[["retention", "low", "high"]].to_numpy(np.float64).tolist()
    return tuple((int(day), *row) for day, row in zip(kept.index, figures, strict=True))


def _stay_table(found: pd.DataFrame, groups: list[str], by: str | None, more: str) -> Table:
    # a month that no group has reached would be a column of dashes
    months = [at for at in _AT if any(at * _MONTH_DAYS <= found.loc[group].index.max() for group in groups)]
    rows: list[tuple[Cell, ...]] = []
    for group in groups:
        one: Any = found.loc[group]
        cells: list[Cell] = []
        for at in months:
            cells += _at(one, at * _MONTH_DAYS)
        rows.append((clean(group), int(one["at_risk"].max()), *cells))
    columns = [Column((by or "group").capitalize()), Column("Followed at most", "integer")]
    for at in months:
        columns += [Column(f"Stay {at} months, %", "number", 0), Column(f"Followed at {at}", "integer")]
    note = (
        "Kaplan-Meier with 95 % intervals (Greenwood, log-log); accounts that began before the tables count from the "
        f"day they are first seen. A dash: fewer than {_LEAST} accounts were followed so long.{more}"
    )
    return Table("Share of accounts that stay, and accounts followed", tuple(columns), tuple(rows), note)


def _at(one: pd.DataFrame, day: float) -> list[Cell]:
    """Share that stays to a day with its interval, and accounts followed there; nothing where they are too few."""
    # who is at risk at the next step was followed to this day
    later = one[one.index >= day]
    followed = int(later["at_risk"].iloc[0]) if len(later) else 0
    if followed < _LEAST:
        return [None, followed]
    row = one[one.index <= day].iloc[-1]
    return [Interval(*(100 * float(row[name]) for name in ("retention", "low", "high"))), followed]


def _life_table(life: pd.DataFrame, groups: list[str], by: str | None) -> Table | None:
    rows: list[tuple[Cell, ...]] = []
    for group in groups:
        cells: list[Cell] = []
        for after in _AFTER:
            row: Any = life.loc[(group, after)]
            known = not np.isnan(row["days"])
            months = (float(row[name]) / _MONTH_DAYS for name in ("days", "low", "high"))
            cells += [Interval(*months) if known else None, int(row["at_risk"])]
        rows.append((clean(group), *cells))
    if not any(isinstance(cell, Interval) for row in rows for cell in row):
        return None
    columns = [Column((by or "group").capitalize())]
    for after in _AFTER:
        columns += [
            Column("Of the next 12, from the start" if not after else f"after {after} days", "number", 1),
            Column("Followed", "integer"),
        ]
    note = "Months that an account is expected to stay of the next twelve, once it has stayed so long (95 % intervals)."
    return Table("Months still to be expected", tuple(columns), tuple(rows), note)
