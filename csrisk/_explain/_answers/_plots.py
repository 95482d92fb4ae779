"""Pictures of explanations, drawn from the tables that explanations return. matplotlib is imported only here."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._drawing import FAINT, INK, LIGHT, MOVES_LIGHT, SMALL, WIDTH, axes_or_new, families, name_of
from csrisk._explain._answers._steps import digits_of
from csrisk._text import day, number, one_line, percent, signed
from csrisk.exceptions import ExplanationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from csrisk._explain._explanation import Explanation

__all__ = ["bars", "beeswarm", "book", "first", "waterfall"]

_MOST_NAMED, _ROOM, _FEW = 60, 9.0, 50  # bars with a name, inches for more of them; dots that may be large
_RAISES, _LOWERS, _INK, _FAINT = MOVES_LIGHT["up"], MOVES_LIGHT["down"], INK, FAINT


def waterfall(steps: pd.DataFrame, row: int, why: Explanation, ax: Any = None) -> Any:
    """Draw the steps of `account_steps`: from the reference to the printed prediction."""
    ax = axes_or_new(ax, (WIDTH, 0.42 * len(steps) + 1.8))
    start, end = float(why.reference[row]), float(why.prediction[row])
    stops = np.append(steps["start"], end)
    # not 0 where nothing moves: texts keep their distance by it
    width = max(float(np.ptp(np.append(stops, start))), 1e-9)
    for place, (begin, points, shown) in enumerate(steps[["start", "points", "shown"]].to_numpy()):
        ax.barh(place, points, left=begin, height=0.62, color=_RAISES if points > 0 else _LOWERS)
        stop = begin + points
        right = max(begin, stop) + 0.015 * width
        ax.text(right, place, _signed(shown, why), va="center", ha="left", fontsize=SMALL, color=_INK)
        ax.plot([stop, stop], [place, place + 1], color=_INK, linewidth=0.7, alpha=0.6)
    ax.axvline(start, color=_INK, linewidth=0.8, linestyle=":", zorder=0)
    ax.plot([end], [len(steps)], marker="D", color=_INK, markersize=6)
    ax.text(end + 0.02 * width, len(steps), _amount(end, why), va="center", fontsize=11, fontweight="bold", color=_INK)
    ax.set_yticks(range(len(steps) + 1), [*map(_wrapped, steps["label"]), "Prediction"])
    # upside down: the first step stands at the top
    ax.set_ylim(len(steps) + 0.6, -0.7)
    low, high = min(stops.min(), start), max(stops.max(), start)
    ax.set_xlim(low - 0.06 * width, high + 0.22 * width)
    base = "Then" if why.reference_kind == "self" else "Reference"
    title = f"{_who(why, row)}\n{base} {_amount(start, why)} → {_amount(end, why)}"
    ax.set_title(title, loc="left", fontsize=10, color=_INK, family=families())
    return _finish(ax, why)


def book(why: Explanation, kind: str, most: int, accounts: Sequence[Any] | None, ax: Any) -> Any:
    """Draw the contributions of the goals, account by account or as a swarm."""
    if kind not in ("bars", "beeswarm"):
        raise ExplanationError(f"kind={kind!r} must be 'bars' or 'beeswarm'")
    table = why.goals()
    if accounts is not None:
        table = table.iloc[[why.position(account) for account in accounts]]
    if kind == "beeswarm":
        return beeswarm(table, why, ax)
    return bars(table if accounts is not None else first(table, why, most), why, ax)


def first(goals: pd.DataFrame, why: Explanation, most: int) -> pd.DataFrame:
    """Take the snapshots with the highest prediction, or with the largest rise."""
    order = goals["prediction"] - goals["reference"] if why.reference_kind == "self" else goals["prediction"]
    return goals.iloc[np.argsort(-order.to_numpy(), kind="stable")[:most]]


def bars(shown: pd.DataFrame, why: Explanation, ax: Any = None) -> Any:
    """Draw one stacked bar per snapshot of a table of goals, in its order."""
    since = why.reference_kind == "self"
    named = len(shown) <= _MOST_NAMED
    ax = axes_or_new(ax, (WIDTH, max(3.0, (0.26 if named else _ROOM / len(shown)) * len(shown) + 2.0)))
    places = np.arange(len(shown))
    up, down = np.zeros(len(shown)), np.zeros(len(shown))
    for goal in why.goals_present:
        points = shown[str(goal)].to_numpy()
        # stacked from 0 to either side, or parts that lower would cover those that raise
        left = np.where(points >= 0, up, down)
        ax.barh(places, points, left=left, height=0.74 if named else 1.0, color=LIGHT[goal], label=goal.heading)
        up, down = up + np.maximum(points, 0), down + np.minimum(points, 0)
    ax.axvline(0.0, color=_INK, linewidth=0.8)
    net = (shown["prediction"] - shown["reference"]).to_numpy()
    style = {"linestyle": "none", "marker": "|", "markersize": 10} if named else {"linewidth": 1.2}
    ax.plot(net, places, color=_INK, label="Sum", **style)
    for place, end, then, prediction in zip(places, up, shown["reference"], shown["prediction"], strict=True):
        before = f"{_amount(then, why)} → " if since else ""
        if named:
            ax.text(end, place, f"  {before}{_amount(prediction, why)}", va="center", fontsize=SMALL, color=_INK)
    ax.set_yticks(places if named else [], [_name(key) for key in shown.index] if named else [], family=families())
    if not named:
        ax.set_ylabel(f"{number(len(shown), 0)} accounts", fontsize=SMALL, color=_INK)
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.margins(x=0.3 if since else 0.16)
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, fontsize=SMALL, frameon=False, columnspacing=1)
    rows = -(-(len(why.goals_present) + 1) // 3)  # of the legend, which stands between title and bars
    title = "What changed by goal, largest rise first" if since else "Goals by account, and the prediction"
    ax.set_title(f"{title}\n{_dates(why)}".strip(), loc="left", fontsize=10, color=_INK, pad=14 + 15 * rows)
    return _finish(ax, why)


def beeswarm(goals: pd.DataFrame, why: Explanation, ax: Any = None) -> Any:
    """Draw one dot per snapshot and goal from the table of goals."""
    ax = axes_or_new(ax, (WIDTH, 0.75 * len(why.goals_present) + 1.5))
    size = 9 if len(goals) > _FEW else 30
    spread = float(np.ptp(goals[[str(goal) for goal in why.goals_present]].to_numpy())) or 1.0
    for place, goal in enumerate(why.goals_present):
        points = goals[str(goal)].to_numpy()
        ax.scatter(points, place + _swarm(points, spread), s=size, color=LIGHT[goal], alpha=0.7, linewidths=0)
        ax.plot([points.mean()] * 2, [place - 0.36, place + 0.36], color=_INK, linewidth=1.4)
    ax.axvline(0.0, color=_INK, linewidth=0.8, zorder=0)
    ax.set_yticks(range(len(why.goals_present)), [goal.heading for goal in why.goals_present])
    ax.set_ylim(len(why.goals_present) - 0.5, -0.5)
    title = f"{number(len(goals), 0)} snapshots by goal; the line is the mean\n{_dates(why)}".strip()
    ax.set_title(title, loc="left", fontsize=10, color=_INK)
    return _finish(ax, why)


def _swarm(points: NDArray[np.float64], spread: float) -> NDArray[np.float64]:
    """Move dots of about the same value apart, alternately up and down from the middle."""
    cell = np.round(points / spread * 120).astype(int)
    order = np.argsort(cell, kind="stable")
    run = cell[order]
    begins = np.searchsorted(run, run, side="left")
    rank = np.arange(len(run)) - begins
    offset = np.empty(len(points))
    offset[order] = np.where(rank % 2 == 0, 1, -1) * ((rank + 1) // 2)
    widest = np.abs(offset).max(initial=1.0)
    return np.asarray(offset * min(0.05, 0.4 / max(widest, 1.0)))


def _finish(ax: Any, why: Explanation) -> Any:
    words = f"{why.unit.capitalize()}; compared with {why.reference_words}"
    ax.set_xlabel("\n".join(textwrap.wrap(words, 62)), fontsize=SMALL, color=_INK)
    ax.tick_params(length=0, labelsize=SMALL)
    ax.grid(axis="x", color=_FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    return ax


def _signed(points: float, why: Explanation) -> str:
    return signed(points, digits_of(why))


def _amount(value: float, why: Explanation) -> str:
    return percent(value / 100, digits_of(why)) if why.output == "probability" else number(value, digits_of(why))


def _name(label: Any) -> str:
    return name_of(label[0] if isinstance(label, tuple) else label)


def _wrapped(label: str) -> str:
    """Break a long name of a feature into lines that leave room for the bars."""
    return "\n".join(textwrap.wrap(one_line(label).replace("$", r"\$"), 30)[:2])


def _who(why: Explanation, row: int) -> str:
    dates = why.index.get_level_values("as_of") if "as_of" in why.index.names else None
    return _name(why.index[row]) + ("" if dates is None else f", {day(pd.Timestamp(dates[row]))}")


def _dates(why: Explanation) -> str:
    """Say of which date the snapshots are, or from which to which."""
    if "as_of" not in why.index.names or not len(why):
        return ""
    dates = why.index.get_level_values("as_of")
    first, last = (day(pd.Timestamp(date)) for date in (dates.min(), dates.max()))
    return first if first == last else f"{first} to {last}"
