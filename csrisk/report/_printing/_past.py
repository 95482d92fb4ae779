"""The risk of an account over the past months: a line as small as a word, pictures by goal, a sentence."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from markupsafe import Markup

from csrisk._text import number
from csrisk.report._printing._format import percent, signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from csrisk.report._content import Card, Past
    from csrisk.report._printing._svg import Scale

__all__ = ["past_line", "past_panels", "past_words"]

_LINE = (5, 16)  # step and height in pixels
_PANEL = (11, 40)
_SEEN = 0.5  # points from which on a goal is drawn


def past_words(past: Past, dates: tuple[str, ...]) -> str:
    """Say in words how the risk of an account went over the past months."""
    known = [(risk, date) for risk, date in zip(past.risks, dates, strict=True) if risk is not None]
    (first, since), (now, _), (most, when) = known[0], known[-1], max(known, key=lambda pair: pair[0])
    told = [percent(risk / 100) for risk in (first, now, most)]
    top = "its highest" if most == now else f"at most {told[2]} on {when}"
    return f"Risk from {told[0]} on {since} to {told[1]} now, {top}."


def past_line(past: Past, scale: Scale) -> Markup:
    """Draw the risk of an account over the past months, as small as a word; its label says the ends and the top."""
    known = _known(past.risks)
    step, height = _LINE
    words = f"{number(known[0], 0)} to {percent(known[-1] / 100, 0)}, at most {percent(max(known) / 100, 0)}"
    path = _polyline(past.risks, step, lambda risk: round(1 + height * (1 - scale.at(risk) / 100)))
    return Markup('<svg role=img aria-label="{}"><path d={} /></svg>').format(words, path)


def past_panels(
    card: Card, scale: Scale, headings: Mapping[str, str], learned: int
) -> list[tuple[str, str, Markup, str]]:
    """Draw the risk of an account and each goal that moved it over the past months; goals share a scale around zero.

    Gives goal (empty for the risk), heading, picture, and the ends in words, a panel each. A thin mark parts the dates
    that the model learned from, so many of them, from those after.
    """
    if card.past is None:
        return []
    shown = {part.goal: part.shown for part in card.goals}
    step, height = _PANEL
    seen = [(goal, values) for goal, values in card.past.goals if max(map(abs, _known(values))) >= _SEEN]
    # one scale for all goals, so that a goal which hardly moved looks it
    most = max((abs(value) for _, values in seen for value in _known(values)), default=1.0)
    dates = len(card.past.risks)
    mark = Markup("<path class=lt d=M{},0v{} />").format(step * learned - step // 2, height)

    def panel(values: Sequence[float | None], y: Callable[[float], int]) -> Markup:
        drawing = Markup("<svg aria-hidden=true><path class=lb d=M0,{}h{} />{}<path d={} /></svg>")
        # where the model learned from all dates or from none there is nothing to part
        return drawing.format(
            y(0.0), step * (dates - 1), mark if 0 < learned < dates else "", _polyline(values, step, y)
        )

    def level(risk: float) -> int:
        return round(1 + (height - 2) * (1 - scale.at(risk) / 100))

    def points(value: float) -> int:
        return round(height / 2 - (height / 2 - 2) * value / most)

    risk = f"{number(_known(card.past.risks)[0], 1)} \u2192 {percent(card.prediction_shown / 100)}"
    goals = [
        (goal, headings[goal], panel(values, points), f"{signed(_known(values)[0])} \u2192 {signed(shown[goal])}")
        for goal, values in seen
    ]
    return [("", "Risk", panel(card.past.risks, level), risk), *goals]


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _polyline(values: Sequence[float | None], step: int, y: Callable[[float], int]) -> str:
    """Path through the known values in whole pixels, without a blank, so that it needs no quotes."""
    parts = groupby(enumerate(values), key=lambda pair: pair[1] is not None)
    return "".join(_stroke([(step * at, y(value)) for at, value in part if value is not None]) for _, part in parts)


def _stroke(points: list[tuple[int, int]]) -> str:
    """Path through neighbours; a date without any is a line of no length."""
    if not points:
        return ""
    steps = ((right - left, down - up) for (left, up), (right, down) in pairwise(points))
    # dates lie equally far apart: equal steps go on in one direction, and are one line
    runs = ((sum(across for across, _ in same), sum(down for _, down in same)) for same in map(_all, groupby(steps)))
    # a minus parts two numbers as well as a comma does
    lines = ",".join(f"{across}{'' if down < 0 else ','}{down}" for across, down in runs)
    return f"M{points[0][0]},{points[0][1]}{f'l{lines}' if lines else 'h0'}"


def _all(group: tuple[tuple[int, int], Iterator[tuple[int, int]]]) -> list[tuple[int, int]]:
    return list(group[1])
