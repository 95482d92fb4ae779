"""Contributions by goal: exact Shapley values in percentage points."""

from csrisk._explain._altered import NOTE as WHAT_IF_NOTE
from csrisk._explain._altered import LeastChange
from csrisk._explain._answers._drivers import driver_words, plain_drivers
from csrisk._explain._answers._proposed import propose_goals
from csrisk._explain._answers._reasons import NEGLIGIBLE, NO_REASON
from csrisk._explain._answers._tables import NOT_MEASURED, not_measured
from csrisk._explain._explain import explain
from csrisk._explain._explanation import Explanation
from csrisk._explain._reference import Reference

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
