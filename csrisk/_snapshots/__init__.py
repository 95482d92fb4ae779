"""Snapshots: who is seen when. The only place that slices time."""

from csrisk._snapshots._slices import ahead, observed, running, visible
from csrisk._snapshots._snapshots import Snapshots
from csrisk._snapshots._spells import FOREVER, Levels, Spells

__all__ = ["FOREVER", "Levels", "Snapshots", "Spells", "ahead", "observed", "running", "visible"]
