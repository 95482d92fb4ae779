"""What the accounts of a book are filtered by: segment, plan, owner and the month of the renewal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._text import month
from csrisk.report._book import book_features
from csrisk.report._names import clean

if TYPE_CHECKING:
    from csrisk.data import CustomerData
    from csrisk.report._book import Book

__all__ = ["Facets", "read_facets"]

_MOST = 60  # values of one attribute: more are no choice that anybody makes from a list
_NONE = ""


@dataclass(frozen=True, slots=True)
class Facets:
    """By account in the order of the book; empty where it is not known."""

    segment: tuple[str, ...]
    plan: tuple[str, ...]
    owner: tuple[str, ...]
    renewal: tuple[str, ...]
    months: tuple[str, ...]

    def choices(self, name: str) -> tuple[str, ...]:
        """Values to choose from, months in their order; none where there is nothing to choose."""
        found = self.months if name == "renewal" else tuple(sorted({*getattr(self, name)} - {_NONE}))
        # one value leaves nothing to choose
        return found if 2 <= len(found) <= _MOST else ()


def read_facets(book: Book, data: CustomerData | None) -> Facets:
    """Read the attributes; owners are colleagues, and a pseudonymised report names none of them."""
    # a pseudonymised book calls its accounts otherwise than by their ids
    named = book.accounts == tuple(map(str, book.keys))
    dates = _renewals(book)
    known = dates.dropna().unique().sort_values()
    return Facets(
        segment=_attribute(book, data, "segment"),
        plan=_attribute(book, data, "plan"),
        owner=_attribute(book, data, "owner") if named else (_NONE,) * len(book.keys),
        renewal=tuple(_NONE if pd.isna(date) else month(date) for date in dates),
        months=tuple(dict.fromkeys(month(date) for date in known)),
    )


def _attribute(book: Book, data: CustomerData | None, name: str) -> tuple[str, ...]:
    if data is None or not data.has("accounts", name):
        return (_NONE,) * len(book.keys)
    table = data.frame("accounts").drop_duplicates("account_id").set_index("account_id")[name]
    return tuple(clean(value) for value in table.reindex(list(book.keys)).astype(object))


def _renewals(book: Book) -> pd.DatetimeIndex:
    """First days of the months in which the next renewals are due."""
    features = book_features(book.why)
    if not book.dated or "days_to_renewal" not in features:
        return pd.DatetimeIndex([pd.NaT] * len(book.keys))
    left = pd.Series(features["days_to_renewal"].to_numpy(np.float64, na_value=np.nan)[book.rows])
    days = pd.to_timedelta(left.where(left.between(0, 3650)).to_numpy(), unit="D")
    return pd.DatetimeIndex(book.as_of + days).to_period("M").to_timestamp()
