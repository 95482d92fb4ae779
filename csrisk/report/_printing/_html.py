"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from functools import cache, partial
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from markupsafe import Markup

from csrisk._drawing import palette_css
from csrisk._explain import WHAT_IF_NOTE
from csrisk._text import number, reworded, unbroken
from csrisk.report._content import Card, Cell, Column, GrowthAmount, Interval, Line, Report, Stay, Table, Timeline
from csrisk.report._printing import _format, _svg
from csrisk.report._printing._past import past_line, past_panels, past_words
from csrisk.report._success._svg import journey_rows, quadrant_plot, share_dot, survival_plot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import BytecodeCache, Environment
    from jinja2.bccache import Bucket

__all__ = [
    "MOST_LINES",
    "account_link",
    "environment",
    "gap_words",
    "grown_words",
    "render_html",
    "render_owners",
    "render_pages",
    "render_value",
    "stay_words",
    "sum_words",
    "timeline_words",
]

MOST_LINES = 1500
SUMMED = 200  # cards that repeat their rows as a sum: 500 stay below a megabyte
FIRST = 25  # accounts of a list that is open; the others are folded
_SHORT = 12  # letters of a word that fits a narrow column
_RIGHT = frozenset({"integer", "number", "percent", "points", "money", "heat"})


def render_html(report: Report) -> str:
    """Render a report as HTML.

    All text is escaped by the template engine. Style and script are inline and allowed by their hash alone.
    """
    return _render("report.html.j2", report, _Common(report))


def render_pages(report: Report, chunk: int, folder: str, book: str) -> tuple[str, Iterator[tuple[str, str]]]:
    """Render a report as a page of the book and pages of accounts."""
    common = _Common(report)
    parts = [report.cards[start : start + chunk] for start in range(0, len(report.cards), chunk)]
    names = [f"accounts-{page:03d}.html" for page in range(1, len(parts) + 1)]
    note = (
        f"This page holds the cards of the first {number(len(parts[0]), 0)} of {number(len(report.cards), 0)} "
        "accounts; the others are "
        f"on {len(parts) - 1} {'page' if len(parts) == 2 else 'pages'} of {number(chunk, 0)} in the folder {folder}."
    )
    first = replace(
        report,
        cards=parts[0],
        # whoever has a card on another page has a line on that of the book
        lines=tuple(_line(card) for card in report.cards[chunk:]),
        cards_note=note if len(parts) > 1 else "",
    )
    links = [(f"{quote(folder)}/{names[at]}", parts[at][0].rank, parts[at][-1].rank) for at in range(1, len(parts))]
    page = _render("report.html.j2", first, common, links=links, chunk=chunk)
    back = quote(book)
    # rendered one at a time, as they are written
    others = (
        (names[at], _render("accounts.html.j2", replace(report, cards=part), common, names=names, at=at, book=back))
        for at, part in enumerate(parts)
        if at
    )
    return page, others


def render_owners(report: Report, book: str) -> list[tuple[str, str]]:
    """Render a page of cards for each owner."""
    common = _Common(report)
    owners = sorted({card.owner for card in report.cards} - {""})
    pages = []
    for place, owner in enumerate(owners, start=1):
        own = tuple(card for card in report.cards if card.owner == owner)
        # a name of a file on every system; the number in front keeps owners apart whose words are the same
        words = re.sub(r"[^a-z0-9]+", "-", owner.lower()).strip("-")[:40]
        part = replace(report, title=f"{report.title}: {owner}", cards=own)
        page = _render("accounts.html.j2", part, common, names=(), at=0, book=quote(book))
        pages.append((f"{place:03d}-{words or 'owner'}.html", page))
    return pages


class _Common:
    """What all pages of a report share."""

    def __init__(self, report: Report) -> None:
        css, js = _style() + Markup(_svg.bars_css()), _asset("script.js")  # our own text
        # of the cards of all pages, so that bars can be compared between pages
        self.scale = _svg.card_scale(report.cards)
        self.environment = environment()
        self.environment.filters["money"] = partial(_format.money, currency=report.currency)
        self.environment.filters["stay"] = partial(stay_words, currency=report.currency)
        self.environment.filters["grown"] = partial(grown_words, currency=report.currency)
        headings = {goal.goal: goal.heading for goal in report.goals}
        goals = {goal.goal: place for place, goal in enumerate(report.goals, start=1)}
        choices = {
            name: {value: place for place, value in enumerate(values, start=1)}
            for name, values in (
                ("segment", report.segments),
                ("plan", report.plans),
                ("owner", report.owners),
                ("renewal", report.renewals),
            )
        }
        self.environment.filters["link"] = lambda card: account_link(report.account_url, card.account)
        self.values: dict[str, Any] = {
            "css": css,
            "js": js,
            "policy": _policy(css, js),
            "version": version("csrisk"),
            "priced": report.summary.mrr is not None,
            "scale": self.scale,
            "headings": headings,
            "bars": lambda card: _svg.card_bars(card, self.scale),
            "first": FIRST,
            "summed": SUMMED,
            "places": lambda card: " ".join(
                map(
                    str,
                    (
                        # the filter by goal follows the reason that is shown
                        goals.get(card.reason_goal or card.main_goal, 0),
                        *(values.get(getattr(card, name), 0) for name, values in choices.items()),
                    ),
                )
            ),
            "line": _svg.timeline_plot,
            "past_line": lambda past: past_line(past, self.scale),
            "past_panels": lambda card: past_panels(card, self.scale, headings, report.past_learned),
            "past_words": lambda past: past_words(past, report.past),
            "line_words": timeline_words,
        }


def _render(template: str, report: Report, common: _Common, **more: Any) -> str:
    # a goal without evidence has no spread, and must not stretch the scale of the others
    spread_scale = _svg.spread_scale([goal for goal in report.goals if goal.evidence])
    page = common.environment.get_template(template).render(
        r=report,
        **common.values,
        **{"links": (), "chunk": 0, **more},
        spread=lambda goal: _svg.spread_bar(goal, spread_scale),
        lines=MOST_LINES,
        course=_svg.course_plot,
        quadrant=quadrant_plot,
        journey=journey_rows,
        dot=share_dot,
        survival=survival_plot,
        trend=_svg.trend_plot,
        calibration=None if report.calibration is None else _svg.calibration_plot(report.calibration),
        trust=_trust(report),
        ranks=_ranks(report.cards),
    )
    # words of notes too; neither style nor script holds a number before a blank and the sign
    return unbroken(page)


def _trust(report: Report) -> Interval | None:
    """Find the area under the curve of the model, which the first screen shows."""
    rows = report.quality[0].rows if report.quality else ()
    # the first column is the model, baselines stand beside it
    found = (cell for row in rows if row[0] == "AUC" for cell in row[1:2])
    return next((cell for cell in found if isinstance(cell, Interval)), None)


def _ranks(cards: tuple[Card, ...]) -> dict[str, int]:
    """Say which card of the page belongs to a name, where no other account has the same."""
    often = Counter(card.name for card in cards)
    # a link to one of two accounts of a name would lead to the wrong one half of the time
    return {card.name: card.rank for card in cards if often[card.name] == 1}


def render_value(title: str, name: str, as_of: str, tables: tuple[Table, ...]) -> str:
    """Render the page for the champion of an account; it has no script."""
    css = _style()
    engine = environment()
    engine.filters["money"] = partial(_format.money, currency="")
    # no script-src: what default-src forbids stays forbidden, so no script can run
    policy = (
        f"default-src 'none'; style-src 'sha256-{_digest(css)}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    page = engine.get_template("value.html.j2").render(
        title=title, name=name, as_of=as_of, tables=tables, css=css, policy=policy, ranks={}, dot=share_dot
    )
    return unbroken(page)


def _line(card: Card) -> Line:
    return Line(card.rank, card.account, card.name, card.probability, card.mrr, card.at_risk, card.main_goal)


def sum_words(card: Card) -> str:
    """Write the printed parts of a card as a sum."""
    terms = [_format.signed(part.shown) for part in card.goals]
    # 0x2212 is the minus sign that numbers are printed with, and no hyphen
    signs = (f"{'+' if not t.startswith(chr(0x2212)) else chr(0x2212)} {t.lstrip('+' + chr(0x2212))}" for t in terms)
    left = " ".join([_format.number(card.reference_shown, 1), *signs])
    return f"{left} = {_format.number(card.prediction_shown, 1)}"


def gap_words(card: Card) -> str:
    """Say by which goals an account lies behind the best customers."""
    headings = {part.goal: part.heading.lower() for part in card.goals}
    # what is less would print as 0.0
    behind = [(points, headings.get(goal, goal)) for goal, points in card.gap if points >= 0.05]
    if not behind:
        return "No goal lies behind the best customers."
    first, *more = (f"{_format.number(points, 1)} {{}}in {heading}" for points, heading in behind)
    return f"Behind the best customers by {', '.join([first.format('points '), *(part.format('') for part in more)])}."


def stay_words(stay: Stay, currency: str) -> str:
    """Say how long an account is expected to stay, and what it brings."""
    ends = [_format.number(end or 0.0, 1) for end in (stay.months.low, stay.months.high)]
    months = f"Expected to stay {_format.number(stay.months.estimate, 1)} months; four of five such accounts leave"
    words = f"{months} between {ends[0]} and {ends[1]}, or stay as long as was looked ahead"
    if stay.margin is None:
        return f"{words}."
    low, high = (_format.money(end, currency) for end in (stay.margin.low, stay.margin.high))
    return f"{words}. It brings {_format.money(stay.margin.estimate, currency)} in that time ({low} to {high})."


def grown_words(amount: GrowthAmount, currency: str) -> str:
    """Say what growth is expected of an account, and what it is made of."""
    parts = ", ".join(f"{heading.lower()} {_format.signed(shown)}" for heading, _, shown in amount.goals)
    told = _format.money(amount.prediction_shown, currency, 1)
    return f"Expected growth a month: {told} = {_format.number(amount.reference_shown, 1)} on the mean, {parts}."


def timeline_words(line: Timeline) -> str:
    """Say in words what a timeline draws."""
    first, last = (sum(part) for part in (line.use[:4], line.use[-4:]))
    surveys = f"{number(sum(line.surveys), 0)} surveys"
    told = surveys if line.answered is None else f"{number(sum(line.answered), 0)} of {surveys} answered"
    return (
        f"{len(line.use)} weeks: {number(first, 0)} records of use in the first four and {number(last, 0)} in the "
        "last four; "
        f"{number(sum(line.contacts), 0)} contacts; {told}."
    )


@cache
def _compiled() -> BytecodeCache:
    """Code of the templates, compiled once in a process: each report has filters of its own and thus an environment."""
    from jinja2 import BytecodeCache

    class Kept(BytecodeCache):
        codes: ClassVar[dict[str, bytes]] = {}

        def load_bytecode(self, bucket: Bucket) -> None:
            if bucket.key in self.codes:
                bucket.bytecode_from_string(self.codes[bucket.key])

        def dump_bytecode(self, bucket: Bucket) -> None:
            self.codes[bucket.key] = bucket.bytecode_to_string()

    return Kept()


def environment() -> Environment:
    """Make the template engine: everything is escaped, and what is unknown is an error."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    made = Environment(
        loader=FunctionLoader(_source),
        bytecode_cache=_compiled(),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals["what_if_note"] = WHAT_IF_NOTE
    filters: dict[str, Any] = {
        "pct": lambda points: _format.percent(points / 100),
        "share": _format.percent,
        "pct0": lambda share: _format.percent(share, 0),
        "pts": _format.signed,
        "points": lambda change: _format.signed(change),
        "count": lambda value: _format.number(value, 0),
        "v": lambda value: f"{value:.6g}",
        "worded": reworded,
        "sum": sum_words,
        "gap": gap_words,
        "cell": _cell,
        "right": lambda column: column.kind in _RIGHT,
        # ten colours: 100 % has that of the highest tenth
        "level": lambda share: min(9, int(10 * share)),
        "few": _few,
        "broad": _broad,
        "ranged": _ranged,
        "status": lambda value: {"failed": "failed", "passed": "passed"}.get(value, "na"),
    }
    made.filters.update(filters)
    return made


def _few(table: Table) -> bool:
    """Tell tables that need no more than half of a wide page's width of figures."""
    return len(table.columns) <= 4 and all(column.kind in _RIGHT for column in table.columns[1:])


def _broad(table: Table) -> bool:
    """Tell tables that need the whole width, for their columns or the words in them."""
    return len(table.columns) > 4 or any(len(x) > _SHORT for row in table.rows for x in row[1:] if isinstance(x, str))


def _ranged(table: Table) -> list[bool]:
    """Tell for each column whether any of its estimates has a range."""
    columns = ([row[at] for row in table.rows] for at in range(len(table.columns)))
    return [any(isinstance(cell, Interval) and cell.low is not None for cell in column) for column in columns]


def _cell(value: Cell, column: Column, ranged: bool = False) -> str:
    """Write a cell; the range of an estimate stands beside it, and its place stays free where others have one."""
    if isinstance(value, Interval) and value.low is not None and value.high is not None:
        estimate, low, high = (_format.number(x, column.digits) for x in (value.estimate, value.low, value.high))
        # format of Markup escapes what is filled in
        return Markup("{} <small>{} to {}</small>").format(estimate, low, high)
    text = _format.cell(value, column)
    return Markup("{} <small></small>").format(text) if ranged else text


@cache
def _source(name: str) -> str:
    return (files("csrisk.report") / "templates" / name).read_text("utf-8")


def account_link(pattern: str, account: str) -> str:
    """Fill the id of an account into the pattern of an address, such that it stays one part of a path."""
    return pattern.replace("{account_id}", quote(account, safe=""))


def _style() -> Markup:
    """Style of every page: our own text, with the colours that pictures have too."""
    return _asset("style.css") + Markup(palette_css())  # our own text


def _asset(name: str) -> Markup:
    """Style or script as it stands in the package: our own text, which must not be escaped."""
    return Markup(_source(name))


def _policy(css: str, js: str) -> str:
    style, script = (_digest(text) for text in (css, js))
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    # as a content security policy names what it allows: base64 of the SHA-256 of the very bytes
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
