"""A slow reference of the families of optional tables, row by row in plain Python, agrees with them on random books."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from csrisk import CustomerData, Feature, Snapshots, build_features
from csrisk.features import Handovers, Invoices, Measures, People, SupportCases
from csrisk.testing import random_tables

DAY = pd.Timedelta(days=1)
CUTS = pd.to_datetime(["2024-06-01", "2024-09-17", "2025-01-20"])
PULSE = Measures((Feature("csm_pulse", "advocacy", "points", "{value}"),))
COVERED = ("sponsor", "champion", "decider", "admin")


class Past:
    """What was known of one account at one date."""

    def __init__(self, tables: dict[str, pd.DataFrame], account: str, cut: pd.Timestamp) -> None:
        self.tables, self.account, self.cut = tables, account, cut

    def rows(self, table: str, time: str, *, begins: bool = False) -> list[Any]:
        frame = self.tables[table]
        known = frame["known_at"].fillna(frame[time]) if not begins else frame[time]
        return list(
            frame[(frame["account_id"] == self.account) & (frame[time] < self.cut) & (known < self.cut)].itertuples()
        )

    def past(self, time: Any) -> bool:
        return not pd.isna(time) and time < self.cut

    def ago(self, time: pd.Timestamp) -> int:
        return (self.cut - time.normalize()) // DAY

    def people(self) -> dict[str, float]:
        rows = self.rows("people", "from_at", begins=True)
        gone = [r for r in rows if self.past(r.to_at) and (pd.isna(r.known_at) or r.known_at < self.cut)]
        here = [r for r in rows if r not in gone]
        sponsors = [r for r in rows if r.role == "sponsor"]
        began = sorted(self.ago(r.from_at) for r in sponsors)
        changes = [self.ago(r.to_at) for r in gone if r.role == "sponsor"]
        changes += [began[0]] if began and began[0] < began[-1] else []
        silent = [self.silent(r) for r in here if r.role == "sponsor" and not pd.isna(r.person_id)]
        return {
            "sponsor_known": sum(r.role == "sponsor" for r in here),
            "days_since_sponsor_change": min(changes, default=math.nan),
            "sponsor_silent_days": min(silent, default=math.nan),
            "roles_covered": len({r.role for r in here}.intersection(COVERED)),
            "champion_left_180d": sum(r.role == "champion" and self.ago(r.to_at) <= 180 for r in gone),
        }

    def silent(self, sponsor: Any) -> int:
        signs = [r.opened_at for r in self.rows("contacts", "opened_at") if r.person_id == sponsor.person_id]
        missed = [r.opened_at for r in self.rows("contacts", "opened_at") if r.attended is False]
        signs = [time for time in signs if time not in missed]
        used = [r for r in self.rows("usage", "at") if pd.isna(r.quantity) or r.quantity > 0]
        signs += [r.at for r in used if r.user_id == sponsor.person_id]
        return min(self.ago(time) for time in [*signs, sponsor.from_at])

    def invoices(self) -> dict[str, float]:
        rows = self.rows("invoices", "issued_at")
        late = [
            r for r in rows if not self.past(r.paid_at) and not pd.isna(r.due_at) and r.due_at.normalize() < self.cut
        ]
        paid = [r for r in rows if self.past(r.paid_at) and self.ago(r.paid_at) <= 365 and not pd.isna(r.due_at)]
        days = [max(0, (r.paid_at.normalize() - r.due_at.normalize()) // DAY) for r in paid]
        owed = [r.amount for r in late]
        positive = [r for r in late if pd.isna(r.amount) or r.amount > 0]
        objected = [r.disputed_at for r in rows]
        return {
            "overdue_amount": math.nan if any(map(pd.isna, owed)) else max(0.0, sum(owed)),
            "overdue_days": max((self.ago(r.due_at) for r in positive), default=math.nan),
            "days_late_mean_365d": float(np.mean(days)) if days else math.nan,
            "invoices_disputed_365d": sum(self.past(time) and self.ago(time) <= 365 for time in objected),
        }

    def handovers(self) -> dict[str, float]:
        rows = [r for r in self.rows("contacts", "opened_at") if not pd.isna(r.team) and self.ago(r.opened_at) <= 365]
        rows.sort(key=lambda r: (r.opened_at, r.team))
        passed, gaps, asked, last = 0, [], 0.0, None
        for before, row in zip([None, *rows], rows, strict=False):
            if before is not None and before.team != row.team:
                passed, last = passed + 1, row.opened_at.normalize()
                gaps.append((last - before.opened_at.normalize()) // DAY)
            near = last is not None and (row.opened_at.normalize() - last) // DAY <= 30 and self.ago(last) <= 90
            if near and self.past(row.resolved_at) and not pd.isna(row.information_requests):
                asked += row.information_requests
        mean = float(np.mean(gaps)) if gaps else math.nan
        return {"handovers_365d": passed, "asked_after_handover_90d": asked, "handover_gap_days_365d": mean}

    def support(self) -> dict[str, float]:
        rows = self.rows("contacts", "opened_at")
        due = [r for r in rows if self.past(r.due_at) and r.due_at.normalize() < self.cut and self.ago(r.due_at) <= 90]
        missed = [r for r in due if not self.past(r.resolved_at) or r.resolved_at > _end(r.due_at)]
        closed = [r for r in rows if self.past(r.resolved_at) and self.ago(r.resolved_at) <= 90]
        return {
            "open_severe": sum(not self.past(r.resolved_at) and r.severity <= 2 for r in rows),
            "defects_90d": sum(r.cause == "defect" for r in closed),
            "sla_missed_share_90d": len(missed) / len(due) if due else math.nan,
        }

    def pulse(self) -> dict[str, float]:
        rows = [r for r in self.rows("measures", "at") if r.name == "csm_pulse" and not pd.isna(r.value)]
        now, age = self.latest(rows)
        then, _ = self.latest([r for r in rows if self.ago(r.at) > 90])
        return {"csm_pulse_last": now, "csm_pulse_change_90d": now - then, "days_since_csm_pulse": age}

    def latest(self, rows: list[Any]) -> tuple[float, float]:
        if not rows:
            return math.nan, math.nan
        last = max(r.at for r in rows)
        return float(np.mean([r.value for r in rows if r.at == last])), float(self.ago(last))


def _end(due: pd.Timestamp) -> pd.Timestamp:
    return due + DAY - pd.Timedelta(seconds=1) if due == due.normalize() else due


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_agrees_with_a_plain_computation(seed: int) -> None:
    tables = random_tables(seed, n_accounts=6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = CustomerData(tables, end="2030-01-01", threads=1)
    pairs = pd.MultiIndex.from_product([data.accounts, CUTS], names=["account_id", "as_of"])
    builders = [People(), Invoices(), Handovers(), SupportCases(), PULSE]
    X = build_features(data, Snapshots.of(data, pairs), builders)
    usage = data.frame("usage")  # without repeats of retried events
    kept = tables | {"usage": usage.assign(known_at=usage["known_at"])}
    compared = 0
    for account, cut in X.index:
        past = Past(kept, account, cut)
        told = past.people() | past.invoices() | past.handovers() | past.support() | past.pulse()
        row = X.loc[(account, cut)]
        for name, value in told.items():
            known = row[name]
            # before anything was known of a column a count is unknown
            if not (math.isnan(known) and not math.isnan(value) and value == 0):
                assert known == pytest.approx(value, nan_ok=True), (name, account, cut)
                compared += not math.isnan(value)
    assert compared > 100
