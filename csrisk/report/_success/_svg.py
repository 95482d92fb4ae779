"""Pictures of customer success in the report, drawn from the tables that are printed beside them."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from markupsafe import Markup

from csrisk.report._content import Interval
from csrisk.report._printing._svg import Scale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.report._content import Cell, Success, Table

__all__ = ["journey_rows", "quadrant_plot", "share_dot"]

_UNIT = Scale(-0.03, 1.03)  # so that a dot at the end is drawn whole


def journey_rows(table: Table) -> Iterator[tuple[str, Markup, Markup, Markup]]:
    """Draw each stage of the journey: effort and sentiment with their ranges, volume by who began.

    Parameters
    ----------
    table : Table
        The journey by stage, as the report prints it.

    Yields
    ------
    tuple of str and three Markup
        Stage, effort, sentiment, volume.
    """
    most = max((_number(row[1]) for row in table.rows), default=0.0)
    volume = Scale(0.0, most)
    for stage, contacts, hard, resolved, _, ours, sentiment, answers in table.rows:
        yield (
            str(stage),
            _dot(hard, f"Hard: {{:.2f}} of {resolved} resolved"),
            _dot(sentiment, f"Sentiment: {{:.2f}} from {answers} answers"),
            _begun(_number(contacts), None if ours is None else _number(ours), volume),
        )


def share_dot(value: Interval, words: str) -> Markup:
    """Draw a share with its range on the line from 0 to 100 %.

    Parameters
    ----------
    value : Interval
        In percent.
    words : str
        What it is the share of.

    Returns
    -------
    Markup
    """
    ends = (None if end is None else end / 100 for end in (value.low, value.high))
    return _dot(Interval(value.estimate / 100, *ends), f"{words.removesuffix(', %')}: {{:.0%}}")


def _number(value: Cell) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _dot(value: Cell, words: str) -> Markup:
    """Draw an estimate between 0 and 1 with its range; the line alone where nothing is known."""
    track = Markup("<line class=track x1={:.1f}% x2={:.1f}% y1=14 y2=14 />").format(_UNIT.at(0), _UNIT.at(1))
    if not isinstance(value, Interval):
        return Markup("<svg class=spread role=img><title>{}</title>{}</svg>").format("no evidence", track)
    low, high = (value.estimate if end is None else end for end in (value.low, value.high))
    return Markup(
        "<svg class=spread role=img><title>{}</title>{}<line class=range x1={:.1f}% x2={:.1f}% y1=14 y2=14 />"
        "<circle class=mean cx={:.1f}% cy=14 r=5 /></svg>"
    ).format(words.format(value.estimate), track, _UNIT.at(low), _UNIT.at(high), _UNIT.at(value.estimate))


def _begun(contacts: float, ours: float | None, scale: Scale) -> Markup:
    """Draw contacts as a bar: what the vendor began first, then the rest."""
    told = f"{contacts:,.0f} contacts" + ("" if ours is None else f", {ours:.0%} begun by us")
    end, part = scale.at(contacts), scale.at(contacts * (ours or 0.0))
    return Markup(
        "<svg class=spread role=img><title>{}</title><rect class=t x=0% width={:.1f}% y=7 height=14 />"
        "<rect class=o x=0% width={:.1f}% y=7 height=14 /></svg>"
    ).format(told, max(end, 0.4), part)


def quadrant_plot(success: Success) -> Markup:
    """Draw happiness against value, one dot an account, the riskier the more filled; lines part the quadrants.

    Value is drawn by orders of magnitude, straight around 0 where the sign changes.

    Parameters
    ----------
    success : Success
        With points.

    Returns
    -------
    Markup
    """
    values = [value for _, value, _ in success.points]
    straight = 10.0 ** max(0, round(math.log10(max(median(map(abs, values)), 1.0))) - 1)

    def bent(value: float) -> float:
        return math.copysign(math.log1p(abs(value) / straight), value)

    limit = success.value_from or 0.0
    scale = Scale(bent(min(*values, limit)) - 0.4, bent(max(*values, limit)) + 0.3)
    top = max(p for *_, p in success.points) or 1.0

    def x(value: float) -> int:
        return round(60 + 350 * value)

    def y(value: float) -> int:
        return round(300 - 2.76 * scale.at(bent(value)))

    powers = [sign * straight * 10.0**k for k in range(9) for sign in (-1, 1)]
    ticks = [0.0, *(tick for tick in powers if min(values) <= tick <= max(values))]
    grid = Markup("").join(
        Markup("<line class=grid x1=60 x2=410 y1={0} y2={0} /><text x=54 y={1} text-anchor=end>{2:,.0f}</text>").format(
            y(tick), y(tick) + 4, tick
        )
        for tick in ticks
    )
    dots = Markup("").join(
        Markup("<circle cx={} cy={} r=3.5 fill-opacity={:.1f} />").format(x(at), y(value), max(0.1, p / top))
        for at, value, p in success.points
    )
    part = Markup("<line class=diagonal x1={0} x2={0} y1=22 y2=302 />").format(x(success.happy_from))
    if success.value_from is not None:
        part += Markup("<line class=diagonal x1=60 x2=410 y1={0} y2={0} />").format(y(success.value_from))
    return Markup(
        '<svg class="plot quad" viewBox="0 0 416 360" role=img><title>Success quadrant: happiness of {} accounts '
        "against {}</title>{}{}{}"
        "<text class=q4 x=60 y=14>work to keep: unhappy</text><text class=q4 x=410 y=14 text-anchor=end>success</text>"
        "<text class=q4 x=60 y=318>let go or recover</text>"
        "<text class=q4 x=410 y=318 text-anchor=end>work to keep: costly</text>"
        "<text x=60 y=344>walkaway angry</text><text x=410 y=344 text-anchor=end>gushing promoter</text>"
        '<text transform="translate(11 162) rotate(-90)" text-anchor=middle>{}</text></svg>'
    ).format(len(success.points), success.measure, grid, part, dots, success.measure)
