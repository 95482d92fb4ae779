"""One call that says whether a model is still right about a book."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._days import whole_days
from csrisk._deprecated import grouped, require_none_left
from csrisk._text import day, number
from csrisk.checks import Check, checks_frame
from csrisk.evaluation import evaluate_scores
from csrisk.exceptions import ConfigError
from csrisk.features import attached
from csrisk.monitoring._expected import expected_performance
from csrisk.monitoring._judging import _rules as rules
from csrisk.monitoring._judging._drift import LEAST_ACCOUNTS, check_settings, drift_by_goal, drift_table, goals_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk._days import Duration

__all__ = ["Alarms", "Monitoring", "TrainingFacts", "monitor"]

_RISK = "churn_probability"
_KEYS = ["account_id", "as_of"]


@dataclass(frozen=True)
class Alarms:
    """When monitoring alarms.

    Parameters
    ----------
    alpha : float, default 0.01
        Chance of a false alarm among all features together, and among all scores together.
    limit : float, default 0.1
        Smallest distance that counts: the share of accounts that lie on another side of some value.
    max_age : str or int, default "365D"
        Days after which a model is stale.

    Raises
    ------
    CsriskError
        If a setting makes no sense.

    Examples
    --------
    >>> from csrisk.monitoring import Alarms
    >>> Alarms(max_age="180D").limit
    0.1
    """

    alpha: float = 0.01
    limit: float = 0.1
    max_age: Duration = "365D"

    def __post_init__(self) -> None:
        check_settings(self.alpha, self.limit)
        whole_days(self.max_age, "max_age", minimum=1)


# eq=False: frames have no truth value, so that == of two of these would fail
@dataclass(frozen=True, eq=False)
class TrainingFacts:
    """What is known of the training that a book is held against.

    Parameters
    ----------
    trained_at : date, optional
        First day that the model knows nothing of. Scores of earlier dates are looks back, such as those of a backfill:
        the model has learned from what came after them, so they are counted and never judged.
    tested : pandas.DataFrame, optional
        Forward test of the model, as `evaluate` gives it.
    usual : pandas.Series, optional
        Distance of each column between two ordinary dates.
    accounts : int, optional
        Accounts of the whole reference book, where the reference is a sample of it.

    Examples
    --------
    >>> from csrisk.monitoring import TrainingFacts
    >>> TrainingFacts(trained_at="2025-01-01").accounts is None
    True
    """

    trained_at: Any = None
    tested: pd.DataFrame | None = None
    usual: pd.Series | None = None
    accounts: int | None = None


@dataclass(frozen=True, eq=False)
class Monitoring:
    """What was found when a book was held against its reference.

    Parameters
    ----------
    as_of : pandas.Timestamp
        Date of the book.
    checks : tuple of Check
        CSM001 to CSM008, and those of the tables to CSM013: passed, failed or not applicable.
    drift : pandas.DataFrame
        One row for each feature and score, as `drift_table` gives it.
    goals : pandas.DataFrame
        One row for each goal, as `drift_by_goal` gives it.
    performance : pandas.DataFrame
        Index metric; ``tested`` in the forward test, ``expected`` of this book, ``realised`` on labels that arrived,
        each with ``_low`` and ``_high``; missing where not known.

    Examples
    --------
    >>> import pandas as pd
    >>> import csrisk as cr
    >>> def book(date):
    ...     index = pd.MultiIndex.from_product([range(200), [pd.Timestamp(date)]], names=["account_id", "as_of"])
    ...     return pd.DataFrame({"days_since_use": [place % 7 for place in range(200)]}, index=index)
    >>> found = cr.monitor(book("2025-01-01"), book("2025-06-01"))
    >>> found.failed, str(found.as_of.date()), found.table().loc["CSM001", "status"]
    ((), '2025-06-01', 'passed')
    """

    as_of: pd.Timestamp
    checks: tuple[Check, ...]
    drift: pd.DataFrame
    goals: pd.DataFrame
    performance: pd.DataFrame

    @property
    def failed(self) -> tuple[Check, ...]:
        """Checks that failed."""
        return tuple(check for check in self.checks if check.failed)

    def table(self) -> pd.DataFrame:
        """Arrange the checks in a table.

        Returns
        -------
        pandas.DataFrame
            Index code; name, status, measure, threshold, source, next_step, found.
        """
        return checks_frame(self.checks)

    def parts(self) -> dict[str, pd.DataFrame]:
        """Give the tables that a report prints, by caption; pass them as ``FurtherParts(extra=...)``.

        Returns
        -------
        dict of str to pandas.DataFrame
        """
        # stable: columns as far as each other stay in the order of the book
        drifting = self.drift[self.drift["drifts"]].sort_values("distance", ascending=False, kind="stable")
        found = {"Monitoring: drift by goal": self.goals.reset_index()}
        if not drifting.empty:
            columns = ["goal", "kind", "distance", "usual", "adjusted"]
            found["Monitoring: columns that drift"] = drifting[columns].reset_index()
        if not self.performance.empty:
            found["Monitoring: performance told, promised and found"] = self.performance.reset_index()
        return found

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
        """
        tables = {"drift": self.drift, "goals": self.goals, "performance": self.performance}
        return {
            "as_of": f"{self.as_of:%Y-%m-%d}",
            "failed": [check.code for check in self.failed],
            "checks": self.table().reset_index().to_dict("records"),
            **{name: _plain(table) for name, table in tables.items()},
        }


def monitor(
    reference: pd.DataFrame,
    scored: pd.DataFrame,
    labels: pd.Series | None = None,
    *,
    goals: Mapping[str, str] | None = None,
    training: TrainingFacts | None = None,
    feeds: pd.DataFrame | None = None,
    alarms: Alarms | None = None,
    guards: tuple[Check, ...] = (),
    **others: Any,
) -> Monitoring:
    """Hold the latest scored book against a reference: drift by goal, calibration, performance, staleness.

    Parameters
    ----------
    reference : pandas.DataFrame
        Features and scores of the book at training, one row of each account; ``RiskPipeline.baseline()`` gives it. The
        scores are ``churn_probability`` and ``<goal>_points``, as `RiskPipeline.score` names them.
    scored : pandas.DataFrame
        The same for books that were scored, on (account_id, as_of) as index or columns. The latest date is held against
        the reference; earlier ones need ``churn_probability`` alone, for the labels.
    labels : pandas.Series, optional
        Outcomes on (account_id, as_of), as `label_churn` gives them; missing where not known yet.
    goals : mapping of str to str, optional
        Goal of each feature; default reads the declarations of the default builders.
    training : TrainingFacts, optional
        When the model learned, how it was tested, and what its book was like.
    feeds : pandas.DataFrame, optional
        What `csrisk.monitoring.feed_ages` gave.
    alarms : Alarms, optional
        When monitoring alarms.
    guards : tuple of Check
        Further checks, such as those of the tables (CSM009 to CSM013), which `RiskPipeline.monitor` adds.
    **others
        Fields of these two by their own name, as earlier releases took them; deprecated.

    Returns
    -------
    Monitoring

    Raises
    ------
    ConfigError
        If a frame lacks its keys or has a snapshot twice.

    Notes
    -----
    With 100 accounts on both sides and 60 features that do not drift, less than ``Alarms.alpha`` of the runs alarm; a
    population stability index above 0.1, the convention, alarms in nearly all of them
    (``tests/monitor/test_false_alarms.py``).
    Run every night for a year, a rate of 1 percent still means three or four false alarms: act on alarms that last.

    Performance without labels is estimated from the probabilities (`csrisk.monitoring.expected_performance`), which
    cannot see concept drift.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> import csrisk as cr
    >>> chance = np.random.default_rng(0)
    >>> def book(date, days):
    ...     index = pd.MultiIndex.from_product([range(200), [pd.Timestamp(date)]], names=["account_id", "as_of"])
    ...     return pd.DataFrame({"days_since_use": chance.exponential(days, 200)}, index=index)
    >>> calm = cr.monitor(book("2025-01-01", 10), book("2025-06-01", 10))
    >>> gone = cr.monitor(book("2025-01-01", 10), book("2025-06-01", 40))
    >>> [check.code for check in calm.failed], [check.code for check in gone.failed]
    ([], ['CSM001'])
    >>> gone.goals.loc["footprint", "furthest"]
    'days_since_use'
    """
    training = grouped("monitor", "training", TrainingFacts, training, others) or TrainingFacts()
    alarms = grouped("monitor", "alarms", Alarms, alarms, others) or Alarms()
    require_none_left("monitor", others)
    tested, trained_at = training.tested, training.trained_at
    every = _keyed(scored, "scored")
    dates = every.index.get_level_values("as_of")
    as_of = pd.Timestamp(dates.max())
    book = every[dates == as_of]
    base = reference.reset_index(drop=True)
    # features of the user carry their declarations with the frame, as their names tell no goal
    if goals is None and (own := attached(scored)):
        goals = {**goals_of(book.columns), **{feature.name: str(feature.goal) for feature in own}}
    found = goals_of(book.columns, goals)
    if min(len(base), len(book)) < LEAST_ACCOUNTS:
        found, base = {}, base[[]]  # too few to tell drift from chance
    drift = drift_table(base, book, found, usual=training.usual, alpha=alarms.alpha, limit=alarms.limit)
    # a missing probability has no outcome to be drawn from
    expected = expected_performance(book[_RISK]) if _RISK in book and book[_RISK].notna().all() else None
    told, came, backfilled = _told(every, labels, trained_at)
    realised = None if came is None else evaluate_scores(came, told, probability=True)
    checks = (
        rules.check_drift_of(drift, "feature", alarms.alpha, alarms.limit),
        rules.check_drift_of(drift, "score", alarms.alpha, alarms.limit),
        rules.check_told(pd.Series(dtype="boolean") if came is None else came, told, backfilled),
        rules.check_realised(realised, tested, backfilled),
        rules.check_expected(expected, tested),
        rules.check_age(as_of, trained_at, whole_days(alarms.max_age, "max_age", minimum=1)),
        rules.check_feeds(feeds),
        # the reference may be a sample of its book, whose size says nothing
        rules.check_book(training.accounts or len(reference), len(book)),
        *guards,
    )
    performance = _performance(tested, expected, realised)
    return Monitoring(as_of, checks, drift, drift_by_goal(drift, base, book), performance)


def _told(every: pd.DataFrame, labels: pd.Series | None, trained_at: Any) -> tuple[pd.Series, pd.Series | None, str]:
    """Risks that were told beforehand, and what came of them (None where no label has arrived); what is left out."""
    if labels is None or not len(labels) or _RISK not in every:
        return pd.Series(dtype=float), None, ""
    frame = _keyed(labels.rename("outcome").to_frame(), "labels")
    # nullable: snapshots without a label stay missing, and are no stayers
    came = frame["outcome"].astype("boolean").reindex(every.index)
    known = (came.notna() & every[_RISK].notna()).to_numpy(dtype=bool)
    dates = every.index.get_level_values("as_of")
    back = np.zeros(len(every), dtype=bool) if trained_at is None else dates < pd.Timestamp(trained_at)
    # the model has learned from what came after them, so they would flatter it
    left = known & back
    words = ""
    if left.any():
        words = (
            f"{number(left.sum(), 0)} scores of {dates[left].nunique()} dates before {day(pd.Timestamp(trained_at))} "
            "are "
            "left out, as the model was trained with what came of them"
        )
    known = known & ~back
    return every.loc[known, _RISK], came[known] if known.any() else None, words


def _keyed(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    keyed = frame if list(frame.index.names) == _KEYS else None
    if keyed is None and set(_KEYS) <= set(frame.columns):
        keyed = frame.set_index(_KEYS)
    if keyed is None or not len(keyed):
        raise ConfigError(f"{name}: {len(frame)} rows; it needs rows, and account_id and as_of as index or columns")
    # a snapshot that stands twice would count twice in every share, and labels would find no single row
    twice = int(keyed.index.duplicated().sum())
    if twice:
        raise ConfigError(f"{name}: {twice} snapshots stand twice; keep one row for each account and as_of")
    return keyed


def _performance(
    tested: pd.DataFrame | None, expected: pd.DataFrame | None, realised: pd.DataFrame | None
) -> pd.DataFrame:
    parts = []
    for name, table in {"tested": tested, "expected": expected, "realised": realised}.items():
        if table is not None:
            middle = "expected" if name == "expected" else "estimate"
            names = {middle: name, "low": f"{name}_low", "high": f"{name}_high"}
            parts.append(table[list(names)].rename(columns=names))
    if not parts:
        return pd.DataFrame(index=pd.Index([], name="metric"))
    joined = pd.concat(parts, axis=1)
    # those that can be expected without labels; counts and calibration cannot
    order = ["auc", "average_precision", "lift_at_10", "log_loss", "brier", "event_rate"]
    return joined.reindex([name for name in order if name in joined.index]).rename_axis("metric")


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    # as objects: a column of floats would turn None back into NaN, which JSON does not know
    flat = table.reset_index().astype(object)
    rows = flat.where(flat.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]
