"""AccountGroup: what other accounts of the same parent do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from csrisk._goals import Goal
from csrisk._snapshots import visible
from csrisk.data._engines import one, whole
from csrisk.features._family import Family, Measure, check_windows
from csrisk.features._panel._past import Array, Facts, Past, nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.data import CustomerData

__all__ = ["AccountGroup"]

Lazy = nw.LazyFrame[Any]


@dataclass(frozen=True)
class AccountGroup(Family):
    """What other accounts of the same parent do: how many are customers, and how many have left.

    Parameters
    ----------
    window : int, default 365
        Days looked back for accounts that left.

    Raises
    ------
    FeatureError
        If the window is no positive whole number of days.

    Notes
    -----
    Reads ``accounts.parent_id``: accounts that a parent joins, through any number of levels, are a group; the parent is
    one of them where it is an account itself. The group is taken as it stands, what its accounts do as it was known at
    the snapshot. An account has left where it had a contract and none runs any more. An account of no group has no
    value (NaN): nothing is known of others.

    Examples
    --------
    >>> from csrisk.features import AccountGroup
    >>> [feature.name for feature in AccountGroup().features]
    ['group_customers', 'group_left_365d']
    """

    window: int = 365
    goal: ClassVar[Goal] = Goal.CHURN
    reads: ClassVar[tuple[str, ...]] = ("accounts.parent_id",)

    def __post_init__(self) -> None:
        check_windows("AccountGroup", window=self.window)

    def _measures(self) -> Iterator[Measure]:
        make, w = self._measure, self.window
        yield make("group_customers", "count", "{value} other accounts of the group are customers", "customers")
        left = f"{{value}} other accounts of the group left in {w} days"
        yield make(f"group_left_{w}d", "count", left, "left", 1, window=w)

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past)
        rows = _contracts(past.data)
        if rows is None or not past.data.has("accounts", "parent_id"):
            return facts
        group = groups(past.data)
        links = pd.DataFrame({"account": np.arange(len(group)), "group": group})[group >= 0]
        if links.empty:
            return facts
        rows = rows.join(past.data.engine.from_pandas(links.astype("int64")), on="account", how="inner")
        # `visible` joins on account, and the group takes its place
        rows = rows.rename({"account": "member"}).rename({"group": "account"})
        asked = pd.DataFrame({"account": group[past.account], "cut": past.cut.astype(np.int64)})
        # accounts of a group ask the same question on the same day: it is answered once
        which, pairs = _numbered(asked)
        seen = visible(past.data.engine.from_pandas(pairs[pairs["account"] >= 0]), rows)
        by_member = self._by_member(past.data, seen)
        total = by_member.groupby("snapshot")[["runs", "left"]].sum().reindex(range(len(pairs)), fill_value=0)
        own = by_member.set_index(["snapshot", "member"])[["runs", "left"]]
        own = own.reindex(pd.MultiIndex.from_arrays([which, past.account]), fill_value=0)
        of_group = group[past.account] >= 0
        for name, column in (("customers", "runs"), ("left", "left")):
            # the sum of the group less the account itself
            others = total[column].to_numpy()[which] - own[column].to_numpy()
            facts[name] = np.where(of_group, others.astype(np.float64), np.nan)
        return facts

    def _by_member(self, data: CustomerData, seen: Lazy) -> pd.DataFrame:
        """Tell by question and account of the group whether it is a customer, or left within the window."""
        end, cut = nw.col("end_at_day"), nw.col("cut")
        sums = [whole(one(end.is_null())).alias("runs"), (cut - end).min().alias("since")]
        found = data.engine.collect(seen.group_by("snapshot", "member").agg(*sums))
        runs = found["runs"] > 0
        # a contract that ended is no loss while another one runs
        left = ~runs & (found["since"].fillna(self.window + 1) <= self.window)
        return found.assign(runs=runs.astype("int64"), left=left.astype("int64"))


def groups(data: CustomerData) -> Array:
    """Give the number of the group of each account code; -1 for an account that stands alone."""
    table = data.engine.collect(data.lazy("accounts").select("account", "parent_id"))
    table = table[table["parent_id"].notna()]
    n = len(data.accounts)
    # a parent that is no account itself still joins its children
    names = pd.Index(data.accounts).append(pd.Index(table["parent_id"].astype(str).unique())).unique()
    child, parent = table["account"].to_numpy(np.int64), names.get_indexer(table["parent_id"].astype(str))
    links = coo_array((np.ones(len(child)), (child, parent)), shape=(len(names), len(names)))
    _, found = connected_components(links, directed=False)
    group: Array = found[:n].astype(np.int64)
    # counts accounts alone: a parent outside of the book makes no group with one child
    return np.where(np.bincount(group, minlength=len(names))[group] > 1, group, -1)


def _contracts(data: CustomerData) -> Lazy | None:
    """Give contracts, or accounts as one contract each where only they tell who is a customer."""
    if data.has("subscriptions", "start_at"):
        return data.lazy("subscriptions").select("account", "day", "known", "told", "end_at_day")
    if data.has("accounts", "started_at"):
        rows = data.lazy("accounts").filter(~nw.col("day").is_null())
        return rows.select("account", "day", "known", "told", nw.col("ended_at_day").alias("end_at_day"))
    return None


def _numbered(asked: pd.DataFrame) -> tuple[Array, pd.DataFrame]:
    """Give the number of the question of each row, and the questions."""
    which = asked.groupby(["account", "cut"], sort=True).ngroup().to_numpy(np.int64)
    pairs = asked.drop_duplicates().sort_values(["account", "cut"], ignore_index=True)
    return which, pairs.assign(snapshot=np.arange(len(pairs), dtype=np.int64))
