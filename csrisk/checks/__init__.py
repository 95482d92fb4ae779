"""Checks with codes: leakage, drift, calibration and evidence."""

from csrisk.checks._check import Check, Rule, checks_frame
from csrisk.checks._drift import check_base_rate, check_calibration, check_drift, check_drift_classifier
from csrisk.checks._judgement import (
    check_judgement,
    declared_judgements,
    disagreements,
    judged_at,
    judgement_against_model,
)
from csrisk.checks._leakage import check_future_use, check_single_feature, check_telling_values
from csrisk.checks._null import check_permutation_null
from csrisk.checks._run import RULES, ForwardEvidence, run_checks
from csrisk.checks._stated import check_stated_reasons, stated_and_named
from csrisk.checks._tables._attributes import check_attributes, ended_accounts
from csrisk.checks._tables._feeds import check_feeds
from csrisk.checks._tables._panel import check_duplicates, check_events, check_evidence, check_label_window
from csrisk.checks._tables._rebuild import check_rebuilt
from csrisk.checks._tables._rows import check_rows

__all__ = [
    "RULES",
    "Check",
    "ForwardEvidence",
    "Rule",
    "check_attributes",
    "check_base_rate",
    "check_calibration",
    "check_drift",
    "check_drift_classifier",
    "check_duplicates",
    "check_events",
    "check_evidence",
    "check_feeds",
    "check_future_use",
    "check_judgement",
    "check_label_window",
    "check_permutation_null",
    "check_rebuilt",
    "check_rows",
    "check_single_feature",
    "check_stated_reasons",
    "check_telling_values",
    "checks_frame",
    "declared_judgements",
    "disagreements",
    "ended_accounts",
    "judged_at",
    "judgement_against_model",
    "run_checks",
    "stated_and_named",
]
