"""What a report says: frozen values, computed once and rendered as HTML, Markdown, JSON or CSV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from csrisk._text import number

__all__ = [
    "Calibration",
    "Card",
    "Cell",
    "Column",
    "Comparison",
    "Course",
    "Decision",
    "FeaturePart",
    "Forecast",
    "GoalPart",
    "GoalSpread",
    "Interval",
    "Kind",
    "LeverPart",
    "Line",
    "Move",
    "Moves",
    "Past",
    "Report",
    "Stay",
    "Step",
    "Success",
    "Summary",
    "Survival",
    "Table",
    "Timeline",
    "Told",
    "Trend",
]

Kind = Literal["text", "name", "integer", "number", "percent", "points", "money", "heat", "status", "code"]

# earlier dates of a past year, beside that of the book
_YEAR = 12


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its interval; bounds are None where none was computed."""

    estimate: float
    low: float | None = None
    high: float | None = None


Cell = str | int | float | bool | Interval | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a printed table: its heading and how its cells are written."""

    label: str
    kind: Kind = "text"
    digits: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table as printed: a caption that can stand alone, typed columns, rows, and a note below.

    One that is ``folded`` is closed on a page until somebody opens it.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    folded: bool = False


@dataclass(frozen=True, slots=True)
class FeaturePart:
    """One feature of one account: its sentence and its share of the goal.

    ``points`` is exact; ``shown`` is rounded so that what is printed adds up.
    """

    name: str
    sentence: str
    points: float
    shown: float


@dataclass(frozen=True, slots=True)
class GoalPart:
    """One goal of one account, opened into its strongest features and the rest."""

    goal: str
    heading: str
    points: float
    shown: float
    evidence: bool
    features: tuple[FeaturePart, ...]
    rest_count: int
    rest_shown: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """Weekly counts of half a year up to the date of the book, the oldest week first."""

    use: tuple[int, ...]
    contacts: tuple[int, ...]
    surveys: tuple[int, ...]
    answered: tuple[int, ...] | None  # unknown where the table does not say when


@dataclass(frozen=True, slots=True)
class Past:
    """Risk of an account in per cent on the dates of `Report.past`, the book last; None where it was not scored.

    ``goals`` are its contributions in percentage points on the same dates; empty where they are not told.
    """

    risks: tuple[float | None, ...]
    goals: tuple[tuple[str, tuple[float | None, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """One feature of one account beside what is typical of its segment, of the safest accounts, of its own past."""

    feature: str
    label: str
    value: str
    segment: str
    best: str
    before: str | None


@dataclass(frozen=True, slots=True)
class LeverPart:
    """What one lever would make of the model's answer for one account, in per cent and points, and what stays."""

    name: str
    risk: float
    change: float
    stays: str


@dataclass(frozen=True, slots=True)
class Move:
    """An account whose probability moved since an earlier book, and the goal that moved it most, in points."""

    rank: int
    name: str
    before: float
    now: float
    change: float
    goal: str
    goal_change: float


@dataclass(frozen=True, slots=True)
class Moves:
    """What moved since an earlier book."""

    since: str
    accounts: int
    new: int
    gone: int
    change: float
    up: tuple[Move, ...]
    down: tuple[Move, ...]
    # in the order of the book; None for accounts that are new
    by_account: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What was told on an earlier date, who told it, and what happened since: by risk told, and where it was wrong."""

    since: str
    headline: str
    source: str
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do next for an account, the goal it serves, and the rows of data that ask for it."""

    goal: str
    action: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Stay:
    """How many months an account is expected to stay, with the range in which four of five such accounts leave.

    ``margin`` is what it brings in that time, None where that is not known.
    """

    months: Interval
    margin: Interval | None


@dataclass(frozen=True, slots=True)
class Card:
    """One account in detail: the probability, and how it comes about from the reference."""

    rank: int
    account: str
    name: str
    facts: tuple[str, ...]
    # probability and reference from 0 to 1; what is shown in per cent, rounded so that the card adds up
    probability: float
    reference: float
    prediction_shown: float
    reference_shown: float
    mrr: float | None
    at_risk: float | None
    goals: tuple[GoalPart, ...]
    main_goal: str
    reason: str
    reason_goal: str
    # percentage points since the last earlier book
    moved: float | None = None
    timeline: Timeline | None = None
    past: Past | None = None
    compared: tuple[Comparison, ...] = ()
    steps: tuple[Step, ...] = ()
    levers: tuple[LeverPart, ...] = ()
    # goal and percentage points behind the best customers, the widest first
    gap: tuple[tuple[str, float], ...] = ()
    quadrant: str = ""
    stay: Stay | None = None
    listed: str = ""
    segment: str = ""
    plan: str = ""
    owner: str = ""
    renewal: str = ""
    driver: str = ""
    driver_words: str = ""


@dataclass(frozen=True, slots=True)
class GrowthAmount:
    """Growth in money a month that is expected of an account; heading, exact and printed part of each goal add up."""

    expected: float
    reference_shown: float
    prediction_shown: float
    goals: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class GrowthCard:
    """One account likely to expand: how the probability comes about, what to offer, and the money expected."""

    account: str
    name: str
    probability: float
    reference_shown: float
    prediction_shown: float
    goals: tuple[GoalPart, ...]
    offer: str = ""
    offer_reason: str = ""
    amount: GrowthAmount | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One account in one line: for those that come after the last card."""

    rank: int
    account: str
    name: str
    probability: float
    mrr: float | None
    at_risk: float | None
    main_goal: str


@dataclass(frozen=True, slots=True)
class GoalSpread:
    """One goal over the book: where the mean and the middle of the contributions lie, in percentage points."""

    goal: str
    heading: str
    question: str
    evidence: bool
    note: str
    mean: float
    # share of the accounts whose risk the goal raises, from 0 to 1; what rounds to nothing does not count
    raised: float
    p10: float
    p25: float
    median: float
    p75: float
    p90: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """An expected total with its interval and the way the interval was made."""

    expected: float
    low: float
    high: float
    # coverage of the range, from 0 to 1
    level: float
    method: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that asks a person for a decision, and the section that shows why."""

    text: str
    section: str
    severity: Literal["act", "look", "know"]


@dataclass(frozen=True, slots=True)
class Summary:
    """The first screen; totals are ``corrected`` where a forward test measured how far they are off."""

    accounts: int
    headline: str
    churn: Forecast
    mrr: float | None
    mrr_at_risk: Forecast | None
    # fewest accounts that carry half of what is at risk
    concentrated: int
    decisions: tuple[Decision, ...]
    # accounts of unknown revenue, which the sums leave out
    unpriced: int = 0
    corrected: Forecast | None = None
    mrr_corrected: Forecast | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Predicted against observed share of churn, with intervals and counts, from low to high."""

    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    count: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """The course of a measure over groups, for the model and its baselines."""

    caption: str
    labels: tuple[str, ...]
    series: tuple[tuple[str, tuple[Interval | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class Course:
    """Mean contribution of each goal over several books, in percentage points, and the mean probability."""

    dates: tuple[str, ...]
    accounts: tuple[int, ...]
    predictions: tuple[float, ...]
    goals: tuple[tuple[str, tuple[float, ...]], ...]


@dataclass(frozen=True, slots=True)
class Survival:
    """Share of accounts that stay, by group: points of (day, share, low, high), and the same as tables."""

    curves: tuple[tuple[str, tuple[tuple[int, float, float, float], ...]], ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Success:
    """Where the book stands beside its risk: happiness, both sides of the relation, journey, feedback.

    ``quadrants`` hold name, accounts and mean probability; ``points`` hold happiness, value and probability;
    ``loyalty`` crosses satisfaction with risk, ``trend`` follows the ledger over quarters.
    """

    accounts: int
    known: int
    stages: tuple[tuple[str, int], ...]
    quadrants: tuple[tuple[str, int, float], ...]
    happy_from: float
    value_from: float | None
    measure: str
    points: tuple[tuple[float, float, float], ...]
    leavers: Table | None
    journey: Table | None
    loyalty: Table | None
    ledger: Table | None
    trend: Table | None
    more: tuple[Table, ...] = ()
    cohorts: tuple[Table, ...] = ()
    survival: Survival | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a report says, in the order in which it is read."""

    title: str
    as_of: str
    window: str
    reference: str
    currency: str
    pseudonymised: bool
    summary: Summary
    moves: Moves | None
    goals: tuple[GoalSpread, ...]
    course: Course | None
    success: Success | None
    cards: tuple[Card, ...]
    lines: tuple[Line, ...]
    cards_note: str
    segments: tuple[str, ...]
    missing: tuple[str, ...]
    limits: tuple[str, ...]
    model: Table
    features: Table
    quality: tuple[Table, ...]
    calibration: Calibration | None
    trends: tuple[Trend, ...]
    checks: Table | None
    expansion: Table | None
    outlook: tuple[Table, ...]
    extra: tuple[Table, ...]
    provenance: Table
    glossary: Table
    plans: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    renewals: tuple[str, ...] = ()
    account_url: str = ""
    growth: tuple[GrowthCard, ...] = ()
    totals: str = ""
    past: tuple[str, ...] = ()
    # how many dates of past the model had learned from
    past_learned: int = 0
    told: Told | None = None

    @property
    def past_heading(self) -> str:
        """How the column of past risks is called."""
        return "Past year" if len(self.past) > _YEAR else "Past"

    @property
    def heading(self) -> str:
        """What was scored, in words."""
        return (
            f"Book of {self.as_of}"
            if self.as_of
            else f"A table of {number(self.summary.accounts, 0)} rows without dates"
        )
