"""The four goals of customer success, and the places for what serves none of them and for what nobody mapped."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Goal"]


class Goal(StrEnum):
    """The goal of customer success that a feature speaks about.

    Members are strings, so ``Goal.CHURN == "churn"`` holds and a goal can be written to JSON as it is.

    Attributes
    ----------
    CHURN : str
        Minimise churn and maximise longevity: effort of staying, contract, tenure.
    FOOTPRINT : str
        Depth and breadth of use.
    ADVOCACY : str
        Expectations set, met and exceeded; what customers say of the vendor.
    FEEDBACK : str
        Listen, acknowledge, act: the feedback loop.
    CONTEXT : str
        Attributes that serve no goal (segment, region).
    UNMAPPED : str
        Columns of a flat table that nobody gave a goal.

    Examples
    --------
    >>> from csrisk import Goal
    >>> Goal("feedback").heading
    'Feedback loop'
    >>> [str(goal) for goal in Goal]
    ['churn', 'footprint', 'advocacy', 'feedback', 'context', 'unmapped']
    """

    CHURN = "churn"
    FOOTPRINT = "footprint"
    ADVOCACY = "advocacy"
    FEEDBACK = "feedback"
    CONTEXT = "context"
    UNMAPPED = "unmapped"

    @property
    def heading(self) -> str:
        """Heading of the goal in reports and plots."""
        return _HEADINGS[self]

    @property
    def question(self) -> str:
        """The question that a reviewer asks about the goal."""
        return _QUESTIONS[self]


_HEADINGS = {
    Goal.CHURN: "Churn",
    Goal.FOOTPRINT: "Footprint",
    Goal.ADVOCACY: "Advocacy",
    Goal.FEEDBACK: "Feedback loop",
    Goal.CONTEXT: "Context",
    Goal.UNMAPPED: "Without a goal",
}
_QUESTIONS = {
    Goal.CHURN: "How much effort does it cost to stay?",
    Goal.FOOTPRINT: "How deep and how broad is the use?",
    Goal.ADVOCACY: "Were expectations met, and would they say so?",
    Goal.FEEDBACK: "Did we listen, acknowledge and act?",
    Goal.CONTEXT: "What kind of customer is it?",
    Goal.UNMAPPED: "Which goal do these columns speak of?",
}
