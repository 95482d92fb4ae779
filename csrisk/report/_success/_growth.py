"""Tables about growth: room to grow, what features are worth, and whether new ones are taken up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._text import day, number
from csrisk.report._book import figure_at
from csrisk.report._content import Column, Interval, Table
from csrisk.report._names import clean
from csrisk.success import release_adoption

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData
    from csrisk.report._accounts._standing import Standing
    from csrisk.report._book import Book
    from csrisk.report._content import Cell

__all__ = ["growth_tables", "offer_words", "with_advice"]

_LISTED = 10


def growth_tables(
    data: CustomerData, seen: Snapshots, book: Book, standing: Standing, worth: pd.DataFrame | None
) -> dict[str, Table | None]:
    """Make the tables, None where there is no evidence."""
    return {
        "room to grow": _room(book, standing),
        "worth of features": None if worth is None else _worth(worth),
        "adoption of new features": _releases(release_adoption(data, seen)) if data.has("features") else None,
    }


def offer_words(offer: Any) -> str:
    """Say what to offer as a step."""
    return f"Offer {clean(offer).replace('_', ' ')}"


def with_advice(flat: pd.DataFrame, book: Book, standing: Standing) -> tuple[pd.DataFrame, tuple[Column, ...]]:
    """Add to the accounts likely to expand why and what to offer; those to be kept first are said to be so."""
    # standing is in the order of the book, the list in that of the expansion
    growth = standing.growth.set_axis(list(book.keys)).reindex(flat["account_id"])
    known = standing.mood["position"].set_axis(list(book.keys)).reindex(flat["account_id"]).notna().to_numpy()
    # of whom happiness is unknown nobody can say that they are not happy
    ready = growth["ready"].eq(other=True).fillna(value=False).to_numpy(bool) | ~known
    offered = growth["offer"].notna().to_numpy()
    steps = [offer_words(offer) if there else None for offer, there in zip(growth["offer"], offered, strict=True)]
    first = "not happy, or at risk above the median: keep first"
    why = [
        clean(reason) if there else None if safe else first
        for reason, there, safe in zip(growth["reason"], offered, ready, strict=True)
    ]
    columns = Column("Why"), Column("Next step")
    told = {"growth_reason": why, "growth_step": steps}
    return flat.assign(**{name: pd.Series(words, flat.index, dtype=object) for name, words in told.items()}), columns


def _room(book: Book, standing: Standing) -> Table | None:
    there = np.flatnonzero(standing.growth["offer"].notna().to_numpy())
    rows: list[tuple[Cell, ...]] = []
    for at in there:
        row = standing.growth.iloc[at]
        money = figure_at(book.mrr, int(at))
        rows.append(
            (book.names[at], offer_words(row["offer"]), clean(row["reason"]), money, float(book.probability[at]))
        )
    # by money; sort is stable, so without it in the order of priority
    rows.sort(key=lambda row: -row[3] if isinstance(row[3], float) else 0.0)
    columns = (
        Column("Account", "name"),
        Column("Next step"),
        Column("Why"),
        Column("Money a month", "money"),
        Column("Risk", "percent"),
    )
    note = "Happy, and at risk below the median. Whether an offer is taken up was not tested."
    note += f" The first {_LISTED} of {number(len(rows), 0)}." if len(rows) > _LISTED else ""
    return (
        Table("Room to grow: what to offer to the safe and happy", columns, tuple(rows[:_LISTED]), note)
        if rows
        else None
    )


def _worth(table: pd.DataFrame) -> Table | None:
    # without a range nothing was compared
    told = table[table["churn_low"].notna() | table["growth_low"].notna()].head(_LISTED)
    rows: list[tuple[Cell, ...]] = []
    for name, row in told.iterrows():
        # false discovery rate of 5 %, as many features are looked at
        shown = [f"{what} {number(row[f'{what}_q'], 3)}" for what in ("churn", "growth") if row[f"{what}_q"] <= 0.05]
        figures = (_points(row, "churn"), _points(row, "growth"))
        rows.append((clean(name), int(row["users"]), int(row["others"]), *figures, ", ".join(shown) or "not shown"))
    columns = (
        Column("Feature"),
        Column("Accounts that used it", "integer"),
        Column("Had it and did not", "integer"),
        Column("Left later, points more than others", "number", 1),
        Column("Grew later, points more than others", "number", 1),
        Column("Beyond chance, false discovery rate"),
    )
    note = (
        "Users against accounts that have the feature and do not use it, among accounts of the same date and fifth of "
        "active days. With 95 % ranges, by accounts. What users do was seen, not caused by the feature."
    )
    return Table("What features are worth", columns, tuple(rows), note) if rows else None


def _points(row: pd.Series, what: str) -> Interval | None:
    if pd.isna(row[f"{what}_low"]):
        return None
    return Interval(*(100 * float(row[f"{what}_{end}"]) for end in ("difference", "low", "high")))


def _releases(table: pd.DataFrame) -> Table | None:
    rows: list[tuple[Cell, ...]] = []
    for name, row in table.head(_LISTED).iterrows():
        share = Interval(*(100 * float(row[end]) for end in ("share", "low", "high")))
        wait = None if pd.isna(row["days_to_use"]) else float(row["days_to_use"])
        rows.append((clean(name), day(row["released"]), int(row["accounts"]), share, wait))
    columns = (
        Column("Feature"),
        Column("Released"),
        Column("Accounts that have it", "integer"),
        Column("Use it, %", "number", 0),
        Column("Days to the first use, median", "number", 0),
    )
    return (
        Table("New features, and who took them up", columns, tuple(rows), "Released within 180 days.") if rows else None
    )
