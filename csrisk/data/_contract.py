"""The table contract, declared once: validation, canonical form and documentation are derived from it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AGAINST_US",
    "CONTRACT",
    "DECLARED",
    "ENDED",
    "FOR_US",
    "KEPT",
    "PROMISES",
    "SCALES",
    "STANCES",
    "UNASKED",
    "Column",
    "Kind",
    "Order",
    "Table",
    "beginnings",
    "observed_tables",
    "planned_times",
    "told_times",
]

Kind = Literal["id", "time", "number", "bool", "text", "category"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        Canonical name.
    kind : {"id", "time", "number", "bool", "text", "category"}
        What the values are. Ids and texts never appear in messages.
    meaning : str
        One sentence for the documentation.
    required : bool, default False
        A table without the column is refused, a row without a value is set aside.
    low, high : float, optional
        Closed range of a number.
    default : float, optional
        What a missing number means.
    values : tuple of str, optional
        The categories that csrisk knows; they are read in any case.
    strict : bool, default False
        A row whose value is unreadable or out of range is set aside, where otherwise only the value is made missing.
    planned : bool, default False
        A time that is agreed beforehand, so that it is not masked at a snapshot before it.
    label : str, optional
        What the user calls it, where that is not its name.

    Examples
    --------
    >>> from csrisk.data import CONTRACT
    >>> CONTRACT["usage"]["quantity"].low
    0.0
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    low: float | None = None
    high: float | None = None
    default: float | None = None
    values: tuple[str, ...] = ()
    strict: bool = False
    planned: bool = False
    label: str = ""

    @property
    def title(self) -> str:
        """What the user calls it."""
        return self.label or self.name

    @property
    def rule(self) -> str:
        """What must hold for a value, in words."""
        words = ["required"] if self.required else []
        if self.low is not None and self.high is not None:
            words.append(f"{self.low:g} to {self.high:g}")
        elif self.low is not None:
            words.append(f"at least {self.low:g}")
        if self.values:
            words.append("one of " + ", ".join(self.values))
        if self.planned:
            words.append("agreed beforehand")
        if self.default is not None:
            words.append(f"{self.default:g} where missing")
        return "; ".join(words)


@dataclass(frozen=True, slots=True)
class Order:
    """A rule that one time of a row is not before another.

    Parameters
    ----------
    later, earlier : str
        Names of time columns; the rule holds where both are known.
    """

    later: str
    earlier: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the contract.

    Parameters
    ----------
    name : str
        Name of the table.
    meaning : str
        One sentence for the documentation.
    columns : tuple of Column
        All columns that csrisk knows; a user's table may lack those that are not required.
    time : str, optional
        The primary time: when the row happened.
    orders : tuple of Order
        Rules between times of a row.
    event : bool
        The row is an observation, so that it must be dated before the end of the data.
    shows_end : bool
        Its rows come as things happen, so that the last ones show until when the book was observed; what we agree or
        do ourselves does not.
    begins : str, optional
        When a row of a state begins that is updated later: the beginning is known at the beginning, and ``known_at``
        says only when its ends were told.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    time: str | None = None
    orders: tuple[Order, ...] = ()
    event: bool = False
    shows_end: bool = True
    begins: str | None = None

    def __getitem__(self, column: str) -> Column:
        for candidate in self.columns:
            if candidate.name == column:
                return candidate
        raise KeyError(column)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the required columns."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def times(self) -> tuple[str, ...]:
        """Names of the time columns."""
        return tuple(column.name for column in self.columns if column.kind == "time")

    @property
    def second_times(self) -> tuple[str, ...]:
        """Names of the times that are masked at the snapshot: all but the primary one, ``known_at`` and plans."""
        plain = (self.time, "known_at")
        return tuple(name for name in self.times if name not in plain and not self[name].planned)

    def describe(self) -> pd.DataFrame:
        """Give the columns as a table for documentation.

        Returns
        -------
        pandas.DataFrame
            Columns ``column``, ``kind``, ``rule``, ``meaning``; one row per column, in order.
        """
        order = {rule.later: f"not before {rule.earlier}" for rule in self.orders}
        rows = [
            (column.name, column.kind, "; ".join(filter(None, (column.rule, order.get(column.name)))), column.meaning)
            for column in self.columns
        ]
        return pd.DataFrame(rows, columns=["column", "kind", "rule", "meaning"])

    @property
    def has_account(self) -> bool:
        """Whether rows belong to an account."""
        return "account_id" in self.names


SCALES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"NPS": (0.0, 10.0), "CSAT": (1.0, 5.0), "CES": (1.0, 7.0)}
)
_STAGES = ("evaluate", "purchase", "implement", "learn", "use", "support", "renew")

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

_EVENT = Column("event_id", "id", "Key of the event within its account; repeats of a retried event are removed.")
_CURRENCY = Column("currency", "category", "Currency of the amounts; the same in all tables.")
_ACCOUNT = Column("account_id", "id", "The account that the row is about.", required=True)
# an unreadable known_at must not make a row known early, so the row goes; one before the event is allowed (a meeting is
# booked before it takes place) and makes nothing known before it happened
_KNOWN = Column("known_at", "time", "When the row became known, where that is later than the event.", strict=True)


def _time(name: str, meaning: str, *, required: bool = False, planned: bool = False) -> Column:
    return Column(name, "time", meaning, required=required, strict=required, planned=planned)


def _number(name: str, meaning: str, low: float | None = 0.0, default: float | None = None) -> Column:
    return Column(name, "number", meaning, low=low, default=default)


def _category(name: str, meaning: str, *values: str, required: bool = False) -> Column:
    return Column(name, "category", meaning, required=required, values=values)


_TABLES = (
    Table(
        "accounts",
        "One row per customer account; any further column becomes context.",
        (
            _ACCOUNT,
            Column("name", "text", "Name for reports."),
            _time("started_at", "When the account became a customer."),
            _time("ended_at", "When the account stopped being a customer."),
            _category("segment", "Segment, such as enterprise or small business."),
            _category("industry", "Industry."),
            _category("region", "Region."),
            _category("plan", "Plan."),
            Column("owner", "text", "Who looks after the account."),
            _category("ended_reason", "Why it ended, as stated: a label and a check, never a feature."),
            _KNOWN,
        ),
        orders=(Order("ended_at", "started_at"),),
        begins="started_at",
    ),
    Table(
        "subscriptions",
        "One row per contract or contract version.",
        (
            _ACCOUNT,
            _time("start_at", "First day of the contract.", required=True),
            _time("end_at", "First day on which the contract does not run any more; missing while it runs."),
            _time("planned_end", "End or renewal date.", planned=True),
            _number("mrr", "Monthly recurring revenue."),
            _CURRENCY,
            _category("interval", "How often is paid; anything but a month is said, as mrr is by month."),
            _number("seats", "Seats or licences bought."),
            _category("plan", "Plan."),
            _category("product", "Product."),
            _KNOWN,
        ),
        time="start_at",
        orders=(Order("end_at", "start_at"), Order("planned_end", "start_at")),
        begins="start_at",
    ),
    Table(
        "usage",
        "One row per use, or per account, user, feature and day with a quantity.",
        (
            _ACCOUNT,
            _time("at", "When it was used.", required=True),
            Column("user_id", "id", "Person who used it."),
            _category("feature", "Feature that was used."),
            Column("quantity", "number", "How often or how much; 0 is no use.", low=0.0, default=1.0, strict=True),
            _category("product", "Product."),
            _number("value", "Money of a purchase line; negative for a refund.", low=None),
            _CURRENCY,
            _EVENT,
            _KNOWN,
        ),
        time="at",
        event=True,
    ),
    Table(
        "features",
        "Catalogue of the features that a product or plan offers.",
        (
            _category("feature", "Feature.", required=True),
            _category("product", "Product that has it."),
            _category("plan", "Plan in which it is available."),
            Column("known_at", "time", "When it was first offered; empty if it always was.", strict=True),
        ),
    ),
    Table(
        "contacts",
        "One row per contact: support case, call, meeting, onboarding session.",
        (
            _ACCOUNT,
            _time("opened_at", "When it was opened or took place.", required=True),
            _time("resolved_at", "When it was resolved; missing while open."),
            Column("contact_id", "id", "Key of the contact."),
            Column("case_id", "id", "Key of the case; repeat contacts share it."),
            _category("channel", "Channel, such as email or phone."),
            _category("kind", "Kind: support, onboarding, meeting, billing, ..."),
            _category("initiated_by", "Who began it.", "customer", "vendor"),
            Column("handler", "id", "Who handled it."),
            _number("transfers", "How often it was handed on."),
            Column("reopened", "bool", "Whether it was opened again."),
            _number("information_requests", "How often the customer was asked for information again."),
            Column("self_service_first", "bool", "Whether the customer tried to help themselves first."),
            Column("has_agenda_or_outcome", "bool", "Whether a meeting had an agenda or an outcome."),
            _category("stage", "Touchpoint of the journey.", *_STAGES),
            _KNOWN,
        ),
        time="opened_at",
        orders=(Order("resolved_at", "opened_at"),),
        event=True,
    ),
    Table(
        "surveys",
        "One row per survey sent.",
        (
            _ACCOUNT,
            _time("sent_at", "When it was sent; when it came, of feedback that nobody asked for.", required=True),
            _time("answered_at", "When it was answered; missing without an answer."),
            _category("kind", "Kind: states the scale of a score; nobody asked for the last three.", *SCALES, *UNASKED),
            _number("score", "The answer.", low=None),
            Column("comment", "text", "Free text."),
            _time("acknowledged_at", "When the customer was told that the answer was read."),
            _time("acted_at", "When something was done about it."),
            _time("declined_at", "When the customer was told, with the reason, that nothing will be done."),
            Column("respondent", "id", "Person who was asked."),
            _EVENT,
            _KNOWN,
        ),
        time="sent_at",
        orders=(
            Order("answered_at", "sent_at"),
            Order("acknowledged_at", "sent_at"),
            Order("acted_at", "sent_at"),
            Order("declined_at", "sent_at"),
        ),
        event=True,
    ),
    Table(
        "advocacy",
        "One row per time that the customer spoke of us to others, for or against, or declined to.",
        (
            _ACCOUNT,
            _time("at", "When it happened.", required=True),
            _category("kind", "What it was; a kind that is not known counts only with a stance.", *FOR_US, *AGAINST_US),
            _category("stance", "For or against us, or asked and declined; by default as the kind.", *STANCES),
            Column("rating", "number", "Stars of a review: 1 and 2 against us, 3 for neither.", low=1.0, high=5.0),
            _EVENT,
            _KNOWN,
        ),
        time="at",
        event=True,
    ),
    Table(
        "expectations",
        "One row per goal of the success plan: what was promised, and whether it was met or exceeded.",
        (
            _ACCOUNT,
            _time("agreed_at", "When it was agreed.", required=True),
            _time("due_at", "When it is due.", planned=True),
            _time("met_at", "When it was met; missing while open."),
            _time("closed_at", "When it ended without being met, as `outcome` says."),
            _category("outcome", "How it ended.", *KEPT, *ENDED),
            _category("kind", "What was agreed; a goal by default.", *PROMISES),
            _KNOWN,
        ),
        time="agreed_at",
        orders=(Order("due_at", "agreed_at"), Order("met_at", "agreed_at"), Order("closed_at", "agreed_at")),
        event=True,
        shows_end=False,
    ),
    Table(
        "finance",
        "One row per account and booking period.",
        (
            _ACCOUNT,
            _time("at", "When it was booked.", required=True),
            _number("revenue", "Revenue; negative for a credit.", low=None),
            _number("cost_to_serve", "Cost to serve."),
            _CURRENCY,
            _EVENT,
            _KNOWN,
        ),
        time="at",
        event=True,
    ),
    Table(
        "treatments",
        "One row per play run with an account.",
        (
            _ACCOUNT,
            _time("at", "When it was run.", required=True),
            _category("play", "Name of the play."),
            Column("assigned_at_random", "bool", "Whether chance decided who got it."),
            _EVENT,
            _KNOWN,
        ),
        time="at",
        event=True,
        shows_end=False,
    ),
)

# the one place where a table is declared; a test may declare one more
DECLARED: dict[str, Table] = {table.name: table for table in _TABLES}
CONTRACT: Mapping[str, Table] = MappingProxyType(DECLARED)


def planned_times() -> frozenset[str]:
    """Names of times that are agreed beforehand; a name that is none in some table is masked everywhere."""
    times = [table[name] for table in CONTRACT.values() for name in table.times]
    return frozenset({time.name for time in times if time.planned} - {time.name for time in times if not time.planned})


def told_times() -> frozenset[str]:
    """Names of second times that ``known_at`` hides where it does not hide their row."""
    states = [table for table in CONTRACT.values() if table.begins]
    return frozenset(name for table in states for name in table.second_times if name != table.begins)


def beginnings() -> frozenset[str]:
    """Names of times at which rows begin that are known from then on."""
    return frozenset(table.begins for table in CONTRACT.values() if table.begins)


def observed_tables() -> tuple[str, ...]:
    """Names of the tables whose rows come as things happen, so that the last one shows until when the book was seen."""
    return tuple(name for name, table in CONTRACT.items() if table.event and table.shows_end)
