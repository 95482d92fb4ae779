"""Tables about the footprint: features within reach, products that go together, and the pace of adoption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk._snapshots import Snapshots
from csrisk._text import number
from csrisk.report._content import Column, Interval, Table
from csrisk.report._names import clean
from csrisk.report._success._tables import share_of
from csrisk.success import co_adoption, unused_features, velocity

if TYPE_CHECKING:
    from csrisk.data import CustomerData
    from csrisk.report._book import Book
    from csrisk.report._content import Cell

__all__ = ["footprint_tables"]

_LISTED = 10
_AMONG = 2000  # accounts compared with each other
_SURE = 0.5


def footprint_tables(
    data: CustomerData, seen: Snapshots, book: Book, worth: pd.Series | None = None
) -> dict[str, Table | None]:
    """Make the tables of the footprint, None where there is no evidence."""
    first = [key for key in book.keys if key in data.accounts][:_AMONG]
    some = Snapshots.of(data, pd.DataFrame({"account_id": first, "as_of": book.as_of}))
    names = dict(zip(book.keys, book.names, strict=True))
    told = data.has("usage", "feature")
    return {
        "features within reach": _within_reach(unused_features(data, some, worth=worth), len(some)) if told else None,
        "products that go together": _together(co_adoption(data, seen)) if data.has("usage", "product") else None,
        "pace of adoption": _slowest(velocity(data, seen), names) if data.has("usage") else None,
    }


def _within_reach(table: pd.DataFrame, n: int) -> Table | None:
    """By feature: how many accounts have it, do not use it, and resemble accounts of which most do."""
    # the lower bound: most similar accounts use it beyond chance
    fits = table[table["low"] >= _SURE].reset_index()
    if fits.empty:
        return None
    grouped = fits.groupby("feature")
    order = grouped.size().sort_values(ascending=False, kind="stable")
    if "worth" in fits:
        worth = grouped["worth"].first().reindex(order.index)
        # stable: features of one worth stay in the order of their accounts
        order = order.loc[worth.sort_values(ascending=False, kind="stable").index]
    order = order.head(_LISTED)
    rows: list[tuple[Cell, ...]] = []
    for name, count in order.items():
        part = grouped.get_group(name)
        share = Interval(*(100 * float(part[bound].mean()) for bound in ("share", "low", "high")))
        rows.append((clean(name), int(count), share_of(count, n), share, round(float(part["similar"].mean()))))
    columns = (
        Column("Feature"),
        Column("Accounts", "integer"),
        Column("Of the book, %", "number", 0),
        Column("Similar accounts that use it, %", "number", 0),
        Column("Similar accounts asked", "integer"),
    )
    note = (
        "Available, unused in 90 days, and used by most similar accounts (lower bound above 50 %). First those whose "
        "users left less often, then by accounts. It fits; that it"
    )
    return Table("Features within reach", columns, tuple(rows), f"{note} would help is not tested.")


def _together(table: pd.DataFrame) -> Table | None:
    # a lift of 1 is chance, and must lie outside of the range
    sure = table[table["low"] > 1].head(_LISTED)
    rows: list[tuple[Cell, ...]] = []
    for _, row in sure.iterrows():
        users = share_of(row["accounts"], row["of"])
        lift = Interval(float(row["lift"]), float(row["low"]), float(row["high"]))
        rows.append(
            (clean(row["given"]), clean(row["then"]), int(row["accounts"]), users, 100 * float(row["base"]), lift)
        )
    columns = (
        Column("Those who use"),
        Column("also use"),
        Column("Accounts", "integer"),
        Column("Share, %", "number", 0),
        Column("Of all, %", "number", 0),
        Column("Lift", "number", 2),
    )
    note = (
        "Pairs of products used together by 10 accounts or more in 90 days, and more often than chance would have it."
    )
    return Table("Products that go together", columns, tuple(rows), note) if rows else None


def _slowest(table: pd.DataFrame, names: dict[Any, str]) -> Table | None:
    # where use does not name features, days of use are what is left to count
    measure = "features" if table["features_place"].notna().any() else "active_days"
    place = f"{measure}_place"
    known = table.dropna(subset=place)
    if known.empty:
        return None
    # the whole range below the middle: slower than half of the cohort beyond chance
    slow = known[known[f"{place}_high"] < _SURE].sort_values([f"{place}_high", place], kind="stable").head(_LISTED)
    rows: list[tuple[Cell, ...]] = []
    for key, row in slow.droplevel("as_of").iterrows():
        interval = Interval(*(100 * float(row[f"{place}{end}"]) for end in ("", "_low", "_high")))
        grown = None if pd.isna(row["growth"]) else int(row["growth"])
        rows.append((names[key], clean(row["cohort"]), int(row["others"]), int(row[measure]), interval, grown))
    columns = (
        Column("Account", "name"),
        Column("Customer for, days"),
        Column("Others of that tenure", "integer"),
        Column("Features used" if measure == "features" else "Active days", "integer"),
        Column("Slower than it, % of these", "number", 0),
        Column("Change of active days", "integer"),
    )
    count = int((known[f"{place}_high"] < _SURE).sum())
    note = (
        f"{number(count, 0)} of {number(len(known), 0)} accounts with use and a cohort are slower than half of it "
        "beyond chance; last"
    )
    caption = "Slow for their tenure"
    return Table(caption, columns, tuple(rows), f"{note} 90 days.") if rows else None
