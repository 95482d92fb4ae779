"""Names as text: what a report prints of what customers are called."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

from csrisk._text import csv_safe, one_line
from csrisk.exceptions import ConfigError

__all__ = ["checked_url", "clean", "csv_safe", "pseudonym"]

_LONGEST = 120
_ADDRESS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&()*+,;=%]+")  # RFC 3986, without quotes


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
    joined = " ".join(one_line(str(text)).split())
    # the ellipsis is one of the characters kept
    return joined if len(joined) <= longest else joined[: longest - 1].rstrip() + "\u2026"


def checked_url(pattern: str, *, pseudonymise: bool = False) -> str:
    """Check the pattern of addresses that lead back to the CRM.

    Parameters
    ----------
    pattern : str
        An address that holds ``{account_id}`` once, behind the host; empty for none.
    pseudonymise : bool, default False
        Whether the report names nobody, so that no address may.

    Returns
    -------
    str

    Raises
    ------
    ConfigError
        If it is anything else.

    Examples
    --------
    >>> checked_url("https://crm.example/{account_id}/risk")
    'https://crm.example/{account_id}/risk'
    """
    if not pattern:
        return ""
    rule = "must be an http(s) address that holds {account_id} once, behind the host: https://crm.example/{account_id}"
    try:
        parts = urlsplit(pattern)
        plain = parts.scheme in ("https", "http") and bool(parts.hostname) and not parts.username
    # urlsplit raises where a host opens a bracket and does not close it
    except ValueError:
        plain = False
    inside = pattern.split("{account_id}")
    # an id must never choose the host, so it has to stand behind it
    if not plain or len(inside) != 2 or not _ADDRESS.fullmatch("".join(inside)) or "{" in parts.netloc:
        raise ConfigError(f"account_url={clean(pattern, longest=60)!r} {rule}")
    if pseudonymise:
        raise ConfigError("account_url: a pseudonymised report holds no account ids; leave the address out")
    return pattern


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
        # a key of BLAKE2b has 64 bytes at most, and a secret may be longer
        secret = hashlib.sha256(key.encode()).digest()
        return (
            # 40 bits: two of 10,000 accounts share a code in one of 22,000 portfolios
            "Account " + hashlib.blake2b(str(account).encode("utf-8", "replace"), key=secret, digest_size=5).hexdigest()
        )
    return f"Account {rank}"
