"""Durations, whether they end in churn, and the periods they are cut into, read in one way for models and measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk.models._rows._align import align, floats

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check_periods", "read_times", "rising"]

_MOST_PERIODS, _LONGEST, _SHOWN = 400, 36_500, 60


def read_times(
    y: Any, index: pd.Index | None, other: str, *, reorder: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read durations in days, and whether churn ends them."""
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


def check_periods(edges: Sequence[int], n_periods: int) -> None:
    """Refuse ends of periods that do not rise, and a number of periods that they do not have."""
    if not 1 <= n_periods <= len(rising(edges)):
        raise ValueError(f"n_periods={n_periods}: must be 1 to {len(edges)}")


def rising(edges: Sequence[int]) -> np.ndarray:
    """Read the ends of periods: whole days that rise."""
    ends = np.atleast_1d(np.asarray(edges))
    is_whole = ends.ndim == 1 and ends.dtype.kind in "iuf" and bool((ends == np.rint(ends)).all())
    # an edge of 0 would be a period without a day
    if not is_whole or not 0 < len(ends) <= _MOST_PERIODS or ends[0] <= 0 or (np.diff(ends) <= 0).any():
        raise ValueError(
            f"edges={_short(edges)}: must be whole days above 0 that rise, at most {_MOST_PERIODS} of them, "
            "as each makes one more row of a snapshot"
        )
    if ends[-1] > _LONGEST:
        raise ValueError(f"edges={_short(edges)}: must be at most {_LONGEST} days, a century")
    return ends.astype(np.int64)


def _short(edges: object) -> str:
    text = repr(list(edges) if isinstance(edges, tuple | list | np.ndarray) else edges)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
