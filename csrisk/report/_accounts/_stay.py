"""How long accounts are expected to stay: on each card, and over all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._text import number
from csrisk.exceptions import ConfigError
from csrisk.report._content import Column, Interval, Stay, Table

if TYPE_CHECKING:
    from csrisk.report._book import Book
    from csrisk.report._content import Cell

__all__ = ["make_stays", "stay_table"]

_NAMES = ("expected_months", "months_low", "months_high")
_MONEY = ("expected_margin", "margin_low", "margin_high")


def make_stays(book: Book, lifetimes: pd.DataFrame | None) -> tuple[Stay | None, ...]:
    """Give each account in order how long it is expected to stay; None where nobody can tell."""
    if lifetimes is None:
        return (None,) * len(book.keys)
    missing = [name for name in (*_NAMES, *_MONEY) if name not in lifetimes]
    if missing:
        raise ConfigError(f"lifetimes: columns {missing} are missing; hand over what a score table has of longevity")
    table = lifetimes.set_axis(lifetimes.index.get_level_values("account_id")).reindex(pd.Index(book.keys))
    figures = table[[*_NAMES, *_MONEY]].to_numpy(np.float64, na_value=np.nan)
    return tuple(_stay(row) for row in figures.tolist())


def _stay(row: list[float]) -> Stay | None:
    months, money = row[:3], row[3:]
    if any(np.isnan(months)):
        return None
    return Stay(Interval(*months), None if any(np.isnan(money)) else Interval(*money))


def stay_table(stays: tuple[Stay | None, ...]) -> Table | None:
    """Sum up the months and the margin over quarters of the accounts, the shortest expectation first."""
    known = sorted((stay for stay in stays if stay is not None), key=lambda stay: stay.months.estimate)
    if not known:
        return None
    rows: list[tuple[Cell, ...]] = []
    parts = [part for part in np.array_split(np.arange(len(known)), min(4, len(known))) if len(part)]
    for part in [*parts, np.arange(len(known))]:
        inside = [known[at] for at in part]
        # a single account is its own quarter: the row of all comes after it
        name = "all" if len(inside) == len(known) and rows else f"from {number(inside[0].months.estimate, 1)} months"
        money = [stay.margin.estimate for stay in inside if stay.margin is not None]
        months = float(np.mean([stay.months.estimate for stay in inside]))
        rows.append((name, len(inside), months, float(np.sum(money)) if money else None, len(money)))
    columns = (
        Column("Quarter of the accounts"),
        Column("Accounts", "integer"),
        Column("Months expected, mean", "number", 1),
        Column("Margin expected in that time", "money"),
        Column("Of accounts with known money", "integer"),
    )
    note = (
        "Months are counted up to the months of the specification; who stays longer counts as staying so long. Money: "
        "profit a month where finance tells it, else revenue."
    )
    return Table("How long accounts are expected to stay", columns, tuple(rows), note)
