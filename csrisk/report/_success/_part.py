"""Customer success beside the risk: happiness, the quadrant, satisfied leavers, the journey, the feedback ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._goals import Goal
from csrisk._snapshots import Snapshots
from csrisk._text import day
from csrisk.report._accounts._followed import NOTHING
from csrisk.report._content import Column, Interval, Success, Table
from csrisk.report._names import clean
from csrisk.report._success._claims import claims_tables
from csrisk.report._success._cohorts import cohort_tables, survival_of
from csrisk.report._success._footprint import footprint_tables
from csrisk.report._success._growth import growth_tables
from csrisk.report._success._handovers import handovers_table
from csrisk.report._success._lists import list_tables
from csrisk.report._success._tables import (
    apart_table,
    business_risk_table,
    evidence_table,
    gap_table,
    health_table,
    ledger_table,
    loyalty_table,
    moves_table,
    plays_table,
    traps_table,
)
from csrisk.success import (
    HAPPINESS_STAGES,
    QUADRANTS,
    best_customers,
    company_happiness,
    feedback_ledger,
    happiness,
    journey,
    loyalty_groups,
    success_quadrant,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from csrisk.data import CustomerData
    from csrisk.report._accounts._followed import Followed
    from csrisk.report._accounts._standing import Standing
    from csrisk.report._book import Book

__all__ = ["make_success"]

_LISTED = 15
_LEAVERS = "satisfied but at risk"
_HALF_YEAR = 182
_STAY = "how long accounts stay"
_LOYALTY, _TREND = "satisfaction and loyalty", "feedback over the year"

# what is read once and not each time: history, and long lists
_FOLDED = frozenset(
    {
        *("claims on your own data", "happiness and growth", "after the fire"),
        *("room to grow", "worth of features", "adoption of new features"),
    }
)
_NEEDS = {
    "what happiness rests on": "surveys, advocacy, contacts or expectations",
    "moves between quadrants": "happiness and revenue or profit, now and half a year before",
    "business risk": "happiness and revenue or profit",
    "whom to ask for a reference": "advocacy, and happy accounts that nobody asked for a year",
    "who speaks against us": "advocacy with a stance, a rating or a kind that speaks against",
    "captives": "happiness, planned ends of contracts, and accounts that are bound and not happy",
    "let go or recover": "happiness and profit, and accounts below both",
    "accounts by owner": "accounts with an owner",
    "claims on your own data": "past dates whose outcome is known",
    "happiness and growth": "past dates whose outcome is known, and what accounts pay",
    "judgement against model": "measures that were declared with a direction, and accounts judged otherwise than told",
    "value reviews": "contacts of kind business_review or value_report",
    "quiet and noisy": "contacts, surveys or advocacy",
    _LOYALTY: "surveys, advocacy, contacts or expectations",
    "what sets the best apart": "at least 10 best customers and 10 others",
    "gap to the best by goal": "at least 10 best customers and 10 others",
    "preventive and corrective contacts": "contacts with a stage",
    "handovers": "contacts of an account with two teams",
    "relationship traps": "contacts, surveys, or use by person",
    "after the fire": "hard cases that were closed, and past dates whose outcome is known",
    "room to grow": "happy and safe accounts whose seats are all in use, or a product that goes with theirs",
    "worth of features": "use by feature, and past dates whose outcome is known",
    "adoption of new features": "features with known_at, released within 180 days",
    "features within reach": "use by feature, and similar accounts that use what others do not",
    "products that go together": "use by product, in pairs that 10 accounts share beyond chance",
    "pace of adoption": "use, and accounts that are slow for their tenure beyond chance",
    _STAY: "contracts with their ends",
    _TREND: "surveys",
    "effect of plays": "treatments assigned at random whose time is up; without, this is a risk ranking, not uplift",
    "health score by hand": "features of use, effort, sentiment or relationship by their usual names",
}


def make_success(
    book: Book,
    data: CustomerData | None,
    standing: Standing | None,
    followed: Followed = NOTHING,
    steps: Sequence[int] = (),
) -> Success | None:
    """Work out where the book stands beside its risk, from whatever tables there are."""
    if data is None or standing is None:
        return None
    seen, mood, company, quadrant = standing.seen, standing.mood, standing.company, standing.quadrant
    history = followed.history
    risk = pd.Series(book.probability, index=mood.index)
    known = mood["position"].notna()
    groups = loyalty_groups(mood["position"], risk)
    parts = _parts(book, data, standing, groups, followed)
    parts |= list_tables(data, book, standing, groups, history, steps)
    parts |= claims_tables(data, followed, book.as_of)
    by_start, lives = cohort_tables(data, book.as_of), survival_of(data, book.as_of)
    return Success(
        accounts=len(mood),
        known=int(known.sum()),
        stages=tuple((stage, int((mood["stage"].astype(object) == stage).sum())) for stage in HAPPINESS_STAGES),
        quadrants=_quadrants(quadrant, book),
        happy_from=float(quadrant["happy_from"].iloc[0]) if len(quadrant) else 0.6,
        value_from=_first(quadrant, "value_from"),
        measure="profit a month" if (company["measure"] == "profit").any() else "monthly revenue",
        points=_points(quadrant, book),
        leavers=_leavers(groups, mood, book),
        journey=_journey(data, seen) if data.has("contacts", "stage") else None,
        loyalty=parts[_LOYALTY],
        ledger=_ledger(data, seen) if data.has("surveys") else None,
        trend=parts[_TREND],
        # this part has pictures of its own, so it is named only where it is missing
        more=_more(parts | ({} if by_start or lives else {_STAY: None})),
        cohorts=by_start,
        survival=lives,
    )


def _parts(
    book: Book, data: CustomerData, standing: Standing, groups: pd.Series, followed: Followed
) -> dict[str, Table | None]:
    """Make every further table; None where there is no evidence."""
    seen, mood, quadrant = standing.seen, standing.mood, standing.quadrant
    risk = pd.Series(book.probability, index=mood.index)
    # where no happiness is known there are no quadrants at all
    sides = quadrant["quadrant"] if "quadrant" in quadrant else pd.Series(None, index=mood.index, dtype=object)
    best = best_customers(sides.astype(object), risk)
    keys = list(seen.index.get_level_values("account_id"))
    return {
        "what happiness rests on": evidence_table(mood),
        "moves between quadrants": _moves(book, data, keys, sides),
        "business risk": business_risk_table(quadrant, mood, book),
        _LOYALTY: loyalty_table(groups, book),
        "what sets the best apart": apart_table(best, book),
        "gap to the best by goal": gap_table(best, book),
        "preventive and corrective contacts": _directions(data, seen) if data.has("contacts", "stage") else None,
        "relationship traps": traps_table(standing.traps, book, followed.traps),
        # tables without teams are not said to lack them
        **({"handovers": handovers_table(data, seen)} if data.has("contacts", "team") else {}),
        **footprint_tables(data, seen, book, followed.feature_worth),
        **growth_tables(data, seen, book, standing, followed.worth),
        _TREND: ledger_table(data, keys, book.as_of) if data.has("surveys") else None,
        "effect of plays": plays_table(data, book.as_of),
        "health score by hand": health_table(book, mood.index),
    }


def _more(parts: dict[str, Table | None]) -> tuple[Table, ...]:
    """Give the tables that have no picture of their own, and one that names the parts without evidence."""
    there = {name: table for name, table in parts.items() if table is not None and name not in (_LOYALTY, _TREND)}
    told = tuple(replace(table, folded=name in _FOLDED) for name, table in there.items())
    # what is missing is said with what it needs, so that nobody takes it for good news
    silent = tuple((name, _NEEDS[name]) for name, table in parts.items() if table is None)
    if not silent:
        return told
    return (*told, Table("Parts without evidence", (Column("Part"), Column("It needs")), silent))


def _moves(book: Book, data: CustomerData, keys: list[Any], now: pd.Series) -> Table | None:
    then = book.as_of - pd.Timedelta(days=_HALF_YEAR)
    # nothing was seen before the tables begin
    if then <= data.start:
        return None
    earlier = Snapshots.of(data, pd.DataFrame({"account_id": keys, "as_of": then}))
    mood, company = happiness(data, earlier), company_happiness(data, earlier)
    if not mood["position"].notna().any():
        return None
    before = success_quadrant(mood, company)["quadrant"].droplevel("as_of")
    return moves_table(before.reindex(now.index).astype(object), now.astype(object), day(then))


def _directions(data: CustomerData, seen: Snapshots) -> Table | None:
    table = journey(data, seen, by_direction=True)
    rows = tuple(
        (
            f"{clean(row.Index[0])}, {clean(row.Index[1])}",  # type: ignore[index]
            int(str(row.contacts)),
            int(str(row.accounts)),
            _interval(row.hard_share, row.low, row.high),
            _known(row.hours_to_resolve),
            _interval(row.sentiment, row.sentiment_low, row.sentiment_high),
            int(row.answers) if pd.notna(row.answers) else 0,  # type: ignore[arg-type]
        )
        for row in table.itertuples()
    )
    columns = (
        Column("Stage and direction"),
        Column("Contacts", "integer"),
        Column("Accounts", "integer"),
        Column("Share that was hard", "number", 2),
        Column("Hours to resolve", "number", 0),
        Column("Sentiment, 0 to 1", "number", 2),
        Column("Answers", "integer"),
    )
    note = "Preventive: begun by us. Corrective: begun by the customer. Hard: handed on, reopened or asked again."
    return Table("Preventive and corrective contacts, worst first", columns, rows, note) if rows else None


def _first(table: pd.DataFrame, column: str) -> float | None:
    known = table[column].dropna() if column in table else pd.Series(dtype=float)
    return float(known.iloc[0]) if len(known) else None


def _quadrants(table: pd.DataFrame, book: Book) -> tuple[tuple[str, int, float], ...]:
    """Name, number of accounts, and mean probability of churn of each quadrant."""
    if "quadrant" not in table:
        return ()
    rows = []
    for name in QUADRANTS:
        inside = (table["quadrant"].astype(object) == name).to_numpy()
        rows.append((name, int(inside.sum()), float(book.probability[inside].mean()) if inside.any() else 0.0))
    return tuple(rows)


def _points(table: pd.DataFrame, book: Book) -> tuple[tuple[float, float, float], ...]:
    """Position, value and probability of each account that has both sides."""
    if "quadrant" not in table:
        return ()
    # a dot needs both coordinates
    both = table["position"].notna().to_numpy() & table["value"].notna().to_numpy()
    columns = table["position"].to_numpy(np.float64), table["value"].to_numpy(np.float64), book.probability
    return tuple((float(x), float(y), float(p)) for x, y, p in zip(*(c[both] for c in columns), strict=True))


def _leavers(groups: pd.Series, mood: pd.DataFrame, book: Book) -> Table | None:
    inside = np.flatnonzero((groups.astype(object) == _LEAVERS).to_numpy())
    if not len(inside):
        return None
    raised = [Goal(goal).heading if goal else "nothing" for goal in book.why.main_goals[book.rows]]
    rows = tuple(
        (
            book.names[at],
            float(book.probability[at]),
            Interval(*(float(mood[name].iloc[at]) for name in ("position", "low", "high"))),
            clean(mood["stage"].iloc[at]),
            raised[at],
        )
        for at in inside[:_LISTED]
    )
    columns = (
        Column("Account", "name"),
        Column("Risk", "percent"),
        Column("Happiness, 0 to 1", "number", 2),
        Column("Stage"),
        Column("Raised most by"),
    )
    more = f" The first {_LISTED} of {len(inside)}." if len(inside) > _LISTED else ""
    return Table("Satisfied, and likely to leave", columns, rows, f"Satisfaction alone does not keep them.{more}")


def _journey(data: CustomerData, seen: Snapshots) -> Table | None:
    table = journey(data, seen)
    rows = tuple(
        (
            clean(row.Index),
            int(str(row.contacts)),
            _interval(row.hard_share, row.low, row.high),
            int(str(row.resolved)),
            _known(row.hours_to_resolve),
            _known(row.preventive_share),
            _interval(row.sentiment, row.sentiment_low, row.sentiment_high),
            int(row.answers) if pd.notna(row.answers) else 0,  # type: ignore[arg-type]
        )
        for row in table.itertuples()
    )
    columns = (
        Column("Stage"),
        Column("Contacts", "integer"),
        Column("Share that was hard", "number", 2),
        Column("Of resolved", "integer"),
        Column("Hours to resolve", "number", 0),
        Column("Begun by us", "percent", 0),
        Column("Sentiment, 0 to 1", "number", 2),
        Column("Answers", "integer"),
    )
    note = (
        "Worst first. Hard: handed on, reopened or asked again. Sentiment: satisfaction and effort answers within two "
        "weeks after. Ranges: 95 %."
    )
    return Table("The journey by stage, last 365 days", columns, rows, note) if rows else None


def _ledger(data: CustomerData, seen: Snapshots) -> Table | None:
    table = feedback_ledger(data, seen, by="book")
    if table.empty:
        return None
    row: Any = table.iloc[-1]
    steps = ("asked", "answered", "acknowledged", "acted")
    counts = tuple((name.capitalize(), None if pd.isna(row[name]) else int(row[name])) for name in steps)
    return Table("The feedback ledger, last 365 days", (Column("Step"), Column("Surveys", "integer")), counts)


def _known(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _interval(estimate: Any, low: Any, high: Any) -> Interval | None:
    return None if pd.isna(estimate) else Interval(float(estimate), _known(low), _known(high))
