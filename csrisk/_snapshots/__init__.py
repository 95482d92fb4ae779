"""Snapshots: who is seen when. The only place that slices time."""

from csrisk._snapshots._meaning import acts, contacts, feedback, invoices, promises
from csrisk._snapshots._merge import Merged, Rows, merge
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
    "contacts",
    "feedback",
    "invoices",
    "merge",
    "observed",
    "promises",
    "running",
    "uses",
    "visible",
]
