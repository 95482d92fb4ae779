"""Contributions by goal: exact Shapley values in percentage points."""

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
    "Explanation",
    "Reference",
    "explain",
    "not_measured",
    "propose_goals",
]
