"""The best of all ways to pair the columns of a file with those of a table, and how sure each pair is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from csrisk._proposal._cures import cure_of, scale_of
from csrisk._proposal._leftover import leftovers
from csrisk._proposal._matching._fit import fit_of
from csrisk._proposal._matching._names import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from csrisk._proposal._sources import Brought
    from csrisk.data import Column, Table

    Scores = np.ndarray[tuple[int, int], np.dtype[np.float64]]

__all__ = ["Pair", "pair_columns"]

_LEAST = 0.39  # below it a likeness is chance
_STRAY = 0.02
_LEFT = 0.4  # of what is told by its shape alone
# by the name, and from the next best; a wrong mapping costs more than a missing one
_CLEAR, _APART = 0.85, 0.2
_AFTERWARDS = {"acknowledged_at", "acted_at", "declined_at"}
_MONTHLY = {"mrr", "month", "monthly", "monat", "monatspreis", "monatsbetrag"}


@dataclass(frozen=True)
class Pair:
    """A column of the contract and the column of a file that it is taken for."""

    column: str
    theirs: str
    score: float
    sure: bool
    others: tuple[str, ...] = ()
    note: str = ""
    unread: str = ""
    cure: Mapping[str, Any] = field(default_factory=dict)
    constant: bool = False


def pair_columns(brought: Brought, table: Table, key: str | None, last: pd.Timestamp | None) -> tuple[Pair, ...]:
    """Pair the columns of a file with those of a table such that all pairs together fit best."""
    theirs = [column for column in brought.looks if column != key]
    ours = [column for column in table.columns if column.name != "account_id"]
    fits = [[fit_of(brought, name, table, column, last) for column in ours] for name in theirs]
    scores = np.array([[fit.score for fit in row] for row in fits]).reshape(len(theirs), len(ours))
    scores[scores < _LEAST] = 0.0
    # one that fits is worth two that hardly do
    rows, columns = linear_sum_assignment(scores**3, maximize=True)
    pairs = {}
    for row, column in zip(rows, columns, strict=True):
        if scores[row, column]:
            pair = _graded(theirs, ours, scores, int(row), int(column), fits[row][column].named)
            pairs[pair.column] = pair
    _only_time(brought, table, theirs, pairs)
    _left(brought, table, theirs, pairs, last)
    if "mrr" in pairs and _MONTHLY & set(words(pairs["mrr"].theirs)):
        pairs.pop("interval", None)  # what is by month already must not be divided by how often is paid
    if "answered_at" not in pairs:  # what may be the answer is not surely what came of it
        for column in _AFTERWARDS & set(pairs):
            pairs[column] = replace(pairs[column], sure=False)
    _ordered(brought, table, pairs)
    return (*(_read(brought, table, pair) for pair in pairs.values()), *_scale(brought, pairs))


def _graded(theirs: Sequence[str], ours: Sequence[Column], scores: Scores, row: int, column: int, named: float) -> Pair:
    """Say how sure a pair is, from what else each of the two could be."""
    score = float(scores[row, column])
    others = [theirs[r] for r in np.argsort(-scores[:, column]) if r != row and scores[r, column] >= _LEAST]
    beside = max((scores[r, column] for r in range(len(theirs)) if r != row), default=0.0)
    across = max((scores[row, c] for c in range(len(ours)) if c != column), default=0.0)
    exact = theirs[row] == ours[column].name
    # both ways: no other column for ours, and no other place for theirs
    sure = named >= _CLEAR and (exact or (score - beside >= _APART and score - across >= _APART))
    return Pair(ours[column].name, theirs[row], score, bool(sure), tuple(others[:3]))


def _only_time(brought: Brought, table: Table, theirs: Sequence[str], pairs: dict[str, Pair]) -> None:
    """Take the one time of a table for the time that it must have, whatever it is called."""
    needed = table.time or table.begins
    if needed is None or needed in pairs:
        return
    taken = {pair.theirs for pair in pairs.values() if pair.column not in table.times}
    times = [name for name in theirs if brought.looks[name].kind == "time" and name not in taken]
    full = [name for name in times if brought.looks[name].missing < _STRAY]
    first = [name for name in full if all(_wrong(brought, name, other) <= _STRAY for other in times if other != name)]
    if len(first) == 1:
        for column in [pair.column for pair in pairs.values() if pair.theirs == first[0]]:
            del pairs[column]
        others = tuple(name for name in times if name != first[0])
        # never sure, as its name says nothing
        pairs[needed] = Pair(needed, first[0], _LEFT, False, others, "always given, and before all other times")


def _left(brought: Brought, table: Table, theirs: Sequence[str], pairs: dict[str, Pair], last: Any) -> None:
    """Pair what is left by its shape alone."""
    taken = {pair.theirs for pair in pairs.values()}
    needed = table.time or next((rule.earlier for rule in table.orders), "")
    begun = brought.looks[pairs[needed].theirs].times if needed in pairs else None
    rest = {name: brought.looks[name] for name in theirs if name not in taken}
    for column, name, why in leftovers(table, begun, rest, set(pairs), last):
        if name not in taken:
            taken.add(name)
            pairs[column] = Pair(column, name, _LEFT, False, note=why)


def _read(brought: Brought, table: Table, pair: Pair) -> Pair:
    """Say how values that are written otherwise become those of the contract, or that they do not."""
    cure, unread = cure_of(brought.looks[pair.theirs], words(pair.theirs), table[pair.column])
    return replace(pair, sure=pair.sure and not unread, unread=unread, cure=cure)


def _scale(brought: Brought, pairs: Mapping[str, Pair]) -> Iterator[Pair]:
    """Take the kind of surveys from names or the range of the scores, where no column tells it."""
    if "score" not in pairs or "kind" in pairs:
        return
    column = pairs["score"].theirs
    kinds, named = scale_of(brought.looks[column], {*words(column), *brought.whole_stem})
    if kinds:
        note = "" if named else "by the range of the scores alone"
        yield Pair("kind", kinds[0], 1.0, named and pairs["score"].sure, kinds[1:], note, constant=True)


def _ordered(brought: Brought, table: Table, pairs: dict[str, Pair]) -> None:
    """Doubt times in the wrong order, and take those that could be meant instead and come in the right one."""
    for rule in table.orders:
        if not {rule.later, rule.earlier} <= set(pairs):
            continue
        late, early = pairs[rule.later], pairs[rule.earlier]
        wrong = _wrong(brought, early.theirs, late.theirs)
        if wrong <= _STRAY:
            continue
        taken = {pair.theirs for pair in pairs.values()}
        ways = [(name, late.theirs) for name in early.others if name not in taken]
        ways += [(early.theirs, name) for name in late.others if name not in taken]
        best = min(ways, key=lambda way: _wrong(brought, *way), default=None)
        note = f"in {wrong:.0%} of the rows {late.theirs} is before {early.theirs}"
        if best is None or _wrong(brought, *best) > _STRAY:
            best = (early.theirs, late.theirs)
        for pair, name in zip((early, late), best, strict=True):
            # the one that was likelier by name stays among the answers
            others = tuple(one for one in (pair.theirs, *pair.others) if one != name)
            pairs[pair.column] = replace(pair, theirs=name, sure=False, others=others, note=note)


def _wrong(brought: Brought, early: str, late: str) -> float:
    """Share of rows in which a time that should be later is before the other."""
    earlier, later = brought.looks[early].times, brought.looks[late].times
    if earlier.empty or later.empty:
        return 0.0
    both = later.notna() & earlier.notna()
    # by days, as one of the two may be a date without a time of day
    return float((later[both] < earlier[both].dt.normalize()).mean()) if both.any() else 0.0
