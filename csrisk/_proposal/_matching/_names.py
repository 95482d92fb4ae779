"""Names as words: without case, signs, plural and abbreviations, and how alike two of them are."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from typing import NamedTuple

from csrisk._proposal._matching._words import ACCOUNT_WORDS, COLUMNS, PERSON_WORDS, TABLES

__all__ = ["Phrase", "likeness", "phrases", "stem", "words"]

_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e", "ñ": "n", "ç": "c"})
_SHORT = {
    "acct": "account",
    "acc": "account",
    "cust": "customer",
    "cli": "client",
    "org": "organization",
    "ids": "id",
    "dt": "date",
    "dte": "date",
    "tm": "time",
    "no": "number",
    "nr": "number",
    "num": "number",
    "nbr": "number",
    "qty": "quantity",
    "cnt": "count",
    "amt": "amount",
    "val": "value",
    "curr": "currency",
    "ccy": "currency",
    "subs": "subscription",
    "sub": "subscription",
    "desc": "description",
    "cat": "category",
    "usr": "user",
    "nm": "name",
    "tkt": "ticket",
    "inv": "invoice",
    "prod": "product",
    "feat": "feature",
    "evt": "event",
    "cd": "code",
    "ctry": "country",
    "ind": "industry",
    "seg": "segment",
    "rgn": "region",
    "resp": "response",
    "svy": "survey",
    "strt": "start",
    "beg": "begin",
    "opn": "open",
    "cls": "closed",
    "crt": "created",
    "upd": "updated",
    "rev": "revenue",
    "mgr": "manager",
    "freq": "frequency",
    "lic": "license",
    "prc": "price",
    "dept": "department",
    "kd": "kunde",
    "knd": "kunde",
    "vertr": "vertrag",
    "rech": "rechnung",
    "org id": "organization",
}
# words that say how a value is written, and those of custom fields
_NOISE = {
    *(
        "the",
        "of",
        "description",
        "for",
        "a",
        "in",
        "is",
        "utc",
        "iso",
        "gmt",
        "value",
        "field",
        "custom",
        "c",
        "hs",
        "sys",
        "properties",
        "fields",
    ),
    *("usd", "eur", "gbp", "chf", "raw", "str", "v", "v2", "attr", "cf", "dim", "fk", "pk", "sk", "flag", "text", "ms"),
    *("context", "traits", "attributes", "statistics", "metadata", "data", "system", "time", "at", "date", "on", "was"),
}
# words that make something else of what stands beside them
_OTHER = {
    "trial",
    "parent",
    "previous",
    "prior",
    "tax",
    "discount",
    "error",
    "updated",
    "modified",
    "first",
    "original",
}
# words that say all by themselves
_TELLING = {"csm", "mrr", "nps", "csat", "ces", "kam"}
_TERSE, _GLUED = 4, 8
_JOINTS = {"id", "on", "at", "by", "no", "date", "code", "name", "is", "due"}
_VOWELS = set("aeiou")


class Phrase(NamedTuple):
    """What something is called, and how clearly."""

    words: tuple[str, ...]
    weight: float


@lru_cache(maxsize=8192)
def words(name: str) -> tuple[str, ...]:
    """Split a name into words.

    Examples
    --------
    >>> words("CustomerIDs"), words("kündigung_am"), words("cust_no")
    (('customer', 'id'), ('kuendigung', 'am'), ('customer', 'number'))
    """
    # or IDs would be parted before its last capital, as I and Ds
    plain = re.sub(r"IDs\b", "Ids", name).translate(_GERMAN).translate(str.maketrans("ÄÖÜ", "AOU"))
    pieces = [part for piece in _PIECES.findall(plain) for part in _parted(piece.lower())]
    found = [_singular(piece) for piece in pieces]
    found = [piece for piece in found if not piece.isdigit()] or found  # digits number parts and columns
    found = [piece[:-2] + "nummer" if len(piece) > 5 and piece.endswith("nr") else piece for piece in found]
    return tuple(_SHORT.get(word, word) for word in found)


@lru_cache(maxsize=8192)
def _parted(piece: str) -> tuple[str, ...]:
    """Split what is glued into known words, as createdon and industrycode; what is a word or holds none stays whole."""
    if len(piece) < _GLUED or piece in _known():
        return (piece,)
    ways: list[tuple[str, ...] | None] = [(), *([None] * len(piece))]
    for end in range(1, len(piece) + 1):
        for begin in range(end):
            way, part = ways[begin], piece[begin:end]
            if way is not None and (part in _known() or part in _JOINTS) and len(way) < len(ways[end] or "123"):
                ways[end] = (*way, part)
    return ways[-1] or (piece,)


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    """Words that are told anywhere, of four letters and more."""
    lines = [ACCOUNT_WORDS, PERSON_WORDS, *TABLES.values(), *COLUMNS.values()]
    return frozenset(word for line in lines for word in re.findall(r"[a-z]{4,}", line)) | {"size"}


def stem(name: str) -> tuple[str, ...]:
    """Words of the name of a file or table, without what stages of a warehouse put before or behind it."""
    stages = {
        "dim",
        "fct",
        "fact",
        "stg",
        "raw",
        "src",
        "int",
        "mart",
        "tbl",
        "vw",
        "export",
        "dump",
        "v",
        "list",
        "all",
    }
    extra = {"csv", "gz", "parquet", "full", "final", "data", "report", "main", "public", "extract", "history", "table"}
    kept = tuple(word for word in words(name) if word not in stages | extra and not word.isdigit())
    return kept or words(name)


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    # address, status and basis are no plurals
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "ous")):
        return word[:-1]
    return word


@lru_cache(maxsize=2048)
def phrases(text: str) -> tuple[Phrase, ...]:
    """Read a line of phrases; what stands behind the bar only hints."""
    clear, _, hints = text.partition("|")
    told = ((clear, 1.0), (hints, 0.6))
    return tuple(Phrase(words(one.strip()), weight) for part, weight in told for one in part.split(",") if one.strip())


def likeness(name: tuple[str, ...], text: str) -> float:
    """How well the words of a name fit a line of phrases, from 0 to 1."""
    return max((phrase.weight * _alike(name, phrase.words) for phrase in phrases(text)), default=0.0)


@lru_cache(maxsize=65536)
def _alike(name: tuple[str, ...], phrase: tuple[str, ...]) -> float:
    mine, its = "".join(name), "".join(phrase)
    if mine == its:
        return 1.0
    whole = _covered(name, phrase)
    core, kernel = set(name) - _NOISE, set(phrase) - _NOISE
    # alike but for words that only say how a value is written
    if core and core == kernel:
        return max(whole, 0.88)
    if kernel and kernel < set(phrase):  # whatever word says that it is a time
        whole = max(whole, 0.9 * _covered(name, tuple(word for word in phrase if word in kernel)))
    if whole:
        return whole
    if len(its) > 5 and abs(len(mine) - len(its)) <= 1 and mine[:3] == its[:3] and _slips(mine, its):
        return 0.7
    ends = any(word.startswith(its) or word.endswith(its) for word in name)
    if len(phrase) == 1 and len(its) > 4 and ends:  # compounds of German, names without signs
        return 0.5
    if core and core < kernel and len(kernel) == 2 and max(map(len, core)) > 4:
        return 0.4
    return 0.0


def _covered(name: tuple[str, ...], phrase: tuple[str, ...]) -> float:
    """How well a name that holds every word of a phrase fits it; what stands besides makes it less so."""
    left, fit = list(name), 1.0
    for wanted in phrase:
        for alike, worth in _WAYS:
            found = next((word for word in left if alike(word, wanted)), None)
            if found is not None:
                left.remove(found)
                fit = min(fit, worth)
                break
        else:
            return 0.0
    more = 0.12 if set(phrase) <= _TELLING else 0.3
    dear = sum(0.6 if word in _OTHER else 0.08 if word in _NOISE else more for word in left)
    return max(min(fit, 0.95 if left else 1.0) - dear, 0.25 if dear < 0.6 else 0.0)


def _root(word: str) -> str:
    """Take the endings of English verbs off, so that opened, open and opening are alike."""
    for ending in ("ments", "ment", "ing", "ed", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word


def _abbreviates(word: str, whole: str) -> bool:
    """Whether a word leaves letters of another out, as terse names do: chnl, agt, onb."""
    # two letters abbreviate too much; the first one is never left out
    if not (3 <= len(word) <= _TERSE and len(word) < len(whole) - 1) or word[0] != whole[0]:
        return False
    signs = iter(whole)
    if not all(sign in signs for sign in word):
        return False
    return whole.startswith(word) or (len(_VOWELS & set(word[1:])) <= 1 and word[-1] == whole[-1])


def _slips(one: str, other: str) -> bool:
    return difflib.SequenceMatcher(None, one, other).ratio() >= 0.9


_WAYS = (
    (lambda word, wanted: word == wanted, 1.0),
    (lambda word, wanted: _root(word) == _root(wanted), 0.95),
    (_abbreviates, 0.8),
)
