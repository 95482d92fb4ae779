"""The levers of one account as a picture."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd

from csrisk._drawing import INK, MOVES_LIGHT, SMALL, WIDTH, as_number, axes_or_new, families, name_of, plain
from csrisk._explain._altered._levers import NOTE
from csrisk._explain._answers._steps import digits_of
from csrisk._text import day, number, percent

__all__ = ["draw_levers"]


def draw_levers(table: pd.DataFrame, why: Any, row: int, ax: Any = None) -> Any:
    """Draw where each lever would bring the prediction, from where it is now."""
    now = float(why.prediction[row])
    ax = axes_or_new(ax, (WIDTH, 0.46 * max(len(table), 1) + 1.7))
    change = table["change"].to_numpy(np.float64)
    colours = np.where(change > 0, MOVES_LIGHT["up"], MOVES_LIGHT["down"])
    ax.barh(range(len(table)), change, left=now, height=0.62, color=list(colours))
    width = max(float(np.abs(change).max(initial=0.0)), 1e-9)
    for place, value in enumerate(table["what_if"]):
        ax.text(max(value, now) + 0.02 * width, place, _words(value, why), va="center", fontsize=SMALL, color=INK)
    ax.axvline(now, color=INK, linewidth=0.8)
    ax.set_xlim(now + change.min(initial=0.0) - 0.05 * width, now + change.max(initial=0.0) + 0.25 * width)
    levers = table.index.get_level_values("lever")
    ax.set_yticks(range(len(table)), ["\n".join(textwrap.wrap(name, 30)) for name in levers])
    ax.invert_yaxis()
    if not len(table):
        # a scale around one value alone would be written in powers of ten
        ax.set(xlim=(now - 1, now + 1), ylim=(0.6, -0.6))
        ax.text(now, 0, "  no lever moves this account", va="center", fontsize=SMALL, color=INK)
    ax.xaxis.set_major_formatter(as_number)
    title = f"{_title(why, row)}\nNow {_words(now, why)}"
    ax.set_title(title, loc="left", fontsize=10, color=INK, family=families())
    ax.set_xlabel("\n".join(textwrap.wrap(NOTE, 62)), fontsize=SMALL, color=INK)
    plain(ax, "x").spines["left"].set_visible(False)
    return ax


def _words(value: float, why: Any) -> str:
    return percent(value / 100, digits_of(why)) if why.output == "probability" else number(value, digits_of(why))


def _title(why: Any, row: int) -> str:
    """Say which account at which date."""
    key = why.index[row]
    if "account_id" not in why.index.names or why.index.nlevels == 1:
        return name_of(key)
    date = pd.Timestamp(why.index.get_level_values("as_of")[row])
    return f"{name_of(why.index.get_level_values('account_id')[row])}, {day(date)}"
