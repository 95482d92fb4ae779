"""Customer success beside the risk: happiness, the quadrant, satisfied leavers, the journey, the feedback ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk.report._content import Column, Interval, Success, Table
from csrisk.report._names import clean
from csrisk.success import (
    HAPPINESS_STAGES,
    QUADRANTS,
    company_happiness,
    feedback_ledger,
    happiness,
    journey,
    loyalty_groups,
    success_quadrant,
)

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData
    from csrisk.report._book import Book

__all__ = ["make_success"]

_LISTED = 15
_LEAVERS = "satisfied but at risk"


def make_success(book: Book, data: CustomerData | None) -> Success | None:
    """Work out where the book stands beside its risk, from whatever tables there are.

    Parameters
    ----------
    book : Book
        The book in order of priority.
    data : CustomerData or None
        The tables.

    Returns
    -------
    Success or None
        None where no table of these accounts was handed over.
    """
    seen = None if data is None else book.snapshots(data)
    if data is None or seen is None:
        return None
    mood = _in_order(happiness(data, seen), book)
    company = _in_order(company_happiness(data, seen), book)
    risk = pd.Series(book.probability, index=mood.index)
    known = mood["position"].notna()
    quadrant = success_quadrant(mood, company) if known.any() else pd.DataFrame()
    groups = loyalty_groups(mood["position"], risk)
    return Success(
        accounts=len(mood),
        known=int(known.sum()),
        stages=tuple((stage, int((mood["stage"].astype(object) == stage).sum())) for stage in HAPPINESS_STAGES),
        quadrants=_quadrants(quadrant, book),
        happy_from=float(quadrant["happy_from"].iloc[0]) if len(quadrant) else 0.6,
        value_from=_first(quadrant, "value_from"),
        measure="profit a month" if (company["measure"] == "profit").any() else "monthly revenue",
        points=_points(quadrant, book),
        leavers=_leavers(groups, mood, book),
        journey=_journey(data, seen) if data.has("contacts", "stage") else None,
        ledger=_ledger(data, seen) if data.has("surveys") else None,
    )


def _in_order(table: pd.DataFrame, book: Book) -> pd.DataFrame:
    """Rows in the order of the book, on its keys; accounts without tables have missing values."""
    by_account = table.set_axis(table.index.get_level_values("account_id"))
    return by_account.reindex(pd.Index(book.keys, name="account_id"))


def _first(table: pd.DataFrame, column: str) -> float | None:
    known = table[column].dropna() if column in table else pd.Series(dtype=float)
    return float(known.iloc[0]) if len(known) else None


def _quadrants(table: pd.DataFrame, book: Book) -> tuple[tuple[str, int, float], ...]:
    """Name, number of accounts, and mean probability of churn of each quadrant."""
    if "quadrant" not in table:
        return ()
    rows = []
    for name in QUADRANTS:
        inside = (table["quadrant"].astype(object) == name).to_numpy()
        rows.append((name, int(inside.sum()), float(book.probability[inside].mean()) if inside.any() else 0.0))
    return tuple(rows)


def _points(table: pd.DataFrame, book: Book) -> tuple[tuple[float, float, float], ...]:
    """Position, value and probability of each account that has both sides."""
    if "quadrant" not in table:
        return ()
    both = table["position"].notna().to_numpy() & table["value"].notna().to_numpy()
    columns = table["position"].to_numpy(np.float64), table["value"].to_numpy(np.float64), book.probability
    return tuple((float(x), float(y), float(p)) for x, y, p in zip(*(c[both] for c in columns), strict=True))


def _leavers(groups: pd.Series, mood: pd.DataFrame, book: Book) -> Table | None:
    inside = np.flatnonzero((groups.astype(object) == _LEAVERS).to_numpy())
    if not len(inside):
        return None
    rows = tuple(
        (
            book.names[at],
            float(book.probability[at]),
            Interval(*(float(mood[name].iloc[at]) for name in ("position", "low", "high"))),
            clean(mood["stage"].iloc[at]),
        )
        for at in inside[:_LISTED]
    )
    columns = (
        Column("Account", "name"),
        Column("Risk", "percent"),
        Column("Happiness, 0 to 1", "number", 2),
        Column("Stage"),
    )
    more = f" The first {_LISTED} of {len(inside)}." if len(inside) > _LISTED else ""
    return Table("Satisfied, and likely to leave", columns, rows, f"Satisfaction alone does not keep them.{more}")


def _journey(data: CustomerData, seen: Snapshots) -> Table | None:
    table = journey(data, seen)
    rows = tuple(
        (
            clean(row.Index),
            int(str(row.contacts)),
            _interval(row.hard_share, row.low, row.high),
            _known(row.hours_to_resolve),
            _known(row.preventive_share),
            _known(row.sentiment),
        )
        for row in table.itertuples()
    )
    columns = (
        Column("Stage"),
        Column("Contacts", "integer"),
        Column("Share that was hard", "number", 2),
        Column("Hours to resolve", "number", 0),
        Column("Begun by us", "percent", 0),
        Column("Sentiment, 0 to 1", "number", 2),
    )
    return Table("The journey by stage, last 365 days", columns, rows) if rows else None


def _ledger(data: CustomerData, seen: Snapshots) -> Table | None:
    table = feedback_ledger(data, seen, by="book")
    if table.empty:
        return None
    row: Any = table.iloc[-1]
    counts = tuple((name.capitalize(), int(row[name])) for name in ("asked", "answered", "acknowledged", "acted"))
    return Table("The feedback ledger, last 365 days", (Column("Step"), Column("Surveys", "integer")), counts)


def _known(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _interval(estimate: Any, low: Any, high: Any) -> Interval | None:
    return None if pd.isna(estimate) else Interval(float(estimate), _known(low), _known(high))
