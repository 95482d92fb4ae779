"""Names as text: what a report prints of what customers are called."""

from __future__ import annotations

import hashlib
import unicodedata

__all__ = ["clean", "csv_safe", "pseudonym"]

_LONGEST = 120
_DIRECTION = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}
_FORMULA = "=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20"


def clean(text: object, *, longest: int = _LONGEST) -> str:
    r"""Take out of a text what is not text: control characters, direction overrides, half characters.

    Escaping is left to each renderer; this removes what no escaping would make harmless, and cuts very long names.

    Parameters
    ----------
    text : object
        Anything; None and NaN give an empty string.
    longest : int, default 120
        Characters kept.

    Returns
    -------
    str

    Examples
    --------
    >>> clean("Acme\u202etxt.exe\x00")
    'Acmetxt.exe'
    """
    if text is None or text != text:  # NaN is the one value that differs from itself
        return ""
    kept = (_keep(character) for character in str(text))
    joined = " ".join("".join(kept).split())
    return joined if len(joined) <= longest else joined[: longest - 1].rstrip() + "\u2026"


def _keep(character: str) -> str:
    if ord(character) in _DIRECTION:
        return ""
    category = unicodedata.category(character)
    if category in ("Zl", "Zp") or character in "\t\n\r":
        return " "
    if category == "Cc":
        return ""
    return "\ufffd" if category == "Cs" else character


def csv_safe(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would run as a formula.

    The rule of OWASP's page on CSV injection, with the full-width forms of the same characters.

    Parameters
    ----------
    text : str
        Cell text.

    Returns
    -------
    str

    Examples
    --------
    >>> csv_safe("=HYPERLINK(1)"), csv_safe("Acme")
    ("'=HYPERLINK(1)", 'Acme')
    """
    return f"'{text}" if text.lstrip(" '\"").startswith(tuple(_FORMULA)) else text


def pseudonym(account: object, rank: int, key: bool | str) -> str:
    """Name an account without naming it.

    Parameters
    ----------
    account : object
        Account id.
    rank : int
        Place in the report.
    key : bool or str
        True numbers the accounts by their place, so reports cannot be joined; a secret string gives each account the
        same code in every report written with it (keyed BLAKE2b).

    Returns
    -------
    str

    Examples
    --------
    >>> pseudonym("acct-0042", 3, True)
    'Account 3'
    >>> pseudonym("acct-0042", 3, "a secret") == pseudonym("acct-0042", 9, "a secret")
    True
    """
    if isinstance(key, str):
        secret = hashlib.sha256(key.encode()).digest()
        return (
            "Account " + hashlib.blake2b(str(account).encode("utf-8", "replace"), key=secret, digest_size=5).hexdigest()
        )
    return f"Account {rank}"
