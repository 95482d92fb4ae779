"""What a report says beside its book: the distance to the best customers, the forward test by age and by lead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk._days import whole_days
from csrisk._labelling import label_churn
from csrisk._snapshots import Snapshots
from csrisk.evaluation._measuring import BASE_RATE
from csrisk.exceptions import NotEnoughDataError
from csrisk.success import best_customers, gap_to_best

if TYPE_CHECKING:
    from csrisk._explain import Explanation
    from csrisk._pipeline._learning._panel import Panel
    from csrisk._pipeline._settings._spec import RiskSpec
    from csrisk.data import CustomerData
    from csrisk.evaluation import Backtest

__all__ = ["ages_and_leads", "distance_to_best"]

# days by which churn begins later than asked for: the same snapshots against each of them
_LATER = (0, 30, 60, 90)


def distance_to_best(model: Any, spec: RiskSpec, quadrant: pd.Series, why: Explanation) -> Explanation | None:
    """Explain the book against its best customers: those in the success quadrant who are likely to stay."""
    risk = pd.Series(why.prediction / 100, index=why.index)  # from percentage points
    best = best_customers(quadrant.astype(object).reindex(why.index), risk)
    try:
        options: dict[str, Any] = {"declarations": why.declarations, "n_reference": spec.reference.rows}
        return gap_to_best(model, why.background.values, best, **options)  # a field
    except NotEnoughDataError:  # fewer than ten accounts are known to be among the best
        return None


def ages_and_leads(
    spec: RiskSpec, data: CustomerData, past: Panel, found: Backtest
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Measure the forward test by age of the model, and against churn that begins later."""
    lead, label = whole_days(spec.snapshots.lead, "lead"), spec.label
    told: dict[str, Any] = {"kind": label.kind, "grace": label.grace, "look_back": spec.snapshots.look_back}
    seen = found.fresh.droplevel("trained_at").index
    pairs = past.snapshots.index[past.snapshots.index.isin(seen)]
    labels = {}
    for days in (lead + later for later in _LATER):
        shifted = Snapshots.of(data, pairs, lead=days, horizon=spec.snapshots.horizon)
        churn = label_churn(data, shifted, **told)
        if len(churn.dropna().unique()) > 1:  # an AUC needs both outcomes
            labels[days] = churn
    return _scored(found.by_age()), _scored(found.by_lead(labels)) if labels else None


def _scored(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out the base rate, which ranks nobody."""
    return table[table.index.get_level_values("score") != BASE_RATE]
