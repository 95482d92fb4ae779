"""Durations and whether they end in churn, read in one way for models and measures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from csrisk.models._align import align, floats

__all__ = ["read_times"]


def read_times(
    y: Any, index: pd.Index | None, other: str, *, reorder: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read durations in days, and whether churn ends them.

    Parameters
    ----------
    y : DataFrame
        Columns ``duration`` (days, or a time span) and ``event``; rows with a missing value are left out.
    index : pd.Index or None
        Rows wanted.
    other : str
        What the rows are called, for the message.
    reorder : bool
        Take the same rows in another order.

    Returns
    -------
    tuple of ndarray
        Positions of the rows that are known, their durations above 0, and whether churn ends them.

    Raises
    ------
    ValueError
        If a column is missing, a duration is not above 0 or infinite, or an event is neither true nor false.
    """
    missing = [name for name in ("duration", "event") if name not in getattr(y, "columns", ())]
    if missing or not isinstance(y, pd.DataFrame):
        raise ValueError(f"y: columns {missing} are missing in a pandas frame; label_time_to_churn makes both")
    y = align(y, index, "y", other, reorder=reorder)
    known = y[["duration", "event"]].notna().all(axis=1).to_numpy()
    duration = _days(y["duration"][known])
    event = floats(y["event"][known], "y['event']")
    wrong = int((~np.isin(event, (0, 1))).sum())
    if wrong:
        raise ValueError(
            f"y: {wrong} of {len(event)} events are neither true nor false; churn is true, censoring false"
        )
    beyond = int((~((duration > 0) & np.isfinite(duration))).sum())
    if beyond:
        raise ValueError(f"y: {beyond} durations are not above 0 or infinite")
    return np.flatnonzero(known), duration, event.astype(bool)


def _days(durations: pd.Series) -> np.ndarray:
    """Days as numbers; a time span of numpy or Arrow is divided, as its number would be nanoseconds."""
    if getattr(durations.dtype, "kind", "O") == "m":
        durations = durations.astype("timedelta64[us]") / np.timedelta64(1, "D")
    return floats(durations, "y['duration']")
