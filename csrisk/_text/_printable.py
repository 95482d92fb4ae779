"""Text of strangers on a terminal: nothing that acts on it or turns the reading direction."""

from __future__ import annotations

import unicodedata

__all__ = ["one_line", "printable"]

# embeddings, overrides, isolates and marks; other signs of format, such as joiners, belong to words and stay
_DIRECTION = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}


def printable(text: str) -> str:
    r"""Take out what would act on a terminal or turn the reading direction; lines stay lines.

    Examples
    --------
    >>> printable("Acme\x1b[2J\u202etxt\nnext")
    'Acme[2Jtxt\nnext'
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_printable, text))


def one_line(text: str) -> str:
    r"""Make a text one line that is printable.

    Examples
    --------
    >>> one_line("two\r\nlines")
    'two lines'
    """
    return text if text.isascii() and text.isprintable() else printable(" ".join(text.splitlines()))


def _printable(sign: str) -> str:
    if sign in "\n\t":
        return sign
    if ord(sign) in _DIRECTION:
        return ""
    category = unicodedata.category(sign)
    if category in ("Zl", "Zp"):
        return " "
    if category == "Cc":
        return ""
    # half of a surrogate pair cannot be encoded, and would end the print
    return "\ufffd" if category == "Cs" else sign
