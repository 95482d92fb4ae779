"""Columns whose names say nothing: told by what is left when all others are, and by the shape of their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from csrisk._proposal._cures import YEARLY
from csrisk._proposal._matching._names import words

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from csrisk._proposal._matching._looks import Look
    from csrisk.data import Table

__all__ = ["Left", "leftovers"]

_STRAY = 0.01  # share of rows that may be otherwise
# time of a table that follows its first and may be missing, and time that is agreed beforehand
_ENDS = {
    "accounts": "ended_at",
    "contacts": "resolved_at",
    "surveys": "answered_at",
    "subscriptions": "end_at",
    "expectations": "met_at",
    "invoices": "paid_at",
    "people": "to_at",
}
_PLANS = {"subscriptions": "planned_end", "contacts": "due_at", "invoices": "due_at", "expectations": "due_at"}
_PERSONS = {"usage": "user_id", "surveys": "respondent", "contacts": "person_id"}
_MANY = 40  # persons, below which an id that comes again may be that of a team or a product
_KEYS = {"contacts": "contact_id", "invoices": "invoice_id"}
_KEY_WORDS = {"id", "number", "key", "uuid", "code", "guid", "ref", "reference", "nummer", "numero"}
_NO_FEATURE = {"status", "state", "country", "city", "os", "browser", "device", "currency", "version", "ip", "language"}
# words of times that are neither an end nor a plan
_OTHER_TIME = {
    *("updated", "modified", "changed", "synced", "loaded", "deleted", "exported", "viewed", "seen", "activity"),
    *("trial", "birth", "first", "response", "start", "created", "pause", "current", "renewal", "last", "assigned"),
}


class Left(NamedTuple):
    """A column of the contract, the one column of a file that it could be, and why."""

    column: str
    theirs: str
    why: str


def leftovers(
    table: Table,
    begun: pd.Series[Any] | None,
    looks: Mapping[str, Look],
    found: Collection[str],
    last: pd.Timestamp | None,
) -> Iterator[Left]:
    """Give each column of a table that one alone of the columns left could be; times are held against the first one."""
    if begun is not None:
        yield from _times(table, begun, looks, found, last)
    if table.name == "accounts":
        yield from _one("name", found, looks, _title, "the one column of names that hardly come again", _KEY_WORDS)
    if table.name == "surveys":
        yield from _one("comment", found, looks, lambda look: look.verbose, "the one column of sentences")
        yield from _one("score", found, looks, _small, "the one column of small whole numbers")
    if table.name == "subscriptions":
        years = {name: look for name, look in looks.items() if YEARLY & set(words(name))}
        yield from _one("mrr", found, years, _counts, "the one amount, of a year")
    key = _KEYS.get(table.name, "event_id" if "event_id" in table.names else "")
    if key:
        keyed = {name: look for name, look in looks.items() if _KEY_WORDS & set(words(name))}
        yield from _one(key, found, keyed, lambda look: look.unique, "the one id that no two rows share")
    persons = {name: look for name, look in looks.items() if _repeated(look, name)}
    if table.name in _PERSONS:
        yield from _one(_PERSONS[table.name], found, persons, _any, "the one id that comes again, of many")
    if table.name == "usage":
        rest = {name: look for name, look in looks.items() if name not in persons}
        no = _KEY_WORDS | _NO_FEATURE
        yield from _one("quantity", found, rest, _counts, "the one column of numbers that is left", _KEY_WORDS)
        yield from _one("feature", found, rest, _named, "the one column of words that is left", no)


def _times(
    table: Table,
    begun: pd.Series[Any],
    looks: Mapping[str, Look],
    found: Collection[str],
    last: pd.Timestamp | None,
) -> Iterator[Left]:
    # a name that says what else it is goes before the order of the times
    timed = {name: look for name, look in looks.items() if look.kind == "time" and not _OTHER_TIME & set(words(name))}
    after = {name: look for name, look in timed.items() if _follows(begun, look.times)}
    seen = (begun.max() if last is None else last) + pd.Timedelta(days=2)
    ahead = {name: float((look.times > seen).mean()) for name, look in after.items()}
    # an end is missing in what has not ended: one that is always there is another time
    past = [name for name, look in after.items() if ahead[name] <= _STRAY and look.missing > 2 * _STRAY]
    plans = [name for name in after if ahead[name] > _STRAY]
    for target, those, why in ((_ENDS, past, "follows the first time of each row"), (_PLANS, plans, "lies ahead")):
        column = target.get(table.name, "")
        if column and column not in found and len(those) == 1:
            yield Left(column, those[0], f"the one time that {why}")


def _follows(begun: pd.Series[Any], times: pd.Series[Any]) -> bool:
    both = begun.notna() & times.notna()
    # by days, as one of the two may be a date without a time of day
    return bool(both.any()) and float((times[both] >= begun[both].dt.normalize()).mean()) >= 0.98


def _one(
    column: str,
    found: Collection[str],
    looks: Mapping[str, Look],
    fits: Callable[[Look], bool],
    why: str,
    without: Collection[str] = (),
) -> Iterator[Left]:
    hits = [name for name, look in looks.items() if fits(look) and not set(without) & set(words(name))]
    if column not in found and len(hits) == 1:  # of two nobody can tell which
        yield Left(column, hits[0], why)


def _small(look: Look) -> bool:
    return look.kind == "number" and look.whole and look.low >= 0 and look.high <= 10 and look.distinct > 2


def _counts(look: Look) -> bool:
    return look.kind == "number" and look.low >= 0 and look.distinct > 2


def _named(look: Look) -> bool:
    # features are few and come again; texts and ids do neither
    few = 2 <= look.distinct <= min(200, 0.2 * len(look.texts))
    return look.kind == "text" and not look.verbose and few


def _repeated(look: Look, name: str) -> bool:
    known = look.texts.dropna()
    if look.kind != "text" or look.verbose or not _MANY <= look.distinct < len(known):
        return False
    numbered = known.astype(str).str.contains(r"\d").mean() > 0.8
    return bool(_KEY_WORDS & set(words(name)) or look.addresses or numbered)


def _title(look: Look) -> bool:
    spaced = look.texts.dropna().astype(str).str.contains(" ").mean() > 0.5
    return look.kind == "text" and not look.verbose and spaced and look.distinct > 0.8 * len(look.texts.dropna())


def _any(look: Look) -> bool:  # noqa: ARG001  # the others say what they ask for
    return True
