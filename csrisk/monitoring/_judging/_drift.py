"""Drift by goal: features and scores of a book against those of a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._goals import Goal
from csrisk.exceptions import ConfigError, FeatureError
from csrisk.features import declared
from csrisk.monitoring._distance import distance_table

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["drift_by_goal", "drift_table", "goals_of"]

LEAST_ACCOUNTS = 50
USUAL_FACTOR = 1.5
SCORES = ("churn_probability", "expansion_probability")
_COLUMNS = ["goal", "kind", "distance", "usual", "p_value", "adjusted", "drifts"]


def goals_of(columns: pd.Index, goals: Mapping[str, str] | None = None) -> dict[str, str]:
    """Say which columns are features, and of which goal.

    Parameters
    ----------
    columns : pandas.Index
        Columns of a scored frame.
    goals : mapping of str to str, optional
        Goal by feature; default reads the declarations of the default builders.

    Returns
    -------
    dict of str to str
        In the order of the columns; those that are no feature are left out.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.monitoring import goals_of
    >>> goals_of(pd.Index(["active_days_30d", "my_own"]))
    {'active_days_30d': 'footprint'}
    """
    if goals is not None:
        return {str(name): str(goals[name]) for name in columns if name in goals}
    found = {}
    for name in map(str, columns):
        try:
            found[name] = str(declared([name])[0].goal)
        # identifiers, scores and columns of the user are no features that csrisk declares
        except FeatureError:
            continue
    return found


def drift_table(
    reference: pd.DataFrame,
    new: pd.DataFrame,
    goals: Mapping[str, str],
    *,
    usual: pd.Series | None = None,
    alpha: float = 0.01,
    limit: float = 0.1,
) -> pd.DataFrame:
    """Compare features and scores of two books, column by column.

    A column drifts where chance explains its distance with less than `alpha` over all columns of its kind together,
    the distance is `limit` at least, and it is one and a half times the usual one at least.

    Parameters
    ----------
    reference, new : pandas.DataFrame
        Books, one row of each account.
    goals : mapping of str to str
        Goal by feature.
    usual : pandas.Series, optional
        Distance by column between two ordinary dates: a book that ages is no alarm.
    alpha : float
        Chance of one false alarm or more among the features, and among the scores.
    limit : float
        Smallest distance that counts.

    Returns
    -------
    pandas.DataFrame
        Index column; ``goal``, ``kind`` ("feature" or "score"), ``distance`` (share of accounts), ``usual``,
        ``p_value``, ``adjusted``, ``drifts``.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.monitoring import drift_table
    >>> before, now = pd.DataFrame({"logins": range(100)}), pd.DataFrame({"logins": range(60, 160)})
    >>> found = drift_table(before, now, {"logins": "footprint"}).loc["logins"]
    >>> found["goal"], round(float(found["distance"]), 2), bool(found["drifts"])
    ('footprint', 0.6, True)
    """
    shared = [name for name in new.columns if name in reference.columns]
    points = {f"{goal}_points": str(goal) for goal in Goal}
    kinds = {
        "feature": {name: goals[name] for name in shared if name in goals},
        "score": {name: points.get(name, "all") for name in shared if name in points or name in SCORES},
    }
    parts = []
    # apart: alpha holds for the features together, and for the scores together
    for kind, columns in kinds.items():
        # a column without a value on both sides cannot drift, and would cost the others a test
        there = [name for name in columns if reference[name].notna().any() or new[name].notna().any()]
        table = distance_table(reference, new, there)
        table["goal"], table["kind"] = [columns[name] for name in there], kind
        table["usual"] = 0.0 if usual is None else usual.reindex(there).fillna(0.0).to_numpy()
        parts.append(table)
    found = pd.concat(parts)
    # large books make any difference sure: it has to matter too, and be more than ageing
    far = (found["distance"] >= limit) & (found["distance"] >= USUAL_FACTOR * found["usual"])
    return found.assign(drifts=far & (found["adjusted"] < alpha))[_COLUMNS]


def drift_by_goal(drift: pd.DataFrame, reference: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Sum up drift over the features and the score of each goal.

    Parameters
    ----------
    drift : pandas.DataFrame
        What `drift_table` gave.
    reference, new : pandas.DataFrame
        The books it was given.

    Returns
    -------
    pandas.DataFrame
        Index goal; ``features``, ``drifting``, ``furthest`` (feature), ``distance`` (its distance), ``score_distance``
        (of the goal's points), ``points_before`` and ``points_now`` (means), ``drifts`` (a feature or the score does).

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.monitoring import drift_by_goal, drift_table
    >>> before, now = pd.DataFrame({"logins": range(100)}), pd.DataFrame({"logins": range(60, 160)})
    >>> drift = drift_table(before, now, {"logins": "footprint"})
    >>> drift_by_goal(drift, before, now).loc["footprint", "furthest"]
    'logins'
    """
    rows = []
    for goal in map(str, Goal):
        own = drift[(drift["goal"] == goal) & (drift["kind"] == "feature")]
        name = f"{goal}_points"
        score = drift.loc[name] if name in drift.index else None
        if own.empty and score is None:
            continue
        rows.append(
            {
                "goal": goal,
                "features": len(own),
                "drifting": int(own["drifts"].sum()),
                "furthest": None if own.empty else own["distance"].idxmax(),
                "distance": own["distance"].max() if len(own) else np.nan,
                "score_distance": np.nan if score is None else score["distance"],
                "points_before": reference[name].mean() if score is not None else np.nan,
                "points_now": new[name].mean() if score is not None else np.nan,
                "drifts": bool(own["drifts"].any() or (score is not None and score["drifts"])),
            }
        )
    names = ["goal", "features", "drifting", "furthest", "distance", "score_distance", "points_before", "points_now"]
    return pd.DataFrame(rows, columns=[*names, "drifts"]).set_index("goal")


def check_settings(alpha: float, limit: float) -> None:
    """Refuse settings that make no sense."""
    for name, value in (("alpha", alpha), ("limit", limit)):
        if not 0 < value < 1:
            raise ConfigError(f"{name}={value!r} must lie between 0 and 1")
