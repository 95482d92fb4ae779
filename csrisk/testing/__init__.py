"""Helpers for tests of code that builds on csrisk: random books, engines, and the check against knowing the future."""

from csrisk.testing._books import random_tables
from csrisk.testing._check import check_builder
from csrisk.testing._engines import on_engine

__all__ = ["check_builder", "on_engine", "random_tables"]
