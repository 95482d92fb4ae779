"""The report as Markdown, for tickets, wikis and mail."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from csrisk.report._names import csv_safe
from csrisk.report._printing import _format
from csrisk.report._printing._html import MOST_LINES, gap_words, stay_words, sum_words, timeline_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from csrisk.report._content import Card, Report, Table

__all__ = ["escape", "render_markdown"]

_ESCAPED = {ord(sign): f"\\{sign}" for sign in string.punctuation if sign not in " ,'%\""}
_ESCAPED |= {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}
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
    """Render a report as Markdown.

    Parameters
    ----------
    report : Report
        What the report says.

    Returns
    -------
    str
    """
    parts = [
        f"# {escape(report.title)}",
        _where(report),
        *_summary(report),
        *_moves(report),
        "## The book by goal",
        _goals(report),
        _course(report),
        *report.missing,
        *_success(report),
        "## Accounts in order of priority",
        *(_card(card, report.currency) for card in report.cards),
        report.cards_note,
        _lines(report),
        *(_table(table, level=2) for table in (report.expansion, *report.extra) if table),
        "## How far to trust the model",
        _table(report.model),
        *(_table(table) for table in report.quality),
        "\n".join(f"- {limit}" for limit in report.limits),
        *(
            _table(table, level=2)
            for table in (report.features, report.checks, report.provenance, report.glossary)
            if table
        ),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _where(report: Report) -> str:
    window = f" Forecast of churn from {report.window}." if report.window else ""
    names = " Names are replaced by pseudonyms." if report.pseudonymised else ""
    return f"{report.heading}.{window} Compared with {_plain(report.reference)}.{names}"


def _summary(report: Report) -> Iterator[str]:
    summary = report.summary
    yield "## Summary"
    yield summary.headline
    churn = summary.churn
    level = _format.percent(churn.level, 0)
    rows = [
        ("Accounts in the book", f"{summary.accounts:,}", ""),
        ("Forecast churn", f"{churn.expected:,.0f}", f"{churn.low:,.0f} to {churn.high:,.0f} ({level} interval)"),
    ]
    if summary.corrected is not None:
        told = summary.corrected
        span = f"{told.low:,.0f} to {told.high:,.0f} ({level} interval)"
        rows.append(("Forecast churn, corrected by the forward test", f"{told.expected:,.0f}", span))
    money = summary.mrr_at_risk
    if money:
        low, high = (_format.money(value, report.currency) for value in (money.low, money.high))
        rows.append(("Monthly revenue", _format.money(summary.mrr, report.currency), _without(summary.unpriced)))
        at_risk = _format.money(money.expected, report.currency)
        rows.append(("Monthly revenue at risk", at_risk, f"{low} to {high} ({level} interval)"))
    if summary.mrr_corrected is not None:
        at_risk, low, high = (
            _format.money(getattr(summary.mrr_corrected, end), report.currency) for end in ("expected", "low", "high")
        )
        rows.append(("Monthly revenue at risk, corrected", at_risk, f"{low} to {high} ({level} interval)"))
    yield _grid(("", "Figure", "Range"), "lrl", rows)
    yield "\n".join(f"- {_plain(decision.text)}" for decision in summary.decisions)


def _without(unpriced: int) -> str:
    return f"without {unpriced:,} of unknown revenue" if unpriced else ""


def _moves(report: Report) -> Iterator[str]:
    moves = report.moves
    if moves is None:
        return
    headings = {goal.goal: goal.heading for goal in report.goals}
    yield f"## What moved since {moves.since}"
    yield (
        f"The mean probability of the {moves.accounts:,} accounts seen both times changed by "
        f"{_format.signed(moves.change)} points. New in the book: {moves.new:,}. Gone: {moves.gone:,}."
    )
    rows = [
        (escape(move.name), _format.percent(move.before / 100), _format.percent(move.now / 100),
         _format.signed(move.change), f"{headings[move.goal]} {_format.signed(move.goal_change)}")
        for move in (*moves.up, *moves.down)
    ]  # fmt: skip
    yield _grid(("Account", "Before", "Now", "Change", "Mostly by"), "lrrrl", rows) if rows else ""


def _success(report: Report) -> Iterator[str]:
    success = report.success
    if success is None:
        return
    yield "## Success beside the risk"
    yield f"Happiness is known for {success.known:,} of {success.accounts:,} accounts."
    if success.known:
        yield _grid(("Stage", "Accounts"), "lr", [(stage, f"{count:,}") for stage, count in success.stages])
    if success.quadrants:
        rows = [(name, f"{count:,}", _format.percent(risk)) for name, count, risk in success.quadrants]
        yield _grid(("Quadrant", "Accounts", "Mean risk"), "lrr", rows)
    tables = (success.loyalty, success.leavers, success.journey, success.ledger, success.trend, *success.more)
    yield from (_table(table) for table in tables if table)


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
        (date, f"{course.accounts[at]:,}", _format.percent(course.predictions[at] / 100),
         *(_format.signed(values[at]) for _, values in course.goals))
        for at, date in enumerate(course.dates)
    ]  # fmt: skip
    head = ("Book of", "Accounts", "Mean risk", *(headings[goal] for goal, _ in course.goals))
    return "### Goals over time\n\n" + _grid(head, "l" + "r" * (len(head) - 1), rows)


def _card(card: Card, currency: str) -> str:
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
    if card.timeline:
        lines.append(f"- {timeline_words(card.timeline)}")
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
    align = "".join("r" if column.kind in ("integer", "number", "money", "points") else "l" for column in table.columns)
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
    return text.translate(_PLAIN).replace("://", "\\:\\/\\/").replace("www.", "www\\.")
