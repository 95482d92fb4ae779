"""Row rules as expressions, for tables that live in another engine; the same codes as the rules in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw

from csrisk.data._breach import CODES
from csrisk.data._contract import SCALES, Column, Table
from csrisk.data._native_plan import BAD, NativePlan, is_finite, read_value
from csrisk.data._rules import HIGH, LOW

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SECOND", "NativeRule", "kept_values", "native_rules", "read_rows"]

Lazy = nw.LazyFrame[Any]
SECOND = 1_000_000
_DAY = 86_400


@dataclass(frozen=True, slots=True, eq=False)
class NativeRule:
    """One condition that a row must not meet.

    Parameters
    ----------
    code : str
        Key of CODES.
    column : str
        Column that is named in the breach.
    condition : narwhals.Expr
        Over the read columns; true where the rule is broken.
    effect : str
        What happens with the row.
    shown : str
        Column whose offending values may be shown; empty where they must not.
    """

    code: str
    column: str
    condition: nw.Expr
    effect: str = ""
    shown: str = ""

    @property
    def aside(self) -> bool:
        """Whether a row that breaks it is set aside."""
        return (self.effect or CODES[self.code].effect) == "row set aside"


def read_rows(plan: NativePlan) -> Lazy:
    """Give the columns as they are read, and for each that may be unreadable a mark."""
    values = []
    for column in plan.columns:
        value, broken = read_value(plan, column)
        values.append(value.alias(column.name))
        if broken is not None:
            values.append(broken.alias(column.name + BAD))
    return plan.rows.select(*values)


def native_rules(plan: NativePlan, marks: frozenset[str], *, end: int | None) -> list[NativeRule]:
    """All rules of a table.

    Parameters
    ----------
    plan : NativePlan
        How the table is read.
    marks : frozenset of str
        Columns of `read_rows`.
    end : int, optional
        First day that was not observed, where stated.

    Returns
    -------
    list of NativeRule
    """
    table, names = plan.table, plan.names
    rules = list(_account_rules(marks)) if table.has_account else []
    makers: dict[str, Any] = {"time": _time_rules, "number": _number_rules, "category": _category_rules}
    for column in plan.columns:
        rules.extend(makers.get(column.kind, lambda *_: ())(table, column))
        if column.kind == "bool" and column.name + BAD in marks:
            rules.append(NativeRule("CSD306", column.name, nw.col(column.name + BAD)))
    for order in table.orders:
        if {order.later, order.earlier} <= names:
            effect = "value missing" if table.name == "accounts" else ""
            both = f"{order.later}, {order.earlier}"
            rules.append(NativeRule("CSD204", both, _disordered(order.later, order.earlier), effect))
    if end is not None and table.event:
        time = str(table.time)
        rules.append(NativeRule("CSD205", time, nw.col(time) >= end * _DAY, shown=time))
    if table.name == "surveys" and "score" in names:
        rules.extend(_score_rules(names))
    return rules


def kept_values(plan: NativePlan) -> list[nw.Expr]:
    """Write the columns without the values that break a rule."""
    kept = []
    for column in plan.columns:
        value = nw.col(column.name)
        if column.kind == "time":
            inside = _inside(value)
            if plan.table.name == "accounts":
                for order in plan.table.orders:
                    if order.later == column.name and order.earlier in plan.names:
                        inside &= ~_disordered(order.later, order.earlier).fill_null(False)
            value = nw.when(inside).then(value)
        elif column.kind == "number":
            good = is_finite(value) & ~_out_of_range(column).fill_null(False)
            if plan.table.name == "surveys" and column.name == "score" and "kind" in plan.names:
                good &= ~_off_scale().fill_null(False)
            value = nw.when(good).then(value)
        kept.append(value.alias(column.name))
    return kept


def _account_rules(marks: frozenset[str]) -> Iterator[NativeRule]:
    yield NativeRule("CSD101", "account_id", nw.col("account_id").is_null())
    if "account_id" + BAD in marks:
        yield NativeRule("CSD107", "account_id", nw.col("account_id" + BAD))


def _time_rules(table: Table, column: Column) -> Iterator[NativeRule]:
    value = nw.col(column.name)
    effect = "row set aside" if column.strict else ""
    yield NativeRule("CSD203", column.name, ~_inside(value), effect, column.name)
    if column.name == table.time:
        yield NativeRule("CSD201", column.name, value.is_null())


def _number_rules(_: Table, column: Column) -> Iterator[NativeRule]:
    value = nw.col(column.name)
    effect = "row set aside" if column.strict else ""
    yield NativeRule("CSD302", column.name, ~is_finite(value), effect, column.name)
    if column.low is not None or column.high is not None:
        yield NativeRule("CSD303", column.name, is_finite(value) & _out_of_range(column), effect, column.name)


def _category_rules(_: Table, column: Column) -> Iterator[NativeRule]:
    value = nw.col(column.name)
    if column.required:
        yield NativeRule("CSD201", column.name, value.is_null())
    if column.values:
        yield NativeRule("CSD305", column.name, ~value.is_in(list(column.values)), shown=column.name)


def _score_rules(names: frozenset[str]) -> Iterator[NativeRule]:
    if "kind" in names:
        yield NativeRule("CSD304", "score", is_finite(nw.col("score")) & _off_scale(), shown="score")
    scored = ~nw.col("score").is_null()
    yield NativeRule("CSD210", "score", scored & nw.col("answered_at").is_null() if "answered_at" in names else scored)


def _inside(value: nw.Expr) -> nw.Expr:
    return (value >= LOW // SECOND) & (value < HIGH // SECOND)


def _disordered(later: str, earlier: str) -> nw.Expr:
    # a date without clock stands for the whole of its day
    midnight = (nw.col(earlier).cast(nw.Float64) / _DAY).floor().cast(nw.Int64) * _DAY
    # a time out of range counts as missing, so it contradicts no other
    known = (nw.col(later) >= LOW // SECOND) & (nw.col(earlier) < HIGH // SECOND)
    return (nw.col(later) < nw.col(earlier)) & (nw.col(later) != midnight) & known


def _out_of_range(column: Column) -> nw.Expr:
    value = nw.col(column.name)
    outside = value != value
    if column.low is not None:
        outside |= value < column.low
    if column.high is not None:
        outside |= value > column.high
    return outside


def _off_scale() -> nw.Expr:
    kind, score = nw.col("kind"), nw.col("score")
    off = kind != kind
    for name, (low, high) in SCALES.items():
        off |= (kind == name) & ((score < low) | (score > high))
    return off
