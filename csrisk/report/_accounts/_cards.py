"""One card per account: how its probability comes about, in goals and features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from csrisk._explain import NEGLIGIBLE, NO_REASON, NOT_MEASURED, driver_words, plain_drivers
from csrisk._goals import Goal
from csrisk._text import unbroken
from csrisk.report._accounts._compare import Peers, spoken
from csrisk.report._accounts._followed import NOTHING
from csrisk.report._accounts._levers import make_levers
from csrisk.report._accounts._next_steps import make_next_steps
from csrisk.report._accounts._rounding import add_up
from csrisk.report._accounts._timeline import make_timelines
from csrisk.report._book import Book, book_features, figure_at
from csrisk.report._content import Card, FeaturePart, GoalPart, Line
from csrisk.report._names import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from csrisk.data import CustomerData
    from csrisk.report._accounts._followed import Followed
    from csrisk.report._accounts._standing import Standing
    from csrisk.report._content import Moves

__all__ = ["STEPS", "make_cards", "make_lines"]

Floats = npt.NDArray[np.float64]
# up to which place, how many features of a goal, from how many points on: 500 accounts stay below a megabyte
_NAMED = ((25, 6, NEGLIGIBLE), (60, 3, 0.1), (120, 2, 0.25), (200, 1, 0.5))
_NAMED_LATER = (0, 1.0)
# how many of the first cards have what takes most room, so that 500 accounts stay below a megabyte
_OPENED = 25
_TIMELINES = 40
_COMPARED = 25
_LEVERED = 10  # a table of levers costs .8 kB; with 500 accounts the page stays below a megabyte
STEPS = 60


@dataclass(frozen=True, slots=True)
class _Details:
    """Features of the first accounts of a book: contributions (NaN where only in the rest), values, what is known."""

    book: Book
    goals: Floats
    evidence: npt.NDArray[np.bool_]
    points: Floats
    opened: Floats
    values: npt.NDArray[np.object_]
    known: npt.NDArray[np.bool_]
    columns: dict[str, npt.NDArray[np.intp]]
    goal_of: dict[str, str]
    main: npt.NDArray[np.object_]
    drivers: list[dict[str, Any] | None]
    reasons: pd.DataFrame
    page: int

    def sentence(self, position: int, column: int) -> str:
        background = self.book.why.background
        declared = background.declarations[column]
        row = int(self.book.rows[position])
        typical = background.typical.iloc[int(background.comparison[row]), column]
        words = background.sentence(column, self.values[position, column], typical)
        if not self.known[position, column]:
            words = words.replace(declared.name, spoken(declared.name), 1)
        return _printed(words)

    def strongest(self, position: int, goal: str) -> list[int]:
        """Columns of the features of a goal that matter for an account, the largest contribution first."""
        # on each page the first cards say most
        most, least = next(((most, least) for upto, most, least in _NAMED if position % self.page < upto), _NAMED_LATER)
        if position < _OPENED:
            most = len(self.goal_of)  # all that have a number of their own, so that the rest stays small
        own = self.columns[goal]
        # NaN is what has no number of its own and is in the rest
        size = np.nan_to_num(np.abs(self.opened[position, own]))
        order = np.argsort(-size, kind="stable")[:most]
        return [int(own[at]) for at in order if size[at] >= least]

    def leading(self, position: int) -> list[int]:
        """Columns of the features that matter most for an account, whatever their goal."""
        size = np.nan_to_num(np.abs(self.points[position]))
        return [int(at) for at in np.argsort(-size, kind="stable") if size[at] >= NEGLIGIBLE]


def make_cards(
    book: Book,
    count: int,
    data: CustomerData | None,
    peers: Peers,
    moves: Moves | None,
    gaps: Sequence[tuple[tuple[str, float], ...]],
    page: int | None = None,
    standing: Standing | None = None,
    followed: Followed = NOTHING,
) -> tuple[Card, ...]:
    """Write the cards of the first accounts of a book.

    The first 25 name features until they carry 80 % of a goal, as far as that can be had. Those up to place 60 name
    three from a tenth of a point on, up to 120 two from a quarter on, up to 200 one from half a point on, and later
    ones goals only; what is not named is summed up as the rest, so the parts add up everywhere. This keeps a file of
    500 accounts below a megabyte. Where the cards are spread over pages, places are counted on each page.
    """
    goal_of = [str(feature.goal) for feature in book.why.declarations]
    columns = {
        goal: np.array([j for j, own in enumerate(goal_of) if own == goal], dtype=np.intp)
        for goal in book.points.columns
    }
    rows = book.rows[:count]
    features = book_features(book.why).iloc[rows]
    points = book.why.feature_game(rows)[0]
    opened = points.copy()
    # the first accounts are opened further, until 80 % of a goal have names
    opened[:_OPENED] = book.why.opened_game(rows[:_OPENED])[0]
    details = _Details(
        book,
        goals=book.points.to_numpy(np.float64)[:count],
        evidence=book.evidence.to_numpy(bool)[:count],
        points=points,
        opened=opened,
        values=features.to_numpy(object),
        known=features.notna().to_numpy(),
        columns=columns,
        goal_of={feature.name: str(feature.goal) for feature in book.why.declarations},
        main=book.why.main_goals[rows],
        drivers=plain_drivers(book.why),
        reasons=book.why.reasons(rows, 1, points),
        page=page or max(count, 1),
    )
    timelines = make_timelines(book, data, min(count, _TIMELINES))
    told = followed.harmful, followed.feature_worth
    steps = make_next_steps(book, data, min(count, STEPS), standing, *told, fires_help=followed.fires_help)
    levers = make_levers(book, min(count, _LEVERED))
    quadrants = [""] * count if standing is None else standing.quadrants
    return tuple(
        replace(
            _card(details, at),
            quadrant=quadrants[at],
            moved=None if moves is None else moves.by_account[at],
            timeline=timelines[at] if at < len(timelines) else None,
            compared=peers.compare(at, details.leading(at)) if at < _COMPARED else (),
            steps=steps[at] if at < len(steps) else (),
            levers=levers[at] if at < len(levers) else (),
            gap=gaps[at] if at < _COMPARED else (),
        )
        for at in range(count)
    )


def make_lines(book: Book, start: int) -> tuple[Line, ...]:
    """Write the lines of the accounts that come after the last card."""
    main = book.why.main_goals[book.rows]
    at_risk = book.at_risk
    return tuple(
        Line(
            rank=at + 1,
            account=book.accounts[at],
            name=book.names[at],
            probability=float(book.probability[at]),
            mrr=figure_at(book.mrr, at),
            at_risk=figure_at(at_risk, at),
            main_goal=main[at] or "",
        )
        for at in range(start, len(book.keys))
    )


def _card(details: _Details, position: int) -> Card:
    book = details.book
    # the printed ends come first: goals have to add up to what a reader sees between them
    reference, prediction = round(float(book.reference[position]), 1), round(float(book.prediction[position]), 1)
    exact = details.goals[position].tolist()
    shown = add_up(prediction - reference, exact)
    goals = tuple(
        _goal_part(details, position, place, str(goal), printed)
        for place, (goal, printed) in enumerate(zip(book.points.columns, shown, strict=True))
    )
    feature, sentence = details.reasons["reason_1_feature"][position], details.reasons["reason_1"][position]
    driver = details.drivers[int(book.rows[position])] or {}
    return Card(
        rank=position + 1,
        account=book.accounts[position],
        name=book.names[position],
        facts=book.facts[position],
        probability=float(book.probability[position]),
        reference=float(book.reference[position]) / 100,
        prediction_shown=prediction,
        reference_shown=reference,
        mrr=figure_at(book.mrr, position),
        at_risk=figure_at(book.at_risk, position),
        goals=goals,
        main_goal=details.main[position] or "",
        reason=NO_REASON if feature is None else _printed(sentence),
        reason_goal="" if feature is None else details.goal_of[feature],
        listed=book.listed[position],
        driver=driver["goal"] if driver.get("named") else "",
        driver_words=driver_words(driver),
    )


def _goal_part(details: _Details, position: int, place: int, goal: str, shown: float) -> GoalPart:
    points = float(details.goals[position, place])
    named = details.strongest(position, goal)
    exact = [float(details.opened[position, column]) for column in named]
    # a goal of which nothing was recorded carries no points: what the model makes of the silence is part of context
    silent = _silence(details, position) if goal == Goal.CONTEXT else ()
    *printed, rest = add_up(
        shown, [*exact, *(value for _, value in silent), points - sum(exact) - sum(v for _, v in silent)]
    )
    declared = details.book.why.declarations
    # parts stand in the order in which they were handed over: features, silence, rest
    unknown = zip(silent, printed[len(exact) :], strict=True)
    return GoalPart(
        goal=goal,
        heading=Goal(goal).heading,
        points=points,
        shown=shown,
        evidence=bool(details.evidence[position, place]),
        features=(
            *(
                FeaturePart(declared[column].name, details.sentence(position, column), value, rounded)
                for column, value, rounded in zip(named, exact, printed[: len(exact)], strict=True)
            ),
            *(FeaturePart(NOT_MEASURED, words, value, rounded) for (words, value), rounded in unknown),
        ),
        rest_count=len(details.columns[goal]) - len(named),
        rest_shown=rest,
    )


def _silence(details: _Details, position: int) -> tuple[tuple[str, float], ...]:
    """Say what the model makes of goals of which nothing was recorded; it is part of context."""
    points = float(details.book.why.silence[details.book.rows[position]])
    if details.evidence[position].all() or abs(points) < NEGLIGIBLE:
        return ()
    goals = [Goal(name).heading.lower() for name in details.book.points.columns[~details.evidence[position]]]
    return ((f"What the model makes of it that nothing was recorded of: {', '.join(goals)}.", points),)


def _printed(sentence: str) -> str:
    # a number and its sign stay on one line
    return unbroken(clean(sentence, longest=400))
