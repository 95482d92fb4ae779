"""How well a column of a file is a column of the contract, and the best of all ways to pair them."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from csrisk._proposal._names import likeness, words
from csrisk._proposal._words import COLUMNS, VALUES
from csrisk.data import CONTRACT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from csrisk._proposal._looks import Look
    from csrisk._proposal._sources import Brought
    from csrisk.data import Column, Table

__all__ = ["Pair", "pair_columns", "rarity"]

LEAST = 0.39  # below it a likeness is chance
_CLEAR, _APART = 0.85, 0.2
_OFTEN = 0.05


@dataclass(frozen=True)
class Pair:
    """A column of the contract and the column of a file that it is taken for.

    Parameters
    ----------
    column : str
        Name in the contract.
    theirs : str
        Name in the file.
    score : float
        How well they fit, from 0 to 1.
    sure : bool
        Whether nothing else could be meant.
    others : tuple of str
        Further columns of the file that it could be.
    note : str
        What speaks against it.
    unread : str
        Why its values cannot be read as they are; it is never taken then.
    """

    column: str
    theirs: str
    score: float
    sure: bool
    others: tuple[str, ...] = ()
    note: str = ""
    unread: str = ""


def pair_columns(brought: Brought, table: Table, key: str | None, last: pd.Timestamp | None) -> tuple[Pair, ...]:
    """Pair the columns of a file with those of a table such that all pairs together fit best."""
    theirs = [column for column in brought.looks if column != key]
    ours = [column for column in table.columns if column.name != "account_id"]
    scores = np.array([[_score(brought, name, table, column, last) for column in ours] for name in theirs])
    scores = scores.reshape(len(theirs), len(ours))
    scores[scores < LEAST] = 0.0
    rows, columns = linear_sum_assignment(scores**3, maximize=True)  # one that fits is worth two that hardly do
    chosen = {ours[c].name: (r, c) for r, c in zip(rows, columns, strict=True) if scores[r, c]}
    pairs = {name: _graded(theirs, ours, scores, *at) for name, at in chosen.items()}
    _only_time(brought, table, theirs, pairs)
    if "mrr" in pairs and _MONTHLY & set(words(pairs["mrr"].theirs)):
        pairs.pop("interval", None)  # what is by month already must not be divided by how often is paid
    return tuple(_read(brought, table, _ordered(brought, table, pair, pairs)) for pair in pairs.values())


def rarity(column: str) -> float:
    """How much a column tells of its table: the less, the more tables have one of that name."""
    return 1 / math.sqrt(Counter(name for table in CONTRACT.values() for name in table.names)[column])


def _score(brought: Brought, name: str, table: Table, column: Column, last: pd.Timestamp | None) -> float:
    look, told = brought.looks[name], COLUMNS.get(f"{table.name}.{column.name}", column.name.replace("_", " "))
    full, bare = words(name), brought.bare(name)
    # the name in the contract is read as the column anyhow
    named = 1.0 if name == column.name else max(likeness(full, told), 0.98 * likeness(bare, told))
    shape = look.fits(column.kind)
    if not shape:
        return 0.0
    return float(min(max(named * shape, _by_values(look, table, column, named)) * _range(look, column, last), 1.0))


def _by_values(look: Look, table: Table, column: Column, named: float) -> float:
    """Tell a category from its words; a name that says nothing is helped by them."""
    line = VALUES.get(
        f"{table.name}.{column.name}",
        VALUES.get(f"subscriptions.{column.name}", "") if column.name == "currency" else "",
    )
    if column.kind != "category" or not line or look.kind != "text" or look.distinct > 60:
        return 0.0
    known = {words(value.strip()) for value in line.split(",")}
    values = {words(value) for value in look.ids}
    share = len(values & known) / max(len(values), 1)
    return 0.0 if share < 0.5 else min(0.35 + 0.3 * share + 0.5 * named, 1.0)


def _range(look: Look, column: Column, last: pd.Timestamp | None) -> float:
    """Weigh values outside of the range, missing ones and times to come."""
    if column.kind == "time":
        return _when(look, column, last)
    known = look.numbers.dropna()
    if column.kind != "number" or known.empty:
        return 0.5 if column.required and look.missing > 0.2 and look.kind != "empty" else 1.0
    low = -math.inf if column.low is None else column.low
    high = math.inf if column.high is None else column.high
    outside = float((~known.between(low, high)).mean())
    if column.name == "score":
        return 1.0 if known.between(0, 10).all() else 0.8 if known.between(0, 100).all() else 0.4
    return 0.3 if outside > _OFTEN else 1.0


def _when(look: Look, column: Column, last: pd.Timestamp | None) -> float:
    known = look.times.dropna()
    if known.empty:
        return 0.5 if column.required else 1.0
    if column.required:
        return 0.5 if look.missing > 0.3 else 1.0
    later = 0.0 if last is None else float((known > last + pd.Timedelta(days=2)).mean())
    if column.planned:
        return 1.0 if later > 0.01 or last is None else 0.9
    if later > _OFTEN:
        return 0.75
    return 0.95 if not look.missing and column.name in _ENDS else 1.0


def _read(brought: Brought, table: Table, pair: Pair) -> Pair:
    """Say of times that are written otherwise than csrisk reads them."""
    look = brought.looks[pair.theirs]
    if table[pair.column].kind != "time" or look.style in ("iso", "typed", ""):
        return pair
    told = f"its times are written otherwise than 2025-03-31 ({look.style}), and are not read as they are"
    return replace(pair, sure=False, unread=told)


_MONTHLY = {"mrr", "month", "monthly", "monat", "monatspreis", "monatsbetrag"}
_ENDS = frozenset(rule.later for table in CONTRACT.values() for rule in table.orders)


def _graded(
    theirs: Sequence[str],
    ours: Sequence[Column],
    scores: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    row: int,
    column: int,
) -> Pair:
    """Say how sure a pair is, from what else each of the two could be."""
    score = float(scores[row, column])
    others = [theirs[r] for r in np.argsort(-scores[:, column]) if r != row and scores[r, column] >= LEAST]
    beside = max((scores[r, column] for r in range(len(theirs)) if r != row), default=0.0)
    across = max((scores[row, c] for c in range(len(ours)) if c != column), default=0.0)
    exact = theirs[row] == ours[column].name
    sure = score >= _CLEAR and (exact or (score - beside >= _APART and score - across >= _APART))
    return Pair(ours[column].name, theirs[row], score, bool(sure), tuple(others[:3]))


def _only_time(brought: Brought, table: Table, theirs: Sequence[str], pairs: dict[str, Pair]) -> None:
    """Take the one time of a table for the time that it must have, whatever it is called."""
    needed = table.time
    if needed is None or needed in pairs or not table[needed].required:
        return
    taken = {pair.theirs for pair in pairs.values() if pair.column not in table.times}
    times = [name for name in theirs if brought.looks[name].kind == "time" and name not in taken]
    full = [name for name in times if brought.looks[name].missing < 0.02]
    if len(full) == 1:
        pairs[needed] = Pair(
            needed,
            full[0],
            LEAST,
            False,
            tuple(name for name in times if name != full[0]),
            "the one time that is always given",
        )


def _ordered(brought: Brought, table: Table, pair: Pair, pairs: Mapping[str, Pair]) -> Pair:
    """Doubt times that come in the wrong order."""
    for rule in table.orders:
        if pair.column not in (rule.later, rule.earlier) or not {rule.later, rule.earlier} <= set(pairs):
            continue
        later, earlier = (brought.looks[pairs[name].theirs].times for name in (rule.later, rule.earlier))
        if later.empty or earlier.empty:
            continue
        both = later.notna() & earlier.notna()
        wrong = float((later[both] < earlier[both].dt.normalize()).mean()) if both.any() else 0.0
        if wrong > 0.02:
            note = f"in {wrong:.0%} of the rows {pairs[rule.later].theirs} is before {pairs[rule.earlier].theirs}"
            return Pair(pair.column, pair.theirs, pair.score, False, pair.others, note)
    return pair
