"""Contributions by goal: exact Shapley values in percentage points."""
