"""What happened in a label window, on plain arrays: contracts that end, use that stops, levels that change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from csrisk._snapshots import FOREVER, Levels, Spells, ahead, observed, uses, visible
from csrisk.data._engines import MONEY, exact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = [
    "SPEAKS_OF_LEAVING",
    "Change",
    "Contracts",
    "LastDay",
    "Lifetimes",
    "Outcome",
    "Window",
    "evidence_of",
    "flow_change",
    "last_use",
    "reaches",
    "silence",
]

Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Bools: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

# names, with blanks for underscores, of columns that are written when or after an account leaves
SPEAKS_OF_LEAVING = re.compile(
    r"churn|cancel|attrition|terminat|exit|retained|reason for leaving|left on|last day|end ?date|cltv", re.IGNORECASE
)
_LONG_AGO = -FOREVER
_STRIDE = 2**32  # one account's days never reach the next account's in a joint key


class Window(NamedTuple):
    """Label windows of snapshots: account codes, days of ``as_of``, lead, horizon, end and holes of the data."""

    account: Ints
    cut: Ints
    lead: int
    horizon: int
    end: int
    holes: tuple[tuple[int, int], ...] = ()

    def told(self, grace: int = 0, before: int = 0) -> Bools:
        """Whether all days were observed from so many before ``as_of`` to so many after the window."""
        # a renewal within the grace would undo an end, so those days have to be seen too
        last = self.stop + grace
        return (last <= self.end) & ~reaches(self.holes, self.cut - before, last)

    @property
    def start(self) -> Ints:
        """First day of each window."""
        return self.cut + self.lead

    @property
    def stop(self) -> Ints:
        """First day after each window."""
        return self.cut + self.lead + self.horizon


def reaches(holes: Iterable[tuple[int, int]], first: Ints, last: Ints) -> Bools:
    """Whether spans of days, from the first to before the last, reach into a hole."""
    found = np.zeros(len(first), dtype=bool)
    for opens, closes in holes:
        found |= (first < closes) & (last > opens)
    return found


class Outcome(NamedTuple):
    """A yes or no for each snapshot, and whether it can be told."""

    value: Bools
    there: Bools


class Change(NamedTuple):
    """Levels before and after, whether the account churned between them, and whether all that can be told."""

    before: Floats
    after: Floats
    churned: Bools
    there: Bools


class LastDay(NamedTuple):
    """Day of churn or of censoring, whether it is churn, and whether the account was at risk at all."""

    day: Ints
    event: Bools
    at_risk: Bools


class Lifetimes(NamedTuple):
    """First unbroken stretch of contracts of each account: code, first day, last day, and whether it is churn."""

    account: Ints
    start: Ints
    last: Ints
    event: Bools


@dataclass(frozen=True, eq=False)
class Contracts:
    """Contracts as somebody knows them at the end of the data."""

    account: Ints
    start: Ints
    end: Ints
    table: pd.DataFrame
    grace: int

    @classmethod
    def read(cls, data: CustomerData, end: int, grace: int, *, table: str | None = None) -> Contracts:
        """Take subscriptions, or accounts as one contract each where only they have ends."""
        table = evidence_of(data, "contract") if table is None else table
        if table == "subscriptions":
            said = ("end_at_day", "notice_given_at_day", "ended_reason", "mrr", "seats", "product")
            rows = data.lazy(table).select("account", "day", "known", "told", *said)
        else:
            # an account without a start date is taken as there from the beginning, as it is where snapshots are made
            there = (nw.col(name).fill_null(_LONG_AGO) for name in ("day", "known"))
            rows = data.lazy(table).select("account", *there, "told", nw.col("ended_at_day").alias("end_at_day"))
        frame = data.engine.collect(observed(rows, end))
        account, start, last = (
            frame[name].fillna(FOREVER).to_numpy(np.int64) for name in ("account", "day", "end_at_day")
        )
        return cls(account, start, last, frame, grace)

    def churn(self, window: Window) -> Outcome:
        """Whether the spell that holds at ``as_of`` ends in the window."""
        last, at_risk = self._spell_end(window.account, window.cut)
        # an end during the lead is no answer: nothing was left to forecast when the window began
        return Outcome(last < window.stop, at_risk & (last >= window.start) & window.told(self.grace))

    def last_day(self, account: Ints, cut: Ints, end: int) -> LastDay:
        """Day on which the spell that holds at ``as_of`` ends, or is seen last."""
        last, at_risk = self._spell_end(account, cut)
        return LastDay(*self._seen_until(last, end), at_risk)

    def _seen_until(self, last: Ints, end: Ints | int) -> tuple[Ints, Bools]:
        """Day of the end or of censoring, and which: an end is churn once no renewal can come any more."""
        return np.minimum(last, end), last + self.grace < end

    def lifetimes(self, end: int, since: int, holes: Iterable[tuple[int, int]] = ()) -> Lifetimes:
        """Follow each account from its first contract to churn, the end, or the first hole after `since`.

        Left out are accounts that ended before `since`, start at the end or later, or of which no start is known.
        """
        spells = Spells.merge(self.account, self.start, self.end, self.grace)
        # cut to the length: of no spells there is no first one
        first = np.append(True, spells.account[1:] != spells.account[:-1])[: len(spells.account)]
        account, start, last = spells.account[first], spells.start[first], spells.end[first]
        seen_from, until = np.maximum(start, since), np.full(len(start), end)
        for opens, closes in sorted(holes, reverse=True):
            until = np.where(seen_from < closes, np.minimum(until, opens), until)
        day, event = self._seen_until(last, until)
        kept = (start > _LONG_AGO) & (start < end) & (last >= since) & (day - start + event > seen_from - start)
        return Lifetimes(account[kept], start[kept], day[kept], event[kept])

    def levels(self, column: str) -> Levels:
        """Sum of a column over the contracts that run, as a step function of the day."""
        return self._levels(column)

    def change(self, window: Window, column: str, churn: Outcome) -> Change:
        """Levels under contract just before ``as_of`` and just before the end of the window."""
        levels = self._levels(column)
        before = levels.before(window.account, window.cut, across_gap=-1)
        after = levels.before(window.account, window.stop, across_gap=1)
        # a share of nothing is none; who churned has no level after, and needs none
        there = churn.there & (before > 0) & (churn.value | ~np.isnan(after))
        return Change(before, after, churn.value, there)

    def _spell_end(self, account: Ints, cut: Ints) -> tuple[Ints, Bools]:
        spells = Spells.merge(self.account, self.start, self.end, self.grace)
        position = spells.at(account, cut)
        there = position >= 0
        last = np.full(len(account), FOREVER)
        last[there] = spells.end[position[there]]
        return last, there & ~self._under_notice(account, cut)

    def _under_notice(self, account: Ints, cut: Ints) -> Bools:
        """Whether notice was given before ``as_of`` for each contract that runs."""
        if "notice_given_at_day" not in self.table or self.table["notice_given_at_day"].isna().all():
            return np.zeros(len(account), dtype=bool)
        notice = self.table["notice_given_at_day"].fillna(FOREVER).to_numpy(np.int64)
        # without grace: in the gap before a late renewal nothing runs that notice could be given for
        bound = Spells.merge(self.account, self.start, self.end, 0)
        # each contract up to its notice; one that was given before the start leaves a spell of no day
        free = Spells.merge(self.account, self.start, np.maximum(np.minimum(self.end, notice), self.start), 0)
        return (bound.at(account, cut) >= 0) & (free.at(account, cut) < 0)

    def reasons(self, account: Ints, cut: Ints) -> pd.Series:
        """Reasons that were stated for the end of the spell that holds at ``as_of``, by position; several may be."""
        last, _ = self._spell_end(account, cut)
        stated = self.table.get("ended_reason", pd.Series(dtype="str")).dropna()
        # a reason belongs to the spell whose last day its contract shares
        key = pd.Index(self.account[stated.index] * _STRIDE + self.end[stated.index])
        asked = pd.DataFrame({"key": account * _STRIDE + last, "position": np.arange(len(account))})
        found = asked.merge(pd.DataFrame({"key": key, "reason": stated.to_numpy()}), on="key")
        return found.set_index("position")["reason"]

    def _levels(self, column: str) -> Levels:
        if column != "product":
            return Levels.of(self.account, self.start, self.end, self.table[column].to_numpy(np.float64))
        named = self.table["product"].notna().to_numpy()
        products, _ = pd.factorize(self.table["product"][named], sort=True)
        # one spell for each account and product, so that versions and renewals of a product count once
        width = int(products.max(initial=0)) + 1
        key = self.account[named] * width + products
        spells = Spells.merge(key, self.start[named], self.end[named], self.grace)
        return Levels.of(spells.account // width, spells.start, spells.end, np.ones(len(spells.start)))


def evidence_of(data: CustomerData, kind: str) -> str:
    """Table that churn of a kind is read from: usage, or subscriptions, or accounts where only they have ends."""
    if kind != "contract":
        return "usage"
    only_accounts = data.has("accounts", "ended_at") and not data.has("subscriptions", "end_at")
    return "accounts" if only_accounts else "subscriptions"


def silence(data: CustomerData, snapshots: Snapshots, window: Window, look_back: int) -> Outcome:
    """Whether there is no use in the window, among accounts with use in the look-back."""
    use = observed(uses(data).select("account", "day", "known").unique(), window.end)
    lazy = snapshots.lazy(data)
    used = _which(data, snapshots, ahead(lazy, use, window.lead, window.horizon))
    active = _which(data, snapshots, visible(lazy, use, window=look_back))
    return Outcome(~used, active & window.told())


def flow_change(data: CustomerData, snapshots: Snapshots, window: Window, column: str, churn: Outcome) -> Change:
    """Compare sums over a horizon before ``as_of`` and over the label window."""
    # a refund is money, whatever its quantity
    money = (nw.col("quantity") > 0) | (nw.col("value") != 0)
    lines = data.lazy("usage").filter(money) if column == "value" else uses(data)
    rows = lines.select("account", "day", "known", nw.col(column).alias("amount"))
    keys = ("account", "day", "known")
    # computed once: it is read three times below
    amount = exact(nw.col("amount"), MONEY).alias("amount")
    daily = data.engine.materialise(observed(rows, window.end).group_by(*keys).agg(amount), list(keys))
    lazy = snapshots.lazy(data)
    before = _total(data, snapshots, ahead(lazy, daily, -window.horizon, window.horizon))
    after = _total(data, snapshots, ahead(lazy, daily, window.lead, window.horizon))
    first = data.engine.collect(daily.group_by("account").agg(nw.col("day").min()))
    seen = pd.Series(first["day"].to_numpy(), index=first["account"]).reindex(window.account).to_numpy(np.float64)
    # first seen within the horizon before, its sum is of a shorter span than that after
    there = churn.there & (before > 0) & (seen <= window.cut - window.horizon) & window.told(before=window.horizon)
    return Change(before, after, churn.value, there)


def last_use(data: CustomerData, window: Window, look_back: int) -> LastDay:
    """First day of the first silence of a horizon's length at or after ``as_of``, or the day after the last use."""
    use = observed(uses(data).select("account", "day", "known"), window.end).select("account", "day").unique()
    frame = data.engine.collect(use).sort_values(["account", "day"])
    owner, day = (frame[name].to_numpy(np.int64) for name in ("account", "day"))
    keys = owner * _STRIDE + day
    account, cut, quiet = window.account, window.cut, window.horizon
    here = np.searchsorted(keys, account * _STRIDE + cut)
    # position -1, before the first use of all, belongs to nobody
    whose, when = np.append(owner, -1), np.append(day, 0)
    at_risk = (whose[here - 1] == account) & (when[here - 1] >= cut - look_back)
    # half a stride below, as days may be negative
    beyond = np.searchsorted(keys, (account + 1) * _STRIDE - _STRIDE // 2)  # first use of the next account
    used_again = here < beyond
    following = np.append(day, window.end)[np.where(used_again, here, len(day))]
    stop = np.append(_next_silence(owner, day, window.end, quiet), len(day))[here]
    at_once = following - cut >= quiet
    later = used_again & (stop < beyond)
    last = np.where(at_once, cut, when[np.where(later, stop, beyond - 1)] + 1)
    return LastDay(np.where(at_once | used_again, last, cut), at_once | later, at_risk)


def _next_silence(owner: Ints, day: Ints, end: int, quiet: int) -> Ints:
    """Position of the first use at or after each use that so many days without use follow."""
    last = np.append(owner[1:] != owner[:-1], True)[: len(day)]
    following = np.where(last, end, np.append(day[1:], end)[: len(day)])
    # days of use at both ends are no silence, so 1 is taken off
    position = np.where(following - day - 1 >= quiet, np.arange(len(day)), len(day))
    return np.minimum.accumulate(position[::-1])[::-1]


def _which(data: CustomerData, snapshots: Snapshots, rows: nw.LazyFrame[Any]) -> Bools:
    """Snapshots that have at least one row."""
    mask = np.zeros(len(snapshots), dtype=bool)
    mask[data.engine.collect(rows.select("snapshot").unique())["snapshot"].to_numpy(np.int64)] = True
    return mask


def _total(data: CustomerData, snapshots: Snapshots, rows: nw.LazyFrame[Any]) -> Floats:
    """Sum of the amounts of each snapshot; 0 without rows."""
    sums = data.engine.collect(rows.group_by("snapshot").agg(exact(nw.col("amount"), MONEY).alias("amount")))
    total = np.zeros(len(snapshots))
    total[sums["snapshot"].to_numpy(np.int64)] = sums["amount"].fillna(0.0).to_numpy(np.float64)
    return total
