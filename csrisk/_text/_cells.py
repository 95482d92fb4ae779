"""Text of strangers in cells of CSV that a spreadsheet opens, and the words that mean no value there."""

from __future__ import annotations

import itertools
import numbers
import re
import unicodedata
from typing import Any

import numpy as np
import pandas as pd

from csrisk._text._printable import one_line

__all__ = ["MISSING_WORDS", "csv_bare", "csv_safe", "csv_text"]

# what programs write where there is no value, in lower case
MISSING_WORDS = ("", "nan", "nat", "none", "null", "na", "n/a", "<na>")

_FORMULA = frozenset("=+-@|%\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b\u207a\u207b\u208a\u208b")
_QUOTES = frozenset("'\"`\u2018\u2019\u201c\u201d\u00ab\u00bb\uff02\uff07")
_CONTROLS = frozenset("\t\r\n")
# where a spreadsheet set to another country, or LibreOffice as it comes, begins a new cell within a cell of ours
_ENDS = re.compile(r"(?<=[;\t])")
_PLAIN = (numbers.Number, np.generic, pd.Timestamp)


def csv_safe(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would run as a formula.

    The rule of OWASP's page on CSV injection, with the full-width and small forms of the same characters, also behind
    blanks, quotes and marks that do not show, and behind a semicolon or tab, where a spreadsheet may begin a new cell.

    Parameters
    ----------
    text : str
        Cell text.

    Returns
    -------
    str

    Examples
    --------
    >>> csv_safe("=HYPERLINK(1)"), csv_safe("Acme"), csv_safe("Acme;=1")
    ("'=HYPERLINK(1)", 'Acme', "Acme;'=1")
    """
    return "".join(_begun(part) for part in _ENDS.split(text))


def csv_bare(text: str) -> str:
    """Take the apostrophes off again that `csv_safe` put.

    Parameters
    ----------
    text : str
        Cell text that was read.

    Returns
    -------
    str

    Examples
    --------
    >>> csv_bare("'=1"), csv_bare("'t Hooft"), csv_bare("Acme;'=1")
    ('=1', "'t Hooft", 'Acme;=1')
    """
    # only where csv_safe would have put it there: an id may begin with an apostrophe of its own
    return "".join(part[1:] if part[:1] == "'" and _begun(part[1:]) == part else part for part in _ENDS.split(text))


def _begun(text: str) -> str:
    # most cells begin so, and no formula does
    if text[:1].isalnum():
        return text
    blank = "".join(itertools.takewhile(_blank, text))
    first = text[len(blank) : len(blank) + 1]
    # OWASP counts a tab or an end of line at the beginning as well
    return f"'{text}" if first in _FORMULA or not _CONTROLS.isdisjoint(blank) else text


def csv_text(table: pd.DataFrame) -> str:
    """Write a flat table as CSV with a header: one line for each row, no formula, numbers as they are."""
    # the end of line is said, as pandas takes that of the machine
    text: str = _harmless(table).to_csv(index=False, lineterminator="\n")
    return text


def _harmless(table: pd.DataFrame) -> pd.DataFrame:
    """Make text, and whatever else is neither number nor date, one line without formula; header cells too."""
    # by position, as names may repeat
    columns = [_column(table.iloc[:, place]) for place in range(table.shape[1])]
    out = pd.concat(columns, axis=1) if columns else table.copy()
    return out.set_axis([_cell(str(name)) for name in table.columns], axis=1)


def _column(series: pd.Series[Any]) -> pd.Series[Any]:
    kind = series.dtype
    if pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_datetime64_any_dtype(kind):
        return series
    kept = [value if _bare(value) else _cell(str(value)) for value in series.astype(object)]
    return pd.Series(kept, index=series.index, dtype=object)


def _bare(value: object) -> bool:
    """Whether a value is written as it is: a number, a date, or missing."""
    return value is None or value is pd.NA or value is pd.NaT or isinstance(value, _PLAIN)


def _cell(text: str) -> str:
    return one_line(csv_safe(text))


def _blank(sign: str) -> bool:
    return sign.isspace() or sign in _QUOTES or unicodedata.category(sign) in ("Cc", "Cf", "Zs", "Zl", "Zp")
