"""Helpers for tests of code that builds on csrisk: random books, and the check against knowing the future."""

from csrisk.testing._books import random_tables
from csrisk.testing._check import check_builder

__all__ = ["check_builder", "random_tables"]
