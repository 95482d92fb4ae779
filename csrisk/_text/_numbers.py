"""Figures as people read them: one way to write numbers, signs, per cents, dates and money, wherever they are shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MINUS", "day", "money", "month", "number", "percent", "reworded", "signed", "unbroken"]

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_SPACE = "\u00a0"
MINUS = "\u2212"
_ISO = re.compile(r"(?<![\w-])\d{4}-\d\d-\d\d(?![\w-])")
_PER_CENT = re.compile(r"(?<=\d) %")
_HYPHEN = re.compile(r"(?<![^\s(])-(?=\d)")


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


def percent(share: float, digits: int | None = 1) -> str:
    """Write a share as a percentage; without `digits`, with as many as a number has."""
    return f"{number(100 * share, digits)}{_SPACE}%"


def unbroken(text: str) -> str:
    """Keep each figure of a text and its per cent sign on one line."""
    return _PER_CENT.sub(f"{_SPACE}%", text)


def reworded(text: str) -> str:
    r"""Write the figures in a text of a file or a log as people read them: dates, minus signs, per cents.

    Examples
    --------
    >>> reworded("12 of 2025-10-01 (3.1 %), -2 before")
    '12 of 1 October 2025 (3.1\xa0%), \u22122 before'
    """
    return _HYPHEN.sub(MINUS, _ISO.sub(_in_words, unbroken(text)))


def _in_words(found: re.Match[str]) -> str:
    import pandas as pd

    date = pd.to_datetime(found[0], errors="coerce")
    return found[0] if pd.isna(date) else day(date)


def signed(points: float, digits: int = 1) -> str:
    """Write percentage points with their sign; zero has none."""
    text = _plain(points, digits)
    # by what is printed: +0.0 would say that something rose
    return f"+{text}" if points > 0 and float(text.replace(",", "")) > 0 else text


def money(amount: float | None, currency: str = "", digits: int = 0) -> str:
    r"""Write an amount, without cents by default.

    Parameters
    ----------
    amount : float or None
        None is written as a dash.
    currency : str, optional
        Written before the amount, behind its sign; letters are kept apart from it by an unbreakable blank.
    digits : int, default 0
        Digits behind the point.

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
    text, blank = _plain(amount, digits), _SPACE if currency[-1:].isalpha() else ""
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
    >>> number(0.123456), number(12345.6), number(3.0), number(0.0000123)
    ('0.123', '12,346', '3', '0.000012')
    """
    if digits is not None:
        return _plain(value, digits)
    # three significant digits would be written 1.23e+04
    if abs(value) >= 100:
        return _plain(value, 0)
    text = f"{value:.3g}"
    if "e" in text:  # below 0.0001: nobody reads powers of ten
        text = f"{value:.6f}".rstrip("0").rstrip(".")
    # a small negative number may be rounded to nothing
    return "0" if text == "-0" else text.replace("-", MINUS)


def _plain(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    # what is rounded to nothing has no sign
    if text.startswith("-") and not text.strip("-0.,"):
        text = text[1:]
    return text.replace("-", MINUS)
