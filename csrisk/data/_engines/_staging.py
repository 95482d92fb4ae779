"""One pass over a table: read, check every row, and keep it with a mark for each broken rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from operator import add, or_
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import pandas as pd

from csrisk.data._engines import _sums
from csrisk.data._engines._rules import SECOND, Rule, day_of, kept_value, row_rules, zone
from csrisk.data._findings._breach import CODES, Breach

if TYPE_CHECKING:
    from collections.abc import Iterable

    from csrisk.data._engines._engine import DataEngine, Engine
    from csrisk.data._engines._planning import Plan

__all__ = ["Staged", "add_mark", "count", "how_many", "number", "positions", "rejected_rows", "stage", "tally"]

Lazy = nw.LazyFrame[Any]
_N_ROWS, _N_VALUES = 5, 3
_LOOK = 1_000  # values that are brought home to be shown by their shape
_BITS = 50  # rules in one whole number


@dataclass(slots=True)
class Staged:
    """A table after its pass."""

    plan: Plan
    rules: list[Rule]
    rows: Lazy
    counts: dict[tuple[int, ...], int]
    breaches: list[Breach] = field(default_factory=list)
    naive: frozenset[str] = frozenset()

    @property
    def n_rows(self) -> int:
        """Rows that came."""
        return sum(self.counts.values())

    @property
    def n_kept(self) -> int:
        """Rows that stay."""
        return self.n_rows - self.hits(self._aside())

    @property
    def n_left(self) -> int:
        """Rows that stay, or would but for their late date."""
        return self.n_rows - self.hits([i for i in self._aside() if self.rules[i].code != "CSD205"])

    def hits(self, bits: list[int]) -> int:
        """Rows that break any of some rules."""
        return sum(count for marks, count in self.counts.items() if _has(marks, bits))

    def which(self, bits: list[int]) -> nw.Expr:
        """Whether a row breaks any of some rules."""
        either = []
        for place in {bit // _BITS for bit in bits}:
            here = [bit % _BITS for bit in bits if bit // _BITS == place]
            # expressions know no operation on bits, so the marks that occur are listed
            values = {marks[place] for marks in self.counts if any(marks[place] >> bit & 1 for bit in here)}
            either.append(nw.col(_mark(place)).is_in(sorted(values)) if values else nw.lit(False))
        return reduce(or_, either, nw.lit(False)) if len(either) != 1 else either[0]

    @property
    def is_aside(self) -> nw.Expr:
        """Whether a row is set aside."""
        return self.which(self._aside())

    @property
    def kept(self) -> Lazy:
        """Rows that stay."""
        return self.rows.filter(~self.is_aside) if self.hits(self._aside()) else self.rows

    def _aside(self) -> list[int]:
        return [i for i, rule in enumerate(self.rules) if rule.aside]


def stage(engine: DataEngine, plan: Plan, *, end: int | None) -> Staged:
    """Read a table into the engine with its broken rules, and list its breaches."""
    rules = row_rules(plan, end=end)
    zoned = [column.name for column in plan.there if zone(column.name) in plan.columns]
    # rules without a code are only counted: how many values state a zone, and how many do not
    watched = [*rules, *(Rule("", name, nw.col(zone(name))) for name in zoned)]
    watched += [Rule("", name, ~nw.col(zone(name))) for name in zoned]
    if plan.table.name == "accounts":
        # repeats are known only when all rows are there, so these bits are set afterwards
        watched.append(Rule("CSD103", "account_id", nw.lit(False)))
    if "event_id" in plan.names:
        watched.append(Rule("CSD321", "event_id", nw.lit(False)))
    kept = engine.keep(plan.read.select(*_stored(plan, rules), *_marks(watched)), plan.table.name)
    staged = Staged(plan, watched, kept, {})
    count(engine, staged)
    n_zoned = {name: staged.hits([len(rules) + i]) for i, name in enumerate(zoned)}
    n_plain = {name: staged.hits([len(rules) + len(zoned) + i]) for i, name in enumerate(zoned)}
    staged.naive = plan.naive | {name for name in zoned if n_plain[name]}
    found = [(i, rule, staged.hits([i])) for i, rule in enumerate(rules)]
    staged.breaches = [_describe(engine, staged, i, rule, n) for i, rule, n in found if n]
    mixed = [name for name in zoned if n_plain[name] and n_zoned[name]]
    staged.breaches += [Breach("CSD207", plan.table.name, name, n_plain[name]) for name in mixed]
    return staged


def count(engine: DataEngine, staged: Staged) -> None:
    """Count the rows by their marks."""
    names = [_mark(place) for place in range(-(-len(staged.rules) // _BITS))] or [_mark(0)]
    found = engine.collect(staged.rows.group_by(*names).agg(number().alias("n")))
    marks = zip(*(found[name].astype("int64").tolist() for name in names), strict=True)
    staged.counts = dict(zip(marks, found["n"].astype("int64").tolist(), strict=True))


def add_mark(staged: Staged, code: str, broken: nw.Expr) -> nw.Expr:
    """Write the marks of the rule of a code, with the bit set where it is broken."""
    bit = next(i for i, rule in enumerate(staged.rules) if rule.code == code)
    mark = nw.col(_mark(bit // _BITS))
    return nw.when(broken).then(mark + (1 << bit % _BITS)).otherwise(mark).cast(nw.Int64).alias(_mark(bit // _BITS))


def positions(engine: DataEngine, staged: Staged, rows: Lazy) -> tuple[int, ...]:
    """First positions of some rows of a table; none where the engine has no order of rows."""
    if not staged.plan.ordered:
        return ()
    return tuple(engine.collect(rows.select("row").sort("row").head(_N_ROWS))["row"].tolist())


def rejected_rows(engine: DataEngine, staged: Iterable[Staged]) -> pd.DataFrame:
    """Rows set aside, with every reason."""
    parts = [pd.DataFrame({"table": [], "row": [], "code": [], "rule": []})]
    for one in staged:
        for i, rule in enumerate(one.rules):
            n = one.hits([i]) if rule.aside else 0
            if n and one.plan.ordered:
                rows = engine.collect(one.rows.filter(one.which([i])).select("row"))
            elif n:
                rows = pd.DataFrame({"row": pd.array([pd.NA] * n, dtype="Int64")})
            if n:
                words = f"{rule.column}: {CODES[rule.code].rule}"
                parts.append(rows.assign(table=one.plan.table.name, code=rule.code, rule=words))
    whole = all(one.plan.ordered for one in staged)
    frame = pd.concat([part.astype({"row": "Int64"}) for part in parts], ignore_index=True)
    frame = frame.sort_values(["table", "row", "code"], ignore_index=True)
    return frame.astype({"row": "int64"}) if whole else frame


def tally(condition: nw.Expr) -> nw.Expr:
    """Count the rows that meet a condition."""
    return _sums.whole(_sums.one(condition))


def number() -> nw.Expr:
    """Count all rows."""
    counted: nw.Expr = nw.len().cast(nw.Int64)
    return counted


def how_many(engine: Engine, rows: Lazy, what: nw.Expr | None = None) -> int:
    """Bring one count home; that of all rows by default."""
    n = engine.collect(rows.select((number() if what is None else what).alias("n")))["n"].iloc[0]
    # the sum over no rows is missing
    return 0 if pd.isna(n) else int(n)


def _mark(place: int) -> str:
    return f"broken__{place}"


def _has(marks: tuple[int, ...], bits: list[int]) -> bool:
    return any(marks[bit // _BITS] >> bit % _BITS & 1 for bit in bits)


def _marks(rules: list[Rule]) -> list[nw.Expr]:
    """Write whole numbers with a bit for each broken rule."""
    marks = []
    for place in range(max(1, -(-len(rules) // _BITS))):
        some = rules[place * _BITS : (place + 1) * _BITS]
        bits = [nw.when(rule.condition).then(nw.lit(1 << i)).otherwise(nw.lit(0)) for i, rule in enumerate(some)]
        marks.append(reduce(add, bits, nw.lit(0)).cast(nw.Int64).alias(_mark(place)))
    return marks


def _stored(plan: Plan, rules: list[Rule]) -> list[Any]:
    parts: list[Any] = ["row", *(["account"] if plan.table.has_account else [])]
    for column in plan.there:
        if column.name == "account_id":
            continue
        value = kept_value(column, rules)
        if column.kind == "time":
            parts.append(day_of(value).alias(f"{column.name}_day"))
            parts.append((value.cast(nw.Float64) / SECOND).floor().cast(nw.Int64).alias(f"{column.name}_second"))
        else:
            parts.append(value.alias(column.name))
    return parts


def _known(plan: Plan, rule: Rule) -> str:
    """Say what is known of a category, or of a number that has few values."""
    column = next((one for one in plan.table.columns if one.name == rule.column), None)
    if column is None or rule.code not in ("CSD301", "CSD303", "CSD305"):
        return ""
    if column.kind == "category":
        return f"known are {', '.join(column.values)}"  # the words of a category, not an array
    return f"it is {column.low:g} to {column.high:g}" if column.low is not None and column.high is not None else ""


def _describe(engine: DataEngine, staged: Staged, bit: int, rule: Rule, n: int) -> Breach:
    plan = staged.plan
    rows = positions(engine, staged, staged.rows.filter(staged.which([bit])))
    shown: list[str] = []
    if rule.shown:
        values = plan.read.filter(rule.condition).select(*rule.shown).unique().sort(*rule.shown).head(_LOOK)
        said = (rule.write(*row) for row in engine.collect(values).itertuples(index=False))
        shown = list(dict.fromkeys(said)) if rule.ordered else sorted(set(said))
    effect, detail = rule.settled, _known(plan, rule)
    if rule.code == "CSD202" and effect == "row set aside" and n == staged.n_rows:
        effect, detail = "refused", "no row of the table is right"
    return Breach(rule.code, plan.table.name, rule.column, n, rows, tuple(shown[:_N_VALUES]), detail, effect)
