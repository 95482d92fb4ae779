"""From an explanation and tables to what the report says."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._explain import NEGLIGIBLE
from csrisk._goals import Goal
from csrisk._text import number
from csrisk.data._declared import SPEAKS_OF
from csrisk.exceptions import ExplanationError
from csrisk.report import _tables
from csrisk.report._accounts._cards import STEPS, make_cards, make_lines
from csrisk.report._accounts._compare import Peers, make_course, make_gaps, make_moves
from csrisk.report._accounts._facets import read_facets
from csrisk.report._accounts._followed import what_followed
from csrisk.report._accounts._growing import make_growth_cards
from csrisk.report._accounts._past import make_pasts
from csrisk.report._accounts._standing import read_standing
from csrisk.report._accounts._stay import make_stays, stay_table
from csrisk.report._book import Book, read_book
from csrisk.report._content import Column, Decision, Forecast, GoalSpread, Report, Summary, Table
from csrisk.report._decisions import about_totals, concentrated, decisions, headline
from csrisk.report._figures._forecast import churn_forecast, mrr_forecast, read_bias
from csrisk.report._figures._observed import limits_of_time
from csrisk.report._figures._outlook import make_outlook
from csrisk.report._model_card import backtest_parts, features_table, model_table
from csrisk.report._names import clean
from csrisk.report._printing._format import day
from csrisk.report._success._growth import with_advice
from csrisk.report._success._part import make_success
from csrisk.report._told import make_told

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from csrisk._explain import Explanation
    from csrisk.data import CustomerData
    from csrisk.evaluation import Backtest
    from csrisk.report._accounts._standing import Standing
    from csrisk.report._figures._forecast import Bias

__all__ = ["Inputs", "compose"]

_TABLES_OF = {
    Goal.CHURN: ("contacts", "subscriptions"),
    Goal.FOOTPRINT: ("usage",),
    Goal.ADVOCACY: ("surveys", "advocacy", "expectations"),
    Goal.FEEDBACK: ("surveys",),
}
# the last place of _NAMED in _cards
_NAMED_UP_TO = 200
_EXPANSION = 25
# days, where no window was handed over
_HORIZON = 90
_FACETS = ("segment", "plan", "owner", "renewal")
_UNDATED = (
    "The table has no dates. Whether a column was known before the outcome cannot be seen from it, and a test on rows "
    "drawn at random says less of next month than a test on later data would. Where the model learned from these very "
    "rows, what came of them is known: read their risks as those of accounts like them."
)
_LIMITS = (
    "This is a ranking by risk, not by uplift: it says who is likely to leave, not whom an action would keep. Only "
    "treatments assigned at random could tell that.",
    "Contributions describe the model. They are reasons for a number, not causes of a behaviour.",
    "The forecast interval takes accounts as independent. It allows for totals as far off as a test on later days "
    "found them, and for chance alone without one; a shock that hits the whole book lies outside of it.",
)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a report is made from beside the explanation; see :func:`csrisk.report.write_report`."""

    title: str
    data: CustomerData | None = None
    evaluation: pd.DataFrame | Mapping[str, pd.DataFrame] | None = None
    calibration: pd.DataFrame | None = None
    backtest: Backtest | pd.DataFrame | Mapping[str, pd.DataFrame] | None = None
    checks: pd.DataFrame | Iterable[object] | None = None
    expansion: pd.DataFrame | None = None
    growth: Explanation | None = None
    growth_amounts: Explanation | None = None
    previous: Explanation | None = None
    gap: Explanation | None = None
    history: pd.DataFrame | None = None
    learned_until: pd.Timestamp | None = None
    told: pd.DataFrame | None = None
    told_by: str = ""
    extra: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    provenance: Mapping[str, object] | None = None
    mrr: pd.Series | None = None
    lifetimes: pd.DataFrame | None = None
    window: tuple[int, int] | None = None
    currency: str = ""
    pseudonymise: bool | str = False
    max_cards: int = 500
    chunk: int | None = None
    account_url: str = ""


def compose(why: Explanation, inputs: Inputs) -> Report:
    """Work out everything that the report says."""
    book = read_book(why, inputs.data, mrr=inputs.mrr, pseudonymise=inputs.pseudonymise)
    if inputs.previous is not None and not book.dated:
        raise ExplanationError("previous=...: the explained rows have no dates, so none of them is earlier")
    moves = make_moves(book, inputs.previous)
    peers = Peers(book, inputs.previous)
    # with pages every account has a card, whatever max_cards says
    count = len(book.keys) if inputs.chunk else min(len(book.keys), inputs.max_cards)
    followed = what_followed(inputs.data, book.as_of, inputs.window or (0, _HORIZON))
    standing, gaps = read_standing(book, inputs.data), make_gaps(book, inputs.gap)
    cards = make_cards(book, count, inputs.data, peers, moves, gaps, inputs.chunk, standing, followed)
    stays = make_stays(book, inputs.lifetimes)
    dates, pasts = make_pasts(book, inputs.history, count)
    # what a test at random found of totals says nothing of a later book, and what came of these rows is known
    facets, bias = read_facets(book, inputs.data), read_bias(inputs.evaluation) if book.dated else None
    cards = tuple(
        replace(card, stay=stays[at], past=pasts[at], **{name: getattr(facets, name)[at] for name in _FACETS})
        for at, card in enumerate(cards)
    )
    lines = make_lines(book, len(cards))
    goals = _spread(book, inputs.data)
    missing = _missing(inputs.data)
    quality = () if inputs.evaluation is None else (_tables.quality_table(inputs.evaluation, later=book.dated),)
    backtests, trends = backtest_parts(inputs.backtest)
    checks = None if inputs.checks is None else _tables.checks_table(inputs.checks)
    window = _window(book.as_of, inputs.window)
    when = _when(book, window)
    # steps are made for the first cards alone
    few, steps = concentrated(book), [len(card.steps) for card in cards[:STEPS]]
    success = make_success(book, inputs.data, standing, followed, steps)
    return Report(
        title=clean(inputs.title),
        as_of=day(book.as_of) if book.dated else "",
        window=window,
        reference=clean(why.reference_words, longest=400),
        currency=clean(inputs.currency),
        pseudonymised=bool(inputs.pseudonymise),
        summary=_summary(
            book,
            churn_forecast(book.probability, bias),
            bias,
            when,
            decisions(
                book, few, goals, checks, inputs.currency, moves, next(iter(quality), None), missing, success, bias
            ),
        ),
        moves=moves,
        goals=goals,
        course=make_course(book, inputs.previous),
        success=success,
        cards=cards,
        lines=lines,
        cards_note="" if inputs.chunk else _cards_note(len(cards), len(book.keys), inputs.max_cards),
        segments=facets.choices("segment"),
        plans=facets.choices("plan"),
        owners=facets.choices("owner"),
        renewals=facets.choices("renewal"),
        account_url=inputs.account_url,
        totals=about_totals(next(iter(quality), None), bias),
        past=tuple(map(day, dates)),
        # risks of these dates are looks back: the model had learned from what came after
        past_learned=0 if inputs.learned_until is None else sum(date <= inputs.learned_until for date in dates),
        told=make_told(book, inputs.data, inputs.told, inputs.told_by, pseudonymise=inputs.pseudonymise),
        missing=missing,
        limits=(*(limits_of_time(book.as_of, inputs.data) if book.dated else (_UNDATED,)), *_LIMITS),
        model=model_table(book, inputs.window),
        features=features_table(why.declarations),
        quality=(*quality, *backtests),
        calibration=_tables.calibration_points(inputs.calibration),
        trends=trends,
        checks=checks,
        expansion=_expansion(inputs, book, standing),
        growth=make_growth_cards(book, inputs.growth, inputs.growth_amounts, standing),
        outlook=make_outlook(book, facets, bias, when),
        extra=_extra(inputs, stay_table(stays)),
        provenance=_tables.provenance_table(inputs.provenance, _own_facts(book)),
        glossary=_tables.glossary_table(dated=book.dated),
    )


def _extra(inputs: Inputs, stays: Table | None) -> tuple[Table, ...]:
    given = tuple(_tables.frame_table(frame, clean(name)) for name, frame in inputs.extra.items())
    return given if stays is None else (stays, *given)


def _summary(book: Book, churn: Forecast, bias: Bias | None, when: str, needed: tuple[Decision, ...]) -> Summary:
    money = None if book.mrr is None else mrr_forecast(book.probability, book.mrr, bias)
    few = concentrated(book)
    # weights of 1: the total is a number of accounts
    corrected = None if bias is None else bias.total(book.probability, np.ones(len(book.keys)))
    return Summary(
        accounts=len(book.keys),
        headline=headline(len(book.keys), churn, few, when, priced=money is not None, corrected=corrected),
        churn=churn,
        mrr=None if book.mrr is None else float(np.nansum(book.mrr)),
        mrr_at_risk=money,
        concentrated=few,
        decisions=needed,
        unpriced=book.unpriced,
        corrected=corrected,
        mrr_corrected=None if bias is None or book.mrr is None else bias.total(book.probability, book.mrr),
    )


def _when(book: Book, window: str) -> str:
    """Say when churn is forecast for; what was not handed over is said."""
    if window:
        return f"from {window}"
    if not book.dated:
        return "going by the rows that the model learned from"
    return "within the horizon of the model, whose days were not handed over"


def _spread(book: Book, data: CustomerData | None) -> tuple[GoalSpread, ...]:
    """One row per goal of customer success, also for those that the model has nothing about."""
    rows = []
    for goal in Goal:
        present = goal in book.present
        # neither is a goal of customer success, so that nobody misses it
        if goal in (Goal.CONTEXT, Goal.UNMAPPED) and not present:
            continue
        # quantiles need a value; the row says that there is no evidence
        points = book.points[goal].to_numpy() if present else np.zeros(1)
        # a goal has evidence where any account has a value of it, and not all tables that speak of it are missing
        evidence = present and bool(book.evidence[goal].any()) and not _all_missing(goal, data)
        p10, p25, median, p75, p90 = (float(value) for value in np.quantile(points, (0.1, 0.25, 0.5, 0.75, 0.9)))
        rows.append(
            GoalSpread(
                goal=str(goal),
                heading=goal.heading,
                question=goal.question,
                evidence=evidence,
                note="" if evidence else "no evidence",
                mean=float(points.mean()),
                raised=float((points >= NEGLIGIBLE).mean()),
                p10=p10,
                p25=p25,
                median=median,
                p75=p75,
                p90=p90,
            )
        )
    return tuple(rows)


def _all_missing(goal: Goal, data: CustomerData | None) -> bool:
    tables = _TABLES_OF.get(goal, ())
    return data is not None and bool(tables) and all(name in data.missing for name in tables)


def _missing(data: CustomerData | None) -> tuple[str, ...]:
    absent = () if data is None else data.missing
    return tuple(f"No {name} table: {spoken} cannot be seen." for name, spoken in SPEAKS_OF.items() if name in absent)


def _expansion(inputs: Inputs, book: Book, standing: Standing | None) -> Table | None:
    """Arrange the expansion list, with the accounts named as in the rest of the report, and what to offer to whom."""
    if inputs.expansion is None:
        return None
    frame = inputs.expansion
    flat = frame.reset_index() if any(name is not None for name in frame.index.names) else frame.copy()
    more: tuple[Column, ...] = ()
    if "account_id" in flat:
        names = dict(zip(book.keys, book.names, strict=True))
        flat = flat[flat["account_id"].isin(names.keys())]
        # as in the rest of the report, which may name by pseudonyms alone
        flat.insert(0, "account", flat["account_id"].map(names))
        if standing is not None:
            flat, more = with_advice(flat, book, standing)
        # ids and names of the frame would undo a pseudonym
        flat = flat.drop(columns=["account_id", "as_of", "name"], errors="ignore")
    table = _tables.frame_table(flat, "Accounts likely to expand", limit=_EXPANSION)
    kinds = {"expansion_probability": ("Likely to expand", "percent"), "churn_probability": ("Risk", "percent")}
    kinds |= {"probability": ("Likely to expand", "percent"), "mrr": ("Monthly revenue", "money")}
    columns = tuple(
        Column(*kinds[str(name)]) if str(name) in kinds else column  # type: ignore[arg-type]  # kinds of cells
        for name, column in zip(flat.columns, table.columns, strict=True)
    )
    return replace(table, columns=(*columns[: len(columns) - len(more)], *more))


def _cards_note(cards: int, accounts: int, most: int) -> str:
    detail = "Features are named for the first 200 accounts, most of them for the first; later cards show goals only. "
    if cards == accounts:
        return detail.rstrip() if cards > _NAMED_UP_TO else ""
    return (detail if cards > _NAMED_UP_TO else "") + (
        f"The first {number(cards, 0)} of {number(accounts, 0)} accounts have a card (at most {number(most, 0)} in "
        "one file); "
        f"the other {number(accounts - cards, 0)} follow in one line each."
    )


def _window(as_of: pd.Timestamp, window: tuple[int, int] | None) -> str:
    if window is None or pd.isna(as_of):
        return ""
    start = as_of + pd.Timedelta(days=window[0])
    # the day on which the horizon ends is not in it, so the last day printed is the one before
    return f"{day(start)} to {day(start + pd.Timedelta(days=window[1] - 1))}"


def _own_facts(book: Book) -> dict[str, object]:
    # tells whether two reports rest on the same explanation; half characters have no bytes, hence replace
    digest = hashlib.sha256("\n".join(map(str, book.keys)).encode("utf-8", "replace"))
    for array in (book.points.to_numpy(np.float64), book.reference, book.prediction):
        digest.update(np.ascontiguousarray(array).tobytes())
    versions = {name: _version(name) for name in ("csrisk", "lightgbm", "numpy", "pandas", "scikit-learn")}
    scored = {"scored at": book.as_of.date()} if book.dated else {}
    return {**scored, "explanation sha256": digest.hexdigest(), "version": versions}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
