"""How an explanation shows itself: in a line, and in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._text import day, html_table, number

if TYPE_CHECKING:
    from csrisk._explain._explanation import Explanation

__all__ = ["explanation_html", "explanation_words"]

_SHOWN = 5


def explanation_words(why: Explanation) -> str:
    """Say in a line what is explained, and compared with what."""
    names = ", ".join(map(str, why.goals_present))
    told = f"{number(len(why), 0)} rows in {why.unit}; {names}; compared with {why.reference_words}"
    means = f"{number(float(why.reference.mean()), 1)} -> {number(float(why.prediction.mean()), 1)}"
    return f"Explanation({told}; means {means})"


def explanation_html(why: Explanation) -> str:
    """Show the highest predictions with their parts."""
    names = [str(goal) for goal in why.goals_present]
    # stable: equal predictions in the order of the frame
    order = np.argsort(-why.prediction, kind="stable")[:_SHOWN]
    numbers = np.column_stack([why.reference, why.contributions, why.prediction])[order]
    levels = [str(name or "row") for name in why.index.names]
    keys = [row if isinstance(row, tuple) else (row,) for row in why.index[order]]
    rows = [
        (*(day(key) if isinstance(key, pd.Timestamp) else key for key in place), *(number(x, 1) for x in values))
        for place, values in zip(keys, numbers, strict=True)
    ]
    caption = f"{number(len(why), 0)} explained in {why.unit}, compared with {why.reference_words}"
    shown = f"The {len(rows)} highest of {number(len(why), 0)}; " if len(why) > len(rows) else ""
    note = f"{shown}reference + goals = prediction."
    return html_table(caption, [*levels, "reference", *names, "prediction"], rows, note)
