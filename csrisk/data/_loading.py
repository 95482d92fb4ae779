"""From what the user brought to checked canonical tables, collecting every breach on the way; on every engine."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import pandas as pd

from csrisk.data._cures import filtered, givens_of, require_where, unrated
from csrisk.data._cures._apply import RATED
from csrisk.data._declared._contract import CONTRACT, Column
from csrisk.data._declared._declaration import DTYPES
from csrisk.data._engines._planning import Plan, make_plan, marks
from csrisk.data._engines._staging import Staged, how_many, rejected_rows, stage
from csrisk.data._findings._breach import Breach
from csrisk.data._findings._ends import read_end, settle_ends
from csrisk.data._findings._found import Found, check_known_at, check_names
from csrisk.data._findings._joins import check_catalogue, check_ids, check_joins, check_unlisted
from csrisk.data._findings._whole import check_columns, check_repeats, check_zones, settle_accounts, settle_events
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk.data._engines._engine import DataEngine

__all__ = ["Loaded", "load"]

Lazy = nw.LazyFrame[Any]
_logger = logging.getLogger("csrisk")


@dataclass
class Loaded(Found):
    """What came out of loading; filled step by step."""

    engine: DataEngine
    known_at: Mapping[str, str] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    staged: dict[str, Staged] = field(default_factory=dict)

    def canonical(self) -> dict[str, Lazy]:
        """Canonical tables as lazy frames."""
        return {name: canonical(staged) for name, staged in self.staged.items()}

    def ordered(self, table: str) -> Lazy:
        """Give a canonical table in the order in which its rows came, or by account where they have no order."""
        staged = self.staged[table]
        dated = ["account", "day"] if staged.plan.table.has_account else []
        frame = canonical(staged, "row")
        return frame.sort(*(["row"] if staged.plan.ordered else dated or ["row"])).drop("row")

    def rows(self, table: str) -> pd.DataFrame:
        """Bring a canonical table home in order."""
        return self.engine.collect(self.ordered(table))

    def rejected(self) -> pd.DataFrame:
        """Rows set aside, with every reason."""
        return rejected_rows(self.engine, list(self.staged.values()))


def load(
    engine: DataEngine,
    tables: Mapping[str, Any],
    columns: Mapping[str, Mapping[str, Any]],
    end: object,
    known_at: Mapping[str, str] | None = None,
    where: Mapping[str, Mapping[str, Any]] | None = None,
) -> Loaded:
    """Read, check and keep all tables; the engine is closed where that fails."""
    loaded, where = Loaded(engine, known_at={} if known_at is None else known_at), where or {}
    with ExitStack() as failed:
        failed.callback(engine.close)
        read_end(loaded, end)
        check_names(loaded, tables, {"columns": columns, "where": where})
        loaded.known_at = check_known_at(loaded, loaded.known_at)
        # in the order of the contract, whatever that of the mapping
        for name in CONTRACT:
            if name in tables:
                _plan(loaded, name, tables[name], columns.get(name, {}), where.get(name, {}))
        if not any(CONTRACT[name].has_account for name in tables if name in CONTRACT):
            loaded.breaches.append(Breach("CSD008", count=0))
        unlisted = _read_accounts(loaded)
        for name, plan in list(loaded.plans.items()):
            _stage(loaded, name, plan)
        loaded.breaches += check_ids(loaded.plans.values(), list(loaded.accounts))
        if "accounts" in loaded.staged and loaded.staged["accounts"].n_kept:
            loaded.breaches += check_unlisted(loaded.engine, loaded.staged.values(), unlisted)
        loaded.breaches += check_catalogue(loaded.engine, loaded.staged)
        loaded.breaches += check_zones(
            f"{name}.{column}" for name, one in loaded.staged.items() for column in one.naive
        )
        for staged in loaded.staged.values():
            loaded.breaches += check_repeats(loaded.engine, staged, canonical(staged))
        settle_ends(loaded, loaded.engine, loaded.canonical())
        # nothing failed, so the engine stays open
        failed.pop_all()
    return loaded


def _plan(loaded: Loaded, name: str, brought: object, given: Mapping[str, Any], where: Mapping[str, Any]) -> None:
    try:
        givens, conditions = givens_of(given), require_where(where)
    except ConfigError as error:
        raise ConfigError(f"tables.{name}: {error}") from error
    table = loaded.engine.open(name, brought)
    if isinstance(table, Breach):
        loaded.breaches.append(table)
        return
    try:
        if conditions:
            table, left_out = filtered(loaded.engine, name, table, conditions)
            loaded.breaches += left_out
            for breach in left_out:
                _logger.info("table %s: %s, %s", name, breach.found, breach.detail)
        plan, breaches = make_plan(CONTRACT[name], table, givens)
        if plan is not None and RATED in plan.columns:
            breaches += _without_rate(loaded, name, plan)
        for column, rows in marks(table, frozenset(CONTRACT[name].names)).items():
            if count := how_many(loaded.engine, rows):
                breaches.append(Breach("CSD330", name, column, count))
    except loaded.engine.errors as error:
        plan, breaches = None, [Breach("CSD006", name, detail=table.why(error))]
    loaded.breaches += [*table.notes, *breaches]
    if plan is not None:
        loaded.plans[name] = replace(plan, entered=loaded.known_at.get(name) == "entered")


def _without_rate(loaded: Loaded, name: str, plan: Plan) -> list[Breach]:
    """Refuse amounts in currencies that have no rate."""
    found = loaded.engine.collect(unrated(plan.read))["currency"]
    if not len(found):
        return []
    stated = sorted({str(one)[:24] for one in found.dropna()})
    none = f"{int(found.isna().sum())} state none" if found.isna().any() else ""
    return [Breach("CSD027", name, "currency", len(found), examples=tuple(stated[:5]), detail=none)]


def _read_accounts(loaded: Loaded) -> list[int]:
    """Collect the account ids of all tables, whose order gives the codes; return those that accounts does not list."""
    found: dict[str, set[str]] = {}
    for name, plan in list(loaded.plans.items()):
        if not plan.table.has_account:
            continue
        try:
            ids = loaded.engine.collect(plan.read.select("account_id").unique())
        except loaded.engine.errors as error:
            loaded.breaches.append(Breach("CSD006", name, detail=plan.brought.why(error)))
            del loaded.plans[name]
        else:
            found[name] = set(ids["account_id"].dropna())
    loaded.breaches += check_joins(found)
    # codes in the order of ids do not depend on tables and rows, and snapshots are sorted by code
    ordered = sorted(set().union(*found.values()))
    loaded.accounts = pd.Index(ordered, dtype="str", name="account_id")
    loaded.engine.set_accounts(ordered)
    return [code for code, id_ in enumerate(ordered) if id_ not in found.get("accounts", set())]


def _stage(loaded: Loaded, name: str, plan: Plan) -> None:
    engine = loaded.engine
    if plan.table.has_account:
        plan = replace(plan, read=engine.with_codes(plan.read))
    try:
        staged = stage(engine, plan, end=loaded.stated_end(name))
        if name == "accounts":
            settle_accounts(engine, staged)
        settle_events(engine, staged)
        # without defaults: what is filled in is no evidence
        evidence, days, breaches = check_columns(engine, staged, canonical(staged, filled=False))
    except engine.errors as error:
        loaded.breaches.append(Breach("CSD006", name, detail=plan.brought.why(error)))
        return
    loaded.staged[name] = staged
    loaded.breaches += staged.breaches
    if not staged.n_rows:
        loaded.breaches.append(Breach("CSD010", name, count=0))
    elif not staged.n_left and not any(breach.fatal for breach in staged.breaches):
        loaded.breaches.append(Breach("CSD013", name, count=staged.n_rows))
    loaded.evidence[name] = evidence
    loaded.breaches += breaches
    if days is not None:
        loaded.days[name] = days


def canonical(staged: Staged, *more: str, filled: bool = True) -> Lazy:
    """Give the kept rows of a table with all columns of the contract."""
    plan = staged.plan
    head: list[Any] = list(more)
    if plan.table.has_account:
        head += ["account", *_dates(plan)]
    for column in plan.all_columns:
        if column.name != "account_id":
            head += _column(column, column.name in plan.names, filled=filled)
    return staged.kept.select(*head)


def _dates(plan: Plan) -> list[nw.Expr]:
    """Give the day of a row, when it became known and, where its beginning is known then, when its ends were told."""
    time = plan.table.time or "started_at"
    day = nw.col(f"{time}_day") if time in plan.names else nw.lit(None).cast(nw.Int64)
    if plan.table.ready in plan.names:
        ready = nw.col(f"{plan.table.ready}_day")
        day = nw.when(ready > day).then(ready).otherwise(day)
    late = day
    told = day
    if "known_at" in plan.names:
        late = nw.when(nw.col("known_at_day") > day).then(nw.col("known_at_day")).otherwise(day)
        # an account without a start is there from the beginning, its end is not
        told = nw.when(day.is_null()).then(nw.col("known_at_day")).otherwise(late)
    if plan.table.begins is None:
        return [day.alias("day"), late.alias("known")]
    return [day.alias("day"), (late if plan.entered else day).alias("known"), told.alias("told")]


def _column(column: Column, there: bool, *, filled: bool) -> list[Any]:
    name = column.name
    if column.kind == "time":
        both = [f"{name}_day", f"{name}_second"]
        return both if there else [nw.lit(None).cast(nw.Int64).alias(one) for one in both]
    value = nw.col(name) if there else nw.lit(None).cast(DTYPES[column.kind])
    if filled and column.default is not None:
        # a missing number has its type; a plain 1.0 is an exact decimal to PostgreSQL and comes home as no number
        value = value.fill_null(column.default)
    return [value.alias(name)]
