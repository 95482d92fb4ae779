"""Checks of whole tables in another engine; the same codes as the checks in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import pandas as pd

from csrisk.data._breach import Breach
from csrisk.data._native_stage import NativeStaged, number, tally
from csrisk.data._whole import SAMPLED_ABOVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from csrisk.data._native_engines import NativeEngine
    from csrisk.data._native_plan import NativePlan

__all__ = ["check_accounts", "check_columns", "check_ids", "check_repeats", "check_unlisted"]

Lazy = nw.LazyFrame[Any]
_FOREVER = 1_000_000
_PLAIN = ("number", "bool", "category")


def check_accounts(engine: NativeEngine, staged: NativeStaged, rows: Lazy) -> Lazy:
    """Take equal repeats of an account away, and report accounts whose rows contradict each other."""
    repeated = _repeated(engine, rows, "account")
    if repeated.empty:
        return rows
    alone = rows.unique()
    unlike = _repeated(engine, alone, "account")
    if len(unlike):
        staged.breaches.append(Breach("CSD102", "accounts", "account_id", len(unlike)))
    alike = repeated[~repeated["account"].isin(unlike["account"])]
    staged.n_repeats = int((alike["n"] - 1).sum())
    if staged.n_repeats:
        staged.breaches.append(Breach("CSD103", "accounts", "account_id", staged.n_repeats))
    return alone


def check_ids(plans: Iterable[NativePlan], ids: Sequence[str]) -> list[Breach]:
    """Ids that nearly agree, ids of several types, and a book of one account."""
    breaches = []
    if len(ids) == 1:
        breaches.append(Breach("CSD108", column="account_id"))
    folded = pd.Series(ids, dtype=object).map(lambda id_: id_.strip().lower().lstrip("0"))
    if near := int(folded.duplicated(keep=False).sum()):
        breaches.append(Breach("CSD109", column="account_id", count=near))
    textual = {
        plan.table.name: not plan.types["account_id"].is_numeric() for plan in plans if "account_id" in plan.types
    }
    if len(set(textual.values())) > 1:
        numbers = sorted(name for name, text in textual.items() if not text)
        breaches.append(Breach("CSD106", column="account_id", count=len(numbers), detail=f"numbers in {numbers}"))
    return breaches


def check_columns(
    engine: NativeEngine, staged: NativeStaged, rows: Lazy
) -> tuple[dict[str, int], tuple[int, int] | None, list[Breach]]:
    """Count values by column, find constant columns and the first and last day, in one query.

    Parameters
    ----------
    engine : NativeEngine
        Where the table lives.
    staged : NativeStaged
        The table.
    rows : narwhals.LazyFrame
        Its canonical form without defaults.

    Returns
    -------
    tuple
        Values by column, first and last day, breaches.
    """
    asked = [column for column in staged.plan.columns if column.name != "account_id"]
    wanted = {"rows": number()}
    if staged.plan.table.has_account:
        wanted |= {"first": nw.col("day").min(), "last": nw.col("day").max()}
    for i, column in enumerate(asked):
        value = nw.col(f"{column.name}_day" if column.kind == "time" else column.name)
        wanted[f"n_{i}"] = tally(~value.is_null())
        if column.kind in _PLAIN:
            value = nw.when(value).then(1).otherwise(nw.when(~value).then(0)) if column.kind == "bool" else value
            wanted |= {f"low_{i}": value.min(), f"high_{i}": value.max()}
    row = engine.collect(rows.select(*(value.alias(name) for name, value in wanted.items()))).iloc[0]
    n_rows = 0 if pd.isna(row["rows"]) else int(row["rows"])
    evidence, breaches, name = {"": n_rows, "account_id": n_rows}, [], staged.plan.table.name
    for i, column in enumerate(asked):
        count = int(row[f"n_{i}"]) if n_rows else 0
        evidence[column.name] = count
        if n_rows and not count:
            breaches.append(Breach("CSD307", name, column.name, n_rows))
        elif column.kind in _PLAIN and n_rows > 1 and count == n_rows and row[f"low_{i}"] == row[f"high_{i}"]:
            breaches.append(Breach("CSD308", name, column.name, count))
    there = staged.plan.table.has_account and not pd.isna(row["first"])
    return evidence, (int(row["first"]), int(row["last"])) if there else None, breaches


def check_unlisted(engine: NativeEngine, staged: NativeStaged, rows: Lazy, unlisted: Sequence[int]) -> list[Breach]:
    """Accounts of a table that the table of accounts does not list; their rows stay."""
    name = staged.plan.table.name
    if not unlisted or not staged.plan.table.has_account:
        return []
    codes = engine.from_pandas(pd.DataFrame({"account": pd.Series(unlisted, dtype="int64")}))
    among = rows.join(codes, on="account", how="inner").group_by("account").agg(number().alias("n"))
    found = engine.collect(among)
    if found.empty:
        return []
    count, n_ids = int(found["n"].sum()), len(found)
    # not one match of several is a difference in writing, such as 7 and 007
    none = count == staged.n_rows and n_ids > 1
    detail = f"{n_ids} ids" + (", none of the table is in accounts; are they written alike?" if none else "")
    return [Breach("CSD104", name, "account_id", count, detail=detail, effect="refused" if none else "")]


def check_repeats(engine: NativeEngine, staged: NativeStaged, rows: Lazy) -> list[Breach]:
    """Events repeated exactly, repeated contacts, subscriptions that overlap."""
    table = staged.plan.table
    breaches = []
    if table.event and staged.n_kept > 1:
        step = 1 + staged.n_kept // SAMPLED_ABOVE
        some = rows.filter(nw.col("account") % step == 0) if step > 1 else rows
        if count := _surplus(engine, some, _content(staged)):
            detail = f"looked for in one of {step} accounts" if step > 1 else ""
            breaches.append(Breach("CSD309", table.name, "", count, detail=detail))
    if table.name == "contacts" and "contact_id" in staged.plan.names:
        n_more = _surplus(engine, rows.filter(~nw.col("contact_id").is_null()), ["contact_id"])
        breaches += [Breach("CSD110", "contacts", "contact_id", n_more)] if n_more else []
    if table.name == "subscriptions":
        breaches += _overlaps(engine, rows)
    return breaches


def _repeated(engine: NativeEngine, rows: Lazy, key: str) -> pd.DataFrame:
    return engine.collect(rows.group_by(key).agg(number().alias("n")).filter(nw.col("n") > 1))


def _content(staged: NativeStaged) -> list[str]:
    """Columns that tell rows apart: those that are there, times by their second."""
    columns = [column for column in staged.plan.columns if column.name != "account_id"]
    return ["account", *(f"{c.name}_second" if c.kind == "time" else c.name for c in columns)]


def _surplus(engine: NativeEngine, rows: Lazy, keys: list[str]) -> int:
    """Rows beyond the first of each combination."""
    groups = rows.group_by(*dict.fromkeys(keys)).agg(number().alias("n")).filter(nw.col("n") > 1)
    more = engine.collect(groups.select((nw.col("n") - 1).sum().cast(nw.Int64).alias("more")))["more"].iloc[0]
    return 0 if pd.isna(more) else int(more)


def _overlaps(engine: NativeEngine, rows: Lazy) -> list[Breach]:
    """Count subscriptions that begin before an earlier one of the same account and product ended."""
    spans = rows.select(
        "account",
        nw.col("product").fill_null(""),
        nw.col("start_at_day").alias("start"),
        nw.col("end_at_day").fill_null(_FOREVER).alias("end"),
    )
    keys = ["account", "product"]
    spans = engine.materialise(spans.group_by(*keys, "start", "end").agg(number().alias("n")))
    before = spans.select(*keys, nw.col("start").alias("start_before"), nw.col("end").alias("end_before"))
    start, end, first = nw.col("start"), nw.col("end"), nw.col("start_before")
    earlier = (first < start) | ((first == start) & (nw.col("end_before") < end))
    pairs = spans.join(before, on=keys, how="inner").filter(earlier & (nw.col("end_before") > start))
    inside = pairs.select(*keys, "start", "end").unique().with_columns(nw.lit(1).alias("inside"))
    # where none of another span overlaps, the repeats of a span do
    counted = spans.join(inside, on=[*keys, "start", "end"], how="left")
    more = nw.when(~nw.col("inside").is_null()).then(nw.col("n")).otherwise(nw.when(end > start).then(nw.col("n") - 1))
    count = engine.collect(counted.select(more.cast(nw.Int64).sum().cast(nw.Int64).alias("n")))["n"].iloc[0]
    if pd.isna(count) or not count:
        return []
    return [Breach("CSD310", "subscriptions", "start_at, end_at", int(count))]
