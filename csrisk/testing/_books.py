"""Small random books that hold every table of the contract, and every trap of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk.data import CONTRACT

if TYPE_CHECKING:
    from csrisk.data import Table

__all__ = ["random_tables"]

_VALUES: dict[str, tuple[object, ...]] = {"number": (1.0, 2.0, 3.5), "bool": (True, False)}
_PEOPLE = ("u1", "u2", "u3")  # as in usage
_START = pd.Timestamp("2024-01-01")


def random_tables(random_state: int = 0, *, n_accounts: int = 8, days: int = 400) -> dict[str, pd.DataFrame]:
    """Make a small random book with every table of the contract.

    Rows that became known late, second times in the future, times on midnight, equal times and missing values are all
    there, as they are what time-safe code gets wrong.

    Parameters
    ----------
    random_state : int, default 0
        Seed.
    n_accounts : int, default 8
        Number of accounts.
    days : int, default 400
        Days over which events are spread, from 2024-01-01 on.

    Returns
    -------
    dict of str to pandas.DataFrame
        Table name to table, as `CustomerData` takes them.

    Examples
    --------
    >>> from csrisk.testing import random_tables
    >>> sorted(random_tables(1))[:4]
    ['accounts', 'advocacy', 'attributes', 'contacts']
    """
    dice = _Dice(random_state, n_accounts, days)
    tables = {
        "accounts": _accounts(dice),
        "subscriptions": _subscriptions(dice),
        "usage": _usage(dice),
        "contacts": _contacts(dice),
        "surveys": _surveys(dice),
        "advocacy": dice.rows(8, {"at": None, "kind": ["reference", "referral", "review", "case_study"]}, late="at"),
        "expectations": _expectations(dice),
        "finance": _finance(dice),
        "treatments": _treatments(dice),
        "people": _people(dice),
        "invoices": _invoices(dice),
        "measures": _measures(dice),
        "attributes": _attributes(dice),
    }
    for name, table in CONTRACT.items():
        if name not in tables and table.has_account:
            tables[name] = _declared(table, random_state, n_accounts, days)
    # every other book, so that builders meet both
    if random_state % 2:
        tables["features"] = _catalogue(dice)
    return tables


def _declared(table: Table, seed: int, n_accounts: int, days: int) -> pd.DataFrame:
    """Rows of a table as its declaration says, by dice of its own: other tables of a seed stay as they are."""
    # letters, not hash(): Python salts hashes of text in every process
    dice = _Dice(seed + sum(map(ord, table.name)), n_accounts, days)
    frame = dice.rows(6, {str(table.time): None}, late=str(table.time))
    for column in table.columns:
        if column.name in frame:
            continue
        if column.kind == "time":
            frame[column.name] = dice.after(frame[str(table.time)], 120, missing=0.0 if column.required else 0.3)
        else:
            words = _VALUES.get(column.kind, ("one", "two", "three"))
            known = column.values or words  # noqa: PD011  # a column of the contract, not of a frame
            frame[column.name] = dice.choice(len(frame), list(known), 0.0 if column.required else 0.15)
    return frame


class _Dice:
    """Random columns of one book."""

    def __init__(self, seed: int, n_accounts: int, days: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.ids = [f"account {number:02d}" for number in range(n_accounts)]
        self.days = days
        # events gather on few days, so that snapshots often stand on one of them
        self.busy = np.sort(self.rng.choice(days, size=max(2, days // 8), replace=False))

    def apart(self) -> _Dice:
        """Make dice for a further table, so that the other tables of a seed stay as they are."""
        return _Dice(int(self.busy[0]), len(self.ids), self.days)

    def times(self, n: int) -> pd.Series[Any]:
        day = self.rng.choice(self.busy, n)
        # midnights, on which before and not after as_of differ
        second = np.where(self.rng.random(n) < 0.3, 0, self.rng.integers(0, 86_400, n))
        return pd.Series(_START + pd.to_timedelta(day, unit="D") + pd.to_timedelta(second, unit="s"))

    def after(self, times: pd.Series[Any], most: int, missing: float) -> pd.Series[Any]:
        hours = self.rng.integers(0, most * 24, len(times))
        # whole days keep the time of day, so that midnights and equal times come about here, too
        hours = np.where(self.rng.random(len(times)) < 0.3, hours // 24 * 24, hours)
        return (times + pd.to_timedelta(hours, unit="h")).where(self.rng.random(len(times)) >= missing)

    def choice(self, n: int, values: list[Any], missing: float = 0.15) -> pd.Series[Any]:
        chosen = pd.Series(self.rng.choice(np.array(values, dtype=object), n), dtype=object)
        chosen = chosen.where(self.rng.random(n) >= missing, None)
        return chosen.infer_objects()

    def rows(self, each: int, columns: dict[str, list[Any] | None], late: str) -> pd.DataFrame:
        """Rows with account, times (columns of None), choices, and known_at for some."""
        n = int(self.rng.integers(1, 2 * each * len(self.ids)))
        frame = pd.DataFrame({"account_id": self.choice(n, self.ids, missing=0.0)})
        for name, values in columns.items():
            frame[name] = self.times(n) if values is None else self.choice(n, values)
        frame["known_at"] = self.after(frame[late], 60, missing=0.8)
        return frame


def _accounts(dice: _Dice) -> pd.DataFrame:
    n = len(dice.ids)
    return pd.DataFrame(
        {
            "account_id": dice.ids,
            "started_at": dice.times(n).where(dice.rng.random(n) >= 0.2),
            "segment": dice.choice(n, ["large", "small"]),
            "region": dice.choice(n, ["north", "south"]),
            "plan": dice.choice(n, ["basic", "pro"]),
            "headcount": dice.choice(n, [10.0, 20.0, 30.0]).astype("float64"),
        }
    )


def _treatments(dice: _Dice) -> pd.DataFrame:
    plays = {"at": None, "play": ["call", "training"], "assigned_at_random": [True, False]}
    return dice.apart().rows(6, plays, late="at")


def _people(dice: _Dice) -> pd.DataFrame:
    dice = dice.apart()
    roles = ["sponsor", "champion", "decider", "admin", "user", "visitor"]
    frame = dice.rows(4, {"from_at": None, "person_id": list(_PEOPLE), "role": roles}, late="from_at")
    return frame.assign(to_at=dice.after(frame["from_at"], 200, missing=0.5))


def _invoices(dice: _Dice) -> pd.DataFrame:
    dice = dice.apart()
    frame = dice.rows(6, {"issued_at": None, "amount": [100.0, 250.5, -40.0], "disputed": [True, False]}, "issued_at")
    for name, days in (("due_at", 40), ("paid_at", 90), ("disputed_at", 60)):
        frame[name] = dice.after(frame["issued_at"], days, missing=0.3)
    return frame.assign(invoice_id=[f"i{number // 2}" for number in range(len(frame))])


def _measures(dice: _Dice) -> pd.DataFrame:
    dice = dice.apart()
    names = ["csm_pulse", "versions_behind", "roi"]
    return dice.rows(12, {"at": None, "name": names, "value": [1.0, 2.0, -3.5], "by": ["h1", "h2"]}, late="at").dropna(
        subset=["name"], ignore_index=True
    )


def _attributes(dice: _Dice) -> pd.DataFrame:
    """History of attributes of accounts; which of them have one is told from the first day on."""
    dice = dice.apart()
    names, values = ["region", "headcount", "status"], ["north", "south", "10", "20.5"]
    frame = dice.rows(8, {"at": None, "name": names, "value": values}, late="at").dropna(subset=["name"])
    first = pd.DataFrame({"account_id": dice.ids[0], "at": _START, "name": names, "value": values[:3]})
    return pd.concat([first, frame], ignore_index=True)


def _catalogue(dice: _Dice) -> pd.DataFrame:
    dice = dice.apart()
    frame = pd.DataFrame({"feature": list("abcda"), "plan": [None, "basic", "pro", None, "pro"]})
    return frame.assign(known_at=dice.times(len(frame)).where(dice.rng.random(len(frame)) < 0.5))


def _subscriptions(dice: _Dice) -> pd.DataFrame:
    frame = dice.rows(
        3,
        {
            "start_at": None,
            "mrr": [100.0, 250.0, 80.5],
            "seats": [3.0, 10.0],
            "plan": ["basic", "pro"],
            "product": ["core", "extra"],
        },
        late="start_at",
    )
    frame["planned_end"] = dice.after(frame["start_at"], 300, missing=0.2)
    frame["end_at"] = dice.after(frame["start_at"], 300, missing=0.5)
    dice = dice.apart()
    frame["notice_at"] = frame["planned_end"] - pd.Timedelta(days=30)
    frame["auto_renews"] = dice.choice(len(frame), [True, False])
    frame["list_price"] = dice.choice(len(frame), [120.0, 300.0])
    frame["trial_ends_at"] = dice.after(frame["start_at"], 30, missing=0.8)
    frame["is_trial"] = dice.rng.random(len(frame)) < 0.05
    frame["notice_given_at"] = dice.after(frame["start_at"], 250, missing=0.8)
    frame["ended_reason"] = dice.choice(len(frame), ["price", "payment failed"], missing=0.5)
    return frame


def _usage(dice: _Dice) -> pd.DataFrame:
    frame = dice.rows(
        30,
        {
            "at": None,
            "user_id": ["u1", "u2", "u3"],
            "feature": list("abcde"),
            "quantity": [1.0, 2.0, 3.5, 0.0],  # a quantity of 0 is no use
            "product": ["core", "extra"],
            "value": [10.0, -4.25, 7.5],
        },
        late="at",
    )
    # dice of its own: the other tables of a seed stay as they are
    retried = np.random.default_rng(len(frame))
    # few ids for many rows: what a retry delivered again
    some = pd.Series([f"e{number}" for number in retried.integers(0, 12, len(frame))], dtype=object)
    return frame.assign(event_id=some.where(retried.random(len(frame)) < 0.2, None))


def _contacts(dice: _Dice) -> pd.DataFrame:
    frame = dice.rows(
        12,
        {
            "opened_at": None,
            "case_id": ["c1", "c2", "c3"],
            "channel": ["email", "phone"],
            "kind": ["support", "meeting", "billing"],
            "initiated_by": ["customer", "vendor"],
            "handler": ["h1", "h2", "h3"],
            "transfers": [0.0, 1.0, 2.0],
            "reopened": [True, False],
            "information_requests": [0.0, 1.0, 3.0],
            "self_service_first": [True, False],
            "has_agenda_or_outcome": [True, False],
            "stage": ["implement", "use", "support"],
        },
        late="opened_at",
    )
    frame["resolved_at"] = dice.after(frame["opened_at"], 60, missing=0.3)
    dice = dice.apart()
    frame["due_at"] = dice.after(frame["opened_at"], 30, missing=0.3)
    more: dict[str, list[Any]] = {"person_id": list(_PEOPLE), "attended": [True, False]}
    more |= {"team": ["sales", "onboarding", "support"], "severity": [1.0, 2.0, 4.0], "cause": ["defect", "outage"]}
    for name, values in more.items():
        frame[name] = dice.choice(len(frame), values)
    return frame


def _surveys(dice: _Dice) -> pd.DataFrame:
    frame = dice.rows(10, {"sent_at": None, "kind": ["NPS", "CSAT", "CES"]}, late="sent_at")
    n = len(frame)
    frame["answered_at"] = dice.after(frame["sent_at"], 40, missing=0.4)
    answered = frame["answered_at"].notna()
    frame["score"] = pd.Series(dice.rng.integers(1, 6, n).astype("float64")).where(answered)
    frame["comment"] = dice.choice(n, ["great work", "slow and bad", "table"]).where(answered)
    frame["acknowledged_at"] = dice.after(frame["answered_at"], 20, missing=0.4)
    frame["acted_at"] = dice.after(frame["answered_at"], 60, missing=0.5)
    return frame.assign(respondent=dice.apart().choice(n, list(_PEOPLE)))


def _expectations(dice: _Dice) -> pd.DataFrame:
    frame = dice.rows(5, {"agreed_at": None}, late="agreed_at")
    frame["due_at"] = dice.after(frame["agreed_at"], 90, missing=0.2)
    frame["met_at"] = dice.after(frame["agreed_at"], 120, missing=0.4)
    frame["outcome"] = dice.choice(len(frame), ["met", "exceeded"]).where(frame["met_at"].notna())
    kinds = ["goal", "sales_promise", "action_item", "milestone"]
    return frame.assign(kind=dice.apart().choice(len(frame), kinds))


def _finance(dice: _Dice) -> pd.DataFrame:
    return dice.rows(6, {"at": None, "revenue": [100.0, 250.5], "cost_to_serve": [20.0, 35.25]}, late="at")
