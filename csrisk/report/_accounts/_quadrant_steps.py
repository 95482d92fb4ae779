"""What the quadrant of an account asks for: each side that is missing has a cure of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from csrisk._goals import Goal
from csrisk._text import percent
from csrisk.report._content import Step
from csrisk.report._names import clean
from csrisk.success import QUADRANTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from csrisk.report._accounts._standing import Standing

__all__ = ["quadrant_steps", "recoverable"]

_SLIGHT_POSITION = 0.35  # from here on a customer is unhappy, not lost
_SLIGHT_LOSS = -0.2  # a loss of at most a fifth of the revenue
_CREDITED = 0.1
_, _UNHAPPY, _COSTLY, _BOTH = QUADRANTS


def recoverable(standing: Standing) -> pd.Series:
    """Whether an account below both thresholds is so only slightly: worth a recovery, not yet a decision."""
    position, margin = standing.mood["position"], standing.company["margin"].astype("float64")
    # where only recurring revenue is known there is no loss to speak of
    return (position >= _SLIGHT_POSITION) & ~(margin < _SLIGHT_LOSS)


def quadrant_steps(
    standing: Standing, contacts: pd.DataFrame, overdue: pd.Series, count: int
) -> Iterator[tuple[int, Step]]:
    """Give the steps of the first accounts, by their place in the book."""
    names, slight = standing.quadrants, recoverable(standing).to_numpy(bool)
    # without quadrants the column is missing: nobody is known to be a business risk
    risky = (
        standing.quadrant["business_risk"].to_numpy(bool) if "business_risk" in standing.quadrant else slight & False
    )
    margin = standing.company["margin"].to_numpy(np.float64, na_value=np.nan)
    credited = standing.company["credits"].to_numpy(np.float64, na_value=np.nan)
    for place in range(min(count, len(names))):
        if names[place] == _UNHAPPY:
            yield place, _expectations(int(overdue.get(place, 0)), bool(risky[place]))
        elif names[place] == _COSTLY:
            stages = contacts.loc[contacts["place"] == place, "stage"]
            yield place, _cost(stages, margin[place], credited[place])
        elif names[place] == _BOTH:
            yield place, _both(bool(slight[place]))


def _expectations(overdue: int, risky: bool) -> Step:
    promises = f"{overdue} promise{'' if overdue == 1 else 's'} overdue" if overdue else "no promise is overdue"
    who = "highly profitable, yet neutral" if risky else "pays well and is not happy"
    return Step(str(Goal.ADVOCACY), "Talk about what they expect and what they got", f"{who}; {promises}")


def _cost(stages: pd.Series, margin: float, credited: float) -> Step:
    counts = stages.dropna().value_counts()
    brings = (
        # an unknown margin is NaN, which differs from itself
        f"brings {percent(margin, 0)} of its revenue after the cost to serve" if margin == margin else "brings little"
    )
    if credited >= _CREDITED:
        brings += f" and {percent(credited, 0)} of what was billed went back as credits"
    if counts.empty:
        return Step(str(Goal.CHURN), "Find out what makes them costly to serve", f"happy, but {brings}")
    stage, most = clean(counts.index[0]), int(counts.iloc[0])
    evidence = f"happy, but {brings}; {most} of {len(stages)} contacts in 180 days were in {stage}"
    return Step(str(Goal.CHURN), f"Move what they need in {stage} to self-service", evidence)


def _both(slight: bool) -> Step:
    if slight:
        return Step(str(Goal.ADVOCACY), "Recover them", "slightly unhappy and slightly costly: both are within reach")
    return Step(str(Goal.ADVOCACY), "Decide by name whether to go on", "neither happy nor paying")
