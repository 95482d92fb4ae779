"""Accounts by name: whom to ask, who speaks against us, captives, and those to decide on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._snapshots import seen
from csrisk._text import number
from csrisk.checks import declared_judgements, disagreements
from csrisk.report._accounts._quadrant_steps import recoverable
from csrisk.report._book import book_features, figure_at
from csrisk.report._content import Cell, Column, Interval, Table
from csrisk.report._figures._forecast import churn_forecast
from csrisk.report._names import clean
from csrisk.report._success._tables import share_of
from csrisk.success import QUADRANTS, USES, VOICES, voice_and_use, voice_consequences, voices_against

if TYPE_CHECKING:
    from collections.abc import Sequence

    from csrisk.data import CustomerData
    from csrisk.report._accounts._standing import Standing
    from csrisk.report._book import Book
    from csrisk.success import History

__all__ = ["list_tables"]

Row = tuple[Cell, ...]
_LISTED = 10
_BOUND_DAYS = 180
_REVIEWS, _REVIEW_DAYS = ("business_review", "value_report", "qbr"), 180
_CAPTIVE = "dissatisfied but safe"
_NAME, _RISK = Column("Account", "name"), Column("Risk", "percent")
_HAPPY = Column("Happiness, 0 to 1", "number", 2)


def list_tables(
    data: CustomerData,
    book: Book,
    standing: Standing,
    groups: pd.Series,
    history: History | None,
    steps: Sequence[int] = (),
) -> dict[str, Table | None]:
    """Make the lists; None where there is nobody to name. `steps` counts those of the first accounts."""
    return {
        "whom to ask for a reference": _whom_to_ask(book, standing),
        "who speaks against us": _against(data, book, standing),
        "captives": _captives(book, standing, groups),
        "let go or recover": _decide(book, standing),
        "accounts by owner": _owners(data, book, standing, steps),
        "value reviews": _reviews(data, book, standing),
        "judgement against model": _judged(data, book, standing),
        "quiet and noisy": _voices(data, standing, history),
    }


def _at(book: Book, index: pd.Index) -> list[int]:
    place = {key: at for at, key in enumerate(book.keys)}
    # the snapshots hold no account that the tables do not know, so places in them are none in the book
    return [place[key] for key in index.get_level_values("account_id")]


def _mood(standing: Standing, at: int) -> Interval | None:
    position, low, high = (standing.mood[name].iloc[at] for name in ("position", "low", "high"))
    return None if pd.isna(position) else Interval(float(position), float(low), float(high))


def _whom_to_ask(book: Book, standing: Standing) -> Table | None:
    index, found = standing.seen.index, standing.ask
    rows: list[Row] = [
        (book.names[at], _mood(standing, at), float(book.probability[at]), _days(days))
        for at, days in zip(_at(book, found.index), found["days_since_act"], strict=True)
    ]
    note = (
        f"{len(rows)} of {len(index)} accounts. "
        "Happy, at risk below the median, no case open for a week, not asked or heard in a year."
    )
    return _table("Whom to ask for a reference", (_NAME, _HAPPY, _RISK, Column("Last spoke up")), rows, note)


def _against(data: CustomerData, book: Book, standing: Standing) -> Table | None:
    found = voices_against(data, standing.seen)
    rows: list[Row] = []
    for at, row in zip(_at(book, found.index), found.to_dict("records"), strict=True):
        kind = clean(row["kind"] or "").replace("_", " ")
        rows.append((book.names[at], int(row["times"]), _days(row["days_since"]), kind, float(book.probability[at])))
    columns = (_NAME, Column("Times in a year", "integer"), Column("Last"), Column("What it was"), _RISK)
    return _table("Who speaks against us", columns, rows, "Bad reviews, complaints, threats, and what states so.")


def _captives(book: Book, standing: Standing, groups: pd.Series) -> Table | None:
    """Name the dissatisfied who are bound to stay for half a year at least."""
    features = book_features(book.why)
    if "days_to_renewal" not in features:
        return None
    left = features["days_to_renewal"].to_numpy(np.float64)[book.rows]
    # an unknown renewal is NaN, and binds nobody
    bound = (groups.astype(object) == _CAPTIVE).to_numpy() & (left >= _BOUND_DAYS)
    rows: list[Row] = [
        (book.names[at], figure_at(book.mrr, at), _mood(standing, at), float(book.probability[at]), int(left[at]))
        for at in np.flatnonzero(bound).tolist()
    ]
    columns = (_NAME, Column("Money a month", "money"), _HAPPY, _RISK, Column("Days to renewal", "integer"))
    note = "Dissatisfied, and bound by contract for half a year or more: expect no growth and no reference."
    return _table("Captives: bound, and not happy", columns, rows, note)


def _decide(book: Book, standing: Standing) -> Table | None:
    both = np.array(standing.quadrants) == QUADRANTS[3]
    slight = recoverable(standing).to_numpy(bool)
    # those worth a recovery first, then in order of priority
    order = sorted(np.flatnonzero(both).tolist(), key=lambda at: (not slight[at], at))
    margin = standing.company["margin"].to_numpy(np.float64, na_value=np.nan)
    rows: list[Row] = [
        (
            book.names[at],
            _mood(standing, at),
            None if np.isnan(margin[at]) else float(margin[at]),
            float(book.probability[at]),
            "recover" if slight[at] else "decide",
        )
        for at in order
    ]
    columns = (_NAME, _HAPPY, Column("Margin", "percent"), _RISK, Column("What to do"))
    note = (
        f"{len(rows)} of {len(both)} accounts. "
        "Recover: happiness from 0.35 on and a loss of at most a fifth of revenue. Decide: the others."
    )
    return _table("Let go or recover", columns, rows, note)


def _owners(data: CustomerData, book: Book, standing: Standing, steps: Sequence[int]) -> Table | None:
    """Sum up the accounts of each owner; an owner is a colleague, so a pseudonymised report has no such table."""
    if not data.has("accounts", "owner") or book.accounts != tuple(map(str, book.keys)):
        return None
    accounts = data.frame("accounts").set_index("account_id")["owner"].reindex(list(book.keys))
    owners = pd.Series([clean(name) if isinstance(name, str) else "nobody" for name in accounts])
    mrr = np.full(len(owners), np.nan) if book.mrr is None else book.mrr
    table = pd.DataFrame({"owner": owners, "risk": book.probability, "mrr": mrr, "at_risk": book.probability * mrr})
    # steps are made for the first accounts alone
    table["steps"] = [*steps, *[0] * (len(table) - len(steps))]
    table["escalations"] = standing.mood["escalations"].fillna(0).to_numpy(np.int64)
    totals = {name: (name, "sum") for name in ("mrr", "at_risk", "steps", "escalations")}
    summed = table.groupby("owner").agg(accounts=("risk", "size"), leaving=("risk", "sum"), **totals)
    # sums of unknown revenue are 0: there the number of leavers decides
    summed = summed.sort_values(["at_risk", "leaving"], ascending=False, kind="stable")
    rows: list[Row] = []
    for owner, row in summed.iterrows():
        money = (None, None) if book.mrr is None else (float(row["mrr"]), float(row["at_risk"]))
        told = churn_forecast(book.probability[(owners == owner).to_numpy()])
        left = Interval(told.expected, told.low, told.high)
        rows.append((str(owner), int(row["accounts"]), left, *money, int(row["steps"]), int(row["escalations"])))
    columns = (
        Column("Owner"),
        Column("Accounts", "integer"),
        Column("Expected to leave", "number", 1),
        Column("Money a month", "money"),
        Column("At risk", "money"),
        Column("Open steps", "integer"),
        Column("Escalations in a year", "integer"),
    )
    note = (
        "Expected to leave: the sum of the probabilities, with 90 % intervals by chance alone. Steps: of the first "
        f"{number(sum(1 for _ in steps), 0)} accounts. Escalations: cases handed on twice or more, or reopened."
    )
    return _table("Accounts by owner", columns, rows, note, most=25)


def _reviews(data: CustomerData, book: Book, standing: Standing) -> Table | None:
    """Name those that pay and have had no value review for half a year."""
    if not data.has("contacts", "kind"):
        return None
    rows = seen(data, standing.seen, "contacts", ["kind"])
    # QBR, business review and Value-Report are of the kinds above too
    kinds = rows["kind"].astype("str").str.lower().str.replace(r"[ -]", "_", regex=True)
    reviews = rows[kinds.isin(_REVIEWS)]
    if reviews.empty:
        return None
    # the smallest age is the latest review
    last = reviews.groupby("snapshot")["age"].min()
    days = np.full(len(book.keys), np.nan)
    days[np.array(_at(book, standing.seen.index))[last.index.to_numpy(np.int64)]] = last.to_numpy(np.float64)
    stake = np.zeros(len(days)) if book.mrr is None else np.nan_to_num(book.mrr)
    # not within rather than beyond: who never had one is NaN, and late
    late = np.flatnonzero(~(days <= _REVIEW_DAYS))
    order = late[np.argsort(-stake[late], kind="stable")].tolist()
    found: list[Row] = [
        (book.names[at], _days(days[at]), figure_at(book.mrr, at), float(book.probability[at])) for at in order
    ]
    columns = (_NAME, Column("Last value review"), Column("Money a month", "money"), _RISK)
    note = f"{len(found)} of {len(days)} accounts: no business review and no value report within {_REVIEW_DAYS} days."
    return _table("Value reviews that are due", columns, found, note)


def _voices(data: CustomerData, standing: Standing, history: History | None) -> Table | None:
    """Count quiet, normal and noisy customers by their use, and what became of such customers before."""
    now = voice_and_use(data, standing.seen)
    if now["voice"].isna().all():
        return None
    rows: list[Row] = []
    later = None if history is None else voice_consequences(data, history)
    for voice in VOICES:
        for use in USES:
            n = int(((now["voice"] == voice) & (now["use"] == use)).sum())
            cell = {} if later is None else later.loc[[(voice, use)]].iloc[0].to_dict()
            rows.append((f"{voice}, use {use}", n, share_of(cell["churned"], cell["n"]) if cell else None))
    left = Column("Such accounts left later, %", "number", 1)
    columns = (Column("Voice and use"), Column("Accounts now", "integer"), left)
    note = (
        "Quiet: not heard in 90 days. Noisy: at least 3 contacts begun in 90 days and twice the usual. Use: 30 days "
        "against the 30 before, by a fifth or more. Left later: over the last dates with a known outcome, 95 % ranges."
    )
    return _table("Quiet and noisy customers, by their use", columns, rows, note)


def _judged(data: CustomerData, book: Book, standing: Standing) -> Table | None:
    """Name the accounts that people, or another score, see otherwise than the model."""
    features = book_features(book.why)
    told = declared_judgements(data, features, book.why.declarations)
    if not told:
        return None
    place = {key: at for at, key in enumerate(book.keys)}
    index = standing.seen.index
    places = [place[key] for key in index.get_level_values("account_id")]
    risk = pd.Series(book.probability[places], index=index)
    rows: list[Row] = []
    for name, (values, higher) in told.items():
        judged = pd.Series(values.to_numpy(np.float64, na_value=np.nan)[book.rows][places], index=index)
        if judged.notna().any():
            found = disagreements(judged, risk, higher=higher)
            for at, row in zip(_at(book, found.index), found.to_dict("records"), strict=True):
                words = f"{clean(name).replace('_', ' ')}: {row['judged']}"
                rows.append((book.names[at], words, float(row["judgement"]), float(row["risk"])))
    columns = (_NAME, Column("Judged"), Column("Judgement", "number", 1), Column("Risk in the model", "percent"))
    note = "Judged among the safest third and told among the riskiest third, or the other way round."
    return _table("Judgement against model: where they disagree", columns, rows, note)


def _days(value: Any) -> str:
    return "never" if pd.isna(value) else f"{int(value)} days ago"


def _table(caption: str, columns: tuple[Column, ...], rows: list[Row], note: str, most: int = _LISTED) -> Table | None:
    more = f" The first {most} of {number(len(rows), 0)}." if len(rows) > most else ""
    return Table(caption, columns, tuple(rows[:most]), note + more) if rows else None
