"""A slow reference, row by row in plain Python, agrees with the builders on random books."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest

from csrisk import CustomerData, Snapshots, build_features
from csrisk.exceptions import DataWarning
from csrisk.testing import random_tables

DAY = pd.Timedelta(days=1)
CUTS = pd.to_datetime(["2024-05-01", "2024-09-17", "2025-01-20"])


def only_a_trial(row):
    """A contract that was never paid is none."""
    trial = row["trial_ends_at"]
    return row["is_trial"] or (not pd.isna(trial) and not pd.isna(row["end_at"]) and row["end_at"] <= trial)


def paid(row):
    """A contract begins when its trial is over."""
    trial = row["trial_ends_at"]
    return {**row, "start_at": row["start_at"] if pd.isna(trial) else max(row["start_at"], trial)}


class Oracle:
    """What was known of one account at one date; every rule is written as one reads it in the documentation."""

    def __init__(self, tables, account, cut):
        self.account, self.cut = account, cut
        self.tables = tables

    def rows(self, name, time, window=None):
        """Rows of the account that happened and were known before the cut, as dictionaries."""
        found = []
        for row in self.tables[name]:
            known = row[time] if name == "subscriptions" or pd.isna(row["known_at"]) else row["known_at"]
            happened = row[time].normalize()
            if row.get("event_id") is not None and self.retried(row):
                continue
            if row["account_id"] == self.account and row[time] < self.cut and known < self.cut:
                age = (self.cut - happened) // DAY
                if window is None or age <= window:
                    found.append({**row, "age": age, "known": max(known, row[time])})
        return found

    def retried(self, row):
        """Whether another row of the same event was known before, or looks smaller."""

        def place(other):
            known = max(other["known_at"], other["at"]) if not pd.isna(other["known_at"]) else other["at"]
            return known, other["at"]

        same = [r for r in self.tables["usage"] if r["event_id"] == row["event_id"] and r["account_id"] == self.account]
        return any(place(other) < place(row) for other in same)

    def happened(self, time):
        return not pd.isna(time) and time < self.cut

    def ended(self, row):
        """A contract is seen from its beginning; its end when it has passed and the row was updated."""
        return self.happened(row["end_at"]) and (pd.isna(row["known_at"]) or row["known_at"] < self.cut)

    def evidence(self, name, time, column):
        """Whether any account had a value of the column by then."""
        for row in self.tables[name]:
            known = row[time] if name == "subscriptions" or pd.isna(row["known_at"]) else row["known_at"]
            if not pd.isna(row[column]) and row[time] < self.cut and known < self.cut:
                return True
        return False

    def uses(self, window=None):
        """Rows of use; one of quantity 0 is none, and one without a quantity is one."""
        return [row for row in self.rows("usage", "at", window) if pd.isna(row["quantity"]) or row["quantity"] > 0]

    def usage(self):
        facts = {}
        for window in (7, 30, 90, 180):
            lines = self.rows("usage", "at", window)
            rows = self.uses(window)
            facts[f"events_{window}d"] = len(rows)
            facts[f"active_days_{window}d"] = len({row["at"].normalize() for row in rows})
            facts[f"active_users_{window}d"] = len({row["user_id"] for row in rows if row["user_id"] is not None})
            facts[f"spend_{window}d"] = sum(row["value"] for row in lines if not pd.isna(row["value"]))
        ages = [row["age"] for row in self.uses()]
        facts["days_since_use"] = min(ages, default=math.nan)
        facts["decayed_events_30d"] = sum(0.5 ** (age / 30) for age in ages if age <= 180)
        for window in (30, 90):
            used = [row["feature"] for row in self.uses(window) if row["feature"] is not None]
            facts[f"features_used_{window}d"] = len(set(used))
            shares = [used.count(feature) / len(used) for feature in sorted(set(used))]
            entropy = -sum(share * math.log(share) for share in shares)
            facts[f"effective_features_{window}d"] = math.exp(entropy) if used else math.nan
        users = [row for row in self.uses(180) if row["user_id"] is not None]
        counts = {
            user: (len(mine), -min(mine))
            for user in {row["user_id"] for row in users}
            if (mine := [row["age"] for row in users if row["user_id"] == user])
        }
        facts["top_user_silent_days_180d"] = -max(counts.values())[1] if counts else math.nan
        now = {row["user_id"] for row in users if row["age"] <= 30}
        before = {row["user_id"] for row in users if 30 < row["age"] <= 90}
        facts["lost_users_30d"] = len(before - now)
        return facts

    def contacts(self):
        rows = self.rows("contacts", "opened_at")
        recent = [row for row in rows if row["age"] <= 90]
        inbound = [row for row in recent if row["initiated_by"] != "vendor"]
        repeats = [row for row in inbound if any(_repeats(row, other) for other in rows)]
        closed = [row for row in rows if self.happened(row["resolved_at"])]
        # a closing stays on its day, however late the row was known
        ages = [(self.cut - row["resolved_at"].normalize()) // DAY for row in closed]
        closed = [row for row, age in zip(closed, ages, strict=True) if age <= 90]
        hours = [(row["resolved_at"] - row["opened_at"]) / pd.Timedelta(hours=1) for row in closed]
        return {
            "contacts_90d": len(recent),
            "repeat_contact_share_90d": len(repeats) / len(inbound) if inbound else math.nan,
            "transfers_90d": sum(row["transfers"] for row in closed if not pd.isna(row["transfers"])),
            "handlers_90d": len({row["handler"] for row in closed if row["handler"] is not None}),
            "hours_to_resolve_90d": np.mean(hours) if hours else math.nan,
            "open_contacts": sum(not self.happened(row["resolved_at"]) for row in rows),
        }

    def surveys(self):
        rows = self.rows("surveys", "sent_at")
        facts = {}
        for kind in ("nps", "csat", "ces"):
            answers = [row for row in rows if str(row["kind"]).lower() == kind and self.happened(row["answered_at"])]
            last = max((row["answered_at"] for row in answers), default=None)
            scores = [row["score"] for row in answers if row["answered_at"] == last]
            facts[f"{kind}_last"] = np.mean(scores) if scores else math.nan
        answered = [row for row in rows if self.happened(row["answered_at"])]
        asked = [row for row in rows if row["age"] <= 365 and (row in answered or row["age"] > 14)]
        facts["survey_response_rate_365d"] = (
            sum(row["age"] <= 365 for row in answered) / len(asked) if asked else math.nan
        )
        recent = [row for row in answered if (self.cut - row["answered_at"].normalize()) // DAY <= 365]
        acted = [row for row in recent if self.happened(row["acted_at"])]
        facts["loops_closed_share_365d"] = len(acted) / len(recent) if recent else math.nan
        last_answered = max((row["sent_at"] for row in answered), default=pd.Timestamp.min)
        waiting = [row["age"] > 14 and row["sent_at"] > last_answered and row not in answered for row in rows]
        facts["unanswered_in_a_row"] = sum(waiting) if rows else math.nan
        open_ = [row for row in recent if not self.happened(row["acted_at"])]
        facts["oldest_open_loop_days"] = max(
            ((self.cut - row["answered_at"].normalize()) // DAY for row in open_), default=math.nan
        )
        return facts

    def contract(self):
        rows = [row for row in self.rows("subscriptions", "start_at") if not self.ended(row)]
        ends = [(row["planned_end"].normalize() - self.cut) // DAY for row in rows if not pd.isna(row["planned_end"])]
        return {
            "mrr": _complete(row["mrr"] for row in rows),
            "seats": _complete(row["seats"] for row in rows),
            "days_to_renewal": min(ends, default=math.nan),
            "product_count": len({row["product"] for row in rows if row["product"] is not None}),
        }

    def bookings(self):
        ever, rows = self.rows("finance", "at"), self.rows("finance", "at", 365)
        return {"revenue_365d": 0.0 if ever and not rows else _complete(row["revenue"] for row in rows)}

    def expectations(self):
        open_ = [row for row in self.rows("expectations", "agreed_at") if not self.happened(row["met_at"])]
        overdue = [row for row in open_ if not pd.isna(row["due_at"]) and row["due_at"].normalize() < self.cut]
        return {"expectations_open": len(open_), "expectations_overdue": len(overdue)}

    def facts(self):
        return self.usage() | self.contacts() | self.surveys() | self.contract() | self.bookings() | self.expectations()


def _complete(parts):
    """Sum of parts that are all known; NaN where there is none, or one is unknown."""
    parts = list(parts)
    return sum(parts) if parts and not any(pd.isna(part) for part in parts) else math.nan


def _records(table):
    """Rows as dictionaries; a missing text is None."""
    texts = [name for name in table if table[name].dtype == "str" or table[name].dtype == object]
    return (
        table.astype(dict.fromkeys(texts, object))
        .where(table.notna() | ~table.columns.isin(texts), None)
        .to_dict("records")
    )


def _repeats(row, other):
    if other["initiated_by"] == "vendor" or other["opened_at"] >= row["opened_at"]:
        return False
    if row["case_id"] is not None and other["case_id"] is not None:
        return row["case_id"] == other["case_id"]
    return row["opened_at"] - other["opened_at"] <= 7 * DAY


# a count is unknown, not 0, before anybody in the book had a value of the column
NEEDS = {
    "active_users": ("usage", "at", "user_id"),
    "lost_users": ("usage", "at", "user_id"),
    "spend": ("usage", "at", "value"),
    "features_used": ("usage", "at", "feature"),
    "events": ("usage", "at", "account_id"),
    "active_days": ("usage", "at", "account_id"),
    "decayed": ("usage", "at", "account_id"),
    "contacts": ("contacts", "opened_at", "account_id"),
    "revenue": ("finance", "at", "revenue"),
    "unanswered": ("surveys", "sent_at", "account_id"),
    "product_count": ("subscriptions", "start_at", "product"),
    "expectations": ("expectations", "agreed_at", "account_id"),
}


@pytest.mark.parametrize("seed", range(4))
def test_builders_agree_with_the_oracle(seed):
    tables = random_tables(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        data = CustomerData(tables, end="2028-01-01", threads=1)
    pairs = pd.MultiIndex.from_product([tables["accounts"]["account_id"], CUTS], names=["account_id", "as_of"])
    features = build_features(data, Snapshots.of(data, pairs))
    records = {name: _records(table) for name, table in tables.items()}
    records["subscriptions"] = [paid(row) for row in records["subscriptions"] if not only_a_trial(row)]
    compared = 0
    for (account, cut), row in features.iterrows():
        oracle = Oracle(records, account, cut)
        for name, value in oracle.facts().items():
            need = next((need for start, need in NEEDS.items() if name.startswith(start)), None)
            if need is not None and not oracle.evidence(*need):
                value = math.nan
            if need is None and value == 0 and math.isnan(row[name]):
                continue  # before anything was closed or resolved in the whole book, the column says nothing
            assert row[name] == pytest.approx(value, rel=1e-9, nan_ok=True), (account, cut, name)
            compared += 1
    assert compared > 500
