"""Row rules: for each table the conditions, in SQL, that its rows must not meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csrisk.data._contract import SCALES, Column, Table
from csrisk.data._readers import DAY, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HIGH", "LOW", "Rule", "bad", "disordered", "in_scale", "out_of_range", "raw", "row_rules"]

LOW, HIGH = -2_208_988_800_000_000, 4_102_444_800_000_000  # 1900-01-01 and 2100-01-01 in microseconds


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition that a row must not meet.

    Parameters
    ----------
    code : str
        Key of CODES.
    column : str
        Column that is named in the breach.
    condition : str
        SQL over the read columns; true where the rule is broken.
    effect : str
        What happens with the row; empty for the effect of the code.
    shown : str
        SQL of the offending value as text; empty where it must not be shown.
    """

    code: str
    column: str
    condition: str
    effect: str = ""
    shown: str = ""


def row_rules(table: Table, columns: list[Column], *, end: int | None) -> list[Rule]:
    """All rules of a table.

    Parameters
    ----------
    table : Table
        The contract.
    columns : list of Column
        The columns that the user's table has.
    end : int, optional
        First day that was not observed, where stated.

    Returns
    -------
    list of Rule
    """
    names = {column.name for column in columns}
    makers = {"time": _time_rules, "number": _number_rules, "bool": _bool_rules, "category": _category_rules}
    rules = list(_account_rules()) if table.has_account else []
    if table.name == "accounts":
        # its rows are known only when all are there, so the bit is set afterwards
        rules.append(Rule("CSD103", "account_id", "false"))
    for column in columns:
        if column.kind in makers:
            rules.extend(makers[column.kind](table, column))
    for order in table.orders:
        if {order.later, order.earlier} <= names:
            rules.append(_order_rule(table, order.later, order.earlier))
    if end is not None and table.event:
        time = str(table.time)
        rules.append(Rule("CSD205", time, f"{quoted(time)} >= {end * DAY}", shown=_date(time)))
    if table.name == "surveys" and "score" in names:
        rules.extend(_score_rules(names))
    return rules


def in_scale() -> str:
    """Write SQL for whether a score lies within the scale of its kind; null where the kind is unknown."""
    cases = " ".join(f"WHEN '{kind}' THEN score BETWEEN {low:g} AND {high:g}" for kind, (low, high) in SCALES.items())
    return f"CASE kind {cases} END"


def bad(name: str) -> str:
    """Read column that tells whether a value is there and cannot be read."""
    return quoted(f"{name}__bad")


def raw(name: str) -> str:
    """Read column of the value as the user wrote it."""
    return quoted(f"{name}__raw")


def _account_rules() -> Iterator[Rule]:
    yield Rule("CSD101", "account_id", "account IS NULL")
    yield Rule("CSD107", "account_id", bad("account_id"))


def _time_rules(table: Table, column: Column) -> Iterator[Rule]:
    name, value = column.name, quoted(column.name)
    effect = "row set aside" if column.strict else ""
    yield Rule("CSD202", name, bad(name), effect, _shape(name))
    yield Rule("CSD203", name, f"{value} < {LOW} OR {value} >= {HIGH}", effect, _date(name))
    if name == table.time:
        yield Rule("CSD201", name, f"{value} IS NULL AND NOT {bad(name)}")


def _order_rule(table: Table, later: str, earlier: str) -> Rule:
    effect = "value missing" if table.name == "accounts" else ""
    shown = f"{_date(later)} || ' before ' || {_date(earlier)}"
    return Rule("CSD204", f"{later}, {earlier}", disordered(later, earlier), effect, shown)


def disordered(later: str, earlier: str) -> str:
    """Write SQL for whether one time is before another that it should follow."""
    # a date without clock stands for the whole of its day
    midnight = f"{DAY} * CAST(floor({quoted(earlier)} / CAST({DAY} AS DOUBLE)) AS BIGINT)"
    # a time out of range counts as missing, so it contradicts no other
    known = f"{quoted(later)} >= {LOW} AND {quoted(earlier)} < {HIGH}"
    return f"{quoted(later)} < {quoted(earlier)} AND {quoted(later)} <> {midnight} AND {known}"


def _number_rules(_: Table, column: Column) -> Iterator[Rule]:
    name, value = column.name, quoted(column.name)
    effect = "row set aside" if column.strict else ""
    yield Rule("CSD301", name, bad(name), effect, _shape(name))
    yield Rule("CSD302", name, f"isinf({value})", effect, f"CAST({value} AS VARCHAR)")
    if limits := out_of_range(column):
        yield Rule("CSD303", name, limits, effect, f"format('{{:g}}', {value})")


def out_of_range(column: Column) -> str:
    """Write SQL for whether a finite number lies outside of its range; empty where it has none."""
    value = quoted(column.name)
    limits = [f"{value} < {column.low}"] if column.low is not None else []
    limits += [f"{value} > {column.high}"] if column.high is not None else []
    return f"isfinite({value}) AND ({' OR '.join(limits)})" if limits else ""


def _bool_rules(_: Table, column: Column) -> Iterator[Rule]:
    yield Rule("CSD306", column.name, bad(column.name), shown=_shape(column.name))


def _category_rules(_: Table, column: Column) -> Iterator[Rule]:
    name, value = column.name, quoted(column.name)
    if column.required:
        yield Rule("CSD201", name, f"{value} IS NULL")
    if column.values:
        known = ", ".join(f"'{known}'" for known in column.values)
        yield Rule("CSD305", name, f"{value} NOT IN ({known})", shown=f"left({value}, 24)")


def _score_rules(names: set[str]) -> Iterator[Rule]:
    if "kind" in names:
        shown = "kind || ' ' || format('{:g}', score)"
        yield Rule("CSD304", "score", f"isfinite(score) AND NOT ({in_scale()})", shown=shown)
    unanswered = f"answered_at IS NULL AND NOT {bad('answered_at')}" if "answered_at" in names else "true"
    yield Rule("CSD210", "score", f"score IS NOT NULL AND {unanswered}")


def _date(name: str) -> str:
    return f"strftime(make_timestamp({quoted(name)}), '%Y-%m-%d')"


def _shape(name: str) -> str:
    letters = f"regexp_replace(left({raw(name)}, 24), '\\p{{L}}', 'a', 'g')"
    return f"regexp_replace({letters}, '\\p{{N}}', '9', 'g')"
