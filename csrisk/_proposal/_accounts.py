"""Which column of each table names the account: told by names, and by ids that occur in several tables."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from csrisk._proposal._matching._names import likeness, words
from csrisk._proposal._matching._words import ACCOUNT_WORDS, PERSON_WORDS, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from csrisk._proposal._matching._looks import Look
    from csrisk._proposal._sources import Brought

__all__ = ["Join", "Keys", "find_keys", "overlap"]

_KEY = {"id", "key", "number", "code", "uuid", "guid", "gid", "sfid", "vid", "ident", "identifier", "ref", "kennung"}
_LEAST, _SHARED, _LARGE = 0.45, 0.3, 5_000
_MOSTLY = 0.9  # of the ids, as only a sample of the rows is looked at
_FEWEST = 8  # ids below which an overlap says nothing
_AGREED = 3  # tables that share ids, from which on a plain name will do
_BY_SHAPE = 0.7  # of a column whose name says nothing, and whose ids tell that it is the key of the others
_PERSON = 0.6


@dataclass(frozen=True)
class Join:
    """A way to the account through another table."""

    column: str
    table: str
    key: str
    account: str


@dataclass(frozen=True)
class Keys:
    """Columns that could name the account."""

    columns: Mapping[str, tuple[tuple[str, float], ...]]
    shared: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    persons: bool = False
    # for tables that do not name the account
    joins: Mapping[str, Join] = field(default_factory=dict)

    def of(self, table: str) -> str | None:
        """Column of a table that names the account."""
        found = self.columns.get(table, ())
        return found[0][0] if found else None

    def sure(self, table: str) -> bool:
        """Whether no other column could be meant: its name says so, and its ids are those of other tables."""
        found = self.columns.get(table, ())
        # a person is the account only for want of anything larger, and somebody has to confirm it
        if not found or self.persons:
            return False
        rivals = [weight for _, weight in found[1:]]
        clear = found[0][1] >= 1.3 and found[0][1] - max(rivals, default=0.0) >= 0.4
        agreed = len({name for name, _ in self.shared}) >= _AGREED and found[0][1] >= 1.1
        clear = clear or (agreed and found[0][1] - max(rivals, default=0.0) >= 0.5)
        return clear or (len(self.columns) == 1 and found[0][1] >= 0.9 and max(rivals, default=0.0) < 0.6)


def find_keys(tables: Sequence[Brought]) -> Keys:
    """Find the columns that name the account."""
    likely = {
        (table.name, column): weight
        for table in tables
        for column in table.looks
        if (weight := _weight(table, column)) >= _LEAST
    }
    # a name that says more keeps its weight
    likely |= {one: _BY_SHAPE for one in _by_shape(tables, likely) if likely.get(one, 0.0) < _BY_SHAPE}
    groups = _linked({table.name: table for table in tables}, likely)
    # the account is what most tables share: summed over tables, each with its likeliest column
    best = max(groups, key=lambda group: _worth(group, likely), default=frozenset())
    best |= frozenset(_by_values(tables, best, likely))
    likely |= {one: _BY_SHAPE for one in best if likely.get(one, 0.0) < _BY_SHAPE}
    # ids of one table alone are shared with nothing
    shared = best if len({table for table, _ in best}) > 1 else frozenset()
    columns = {}
    for table in tables:
        own = [
            (column, weight + 0.5 * ((name, column) in shared))
            for (name, column), weight in likely.items()
            if name == table.name
        ]
        if own:
            # of equal weight a bare id goes behind a name that says whose id it is
            columns[table.name] = tuple(sorted(own, key=lambda one: (-one[1], not set(words(one[0])) - _KEY)))
    largest = max((likely[one] for one in best), default=0.0)
    keys = Keys(columns, frozenset(shared), bool(best) and largest <= _PERSON)
    joins = {table.name: join for table in tables if table.name not in columns and (join := _join(table, tables, keys))}
    return replace(keys, joins=joins)


def _join(table: Brought, tables: Sequence[Brought], keys: Keys) -> Join | None:
    """Find the one table that names the account for the ids of another."""
    found = []
    for other, (column, look) in itertools.product(tables, table.looks.items()):
        account = keys.of(other.name)
        # one or two ids lie in any other list by chance
        if other is table or account is None or not look.fits("id") or look.distinct < 3:
            continue
        for key, its in other.looks.items():
            # the key must be there once, or rows would be multiplied; numbers that count on need a name in common
            if key == account or not its.unique or (look.counted and not set(words(column)) & set(entity(other, key))):
                continue
            if len(look.ids & its.ids) >= _MOSTLY * len(look.ids):
                found.append(Join(column, other.name, key, account))
    return found[0] if len({one.column for one in found}) == 1 else None  # of two nobody can tell which


def _by_shape(tables: Sequence[Brought], likely: Mapping[tuple[str, str], float]) -> Iterator[tuple[str, str]]:
    """Find keys by their ids alone: a list of all ids that others use, and a name that most tables share."""
    for table, (column, look) in ((one, pair) for one in tables for pair in one.looks.items()):
        if not look.fits("id") or look.kind == "empty" or look.distinct < _FEWEST or _named(look):
            continue
        others = [other for other in tables if other is not table]
        used = [
            other
            for other in others
            for name, its in other.looks.items()
            if ((other.name, name) in likely or name == column)
            and its.fits("id")
            # numbers that count on lie in one another by chance
            and (not its.counted or name == column)
            and its.distinct >= _FEWEST
            and len(its.ids & look.ids) >= _MOSTLY * min(len(its.ids), len(look.ids))
        ]
        listed = look.unique and any(likely.get((other.name, name), 0) for other in used for name in other.looks)
        shared = sum(column in other.looks for other in used) >= max(2, len(tables) // 2)
        if used and (listed or shared):
            yield table.name, column


def _by_values(
    tables: Sequence[Brought], best: frozenset[tuple[str, str]], likely: Mapping[tuple[str, str], float]
) -> Iterator[tuple[str, str]]:
    """Find the one column of a table outside of the group whose ids are all ids of the group, whatever it is called."""
    inside = {table for table, _ in best}
    # only where something larger than a person was found: ids of persons name no account
    if not best or max(likely.get(one, 0.0) for one in best) <= _PERSON:
        return
    ids = frozenset(one for table in tables for name, key in best if name == table.name for one in table.looks[key].ids)
    for table in tables:
        hits = [
            column
            for column, look in table.looks.items()
            if look.fits("id") and not look.counted and look.distinct >= _FEWEST
            if len(look.ids & ids) >= _MOSTLY * look.distinct
        ]
        if table.name not in inside and len(hits) == 1:
            yield table.name, hits[0]


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of the smaller set of ids that occurs in the other."""
    least = min(len(one), len(other))
    return len(one & other) / least if least else 0.0


def entity(table: Brought, column: str) -> tuple[str, ...]:
    """Words of what an id is an id of; of a bare `id` those of its table."""
    found = words(column)
    kept = tuple(word for word in found if word not in _KEY)
    bare = not kept or kept in (("external",), ("record",), ("object",), ("sys",), ("global",))
    return table.stem if bare else kept


def _weight(table: Brought, column: str) -> float:
    look = table.looks[column]
    # a column of hardly any values is a kind of rows, not who they belong to
    few = look.distinct < 2 or (look.distinct < 5 and 20 * look.distinct < len(look.texts))
    if not look.fits("id") or look.kind == "empty" or few:
        return 0.0
    what, keyed = entity(table, column), bool(_KEY & set(words(column)))
    own = what == table.stem and keyed
    if own and not _is_account_table(table):  # the key of an event names the event
        return 0.0
    account = likeness(what[-1:] if own else what, ACCOUNT_WORDS)
    person = _PERSON * likeness(what[-1:] if own else what, PERSON_WORDS)
    known = max(account, person)
    if not set(words(column)) - _KEY:
        known -= 0.05  # a name that says whose key it is counts more
    if own and not look.unique:  # a key of its own table comes once
        known -= 0.3
    # a company by its name is a worse key than its id, and a good one where there is no other
    return known if keyed or look.kind == "number" or not _named(look) else 0.75 * known


def _named(look: Look) -> bool:
    values = sorted(look.ids)[:200]
    return sum(any(sign.isspace() for sign in value) for value in values) > 0.3 * len(values)


def _is_account_table(table: Brought) -> bool:
    return likeness(table.stem[-1:], TABLES["accounts"]) >= 0.5 or likeness(table.stem[-1:], TABLES["people"]) >= 0.5


def _linked(tables: Mapping[str, Brought], likely: Mapping[tuple[str, str], float]) -> list[frozenset[tuple[str, str]]]:
    """Group columns whose ids occur in one another."""
    groups = {one: {one} for one in likely}
    for one, other in itertools.combinations(likely, 2):
        if groups[one] is groups[other] or not _same(tables, one, other):
            continue
        joined = groups[one] | groups[other]
        for member in joined:
            groups[member] = joined
    return [frozenset(group) for group in {id(group): group for group in groups.values()}.values()]


def _same(tables: Mapping[str, Brought], one: tuple[str, str], other: tuple[str, str]) -> bool:
    first, second = (tables[table].looks[column] for table, column in (one, other))
    if one[0] == other[0]:  # two columns of one table are two things
        return False
    if first.counted and second.counted and not _alike(tables, one, other):
        return False  # keys that count on overlap by chance
    # samples of large tables meet in fewer ids
    enough = _SHARED if min(len(first.ids), len(second.ids)) < _LARGE else _SHARED / 3
    return overlap(first.ids, second.ids) >= enough


def _alike(tables: Mapping[str, Brought], one: tuple[str, str], other: tuple[str, str]) -> bool:
    mine, its = (entity(tables[table], column) for table, column in (one, other))
    larger = [likeness(what[-1:], ACCOUNT_WORDS) >= 0.9 for what in (mine, its)]
    return bool(set(mine) & set(its)) or all(larger)


def _worth(group: frozenset[tuple[str, str]], likely: Mapping[tuple[str, str], float]) -> float:
    best: dict[str, float] = {}
    for one in group:
        # once for each table, however many of its columns are in the group
        best[one[0]] = max(best.get(one[0], 0.0), likely[one])
    return sum(best.values())
