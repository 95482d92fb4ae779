"""The report as Markdown, for tickets, wikis and mail."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from csrisk._text import number, reworded, unbroken
from csrisk.report._names import csv_safe
from csrisk.report._printing import _format
from csrisk.report._printing._html import MOST_LINES, gap_words, grown_words, stay_words, sum_words, timeline_words
from csrisk.report._printing._past import past_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from csrisk.report._content import Card, GrowthCard, Report, Table

__all__ = ["escape", "render_markdown"]

_ESCAPED = {ord(sign): f"\\{sign}" for sign in string.punctuation if sign not in " ,'%\""}
_ESCAPED |= {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}
# what our own sentences hold of dots, dashes and parentheses stays readable
_PLAIN = {ord(sign): f"\\{sign}" for sign in "\\`*_[]|#~"} | {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}


def escape(text: str) -> str:
    r"""Escape a foreign text so that Markdown prints it as it is, with no link, no HTML and no formula.

    Parameters
    ----------
    text : str
        Text that somebody else wrote.

    Returns
    -------
    str

    Examples
    --------
    >>> escape("[a](b) <b>")
    '\\[a\\]\\(b\\) &lt;b&gt;'
    """
    return csv_safe(text).translate(_ESCAPED)


def render_markdown(report: Report) -> str:
    """Render a report as Markdown."""
    parts = [
        f"# {escape(report.title)}",
        _where(report),
        *_summary(report),
        *_moves(report),
        *_told(report),
        "## The book by goal",
        _goals(report),
        _course(report),
        *report.missing,
        *_success(report),
        "## Accounts in order of priority",
        *(_card(card, report.currency, report.past) for card in report.cards),
        report.cards_note,
        _lines(report),
        *([] if report.expansion is None else [_table(report.expansion, level=2)]),
        *(_growth(card, report.currency) for card in report.growth),
        *(_table(table, level=2) for table in report.extra),
        "## How far to trust the model",
        _table(report.model),
        *(_table(table) for table in report.quality),
        *([_plain(report.totals)] if report.totals else []),
        "\n".join(f"- {limit}" for limit in report.limits),
        *(
            _table(table, level=2)
            for table in (report.features, report.checks, report.provenance, report.glossary)
            if table
        ),
    ]
    return unbroken("\n\n".join(part for part in parts if part) + "\n")


def _where(report: Report) -> str:
    window = f" Forecast of churn from {report.window}." if report.window else ""
    names = " Names are replaced by pseudonyms." if report.pseudonymised else ""
    return f"{report.heading}.{window} Compared with {_plain(report.reference)}.{names}"


def _summary(report: Report) -> Iterator[str]:
    summary = report.summary
    yield "## Summary"
    yield summary.headline
    churn = summary.churn
    level = f"({_format.percent(churn.level, 0)} interval of the total)"
    rows = [
        ("Accounts in the book", number(summary.accounts, 0), ""),
        ("Forecast churn", number(churn.expected, 0), f"{number(churn.low, 0)} to {number(churn.high, 0)} {level}"),
    ]
    if summary.corrected is not None:
        told = summary.corrected
        span = f"{number(told.low, 0)} to {number(told.high, 0)} {level}"
        rows.append(("Forecast churn, corrected by the forward test", number(told.expected, 0), span))
    money = summary.mrr_at_risk
    if money:
        low, high = (_format.money(value, report.currency) for value in (money.low, money.high))
        # a sum says what it lacks: unknown revenue is not 0
        rows.append(("Monthly revenue", _format.money(summary.mrr, report.currency), _without(summary.unpriced)))
        at_risk = _format.money(money.expected, report.currency)
        rows.append(("Monthly revenue at risk", at_risk, f"{low} to {high} {level}"))
    if summary.mrr_corrected is not None:
        at_risk, low, high = (
            _format.money(getattr(summary.mrr_corrected, end), report.currency) for end in ("expected", "low", "high")
        )
        rows.append(("Monthly revenue at risk, corrected", at_risk, f"{low} to {high} {level}"))
    yield _grid(("", "Figure", "Range"), "lrl", rows)
    yield "\n".join(f"- {_plain(decision.text)}" for decision in summary.decisions)


def _without(unpriced: int) -> str:
    return f"without {number(unpriced, 0)} of unknown revenue" if unpriced else ""


def _moves(report: Report) -> Iterator[str]:
    moves = report.moves
    if moves is None:
        return
    headings = {goal.goal: goal.heading for goal in report.goals}
    yield f"## What moved since {moves.since}"
    yield (
        f"The mean probability of the {number(moves.accounts, 0)} accounts seen both times changed by "
        f"{_format.signed(moves.change)} points. New in the book: {number(moves.new, 0)}. Gone: "
        f"{number(moves.gone, 0)}."
    )
    rows = [
        (escape(move.name), _format.percent(move.before / 100), _format.percent(move.now / 100),
         _format.signed(move.change), f"{headings[move.goal]} {_format.signed(move.goal_change)}")
        for move in (*moves.up, *moves.down)
    ]  # fmt: skip
    yield _grid(("Account", "Before", "Now", "Change", "Mostly by"), "lrrrl", rows) if rows else ""


def _told(report: Report) -> Iterator[str]:
    if report.told is None:
        return
    yield f"## What was told on {report.told.since}, and what happened"
    yield _plain(report.told.headline)
    yield _plain(report.told.source)
    yield from (_table(table) for table in report.told.tables)


def _success(report: Report) -> Iterator[str]:
    success = report.success
    if success is None:
        return
    yield "## Success beside the risk"
    yield f"Happiness is known for {number(success.known, 0)} of {number(success.accounts, 0)} accounts."
    if success.known:
        yield _grid(("Stage", "Accounts"), "lr", [(stage, number(count, 0)) for stage, count in success.stages])
    if success.quadrants:
        rows = [(name, number(count, 0), _format.percent(risk)) for name, count, risk in success.quadrants]
        yield _grid(("Quadrant", "Accounts", "Mean risk"), "lrr", rows)
    tables = (success.loyalty, success.leavers, success.journey, success.ledger, success.trend, *success.more)
    survival = () if success.survival is None else success.survival.tables
    yield from (_table(table) for table in (*tables, *success.cohorts, *survival) if table)


def _goals(report: Report) -> str:
    rows = [
        (
            goal.heading,
            goal.question,
            *(
                (_format.signed(goal.mean), f"{_format.signed(goal.p25)} to {_format.signed(goal.p75)}",
                 _format.percent(goal.raised, 0))
                if goal.evidence
                else ("no evidence", "", "")
            ),
        )
        for goal in report.goals
    ]  # fmt: skip
    return _grid(("Goal", "Question", "Mean", "Middle half", "Risk raised for"), "llrrr", rows)


def _course(report: Report) -> str:
    course = report.course
    if course is None:
        return ""
    headings = {goal.goal: goal.heading for goal in report.goals}
    rows = [
        (reworded(date), number(course.accounts[at], 0), _format.percent(course.predictions[at] / 100),
         *(_format.signed(values[at]) for _, values in course.goals))
        for at, date in enumerate(course.dates)
    ]  # fmt: skip
    head = ("Book of", "Accounts", "Mean risk", *(headings[goal] for goal, _ in course.goals))
    return "### Goals over time\n\n" + _grid(head, "l" + "r" * (len(head) - 1), rows)


def _card(card: Card, currency: str, dates: tuple[str, ...]) -> str:
    facts = f" ({', '.join(map(escape, card.facts))})" if card.facts else ""
    money = "" if card.at_risk is None else f", {_format.money(card.at_risk, currency)} of monthly revenue at risk"
    lines = [
        f"### {card.rank}\\. {escape(card.name)}{facts}: {_format.percent(card.prediction_shown / 100)}{money}",
        "",
        f"- Reference: {_format.percent(card.reference_shown / 100)}",
    ]
    for goal in card.goals:
        lines.append(f"- {goal.heading}: {_format.signed(goal.shown)}{'' if goal.evidence else ' (not measured)'}")
        lines += [f"  - {_plain(part.sentence)} {_format.signed(part.shown)}" for part in goal.features]
        # the rest of a goal without a named feature is the goal, which is said above
        if goal.rest_count and goal.features:
            lines.append(f"  - {goal.rest_count} other features {_format.signed(goal.rest_shown)}")
    lines.append(f"- Sum: {sum_words(card)}")
    if card.driver_words:
        lines.append(f"- {card.driver_words}")
    if card.gap:
        lines.append(f"- {gap_words(card)}")
    if card.quadrant:
        lines.append(f"- Quadrant: {card.quadrant}.")
    if card.stay:
        lines.append(f"- {stay_words(card.stay, currency)}")
    lines += [f"- {_plain(step.action)}: {_plain(step.evidence)}." for step in card.steps]
    if card.past:
        lines.append(f"- {past_words(card.past, dates)}")
    if card.timeline:
        lines.append(f"- {timeline_words(card.timeline)}")
    return "\n".join(lines)


def _growth(card: GrowthCard, currency: str) -> str:
    lines = [
        f"### {escape(card.name)}: {_format.percent(card.prediction_shown / 100)} likely to expand",
        "",
        f"- Reference: {_format.percent(card.reference_shown / 100)}",
    ]
    for goal in card.goals:
        lines.append(f"- {goal.heading}: {_format.signed(goal.shown)}{'' if goal.evidence else ' (not measured)'}")
        lines += [f"  - {_plain(part.sentence)} {_format.signed(part.shown)}" for part in goal.features]
    if card.offer:
        lines.append(f"- {_plain(card.offer)}: {_plain(card.offer_reason)}.")
    if card.amount:
        lines.append(f"- {grown_words(card.amount, currency)}")
    return "\n".join(lines)


def _lines(report: Report) -> str:
    headings = {goal.goal: goal.heading for goal in report.goals}
    rows = [
        (str(line.rank), escape(line.name), _format.percent(line.probability), _format.money(line.mrr),
         _format.money(line.at_risk), headings.get(line.main_goal, ""))
        for line in report.lines[:MOST_LINES]
    ]  # fmt: skip
    return _grid(("No.", "Account", "Risk", "Revenue", "At risk", "Main reason"), "rlrrrl", rows) if rows else ""


def _table(table: Table, *, level: int = 3) -> str:
    align = "".join(
        "r" if column.kind in ("integer", "number", "money", "points", "heat") else "l" for column in table.columns
    )
    rows = [
        tuple(escape(_format.cell(value, column)) for value, column in zip(row, table.columns, strict=True))
        for row in table.rows
    ]
    grid = _grid(tuple(escape(column.label) for column in table.columns), align, rows)
    return "\n\n".join(filter(None, (f"{'#' * level} {escape(table.caption)}", grid, _plain(table.note))))


def _grid(head: tuple[str, ...], align: str, rows: Iterable[tuple[str, ...]]) -> str:
    marks = {"l": ":--", "r": "--:"}
    lines = [head, tuple(marks[sign] for sign in align), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Sentences of csrisk with foreign values in them: readable, but with nothing that Markdown would act on."""
    # many readers of Markdown make links of bare addresses, also of foreign ones
    return text.translate(_PLAIN).replace("://", "\\:\\/\\/").replace("www.", "www\\.")
