"""Lifetimes of accounts under contract, from one definition of leaving: that of the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals.stable.v2 as nw
import pandas as pd

from csrisk._days import Duration, as_days, as_midnight, whole_days
from csrisk._labelling import Contracts, Lifetimes, evidence_of
from csrisk.exceptions import ConfigError, LabelError

if TYPE_CHECKING:
    import numpy as np

    from csrisk.data import CustomerData

__all__ = ["UNKNOWN", "Followed", "follow", "groups_of"]

UNKNOWN = "unknown"


class Followed(NamedTuple):
    """Contracts, lifetimes, the first day that counts, the first day that does not, and holes between them."""

    contracts: Contracts
    lives: Lifetimes
    since: int
    end: int
    holes: tuple[tuple[int, int], ...]


def follow(data: CustomerData, grace: Duration, since: object, until: object) -> Followed:
    """Read first spells of contract, seen from `since` on, as somebody knows them just before `until`."""
    if not (data.has("subscriptions", "end_at") or data.has("accounts", "ended_at")):
        raise LabelError(
            "retention needs an end of contracts: subscriptions.end_at or accounts.ended_at; the tables have neither"
        )
    table = evidence_of(data, "contract")
    # contracts may end earlier than other tables; nobody is known to have stayed beyond that
    seen = data.ends.get(table, data.end)
    stop = seen if until is None else min(as_midnight(until, "until"), seen)
    first = data.start if since is None else as_midnight(since, "since")
    if first >= stop:
        raise ConfigError(f"since={first:%Y-%m-%d} must lie before {stop:%Y-%m-%d}, where what is known ends")
    opens, closes = as_days(pd.DatetimeIndex([first, stop]))
    holes = tuple(data.holes.get(table, ()))
    contracts = Contracts.read(data, int(closes), whole_days(grace, "grace"))
    lives = contracts.lifetimes(int(closes), int(opens), holes)
    return Followed(contracts, lives, int(opens), int(closes), holes)


def groups_of(data: CustomerData, codes: np.ndarray[Any, Any], by: str | pd.Series | None) -> pd.Series:
    """Group of each account as text: of a series, of accounts, else of its first contract; ``all`` without `by`."""
    accounts = data.accounts[codes]
    if by is None:
        return pd.Series("all", index=accounts)
    if isinstance(by, str):
        by = _column(data, by)
    if by.index.has_duplicates:
        raise ConfigError(f"by: {int(by.index.duplicated().sum())} accounts have more than one group; give one each")
    # accounts without a group stay in the table, as a group of their own
    found = by.reindex(accounts).astype(object)
    return found.where(found.notna(), UNKNOWN).astype(str)


def _column(data: CustomerData, name: str) -> pd.Series:
    for table in ("accounts", "subscriptions"):
        if data.has(table, name):
            rows = data.engine.collect(data.lazy(table).select("account", "day", nw.col(name).alias("group")))
            rows = rows.astype({"group": object}).sort_values(["account", "day"], kind="stable")
            # the group decides at equal days, so that the order of rows does not
            first = rows.dropna(subset=["group"]).sort_values(["account", "day", "group"], key=_plain)
            one = first.drop_duplicates("account")
            return pd.Series(one["group"].to_numpy(), index=data.accounts[one["account"].to_numpy()])
    raise ConfigError(
        f"by={name!r} is no column of accounts or subscriptions; give one of them, or a series by account"
    )


def _plain(column: pd.Series) -> pd.Series:
    return column.astype(str) if column.name == "group" else column
