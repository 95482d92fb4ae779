"""One pass over a table in another engine: read, count the broken rules, and write its canonical form."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from csrisk.data._breach import CODES, Breach
from csrisk.data._native_rules import NativeRule, kept_values, native_rules, read_rows

if TYPE_CHECKING:
    from csrisk.data._native_engines import NativeEngine
    from csrisk.data._native_plan import NativePlan

__all__ = ["NativeStaged", "canonical", "number", "stage_native", "tally", "with_defaults"]

Lazy = nw.LazyFrame[Any]
_DAY = 86_400
_EXAMPLES = 3


@dataclass
class NativeStaged:
    """A table of another engine after its pass.

    Parameters
    ----------
    plan : NativePlan
        How it was read.
    rows : narwhals.LazyFrame
        Columns as read.
    broken : narwhals.Expr or None
        Whether a row is set aside; None where no row is.
    n_rows, n_kept, n_left : int
        Rows that came, that stay, and that would stay but for their late date.
    counts : dict of NativeRule to int
        Rows that break each rule.
    breaches : list of Breach
        What was found.
    """

    plan: NativePlan
    rows: Lazy
    broken: nw.Expr | None
    n_rows: int
    n_kept: int = 0
    n_left: int = 0
    counts: dict[NativeRule, int] = field(default_factory=dict)
    breaches: list[Breach] = field(default_factory=list)
    n_repeats: int = 0

    @property
    def aside(self) -> pd.DataFrame:
        """One row for each reason for which a row was set aside."""
        reasons = [(rule.code, rule.column, count) for rule, count in self.counts.items() if rule.aside and count]
        if self.n_repeats:
            reasons.append(("CSD103", "account_id", self.n_repeats))
        each = [pd.Index([code]).repeat(count) for code, _, count in reasons]
        codes = each[0].append(each[1:]) if each else pd.Index([], dtype=object)
        words = {code: f"{column}: {CODES[code].rule}" for code, column, _ in reasons}
        frame = pd.DataFrame({"table": self.plan.table.name, "row": pd.NA, "code": codes})
        return frame.assign(rule=frame["code"].map(words))


def stage_native(engine: NativeEngine, plan: NativePlan, *, end: int | None) -> NativeStaged:
    """Count the rows of a table that break each rule, and list its breaches.

    Parameters
    ----------
    engine : NativeEngine
        Where the table lives.
    plan : NativePlan
        How it is read.
    end : int, optional
        First day that was not observed, where stated.

    Returns
    -------
    NativeStaged
    """
    rows = read_rows(plan)
    rules = native_rules(plan, frozenset(rows.collect_schema().names()), end=end)
    broken = _any([rule.condition for rule in rules if rule.aside])
    early = _any([rule.condition for rule in rules if rule.aside and rule.code != "CSD205"])
    counted = {f"rule_{i}": tally(rule.condition) for i, rule in enumerate(rules)}
    counted |= {"rows": number(), "aside": tally(broken), "early": tally(early)}
    row = engine.collect(rows.select(*(value.alias(name) for name, value in counted.items()))).iloc[0].fillna(0)
    found = {rule: int(row[f"rule_{i}"]) for i, rule in enumerate(rules)}
    n_rows = int(row["rows"])
    staged = NativeStaged(
        plan,
        rows,
        broken if row["aside"] else None,
        n_rows,
        n_rows - int(row["aside"]),
        n_rows - int(row["early"]),
        found,
    )
    staged.breaches = [_describe(engine, staged, rule, count) for rule, count in found.items() if count]
    return staged


def canonical(staged: NativeStaged, codes: Lazy | None) -> Lazy:
    """Write the kept rows with account codes; numbers without their defaults.

    Parameters
    ----------
    staged : NativeStaged
        The table.
    codes : narwhals.LazyFrame, optional
        Columns account_id and account, for a table of accounts' rows.

    Returns
    -------
    narwhals.LazyFrame
    """
    plan, rows = staged.plan, staged.rows
    if staged.broken is not None:
        rows = rows.filter(~staged.broken)
    rows = rows.select(*kept_values(plan))
    head: list[Any] = []
    if codes is not None:
        rows = rows.join(codes, on="account_id", how="inner")
        head = ["account", *_dates(plan)]
    return rows.select(*head, *_columns(plan))


def with_defaults(plan: NativePlan, rows: Lazy) -> Lazy:
    """Fill numbers that are missing with what that means."""
    filled = [
        nw.col(column.name).fill_null(column.default) for column in plan.table.columns if column.default is not None
    ]
    return rows.with_columns(*filled) if filled else rows


def tally(condition: nw.Expr) -> nw.Expr:
    """Count the rows that meet a condition."""
    counted: nw.Expr = nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64).sum().cast(nw.Int64)
    return counted


def number() -> nw.Expr:
    """Count all rows."""
    counted: nw.Expr = nw.len().cast(nw.Int64)
    return counted


def _any(conditions: list[nw.Expr]) -> nw.Expr:
    first, *others = (condition.fill_null(False) for condition in conditions)
    return reduce(or_, others, first)


def _dates(plan: NativePlan) -> list[nw.Expr]:
    time = plan.table.time or "started_at"
    day = _day(time) if time in plan.names else nw.lit(None).cast(nw.Int64)
    if "known_at" not in plan.names:
        return [day.alias("day"), day.alias("known")]
    later = nw.when(_day("known_at") > day).then(_day("known_at")).otherwise(day)
    return [day.alias("day"), later.alias("known")]


def _day(name: str) -> nw.Expr:
    return (nw.col(name).cast(nw.Float64) / _DAY).floor().cast(nw.Int64)


def _columns(plan: NativePlan) -> list[nw.Expr]:
    extra = [column for column in plan.columns if column.name not in plan.table.names]
    parts = []
    for column in (*plan.table.columns, *extra):
        there = column.name in plan.names
        if column.name == "account_id":
            continue
        if column.kind == "time":
            nothing = nw.lit(None).cast(nw.Int64)
            parts.append((_day(column.name) if there else nothing).alias(f"{column.name}_day"))
            parts.append((nw.col(column.name) if there else nothing).alias(f"{column.name}_second"))
        elif there:
            parts.append(nw.col(column.name))
        else:
            kind: Any = {"number": nw.Float64, "bool": nw.Boolean}.get(column.kind, nw.String)
            parts.append(nw.lit(None).cast(kind).alias(column.name))
    return parts


def _describe(engine: NativeEngine, staged: NativeStaged, rule: NativeRule, count: int) -> Breach:
    examples: tuple[str, ...] = ()
    if rule.shown:
        values = staged.rows.filter(rule.condition).select(rule.shown).unique().sort(rule.shown).head(_EXAMPLES)
        is_time = staged.plan.table[rule.shown].kind == "time" if rule.shown in staged.plan.table.names else False
        examples = tuple(_shown(value, is_time=is_time) for value in engine.collect(values)[rule.shown])
    return Breach(rule.code, staged.plan.table.name, rule.column, count, (), examples, effect=rule.effect)


def _shown(value: Any, *, is_time: bool) -> str:
    if is_time:
        return str(np.datetime64(int(value), "s").astype("datetime64[D]"))
    return f"{value:g}" if isinstance(value, float) else str(value)[:24]
