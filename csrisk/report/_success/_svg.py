"""Pictures of customer success in the report, drawn from the tables that are printed beside them."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from markupsafe import Markup

from csrisk._text import number, percent
from csrisk.report._content import Interval
from csrisk.report._printing._svg import Scale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.report._content import Cell, Success, Survival, Table

__all__ = ["journey_rows", "quadrant_plot", "share_dot", "survival_plot"]

_MONTH_DAYS = 365.25 / 12
_UNIT = Scale(-0.03, 1.03)  # so that a dot at the end is drawn whole


def journey_rows(table: Table) -> Iterator[tuple[str, Markup, Markup, Markup]]:
    """Draw each stage of the journey: effort and sentiment with their ranges, volume by who began."""
    most = max((_number(row[1]) for row in table.rows), default=0.0)
    volume = Scale(0.0, most)
    for stage, contacts, hard, resolved, _, ours, sentiment, answers in table.rows:
        yield (
            str(stage),
            _dot(hard, "Hard: ", f" of {resolved} resolved", digits=2),
            _dot(sentiment, "Sentiment: ", f" from {answers} answers", digits=2),
            _begun(_number(contacts), None if ours is None else _number(ours), volume),
        )


def share_dot(value: Interval, words: str) -> Markup:
    """Draw a share with its range on the line from 0 to 100 %."""
    ends = (None if end is None else end / 100 for end in (value.low, value.high))
    return _dot(Interval(value.estimate / 100, *ends), f"{words.removesuffix(', %')}: ")


def _number(value: Cell) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _dot(value: Cell, before: str, behind: str = "", digits: int | None = None) -> Markup:
    """Draw an estimate between 0 and 1 with its range, told with digits or as a share."""
    track = Markup("<line class=track x1={:.1f}% x2={:.1f}% y1=14 y2=14 />").format(_UNIT.at(0), _UNIT.at(1))
    if not isinstance(value, Interval):
        return Markup("<svg class=spread role=img><title>{}</title>{}</svg>").format("no evidence", track)
    low, high = (value.estimate if end is None else end for end in (value.low, value.high))
    told = percent(value.estimate, 0) if digits is None else number(value.estimate, digits)
    return Markup(
        "<svg class=spread role=img><title>{}</title>{}<line class=range x1={:.1f}% x2={:.1f}% y1=14 y2=14 />"
        "<circle class=mean cx={:.1f}% cy=14 r=5 /></svg>"
    ).format(f"{before}{told}{behind}", track, _UNIT.at(low), _UNIT.at(high), _UNIT.at(value.estimate))


def _begun(contacts: float, ours: float | None, scale: Scale) -> Markup:
    """Draw contacts as a bar: what the vendor began first, then the rest."""
    told = f"{number(contacts, 0)} contacts" + ("" if ours is None else f", {percent(ours, 0)} begun by us")
    end, part = scale.at(contacts), scale.at(contacts * (ours or 0.0))
    return Markup(
        "<svg class=spread role=img><title>{}</title><rect class=t x=0% width={:.1f}% y=7 height=14 />"
        "<rect class=o x=0% width={:.1f}% y=7 height=14 /></svg>"
    ).format(told, max(end, 0.4), part)


def quadrant_plot(success: Success) -> Markup:
    """Draw happiness against value, one dot an account, the riskier the more filled; lines part the quadrants.

    Value is drawn by orders of magnitude, straight around 0 where the sign changes.
    """
    values = [value for _, value, _ in success.points]
    # a tenth of the order of magnitude of the middle account: nearer to 0 the scale is straight
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
        Markup("<line class=grid x1=60 x2=410 y1={0} y2={0} /><text x=54 y={1} text-anchor=end>{2}</text>").format(
            y(tick), y(tick) + 4, number(tick, 0)
        )
        for tick in ticks
    )
    shades: dict[str, list[Markup]] = {}
    for at, value, p in sorted(success.points, key=lambda point: point[2]):  # the riskiest are drawn on top
        # an account without risk is faint, never invisible
        shade = shades.setdefault(f"{max(0.1, p / top):.1f}", [])
        shade.append(Markup("<circle cx={} cy={} r=3.5 />").format(x(at), y(value)))
    dots = Markup("").join(
        Markup("<g fill-opacity={}>{}</g>").format(shade, Markup("").join(drawn)) for shade, drawn in shades.items()
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


def survival_plot(survival: Survival) -> Markup:
    """Draw the share of accounts that stay as steps by group, with the band of its interval."""
    last = max(1, *(points[-1][0] for _, points in survival.curves))
    # the first that leaves room for its words: seven ticks and the origin
    every = next(step for step in (1, 3, 6, 12, 24, 60, 10_000) if last / _MONTH_DAYS / step <= 7)

    def x(day: float) -> int:
        return round(40 + 440 * day / last)

    def y(share: float) -> int:
        return round(200 - 180 * share)

    grid = Markup("").join(
        Markup("<line class=grid x1=40 x2=480 y1={0} y2={0} /><text x=34 y={1} text-anchor=end>{2}</text>").format(
            y(share), y(share) + 4, percent(share, 0)
        )
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    ticks = Markup("").join(
        Markup("<text x={} y=220 text-anchor=middle>{}</text>").format(x(month * _MONTH_DAYS), month)
        for month in range(0, int(last / _MONTH_DAYS) + 1, every)
    )
    curves = Markup("").join(
        Markup('<g class=c{}><path class=band d="{}"/><path d="{}"/></g>').format(
            place, _band([(x(day), y(low), y(high)) for day, _, low, high in points]),
            _steps([(x(day), y(share)) for day, share, _, _ in points]),
        )
        for place, (_, points) in enumerate(survival.curves)
    )  # fmt: skip
    return Markup(
        '<svg class="plot wide" viewBox="0 0 490 246" role=img><title>Share of accounts that stay, by months since the '
        "start; the figures follow in a table</title>{}{}{}<text x=260 y=240 text-anchor=middle>Months since the start"
        "</text></svg>"
    ).format(grid, curves, ticks)


def _steps(points: list[tuple[int, int]]) -> str:
    ends = (
        (f"H{at}" if at != before else "") + (f"V{height}" if height != level else "")
        for (before, level), (at, height) in pairwise(points)
    )
    return f"M{points[0][0]} {points[0][1]}" + "".join(ends)


def _band(points: list[tuple[int, int, int]]) -> str:
    """Area between the two ends: along the upper one, and back along the lower one."""
    # from the last but one: the area turns at the last lower end
    back = "".join(f"V{low}H{at}" for at, low, _ in points[-2::-1])
    return f"{_steps([(at, high) for at, _, high in points])}{back}Z"
