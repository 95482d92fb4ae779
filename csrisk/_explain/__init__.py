"""Contributions by goal: exact Shapley values in percentage points."""

from csrisk._explain._explain import explain
from csrisk._explain._explanation import Explanation
from csrisk._explain._proposed import propose_goals
from csrisk._explain._reasons import NEGLIGIBLE, NO_REASON
from csrisk._explain._reference import Reference

__all__ = ["NEGLIGIBLE", "NO_REASON", "Explanation", "Reference", "explain", "propose_goals"]
