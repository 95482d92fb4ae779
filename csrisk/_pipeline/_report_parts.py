"""What a report says beside its book: the books before it, and the distance to the best customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk._days import whole_days
from csrisk._evaluation._backtest import BASE_RATE
from csrisk._explain import Reference, explain
from csrisk._labels import label_churn
from csrisk._pipeline._panel import book, features_of
from csrisk._snapshots import Snapshots
from csrisk.exceptions import NotEnoughDataError, SnapshotError
from csrisk.success import best_customers, gap_to_best

if TYPE_CHECKING:
    from csrisk._evaluation import Backtest
    from csrisk._explain import Explanation
    from csrisk._pipeline._panel import Panel
    from csrisk._pipeline._spec import RiskSpec
    from csrisk.data import CustomerData

__all__ = ["ages_and_leads", "books_before", "distance_to_best"]

_MONTHS = 6
_MOST_ROWS = 20_000
_LATER = (0, 30, 60, 90)


def books_before(
    model: Any, spec: RiskSpec, data: CustomerData, why: Explanation, reference: pd.DataFrame
) -> Explanation | None:
    """Explain the same book on the same day of the months before, against the same reference.

    Parameters
    ----------
    model : ChurnModel
        The model of the book.
    spec : RiskSpec
        Who is eligible, and which features count.
    data : CustomerData
        The tables.
    why : Explanation
        The book.
    reference : pandas.DataFrame
        What the book is compared with.

    Returns
    -------
    Explanation or None
        Six months, or as many as keep this below 20,000 snapshots, at least one; None where nobody was eligible.
    """
    as_of = pd.Timestamp(why.index.get_level_values("as_of").max())
    months = max(1, min(_MONTHS, _MOST_ROWS // max(1, len(why))))
    dates = [as_of - pd.DateOffset(months=back) for back in range(months, 0, -1)]
    known = [date for date in dates if date > data.start]
    if not known:
        return None
    try:
        X = features_of(spec, data, book(spec, data, known))
    except SnapshotError:
        return None
    against = why.background.values if spec.reference.kind == "book" else reference  # noqa: PD011  # a field
    rows = Reference(against, "book", why.reference_words)
    return explain(model, X, reference=rows, declarations=why.declarations, n_reference=spec.reference.rows)


def distance_to_best(model: Any, spec: RiskSpec, quadrant: pd.Series, why: Explanation) -> Explanation | None:
    """Explain the book against its best customers: those in the success quadrant who are likely to stay.

    Parameters
    ----------
    model : ChurnModel
        The model of the book.
    spec : RiskSpec
        How many rows stand for the best.
    quadrant : pandas.Series
        Place of each account in the success quadrant, as the score table has it.
    why : Explanation
        The book.

    Returns
    -------
    Explanation or None
        None where fewer than ten accounts are known to be among the best.
    """
    risk = pd.Series(why.prediction / 100, index=why.index)
    best = best_customers(quadrant.astype(object).reindex(why.index), risk)
    try:
        options: dict[str, Any] = {"declarations": why.declarations, "n_reference": spec.reference.rows}
        return gap_to_best(model, why.background.values, best, **options)  # a field
    except NotEnoughDataError:
        return None


def ages_and_leads(
    spec: RiskSpec, data: CustomerData, past: Panel, found: Backtest
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Measure the forward test by age of the model, and against churn that begins later.

    Parameters
    ----------
    spec : RiskSpec
        Kind of label, lead and horizon.
    data : CustomerData
        The tables.
    past : Panel
        Labelled snapshots.
    found : Backtest
        The forward test.

    Returns
    -------
    ages : pandas.DataFrame
        Index (age, score).
    leads : pandas.DataFrame or None
        Index (lead, score): the same snapshots against churn that begins 0, 30, 60 and 90 days later than asked for, as
        far as it is observed and both outcomes occur.
    """
    lead, label = whole_days(spec.snapshots.lead, "lead"), spec.label
    told: dict[str, Any] = {"kind": label.kind, "grace": label.grace, "look_back": spec.snapshots.look_back}
    seen = found.fresh.droplevel("trained_at").index
    pairs = past.snapshots.index[past.snapshots.index.isin(seen)]
    labels = {}
    for days in (lead + later for later in _LATER):
        shifted = Snapshots.of(data, pairs, lead=days, horizon=spec.snapshots.horizon)
        churn = label_churn(data, shifted, **told)
        if len(churn.dropna().unique()) > 1:
            labels[days] = churn
    return _scored(found.by_age()), _scored(found.by_lead(labels)) if labels else None


def _scored(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out the base rate, which ranks nobody."""
    return table[table.index.get_level_values("score") != BASE_RATE]
