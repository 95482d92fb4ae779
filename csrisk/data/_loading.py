"""From what the user brought to checked canonical tables, collecting every breach on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk.data._breach import Breach
from csrisk.data._contract import CONTRACT
from csrisk.data._ends import read_end, settle_ends
from csrisk.data._found import Found, check_names
from csrisk.data._planning import make_plan
from csrisk.data._readers import quoted
from csrisk.data._source import open_source
from csrisk.data._staging import Plan, Staged, rejected_rows, stage
from csrisk.data._whole import (
    check_ids,
    check_repeats,
    check_unlisted,
    check_values,
    check_zones,
    constant_sql,
    settle_accounts,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import narwhals.stable.v2 as nw

    from csrisk.data._engine import DuckDBEngine
    from csrisk.data._source import Source

__all__ = ["Loaded", "canonical_sql", "load"]


@dataclass
class Loaded(Found):
    """What came out of loading; filled step by step.

    Parameters
    ----------
    engine : DuckDBEngine
        Holds the tables as views ``canonical_<table>``.
    """

    engine: DuckDBEngine
    plans: dict[str, Plan] = field(default_factory=dict)
    staged: dict[str, Staged] = field(default_factory=dict)

    def canonical(self) -> dict[str, nw.LazyFrame[Any]]:
        """Canonical tables as lazy frames."""
        return {name: self.engine.table(f"canonical_{name}") for name in self.staged}

    def ordered(self, table: str) -> str:
        """Write SQL for a canonical table in the order in which its rows came."""
        return f"{canonical_sql(self.staged[table])} ORDER BY row"

    def rows(self, table: str) -> pd.DataFrame:
        """Bring a canonical table home, in the order in which its rows came."""
        return self.engine.home(self.ordered(table))

    def rejected(self) -> pd.DataFrame:
        """Rows set aside, with every reason."""
        return rejected_rows(self.engine, self.staged.values())


def load(
    engine: DuckDBEngine, tables: Mapping[str, Any], columns: Mapping[str, Mapping[str, str]], end: object
) -> Loaded:
    """Read, check and keep all tables.

    Parameters
    ----------
    engine : DuckDBEngine
        Where they are kept.
    tables : Mapping
        As the user brought them.
    columns : Mapping
        Canonical to user's names for each table.
    end : date-like, optional
        First day that was not observed.

    Returns
    -------
    Loaded
        With fatal breaches among `breaches`, the rest may be incomplete.
    """
    loaded = Loaded(engine)
    try:
        _load(loaded, tables, columns, end)
    except BaseException:
        engine.close()
        raise
    return loaded


def _load(loaded: Loaded, tables: Mapping[str, Any], columns: Mapping[str, Mapping[str, str]], end: object) -> None:
    read_end(loaded, end)
    check_names(loaded, tables, columns)
    for name in CONTRACT:
        if name in tables:
            _plan(loaded, name, tables[name], columns.get(name, {}))
    if not any(CONTRACT[name].has_account for name in tables if name in CONTRACT):
        loaded.breaches.append(Breach("CSD008", count=0))
    _read_accounts(loaded)
    for name, plan in list(loaded.plans.items()):
        _stage(loaded, name, plan)
    _check(loaded)


def _plan(loaded: Loaded, name: str, brought: object, given: Mapping[str, str]) -> None:
    source = open_source(loaded.engine, name, brought)
    if isinstance(source, Breach):
        loaded.breaches.append(source)
        return
    try:
        plan, breaches = make_plan(loaded.engine, CONTRACT[name], source, given)
    except loaded.engine.errors as error:
        plan, breaches = None, [_unreadable(source, name, error)]
    loaded.breaches += [*source.notes, *breaches]
    if plan is not None:
        loaded.plans[name] = plan


def _read_accounts(loaded: Loaded) -> None:
    """Collect the account ids of all tables; their order gives the codes."""
    engine = loaded.engine
    engine.run("CREATE TEMP TABLE account_ids (id VARCHAR, listed BOOLEAN)")
    for name, plan in list(loaded.plans.items()):
        if "account_id" not in plan.readers:
            continue
        ids = f"SELECT DISTINCT {plan.readers['account_id'].value} AS id FROM {plan.source.view}"
        try:
            engine.run(f"INSERT INTO account_ids SELECT id, {name == 'accounts'} FROM ({ids}) WHERE id IS NOT NULL")
        except engine.errors as error:
            loaded.breaches.append(_unreadable(plan.source, name, error))
            del loaded.plans[name]
    engine.run(
        "CREATE OR REPLACE TEMP TABLE account_ids AS SELECT id, bool_or(listed) AS listed FROM account_ids GROUP BY id"
    )
    table = engine.connection.sql("SELECT id FROM account_ids ORDER BY id").to_arrow_table()
    loaded.accounts = pd.Index(table["id"].to_pandas().astype("str"), name="account_id")
    # casts to an enum type are quicker than joins; all ids are in it, as failing casts are slow
    ids = "SELECT id FROM account_ids ORDER BY id" if len(loaded.accounts) else "SELECT '' AS id"
    engine.run(f"CREATE TYPE book_accounts AS ENUM ({ids})")


def _stage(loaded: Loaded, name: str, plan: Plan) -> None:
    try:
        staged = stage(loaded.engine, plan, end=loaded.stated_end(name))
        if name == "accounts":
            staged = settle_accounts(loaded.engine, staged)
    except loaded.engine.errors as error:
        loaded.breaches.append(_unreadable(plan.source, name, error))
        return
    loaded.engine.run(f"CREATE VIEW canonical_{name} AS {canonical_sql(staged)}")
    loaded.staged[name] = staged
    loaded.breaches += staged.breaches
    if not staged.n_rows:
        loaded.breaches.append(Breach("CSD010", name, count=0))
    elif not _left(staged) and not any(breach.fatal for breach in staged.breaches):
        loaded.breaches.append(Breach("CSD013", name, count=staged.n_rows))
    _count(loaded, name, staged)


def _left(staged: Staged) -> int:
    """Rows that stay, or would but for their late date."""
    late = sum(1 << i for i, rule in enumerate(staged.rules) if rule.code == "CSD205")
    return sum(count for bits, count in staged.counts.items() if not bits & staged.aside & ~late)


def canonical_sql(staged: Staged) -> str:
    """Write the SELECT of a canonical table; ``ORDER BY row`` may follow."""
    plan = staged.plan
    parts: list[str] = []
    if plan.table.has_account:
        time = plan.table.time or "started_at"
        day = f"{time}_day" if time in plan.readers else "CAST(NULL AS BIGINT)"
        known = f"greatest({day}, coalesce(known_at_day, {day}))" if "known_at" in plan.readers else day
        parts = ["account", f"{day} AS day", f"{known} AS known"]
    for column in plan.columns:
        name = quoted(column.name)
        if column.name == "account_id":
            continue
        there = column.name in plan.readers
        if column.kind == "time":
            both = [quoted(f"{column.name}_{grain}") for grain in ("day", "second")]
            parts += both if there else [f"CAST(NULL AS BIGINT) AS {one}" for one in both]
        elif not there:
            kind = {"number": "DOUBLE", "bool": "BOOLEAN"}.get(column.kind, "VARCHAR")
            value = "NULL" if column.default is None else str(column.default)
            parts.append(f"CAST({value} AS {kind}) AS {name}")
        else:
            parts.append(
                name if column.default is None else f"coalesce({name}, CAST({column.default} AS DOUBLE)) AS {name}"
            )
    where = f" WHERE broken & {staged.aside} = 0" if staged.n_kept < staged.n_rows else ""
    return f"SELECT {', '.join(parts)} FROM book.{plan.table.name}{where}"


def _count(loaded: Loaded, name: str, staged: Staged) -> None:
    """Count values by column, find constant columns and the first and last day, in one query."""
    plan = staged.plan
    asked, sql = [], []
    for column, reader in plan.readers.items():
        if column != "account_id":
            stored = f"{column}_day" if reader.column.kind == "time" else column
            asked.append(column)
            sql += [f"count({quoted(stored)})", constant_sql(stored, reader.column.kind)]
    time = plan.table.time or "started_at"
    day = f"{time}_day" if time in plan.readers else "NULL"
    where = f" WHERE broken & {staged.aside} = 0"
    row = loaded.engine.run(
        f"SELECT {', '.join(['count(*)', f'min({day})', f'max({day})', *sql])} FROM book.{name}{where}"
    )[0]
    counted = dict(zip(asked, zip(row[3::2], row[4::2], strict=True), strict=True))
    loaded.evidence[name] = {"": row[0], "account_id": row[0], **{column: pair[0] for column, pair in counted.items()}}
    if row[1] is not None:
        loaded.days[name] = (row[1], row[2])
    loaded.breaches += check_values(staged, counted)


def _check(loaded: Loaded) -> None:
    engine = loaded.engine
    loaded.breaches += check_ids(engine, loaded.plans.values(), len(loaded.accounts))
    if "accounts" in loaded.staged and loaded.staged["accounts"].n_kept:
        loaded.breaches += check_unlisted(engine, loaded.staged.values())
    loaded.breaches += check_zones(_naive(loaded))
    for staged in loaded.staged.values():
        loaded.breaches += check_repeats(engine, staged)
    settle_ends(loaded, engine, loaded.canonical())


def _naive(loaded: Loaded) -> list[str]:
    """Time columns with values that do not state their zone."""
    names = []
    for name, staged in loaded.staged.items():
        for column, reader in staged.plan.readers.items():
            typed = reader.kind.startswith("TIMESTAMP") and not reader.kind.startswith(
                ("TIMESTAMPTZ", "TIMESTAMP WITH")
            )
            if reader.column.kind == "time" and (typed or column in staged.naive):
                names.append(f"{name}.{column}")
    return names


def _unreadable(source: Source, name: str, error: Exception) -> Breach:
    # the message of the engine may quote rows, so it is not passed on
    return Breach("CSD006", name, detail=source.why(error))
