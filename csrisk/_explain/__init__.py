"""Contributions by goal: exact Shapley values in percentage points."""

from csrisk._explain._explain import explain
from csrisk._explain._explanation import Explanation

__all__ = ["Explanation", "explain"]
