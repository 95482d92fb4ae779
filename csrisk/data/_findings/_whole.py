"""Checks of whole tables: repeats, overlaps, constant columns, zones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import pandas as pd

from csrisk.data._engines._staging import Staged, add_mark, count, how_many, number, positions, tally
from csrisk.data._findings._breach import Breach

if TYPE_CHECKING:
    from collections.abc import Iterable

    from csrisk.data._declared._contract import Column
    from csrisk.data._engines._engine import DataEngine

__all__ = ["check_columns", "check_repeats", "check_zones", "settle_accounts", "settle_events"]

Lazy = nw.LazyFrame[Any]
SAMPLED_ABOVE = 5_000_000  # rows; repeats are then looked for among some of the accounts
_FOREVER = 1_000_000
_PLAIN = ("number", "bool", "category")
_KEYED = (("CSD110", "contacts", "contact_id"), ("CSD332", "invoices", "account", "invoice_id"))


def settle_accounts(engine: DataEngine, staged: Staged) -> None:
    """Set equal repeats of an account aside, and report accounts whose rows contradict each other."""
    repeated = _repeated(engine, staged.kept)
    if repeated.empty:
        return
    # rows are alike whatever their position and marks
    content = [name for name in staged.rows.collect_schema().names() if name != "row" and "broken__" not in name]
    unlike = _repeated(engine, staged.kept.select(*content).unique())["account"].tolist()
    if unlike:
        rows = positions(engine, staged, staged.kept.filter(nw.col("account").is_in(unlike[:1_000])))
        staged.breaches.append(Breach("CSD102", "accounts", "account_id", len(unlike), rows))
    if alike := int((repeated.loc[~repeated["account"].isin(unlike), "n"] - 1).sum()):
        _mark_later(engine, staged, "CSD103", alike, ["account"], ["row"])


def settle_events(engine: DataEngine, staged: Staged) -> None:
    """Set the repeats of events that a retry delivered again aside; rows without an event_id all stay.

    The row that was known first stays, so that none of a later day changes what an earlier snapshot sees.
    """
    if "event_id" not in staged.plan.names:
        return
    keys = ["account", "event_id"]
    n_more = _surplus(engine, staged.kept.filter(~nw.col("event_id").is_null()), keys)
    if not n_more:
        return
    happened = known = nw.col(f"{staged.plan.table.time}_second")
    if "known_at" in staged.plan.names:
        stated = nw.col("known_at_second")
        known = nw.when(stated > happened).then(stated).otherwise(happened)
    # of rows known at one moment the order must not decide, so their content does
    content = [_sortable(column) for column in staged.plan.there if column.name not in (*keys, "account_id")]
    made = {f"broken__by_{place}": value for place, value in enumerate([known, happened, *content])}
    staged.rows = staged.rows.with_columns(*(value.alias(name) for name, value in made.items()))
    _mark_later(engine, staged, "CSD321", n_more, keys, [*made, "row"], *made)


def _sortable(column: Column) -> nw.Expr:
    """Give a value that every engine sorts alike: engines differ in where they put what is missing."""
    if column.kind == "bool":
        return nw.when(nw.col(column.name)).then(2).otherwise(nw.when(~nw.col(column.name)).then(1).otherwise(0))
    if column.kind in ("time", "number"):
        name = f"{column.name}_second" if column.kind == "time" else column.name
        return nw.col(name).cast(nw.Float64).fill_null(-(2.0**60))
    return nw.col(column.name).fill_null("")


def _mark_later(
    engine: DataEngine, staged: Staged, code: str, n_more: int, keys: list[str], by: list[str], *made: str
) -> None:
    """Mark all but the first of the rows that share their keys, and say how many there are."""
    # a row that is set aside for another reason is not the first that the next ones repeat
    stays = nw.when(staged.is_aside).then(nw.lit(0)).otherwise(nw.lit(1)).cast(nw.Int64)
    nth = nw.col("broken__stays").cum_sum().over(*keys, order_by=by)
    again = (nw.col("broken__stays") == 1) & (nw.col("broken__nth") > 1)
    for key in keys:
        again &= ~nw.col(key).is_null()
    rows = staged.rows.with_columns(stays.alias("broken__stays")).with_columns(nth.alias("broken__nth"))
    marked = rows.with_columns(add_mark(staged, code, again)).drop("broken__stays", "broken__nth", *made)
    staged.rows = engine.keep(marked, staged.plan.table.name)
    count(engine, staged)
    bit, rule = next((i, rule) for i, rule in enumerate(staged.rules) if rule.code == code)
    first = positions(engine, staged, staged.rows.filter(staged.which([bit])))
    staged.breaches.append(Breach(code, staged.plan.table.name, rule.column, n_more, first))


def check_zones(naive: Iterable[str]) -> list[Breach]:
    """One breach that names every time column without zone."""
    names = sorted(naive)
    return [Breach("CSD206", column=", ".join(names), count=len(names))] if names else []


def check_repeats(engine: DataEngine, staged: Staged, rows: Lazy) -> list[Breach]:
    """Events repeated exactly, repeated contacts, subscriptions that overlap."""
    table = staged.plan.table
    breaches = []
    if table.event and staged.n_kept > 1:
        breaches += _repeated_events(engine, staged, rows)
    for code, name, *keys in _KEYED:
        if table.name == name and keys[-1] in staged.plan.names:
            n_more = _surplus(engine, rows.filter(~nw.col(keys[-1]).is_null()), keys)
            breaches += [Breach(code, name, keys[-1], n_more)] if n_more else []
    if table.name == "subscriptions":
        breaches += _overlaps(engine, rows)
    return breaches


def check_columns(
    engine: DataEngine, staged: Staged, rows: Lazy
) -> tuple[dict[str, int], tuple[int, int] | None, list[Breach]]:
    """Count values by column, find constant columns and the first and last day, in one query."""
    asked = [column for column in staged.plan.there if column.name != "account_id"]
    wanted = {"rows": number()}
    if staged.plan.table.has_account:
        wanted |= {"first": nw.col("day").min(), "last": nw.col("day").max()}
    for i, column in enumerate(asked):
        value = nw.col(f"{column.name}_day" if column.kind == "time" else column.name)
        wanted[f"n_{i}"] = tally(~value.is_null())
        if column.kind in _PLAIN:
            value = nw.when(value).then(1).otherwise(nw.when(~value).then(0)) if column.kind == "bool" else value
            wanted |= {f"low_{i}": value.min(), f"high_{i}": value.max()}
    row = engine.collect(rows.select(*(value.alias(name) for name, value in wanted.items()))).iloc[0].to_dict()
    n_rows = 0 if pd.isna(row["rows"]) else int(row["rows"])
    evidence, breaches = {"": n_rows, "account_id": n_rows}, []
    for i, column in enumerate(asked):
        n = evidence[column.title] = int(row[f"n_{i}"]) if n_rows else 0
        constant = column.kind in _PLAIN and n == n_rows > 1 and row[f"low_{i}"] == row[f"high_{i}"]
        if code := "CSD307" if n_rows and not n else "CSD308" if constant else "":
            breaches.append(Breach(code, staged.plan.table.name, column.title, n or n_rows))
    there = staged.plan.table.has_account and n_rows and not pd.isna(row["first"])
    return evidence, (int(row["first"]), int(row["last"])) if there else None, breaches


def _repeated(engine: DataEngine, rows: Lazy) -> pd.DataFrame:
    return engine.collect(rows.group_by("account").agg(number().alias("n")).filter(nw.col("n") > 1))


def _repeated_events(engine: DataEngine, staged: Staged, rows: Lazy) -> list[Breach]:
    """Count events repeated exactly; they stay, as two equal uses on a day are ordinary where nobody is named."""
    step = 1 + staged.n_kept // SAMPLED_ABOVE
    # whole accounts, as a row repeats another of its account
    some = rows.filter(nw.col("account") % step == 0) if step > 1 else rows
    columns = [column for column in staged.plan.there if column.name != "account_id"]
    keys = ["account", *(f"{c.name}_second" if c.kind == "time" else c.name for c in columns)]
    n_more = _surplus(engine, some, keys)
    detail = f"looked for in one of {step} accounts" if step > 1 else ""
    return [Breach("CSD309", staged.plan.table.name, "", n_more, detail=detail)] if n_more else []


def _surplus(engine: DataEngine, rows: Lazy, keys: list[str]) -> int:
    """Rows beyond the first of each combination."""
    groups = rows.group_by(*keys).agg(number().alias("broken__n")).filter(nw.col("broken__n") > 1)
    return how_many(engine, groups, (nw.col("broken__n") - 1).sum().cast(nw.Int64))


def _overlaps(engine: DataEngine, rows: Lazy) -> list[Breach]:
    """Count subscriptions that begin before an earlier one of the same account and product ended."""
    start, end = nw.col("start_at_day").alias("start"), nw.col("end_at_day").fill_null(_FOREVER).alias("end")
    # contracts that name no product are of the same one
    spans = rows.select("account", nw.col("product").fill_null(""), start, end)
    keys, order = ["account", "product"], ["start", "end"]
    # the largest end so far: an older contract may outlast the one just before
    reach = spans.with_columns(nw.col("end").cum_max().over(*keys, order_by=order).alias("reach"))
    before = reach.with_columns(nw.col("reach").shift(1).over(*keys, order_by=[*order, "reach"]).alias("before"))
    n = how_many(engine, before, tally(nw.col("before") > nw.col("start")))
    return [Breach("CSD310", "subscriptions", "start_at, end_at", n)] if n else []
