"""The words of categories that csrisk knows."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AGAINST_US",
    "CAUSES",
    "ENDED",
    "ENDED_STATES",
    "FOR_US",
    "KEPT",
    "PROMISES",
    "ROLES",
    "RUNNING",
    "SCALES",
    "SPEAKS_OF",
    "STAGES",
    "STANCES",
    "TEAMS",
    "TRIAL",
    "UNASKED",
]

SCALES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"NPS": (0.0, 10.0), "CSAT": (1.0, 5.0), "CES": (1.0, 7.0)}
)
STAGES = ("evaluate", "purchase", "implement", "learn", "use", "support", "renew")

# what cannot be seen where a table is absent
SPEAKS_OF: Mapping[str, str] = MappingProxyType(
    {
        "contacts": "effort of staying",
        "subscriptions": "contract and revenue",
        "usage": "depth and breadth of use",
        "surveys": "sentiment and feedback loops",
        "advocacy": "references, referrals and reviews",
        "expectations": "promises and whether they were met",
    }
)

# what customers say of a vendor in public, by the sign it has where no stance and no rating is given
FOR_US = (
    "reference",
    "referral",
    "review",
    "case_study",
    "testimonial",
    "recommendation",
    "event_speaker",
    "community",
)
AGAINST_US = ("complaint", "negative_review", "legal_threat", "detraction")
STANCES = ("for", "against", "declined")
# outcomes of a promise: those of one that was met, and those that end it without
KEPT = ("met", "exceeded")
ENDED = ("missed", "cancelled", "declined", "superseded")
# feedback that nobody asked for
UNASKED = ("idea", "complaint", "praise")
PROMISES = ("goal", "sales_promise", "action_item", "milestone")
TEAMS = ("sales", "onboarding", "success", "support", "billing")
CAUSES = ("defect", "question", "request", "outage", "billing")
# of a person of the customer
ROLES = ("sponsor", "champion", "decider", "admin", "user")
# states of a subscription, as the programs that bill write them: not paid yet, running, and over
TRIAL = (
    *("trial", "trialing", "trialling", "in_trial", "in trial", "free_trial", "free trial"),
    *("incomplete", "incomplete_expired", "future", "pending", "draft"),
)
RUNNING = ("active", "live", "past_due", "past due", "unpaid", "non_renewing", "paused", "on_hold", "suspended")
ENDED_STATES = ("canceled", "cancelled", "ended", "expired", "terminated", "closed", "churned")
