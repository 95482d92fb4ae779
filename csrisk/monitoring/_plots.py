"""Picture of what monitoring found: how far each goal has moved, and what was promised and came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from csrisk._drawing import INK, LIGHT, QUIET, SERIES, SMALL, WIDTH, new_axes, plain
from csrisk._goals import Goal
from csrisk._text import day

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from csrisk.monitoring._monitor import Monitoring

__all__ = ["plot_monitoring"]

_TOLD = {"tested": "in the test at training", "expected": "expected of this portfolio", "realised": "came true"}
_NAMES = {
    "auc": "AUC",
    "average_precision": "average precision",
    "brier": "Brier score",
    "event_rate": "share that churned",
}


def plot_monitoring(found: Monitoring, axes: Sequence[Axes] | None = None) -> tuple[Axes, ...]:
    r"""Draw a book beside the one at training: what moved furthest in each goal, and the performance then and now.

    Parameters
    ----------
    found : Monitoring
        What `monitor` returned.
    axes : sequence of two matplotlib Axes, optional
        Where to draw drift and performance; a new figure by default.

    Returns
    -------
    tuple of two matplotlib Axes

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from csrisk.monitoring import monitor, plot_monitoring
    >>> chance = np.random.default_rng(0)
    >>> def book(date, days):
    ...     index = pd.MultiIndex.from_product([range(200), [pd.Timestamp(date)]], names=["account_id", "as_of"])
    ...     return pd.DataFrame({"days_since_use": chance.exponential(days, 200)}, index=index)
    >>> drift, performance = plot_monitoring(monitor(book("2025-01-01", 10), book("2025-06-01", 40)))
    >>> drift.get_yticklabels()[0].get_text()
    'Footprint: drifts\ndays since use'
    """
    # bars are drawn from below, and the first is read at the top
    goals, told = found.goals[::-1], found.performance.reindex([n for n in _NAMES if n in found.performance.index])
    if axes is None:
        heights = (max(len(goals), 1) + 0.6, max(len(told), 1) + 0.6)
        axes = new_axes((WIDTH, 1.9 + 0.42 * sum(heights)), 2, height_ratios=heights)
    _drift(axes[0], goals, found)
    _performance(axes[1], told[::-1])
    return axes if isinstance(axes, tuple) else tuple(axes)


def _drift(ax: Axes, goals: pd.DataFrame, found: Monitoring) -> None:
    place, features = np.arange(len(goals)), found.drift
    # a goal without features is shown by its score
    far = goals["distance"].fillna(goals["score_distance"]).astype(float)
    ax.barh(place, far, height=0.55, color=[LIGHT[Goal(goal)] for goal in goals.index])
    named = [name if isinstance(name, str) else f"{goal}_points" for goal, name in goals["furthest"].items()]
    usual = features["usual"].reindex(named).to_numpy(float) if "usual" in features else np.full(len(named), np.nan)
    ax.scatter(usual, place, marker="|", s=200, color=INK, zorder=3, label="as far as between ordinary dates")
    states = ["drifts" if drifts else "no alarm" for drifts in goals["drifts"]]
    rows = zip(goals.index, states, named, strict=True)
    ax.set_yticks(place, [f"{Goal(g).heading}: {state}\n{name.replace('_', ' ')}" for g, state, name in rows])
    ax.set_xlim(0, 1)
    ax.set_ylim(-0.6, max(len(goals), 1) - 0.4)
    plain(ax, "x").set_xlabel("Share of accounts on another side of some value, furthest feature", fontsize=SMALL)
    if not len(goals):
        ax.text(0.5, 0, "not known: too few accounts to compare", ha="center", fontsize=SMALL, color=QUIET)
    ax.set_title(f"Drift by goal, training to {day(found.as_of)}", fontsize=10, loc="left")
    if np.isfinite(usual).any():
        ax.legend(fontsize=SMALL, frameon=False, loc="lower right")


def _performance(ax: Axes, told: pd.DataFrame) -> None:
    place = np.arange(len(told))
    for at, (name, words) in enumerate(_TOLD.items()):
        if name not in told:
            continue
        middle, low, high = (told[f"{name}{end}"].to_numpy(float) for end in ("", "_low", "_high"))
        # three beside each other in a row, the test uppermost
        y = place + 0.22 * (1 - at)
        ax.hlines(y, low, high, color=SERIES[at], linewidth=2.5, alpha=0.6)
        ax.scatter(middle, y, color=SERIES[at], marker="osD"[at], s=28, zorder=3, label=words)
    ax.set_yticks(place, [_NAMES[str(name)] for name in told.index])
    ax.set_xlim(0, 1)
    ax.set_ylim(-0.6, max(len(told), 1) - 0.4)
    plain(ax, "x").set_title("Performance, with 95 % intervals", fontsize=10, loc="left")
    if len(told):
        ax.legend(fontsize=SMALL, frameon=False, loc="upper left", bbox_to_anchor=(0, -0.12), ncols=1)
    else:
        ax.text(0.5, 0, "not known: no test, no scores and no labels", ha="center", fontsize=SMALL, color=QUIET)
        ax.set_yticks([])
