"""Columns that several tables share, and short ways to declare others."""

from __future__ import annotations

from csrisk.data._declared._declaration import Column

__all__ = ["ACCOUNT", "CURRENCY", "EVENT", "KNOWN", "category", "number", "time"]

EVENT = Column("event_id", "id", "Key of the event within its account; repeats of a retried event are removed.")
CURRENCY = Column("currency", "category", "Currency of the amounts; the same in all tables.")
ACCOUNT = Column("account_id", "id", "The account that the row is about.", required=True)
# an unreadable known_at must not make a row known early, so the row goes; one before the event is allowed (a meeting is
# booked before it takes place) and makes nothing known before it happened
KNOWN = Column("known_at", "time", "When the row became known, where that is later than the event.", strict=True)


def time(name: str, meaning: str, *, required: bool = False, planned: bool = False) -> Column:
    """Declare a time; a row without a required one is set aside."""
    return Column(name, "time", meaning, required=required, strict=required, planned=planned)


def number(name: str, meaning: str, low: float | None = 0.0, default: float | None = None) -> Column:
    """Declare a number, at least 0 by default."""
    return Column(name, "number", meaning, low=low, default=default)


def category(name: str, meaning: str, *values: str, required: bool = False) -> Column:
    """Declare a category and the words of it that csrisk knows."""
    return Column(name, "category", meaning, required=required, values=values)
