"""Customer success beyond the risk: health, happiness, both sides of the relation, and what to do."""

from csrisk.success._continuum import HAPPINESS_STAGES, happiness
from csrisk.success._health import HEALTH_WEIGHTS, Vital, health_band, health_components, health_score
from csrisk.success._quadrant import QUADRANTS, company_happiness, quadrant_migration, success_quadrant

__all__ = [
    "HAPPINESS_STAGES",
    "HEALTH_WEIGHTS",
    "QUADRANTS",
    "Vital",
    "company_happiness",
    "happiness",
    "health_band",
    "health_components",
    "health_score",
    "quadrant_migration",
    "success_quadrant",
]
