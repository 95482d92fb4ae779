"""Which file is which table of the contract: every pairing is scored, and the best assignment as a whole is taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from csrisk._proposal._joins import find_price
from csrisk._proposal._matching._fit import rarity
from csrisk._proposal._matching._names import likeness, phrases, words
from csrisk._proposal._matching._pairs import Pair, pair_columns
from csrisk._proposal._matching._words import ELSEWHERE, MARKS, TABLES
from csrisk.data import CONTRACT

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from csrisk._proposal._accounts import Join, Keys
    from csrisk._proposal._sources import Brought
    from csrisk.data import Table

__all__ = ["Match", "elsewhere", "match_tables", "outcome_of"]

# chosen on the layouts of benchmarks/proposals.md but for `unseen` and `after`, which are blind
_LEAST, _CLEAR, _APART = 2.0, 3.8, 0.9
_NEAR = 0.75  # of the best table of a file, below which another is no second choice


@dataclass(frozen=True)
class Match:
    """A file and the table of the contract that it is taken for."""

    table: str
    brought: Brought
    key: str | None
    pairs: tuple[Pair, ...]
    score: float
    join: Join | None = None
    price: Join | None = None
    sure: bool = False
    others: tuple[str, ...] = ()

    @property
    def lacking(self) -> tuple[str, ...]:
        """Required columns that were not found."""
        there = {pair.column for pair in self.pairs} | ({"account_id"} if self.key or self.join else set())
        return tuple(name for name in CONTRACT[self.table].required if name not in there)


def match_tables(tables: Sequence[Brought], keys: Keys) -> tuple[tuple[Match, ...], dict[str, Match]]:
    """Match files and tables; also gives, for each file that is left, what it looks like most."""
    last = _last(tables)
    every = {
        (brought.name, name): _match(brought, table, keys, last)
        for brought in tables
        for name, table in CONTRACT.items()
    }
    scores = np.array([[every[brought.name, name].score for name in CONTRACT] for brought in tables]).reshape(
        len(tables), -1
    )
    best = scores.max(axis=1, keepdims=True, initial=0.0)
    # a file that is something else by its name is no table for want of a better one
    other = np.array([[_other(brought, keys)] for brought in tables]).reshape(len(tables), 1)
    # above 0 only where a pairing may be: the assignment fills every row, and the rest is dropped below
    usable = np.where((scores >= np.maximum(_LEAST, other)) & (scores >= _NEAR * best), scores - _LEAST + 0.1, 0.0)
    # as a whole and not best first: a file that two tables want may leave one of them without any
    rows, columns = linear_sum_assignment(usable, maximize=True)
    found = {
        int(row): _judged(every, tables, scores, int(row), int(column), float(other[row, 0]))
        for row, column in zip(rows, columns, strict=True)
        if usable[row, column] > 0
    }
    left = {
        brought.name: every[brought.name, list(CONTRACT)[int(scores[row].argmax())]]
        for row, brought in enumerate(tables)
        if row not in found
    }
    return tuple(_priced(match, tables) for match in found.values()), left


def _priced(match: Match, tables: Sequence[Brought]) -> Match:
    if match.table != "subscriptions" or any(pair.column == "mrr" for pair in match.pairs):
        return match
    return replace(match, price=find_price(match.brought, tables))


def _last(tables: Sequence[Brought]) -> pd.Timestamp | None:
    """Day until which the source was observed: the last of times that are always given, of most tables."""
    ends = []
    for brought in tables:
        full = [look.times.max() for look in brought.looks.values() if look.kind == "time" and not look.missing]
        if full:
            ends.append(min(full))
    return max(ends) if ends else None


def _match(brought: Brought, table: Table, keys: Keys, last: pd.Timestamp | None) -> Match:
    key = keys.of(brought.name) if table.has_account else None
    join = keys.joins.get(brought.name) if table.has_account and key is None else None
    pairs = pair_columns(brought, table, key, last)
    return Match(table.name, brought, key, pairs, _score(brought, table, key, join, pairs), join)


def _score(brought: Brought, table: Table, key: str | None, join: Join | None, pairs: Sequence[Pair]) -> float:
    found = {pair.column: pair.score for pair in pairs if not pair.constant}
    needed = [name for name in table.required if name != "account_id"]
    required = float(np.mean([found.get(name, 0.0) for name in needed])) if needed else 0.5
    lacking = sum(name not in found for name in needed) + (table.has_account and key is None and join is None)
    # columns that many tables have tell little of which one it is
    extra = sum(score * rarity(name) for name, score in found.items() if name not in needed and score >= 0.5)
    score = 2.4 * _named(brought, table.name) + 1.2 * required + 0.45 * min(extra, 5.0) + _marks(brought, table.name)
    told = (len(found) + (key is not None)) / max(len(brought.looks), 1)
    return score + told + _rows(brought, table, key) - 2.0 * lacking


def _named(brought: Brought, table: str) -> float:
    """How well the name of a file fits a table; its last word counts most, folders above little."""
    return 1.1 if brought.stem == words(table) else _called(brought, TABLES[table])


def _called(brought: Brought, names: str) -> float:
    name, best = brought.stem, 0.3 * likeness(brought.whole_stem, names)
    for phrase in phrases(names):
        own = phrase.words
        if own == name:
            fit = 1.0
        elif name[-len(own) :] == own:
            fit = 0.9
        elif name[: len(own)] == own:
            fit = 0.65
        else:
            fit = 0.55 * likeness(name, " ".join(own))
        best = max(best, fit * (phrase.weight if phrase.weight == 1 else 0.55))
    return best


def _marks(brought: Brought, table: str) -> float:
    return _hits(brought, MARKS[table])


def _hits(brought: Brought, marks: str) -> float:
    told = phrases(marks)
    hits = sum(any(phrase.words in (words(name), brought.bare(name)) for phrase in told) for name in brought.looks)
    return 0.3 * min(hits, 4)


def elsewhere(brought: Brought, *, of_accounts: bool) -> tuple[str, float]:
    """Say what a file is that csrisk does not read, if anything, and how well it fits."""
    found = {}
    for kind, told in ELSEWHERE.items():
        misplaced = of_accounts and (told.keys == "none" or (told.keys == "cases" and not _of_cases(brought)))
        fit = 1.9 + 2.4 * _called(brought, told.names) + _hits(brought, told.marks) - 1.5 * misplaced
        found[kind] = fit if _called(brought, told.names) >= 0.8 else 0.0
    best = max(found, key=lambda kind: found[kind])
    return best, found[best]


def outcome_of(brought: Brought) -> str:
    """Name the column of a flat table that says who left: two values, no time beside it, each account once."""
    if any(look.kind == "time" for look in brought.looks.values()):
        return ""
    told = (name for name, look in brought.looks.items() if look.distinct == 2 and _OUTCOME & set(words(name)))
    return next(told, "")


_OUTCOME = {"churn", "churned", "exited", "attrition", "left", "cancelled", "canceled", "churner"}


def _other(brought: Brought, keys: Keys) -> float:
    return elsewhere(brought, of_accounts=keys.of(brought.name) is not None)[1]


def _of_cases(brought: Brought) -> bool:
    """Whether rows belong to a case of another table: its id comes again and again."""
    cases = ("ticket", "case", "conversation", "issue", "incident", "request")
    return any(set(cases) & set(words(name)) and not look.unique for name, look in brought.looks.items())


def _rows(brought: Brought, table: Table, key: str | None) -> float:
    """Weigh the number of rows for each account: accounts are listed once, events often."""
    if key is None or brought.rows < 5:  # a few rows tell nothing of how often
        return 0.0
    once = brought.looks[key].unique
    if table.name == "accounts":
        return 1.0 if once else -1.5
    often = brought.rows / max(brought.looks[key].distinct, 1)
    if table.name == "usage":
        return -1.0 if once else 0.6 if often >= 8 else 0.0
    return -0.4 if once and table.event else 0.0


def _judged(
    every: dict[tuple[str, str], Match],
    tables: Sequence[Brought],
    scores: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    row: int,
    column: int,
    other: float,
) -> Match:
    """Say how sure a match is, and what else the file or the table could be."""
    names = list(CONTRACT)
    match, score = every[tables[row].name, names[column]], scores[row, column]
    beside = [names[c] for c in np.argsort(-scores[row]) if c != column and scores[row, c] >= max(_LEAST, score - 1.0)]
    rivals = [
        tables[r].name
        for r in np.argsort(-scores[:, column])
        if r != row and scores[r, column] >= max(_LEAST, score - 1.0)
    ]
    second = max(
        [
            *(scores[row, c] for c in range(len(names)) if c != column),
            other,
        ]
    )
    third = max([*(scores[r, column] for r in range(len(tables)) if r != row and scores[r].argmax() == column), 0.0])
    clear = score >= _CLEAR and score - second >= _APART and score - third >= _APART / 2
    # sure needs the name, whatever the values say
    sure = bool(clear and not match.lacking and match.join is None and _named(tables[row], match.table) >= 0.6)
    pairs = tuple(replace(pair, sure=pair.sure and sure) for pair in match.pairs)
    return replace(match, pairs=pairs, sure=sure, others=(*beside[:2], *rivals[:2]))
