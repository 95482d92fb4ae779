"""Why accounts left, as they state it: involuntary or not, and the goal that a reason speaks of."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

import narwhals.stable.v2 as nw
import pandas as pd

from csrisk._goals import Goal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk.data import CustomerData

__all__ = ["Cause", "goal_of_reason", "involuntary", "reason_words", "stated_reasons"]

Cause: TypeAlias = Literal["voluntary", "involuntary", "any"]

# an account that could not pay, or is no more, did not decide to leave
_INVOLUNTARY = (
    *("payment", "not_paid", "unpaid", "dunning", "delinquen", "no_card", "card_expired", "card_declined"),
    *("bankrupt", "insolven", "liquidat", "out_of_business", "business_closed", "company_closed"),
    *("acquired", "merger", "merged", "deceased", "fraud", "duplicate", "involuntary"),
)
# stems in the order in which they are tried: the first that is found decides
_STEMS: Mapping[Goal, tuple[str, ...]] = MappingProxyType(
    {
        Goal.FEEDBACK: ("feedback", "not_heard", "ignored", "not_listen", "survey"),
        Goal.ADVOCACY: ("expectation", "promise", "dissatisf", "unhappy", "trust", "disappoint", "reputation"),
        Goal.CHURN: ("effort", "support", "service", "onboarding", "implementation", "complicated", "handover"),
        Goal.FOOTPRINT: ("not_used", "unused", "usage", "adoption", "feature", "no_value", "roi", "no_need", "fit"),
    }
)


def stated_reasons(data: CustomerData) -> pd.Series:
    """Reasons in lower case, words joined by underscores, by account; without accounts that state none.

    The reason of the account itself, else of its contract that ended last.
    """
    found = []
    for table, end in (("accounts", "ended_at_day"), ("subscriptions", "end_at_day")):
        if data.has(table, "ended_reason"):
            rows = data.lazy(table).select("account", "ended_reason", end).filter(~nw.col("ended_reason").is_null())
            # contracts that end on one day are told apart by their words, so that the order of rows does not matter
            ordered = data.engine.collect(rows).sort_values([end, "ended_reason"])
            found.append(ordered.drop_duplicates("account", keep="last"))
    if not found:
        return pd.Series(dtype="str", index=pd.Index([], name="account_id"))
    # accounts were read first, so that their own reason stays
    stated = pd.concat(found).drop_duplicates("account").sort_values("account")
    accounts = data.accounts[stated["account"].to_numpy()]
    return reason_words(stated["ended_reason"]).set_axis(pd.Index(accounts, name="account_id"))


def reason_words(reasons: pd.Series) -> pd.Series:
    """Write reasons in lower case, their words joined by underscores."""
    return reasons.astype("str").str.strip().str.lower().str.replace(r"[\s\-]+", "_", regex=True)


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
