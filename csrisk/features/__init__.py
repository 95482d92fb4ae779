"""Feature builders: what a snapshot knows of its past."""

from csrisk.features._declaration import Feature

__all__ = ["Feature"]
