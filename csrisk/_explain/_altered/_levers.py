"""Levers: what a team can move, and the features that move with it. Declared here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

__all__ = ["LEVERS", "NOTE", "Lever", "Move", "segment_column"]

NOTE = "The model's answer for an account with these values; not the effect of bringing them about."
_NOTHING_LEFT = float("nan")
_SEGMENT = "account_segment"


@dataclass(frozen=True, slots=True)
class Move:
    """What happens to one feature."""

    feature: str  # left out where a model does not have it
    target: float | Literal["segment"]  # a value, NaN where nothing is left to measure, or the median of the segment
    share: float = 1.0  # how much of the way
    only: int = 0  # -1 only down, 1 only up: a value past the target stays

    def moved(self, value: pd.Series, typical: pd.Series | None, strength: float = 1.0) -> pd.Series:
        """Move values; what is unknown stays unknown."""
        value = value.astype("float64")
        target = typical if typical is not None else pd.Series(float(self.target), index=value.index)
        if typical is None and target.isna().all():
            # the last of it goes only when all of it does
            return value if strength < 1 else target
        way = target - value
        if self.only:
            way = way.where(way * self.only > 0, 0.0)
        return value + self.share * strength * way.fillna(0.0)


@dataclass(frozen=True, slots=True)
class Lever:
    """One lever."""

    name: str
    moves: tuple[Move, ...]
    stays: str = ""  # what would follow in truth but stays as it is, in words


def segment_column(columns: list[str]) -> str | None:
    """Column of the segment; None where a model has none."""
    return _SEGMENT if _SEGMENT in columns else None


_LOOPS = ("90d", "180d", "365d")
LEVERS = (
    Lever(
        "halve the transfers",
        (Move("transfers_90d", 0.0, 0.5), Move("transfers_per_contact_90d", 0.0, 0.5)),
        "hours to resolve and number of handlers",
    ),
    Lever(
        "halve the repeat contacts",
        (
            Move("repeat_contact_share_90d", 0.0, 0.5),
            Move("repeat_14_contact_share_90d", 0.0, 0.5),
            Move("contacts_per_case_90d", 1.0, 0.5),
        ),
        "number of contacts",
    ),
    Lever("halve the hours to resolve", (Move("hours_to_resolve_90d", 0.0, 0.5),), "satisfaction"),
    Lever(
        "close the open cases",
        (Move("open_contacts", 0.0), Move("oldest_open_days", _NOTHING_LEFT)),
        "hours to resolve",
    ),
    Lever(
        "close the open loops",
        (
            *(Move(f"loops_closed_share_{window}", 1.0) for window in _LOOPS),
            *(Move(f"loops_acknowledged_share_{window}", 1.0) for window in _LOOPS),
            Move("oldest_open_loop_days", _NOTHING_LEFT),
        ),
        "scores of later surveys",
    ),
    Lever(
        "acknowledge answers within a day",
        tuple(Move(f"hours_to_acknowledge_{window}", 24.0, only=-1) for window in _LOOPS),
        "share acknowledged",
    ),
    Lever(
        "keep the overdue promises",
        (Move("expectations_overdue", 0.0), Move("expectations_overdue_days", _NOTHING_LEFT)),
        "share met on time",
    ),
    Lever(
        "seats in use as in the segment",
        (Move("seat_utilisation_30d", "segment", only=1),),
        "users, days and events",
    ),
    Lever(
        "features in use as in the segment",
        tuple(
            Move(f"{name}_{window}", "segment", only=1)
            for name in ("features_used", "feature_share", "effective_features")
            for window in ("30d", "90d")
        ),
        "events and days",
    ),
)
