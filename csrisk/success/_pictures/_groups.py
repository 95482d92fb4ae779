"""Pictures of accounts by group: stages of happiness, loyalty, the plan of contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from csrisk._drawing import INK, QUIET, SERIES, SMALL, WIDTH, as_money, axes_or_new, plain
from csrisk._text import number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["plot_loyalty", "plot_priorities", "plot_stages"]

_PLANS = {
    "contact": SERIES[0],
    "hold-out": SERIES[3],
    "beyond capacity": QUIET,
    "costs more than it saves": SERIES[1],
    "do not contact": INK,
    "not in the pilot": QUIET,
}


def plot_stages(happy: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how many accounts stand where between walkaway angry and gushing promoter, and how many nobody knows.

    Parameters
    ----------
    happy : pandas.DataFrame
        As `happiness` gives it.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import happiness, plot_stages
    >>> plot_stages(happiness(make_saas(60, 12, seed=1).data())).get_yticklabels()[0].get_text()
    'unknown'
    """
    counts = happy["stage"].value_counts(sort=False)
    # bars are drawn from below: the last name stands at the top
    names = ["unknown", *map(str, counts.index[::-1])]
    numbers = [int(happy["stage"].isna().sum()), *map(int, counts[::-1])]
    ax = plain(axes_or_new(ax, (WIDTH, 0.9 + 0.34 * len(names))), "x")
    bars = ax.barh(names, numbers, color=[QUIET, *[SERIES[0]] * len(counts)])
    ax.bar_label(bars, [number(count, 0) for count in numbers], padding=3, fontsize=SMALL)
    ax.margins(x=0.1)
    ax.locator_params(axis="x", integer=True)
    ax.set_xlabel(f"Accounts, of {number(len(happy), 0)}", fontsize=SMALL)
    return ax


def plot_loyalty(groups: pd.Series, position: pd.Series, risk: pd.Series, ax: Axes | None = None) -> Axes:
    """Draw satisfaction against risk; the satisfied at risk and the dissatisfied who stay have colours.

    Parameters
    ----------
    groups : pandas.Series
        As `loyalty_groups` gives it.
    position : pandas.Series
        Satisfaction on the same index, 0 to 1, as ``happiness(...)["position"]``.
    risk : pandas.Series
        Risk on the same index.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If the indexes differ.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import loyalty_groups, plot_loyalty
    >>> position, risk = pd.Series([0.9, 0.9, 0.2]), pd.Series([0.01, 0.30, 0.02])
    >>> ax = plot_loyalty(loyalty_groups(position, risk, at_risk_from=0.1), position, risk)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['others (1)', 'satisfied but at risk (1)', 'dissatisfied but safe (1)']
    """
    if not (groups.index.equals(position.index) and groups.index.equals(risk.index)):
        raise ValueError(
            f"groups ({len(groups)}), position ({len(position)}) and risk ({len(risk)}) must share one index; "
            "use position.reindex(groups.index)"
        )
    ax = plain(axes_or_new(ax, (WIDTH, 4.4)))
    seen = position.notna() & risk.notna()
    marked = {"satisfied but at risk": (SERIES[1], "^"), "dissatisfied but safe": (SERIES[0], "s")}
    others = seen & ~groups.isin(list(marked))
    label = f"others ({number(others.sum(), 0)})"
    ax.scatter(position[others], 100 * risk[others], s=14, color=QUIET, alpha=0.5, linewidths=0, label=label)
    for name, (colour, marker) in marked.items():
        inside = seen & (groups == name)
        label = f"{name} ({number(inside.sum(), 0)})"
        ax.scatter(position[inside], 100 * risk[inside], s=22, color=colour, marker=marker, linewidths=0, label=label)
    ax.set(xlim=(-0.02, 1.02), ylim=(0, None))
    ax.set_xlabel("Happiness (0 walkaway angry, 1 gushing promoter)", fontsize=SMALL)
    ax.set_ylabel("Risk of leaving, %", fontsize=SMALL)
    ax.legend(fontsize=SMALL, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, columnspacing=1)
    return ax


def plot_priorities(plan: pd.DataFrame, ax: Axes | None = None, *, most: int = 100) -> Axes:
    """Draw what a contact of each account is expected to gain, and what the plan says of it.

    Parameters
    ----------
    plan : pandas.DataFrame
        As `priorities` gives it.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    most : int, default 100
        How many accounts, the largest gain first.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import Campaign, plot_priorities, priorities
    >>> index = pd.Index(["a", "b", "c"], name="account_id")
    >>> risk, value = pd.Series([0.5, 0.1, 0.2], index), pd.Series([1000.0, 9000.0, 100.0], index)
    >>> campaign = Campaign(capacity=1, cost=50, holdout=0)
    >>> ax = plot_priorities(priorities(risk, value, campaign=campaign, save_rate=0.25))
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['contact (1)', 'beyond capacity (1)', 'costs more than it saves (1)']
    """
    # matplotlib is loaded only by those who draw
    from matplotlib.patches import Rectangle

    ax = plain(axes_or_new(ax, (WIDTH, 3.6)), "y")
    # a pilot is ordered by risk, and drawn by gain as every plan is
    shown = plan[plan["gain"].notna()].sort_values("gain", ascending=False, kind="stable").head(most)
    shown = shown.assign(rank=np.arange(1, len(shown) + 1))
    counts = plan["plan"].value_counts()
    key: list[Any] = []
    words: list[str] = []
    for name, colour in _PLANS.items():
        part = shown[shown["plan"] == name]
        # a plan that nobody has is not in the legend; one beyond the bars drawn is
        if name in counts:
            bars = ax.bar(part["rank"], part["gain"], width=0.9, color=colour)
            # of bars that are not drawn matplotlib would take a colour of its own
            key.append(bars if len(part) else Rectangle((0, 0), 1, 1, color=colour))
            words.append(f"{name} ({number(counts[name], 0)})")
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.locator_params(axis="x", integer=True)
    ax.set_xlim(0.3, max(len(shown), 1) + 0.7)
    ax.set_xlabel(f"Accounts by expected gain, {number(len(shown), 0)} of {number(len(plan), 0)}", fontsize=SMALL)
    ax.set_ylabel("Expected gain of a contact", fontsize=SMALL)
    if np.abs(ax.get_ylim()).max() >= _WHOLE:
        ax.yaxis.set_major_formatter(as_money)
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 2, "columnspacing": 1}
    ax.legend(key, words, fontsize=SMALL, frameon=False, **place)
    return ax


_WHOLE = 10  # amounts from which on cents say nothing
