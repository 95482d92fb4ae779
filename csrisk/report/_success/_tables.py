"""Tables about success beside the risk: evidence, moves, loyalty, the best, traps, feedback, plays, health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._goals import Goal
from csrisk._labelling import label_churn
from csrisk._snapshots import Snapshots
from csrisk._text import day, number, percent
from csrisk._wilson import Z_95, share_interval
from csrisk.exceptions import CsriskError
from csrisk.report._accounts._compare import spoken
from csrisk.report._book import book_features
from csrisk.report._content import Cell, Column, Interval, Table
from csrisk.report._names import clean
from csrisk.success import (
    LOYALTY_GROUPS,
    feedback_ledger,
    health_band,
    health_score,
    loyalty,
    trap_summary,
    treated_snapshots,
    what_sets_apart,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from csrisk.data import CustomerData
    from csrisk.report._book import Book

__all__ = [
    "apart_table",
    "business_risk_table",
    "evidence_table",
    "gap_table",
    "health_table",
    "ledger_table",
    "loyalty_table",
    "moves_table",
    "share_of",
    "plays_table",
    "traps_table",
]

Row = tuple[Cell, ...]
_LISTED = 10
_QUARTER = 91
_HORIZON = 90
_KINDS = ("scores", "comments", "acts", "escalations", "promises")
_SPOKEN = ("answers with a score", "comments", "acts of advocacy", "escalated cases", "promises kept or due")


def share_of(hits: float, n: float) -> Interval | None:
    """Give a share in percent with its 95 % interval (Wilson); None of nothing, or of what is not known."""
    if not n or pd.isna(hits) or pd.isna(n):
        return None
    low, high = share_interval(np.array([hits]), np.array([n]))
    return Interval(100 * hits / n, 100 * float(low[0]), 100 * float(high[0]))


def evidence_table(mood: pd.DataFrame) -> Table | None:
    """Say what the positions on the continuum rest on."""
    counts = mood[list(_KINDS)].fillna(0).astype(int)
    if not counts.to_numpy().any():
        return None
    rows: list[Row] = [
        (words, int(counts[kind].sum()), int((counts[kind] > 0).sum()), share_of((counts[kind] > 0).sum(), len(mood)))
        for kind, words in zip(_KINDS, _SPOKEN, strict=True)
    ]
    columns = (Column("Evidence"), Column("Pieces", "integer"), Column("Accounts", "integer"), _share("Accounts, %"))
    told = mood["reliability"].dropna()
    note = f"It explains {percent(told.mean(), 0)} of the differences between accounts. " if len(told) else ""
    half = (mood["high"] - mood["low"]).median() / 2
    return _table(
        "What happiness rests on, last 365 days",
        columns,
        rows,
        f"{note}The middle account is placed to within {number(half, 2)} of the scale from 0 to 1 (95 %)."
        # NaN differs from itself: no range is known
        if half == half
        else note,
    )


def moves_table(before: pd.Series, now: pd.Series, since: str) -> Table | None:
    """Count the moves between quadrants; both series hold quadrants of the same accounts in the same order."""
    # who is known at one of the dates alone made no move
    pairs = pd.DataFrame({"before": before.to_numpy(object), "now": now.to_numpy(object)}).dropna()
    if pairs.empty:
        return None
    counts = pairs.value_counts(sort=False)
    # of those in a quadrant before, also of those who stayed
    of = pairs["before"].value_counts()
    ordered = counts.sort_values(ascending=False, kind="stable").rename("accounts").reset_index()
    rows: list[Row] = [
        (clean(start), clean(end), int(n), share_of(n, of[start]))
        for start, end, n in zip(ordered["before"], ordered["now"], ordered["accounts"], strict=True)
        if start != end
    ]
    stayed = int((pairs["before"] == pairs["now"]).sum())
    columns = (Column("From"), Column("To"), Column("Accounts", "integer"), _share("Of those that were there, %"))
    note = (
        f"{number(stayed, 0)} of {number(len(pairs), 0)} accounts known at both dates are where they were. "
        "Accounts that left are not in"
    )
    return _table(f"Moves between quadrants since {since}", columns, rows, f"{note} the book.")


def business_risk_table(quadrant: pd.DataFrame, mood: pd.DataFrame, book: Book) -> Table | None:
    """List the highly profitable accounts that are neutral."""
    if "business_risk" not in quadrant:
        return None
    inside = np.flatnonzero(quadrant["business_risk"].fillna(False).to_numpy(dtype=bool))
    inside = inside[np.argsort(-quadrant["value"].to_numpy(float)[inside], kind="stable")]
    rows: list[Row] = [
        (book.names[at], float(quadrant["value"].iloc[at]), _happiness(mood, at), float(book.probability[at]))
        for at in inside[:_LISTED]
    ]
    columns = (Column("Account", "name"), Column("Money a month", "money"), _happy(), Column("Risk", "percent"))
    known = int(quadrant["quadrant"].notna().sum())
    note = (
        f"{number(len(inside), 0)} of {number(known, 0)} accounts with a quadrant bring in the upper quarter and "
        "are neither happy nor"
    )
    return _table("Business risk: highly profitable, but neutral", columns, rows, f"{note} unhappy.")


def loyalty_table(groups: pd.Series, book: Book) -> Table | None:
    """Cross satisfaction and risk, with the goal that drives each group."""
    if not groups.notna().any():
        return None
    points = book.points.set_axis(groups.index)
    table = loyalty(groups, points)
    rows: list[Row] = []
    for name in LOYALTY_GROUPS:
        inside = (groups.astype(object) == name).to_numpy()
        row: Any = table.loc[name]
        share = Interval(100 * row["share"], 100 * row["low"], 100 * row["high"]) if inside.any() else None
        risk = float(book.probability[inside].mean()) if inside.any() else None
        driver = Goal(row["driver"]).heading if isinstance(row.get("driver"), str) else None
        rows.append((name, int(row["accounts"]), share, risk, driver))
    columns = (
        Column("Group"),
        Column("Accounts", "integer"),
        _share("Of those equally satisfied, %"),
        Column("Mean risk", "percent"),
        Column("Goal that raises it most"),
    )
    note = "Satisfied from 0.60 on, dissatisfied below 0.50; at risk above the mean risk of the book."
    return _table("Satisfaction is not loyalty", columns, rows, note)


def apart_table(best: pd.Series, book: Book) -> Table | None:
    """Name the features that set the best customers apart."""
    try:
        found = what_sets_apart(_features(book, best.index), best)
    except CsriskError:
        return None
    found = found[found["stands_out"]].head(_LISTED)
    rows: list[Row] = [
        (
            clean(spoken(str(name))),
            float(row["best_median"]),
            float(row["other_median"]),
            Interval(100 * row["chance"], 100 * row["low"], 100 * row["high"]),
            int(row["n_best"] + row["n_other"]),
        )
        for name, row in found.iterrows()
    ]
    columns = (
        Column("Feature"),
        Column("Best, median", "number"),
        Column("Others, median", "number"),
        _share("One of the best has more than another, %"),
        Column("Accounts", "integer"),
    )
    note = "Best: in the success quadrant and risk below the median, so what they say of us is part of the definition."
    note = f"{number(int(best.sum()), 0)} best customers. {note} Corrected for many"
    return _table(
        "What sets the best customers apart", columns, rows, f"{note} comparisons (false discovery rate 5 %)."
    )


def gap_table(best: pd.Series, book: Book) -> Table | None:
    """Split the gap in risk between the others and the best by goal."""
    inside = best.to_numpy(dtype=bool)
    if min(inside.sum(), (~inside).sum()) < _LISTED:
        return None
    gap = book.points[~inside] - book.points[inside].mean()
    # errors of two independent means add up in squares
    spread = np.sqrt(book.points[~inside].var() / (~inside).sum() + book.points[inside].var() / inside.sum())
    # context adds up with the rest, but nobody can close a gap in segment or region
    own = [goal for goal in gap if goal != Goal.CONTEXT]
    # idxmax names a goal also where the account lies behind in none
    first = gap[own].idxmax(axis=1).where(gap[own].max(axis=1) > 0)
    rows: list[Row] = []
    for goal in gap:
        mean, half = float(gap[goal].mean()), Z_95 * float(spread[goal])
        count = int((first == goal).sum()) if goal in own else None
        rows.append((Goal(str(goal)).heading, Interval(mean, mean - half, mean + half), count))
    columns = (
        Column("Goal"),
        Column("Behind the best, percentage points", "number", 1),
        Column("Accounts with their largest gap here", "integer"),
    )
    note = (
        f"{number(int((~inside).sum()), 0)} other accounts against {number(int(inside.sum()), 0)} best ones; the "
        "rows add up to the"
    )
    return _table("The gap to the best customers, by goal", columns, rows, f"{note} gap in mean risk.")


def traps_table(found: pd.DataFrame, book: Book, consequences: pd.DataFrame | None = None) -> Table | None:
    """Count the traps of the accounts in order, say what followed on them, and name the first accounts in each."""
    table = trap_summary(found)
    if not table["of"].any():
        return None
    rows: list[Row] = []
    for name, row in table.iterrows():
        inside = np.flatnonzero(found[str(name)].fillna(False).to_numpy(dtype=bool))
        some = ", ".join(book.names[at] for at in inside[:3])
        counts = int(row["accounts"]), int(row["of"])
        limit = f"from {number(row['threshold'])}"
        later = {} if consequences is None else consequences.loc[[str(name)]].iloc[0].to_dict()
        after = [share_of(later[f"churned_{side}"], later[f"n_{side}"]) if later else None for side in ("in", "out")]
        # without harm in the history of these tables a trap asks for nothing
        harm = bool(later.get("harmful"))
        rows.append(
            (row["measure"], limit, *counts, *after, some or None, row["next_step"] if harm else "no harm shown")
        )
    columns = (
        Column("Measured"),
        Column("Trap"),
        Column("Accounts", "integer"),
        Column("Of", "integer"),
        _share("Inside, left later, %"),
        _share("Outside, left later, %"),
        Column("First in order of priority"),
        Column("Next step"),
    )
    note = (
        "Of: accounts with enough evidence to tell; a dash is no evidence. Left later: over the last dates whose "
        "outcome is known, with 95 % ranges. A step is named only where more left inside than outside beyond chance; "
        "what followed was not shown to be caused."
    )
    return _table("Relationship traps", columns, rows, note)


def ledger_table(data: CustomerData, keys: Sequence[Any], as_of: pd.Timestamp) -> Table | None:
    """Follow the feedback ledger over four quarters."""
    quarters = (as_of - pd.Timedelta(days=_QUARTER * back) for back in (3, 2, 1, 0))
    # no snapshot lies before the tables begin
    dates = [date for date in quarters if date > data.start]
    pairs = pd.DataFrame([(key, date) for date in dates for key in keys], columns=["account_id", "as_of"])
    table = feedback_ledger(data, Snapshots.of(data, pairs), window=_QUARTER, by="book")
    if not table["asked"].any():
        return None
    rows: list[Row] = [
        (
            day(pd.Timestamp(row.Index)),  # type: ignore[arg-type]
            int(row.asked),  # type: ignore[arg-type]
            share_of(row.answered, row.asked),  # type: ignore[arg-type]
            share_of(row.acknowledged, row.answered),  # type: ignore[arg-type]
            share_of(row.closed, row.answered),  # type: ignore[arg-type]
            _known(row.hours_to_answer),
            _known(row.hours_to_acknowledge),
            _known(row.days_to_act),
        )
        for row in table.itertuples()
    ]
    columns = (
        Column("91 days before"),
        Column("Asked", "integer"),
        _share("Answered, %"),
        _share("Answers acknowledged, %"),
        _share("Answers acted upon or declined, %"),
        Column("Hours to answer", "number", 0),
        Column("Hours to acknowledge", "number", 0),
        Column("Days to act", "number", 0),
    )
    note = (
        "Medians of the steps taken. The latest surveys had little time to be answered, the latest answers to be acted"
    )
    return _table("Feedback over the last year", columns, rows, f"{note} upon.")


def plays_table(data: CustomerData, as_of: pd.Timestamp) -> Table | None:
    """Compare churn of treated and others for each play that was assigned at random, as far as it is known by now."""
    if not data.has("treatments", "play"):
        return None
    rows: list[Row] = []
    plays = sorted(set(data.frame("treatments")["play"].dropna().astype(str)) - {"control"})
    for play in plays[:_LISTED]:
        try:
            drawn, treated = treated_snapshots(data, play, horizon=_HORIZON)
            y = label_churn(data, drawn)
        except CsriskError:
            continue
        # only windows that are over by the date of the book
        final = drawn.index.get_level_values("as_of") <= as_of - pd.Timedelta(days=_HORIZON)
        y, side = y[final].dropna().astype(float), treated[final]
        side = side.reindex(y.index)
        ours, others = y[side], y[~side]
        if min(len(ours), len(others)) < _LISTED:
            continue
        gap = 100 * float(others.mean() - ours.mean())
        # half an interval of 95 %, in percentage points
        half = 100 * Z_95 * float(np.sqrt(ours.var() / len(ours) + others.var() / len(others)))
        kept = Interval(gap, gap - half, gap + half)
        rows.append(
            (
                clean(play),
                len(ours),
                len(others),
                share_of(ours.sum(), len(ours)),
                share_of(others.sum(), len(others)),
                kept,
            )
        )
    columns = (
        Column("Play"),
        Column("Treated", "integer"),
        Column("Left alone", "integer"),
        _share("Churn of treated, %"),
        _share("Churn of others, %"),
        Column("Kept by the play, percentage points", "number", 1),
    )
    note = (
        "Assigned at random, so that the difference is an effect; the mean over all accounts hides whom it helps. The"
    )
    note += " order of accounts in this report is a risk ranking, not uplift."
    return _table("What plays have done within 90 days", columns, rows, note) if rows else None


def health_table(book: Book, index: pd.Index) -> Table | None:
    """Set the health score by hand beside the risk of the model."""
    try:
        band = health_band(health_score(_features(book, index))).astype(object)
    except CsriskError:
        return None
    if not band.notna().any():
        return None
    first = np.zeros(len(band), dtype=bool)
    # a tenth of the accounts, and one at least
    first[np.argsort(-book.probability, kind="stable")[: max(1, len(band) // 10)]] = True
    rows: list[Row] = []
    for name in ("red", "yellow", "green"):
        inside = (band == name).to_numpy()
        risk = float(book.probability[inside].mean()) if inside.any() else None
        top = int((inside & first).sum())
        rows.append(
            (name, int(inside.sum()), share_of(inside.sum(), band.notna().sum()), risk, top, share_of(top, first.sum()))
        )
    columns = (
        Column("Health score"),
        Column("Accounts", "integer"),
        _share("Share, %"),
        Column("Mean risk", "percent"),
        Column("Among the tenth most at risk", "integer"),
        _share("Share of that tenth, %"),
    )
    note = (
        "The score that customer-success tools weigh by hand: red below 40, green from 60 on. How well it told who left"
    )
    return _table(
        "Gut feel beside the model", columns, rows, f"{note} stands beside the quality of the model, if tested."
    )


def _features(book: Book, index: pd.Index) -> pd.DataFrame:
    return book_features(book.why).iloc[book.rows].set_axis(index)


def _table(caption: str, columns: tuple[Column, ...], rows: Iterable[Row], note: str = "") -> Table | None:
    found = tuple(rows)
    return Table(caption, columns, found, note) if found else None


def _share(label: str) -> Column:
    return Column(label, "number", 0)


def _happy() -> Column:
    return Column("Happiness, 0 to 1", "number", 2)


def _happiness(mood: pd.DataFrame, at: int) -> Interval:
    return Interval(*(float(mood[name].iloc[at]) for name in ("position", "low", "high")))


def _known(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
