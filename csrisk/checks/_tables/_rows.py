"""Rows of the tables held against who has left: what only those have who left was written when they had gone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from csrisk._labelling import Contracts
from csrisk._snapshots import FOREVER
from csrisk._text import percent
from csrisk._wilson import share_interval
from csrisk.checks._association import MIN_EVENTS, single_auc
from csrisk.checks._check import Check, Rule
from csrisk.checks._leakage import Z, named
from csrisk.data import CONTRACT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from csrisk.data import CustomerData

    Ints = NDArray[np.int64]

__all__ = ["ROWS", "check_rows"]

ROWS = Rule(
    "CSR024",
    "Rows that tell who has left",
    "Wilson (1927) lower bound at 99 percent, accounts counted once; four in five is a convention",
    "find out when these rows were written; give them known_at, date them when they were written, or leave them out",
    leakage=True,
)
# how a row ended has no time of its own, and the end of a contract is the outcome
_OUTCOMES = frozenset({"ended_reason", "status", "outcome", "disputed", "reopened", "currency", "interval"})
_MANY = 500  # what has more values is not held value by value
_BEFORE = 14  # days before the end from which a row may well speak of the end
_WORD = re.compile(r"[^\W\d_]{3,}")


def check_rows(data: CustomerData, *, share: float = 0.8, capture: float = 0.05, limit: float = 0.9) -> Check:
    """Look for values, words and rows that hardly an account has that is still there.

    Texts written after the end, scores overwritten with a last one, contacts of the off-boarding that were dated back,
    a history that was deleted with the account: rows that csrisk computes features of in good faith. Rows count until
    two weeks before the end of an account; what only those have who left is suspect, and so is a table in which they
    have no row at all.

    Parameters
    ----------
    data : CustomerData
        The tables.
    share : float
        Largest share of those who left among the accounts with a value, at the lower bound,
    capture : float
        of values that so many of those who left have.
    limit : float
        Largest AUC of the mean of a number of each account against who left, at the lower bound.

    Returns
    -------
    Check
        ``found`` names the columns, as `table.column`.

    Examples
    --------
    >>> import csrisk as cr
    >>> from csrisk.checks import check_rows
    >>> check_rows(cr.datasets.make_saas(120, 18, seed=1).data()).status
    'passed'
    """
    ends = _ends(data)
    gone = ends < FOREVER
    least = max(MIN_EVENTS, capture * float(gone.sum()))
    if min(int(gone.sum()), int((~gone).sum())) < MIN_EVENTS:
        return ROWS.not_applicable(f"fewer than {MIN_EVENTS} accounts that left and that stayed")
    found, looked = {}, 0
    for name, rows in _held(data):
        looked += 1
        # each value counts from its first row
        seen = rows[rows["day"].to_numpy(np.int64) < ends.reindex(rows["account"]).fillna(FOREVER).to_numpy() - _BEFORE]
        # by how much a limit is passed, as shares and areas have limits of their own
        worst = max(_worst(seen, gone, least) - share, _ranked(seen, gone) - limit)
        if worst > 0:
            found[name] = worst
    for table in CONTRACT:
        if table not in ("accounts", "features") and data.has(table):
            looked += 1
            if (erased := _erased(data, table, ends, least)) > share:
                found[table] = erased - share
    shown = sorted(found, key=lambda name: (-found[name], name))
    measure = f"{len(found)} of {looked} columns and tables tell which {int(gone.sum())} of {len(gone)} accounts left"
    return ROWS.judge(bool(found), named(measure, shown), f"{percent(share, 0)} of a value's accounts left", shown)


def _ends(data: CustomerData) -> pd.Series:
    """Last day of each account by its code; `FOREVER` of those that are there."""
    end = (data.end - pd.Timestamp("1970-01-01")).days
    found = []
    for table, column in (("subscriptions", "end_at"), ("accounts", "ended_at")):
        if data.has(table, column):
            contracts = Contracts.read(data, end, 0, table=table)
            # who renewed has several contracts: the account ends with the last
            last = pd.Series(contracts.end).groupby(contracts.account).max()
            # an end that lies ahead of the data has not come
            found.append(last.where(last < end, FOREVER))
    # where both tell, the earlier end holds: who has left has left, whatever the other table still says
    return pd.concat(found).groupby(level=0).min() if found else pd.Series(dtype=np.int64)


def _held(data: CustomerData) -> Iterator[tuple[str, pd.DataFrame]]:
    """Columns of event tables, each with the first day on which an account had a value."""
    for table, declared in CONTRACT.items():
        if table in ("accounts", "features") or not data.has(table):
            continue
        for column in declared.columns:
            if column.name in _OUTCOMES or column.kind not in ("category", "bool", "number", "text"):
                continue
            if not data.has(table, column.name):
                continue
            rows = _first_days(data, table, column.name)
            if column.kind == "text":
                yield f"{table}.{column.name}", _words(rows)
            elif column.kind == "number" or rows["value"].nunique() <= _MANY:
                yield f"{table}.{column.name}", rows


def _first_days(data: CustomerData, table: str, column: str) -> pd.DataFrame:
    rows = data.lazy(table).select("account", "day", nw.col(column).alias("value"))
    rows = rows.filter(~nw.col("value").is_null(), ~nw.col("day").is_null())
    found = data.engine.collect(rows.group_by("account", "value").agg(nw.col("day").min()))
    # in one order, as the values of an account are added in it
    return found.sort_values(["account", "value"], ignore_index=True)


def _words(rows: pd.DataFrame) -> pd.DataFrame:
    """Split texts into words; the text itself goes no further."""
    words = [sorted(set(_WORD.findall(str(text).lower()))) for text in rows["value"]]
    each = rows.assign(value=pd.Series(words, rows.index, dtype=object)).explode("value").dropna(subset="value")
    return each.groupby(["account", "value"])["day"].min().reset_index()


def _worst(rows: pd.DataFrame, gone: pd.Series, least: float) -> float:
    """Largest lower bound, over values, of the share of accounts with it that left."""
    # a number of many values is judged by its mean, in _ranked
    if rows["value"].nunique() > _MANY and pd.api.types.is_numeric_dtype(rows["value"]):
        return 0.0
    left = gone.reindex(rows["account"]).fillna(value=False).to_numpy(bool)
    counts = pd.Series(left).groupby(rows["value"].to_numpy()).agg(["sum", "size"])
    counts = counts[counts["sum"] >= least]
    if counts.empty:
        return 0.0
    return float(np.max(share_interval(counts["sum"], counts["size"], Z)[0]))


def _ranked(rows: pd.DataFrame, gone: pd.Series) -> float:
    """Lower bound of the AUC of the mean of a number against who left, either way round; 0 for what is no number."""
    # both values of a boolean were held one by one
    if not pd.api.types.is_numeric_dtype(rows["value"]) or pd.api.types.is_bool_dtype(rows["value"]):
        return 0.0
    mean = rows["value"].astype("float64").groupby(rows["account"].to_numpy()).mean()
    left = gone.reindex(mean.index).fillna(value=False).to_numpy(bool)
    auc = single_auc(mean, left, np.arange(len(mean)), len(mean))
    return 0.0 if auc is None else auc.low(Z)


def _erased(data: CustomerData, table: str, ends: pd.Series, least: float) -> float:
    """Lower bound of the share that left among accounts without a row of a table, where it was kept in their time."""
    rows: Any = data.lazy(table).select("account", "day").filter(~nw.col("day").is_null())
    first = data.engine.collect(rows.group_by("account").agg(nw.col("day").min()))
    if first.empty:
        return 0.0
    # who left before the table began never could have a row
    kept = ends[ends > int(first["day"].min()) + 3 * _BEFORE]
    without = kept[~kept.index.isin(first["account"])]
    hits = int((without < FOREVER).sum())
    return 0.0 if hits < least else float(share_interval(hits, len(without), Z)[0])
