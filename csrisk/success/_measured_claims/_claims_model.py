"""Whether a model leans on effort more than on delight, by taking either away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._labelling import label_churn
from csrisk._snapshots import Snapshots
from csrisk.evaluation._measuring import model_event
from csrisk.features import ContactEffort
from csrisk.success._measured_claims._shares import Array, Estimate, auc_lead

if TYPE_CHECKING:
    from csrisk._days import Duration
    from csrisk.data import CustomerData

__all__ = ["effort_in_model"]

# one shuffle is one draw; the areas of several are averaged
_SHUFFLES = 5
_DELIGHT = ("nps_", "csat_", "promoter_", "detractor_")


def effort_in_model(data: CustomerData, model: Any, X: pd.DataFrame, horizon: Duration, lead: Duration) -> Estimate:
    """Area that a model loses without its effort features less that without NPS and CSAT.

    A group is taken away by shuffling its columns together within each date, which keeps how they go together.
    """
    own = {feature.name for feature in ContactEffort().features}
    effort = [name for name in X if str(name) in own or str(name).startswith("ces_")]
    delight = [name for name in X if str(name).startswith(_DELIGHT)]
    pairs = X.index.to_frame(index=False)
    left = label_churn(data, Snapshots.of(data, pairs, lead=lead, horizon=horizon)).reindex(X.index)
    known = left.notna().to_numpy()
    if not (effort and delight and known.any()):
        return Estimate()
    without_delight, without_effort = (_without(model, X, columns)[known] for columns in (delight, effort))
    accounts = pd.factorize(X.index[known].get_level_values("account_id"))[0]
    return auc_lead(without_delight, without_effort, left[known].to_numpy(dtype=bool), accounts)


def _without(model: Any, X: pd.DataFrame, columns: list[Any]) -> Array:
    """Risks with some columns shuffled among the accounts of a date, a column for each shuffle."""
    # the same shuffles for both groups of features, so that their difference holds less chance
    rng = np.random.default_rng(0)
    classes, event = model_event(model)
    place = pd.Series(np.arange(len(X)))
    dates = X.index.get_level_values("as_of").to_numpy()
    drawn = []
    for _ in range(_SHUFFLES):
        # within a date: what changes with the calendar stays with the model
        order = place.groupby(dates).transform(lambda rows: rng.permutation(rows.to_numpy())).to_numpy()
        shuffled = X.copy()
        shuffled[columns] = X[columns].iloc[order].set_axis(X.index)
        drawn.append(np.asarray(model.predict_proba(shuffled))[:, classes.index(event)])
    return np.column_stack(drawn)
