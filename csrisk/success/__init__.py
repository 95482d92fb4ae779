"""Customer success beyond the risk: health, happiness, both sides of the relation, and what to do."""

from csrisk.success._health import HEALTH_WEIGHTS, Vital, health_band, health_components, health_score

__all__ = ["HEALTH_WEIGHTS", "Vital", "health_band", "health_components", "health_score"]
