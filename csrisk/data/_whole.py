"""Checks of whole tables, and across tables: repeats, overlaps, ids, constant columns, the last day."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from csrisk.data._breach import Breach
from csrisk.data._readers import quoted, trimmed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from csrisk.data._engine import DuckDBEngine
    from csrisk.data._staging import Plan, Staged

__all__ = [
    "SAMPLED_ABOVE",
    "check_ids",
    "check_repeats",
    "check_unlisted",
    "check_values",
    "check_zones",
    "settle_accounts",
]

SAMPLED_ABOVE = 5_000_000  # rows; repeats are then looked for among some of the accounts


def settle_accounts(engine: DuckDBEngine, staged: Staged) -> Staged:
    """Set equal repeats of an account aside, and report accounts whose rows contradict each other."""
    table = "book.accounts"
    bit = next(i for i, rule in enumerate(staged.rules) if rule.code == "CSD103")
    rows = f"SELECT * EXCLUDE (broken, row) FROM {table} WHERE account IS NOT NULL"
    content = f"SELECT account, hash(t) AS content FROM ({rows}) AS t"
    repeated = engine.run(
        f"SELECT account, count(*), count(DISTINCT content) FROM ({content}) GROUP BY account HAVING count(*) > 1"
    )
    if not repeated:
        return staged
    breaches = list(staged.breaches)
    unlike = [row[0] for row in repeated if row[2] > 1]
    if unlike:
        among = f"SELECT row FROM {table} WHERE account IN ({', '.join(map(str, unlike[:1000]))}) ORDER BY row LIMIT 5"
        breaches.append(
            Breach("CSD102", "accounts", "account_id", len(unlike), tuple(row[0] for row in engine.run(among)))
        )
    if alike := sum(row[1] - 1 for row in repeated if row[2] == 1):
        nth = "row_number() OVER (PARTITION BY account ORDER BY row)"
        later = f"SELECT row, {nth} AS nth FROM {table} WHERE account IS NOT NULL"
        aside = f"SELECT row FROM ({later}) WHERE nth > 1"
        positions = tuple(row[0] for row in engine.run(f"{aside} ORDER BY row LIMIT 5"))
        engine.run(f"UPDATE {table} SET broken = broken | {1 << bit} WHERE row IN ({aside})")
        breaches.append(Breach("CSD103", "accounts", "account_id", alike, positions))
    counts = dict(engine.run(f"SELECT broken, count(*) FROM {table} GROUP BY broken"))
    return replace(staged, counts=counts, breaches=breaches)


def check_ids(engine: DuckDBEngine, plans: Iterable[Plan], n_accounts: int) -> list[Breach]:
    """Ids that nearly agree, ids of several types, and a book of one account."""
    breaches = []
    if n_accounts == 1:
        breaches.append(Breach("CSD108", column="account_id"))
    folded = f"regexp_replace(lower({trimmed('id')}), '^0+', '')"
    near = f"SELECT count(*) AS n FROM account_ids GROUP BY {folded} HAVING count(*) > 1"
    count = engine.run(f"SELECT coalesce(sum(n), 0) FROM ({near})")[0][0]
    if count:
        breaches.append(Breach("CSD109", column="account_id", count=int(count)))
    kinds = {plan.table.name: plan.readers["account_id"].textual for plan in plans if plan.table.has_account}
    if len(set(kinds.values())) > 1:
        numbers = sorted(name for name, textual in kinds.items() if not textual)
        breaches.append(Breach("CSD106", column="account_id", count=len(numbers), detail=f"numbers in {numbers}"))
    return breaches


def check_unlisted(engine: DuckDBEngine, tables: Iterable[Staged]) -> list[Breach]:
    """Accounts that the table of accounts does not list.

    Their rows stay: accounts that left are often purged from the list first, and dropping them would hide churn.
    """
    coded = "SELECT listed, row_number() OVER (ORDER BY id) - 1 AS code FROM account_ids"
    unlisted = f"SELECT code FROM ({coded}) WHERE NOT listed"
    if not engine.run(f"{unlisted} LIMIT 1"):
        return []
    breaches = []
    for staged in tables:
        name = staged.plan.table.name
        if name == "accounts" or not staged.plan.table.has_account:
            continue
        among = f"FROM book.{name} WHERE account IN ({unlisted})"
        count, n_ids = engine.run(f"SELECT count(*), count(DISTINCT account) {among}")[0]
        if not count:
            continue
        rows = tuple(row[0] for row in engine.run(f"SELECT row {among} ORDER BY row LIMIT 5"))
        # not one match of several is a difference in writing, such as 7 and 007
        none = count == staged.n_rows and n_ids > 1
        detail = f"{n_ids} ids" + (", none of the table is in accounts; are they written alike?" if none else "")
        breaches.append(
            Breach("CSD104", name, "account_id", count, rows, detail=detail, effect="refused" if none else "")
        )
    return breaches


def check_zones(naive: Iterable[str]) -> list[Breach]:
    """One breach that names every time column without zone."""
    names = sorted(naive)
    return [Breach("CSD206", column=", ".join(names), count=len(names))] if names else []


def check_repeats(engine: DuckDBEngine, staged: Staged) -> list[Breach]:
    """Events repeated exactly, repeated contacts, subscriptions that overlap."""
    table = staged.plan.table
    breaches = []
    if table.event and staged.n_kept > 1:
        breaches += _repeated_events(engine, staged)
    if table.name == "contacts" and "contact_id" in staged.plan.readers:
        n_more = engine.run("SELECT count(contact_id) - count(DISTINCT contact_id) FROM canonical_contacts")[0][0]
        if n_more:
            breaches.append(Breach("CSD110", "contacts", "contact_id", n_more))
    if table.name == "subscriptions":
        breaches += _overlaps(engine)
    return breaches


def check_values(staged: Staged, row: Mapping[str, tuple[int, bool]]) -> list[Breach]:
    """Columns without any value, and columns with one value."""
    name = staged.plan.table.name
    breaches = []
    for column, (count, constant) in row.items():
        if staged.n_kept and not count:
            breaches.append(Breach("CSD307", name, column, staged.n_kept))
        elif constant and staged.n_kept > 1:
            breaches.append(Breach("CSD308", name, column, count))
    return breaches


def _repeated_events(engine: DuckDBEngine, staged: Staged) -> list[Breach]:
    """Count events repeated exactly; they stay, as two equal uses on a day are ordinary where nobody is named."""
    name = staged.plan.table.name
    step = 1 + staged.n_kept // SAMPLED_ABOVE
    part = f" WHERE account % {step} = 0" if step > 1 else ""
    content = f"SELECT hash(t) AS content FROM (SELECT * FROM canonical_{name}{part}) AS t"
    repeats = f"SELECT count(*) - 1 AS more FROM ({content}) GROUP BY content HAVING count(*) > 1"
    count = int(engine.run(f"SELECT coalesce(sum(more), 0) FROM ({repeats})")[0][0])
    detail = f"looked for in one of {step} accounts" if step > 1 else ""
    return [Breach("CSD309", name, "", count, detail=detail)] if count else []


def _overlaps(engine: DuckDBEngine) -> list[Breach]:
    window = "PARTITION BY account, product ORDER BY start_at_day, coalesce(end_at_day, 1000000)"
    before = f"max(coalesce(end_at_day, 1000000)) OVER ({window} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    count = engine.run(
        f"SELECT count(*) FROM (SELECT start_at_day, {before} AS before FROM canonical_subscriptions) "
        "WHERE before > start_at_day"
    )[0][0]
    return [Breach("CSD310", "subscriptions", "start_at, end_at", count)] if count else []


def constant_sql(column: str, kind: str) -> str:
    """Write SQL for whether a column has one value throughout."""
    if kind not in ("number", "bool", "category"):
        return "false"
    return f"coalesce(min({quoted(column)}) = max({quoted(column)}) AND count({quoted(column)}) = count(*), false)"
