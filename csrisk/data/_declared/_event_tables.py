"""The tables of what happens: use, contacts, answers, acts, promises and judgements."""

from __future__ import annotations

from csrisk.data._declared._columns import ACCOUNT, CURRENCY, EVENT, KNOWN, category, number, time
from csrisk.data._declared._declaration import Column, Order, Table
from csrisk.data._declared._words import (
    AGAINST_US,
    CAUSES,
    ENDED,
    FOR_US,
    KEPT,
    PROMISES,
    SCALES,
    STAGES,
    STANCES,
    TEAMS,
    UNASKED,
)

__all__ = ["ADVOCACY", "CONTACTS", "EXPECTATIONS", "FEATURES", "MEASURES", "SURVEYS", "USAGE"]

USAGE = Table(
    "usage",
    "One row per use, or per account, user, feature and day with a quantity.",
    (
        ACCOUNT,
        time("at", "When it was used.", required=True),
        Column("user_id", "id", "Person who used it."),
        category("feature", "Feature that was used."),
        Column("quantity", "number", "How often or how much; 0 is no use.", low=0.0, default=1.0, strict=True),
        category("product", "Product."),
        number("value", "Money of a purchase line; negative for a refund.", low=None),
        CURRENCY,
        EVENT,
        KNOWN,
    ),
    time="at",
    event=True,
)

FEATURES = Table(
    "features",
    "Catalogue of the features that a product or plan offers.",
    (
        category("feature", "Feature.", required=True),
        category("product", "Product that has it."),
        category("plan", "Plan in which it is available."),
        Column("known_at", "time", "When it was first offered; empty if it always was.", strict=True),
    ),
)

CONTACTS = Table(
    "contacts",
    "One row per contact: support case, call, meeting, onboarding session.",
    (
        ACCOUNT,
        time("opened_at", "When it was opened or took place.", required=True),
        time("resolved_at", "When it was resolved; missing while open."),
        Column("contact_id", "id", "Key of the contact."),
        Column("case_id", "id", "Key of the case; repeat contacts share it."),
        category("channel", "Channel, such as email or phone."),
        category("kind", "Kind: support, onboarding, meeting, billing, ..."),
        category("initiated_by", "Who began it.", "customer", "vendor"),
        Column("handler", "id", "Who handled it."),
        number("transfers", "How often it was handed on."),
        Column("reopened", "bool", "Whether it was opened again."),
        number("information_requests", "How often the customer was asked for information again."),
        Column("self_service_first", "bool", "Whether the customer tried to help themselves first."),
        Column("has_agenda_or_outcome", "bool", "Whether a meeting had an agenda or an outcome."),
        category("stage", "Touchpoint of the journey.", *STAGES),
        category("team", "Team that took it when it began; any other name is a team of its own.", *TEAMS),
        Column("severity", "number", "Severity as first set, 1 the worst.", low=1.0, high=4.0),
        category("cause", "What it came from, as found; counts when it is closed.", *CAUSES),
        time("due_at", "When it is to be resolved, as agreed beforehand (SLA).", planned=True),
        Column("person_id", "id", "Person of the customer who took part; as in people."),
        Column("attended", "bool", "Whether the customer came to a meeting."),
        KNOWN,
    ),
    time="opened_at",
    orders=(Order("resolved_at", "opened_at"),),
    event=True,
)

SURVEYS = Table(
    "surveys",
    "One row per survey sent.",
    (
        ACCOUNT,
        time("sent_at", "When it was sent; when it came, of feedback that nobody asked for.", required=True),
        time("answered_at", "When it was answered; missing without an answer."),
        category("kind", "Kind: states the scale of a score; nobody asked for the last three.", *SCALES, *UNASKED),
        number("score", "The answer.", low=None),
        Column("comment", "text", "Free text."),
        time("acknowledged_at", "When the customer was told that the answer was read."),
        time("acted_at", "When something was done about it."),
        time("declined_at", "When the customer was told, with the reason, that nothing will be done."),
        Column("respondent", "id", "Person who was asked."),
        EVENT,
        KNOWN,
    ),
    time="sent_at",
    orders=tuple(Order(later, "sent_at") for later in ("answered_at", "acknowledged_at", "acted_at", "declined_at")),
    event=True,
)

ADVOCACY = Table(
    "advocacy",
    "One row per time that the customer spoke of us to others, for or against, or declined to.",
    (
        ACCOUNT,
        time("at", "When it happened.", required=True),
        category("kind", "What it was; a kind that is not known counts only with a stance.", *FOR_US, *AGAINST_US),
        category("stance", "For or against us, or asked and declined; by default as the kind.", *STANCES),
        Column("rating", "number", "Stars of a review: 1 and 2 against us, 3 for neither.", low=1.0, high=5.0),
        EVENT,
        KNOWN,
    ),
    time="at",
    event=True,
)

EXPECTATIONS = Table(
    "expectations",
    "One row per goal of the success plan: what was promised, and whether it was met or exceeded.",
    (
        ACCOUNT,
        time("agreed_at", "When it was agreed.", required=True),
        time("due_at", "When it is due.", planned=True),
        time("met_at", "When it was met; missing while open."),
        time("closed_at", "When it ended without being met, as `outcome` says."),
        category("outcome", "How it ended.", *KEPT, *ENDED),
        category("kind", "What was agreed; a goal by default.", *PROMISES),
        KNOWN,
    ),
    time="agreed_at",
    orders=(Order("due_at", "agreed_at"), Order("met_at", "agreed_at"), Order("closed_at", "agreed_at")),
    event=True,
    shows_end=False,
)

MEASURES = Table(
    "measures",
    "One row per number or judgement about an account that is declared by its name.",
    (
        ACCOUNT,
        time("at", "When it was measured or judged.", required=True),
        category("name", "Name, as it is declared.", required=True),
        number("value", "The number.", low=None),
        Column("by", "id", "Who judged."),
        EVENT,
        KNOWN,
    ),
    time="at",
    event=True,
    shows_end=False,
)
