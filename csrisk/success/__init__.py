"""Customer success beyond the risk: health, happiness, both sides of the relation, and what to do."""

from csrisk.success._best import best_customers, gap_to_best, what_sets_apart
from csrisk.success._claims import CLAIMS, Claim, claims, growth_by_stage
from csrisk.success._cohorts import cohorts
from csrisk.success._consequences import trap_consequences
from csrisk.success._continuum import HAPPINESS_STAGES, happiness
from csrisk.success._feature_worth import feature_worth
from csrisk.success._fires import FIRES, after_the_fire, hard_cases
from csrisk.success._footprint import co_adoption, unused_features
from csrisk.success._growth import growth_advice
from csrisk.success._handovers import handovers
from csrisk.success._health import HEALTH_WEIGHTS, Vital, health_band, health_components, health_score
from csrisk.success._health_quality import health_quality
from csrisk.success._history import History, past_outcomes
from csrisk.success._journey import STAGES, journey
from csrisk.success._ledger import feedback_ledger
from csrisk.success._loyalty import LOYALTY_GROUPS, loyalty, loyalty_groups
from csrisk.success._overlap import covariate_balance, overlap, propensity
from csrisk.success._pictures import (
    plot_ledger,
    plot_loyalty,
    plot_migration,
    plot_priorities,
    plot_stages,
    plot_traps,
    plot_uplift,
    plot_what_sets_apart,
)
from csrisk.success._plots import plot_claims, plot_journey, plot_quadrant
from csrisk.success._priorities import RANKING_NOTE, in_holdout, priorities
from csrisk.success._quadrant import QUADRANTS, company_happiness, quadrant_migration, success_quadrant
from csrisk.success._quiet import USES, VOICES, voice_and_use, voice_consequences
from csrisk.success._releases import release_adoption
from csrisk.success._retention import remaining_life, retention
from csrisk.success._retention_plots import plot_cohorts, plot_retention
from csrisk.success._traps import TRAPS, Trap, relationship_traps, trap_summary
from csrisk.success._uplift import UpliftModel, treated_snapshots
from csrisk.success._uplift_quality import evaluate_uplift, qini_curve
from csrisk.success._velocity import velocity
from csrisk.success._voices import voices_against, whom_to_ask

__all__ = [
    "FIRES",
    "after_the_fire",
    "hard_cases",
    "feature_worth",
    "growth_advice",
    "release_adoption",
    "CLAIMS",
    "Claim",
    "claims",
    "growth_by_stage",
    "plot_claims",
    "HAPPINESS_STAGES",
    "HEALTH_WEIGHTS",
    "History",
    "LOYALTY_GROUPS",
    "QUADRANTS",
    "RANKING_NOTE",
    "STAGES",
    "TRAPS",
    "Trap",
    "USES",
    "UpliftModel",
    "VOICES",
    "Vital",
    "best_customers",
    "co_adoption",
    "cohorts",
    "company_happiness",
    "covariate_balance",
    "evaluate_uplift",
    "feedback_ledger",
    "gap_to_best",
    "happiness",
    "health_band",
    "health_components",
    "health_quality",
    "health_score",
    "in_holdout",
    "handovers",
    "journey",
    "loyalty",
    "loyalty_groups",
    "overlap",
    "past_outcomes",
    "plot_cohorts",
    "plot_journey",
    "plot_ledger",
    "plot_loyalty",
    "plot_migration",
    "plot_priorities",
    "plot_quadrant",
    "plot_retention",
    "plot_stages",
    "plot_traps",
    "plot_uplift",
    "plot_what_sets_apart",
    "priorities",
    "propensity",
    "qini_curve",
    "quadrant_migration",
    "relationship_traps",
    "remaining_life",
    "retention",
    "success_quadrant",
    "trap_consequences",
    "trap_summary",
    "treated_snapshots",
    "unused_features",
    "velocity",
    "voice_and_use",
    "voice_consequences",
    "voices_against",
    "what_sets_apart",
    "whom_to_ask",
]
