"""Inline SVG, drawn from the same values that are printed beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from csrisk.report._content import Calibration, Card, GoalSpread

__all__ = ["Scale", "calibration_plot", "card_bars", "card_scale", "spread_bar", "spread_scale"]


_NOTHING = Markup("<svg aria-hidden=true></svg>")


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear scale from data to per cent of the width."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Place of a value, in per cent, clipped to the drawing."""
        span = (self.high - self.low) or 1.0
        return min(100.0, max(0.0, 100 * (value - self.low) / span))

    def bar(self, start: float, end: float, kind: str) -> Markup:
        """Draw a rectangle between two values; never thinner than a hair, so that small is not invisible."""
        left, right = sorted((self.at(start), self.at(end)))
        width = max(right - left, 0.4)
        return Markup("<svg aria-hidden=true><rect class={} x={}% width={}% /></svg>").format(
            kind, _short(min(left, 100 - width)), _short(width)
        )


def card_scale(cards: Sequence[Card]) -> Scale:
    """One scale for the bars of all cards, so that lengths can be compared between accounts."""
    highest = 5.0
    for card in cards:
        level = card.reference_shown
        for goal in card.goals:
            level += goal.shown
            highest = max(highest, level)
    return Scale(0.0, min(100.0, 5.0 * -(-highest // 5.0)))


def card_bars(card: Card, scale: Scale) -> tuple[Markup, ...]:
    """Bars of a card from top to bottom: the reference, each goal from where the last one ended, the account."""
    level = card.reference_shown
    bars = [scale.bar(0, level, "t")]
    for goal in card.goals:
        bars.append(scale.bar(level, level + goal.shown, "u" if goal.shown > 0 else "d") if goal.shown else _NOTHING)
        level += goal.shown
    return (*bars, scale.bar(0, card.prediction_shown, "s"))


def spread_scale(goals: Sequence[GoalSpread]) -> Scale:
    """One scale for the spread of all goals, with zero in it."""
    low, high = min((g.p10 for g in goals), default=0.0), max((g.p90 for g in goals), default=0.0)
    pad = 0.06 * ((high - low) or 1.0)
    return Scale(min(low, 0.0) - pad, max(high, 0.0) + pad)


def spread_bar(goal: GoalSpread, scale: Scale) -> Markup:
    """Line from p10 to p90, box over the middle half, tick at the median, dot at the mean, hair at zero."""
    zero = Markup("<line class=zero x1={0}% x2={0}% y1=0 y2=28 />").format(_short(scale.at(0)))
    title = Markup("<title>{}: mean {:+.1f} percentage points, middle half from {:+.1f} to {:+.1f}</title>").format(
        goal.heading, goal.mean, goal.p25, goal.p75
    )
    if not goal.evidence:
        return Markup("<svg class=spread role=img><title>{}: no evidence</title>{}</svg>").format(goal.heading, zero)
    whisker = Markup("<line class=whisker x1={}% x2={}% y1=14 y2=14 />").format(
        _short(scale.at(goal.p10)), _short(scale.at(goal.p90))
    )
    box = _box(scale, goal.p25, goal.p75)
    median = Markup("<line class=median x1={0}% x2={0}% y1=6 y2=22 />").format(_short(scale.at(goal.median)))
    mean = Markup("<circle class=mean cx={}% cy=14 r=4 />").format(_short(scale.at(goal.mean)))
    return Markup("<svg class=spread role=img>{}{}{}{}{}{}</svg>").format(title, zero, whisker, box, median, mean)


def calibration_plot(points: Calibration) -> Markup:
    """Predicted against observed on equal axes, with intervals and the diagonal of perfect calibration."""
    top = max((*points.predicted, *points.observed, *points.high, 0.1))
    top = min(1.0, -(-top * 10 // 1) / 10)
    size = 320.0

    def x(value: float) -> float:
        return round(58 + size * value / top, 1)

    def y(value: float) -> float:
        return round(12 + size * (1 - value / top), 1)

    grid = Markup("").join(_grid_line(top * step / 4, x, y, top) for step in range(5))
    marks = Markup("").join(
        Markup("<line class=whisker x1={0} x2={0} y1={1} y2={2} /><circle class=dot cx={0} cy={3} r=5 />").format(
            x(p), y(min(low, top)), y(min(high, top)), y(o)
        )
        for p, o, low, high in zip(points.predicted, points.observed, points.low, points.high, strict=True)
    )
    return Markup(
        '<svg class=plot viewBox="0 0 396 376" role=img aria-labelledby=cal-t><title id=cal-t>Calibration: observed '
        "share of churn against predicted probability, in {} groups; the diagonal is perfect</title>{}"
        "<line class=diagonal x1={} y1={} x2={} y2={} />{}"
        "<text x=218 y=370 text-anchor=middle>Predicted</text>"
        '<text transform="translate(11 172) rotate(-90)" text-anchor=middle>Observed</text></svg>'
    ).format(len(points.count), grid, x(0), y(0), x(top), y(top), marks)


def _grid_line(value: float, x, y, top: float) -> Markup:  # type: ignore[no-untyped-def]  # two local scales
    label = f"{100 * value:.0f} %"
    return Markup(
        "<line class=grid x1={} x2={} y1={} y2={} /><text x=52 y={} text-anchor=end>{}</text>"
        "<text x={} y=350 text-anchor=middle>{}</text>"
    ).format(x(0), x(top), y(value), y(value), y(value) + 4, label, x(value), label)


def _box(scale: Scale, start: float, end: float) -> Markup:
    """Draw the middle half, in the colour of the side of zero it lies on."""
    parts = []
    for low, high, kind in ((start, min(end, 0.0), "d"), (max(start, 0.0), end, "u")):
        if high > low:
            left, right = scale.at(low), scale.at(high)
            parts.append(
                Markup("<rect class={} x={}% width={}% y=7 height=14 />").format(
                    kind, _short(left), _short(max(right - left, 0.4))
                )
            )
    return Markup("").join(parts)


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
