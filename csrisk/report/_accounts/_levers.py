"""What each lever would make of the risk of the first accounts, as the model answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csrisk._explain import NEGLIGIBLE
from csrisk.report._content import LeverPart

if TYPE_CHECKING:
    from csrisk.report._book import Book

__all__ = ["make_levers"]


def make_levers(book: Book, count: int) -> tuple[tuple[LeverPart, ...], ...]:
    """Ask the model for the first accounts of a book with each lever; what would print as no change is left out."""
    if book.why.asked is None or not count:
        return ()
    rows = book.rows[:count]
    table = book.why.lever_answers(rows)
    account = table["place"].to_numpy()
    return tuple(
        tuple(
            LeverPart(name, round(float(risk), 1), float(change), stays)
            for name, risk, change, stays in zip(
                part.index.get_level_values("lever"), part["what_if"], part["change"], part["stays"], strict=True
            )
            if abs(change) >= NEGLIGIBLE
        )
        for part in (table[account == place] for place in range(len(rows)))
    )
