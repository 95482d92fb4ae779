"""Inline SVG, drawn from the same values that are printed beside it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from csrisk._text import number, percent, reworded, signed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from csrisk.report._content import Calibration, Card, Course, GoalSpread, Interval, Timeline, Trend

__all__ = [
    "Scale",
    "bars_css",
    "calibration_plot",
    "card_bars",
    "card_scale",
    "course_plot",
    "spread_bar",
    "spread_scale",
    "timeline_plot",
    "trend_plot",
]


_NOTHING = Markup("<i></i>")
_PARTS = 200  # of the width of a bar: a class of two letters and a number is a third of what a drawing takes


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear scale from data to per cent of the width."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Place of a value, in per cent, clipped to the drawing."""
        # one value alone has no span to divide by
        span = (self.high - self.low) or 1.0
        return min(100.0, max(0.0, 100 * (value - self.low) / span))

    def bar(self, start: float, end: float, kind: str) -> Markup:
        """Draw a bar between two values; never thinner than a hair, so that small is not invisible."""
        left, right = sorted(round(_PARTS * self.at(value) / 100) for value in (start, end))
        width = max(right - left, 1)
        # a hair at the very end stays inside of the drawing
        left = min(left, _PARTS - width)
        return Markup('<i class="{}{} w{}"></i>').format(kind, f" x{left}" if left else "", width)


def bars_css() -> str:
    """Write the places and widths that bars have as classes: a page may hold thousands of bars."""
    places = "".join(f".x{at}{{--x:{100 * at / _PARTS:g}%}}" for at in range(1, _PARTS))
    widths = "".join(f".w{at}{{--w:{100 * at / _PARTS:g}%}}" for at in range(1, _PARTS + 1))
    return places + widths


def card_scale(cards: Sequence[Card]) -> Scale:
    """One scale for the bars of all cards, so that lengths can be compared between accounts."""
    highest = 5.0
    for card in cards:
        level = card.reference_shown
        for goal in card.goals:
            level += goal.shown
            highest = max(highest, level)
        if card.past is not None:
            highest = max(highest, *(risk for risk in card.past.risks if risk is not None))
    # // rounds down, so negated twice it rounds up: to the next five points
    return Scale(0.0, min(100.0, 5.0 * -(-highest // 5.0)))


def card_bars(card: Card, scale: Scale) -> tuple[Markup, ...]:
    """Bars of a card from top to bottom: the reference, each goal from where the last one ended, the account."""
    level = card.reference_shown
    # from printed parts: the bars end where the printed sum does
    bars = [scale.bar(0, level, "t")]
    for goal in card.goals:
        # a goal of 0 has no bar: the hair that a bar is at least would say that it moved something
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
    title = Markup("<title>{}: mean {} percentage points, middle half from {} to {}</title>").format(
        goal.heading, signed(goal.mean), signed(goal.p25), signed(goal.p75)
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
    # up to the next tenth, so that the axis has round numbers
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


def timeline_plot(line: Timeline) -> Markup:
    """Bars of weekly use, and below them a mark in each week with contacts and with surveys."""
    # without any use there is nothing to divide by
    top = max(*line.use, 1)
    use = "".join(f"M{at} 40v-{36 * n / top:.0f}" for at, n in enumerate(line.use) if n)
    return Markup(
        '<svg class=line viewBox="-.5 0 26 64" preserveAspectRatio=none aria-hidden=true>'
        '<path class=lb d="M-.5 40h26"/><path class=lu d="{}"/><path class=lc d="{}"/><path class=ls d="{}"/></svg>'
    ).format(use, _runs(line.contacts, 50), _runs(line.surveys, 60))


def course_plot(course: Course, headings: Mapping[str, str]) -> Markup:
    """Lines of the mean contribution of each goal over the books, named at their ends."""
    ends = [value for _, values in course.goals for value in values]
    pad = 0.08 * ((max(*ends, 0.0) - min(*ends, 0.0)) or 1.0)
    scale = Scale(min(*ends, 0.0) - pad, max(*ends, 0.0) + pad)

    def y(value: float) -> float:
        return round(210 - 2 * scale.at(value), 1)

    # one date alone has no step to the next
    step = 430 / max(1, len(course.dates) - 1)
    grid = Markup("").join(
        Markup("<line class={} x1=50 x2=480 y1={} y2={} /><text x=44 y={} text-anchor=end>{}</text>").format(
            "zeroline" if value == 0 else "grid", y(value), y(value), y(value) + 4, signed(value)
        )
        # 0 may be an end itself, and is drawn once
        for value in dict.fromkeys((min(*ends, 0.0), 0.0, max(*ends, 0.0)))
    )
    ticks = _ticks(course.dates, [round(50 + step * at, 1) for at in range(len(course.dates))], 230, most=4)
    lines = Markup("").join(
        Markup('<g class="c{} g-{}"><path d="{}"/><circle cx=480 cy={} r=3.5 /><text x=490 y={}>{}</text></g>').format(
            place,
            goal,
            " ".join(f"{'L' if at else 'M'}{50 + step * at:.1f} {y(value)}" for at, value in enumerate(values)),
            y(values[-1]),
            label,
            headings[goal],
        )
        for place, ((goal, values), label) in enumerate(
            zip(course.goals, _apart([y(values[-1]) + 4 for _, values in course.goals]), strict=True)
        )
    )
    title = "Mean contribution of each goal over the books, in percentage points; the figures follow in a table"
    return Markup('<svg class="plot wide" viewBox="0 0 600 240" role=img><title>{}</title>{}{}{}</svg>').format(
        title, grid, ticks, lines
    )


def _ticks(labels: Sequence[str], places: Sequence[float], height: int, most: int) -> Markup:
    """Write as many labels as have room below the axis, the outer ones inside of it; dates in words."""
    shown = range(0, len(labels), max(1, -(-len(labels) // most)))
    anchors = {0: "start", len(labels) - 1: "end"} if len(labels) > 1 else {}
    return Markup("").join(
        Markup("<text x={} y={} text-anchor={}>{}</text>").format(
            places[at], height, anchors.get(at, "middle"), reworded(labels[at])
        )
        for at in shown
    )


def _apart(heights: Sequence[float], least: float = 14.0) -> list[float]:
    """Move labels down until none covers another, in the order of their heights."""
    placed = list(heights)
    # from above: a label that was moved pushes those below it
    order = sorted(range(len(placed)), key=placed.__getitem__)
    for above, below in itertools.pairwise(order):
        placed[below] = max(placed[below], round(placed[above] + least, 1))
    return placed


def _runs(weeks: Sequence[int], height: int) -> str:
    """Path along the weeks in which something happened, one stroke for each run of weeks."""
    path, start = [], 0
    for at in range(len(weeks) + 1):
        if at == len(weeks) or not weeks[at]:
            if at > start:
                path.append(f"M{start - 0.4:.1f} {height}h{at - start - 0.2:.1f}")
            start = at + 1
    return "".join(path)


def trend_plot(trend: Trend) -> Markup:
    """Lines over groups with their intervals, the model drawn strongest."""
    known = [i for _, values in trend.series for i in values if i is not None]
    ends = [x for i in known for x in (i.low, i.high, i.estimate) if x is not None]
    # .5 is chance for an AUC, and always in the picture
    low, high = (min(0.5, *ends), max(*ends)) if ends else (0.0, 1.0)
    low, high = int(low * 10) / 10, -(-high * 10 // 1) / 10
    y = Scale(low, high)
    step = 300 / max(1, len(trend.labels) - 1)
    grid = Markup("").join(
        Markup("<line class=grid x1=40 x2=360 y1={0} y2={0} /><text x=34 y={1} text-anchor=end>{2}</text>").format(
            round(200 - 1.8 * y.at(v), 1), round(204 - 1.8 * y.at(v), 1), number(v, 2)
        )
        for v in (low, (low + high) / 2, high)
    )
    lines = Markup("").join(
        _series(values, y, step, n, len(trend.series)) for n, (_, values) in enumerate(trend.series)
    )
    ticks = _ticks(trend.labels, [round(50 + step * at, 1) for at in range(len(trend.labels))], 222, most=3)
    return Markup('<svg class=plot viewBox="0 0 396 230" role=img><title>{}</title>{}{}{}</svg>').format(
        trend.caption, grid, lines, ticks
    )


def _series(values: Sequence[Interval | None], y: Scale, step: float, place: int, count: int) -> Markup:
    # side by side: at one place the ranges of scores would cover each other
    shift = 3 * (place - (count - 1) / 2)
    points = [(round(50 + step * at + shift, 1), value) for at, value in enumerate(values) if value is not None]
    # four colours are told apart: what comes after shares the last
    kind = f"c{min(place, 3)}"
    path = " ".join(f"{'M' if not n else 'L'}{x} {200 - 1.8 * y.at(v.estimate):.1f}" for n, (x, v) in enumerate(points))
    bars = Markup("").join(
        Markup("<line class=ci x1={0} x2={0} y1={1} y2={2} />").format(
            x, round(200 - 1.8 * y.at(v.low), 1), round(200 - 1.8 * y.at(v.high), 1)
        )
        for x, v in points
        if v.low is not None and v.high is not None
    )
    dots = Markup("").join(
        Markup("<circle cx={} cy={} r=3.5 />").format(x, round(200 - 1.8 * y.at(v.estimate), 1)) for x, v in points
    )
    return Markup('<g class={}>{}<path d="{}"/>{}</g>').format(kind, bars, path, dots)


def _grid_line(value: float, x, y, top: float) -> Markup:  # type: ignore[no-untyped-def]  # two local scales
    label = percent(value, 0)
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
