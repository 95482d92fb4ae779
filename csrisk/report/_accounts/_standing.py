"""Where each account of the portfolio stands: happiness, what it brings, and the quadrant of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from csrisk.success import (
    company_happiness,
    growth_advice,
    happiness,
    relationship_traps,
    success_quadrant,
    whom_to_ask,
)

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData
    from csrisk.report._book import Book

__all__ = ["Standing", "read_standing"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Tables in the order of the book, on its keys; accounts that the tables do not know have missing values."""

    seen: Snapshots
    mood: pd.DataFrame
    company: pd.DataFrame
    quadrant: pd.DataFrame
    traps: pd.DataFrame
    growth: pd.DataFrame
    ask: pd.DataFrame

    @property
    def quadrants(self) -> list[str]:
        """Name of the quadrant of each account, empty where either side is unknown."""
        if "quadrant" not in self.quadrant:
            return [""] * len(self.mood)
        return ["" if pd.isna(name) else str(name) for name in self.quadrant["quadrant"].astype(object)]


def read_standing(book: Book, data: CustomerData | None) -> Standing | None:
    """Work out where the accounts of a book stand; None where the tables know none of them."""
    seen = None if data is None else book.snapshots(data)
    if data is None or seen is None:
        return None
    mood, company = (_in_order(made(data, seen), book) for made in (happiness, company_happiness))
    quadrant = success_quadrant(mood, company) if mood["position"].notna().any() else pd.DataFrame()
    risk = pd.Series(book.probability, index=mood.index)
    place = seen.index.get_level_values("account_id")
    # for those that the tables know, in the order of their snapshots
    there = [column.reindex(place).set_axis(seen.index) for column in (mood["position"], risk)]
    growth = _in_order(growth_advice(data, there[0], there[1], seen), book)
    traps = _in_order(relationship_traps(data, seen), book)
    ask = whom_to_ask(data, there[0], there[1], seen)
    # without a record of advocacy nobody knows who was asked before
    return Standing(seen, mood, company, quadrant, traps, growth, ask if data.has("advocacy") else ask.iloc[:0])


def _in_order(table: pd.DataFrame, book: Book) -> pd.DataFrame:
    by_account = table.set_axis(table.index.get_level_values("account_id"))
    return by_account.reindex(pd.Index(book.keys, name="account_id"))
