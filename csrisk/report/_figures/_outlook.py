"""What lies ahead of the book: totals by segment, corrected by the forward test, and renewals month by month."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from csrisk.report._content import Cell, Column, Forecast, Interval, Table
from csrisk.report._figures._forecast import churn_forecast, mrr_forecast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from csrisk.report._accounts._facets import Facets
    from csrisk.report._book import Book
    from csrisk.report._figures._forecast import Bias, Floats

__all__ = ["make_outlook"]

_MONTHS = 12
_SEGMENTS = 20


def make_outlook(book: Book, facets: Facets, bias: Bias | None, when: str) -> tuple[Table, ...]:
    """Arrange the totals by segment, and the renewals of the next twelve months."""
    tables = (_by_segment(book, facets.segment, bias, when), _calendar(book, facets))
    return tuple(table for table in tables if table is not None)


def _by_segment(book: Book, segment: Sequence[str], bias: Bias | None, when: str) -> Table | None:
    kinds = sorted({*segment} - {""})[:_SEGMENTS]
    own = np.array(segment, dtype=object)
    # one segment alone is the whole book
    groups = [(kind, own == kind) for kind in kinds if len(kinds) > 1] + [("all", np.ones(len(own), bool))]
    # the row of all alone says what the first screen says
    if bias is None and len(groups) == 1:
        return None
    rows = tuple((name, int(inside.sum()), *_totals(book, inside, bias)) for name, inside in groups)
    money = () if book.mrr is None else ("Revenue at risk",)
    heads = [f"{what}{which}" for what in ("Expected to leave", *money) for which in _ways(bias)]
    columns = (Column("Segment"), Column("Accounts", "integer"), *(Column(head, "number", 0) for head in heads))
    note = f"Churn {when}; ranges are 90 % intervals of the total, "
    if bias is None:
        note += "by chance alone: no forward test tells the error of the model."
    else:
        note += (
            "by chance and by the error of totals in the forward test. Corrected: every risk is moved by what "
            "is carried of that error, at most a quarter of it; the move is the same for all segments."
        )
    return Table("Expected churn by segment", columns, rows, note)


def _ways(bias: Bias | None) -> tuple[str, ...]:
    return ("",) if bias is None else (", by the model", ", corrected")


def _totals(book: Book, inside: npt.NDArray[np.bool_], bias: Bias | None) -> list[Cell]:
    risk = book.probability[inside]
    cells = [_cell(churn_forecast(risk, bias))]
    if bias is not None:
        cells.append(_cell(bias.total(risk, np.ones(len(risk)))))
    if book.mrr is None:
        return cells
    money: Floats = book.mrr[inside]
    cells.append(_cell(mrr_forecast(risk, money, bias)))
    if bias is not None:
        cells.append(_cell(bias.total(risk, money)))
    return cells


def _cell(told: Forecast) -> Cell:
    return Interval(told.expected, told.low, told.high)


def _calendar(book: Book, facets: Facets) -> Table | None:
    due = np.array(facets.renewal, dtype=object)
    rows: list[tuple[Cell, ...]] = []
    for name in facets.months[:_MONTHS]:
        inside = due == name
        # the book is in order of priority
        first = int(np.flatnonzero(inside)[0])
        money: tuple[Cell, ...] = ()
        if book.mrr is not None:
            # in a sum 0 is the same as left out
            known = np.nan_to_num(book.mrr[inside])
            money = (float(known.sum()), float((known * book.probability[inside]).sum()))
        rows.append((book.names[first], name, int(inside.sum()), float(book.probability[inside].mean()), *money))
    if not rows:
        return None
    priced = () if book.mrr is None else (Column("Revenue a month", "money"), Column("At risk", "money"))
    columns = (Column("Month"), Column("Accounts", "integer"), Column("Mean risk", "percent"), *priced)
    shown = tuple((*row[1:], row[0]) for row in rows)
    note = "Contracts that end in each month; the account named is the first of them in the order of priority."
    return Table("Renewals ahead", (*columns, Column("First to look at")), shown, note)
