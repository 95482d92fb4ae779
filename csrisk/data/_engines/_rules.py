"""Row rules: for each table the conditions that its rows must not meet, written once for every engine."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from csrisk.data._declared._declaration import DTYPES
from csrisk.data._declared._words import ENDED_STATES, SCALES, TRIAL
from csrisk.data._findings._breach import CODES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from csrisk.data._declared._declaration import Column, Table
    from csrisk.data._engines._planning import Plan

__all__ = ["DAY", "NOBODY", "SECOND", "Rule", "bad", "day_of", "is_finite", "kept_value", "raw", "row_rules", "zone"]

NOBODY = "bad__nobody"  # read column: whether the id of an account is a word for nothing
# 1900-01-02 and 2100-01-01 in microseconds; 1900-01-01 and 1970-01-01 are the zeros of spreadsheets and computers
LOW, HIGH = -2_208_902_400_000_000, 4_102_444_800_000_000
SECOND, DAY = 1_000_000, 86_400_000_000
_UNREAD = {"time": "CSD202", "number": "CSD301", "bool": "CSD306"}  # a value that is no such thing


def _shape(text: str) -> str:
    """Write each letter as a and each digit as 9."""
    # text that cannot be read may be a name or an address, so no sign of it is shown
    return re.sub(r"\d", "9", re.sub(r"[^\W\d_]", "a", text[:24]))


def _flag(text: str) -> str:
    """Shape of what is no yes or no; databases write a whole number with or without .0."""
    return _shape(re.sub(r"(?<=\d)\.0$", "", text))


def _date(value: float) -> str:
    return str(np.datetime64(int(value), "us").astype("datetime64[D]"))


def _words(value: str) -> str:
    return value[:24]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One condition that a row must not meet."""

    code: str
    column: str
    # true where the rule is broken, false or null elsewhere
    condition: nw.Expr
    # empty for that of the code
    effect: str = ""
    # column whose value goes missing where the rule is broken
    blanks: str = ""
    # read columns of the offending values; empty where they must not be shown
    shown: tuple[str, ...] = ()
    write: Callable[..., str] = _shape

    @property
    def ordered(self) -> bool:
        """Whether the offending values have an order that every engine knows; each sorts text its own way."""
        return self.write not in (_shape, _flag, _words)

    @property
    def settled(self) -> str:
        """What happens with a row that breaks it."""
        return self.effect or (CODES[self.code].effect if self.code else "")

    @property
    def aside(self) -> bool:
        """Whether a row that breaks it is set aside."""
        return self.settled == "row set aside"


def row_rules(plan: Plan, *, end: int | None) -> list[Rule]:
    """All rules of a table."""
    table, names = plan.table, {column.name for column in plan.there}
    makers: dict[str, Any] = {"time": _time_rules, "number": _number_rules, "category": _category_rules}
    rules = list(_account_rules(plan)) if table.has_account else []
    for column in plan.there:
        if plan.marked(column) and column.kind in _UNREAD:
            unread, effect = nw.col(bad(column.name)), "row set aside" if column.strict else ""
            write = _flag if column.kind == "bool" else _shape
            rules.append(Rule(_UNREAD[column.kind], column.title, unread, effect, "", (raw(column.name),), write))
        if column.kind in makers:
            rules.extend(makers[column.kind](table, column, plan.marked(column)))
    for order in table.orders:
        if {order.later, order.earlier} <= names:
            rules.append(_order_rule(table, order.later, order.earlier))
    if end is not None and table.event:
        time = str(table.time)
        rules.append(Rule("CSD205", time, nw.col(time) >= end * DAY, shown=(time,), write=_date))
    if table.name == "surveys" and "score" in names:
        rules.extend(_score_rules(names, plan))
    if table.name == "subscriptions":
        rules.extend(_contract_rules(names))
    return rules


def kept_value(column: Column, rules: list[Rule]) -> nw.Expr:
    """Write the value of a column, missing where it breaks a rule."""
    value = nw.col(column.name)
    broken = [rule.condition for rule in rules if rule.blanks == column.name]
    # null conditions keep the value
    kept: nw.Expr = nw.when(reduce(or_, broken)).then(nw.lit(None)).otherwise(value) if broken else value
    return kept.cast(DTYPES[column.kind]) if broken else kept


def day_of(time: nw.Expr) -> nw.Expr:
    """Whole days since 1970-01-01 of microseconds."""
    # exact: microseconds of our time lie below 2**53
    return (time.cast(nw.Float64) / DAY).floor().cast(nw.Int64)


def is_finite(number: nw.Expr) -> nw.Expr:
    """Whether a number is finite; not every database knows the function."""
    return number.abs() <= sys.float_info.max


def bad(name: str) -> str:
    """Read column that tells whether a value is there and cannot be read."""
    return f"bad__{name}"


def raw(name: str) -> str:
    """Read column of the value as the user wrote it."""
    return f"raw__{name}"


def zone(name: str) -> str:
    """Read column that tells whether a time states its zone; null where it is missing or only a date."""
    return f"zone__{name}"


def _account_rules(plan: Plan) -> Iterator[Rule]:
    nobody = nw.col(NOBODY)
    yield Rule("CSD101", "account_id", nw.col("account").is_null() & ~nobody)
    yield Rule("CSD112", "account_id", nobody)
    if plan.marked(plan.table["account_id"]):
        yield Rule("CSD107", "account_id", nw.col(bad("account_id")))


def _time_rules(table: Table, column: Column, marked: bool) -> Iterator[Rule]:
    name, value = column.name, nw.col(column.name)
    effect = "row set aside" if column.strict else ""
    yield Rule("CSD203", column.title, _outside(value), effect, name, (name,), _date)
    if name == table.time:
        yield Rule("CSD201", name, value.is_null() & ~nw.col(bad(name)) if marked else value.is_null())


def _outside(time: nw.Expr) -> nw.Expr:
    """Whether a time is none that could be meant, so that it counts as missing."""
    return (time < LOW) | (time >= HIGH) | (time == 0)


def _order_rule(table: Table, later: str, earlier: str) -> Rule:
    first, second = nw.col(earlier), nw.col(later)
    # a date without clock stands for the whole of its day
    broken = (second < first) & (second != day_of(first) * DAY) & ~_outside(second) & ~_outside(first)
    missing = table.name == "accounts"
    return Rule(
        "CSD204",
        f"{later}, {earlier}",
        broken,
        "value missing" if missing else "",
        later if missing else "",
        (later, earlier),
        lambda late, early: f"{_date(late)} before {_date(early)}",
    )


def _number_rules(_: Table, column: Column, _marked: bool) -> Iterator[Rule]:
    name, value = column.name, nw.col(column.name)
    effect = "row set aside" if column.strict else ""
    yield Rule("CSD302", column.title, ~is_finite(value), effect, name, (name,), "{:g}".format)
    limits = [value < column.low] if column.low is not None else []
    limits += [value > column.high] if column.high is not None else []
    if limits:
        # an infinite number has a rule of its own, and is said once
        outside = is_finite(value) & reduce(or_, limits)
        yield Rule("CSD303", column.title, outside, effect, name, (name,), "{:g}".format)


def _category_rules(_: Table, column: Column, _marked: bool) -> Iterator[Rule]:
    name, value = column.name, nw.col(column.name)
    if column.required:
        yield Rule("CSD201", name, value.is_null())
    if column.values:
        yield Rule("CSD305", name, ~value.is_in(list(column.values)), shown=(name,), write=_words)


def _contract_rules(names: set[str]) -> Iterator[Rule]:
    """Find trials, which are no contracts, what is over without an end, and notice."""
    running = nw.col("end_at").is_null() if "end_at" in names else nw.lit(True)
    trial = [nw.col("is_trial")] if "is_trial" in names else []
    if "status" in names:
        status = nw.col("status").str.to_lowercase()
        paid = nw.lit(False)
        if "trial_ends_at" in names:
            # a row that is over its trial by its date counts from there on; the state is that of the export
            paid = ~nw.col("trial_ends_at").is_null()
        trial.append(status.is_in(list(TRIAL)) & ~paid)
        yield Rule("CSD341", "status", status.is_in(list(ENDED_STATES)) & running, shown=("status",), write=_words)
    if {"trial_ends_at", "end_at"} <= names:
        end, over = nw.col("end_at"), nw.col("trial_ends_at")
        trial.append((end <= over) & ~_outside(end) & ~_outside(over))
    if trial:
        # what is not said makes no trial
        known = [condition.fill_null(value=False) for condition in trial]
        yield Rule("CSD340", "is_trial, status, trial_ends_at", reduce(or_, known))
    if "notice_given_at" in names:
        yield Rule("CSD342", "notice_given_at", ~nw.col("notice_given_at").is_null() & running)


def _score_rules(names: set[str], plan: Plan) -> Iterator[Rule]:
    score = nw.col("score")
    if "kind" in names:
        off = [
            (nw.col("kind") == kind) & is_finite(score) & ((score < low) | (score > high))
            for kind, (low, high) in SCALES.items()
        ]
        shown = ("kind", "score")
        yield Rule("CSD304", "score", reduce(or_, off), "", "score", shown, lambda kind, value: f"{kind} {value:g}")
    unanswered = ~score.is_null()
    if "answered_at" in names:
        unanswered &= nw.col("answered_at").is_null()
        # a time that is there and cannot be read is said by its own rule
        if plan.marked(plan.table["answered_at"]):
            unanswered &= ~nw.col(bad("answered_at"))
    yield Rule("CSD210", "score", unanswered)
