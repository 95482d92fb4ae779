"""Contributions by goal: exact Shapley values in percentage points."""

from csrisk._explain._altered import NOTE as WHAT_IF_NOTE
from csrisk._explain._altered import LeastChange
from csrisk._explain._drivers import driver_words, plain_drivers
from csrisk._explain._explain import explain
from csrisk._explain._explanation import Explanation
from csrisk._explain._proposed import propose_goals
from csrisk._explain._reasons import NEGLIGIBLE, NO_REASON
from csrisk._explain._reference import Reference
from csrisk._explain._tables import NOT_MEASURED, not_measured

__all__ = [
    "NEGLIGIBLE",
    "NOT_MEASURED",
    "NO_REASON",
    "WHAT_IF_NOTE",
    "Explanation",
    "LeastChange",
    "Reference",
    "driver_words",
    "explain",
    "not_measured",
    "plain_drivers",
    "propose_goals",
]
