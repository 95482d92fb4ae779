"""Customer success beyond the risk: health, happiness, both sides of the relation, and what to do."""

from csrisk.success._advocacy._continuum import HAPPINESS_STAGES, happiness
from csrisk.success._advocacy._ledger import feedback_ledger
from csrisk.success._advocacy._loyalty import LOYALTY_GROUPS, loyalty, loyalty_groups
from csrisk.success._advocacy._quadrant import QUADRANTS, company_happiness, quadrant_migration, success_quadrant
from csrisk.success._effort._consequences import trap_consequences
from csrisk.success._effort._fires import FIRES, after_the_fire, hard_cases
from csrisk.success._effort._handovers import handovers
from csrisk.success._effort._journey import STAGES, journey
from csrisk.success._effort._quiet import USES, VOICES, voice_and_use, voice_consequences
from csrisk.success._effort._traps import TRAPS, Trap, relationship_traps, trap_summary
from csrisk.success._effort._voices import voices_against, whom_to_ask
from csrisk.success._longevity._cohorts import cohorts
from csrisk.success._longevity._history import History, past_outcomes
from csrisk.success._longevity._retention import remaining_life, retention
from csrisk.success._measured_claims._claims import CLAIMS, Claim, claims, growth_by_stage
from csrisk.success._pictures import (
    plot_campaign,
    plot_ledger,
    plot_loyalty,
    plot_migration,
    plot_priorities,
    plot_stages,
    plot_traps,
    plot_uplift,
    plot_what_sets_apart,
)
from csrisk.success._pictures._plots import plot_claims, plot_journey, plot_quadrant
from csrisk.success._pictures._retention_plots import plot_cohorts, plot_retention
from csrisk.success._plans._best import best_customers, gap_to_best, what_sets_apart
from csrisk.success._plans._campaign_effect import evaluate_campaign
from csrisk.success._plans._campaign_ledger import (
    as_treatments,
    campaign_ledger,
    read_ledger,
    record_contacts,
    write_ledger,
)
from csrisk.success._plans._campaign_next import EarlierPlays, plan_campaign
from csrisk.success._plans._campaign_power import campaign_power, detectable_effect, plan_pilot
from csrisk.success._plans._health import HEALTH_WEIGHTS, Vital, health_band, health_components, health_score
from csrisk.success._plans._health_quality import health_quality
from csrisk.success._plans._overlap import covariate_balance, overlap, propensity
from csrisk.success._plans._priorities import RANKING_NOTE, Campaign, in_holdout, priorities
from csrisk.success._plans._uplift import UpliftModel, treated_snapshots
from csrisk.success._plans._uplift_quality import evaluate_uplift, qini_curve
from csrisk.success._usage._feature_worth import feature_worth
from csrisk.success._usage._footprint import co_adoption, unused_features
from csrisk.success._usage._growth import growth_advice
from csrisk.success._usage._releases import release_adoption
from csrisk.success._usage._velocity import velocity

__all__ = [
    "FIRES",
    "after_the_fire",
    "hard_cases",
    "feature_worth",
    "growth_advice",
    "release_adoption",
    "CLAIMS",
    "Campaign",
    "Claim",
    "EarlierPlays",
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
    "as_treatments",
    "best_customers",
    "campaign_ledger",
    "campaign_power",
    "co_adoption",
    "cohorts",
    "company_happiness",
    "covariate_balance",
    "detectable_effect",
    "evaluate_campaign",
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
    "plan_campaign",
    "plan_pilot",
    "plot_campaign",
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
    "read_ledger",
    "record_contacts",
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
    "write_ledger",
]
