"""Pictures of the tables that say whom to look after and what came of it."""

from csrisk.success._pictures._groups import plot_loyalty, plot_priorities, plot_stages
from csrisk.success._pictures._ranges import (
    plot_campaign,
    plot_ledger,
    plot_migration,
    plot_traps,
    plot_uplift,
    plot_what_sets_apart,
)

__all__ = [
    "plot_campaign",
    "plot_ledger",
    "plot_loyalty",
    "plot_migration",
    "plot_priorities",
    "plot_stages",
    "plot_traps",
    "plot_uplift",
    "plot_what_sets_apart",
]
