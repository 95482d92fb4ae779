"""Queries of users: one SELECT over tables that are named beforehand, and nothing else."""

from __future__ import annotations

from csrisk.data._query._allowed import refused, require_text, tables_of
from csrisk.data._query._far import far_table
from csrisk.data._query._folder import Answers, answered
from csrisk.data._query._functions import LITE
from csrisk.data._query._sealed import SEALED, SECONDS, write_answer

__all__ = [
    "LITE",
    "SEALED",
    "SECONDS",
    "Answers",
    "answered",
    "far_table",
    "refused",
    "require_text",
    "tables_of",
    "write_answer",
]
