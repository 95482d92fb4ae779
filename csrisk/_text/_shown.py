"""Sources as messages may name them: nothing is repeated that could hold a password or a token."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["is_address", "masked", "scheme", "shown"]

# what a plain path is written with; addresses, queries and key=value pairs need other signs
_PLAIN = re.compile(r"(?=\S)[\w .,()+~\\/-]{1,400}(?<=\S)")
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+._-]+):")  # a drive of Windows is one letter
_LONGEST = 80
_SHORTEST = 3


def shown(source: object, instead: str) -> str:
    """Name a file or folder in quotes, or by a word where its name could hold a secret.

    Parameters
    ----------
    source : object
        What the user gave.
    instead : str
        Said in its place.

    Returns
    -------
    str

    Examples
    --------
    >>> shown("tables/usage.csv", "the file"), shown("postgres://bob:pw@host/db", "the source")
    ("'usage.csv'", 'the source')
    """
    text = str(source)
    name = Path(text).name or text
    return repr(name) if _PLAIN.fullmatch(text) and len(name) <= _LONGEST else instead


def scheme(source: object) -> str:
    """Give the scheme of an address in lower case; empty for a path.

    Examples
    --------
    >>> scheme(" POSTGRES://host/db"), scheme("md:db"), scheme("C:/data"), scheme("data/usage")
    ('postgres', 'md', '', '')
    """
    found = _SCHEME.match(str(source))
    return found[1].lower() if found else ""


def is_address(source: object) -> bool:
    """Whether text is an address and no path that is there."""
    return bool(scheme(source)) and not isinstance(source, Path)


def masked(text: str, words: Iterable[str]) -> str:
    """Take words that could hold a secret, and pieces of them, out of a message.

    Parameters
    ----------
    text : str
        The message.
    words : iterable of str
        What was typed.

    Returns
    -------
    str

    Examples
    --------
    >>> masked("no such command 'md:db?token=abc'", ["md:db?token=abc", "--dry-run"])
    "no such command '...'"
    """
    pieces = {piece for word in words for piece in (word, word.partition("=")[2], *re.split(r"[/\\\s]", word))}
    # longest first: once a piece is gone, the whole is not found any more
    for piece in sorted(pieces, key=len, reverse=True):
        if len(piece) >= _SHORTEST and not _PLAIN.fullmatch(piece):
            # messages quote what was typed with the escapes of Python, and lines of JSON with those of JSON
            for written in (piece, repr(piece)[1:-1], json.dumps(piece)[1:-1]):
                text = text.replace(written, "...")
    return text
