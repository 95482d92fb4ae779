"""Snapshots: who is seen when. The only place that slices time."""

from csrisk._snapshots._slices import ahead, observed, running, visible
from csrisk._snapshots._snapshots import Snapshots

__all__ = ["Snapshots", "ahead", "observed", "running", "visible"]
