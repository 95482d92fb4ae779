"""The checks of a monitoring run, with codes CSM001 to CSM008; those of the tables are in `_guards`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from csrisk._text import number, percent
from csrisk.checks import Check, Rule, check_calibration
from csrisk.checks import check_feeds as judge_feeds
from csrisk.monitoring._judging._drift import LEAST_ACCOUNTS, USUAL_FACTOR

__all__ = [
    "check_age",
    "check_book",
    "check_drift_of",
    "check_expected",
    "check_feeds",
    "check_realised",
    "check_told",
]

_DRIFT = "Kolmogorov-Smirnov and Fisher tests, held together by Holm 1979; a tenth of the accounts is a convention"
FEATURES = Rule(
    "CSM001",
    "Drift of features by goal",
    _DRIFT,
    "look at the features named: a changed source, or a changed book; retrain if the change is real",
)
SCORES = Rule(
    "CSM002",
    "Drift of scores by goal",
    _DRIFT,
    "look at the goals named, and at the drift of their features; retrain if the change is real",
)
CALIBRATION = Rule(
    "CSM003", "Calibration of the risks told", "Van Calster et al. 2019; joint Wald test at 1 percent, clustered", ""
)
REALISED = Rule(
    "CSM004",
    "Performance since training",
    "95 percent intervals, accounts resampled",
    "retrain on later snapshots; if that does not help, look for a change in what churn is",
)
EXPECTED = Rule(
    "CSM005",
    "Expected performance",
    "confidence-based estimate from calibrated probabilities; it cannot see concept drift",
    "retrain on later snapshots; labels will tell whether the fall is real",
)
AGE = Rule("CSM006", "Age of the model", "as configured", "retrain on later snapshots")
FEEDS = Rule(
    "CSM007",
    "Tables that stopped arriving",
    "more than twice the longest gap of a year, and too long for chance",
    "look at the feed of the tables named; until then the scores take silence for absence",
)
BOOK = Rule(
    "CSM008",
    "Size of the book",
    "half or double is a convention",
    "compare the tables of accounts and subscriptions with their sources",
)
# events, as CSR008 asks: with 20 the standard error of an AUC of .7 is .066 to .070 (Hanley and McNeil 1982)
_LEAST_LABELS = 20
_NO_LABEL = "no label has arrived for a scored snapshot"


def check_drift_of(drift: pd.DataFrame, kind: str, alpha: float, limit: float) -> Check:
    """Judge the drift of features or of scores."""
    rule = FEATURES if kind == "feature" else SCORES
    own = drift[drift["kind"] == kind]
    if own.empty:
        return rule.not_applicable(
            f"no {kind} is in both books, or one has fewer than {LEAST_ACCOUNTS} accounts",
            "hand over scored frames of whole books",
        )
    drifting = own[own["drifts"]].sort_values("distance", ascending=False, kind="stable")
    # said also where nothing drifts, so that a reader sees how near the limit is
    furthest = own.iloc[int(own["distance"].to_numpy().argmax())]
    # scores are one for each goal, so counting them says nothing
    counted = drifting.groupby("goal", sort=False).size() if kind == "feature" else pd.Series(dtype=int)
    by_goal = "; ".join(f"{goal} {count}" for goal, count in counted.items())
    measure = (
        f"{len(drifting)} of {len(own)} {kind}s drift{f' ({by_goal})' if by_goal else ''}; the furthest is "
        f"{furthest.name}, {percent(furthest['distance'], 0)} of accounts, usually {percent(furthest['usual'], 0)}"
    )
    threshold = (
        f"{percent(limit, 0)}, {number(USUAL_FACTOR)} times the usual, and chance below {percent(alpha, None)} in all"
    )
    return rule.judge(not drifting.empty, measure, threshold, drifting.index)


def check_told(labels: pd.Series, risk: pd.Series, left_out: str = "") -> Check:
    """Compare risks that were told with what came."""
    if not labels.notna().any():
        return CALIBRATION.not_applicable(_and(_NO_LABEL, left_out), "wait for the horizon to end")
    # the same judgement as at training under the code of monitoring
    found = check_calibration(labels, risk)
    return replace(found, code=CALIBRATION.code, name=CALIBRATION.name, measure=_and(found.measure, left_out))


def check_realised(realised: pd.DataFrame | None, tested: pd.DataFrame | None, left_out: str = "") -> Check:
    """Compare the AUC on labels that arrived with that of the forward test."""
    if realised is None or tested is None:
        what = _NO_LABEL if realised is None else "there was no forward test"
        return REALISED.not_applicable(_and(what, left_out))
    now, then = (table.loc["auc"].to_dict() for table in (realised, tested))
    events = int(realised["estimate"]["n_events"])
    # one class alone has no area
    if not np.isfinite(now["high"]) or events < _LEAST_LABELS:
        few = f"{events} events among the labels that arrived; {_LEAST_LABELS} are needed"
        return REALISED.not_applicable(_and(few, left_out))
    measure = f"AUC {number(now['estimate'], 3)} ({number(now['low'], 3)} to {number(now['high'], 3)}) since training"
    # intervals that do not touch: both are estimates
    return REALISED.judge(
        bool(now["high"] < then["low"]), _and(measure, left_out), f"not all below {number(then['low'], 3)}, as tested"
    )


def check_expected(expected: pd.DataFrame | None, tested: pd.DataFrame | None) -> Check:
    """Compare the AUC that the probabilities promise with that of the forward test."""
    if expected is None or tested is None:
        what = "the scored frame has no probabilities" if expected is None else "there was no forward test"
        return EXPECTED.not_applicable(what)
    now, then = (table.loc["auc"].to_dict() for table in (expected, tested))
    measure = f"expected AUC {number(now['expected'], 3)} ({number(now['low'], 3)} to {number(now['high'], 3)})"
    return EXPECTED.judge(
        bool(now["high"] < then["low"]), measure, f"not all below {number(then['low'], 3)}, as tested"
    )


def check_age(as_of: pd.Timestamp, trained_at: Any, max_age: int) -> Check:
    """Judge how long ago the model learned."""
    if trained_at is None:
        return AGE.not_applicable("it was not said when the model learned", "pass trained_at=")
    days = (as_of - pd.Timestamp(trained_at)).days
    return AGE.judge(days > max_age, f"{days} days since the model learned", f"{max_age} days")


def check_feeds(feeds: pd.DataFrame | None) -> Check:
    """Judge whether tables still arrive."""
    return replace(judge_feeds(feeds), code=FEEDS.code, name=FEEDS.name)


def check_book(before: int, now: int, *, is_sample: bool = False) -> Check:
    """Judge whether the book shrank or grew beyond belief."""
    if is_sample or not before:
        return BOOK.not_applicable("the reference is no whole book")
    ratio = now / before
    measure = f"{number(now, 0)} accounts, {number(before, 0)} in the reference"
    return BOOK.judge(not 0.5 <= ratio <= 2.0, measure, "between half and double")


def _and(words: str, left_out: str) -> str:
    return f"{words}; {left_out}" if left_out else words
