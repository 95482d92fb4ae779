"""The table of handovers: what followed when one team passed accounts to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk.report._content import Cell, Column, Interval, Table
from csrisk.report._names import clean
from csrisk.success import handovers

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["handovers_table"]


def handovers_table(data: CustomerData, seen: Snapshots) -> Table | None:
    """Say what followed when one team passed accounts to the next."""
    table: Any = handovers(data, seen)
    rows: list[tuple[Cell, ...]] = [
        (
            f"{clean(row.Index[0])} to {clean(row.Index[1])}",
            int(row.handovers),
            int(row.accounts),
            None if pd.isna(row.asked_again) else float(row.asked_again),
            None if pd.isna(row.hard_share) else Interval(float(row.hard_share), float(row.low), float(row.high)),
            int(row.resolved),
            None if pd.isna(row.sentiment) else float(row.sentiment),
            int(row.answers) if pd.notna(row.answers) else 0,
        )
        for row in table.itertuples()
    ]
    columns = (
        Column("From team to team"),
        Column("Handovers", "integer"),
        Column("Accounts", "integer"),
        Column("Asked again, a contact", "number", 2),
        Column("Share that was hard", "number", 2),
        Column("Of resolved", "integer"),
        Column("Sentiment, 0 to 1", "number", 2),
        Column("Answers", "integer"),
    )
    note = (
        "Contacts of the 30 days from the handover on, in 365 days. Asked again: requests for information by resolved "
        "contact. Hard: handed on, reopened or asked again, with 95 % ranges."
    )
    return Table("Handovers, most asked again first", columns, tuple(rows), note) if rows else None
