"""Monitoring: drift by goal, calibration once labels arrive, expected performance before, and staleness."""

from csrisk.checks._tables import feed_ages
from csrisk.monitoring._expected import EXPECTED_LIMITS, expected_performance
from csrisk.monitoring._judging._drift import drift_by_goal, drift_table, goals_of
from csrisk.monitoring._monitor import Alarms, Monitoring, TrainingFacts, monitor
from csrisk.monitoring._plots import plot_monitoring

__all__ = [
    "EXPECTED_LIMITS",
    "Alarms",
    "Monitoring",
    "TrainingFacts",
    "drift_by_goal",
    "drift_table",
    "expected_performance",
    "feed_ages",
    "goals_of",
    "monitor",
    "plot_monitoring",
]
