"""What a health score is worth: its ranking, its red band, and the churners it called green."""

from __future__ import annotations

import numpy as np
import pandas as pd

from csrisk.evaluation import evaluate_scores
from csrisk.evaluation._measuring import interval, read_rows, resampled
from csrisk.models._rows import align
from csrisk.success._plans._health import health_band

__all__ = ["health_quality"]


def health_quality(
    health: pd.Series,
    churn: pd.Series,
    *,
    red: float = 40.0,
    green: float = 60.0,
    n_bootstrap: int = 200,
    random_state: int = 0,
) -> pd.DataFrame:
    """Measure a health score against what happened.

    Two rules of thumb of the field are checked: the red band should churn at least three times as often as the book,
    and most churners should not have been green two or three months before. For the second, take snapshots with a lead
    of 60 days and a horizon of 30.

    Parameters
    ----------
    health : pandas.Series
        Score in [0, 100], higher is healthier; missing ones are left out.
    churn : pandas.Series
        Label on the same index; missing ones are left out.
    red, green : float
        Limits of the bands, as in `health_band`.
    n_bootstrap : int, default 200
        Draws of whole accounts for the intervals.
    random_state : int, default 0
        Seed.

    Returns
    -------
    pandas.DataFrame
        Index metric; ``estimate``, ``low``, ``high`` (95 %): ``auc``, ``lift_at_10``, ``red_share`` and ``green_share``
        of snapshots, ``red_lift`` (churn rate of the red band over that of all; rule of thumb at least 3),
        ``churners_not_green`` (share), and the counts ``n_snapshots, n_accounts, n_events``.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import health_quality
    >>> table = health_quality(pd.Series([10.0, 50.0, 90.0, 90.0]), pd.Series([1, 0, 0, 0]), n_bootstrap=0)
    >>> table.loc[["auc", "red_lift", "churners_not_green"], "estimate"].tolist()
    [1.0, 4.0, 1.0]
    """
    churn = align(churn, health.index, "churn", "health")
    known = (health.notna() & churn.notna()).to_numpy()
    health, churn = health[known], churn[known]
    # a score of risk is high for those who leave, a score of health low
    table = evaluate_scores(churn, 100 - health, n_bootstrap=n_bootstrap, random_state=random_state)
    rows = read_rows(churn, scores={"health": health})
    y = rows.target
    band = health_band(pd.Series(rows["health"]), red=red, green=green)
    is_red, is_green = (band == "red").to_numpy(dtype=float), (band == "green").to_numpy(dtype=float)

    def metrics(weights: np.ndarray) -> dict[str, np.ndarray]:
        total, events = weights.sum(axis=1), weights @ y
        with np.errstate(divide="ignore", invalid="ignore"):
            return {
                "red_share": weights @ is_red / total,
                "green_share": weights @ is_green / total,
                "red_lift": (weights @ (is_red * y) / (weights @ is_red)) / (events / total),
                "churners_not_green": weights @ (y * (1 - is_green)) / events,
            }

    estimate, drawn = resampled(metrics, rows.codes, n_bootstrap, random_state)
    bands = pd.DataFrame({"estimate": estimate}).join(interval(drawn))
    counts = table.loc[["n_snapshots", "n_accounts", "n_events"]]
    return pd.concat([table.loc[["auc", "lift_at_10"]], bands, counts]).rename_axis("metric")
