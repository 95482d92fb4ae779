"""What loading finds, wherever the tables live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from csrisk.data._declared._contract import CONTRACT, observed_tables
from csrisk.data._findings._breach import Breach, did_you_mean

__all__ = ["Found", "check_known_at", "check_names"]

_MEANINGS = ("updated", "entered")


@dataclass(kw_only=True)
class Found:
    """What was found in the tables; filled step by step."""

    breaches: list[Breach] = field(default_factory=list)
    accounts: pd.Index[Any] = field(default_factory=lambda: pd.Index([], dtype="str", name="account_id"))
    evidence: dict[str, dict[str, int]] = field(default_factory=dict)
    days: dict[str, tuple[int, int]] = field(default_factory=dict)
    end: pd.Timestamp | None = None
    stated: dict[str, pd.Timestamp] = field(default_factory=dict)
    ends: dict[str, pd.Timestamp] = field(default_factory=dict)
    holes: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        """Whether any breach is fatal."""
        return any(breach.fatal for breach in self.breaches)

    def stated_end(self, table: str) -> int | None:
        """Day that the user stated as the first that was not observed, of a table or of all."""
        end = self.stated.get(table, self.end)
        return None if end is None else (end - pd.Timestamp(0)).days

    @property
    def start(self) -> Any:
        """First day with an event; NaT without any dated row."""
        observed = [days[0] for name, days in self.days.items() if name in observed_tables()]
        first = observed or [days[0] for days in self.days.values()]
        return pd.Timestamp(min(first), unit="D").as_unit("us") if first else pd.NaT


def check_names(found: Found, tables: Mapping[str, Any], told: Mapping[str, Mapping[str, Any]]) -> None:
    """Note names that the contract does not know."""
    for name in tables:
        if name not in CONTRACT:
            found.breaches.append(Breach("CSD001", str(name), detail=did_you_mean(str(name), CONTRACT)))
    for argument, by_table in told.items():
        for name in by_table:
            if name not in CONTRACT:
                detail = f"in {argument}=; {did_you_mean(str(name), CONTRACT)}"
                found.breaches.append(Breach("CSD001", str(name), detail=detail))


def check_known_at(found: Found, known_at: object) -> Mapping[str, str]:
    """Note what cannot be meant by ``known_at``, and give what was said of each table."""
    means = [name for name, table in CONTRACT.items() if table.begins]
    if not isinstance(known_at, Mapping):
        found.breaches.append(Breach("CSD218", detail='known_at is no mapping, as {"subscriptions": "entered"}'))
        return {}
    for name, meaning in known_at.items():
        if name not in means:
            detail = f"known_at= is for {means}; rows of other tables wait for their known_at anyhow"
            found.breaches.append(Breach("CSD218", str(name)[:40], detail=detail))
        elif meaning not in _MEANINGS:
            found.breaches.append(Breach("CSD218", name, "known_at", detail=f"{str(meaning)[:20]!r} is none of these"))
    return known_at
