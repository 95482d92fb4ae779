"""One pass over a table: read, check every row, and keep it in canonical form with a bit for each broken rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from csrisk.data._breach import CODES, Breach
from csrisk.data._readers import DAY, ROW, Reader, quoted
from csrisk.data._rules import HIGH, LOW, Rule, bad, disordered, in_scale, out_of_range, raw, row_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from csrisk.data._contract import Column, Table
    from csrisk.data._engine import DuckDBEngine
    from csrisk.data._source import Source

__all__ = ["Plan", "Staged", "read_columns", "rejected_rows", "stage"]

_N_ROWS, _N_VALUES = 5, 3


@dataclass(frozen=True, slots=True)
class Plan:
    """How a user's table is read.

    Parameters
    ----------
    table : Table
        The contract.
    source : Source
        The user's table.
    readers : Mapping of str to Reader
        Canonical name to reader, for each column that is there; further attributes of accounts included.
    """

    table: Table
    source: Source
    readers: Mapping[str, Reader]

    @property
    def columns(self) -> list[Column]:
        """Columns in canonical order: those of the contract, there or not, then further attributes."""
        extra = [reader.column for name, reader in self.readers.items() if name not in self.table.names]
        return [*self.table.columns, *extra]


@dataclass(frozen=True, slots=True)
class Staged:
    """A table after its pass.

    Parameters
    ----------
    plan : Plan
        How it was read.
    rules : tuple of Rule
        Rule of each bit.
    counts : Mapping of int to int
        Rows by the bits of the rules that they break.
    breaches : list of Breach
        What was found.
    naive : frozenset of str
        Time columns that came as text with a clock and without zone.
    """

    plan: Plan
    rules: tuple[Rule, ...]
    counts: Mapping[int, int]
    breaches: list[Breach] = field(default_factory=list)
    naive: frozenset[str] = frozenset()

    @property
    def aside(self) -> int:
        """Bits of the rules whose rows are set aside."""
        return sum(1 << i for i, rule in enumerate(self.rules) if _effect(rule) == "row set aside")

    @property
    def n_rows(self) -> int:
        """Rows that came."""
        return sum(self.counts.values())

    @property
    def n_kept(self) -> int:
        """Rows that stay."""
        return sum(count for bits, count in self.counts.items() if not bits & self.aside)


def stage(engine: DuckDBEngine, plan: Plan, *, end: int | None) -> Staged:
    """Read a table into ``book.<table>`` with its broken rules, and list its breaches.

    Parameters
    ----------
    engine : DuckDBEngine
        Where it is kept.
    plan : Plan
        How it is read.
    end : int, optional
        First day that was not observed, where stated.

    Returns
    -------
    Staged
    """
    there = [reader.column for reader in plan.readers.values()]
    rules = tuple(row_rules(plan.table, there, end=end))
    table = f"book.{plan.table.name}"
    zones = [name for name, reader in plan.readers.items() if reader.column.kind == "time" and reader.textual]
    watched = [
        *(rule.condition for rule in rules),
        *(f"{_zone(n)}" for n in zones),
        *(f"NOT {_zone(n)}" for n in zones),
    ]
    bits = " | ".join(f"CASE WHEN {rule} THEN {1 << i} ELSE 0 END" for i, rule in enumerate(watched)) or "0"
    engine.run(
        f"CREATE TABLE {table} AS SELECT {', '.join(_stored(plan))}, CAST({bits} AS BIGINT) AS broken {_read(plan)}"
    )
    counts: dict[int, int] = dict(engine.run(f"SELECT broken, count(*) FROM {table} GROUP BY broken"))
    plain = {name: _with_bit(counts, i) for i, name in enumerate(zones, start=len(rules) + len(zones))}
    staged = Staged(plan, rules, counts, naive=frozenset(name for name in zones if plain[name]))
    for i, rule in enumerate(rules):
        if count := _with_bit(counts, i):
            staged.breaches.append(_describe(engine, staged, i, rule, count))
    for i, name in enumerate(zones, start=len(rules)):
        if plain[name] and _with_bit(counts, i):
            staged.breaches.append(Breach("CSD207", plan.table.name, name, plain[name]))
    return staged


def rejected_rows(engine: DuckDBEngine, staged: Iterable[Staged]) -> pd.DataFrame:
    """Rows set aside, with every reason.

    Parameters
    ----------
    engine : DuckDBEngine
        Where the tables are kept.
    staged : iterable of Staged
        The tables.

    Returns
    -------
    pandas.DataFrame
        Columns table, row, code, rule; sorted by table, row and code.
    """
    parts = [pd.DataFrame({"table": [], "row": [], "code": [], "rule": []}).astype({"row": "int64"})]
    for one in staged:
        name = one.plan.table.name
        for i, rule in enumerate(one.rules):
            if one.aside >> i & 1 and _with_bit(one.counts, i):
                rows = engine.home(f"SELECT row FROM book.{name} WHERE broken & {1 << i} <> 0")
                parts.append(rows.assign(table=name, code=rule.code, rule=f"{rule.column}: {CODES[rule.code].rule}"))
    return pd.concat(parts, ignore_index=True).sort_values(["table", "row", "code"], ignore_index=True)


def read_columns(plan: Plan) -> str:
    """FROM clause whose columns are the values as read; each with its text and, where it may be unreadable, a mark."""
    parts = []
    for name, reader in plan.readers.items():
        parts += [f"{reader.value} AS {quoted(name)}", f"{reader.raw} AS {raw(name)}"]
        if reader.column.kind in ("time", "number", "bool") or name == "account_id":
            parts.append(f"{reader.bad} AS {bad(name)}")
        if reader.column.kind == "time" and reader.textual:
            parts.append(f"{reader.zone} AS {_zone(name)}")
    return f"FROM (SELECT {ROW}, {', '.join(parts)} FROM {plan.source.view})"


def _read(plan: Plan) -> str:
    if not plan.table.has_account:
        return read_columns(plan)
    code = "CAST(enum_code(CAST(account_id AS book_accounts)) AS BIGINT)"
    return f"FROM (SELECT *, {code} AS account {read_columns(plan)})"


def _stored(plan: Plan) -> list[str]:
    parts = [f"{ROW} AS row", *(["account"] if plan.table.has_account else [])]
    for name, reader in plan.readers.items():
        if name == "account_id":
            continue
        if reader.column.kind == "time":
            kept = _kept_time(plan, name)
            parts += [
                f"CAST(floor({kept} / CAST({size} AS DOUBLE)) AS BIGINT) AS {quoted(f'{name}_{grain}')}"
                for grain, size in (("day", DAY), ("second", 1_000_000))
            ]
        elif reader.column.kind == "number":
            parts.append(f"{_kept_number(plan, reader.column)} AS {quoted(name)}")
        else:
            parts.append(
                f"CAST({quoted(name)} AS {'BOOLEAN' if reader.column.kind == 'bool' else 'VARCHAR'}) AS {quoted(name)}"
            )
    return parts


def _kept_time(plan: Plan, name: str) -> str:
    value = quoted(name)
    kept = f"{value} >= {LOW} AND {value} < {HIGH}"
    if plan.table.name == "accounts":
        for order in plan.table.orders:
            if order.later == name and order.earlier in plan.readers:
                kept += f" AND NOT coalesce({disordered(name, order.earlier)}, false)"
    return f"CASE WHEN {kept} THEN {value} END"


def _kept_number(plan: Plan, column: Column) -> str:
    value = quoted(column.name)
    kept = f"isfinite({value})"
    if limits := out_of_range(column):
        kept += f" AND NOT ({limits})"
    if plan.table.name == "surveys" and column.name == "score" and "kind" in plan.readers:
        kept += f" AND coalesce({in_scale()}, true)"
    return f"CAST(CASE WHEN {kept} THEN {value} END AS DOUBLE)"


def _describe(engine: DuckDBEngine, staged: Staged, bit: int, rule: Rule, count: int) -> Breach:
    plan = staged.plan
    table = f"book.{plan.table.name}"
    rows = engine.run(f"SELECT row FROM {table} WHERE broken & {1 << bit} <> 0 ORDER BY row LIMIT {_N_ROWS}")
    values: list[tuple[str, ...]] = []
    if rule.shown:
        where = f"{_read(plan)} WHERE {rule.condition}"
        values = engine.run(f"SELECT DISTINCT {rule.shown} AS shown {where} ORDER BY shown LIMIT {_N_VALUES}")
    effect, detail = _effect(rule), ""
    if rule.code == "CSD202" and effect == "row set aside" and count == staged.n_rows:
        effect, detail = "refused", "no row of the table is right"
    shown = tuple(str(value[0]) for value in values)
    return Breach(rule.code, plan.table.name, rule.column, count, tuple(r[0] for r in rows), shown, detail, effect)


def _effect(rule: Rule) -> str:
    return rule.effect or CODES[rule.code].effect


def _with_bit(counts: Mapping[int, int], bit: int) -> int:
    return sum(count for bits, count in counts.items() if bits >> bit & 1)


def _zone(name: str) -> str:
    return quoted(f"{name}__zone")
