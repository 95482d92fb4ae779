"""Cards of the accounts likely to expand: why, in points and in money that add up, and what to offer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._explain import NEGLIGIBLE
from csrisk._text import unbroken
from csrisk.exceptions import ExplanationError
from csrisk.report._accounts._rounding import add_up
from csrisk.report._content import FeaturePart, GoalPart, GrowthAmount, GrowthCard
from csrisk.report._names import clean
from csrisk.report._success._growth import offer_words

if TYPE_CHECKING:
    from csrisk._explain import Explanation
    from csrisk.report._accounts._standing import Standing
    from csrisk.report._book import Book, Floats

__all__ = ["make_growth_cards"]

_CARDS = 10  # of half a kilobyte each
_NAMED = 2  # features of each goal


def make_growth_cards(
    book: Book, growth: Explanation | None, amounts: Explanation | None, standing: Standing | None
) -> tuple[GrowthCard, ...]:
    """Write the cards of the ten accounts most likely to expand."""
    if growth is None:
        if amounts is not None:
            raise ExplanationError("growth_amounts=...: hand over growth=..., whose accounts it is about, too")
        return ()
    if growth.output != "probability":
        raise ExplanationError(f"growth=...: output={growth.output!r} must be 'probability'")
    if amounts is not None and (amounts.output != "amount" or not amounts.index.equals(growth.index)):
        raise ExplanationError("growth_amounts=...: explain the same rows as growth=..., with output='amount'")
    place = pd.Index(book.keys).get_indexer(growth.index.get_level_values(0))
    order = np.argsort(-growth.prediction, kind="stable")
    # growth may be explained for accounts that are not in the book
    rows = order[place[order] >= 0][:_CARDS]
    points = growth.feature_game(rows)[0]
    cards = []
    for row, told in zip(rows.tolist(), points, strict=True):
        at = int(place[row])
        reference, prediction, shown = _ends(growth, row)
        offer, why = ("", "") if standing is None else _offer(standing.growth.iloc[at])
        cards.append(
            GrowthCard(
                account=book.accounts[at],
                name=book.names[at],
                probability=float(growth.prediction[row]) / 100,
                reference_shown=reference,
                prediction_shown=prediction,
                goals=tuple(_goal(growth, row, number, shown[number], told) for number in range(len(shown))),
                offer=offer,
                offer_reason=why,
                amount=None if amounts is None else _amount(amounts, row),
            )
        )
    return tuple(cards)


def _offer(row: pd.Series) -> tuple[str, str]:
    return ("", "") if pd.isna(row["offer"]) else (offer_words(row["offer"]), clean(row["reason"]))


def _ends(why: Explanation, row: int) -> tuple[float, float, tuple[float, ...]]:
    """Give reference and prediction as printed, and goals that add up to the way between them."""
    # the printed ends come first, as on the card of the risk
    reference, prediction = round(float(why.reference[row]), 1), round(float(why.prediction[row]), 1)
    return reference, prediction, add_up(prediction - reference, why.contributions[row].tolist())


def _goal(why: Explanation, row: int, number: int, shown: float, points: Floats) -> GoalPart:
    goal, whole = why.goals_present[number], float(why.contributions[row, number])
    own = np.array([at for at, feature in enumerate(why.declarations) if feature.goal == goal], dtype=np.intp)
    size = np.nan_to_num(np.abs(points[own]))
    named = [int(own[at]) for at in np.argsort(-size, kind="stable")[:_NAMED] if size[at] >= NEGLIGIBLE]
    exact = [float(points[column]) for column in named]
    *printed, rest = add_up(shown, [*exact, whole - sum(exact)])
    return GoalPart(
        goal=str(goal),
        heading=goal.heading,
        points=whole,
        shown=shown,
        evidence=not why.game.silent[row, number],
        features=tuple(
            FeaturePart(why.declarations[column].name, _sentence(why, row, column), value, rounded)
            for column, value, rounded in zip(named, exact, printed, strict=True)
        ),
        rest_count=len(own) - len(named),
        rest_shown=rest,
    )


def _sentence(why: Explanation, row: int, column: int) -> str:
    background = why.background
    typical = background.typical.iloc[int(background.comparison[row]), column]
    words = background.sentence(column, background.values.iloc[row, column], typical)  # noqa: PD011  # a field
    return unbroken(clean(words, longest=400))


def _amount(amounts: Explanation, row: int) -> GrowthAmount:
    reference, prediction, shown = _ends(amounts, row)
    goals = zip(amounts.goals_present, amounts.contributions[row], shown, strict=True)
    return GrowthAmount(
        expected=float(amounts.prediction[row]),
        reference_shown=reference,
        prediction_shown=prediction,
        goals=tuple((goal.heading, float(value), printed) for goal, value, printed in goals),
    )
