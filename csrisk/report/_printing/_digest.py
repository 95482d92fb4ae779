"""One screen for a mail or a chat: who stays, what is at risk, what moved, whom to look at first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csrisk._text import money, number, percent, signed, unbroken
from csrisk.report._printing._html import environment
from csrisk.report._printing._markdown import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from csrisk.report._content import Report

__all__ = ["DIGESTS"]

_ACCOUNTS = 8


def _tiles(report: Report) -> list[tuple[str, str, str]]:
    """Figures for executives: retention, revenue at risk, what moved, how far to trust it."""
    summary = report.summary
    churn, lost = summary.corrected or summary.churn, summary.mrr_corrected or summary.mrr_at_risk
    # where more leave fewer stay: the ends change places
    kept = [percent(1 - share / summary.accounts) for share in (churn.expected, churn.high, churn.low)]
    level = f"({percent(churn.level, 0)} interval of the total)"
    tiles = [("Accounts expected to stay", kept[0], f"{kept[1]} to {kept[2]} {level}")]
    if lost is not None and summary.mrr:
        low, high = (money(end, report.currency) for end in (lost.low, lost.high))
        share = percent(lost.expected / summary.mrr)
        told = f"{low} to {high} {level}; {share} of {money(summary.mrr, report.currency)}"
        tiles.append(("Monthly revenue at risk", money(lost.expected, report.currency), told))
    if report.moves is not None:
        change = f"points of mean risk since {report.moves.since}"
        told = f"{change}; {number(report.moves.new, 0)} accounts new, {number(report.moves.gone, 0)} left"
        tiles.append(("What moved", signed(report.moves.change), told))
    return tiles


def _first(report: Report) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    priced = report.summary.mrr is not None
    rows = [
        (
            card.name,
            percent(card.prediction_shown / 100),
            *((money(card.at_risk, report.currency),) if priced else ()),
            " ".join(filter(None, (card.listed, card.reason))),
        )
        for card in report.cards[:_ACCOUNTS]
    ]
    return ("Account", "Risk", *(("At risk",) if priced else ()), "Strongest reason"), rows


def _html(report: Report) -> str:
    heads, rows = _first(report)
    template = environment().get_template("digest.html.j2")
    return unbroken(template.render(r=report, tiles=_tiles(report), heads=heads, rows=rows))


def _markdown(report: Report) -> str:
    heads, rows = _first(report)
    lines = [f"# {escape(report.title)}", "", f"{escape(report.heading)}.", "", escape(report.summary.headline), ""]
    lines += [f"- {name}: **{figure}** ({more})" for name, figure, more in _tiles(report)]
    lines += ["", "## What needs a decision", ""]
    lines += [f"- **{one.severity.capitalize()}:** {escape(one.text)}" for one in report.summary.decisions]
    lines += ["", "## First accounts to look at", "", f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    lines += [f"| {' | '.join(map(escape, row))} |" for row in rows]
    return unbroken("\n".join([*lines, "", escape(report.limits[0]), ""]))


DIGESTS: Mapping[str, Callable[[Report], str]] = {".html": _html, ".md": _markdown}
