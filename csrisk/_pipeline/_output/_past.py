"""The past of a book, for its report: the books before it, the risk of each account, what was told and what came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from csrisk._explain import Reference, explain
from csrisk._pipeline._learning._panel import book, features_of, grown, outcomes, settling_days
from csrisk._pipeline._output._history import of_accounts, read_scores
from csrisk.exceptions import ConfigError, SnapshotError
from csrisk.report._accounts import GOALS_SHOWN

if TYPE_CHECKING:
    from pathlib import Path

    from csrisk._explain import Explanation
    from csrisk._pipeline._pipeline import RiskPipeline
    from csrisk._pipeline._settings._spec import RiskSpec
    from csrisk.data import CustomerData

__all__ = ["Past", "PastFound", "look_back"]

# months whose whole book is explained: fewer where they hold more than _MOST_ROWS snapshots, but at least one
_BOOKS = 6
_MONTHS = 12
_MOST_ROWS = 20_000
_RISK = "churn_probability"
_IN_SAMPLE = (
    "Told by the model of today for that day, from what was known then. It learned from what came of these very "
    "accounts, which flatters it; scores that were kept, handed over as history, say what was really told."
)
_TRAINED_BEFORE = "Told by the model of today, which was trained before that day and knew nothing that came later."
_TESTED = "Told by a model of the forward test, which knew nothing that came later."
_WRITTEN = "Told by the scores that were handed over{others}."


# eq=False: frames have no truth value, so that == of two of these would fail
@dataclass(frozen=True, eq=False)
class Past:
    """What a report is to say of the past: an earlier book, scores that were kept, and how many months.

    Parameters
    ----------
    previous : date or Explanation, optional
        An earlier book, to say what moved since; default is the same day of the six months before.
    history : pandas.DataFrame or path, optional
        Scores of earlier dates, or a folder of score files: the report holds the last ones whose outcome is known
        against what happened. After `RiskPipeline.fit`, ``tested_`` may stand for them. Without, what the model gives
        for the past, which flatters it, and the report says so.
    months : int, default 12
        Months over which the risk of each account is followed, as the model of today gives it; at most 12, and 0 leaves
        both this and what was told out.

    Raises
    ------
    ConfigError
        If the months are out of range.

    Examples
    --------
    >>> from csrisk.pipeline import Past
    >>> Past(history="scores", months=6).previous is None
    True
    """

    previous: Any = None
    history: pd.DataFrame | str | Path | None = None
    months: int = _MONTHS

    def __post_init__(self) -> None:
        if not 0 <= self.months <= _MONTHS:
            raise ConfigError(f"months={self.months} of the past must lie between 0 and {_MONTHS}")


@dataclass(frozen=True)
class PastFound:
    """What `csrisk.write_report` takes of the past, under its names."""

    previous: Explanation | None
    history: pd.DataFrame | None = None
    learned_until: str | None = None
    told: pd.DataFrame | None = None
    told_by: str = ""


# what the last report of some data found: its other forms, as JSON beside HTML, say the same past
_found: WeakKeyDictionary[CustomerData, tuple[tuple[Any, ...], PastFound]] = WeakKeyDictionary()


def look_back(pipeline: RiskPipeline, data: CustomerData, why: Explanation, order: pd.Index, asked: Past) -> PastFound:
    """Score and explain the past of a book with its model, each date from what was known then."""
    # dates and tables that are handed over may be others under the same name
    if asked.previous is not None or asked.history is not None:
        return _look_back(pipeline, data, why, order, asked)
    accounts = tuple(map(tuple, (why.index, order)))
    key = (pipeline.model_id_, pipeline.spec_, asked.months, why.reference_words, why.declarations, *accounts)
    if data not in _found or _found[data][0] != key:
        _found[data] = key, _look_back(pipeline, data, why, order, asked)
    return _found[data][1]


def _look_back(pipeline: RiskPipeline, data: CustomerData, why: Explanation, order: pd.Index, asked: Past) -> PastFound:
    as_of = pd.Timestamp(why.index.get_level_values("as_of").max())
    given = asked.previous
    if given is not None and not hasattr(given, "goals"):  # a date
        given = pipeline.explain(data, given)
    books = 0 if given is not None else max(1, min(_BOOKS, _MOST_ROWS // max(1, len(why))))
    told, told_by = (None, "") if not asked.months else _kept_scores(pipeline, data, as_of, asked.history)
    # scores that were kept say what was really told; the model asks itself only where there are none
    own = _settled(pipeline.spec_, data, as_of) if told is None and asked.months else None
    own = None if own is None or own <= data.start else own
    monthly = [as_of - pd.DateOffset(months=back) for back in range(1, max(books, asked.months) + 1)]
    X = _features(pipeline.spec_, data, why, monthly, [*monthly[:books], *([] if own is None else [own])])
    if X is None:
        return PastFound(given, told=told, told_by=told_by)
    dates = X.index.get_level_values("as_of")
    previous = given
    if books and dates.isin(monthly[:books]).any():
        previous = _explained(pipeline, X[dates.isin(monthly[:books])], why)
    if not asked.months:
        return PastFound(previous)
    # the record says '2024-01-01 to 2025-06-01', of which the end is meant
    learned = str(pipeline.record_.facts.get("first and last snapshot", "")).rpartition(" to ")[2] or None
    if own is not None and (dates == own).any():
        now = X[dates == own]
        told = _with_outcomes(pipeline.spec_, data, _risks(pipeline, now), as_of)
        trained = pd.Timestamp(str(pipeline.record_.facts.get("trained at", as_of)))
        # `trained at` is the first day that the model knows nothing of, so that day itself is ahead of it
        told_by = _TRAINED_BEFORE if trained <= own else _IN_SAMPLE
    history = _history(pipeline, X[dates.isin(monthly[: asked.months])], why, order, previous if books else None)
    return PastFound(previous, history, learned, told, told_by)


def _features(
    spec: RiskSpec, data: CustomerData, why: Explanation, monthly: list[pd.Timestamp], whole: list[pd.Timestamp]
) -> pd.DataFrame | None:
    """Features of all dates at once: whole books where books are compared, else the accounts of this book alone."""
    dates = sorted({date for date in (*monthly, *whole) if date > data.start})
    if not dates:
        return None
    try:
        seen = book(spec, data, dates)
    # a portfolio so young has no book before this one, which is no error of its report
    except SnapshotError:
        return None
    here = seen.index.get_level_values("account_id").isin(why.index.get_level_values("account_id"))
    return features_of(spec, data, seen[np.asarray(seen.as_of.isin(whole)) | here])


def _explained(pipeline: RiskPipeline, X: pd.DataFrame, why: Explanation) -> Explanation:
    """Explain against the reference of the book."""
    spec = pipeline.spec_
    # what the book of today is compared with: points against another reference could not be set beside its own
    against = why.background.values if spec.reference.kind == "book" else pipeline.reference_  # noqa: PD011  # a field
    first = spec.reference.first
    reference = Reference(against, "book", why.reference_words, first, first=first is not None)
    options: dict[str, Any] = {"declarations": why.declarations, "n_reference": spec.reference.rows}
    return explain(pipeline.model_, X, reference=reference, **options)


def _risks(pipeline: RiskPipeline, X: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({_RISK: pipeline.model_.predict_proba(X)[:, 1]}, index=X.index)


def _history(
    pipeline: RiskPipeline, X: pd.DataFrame, why: Explanation, order: pd.Index, known: Explanation | None
) -> pd.DataFrame | None:
    """Risks of the accounts of the book on the past dates, and goals of the first ones in order of priority."""
    accounts = X.index.get_level_values("account_id")
    X = X[accounts.isin(why.index.get_level_values("account_id"))]
    if not len(X):
        return None
    found = _risks(pipeline, X)
    # goals of the past are drawn on the first cards alone, and explaining is what costs
    first = X.index.get_level_values("account_id").isin(order[:GOALS_SHOWN])
    # accounts of the earlier books are explained already
    missing = X[first & (True if known is None else ~X.index.isin(known.index))]
    parts = [known, _explained(pipeline, missing, why) if len(missing) else None]
    goals = [part.goals() for part in parts if part is not None]
    if not goals:
        return found
    points = pd.concat(goals)[list(map(str, why.goals_present))]
    return found.join(points.reindex(X.index[first]).add_suffix("_points"))


def _settled(spec: RiskSpec, data: CustomerData, as_of: pd.Timestamp) -> pd.Timestamp:
    """Last date whose window, and the days in which a renewal may come late, are over."""
    return as_of - pd.Timedelta(days=settling_days(spec, data))


def _kept_scores(
    pipeline: RiskPipeline, data: CustomerData, as_of: pd.Timestamp, history: pd.DataFrame | str | Path | None
) -> tuple[pd.DataFrame | None, str]:
    """Scores that were told before anything came of them, as far as what came is settled, and who told them."""
    if history is None:
        return None, ""
    tested: pd.DataFrame | None = getattr(pipeline, "tested_", None)
    # told by identity, as scores of the forward test have no model_id
    if tested is not None and history is tested:
        return _last_settled(pipeline.spec_, data, tested, as_of), _TESTED
    scores = of_accounts(read_scores(history), data.accounts)
    told = _last_settled(pipeline.spec_, data, scores, as_of)
    if told is None:
        return None, ""
    others = (told["model_id"] != pipeline.model_id_).any()
    return told, _WRITTEN.format(others=", by another model than that of today" if others else "")


def _last_settled(spec: RiskSpec, data: CustomerData, scores: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame | None:
    """Scores of the last date whose outcome is known for nearly all, with the outcome."""
    dates = scores.index.get_level_values("as_of")
    past = dates[dates <= _settled(spec, data, as_of)]
    return None if not len(past) else _with_outcomes(spec, data, scores[dates == past.max()], as_of)


def _with_outcomes(
    spec: RiskSpec, data: CustomerData, scores: pd.DataFrame, as_of: pd.Timestamp
) -> pd.DataFrame | None:
    index = cast("pd.MultiIndex", scores.index)
    left = outcomes(spec, data, index, as_of).dropna()  # too early to say counts neither way
    if not len(left):
        return None
    told = scores.loc[left.index].assign(left=left.astype(bool))
    more = grown(spec, data, index, as_of)
    return told if more is None else told.assign(grew=more.reindex(told.index))
