"""The levers of one account as a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from csrisk._explain._altered._levers import NOTE
from csrisk._explain._steps import digits_of
from csrisk._figure import axes_or_new
from csrisk._numbers import day, number
from csrisk._palette import INK, MOVES_LIGHT
from csrisk._printable import one_line

__all__ = ["draw_levers"]


def draw_levers(table: pd.DataFrame, why: Any, row: int, ax: Any = None) -> Any:
    """Draw where each lever would bring the prediction, from where it is now."""
    now = float(why.prediction[row])
    ax = axes_or_new(ax, (8.0, 0.46 * len(table) + 1.7))
    change = table["change"].to_numpy()
    colours = np.where(change > 0, MOVES_LIGHT["up"], MOVES_LIGHT["down"])
    ax.barh(range(len(table)), change, left=now, height=0.62, color=list(colours))
    width = max(float(np.abs(change).max(initial=0.0)), 1e-9)
    for place, value in enumerate(table["what_if"]):
        ax.text(max(value, now) + 0.02 * width, place, _words(value, why), va="center", fontsize=9, color=INK)
    ax.axvline(now, color=INK, linewidth=0.8)
    ax.set_xlim(now + change.min(initial=0.0) - 0.05 * width, now + change.max(initial=0.0) + 0.25 * width)
    ax.set_yticks(range(len(table)), table.index.get_level_values("lever"))
    ax.invert_yaxis()
    ax.set_title(f"{_title(why, row)}: now {_words(now, why)}", loc="left", fontsize=11, color=INK)
    ax.set_xlabel(NOTE, fontsize=8)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


def _words(value: float, why: Any) -> str:
    text = number(value, digits_of(why))
    return f"{text} %" if why.output == "probability" else text


def _title(why: Any, row: int) -> str:
    """Say which account at which date."""
    key = why.index[row]
    if "account_id" not in why.index.names or why.index.nlevels == 1:
        return one_line(str(key))
    date = pd.Timestamp(why.index.get_level_values("as_of")[row])
    return f"{one_line(str(why.index.get_level_values('account_id')[row]))}, {day(date)}"
