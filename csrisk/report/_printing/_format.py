"""Figures as people read them; the same in HTML and Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csrisk.report._content import Cell, Column, Interval

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["cell", "day", "money", "number", "percent", "signed"]

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_SPACE = "\u00a0"
_MINUS = "\u2212"


def day(date: pd.Timestamp) -> str:
    """Write a date in words, the same under every locale.

    Parameters
    ----------
    date : Timestamp
        The date.

    Returns
    -------
    str

    Examples
    --------
    >>> import pandas as pd
    >>> day(pd.Timestamp("2025-10-01"))
    '1 October 2025'
    """
    return f"{date.day} {_MONTHS[date.month - 1]} {date.year}"


def percent(share: float, digits: int = 1) -> str:
    """Write a share as a percentage.

    Parameters
    ----------
    share : float
        From 0 to 1.
    digits : int, default 1
        Digits behind the point.

    Returns
    -------
    str
    """
    return f"{_plain(100 * share, digits)}{_SPACE}%"


def signed(points: float, digits: int = 1) -> str:
    """Write percentage points with their sign; zero has none.

    Parameters
    ----------
    points : float
        Percentage points.
    digits : int, default 1
        Digits behind the point.

    Returns
    -------
    str
    """
    text = _plain(points, digits)
    return f"+{text}" if points > 0 and float(text.replace(",", "")) > 0 else text


def money(amount: float | None, currency: str = "") -> str:
    """Write an amount without cents.

    Parameters
    ----------
    amount : float or None
        None is written as a dash.
    currency : str, optional
        Written before the amount.

    Returns
    -------
    str
    """
    return "\u2013" if amount is None else f"{currency}{_plain(amount, 0)}"


def number(value: float, digits: int | None = None) -> str:
    """Write a number with a fixed or a sensible number of digits.

    Parameters
    ----------
    value : float
        The number.
    digits : int, optional
        Digits behind the point; three significant ones by default.

    Returns
    -------
    str

    Examples
    --------
    >>> number(0.123456), number(12345.6), number(3.0)
    ('0.123', '12,346', '3')
    """
    if digits is not None:
        return _plain(value, digits)
    if abs(value) >= 100:
        return _plain(value, 0)
    return f"{value:.3g}".replace("-", _MINUS)


def cell(value: Cell, column: Column) -> str:
    """Write one cell of a table.

    Parameters
    ----------
    value : Cell
        The value; None is written as a dash.
    column : Column
        Says how.

    Returns
    -------
    str
    """
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
        return _plain(value, 0)
    return _float(value, column) if isinstance(value, float) else value


def _float(value: float, column: Column) -> str:
    if column.kind == "percent":
        return percent(value, 1 if column.digits is None else column.digits)
    if column.kind == "points":
        return signed(value)
    if column.kind == "money":
        return money(value)
    return number(value, column.digits)


def _plain(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    if text.startswith("-") and not text.strip("-0.,"):
        text = text[1:]
    return text.replace("-", _MINUS)
