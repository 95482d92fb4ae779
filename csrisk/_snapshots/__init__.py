"""Snapshots: who is seen when. The only place that slices time."""

from csrisk._snapshots._meaning import acts, contacts, feedback, invoices, promises
from csrisk._snapshots._merge import Merged, Rows, merge
from csrisk._snapshots._seen import at_data_end, safe_and_happy, seen
from csrisk._snapshots._slices import ahead, observed, running, visible
from csrisk._snapshots._snapshots import Snapshots
from csrisk._snapshots._spells import FOREVER, Levels, Spells
from csrisk._snapshots._use import uses

__all__ = [
    "FOREVER",
    "Levels",
    "Merged",
    "Rows",
    "Snapshots",
    "Spells",
    "acts",
    "ahead",
    "at_data_end",
    "contacts",
    "feedback",
    "invoices",
    "merge",
    "observed",
    "promises",
    "running",
    "safe_and_happy",
    "seen",
    "uses",
    "visible",
]
