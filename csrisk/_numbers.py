"""Figures as people read them: one way to write numbers, signs, per cents, dates and money, wherever they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MINUS", "day", "money", "month", "number", "percent", "signed"]

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_SPACE = "\u00a0"
MINUS = "\u2212"


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


def month(date: pd.Timestamp) -> str:
    """Write a month in words, the same under every locale.

    Examples
    --------
    >>> import pandas as pd
    >>> month(pd.Timestamp("2025-10-01"))
    'October 2025'
    """
    return f"{_MONTHS[date.month - 1]} {date.year}"


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
    r"""Write an amount without cents.

    Parameters
    ----------
    amount : float or None
        None is written as a dash.
    currency : str, optional
        Written before the amount, behind its sign; letters are kept apart from it by an unbreakable blank.

    Returns
    -------
    str

    Examples
    --------
    >>> money(1234.5, "EUR"), money(99.6, "$")
    ('EUR\xa01,234', '$100')
    """
    if amount is None:
        return "\u2013"
    text, blank = _plain(amount, 0), _SPACE if currency[-1:].isalpha() else ""
    return f"{MINUS}{currency}{blank}{text[1:]}" if text.startswith(MINUS) else f"{currency}{blank}{text}"


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
    return f"{value:.3g}".replace("-", MINUS)


def _plain(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    if text.startswith("-") and not text.strip("-0.,"):
        text = text[1:]
    return text.replace("-", MINUS)
