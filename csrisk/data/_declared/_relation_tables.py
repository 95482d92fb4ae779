"""The tables of the relation: accounts, contracts, people and money."""

from __future__ import annotations

from csrisk.data._declared._columns import ACCOUNT, CURRENCY, EVENT, KNOWN, category, number, time
from csrisk.data._declared._declaration import Column, Order, Table
from csrisk.data._declared._words import ENDED_STATES, ROLES, RUNNING, TRIAL

__all__ = ["ACCOUNTS", "ATTRIBUTES", "FINANCE", "INVOICES", "PEOPLE", "SUBSCRIPTIONS", "TREATMENTS"]

_STATES = (*TRIAL, *RUNNING, *ENDED_STATES)

ACCOUNTS = Table(
    "accounts",
    "One row per customer account; any further column becomes context.",
    (
        ACCOUNT,
        Column("name", "text", "Name for reports."),
        time("started_at", "When the account became a customer."),
        time("ended_at", "When the account stopped being a customer."),
        category("segment", "Segment, such as enterprise or small business."),
        category("industry", "Industry."),
        category("region", "Region."),
        category("plan", "Plan."),
        Column("owner", "text", "Who looks after the account."),
        Column("parent_id", "id", "The account, or the holding, that it belongs to."),
        category("ended_reason", "Why it ended, as stated: a label and a check, never a feature."),
        KNOWN,
    ),
    orders=(Order("ended_at", "started_at"),),
    begins="started_at",
)

SUBSCRIPTIONS = Table(
    "subscriptions",
    "One row per contract or contract version.",
    (
        ACCOUNT,
        time("start_at", "First day of the contract.", required=True),
        time("end_at", "First day on which the contract does not run any more; missing while it runs."),
        time("planned_end", "End or renewal date.", planned=True),
        time("notice_at", "Last day on which notice can be given.", planned=True),
        Column("auto_renews", "bool", "Whether it renews by itself."),
        number("mrr", "Monthly recurring revenue."),
        number("list_price", "What it would cost a month without a discount."),
        CURRENCY,
        category("interval", "How often is paid; anything but a month is said, as mrr is by month."),
        number("seats", "Seats or licences bought."),
        category("plan", "Plan."),
        category("product", "Product."),
        time(
            "trial_ends_at",
            "From when on it is paid, after a trial; it counts as a contract from then on.",
            planned=True,
        ),
        Column("is_trial", "bool", "Whether the whole row is a trial; such a row is no contract."),
        category("status", "State at the export: trials are no contracts, what is over must say when.", *_STATES),
        Column(
            "notice_given_at",
            "time",
            "When notice was given; from then on the account is not at risk, as its end is told.",
            announced=True,
        ),
        category("ended_reason", "Why it ended, as stated: a label and a check, never a feature."),
        KNOWN,
    ),
    time="start_at",
    orders=(Order("end_at", "start_at"), Order("planned_end", "start_at")),
    begins="start_at",
    ready="trial_ends_at",
)

ATTRIBUTES = Table(
    "attributes",
    "One row per account, attribute and value, from when on it holds: a history in the place of columns of accounts.",
    (
        ACCOUNT,
        time("at", "From when on the value holds.", required=True),
        category("name", "Attribute, as its column of accounts would be called.", required=True),
        category("value", "Value; missing where it was taken away."),
        EVENT,
        KNOWN,
    ),
    time="at",
    event=True,
    shows_end=False,
)

PEOPLE = Table(
    "people",
    "One row per person of the customer and role, from when to when.",
    (
        ACCOUNT,
        Column("person_id", "id", "The person; as user_id of usage, respondent of surveys, person_id of contacts."),
        category("role", "Role; any other role is not used.", *ROLES),
        time("from_at", "When the person took the role.", required=True),
        time("to_at", "When the person left it; missing while it lasts."),
        KNOWN,
    ),
    time="from_at",
    orders=(Order("to_at", "from_at"),),
    begins="from_at",
)

INVOICES = Table(
    "invoices",
    "One row per invoice.",
    (
        ACCOUNT,
        Column("invoice_id", "id", "Key of the invoice within its account."),
        time("issued_at", "When it was issued.", required=True),
        time("due_at", "When it is to be paid.", planned=True),
        time("paid_at", "When it was paid in full; missing while it is open."),
        number("amount", "Amount to be paid; negative for a credit note.", low=None),
        CURRENCY,
        Column("disputed", "bool", "Whether the customer objected; without `disputed_at` it counts when it is paid."),
        time("disputed_at", "When the customer objected."),
        KNOWN,
    ),
    time="issued_at",
    event=True,
    shows_end=False,
)

FINANCE = Table(
    "finance",
    "One row per account and booking period.",
    (
        ACCOUNT,
        time("at", "When it was booked.", required=True),
        number("revenue", "Revenue; negative for a credit.", low=None),
        number("cost_to_serve", "Cost to serve."),
        CURRENCY,
        EVENT,
        KNOWN,
    ),
    time="at",
    event=True,
)

TREATMENTS = Table(
    "treatments",
    "One row per play run with an account.",
    (
        ACCOUNT,
        time("at", "When it was run.", required=True),
        category("play", "Name of the play."),
        Column("assigned_at_random", "bool", "Whether chance decided who got it."),
        EVENT,
        KNOWN,
    ),
    time="at",
    event=True,
    shows_end=False,
)
