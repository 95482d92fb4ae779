"""A world of regimes: thresholds, delays, a common cause, and a confounder."""

from csrisk.datasets._regimes._make import RegimeTraits, make_regimes

__all__ = ["RegimeTraits", "make_regimes"]
