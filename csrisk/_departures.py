"""Why accounts left, as they state it: involuntary or not, and the goal that a reason speaks of."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

import pandas as pd

from csrisk._goals import Goal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk.data import CustomerData

__all__ = ["Cause", "goal_of_reason", "involuntary", "stated_reasons"]

Cause: TypeAlias = Literal["voluntary", "involuntary", "any"]

# an account that could not pay, or is no more, did not decide to leave
_INVOLUNTARY = (
    *("payment", "bankrupt", "insolven", "liquidat", "out_of_business", "business_closed", "company_closed"),
    *("acquired", "merger", "merged", "deceased", "fraud", "duplicate", "involuntary"),
)
_STEMS: Mapping[Goal, tuple[str, ...]] = MappingProxyType(
    {
        Goal.FEEDBACK: ("feedback", "not_heard", "ignored", "not_listen", "survey"),
        Goal.ADVOCACY: ("expectation", "promise", "dissatisf", "unhappy", "trust", "disappoint", "reputation"),
        Goal.CHURN: ("effort", "support", "service", "onboarding", "implementation", "complicated", "handover"),
        Goal.FOOTPRINT: ("not_used", "unused", "usage", "adoption", "feature", "no_value", "roi", "no_need", "fit"),
    }
)


def stated_reasons(data: CustomerData) -> pd.Series:
    """Reasons in lower case, words joined by underscores, by account; without accounts that state none."""
    if not data.has("accounts", "ended_reason"):
        return pd.Series(dtype="str", index=pd.Index([], name="account_id"))
    rows = data.engine.collect(data.lazy("accounts").select("account", "ended_reason")).dropna(subset="ended_reason")
    accounts = data.accounts[rows["account"].to_numpy()]
    reasons = rows["ended_reason"].astype("str").str.strip().str.lower().str.replace(r"[\s\-]+", "_", regex=True)
    return reasons.set_axis(pd.Index(accounts, name="account_id"))


def involuntary(reasons: pd.Series) -> pd.Series:
    """Tell which reasons are none of the customer's choice."""
    return pd.Series(
        [any(stem in reason for stem in _INVOLUNTARY) for reason in reasons], index=reasons.index, dtype=bool
    )


def goal_of_reason(reason: str, goals: Mapping[str, str] | None = None) -> str | None:
    """Goal that a reason speaks of: as `goals` says, else by its words; None for price, competitors and the like."""
    if goals is not None and reason in goals:
        return str(Goal(goals[reason]))
    found = (str(goal) for goal, stems in _STEMS.items() if any(stem in reason for stem in stems))
    return next(found, None)
