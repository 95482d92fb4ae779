"""What is said at scoring and at training: how the tables and the book differ from what training saw."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from csrisk._days import whole_days
from csrisk._pipeline._settings._declared import goals_told
from csrisk.exceptions import ScoringWarning
from csrisk.monitoring import _judging as rules
from csrisk.monitoring import drift_table, feed_ages, goals_of
from csrisk.monitoring._judging import LEAST_ACCOUNTS, TableProfile, book_guards, check_rows, now_of

if TYPE_CHECKING:
    import pandas as pd

    from csrisk._explain import Explanation
    from csrisk._pipeline._pipeline import RiskPipeline
    from csrisk.checks import Check
    from csrisk.data import CustomerData

__all__ = ["guarded", "guards_of", "judged", "said_of_training"]

# months with holidays move as much as half of the accounts on some feature; monitoring looks closer, and for longer
_LIMIT = 0.6
# kept as long as all three are: scores and report of one run warn once, and nothing piles up
_seen: WeakKeyDictionary[Explanation, WeakKeyDictionary[CustomerData, dict[str, tuple[Check, ...]]]] = (
    WeakKeyDictionary()
)


def guarded(pipeline: RiskPipeline, data: CustomerData, why: Explanation) -> tuple[Check, ...]:
    """Hold a book against what training saw, and warn of what differs; once for each explanation, model and tables."""
    # by its id and not the object: a model that was saved and loaded judges as it did
    of_tables = _seen.setdefault(why, WeakKeyDictionary()).setdefault(data, {})
    if pipeline.model_id_ not in of_tables:
        X = why.background.values  # noqa: PD011  # the field of a dataclass
        of_tables[pipeline.model_id_] = judged(pipeline, data, X)
        _warn(of_tables[pipeline.model_id_], "differs from training")
    return of_tables[pipeline.model_id_]


def judged(pipeline: RiskPipeline, data: CustomerData, X: pd.DataFrame) -> tuple[Check, ...]:
    """Hold tables and features of a book against what training saw: what `guarded` warns of."""
    return _cheap(pipeline, data, X) + guards_of(pipeline, data, X)


def guards_of(pipeline: RiskPipeline, data: CustomerData, X: pd.DataFrame) -> tuple[Check, ...]:
    """Judge tables and features against the profile of the training: CSM009 to CSM013."""
    baseline, as_of = pipeline.baseline_, X.index.get_level_values("as_of").max()
    return book_guards(
        data,
        baseline.tables,
        now_of(data, as_of, baseline.tables),
        baseline.values,
        X,
        accounts=baseline.accounts,
        usual=baseline.usual,
        trained_at=pipeline.record_.facts.get("trained at"),
        goals=goals_told(pipeline.spec_, X.columns),
    )


def _cheap(pipeline: RiskPipeline, data: CustomerData, X: pd.DataFrame) -> tuple[Check, ...]:
    """Run the checks of monitoring that cost little."""
    baseline, rule = pipeline.baseline_, pipeline.spec_.monitor
    as_of = X.index.get_level_values("as_of").max()
    enough = min(len(X), len(baseline.values)) >= LEAST_ACCOUNTS
    goals = goals_of(X.columns, goals_told(pipeline.spec_, X.columns)) if enough else {}
    limit = max(rule.limit, _LIMIT)
    drift = drift_table(baseline.values, X, goals, usual=baseline.usual, alpha=rule.alpha, limit=limit)
    age = whole_days(rule.max_age, "max_age", minimum=1)
    return (
        rules.check_drift_of(drift, "feature", rule.alpha, limit),
        rules.check_age(as_of, pipeline.record_.facts.get("trained at"), age),
        rules.check_feeds(feed_ages(data, as_of)),
        rules.check_book(baseline.accounts, len(X)),
    )


def said_of_training(data: CustomerData, as_of: Any, accounts: int, months: pd.DataFrame) -> tuple[Check, ...]:
    """Judge the latest month that a training learns from against the months before it, and warn."""
    earlier, now = TableProfile.of_months(months[months["month"] > 0]), months[months["month"] == 0]
    found = (
        rules.check_feeds(feed_ages(data, as_of)),
        check_rows(earlier, now.set_index(["table", "column", "measure"])[["value", "n"]], accounts, accounts),
    )
    _warn(found, "the latest month differs from those before")
    return found


def _warn(checks: tuple[Check, ...], words: str) -> None:
    for check in checks:
        if check.failed:
            # past this function, its caller and the method of the pipeline: the line of the user
            warnings.warn(f"{words}: {check}", ScoringWarning, stacklevel=4)
