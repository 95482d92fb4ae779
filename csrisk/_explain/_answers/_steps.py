"""The table behind a waterfall: from the reference to the prediction, step by step, as it is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._explain._answers._tables import REST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from csrisk._explain._explanation import Explanation
    from csrisk._goals import Goal

__all__ = ["account_steps", "add_up", "digits_of"]


def add_up(total: float, parts: Sequence[float], digits: int = 1) -> list[float]:
    """Round parts such that they add up to the rounded total: the largest remainders go the other way.

    Parameters
    ----------
    total : float
        What the parts add up to.
    parts : sequence of float
        Exact parts.
    digits : int, default 1
        Digits behind the point.

    Returns
    -------
    list of float

    Examples
    --------
    >>> from csrisk._explain._answers._steps import add_up
    >>> add_up(10.0, [3.33, 3.33, 3.34])
    [3.3, 3.3, 3.4]
    """
    scaled = np.asarray(parts, dtype=float) * 10**digits
    # np.round would send halves to the even neighbour, some up and some down
    whole = np.floor(scaled + 0.5)
    # a whole number but for its last bits, which rounding takes off
    missing = round(round(total, digits) * 10**digits - whole.sum())
    order = np.argsort(-(scaled - whole) * np.sign(missing), kind="stable")
    for place in range(abs(missing)):
        whole[order[place % len(whole)]] += np.sign(missing)
    # + 0.0 turns -0.0 into 0.0, which would be printed with its sign
    return [float(value) for value in np.round(whole / 10**digits, digits) + 0.0]


def digits_of(why: Explanation) -> int:
    """Digits behind the point in print: one for percentages, two for small numbers, none for large amounts."""
    if why.output == "probability":
        return 1
    return 0 if why.output == "amount" and np.abs(why.prediction).max() >= 100 else 2


def account_steps(why: Explanation, row: int, opened: Goal | None = None) -> pd.DataFrame:
    """List the steps of one snapshot."""
    digits, start, end = digits_of(why), float(why.reference[row]), float(why.prediction[row])
    exact = why.contributions[row].tolist()
    values = dict(zip(why.goals_present, exact, strict=True))
    printed = add_up(round(end, digits) - round(start, digits), exact, digits)  # as a card of the report has them
    told = dict(zip(why.goals_present, printed, strict=True))
    found: list[tuple[str, str, float]] = []
    shown: list[float] = []
    for goal in sorted(values, key=lambda goal: -abs(values[goal])):
        if goal != opened:
            found.append((goal.heading, str(goal), values[goal]))
            shown.append(told[goal])
            continue
        table = why.account(*why.index[row]) if why.index.nlevels > 1 else why.account(why.index[row])
        for record in table[table["goal"] == str(goal)].to_dict("records"):
            label = f"other {goal.heading.lower()}" if record["feature"] == REST else str(record["feature"])
            found.append((label, str(goal), float(record["points"])))
        shown += add_up(told[goal], [points for _, name, points in found if name == goal], digits)
    steps = pd.DataFrame(found, columns=["label", "goal", "points"])
    steps["start"] = start + np.concatenate([[0.0], np.cumsum(steps["points"].to_numpy())[:-1]])
    return steps.assign(shown=shown)[["label", "goal", "start", "points", "shown"]]
