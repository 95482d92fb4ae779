"""Cells of tables as people read them; the same in HTML and Markdown."""

from __future__ import annotations

from csrisk._text import day, money, number, percent, reworded, signed
from csrisk.report._content import Cell, Column, Interval

__all__ = ["cell", "day", "money", "number", "percent", "signed"]


def cell(value: Cell, column: Column) -> str:
    """Write one cell of a table."""
    if value is None:
        return "\u2013"
    if isinstance(value, Interval):
        text = number(value.estimate, column.digits)
        if value.low is None or value.high is None:
            return text
        return f"{text} ({number(value.low, column.digits)} to {number(value.high, column.digits)})"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return number(value, 0)
    if isinstance(value, float):
        return _float(value, column)
    # names are their owners'; other text may hold the dates of a table or of a model file
    return value if column.kind == "name" else reworded(value)


def _float(value: float, column: Column) -> str:
    if column.kind == "percent":
        return percent(value, 1 if column.digits is None else column.digits)
    if column.kind == "heat":
        return number(100 * value, 0)
    if column.kind == "points":
        return signed(value)
    if column.kind == "money":
        return money(value)
    return number(value, column.digits)
