"""Pictures of explanations, drawn from the tables that explanations return. matplotlib is imported only here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from csrisk._explain._steps import digits_of
from csrisk._figure import axes_or_new
from csrisk._goals import Goal

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from csrisk._explain._explanation import Explanation

__all__ = ["COLOURS", "bars", "beeswarm", "waterfall"]

# told apart with colour vision deficiency too (Okabe and Ito 2008)
COLOURS = {
    Goal.CHURN: "#d55e00",
    Goal.FOOTPRINT: "#0072b2",
    Goal.ADVOCACY: "#009e73",
    Goal.FEEDBACK: "#cc79a7",
    Goal.CONTEXT: "#8c8c8c",
    Goal.UNMAPPED: "#e69f00",
}
_RAISES, _LOWERS, _INK, _FAINT = "#c44e2c", "#2b7a9b", "#222222", "#d9d9d9"


def waterfall(steps: pd.DataFrame, row: int, why: Explanation, ax: Any = None) -> Any:
    """Draw the steps of `account_steps`: from the reference to the printed prediction."""
    ax = axes_or_new(ax, (8.0, 0.46 * len(steps) + 1.7))
    start, end = float(why.reference[row]), float(why.prediction[row])
    stops = np.append(steps["start"], end)
    width = max(float(np.ptp(np.append(stops, start))), 1e-9)
    for place, (begin, points, shown) in enumerate(steps[["start", "points", "shown"]].to_numpy()):
        ax.barh(place, points, left=begin, height=0.62, color=_RAISES if points > 0 else _LOWERS)
        stop = begin + points
        right = max(begin, stop) + 0.015 * width
        ax.text(right, place, _signed(shown, why), va="center", ha="left", fontsize=9, color=_INK)
        ax.plot([stop, stop], [place, place + 1], color=_INK, linewidth=0.7, alpha=0.6)
    ax.axvline(start, color=_INK, linewidth=0.8, linestyle=":", zorder=0)
    ax.plot([end], [len(steps)], marker="D", color=_INK, markersize=6)
    ax.text(end + 0.02 * width, len(steps), _amount(end, why), va="center", fontsize=11, fontweight="bold", color=_INK)
    ax.set_yticks(range(len(steps) + 1), [*steps["label"], "Prediction"])
    ax.set_ylim(len(steps) + 0.6, -0.7)
    low, high = min(stops.min(), start), max(stops.max(), start)
    ax.set_xlim(low - 0.06 * width, high + 0.22 * width)
    base = "Then" if why.reference_kind == "self" else "Reference"
    ax.set_title(f"{base} {_amount(start, why)} → {_amount(end, why)}", loc="left", fontsize=11, color=_INK)
    return _finish(ax, why)


def bars(goals: pd.DataFrame, why: Explanation, most: int, ax: Any = None) -> Any:
    """Draw one stacked bar per snapshot of the table of goals, the highest prediction or the largest rise first."""
    since = why.reference_kind == "self"
    order = goals["prediction"] - goals["reference"] if since else goals["prediction"]
    shown = goals.iloc[np.argsort(-order.to_numpy(), kind="stable")[:most]]
    ax = axes_or_new(ax, (8.5, 0.28 * len(shown) + 1.9))
    places = np.arange(len(shown))
    up, down = np.zeros(len(shown)), np.zeros(len(shown))
    for goal in why.goals_present:
        points = shown[str(goal)].to_numpy()
        left = np.where(points >= 0, up, down)
        ax.barh(places, points, left=left, height=0.74, color=COLOURS[goal], label=goal.heading)
        up, down = up + np.maximum(points, 0), down + np.minimum(points, 0)
    ax.axvline(0.0, color=_INK, linewidth=0.8)
    net = (shown["prediction"] - shown["reference"]).to_numpy()
    ax.plot(net, places, linestyle="none", marker="|", markersize=10, color=_INK, label="Sum")
    for place, end, then, prediction in zip(places, up, shown["reference"], shown["prediction"], strict=True):
        before = f"{_amount(then, why)} → " if since else ""
        ax.text(end, place, f"  {before}{_amount(prediction, why)}", va="center", fontsize=8, color=_INK)
    ax.set_yticks(places, [_name(label) for label in shown.index], fontsize=8)
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.margins(x=0.14)
    ax.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=7, fontsize=8, frameon=False, columnspacing=1.2)
    title = "What changed by goal, largest rise first" if since else "Goals by account, and the prediction"
    ax.set_title(title, loc="left", fontsize=11, color=_INK, pad=26)
    return _finish(ax, why)


def beeswarm(goals: pd.DataFrame, why: Explanation, ax: Any = None) -> Any:
    """Draw one dot per snapshot and goal from the table of goals."""
    ax = axes_or_new(ax, (8.5, 0.85 * len(why.goals_present) + 1.4))
    spread = float(np.ptp(goals[[str(goal) for goal in why.goals_present]].to_numpy())) or 1.0
    for place, goal in enumerate(why.goals_present):
        points = goals[str(goal)].to_numpy()
        ax.scatter(points, place + _swarm(points, spread), s=9, color=COLOURS[goal], alpha=0.7, linewidths=0)
        ax.plot([points.mean()] * 2, [place - 0.36, place + 0.36], color=_INK, linewidth=1.4)
    ax.axvline(0.0, color=_INK, linewidth=0.8, zorder=0)
    ax.set_yticks(range(len(why.goals_present)), [goal.heading for goal in why.goals_present])
    ax.set_ylim(len(why.goals_present) - 0.5, -0.5)
    ax.set_title(f"{len(goals):,} snapshots by goal; the line is the mean", loc="left", fontsize=11, color=_INK)
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
    ax.set_xlabel(f"{why.unit.capitalize()}; compared with {why.reference_words}", fontsize=9, color=_INK)
    ax.tick_params(length=0)
    ax.grid(axis="x", color=_FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    return ax


def _signed(points: float, why: Explanation) -> str:
    return f"{points:+,.{digits_of(why)}f}".replace("-", "\N{MINUS SIGN}")


def _amount(value: float, why: Explanation) -> str:
    text = f"{value:,.{digits_of(why)}f}".replace("-", "\N{MINUS SIGN}")
    return f"{text} %" if why.output == "probability" else text


def _name(label: Any) -> str:
    return str(label[0]) if isinstance(label, tuple) else str(label)
