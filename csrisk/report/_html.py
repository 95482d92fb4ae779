"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
from functools import cache, partial
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from csrisk.report import _format, _svg
from csrisk.report._content import Card, Cell, Column, Interval, Report, Timeline

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["MOST_LINES", "render_html", "sum_words", "timeline_words"]

MOST_LINES = 2000
_RIGHT = frozenset({"integer", "number", "percent", "points", "money"})


def render_html(report: Report) -> str:
    """Render a report as HTML.

    All text is escaped by the template engine. Style and script are inline and allowed by their hash alone.

    Parameters
    ----------
    report : Report
        What the report says.

    Returns
    -------
    str
    """
    css, js = _asset("style.css"), _asset("script.js")
    goals = {goal.goal: place for place, goal in enumerate(report.goals, start=1)}
    segments = {segment: place for place, segment in enumerate(report.segments, start=1)}
    scale = _svg.card_scale(report.cards)
    spread_scale = _svg.spread_scale([goal for goal in report.goals if goal.evidence])
    environment = _environment()
    environment.filters["money"] = partial(_format.money, currency=report.currency)
    return environment.get_template("report.html.j2").render(
        r=report,
        css=css,
        js=js,
        policy=_policy(css, js),
        version=version("csrisk"),
        priced=report.summary.mrr is not None,
        scale=scale,
        headings={goal.goal: goal.heading for goal in report.goals},
        bars=lambda card: _svg.card_bars(card, scale),
        spread=lambda goal: _svg.spread_bar(goal, spread_scale),
        goal_index=lambda card: goals.get(card.main_goal, 0),
        segment_index=lambda card: segments.get(card.facts[0], 0) if card.facts else 0,
        lines=MOST_LINES,
        line=_svg.timeline_plot,
        line_words=timeline_words,
        quadrant=_svg.quadrant_plot,
        trend=_svg.trend_plot,
        calibration=None if report.calibration is None else _svg.calibration_plot(report.calibration),
    )


def sum_words(card: Card) -> str:
    """Write the printed parts of a card as a sum.

    Parameters
    ----------
    card : Card
        The account.

    Returns
    -------
    str
    """
    terms = [_format.signed(part.shown) for part in card.goals]
    signs = (f"{'+' if not t.startswith(chr(0x2212)) else chr(0x2212)} {t.lstrip('+' + chr(0x2212))}" for t in terms)
    left = " ".join([_format.number(card.reference_shown, 1), *signs])
    return f"{left} = {_format.number(card.prediction_shown, 1)}"


def timeline_words(line: Timeline) -> str:
    """Say in words what a timeline draws.

    Parameters
    ----------
    line : Timeline
        Weekly counts.

    Returns
    -------
    str
    """
    first, last = (sum(part) for part in (line.use[:4], line.use[-4:]))
    surveys, answered = sum(line.surveys), sum(line.answered)
    return (
        f"{len(line.use)} weeks: {first:,} uses in the first four and {last:,} in the last four; "
        f"{sum(line.contacts):,} contacts; {answered:,} of {surveys:,} surveys answered."
    )


def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Any] = {
        "pct": lambda points: _format.percent(points / 100),
        "share": _format.percent,
        "pct0": lambda share: _format.percent(share, 0),
        "pts": _format.signed,
        "points": lambda change: _format.signed(change),
        "count": lambda value: _format.number(value, 0),
        "v": lambda value: f"{value:.6g}",
        "sum": sum_words,
        "cell": _cell,
        "right": lambda column: column.kind in _RIGHT,
        "status": lambda value: {"failed": "failed", "passed": "passed"}.get(value, "na"),
    }
    environment.filters.update(filters)
    return environment


def _cell(value: Cell, column: Column) -> str:
    """Write a cell; the range of an estimate goes below it, so that columns stay narrow."""
    if isinstance(value, Interval) and value.low is not None and value.high is not None:
        estimate, low, high = (_format.number(x, column.digits) for x in (value.estimate, value.low, value.high))
        return Markup("{} <small>{} to {}</small>").format(estimate, low, high)
    return _format.cell(value, column)


@cache
def _source(name: str) -> str:
    return (files("csrisk.report") / "templates" / name).read_text("utf-8")


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
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
