"""Pictures of the tables of customer success; each draws what the table says and nothing else."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from csrisk._drawing import INK, QUIET, SERIES, SMALL, WIDTH, as_number, axes_or_new, new_axes, plain
from csrisk._text import number
from csrisk.success._advocacy._quadrant import QUADRANTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["plot_claims", "plot_journey", "plot_quadrant"]

_COLOURS = dict(zip(QUADRANTS, (SERIES[at] for at in (0, 3, 2, 1)), strict=True))
_MARKERS = dict(zip(QUADRANTS, "osD^", strict=True))


def plot_quadrant(quadrants: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw happiness of the customer against happiness of the company.

    Parameters
    ----------
    quadrants : pandas.DataFrame
        As `success_quadrant` gives it, of one date.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import plot_quadrant, success_quadrant
    >>> happy = pd.DataFrame({"position": [0.8, 0.3], "low": [0.7, 0.2], "high": [0.9, 0.5]})
    >>> company = pd.DataFrame({"value": [50.0, 20.0], "low": [40, 10], "high": [60, 30], "measure": "profit"})
    >>> plot_quadrant(success_quadrant(happy, company)).get_xlabel()
    'Happiness of the customer (0 walkaway angry, 1 gushing promoter)'
    """
    ax = plain(axes_or_new(ax, (WIDTH, 5)))
    known = quadrants[quadrants["quadrant"].notna()]
    measure = known["measure"].mode().iloc[0] if len(known) else "value"
    drawn = known[known["measure"] == measure]  # profit and recurring revenue do not share an axis
    for name in QUADRANTS:
        part = drawn[drawn["quadrant"] == name]
        style: dict[str, Any] = {"color": _COLOURS[name], "marker": _MARKERS[name], "s": 22, "alpha": 0.75}
        ax.scatter(part["position"], part["value"], label=f"{name} ({len(part)})", linewidths=0, **style)
    risk = drawn[drawn["business_risk"]]
    label = f"business risk: profitable but neutral ({len(risk)})"
    ax.scatter(risk["position"], risk["value"], s=70, facecolors="none", edgecolors=INK, label=label)
    if len(drawn):
        ax.axvline(drawn["happy_from"].iloc[0], color=QUIET, linewidth=0.8)
        ax.axhline(drawn["value_from"].iloc[0], color=QUIET, linewidth=0.8)
        _scale(ax, drawn["value"])
    ax.set(xlim=(0, 1), xlabel="Happiness of the customer (0 walkaway angry, 1 gushing promoter)")
    ax.xaxis.label.set_fontsize(SMALL)
    ax.set_ylabel(f"Company ({measure} per month)", fontsize=SMALL)
    ax.set_title(f"{len(drawn)} accounts; {len(quadrants) - len(drawn)} not comparable or unknown", fontsize="medium")
    ax.legend(fontsize=SMALL, frameon=False, loc="upper center", bbox_to_anchor=(0.45, -0.12), ncols=2)
    return ax


def plot_journey(stages: pd.DataFrame, axes: Sequence[Axes] | None = None) -> tuple[Axes, ...]:
    """Draw effort, sentiment and volume by stage of the journey, worst first.

    Parameters
    ----------
    stages : pandas.DataFrame
        As `journey` gives it, not split by direction.
    axes : sequence of three matplotlib Axes, optional
        Where to draw effort, sentiment and volume; a new figure by default.

    Returns
    -------
    tuple of three matplotlib Axes

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import journey, plot_journey
    >>> effort, sentiment, volume = plot_journey(journey(make_saas(60, 12, seed=1).data()))
    >>> effort.get_title()
    'Effort'
    """
    # places count from below, and the worst stage is to stand at the top
    told = stages[::-1]
    if axes is None:
        axes = new_axes((WIDTH, 3.2 + 0.75 * max(len(told), 1)), 3)
    effort, sentiment, volume = axes
    place = np.arange(len(told))
    for ax, columns in (
        (effort, ("hard_share", "low", "high")),
        (sentiment, ("sentiment", "sentiment_low", "sentiment_high")),
    ):
        value, low, high = (told[column].to_numpy(float) for column in columns)
        ax.hlines(place, low, high, color=_COLOURS["success"], linewidth=2.5, alpha=0.6)
        ax.scatter(value, place, color=_COLOURS["success"], s=36, zorder=3, clip_on=False)
        ax.set_xlim(0, 1)
    contacts = told["contacts"].to_numpy(float)
    ours = contacts * told["preventive_share"].fillna(0).to_numpy(float)
    volume.barh(place, ours, height=0.6, color=_COLOURS["success"], label="begun by us")
    style: dict[str, Any] = {"color": QUIET, "alpha": 0.45, "label": "begun by the customer, or unknown"}
    volume.barh(place, contacts - ours, height=0.6, left=ours, **style)
    for at, n in enumerate(contacts):
        volume.text(n, at, f" {number(n, 0)}", va="center", fontsize=SMALL)
    # room for the figures behind the bars, also where there is no contact at all
    volume.set_xlim(0, 1.2 * max([*contacts, 1.0]))
    effort.set(title="Effort", xlabel="hard contacts, share of the resolved: handed on, reopened or asked again")
    sentiment.set(title="Sentiment", xlabel="mean answer to surveys after it, 0 worst, 1 best")
    volume.set(title="Volume", xlabel="contacts")
    volume.xaxis.set_major_formatter(as_number)
    volume.legend(fontsize=SMALL, frameon=False, loc="lower right")
    for ax in (effort, sentiment, volume):
        ax.set_yticks(place, list(told.index))
        ax.set_ylim(-0.6, max(len(told), 1) - 0.4)
        ax.xaxis.label.set_fontsize(SMALL)
        plain(ax, "x")
    return axes if isinstance(axes, tuple) else tuple(axes)


def plot_claims(table: pd.DataFrame, axes: Sequence[Axes] | None = None) -> tuple[Axes, ...]:
    """Draw the portfolio's own figures with their intervals beside what the articles claim.

    Parameters
    ----------
    table : pandas.DataFrame
        As `claims` gives it.
    axes : sequence of three matplotlib Axes, optional
        Where to draw shares, differences and ratios; a new figure by default.

    Returns
    -------
    tuple of three matplotlib Axes

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import claims, plot_claims
    >>> shares, differences, ratios = plot_claims(claims(make_saas(80, 18, seed=1).data()))
    >>> shares.get_title()
    'Shares'
    """
    parts = [table[table["unit"] == unit][::-1] for unit in ("share", "difference", "ratio")]
    if axes is None:
        heights = [max(len(part), 1) + 1 for part in parts]
        axes = new_axes((WIDTH, 0.6 * sum(heights) + 1), 3, height_ratios=heights)
    for ax, part, title in zip(axes, parts, ("Shares", "Differences of shares or areas", "Ratios"), strict=True):
        _draw_claims(ax, part, title)
    if len(parts[2]):
        # matplotlib is loaded only by those who draw
        from matplotlib.ticker import LogLocator

        axes[2].set_xscale("log")
        axes[2].xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes[2].xaxis.set_major_formatter(as_number)
        axes[2].xaxis.set_minor_formatter("")
    axes[2].legend(fontsize=SMALL, frameon=False, loc="upper right", bbox_to_anchor=(1, -0.25), ncols=2)
    return axes if isinstance(axes, tuple) else tuple(axes)


_VERDICT_COLOURS = {"agree": SERIES[2], "differ": SERIES[1], "too little": QUIET}


def _draw_claims(ax: Axes, part: pd.DataFrame, title: str) -> None:
    """Draw the claims of one unit: what is claimed as a band, a figure as a dot with its interval."""
    place = np.arange(len(part))
    for verdict, colour in _VERDICT_COLOURS.items():
        chosen = (part["verdict"] == verdict).to_numpy()
        own = part[chosen]
        ax.hlines(place[chosen], own["low"], own["high"], color=colour, linewidth=2.5, alpha=0.6)
        ax.scatter(own["value"], place[chosen], color=colour, s=36, zorder=3, label=f"own data: {verdict}")
    claimed = part[["claimed_low", "claimed_high"]].to_numpy(float)
    # a claim of a direction has one end in infinity, which cannot be drawn
    at, end = np.nonzero(np.isfinite(claimed))
    ax.scatter(claimed[at, end], place[at], marker="|", s=160, color=INK, zorder=4, label="claimed")
    ax.set_yticks(place, ["\n".join(textwrap.wrap(words, 40)) for words in part["says"]])
    ax.set_ylim(-0.6, max(len(part), 1) - 0.4)
    plain(ax, "x").set_title(title, fontsize="medium")


def _scale(ax: Axes, value: pd.Series) -> None:
    """Scale by orders of magnitude, straight around 0 where the sign changes."""
    straight = 10.0 ** max(0, round(np.log10(max(float(value.abs().median()), 1.0))) - 1)
    ax.set_yscale("symlog", linthresh=straight)
    powers = straight * 10.0 ** np.arange(8)
    ticks = np.array([*-powers[::-1], 0.0, *powers])
    inside = ticks[(ticks >= min(value.min() * 1.5, 0.0)) & (ticks <= max(value.max() * 1.5, 0.0))]
    ax.set_yticks(inside, [number(tick, 0) for tick in inside])
    ax.set_ylim(min(value.min() * 1.5, -straight / 2), max(value.max() * 1.5, straight / 2))
    ax.minorticks_off()
