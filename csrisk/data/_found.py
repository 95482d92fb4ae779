"""What loading finds, wherever the tables live."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk.data._breach import Breach, did_you_mean
from csrisk.data._contract import CONTRACT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Found", "check_names", "read_end", "settle_end"]

_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_OBSERVED = ("usage", "contacts", "surveys", "advocacy", "finance")


@dataclass(kw_only=True)
class Found:
    """What was found in the tables; filled step by step.

    Parameters
    ----------
    breaches : list of Breach
        Rules that the tables break.
    accounts : pandas.Index
        Account ids, sorted.
    evidence : dict of str to dict
        Values of each column of each table; rows of the table under the empty name.
    days : dict of str to tuple of int
        First and last day of each table.
    end : pandas.Timestamp, optional
        First day that was not observed.
    """

    breaches: list[Breach] = field(default_factory=list)
    accounts: pd.Index[Any] = field(default_factory=lambda: pd.Index([], dtype="str", name="account_id"))
    evidence: dict[str, dict[str, int]] = field(default_factory=dict)
    days: dict[str, tuple[int, int]] = field(default_factory=dict)
    end: pd.Timestamp | None = None

    @property
    def refused(self) -> bool:
        """Whether any breach is fatal."""
        return any(breach.fatal for breach in self.breaches)

    @property
    def start(self) -> Any:
        """First day with an event; NaT without any dated row."""
        observed = [days[0] for name, days in self.days.items() if name in _OBSERVED]
        first = observed or [days[0] for days in self.days.values()]
        return pd.Timestamp(min(first), unit="D").as_unit("us") if first else pd.NaT


def read_end(found: Found, end: object) -> None:
    """Read the end that the user stated."""
    if end is None:
        return
    try:
        stamp = pd.Timestamp(end)  # type: ignore[arg-type]  # whatever is no date raises
    except (ValueError, TypeError):
        stamp = None
    if stamp is None or pd.isna(stamp) or not _FIRST_YEAR <= stamp.year < _LAST_YEAR:
        found.breaches.append(Breach("CSD012", detail="end cannot be read as a date of our time"))
        return
    stamp = stamp.tz_convert("UTC").tz_localize(None) if stamp.tzinfo is not None else stamp
    found.end = stamp.normalize().as_unit("us")


def settle_end(found: Found, check_last_day: Callable[[list[str]], list[Breach]]) -> None:
    """Take the end from the events where the user stated none, and refuse tables without a date."""
    observed = [name for name in found.days if name in _OBSERVED]
    if found.end is None and not found.refused:
        if observed:
            found.breaches += check_last_day(observed)
        elif found.days:
            found.breaches.append(Breach("CSD209", detail=f"it was taken from {sorted(found.days)}"))
        last = [found.days[name][1] for name in observed or found.days]
        if last:
            found.end = pd.Timestamp(max(last) + 1, unit="D").as_unit("us")
    if not found.refused and not found.days:
        code = "CSD012" if any(breach.code == "CSD205" for breach in found.breaches) else "CSD008"
        found.breaches.append(Breach(code, count=0))


def check_names(found: Found, tables: Mapping[str, Any], columns: Mapping[str, Mapping[str, str]]) -> None:
    """Note names that the contract does not know."""
    for name in tables:
        if name not in CONTRACT:
            found.breaches.append(Breach("CSD001", str(name), detail=did_you_mean(str(name), CONTRACT)))
    for name in columns:
        if name not in CONTRACT:
            found.breaches.append(
                Breach("CSD001", str(name), detail=f"in columns=; {did_you_mean(str(name), CONTRACT)}")
            )
