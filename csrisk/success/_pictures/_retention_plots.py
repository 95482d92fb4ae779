"""Pictures of retention: a heat map by month of start, and Kaplan-Meier curves with the accounts behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from csrisk._drawing import GROUND, INK, QUIET, SERIES, axes_or_new, families, name_of, new_axes
from csrisk._text import month, number
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["plot_cohorts", "plot_retention"]

_VALUES = {"retention": "accounts", "revenue_retention": "monthly revenue"}
_MOST_MONTHS = 12  # columns that leave room for two figures each at 400 px
_MOST_ROWS = 24
_MOST_GROUPS = 6
_DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
# a dash of its own for each, as six colours are more than the palette tells apart
_LINES = tuple(zip((*SERIES, QUIET, INK), _DASHES, strict=True))
_LEAST = 5  # followed accounts; with fewer, one that leaves throws the curve to the ground
_MONTH_DAYS = 365.25 / 12


def plot_cohorts(table: pd.DataFrame, value: str = "retention", ax: Axes | None = None) -> Axes:
    """Draw retention by month of start as a heat map; darker is more, and what is not known yet is left white.

    Parameters
    ----------
    table : pandas.DataFrame
        As `cohorts` gives it. The last 24 months of start and at most twelve months after the start are drawn.
    value : {"retention", "revenue_retention"}, default "retention"
        Accounts, or revenue.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import cohorts, plot_cohorts
    >>> plot_cohorts(cohorts(make_saas(80, 18, seed=1).data())).get_xlabel()
    'Full months since the start'
    """
    if value not in _VALUES:
        raise ConfigError(f"value={value!r} must be one of {list(_VALUES)}")
    wide = table.reset_index().pivot(index="start_month", columns="month", values=value).iloc[-_MOST_ROWS:]  # noqa: PD010
    wide = wide.dropna(axis="columns", how="all")
    last = int(wide.columns.max()) if wide.shape[1] else 0
    # rounded up, so that never more columns are left than have room
    every = max(1, -(-last // _MOST_MONTHS))
    wide = wide.loc[:, wide.columns.to_numpy(dtype=np.int64) % every == 0]
    ax = axes_or_new(ax, (4.6, 1.6 + 0.3 * max(len(wide), 1)))
    counts = table["accounts"].groupby("start_month").first().reindex(wide.index)
    few = table["few"].groupby("start_month").first().reindex(wide.index)
    share = wide.to_numpy(float)
    if share.size:
        ax.imshow(np.ma.masked_invalid(share), cmap="Blues", vmin=0, vmax=max(1.0, np.nanmax(share)), aspect="auto")
        _write(ax, share)
    names = [
        f"{month(start)} ({number(n, 0)}{'*' if small else ''})"
        for start, n, small in zip(wide.index, counts, few, strict=True)
    ]
    ax.set_yticks(range(len(wide)), names, fontsize="small")
    ax.set_xticks(range(wide.shape[1]), [str(month) for month in wide.columns], fontsize="small")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_xlabel("Full months since the start")
    ax.set_ylabel("Month of start (accounts; * few)")
    ax.set_title(f"Per cent of {_VALUES[value]} that stayed", fontsize="medium")
    return ax


def _write(ax: Axes, share: np.ndarray[Any, Any]) -> None:
    """Write the per cents into the cells, light on dark."""
    top = max(1.0, float(np.nanmax(share)))
    for row, column in zip(*np.nonzero(~np.isnan(share)), strict=True):
        level = share[row, column]
        colour = GROUND["light"] if level / top > 0.7 else INK
        ax.text(column, row, number(100 * level, 0), ha="center", va="center", fontsize=7.5, color=colour)


def plot_retention(table: pd.DataFrame, axes: Sequence[Axes] | None = None) -> tuple[Axes, ...]:
    """Draw Kaplan-Meier curves with 95 % intervals, and below them how many accounts they rest on.

    A curve ends where fewer than five accounts are followed.

    Parameters
    ----------
    table : pandas.DataFrame
        As `retention` gives it; of more than six groups those with the most accounts that left or were seen to stay.
    axes : sequence of two matplotlib Axes, optional
        Where to draw the curves and the numbers at risk; a new figure by default.

    Returns
    -------
    tuple of two matplotlib Axes

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import plot_retention, retention
    >>> curves, at_risk = plot_retention(retention(make_saas(80, 18, seed=1).data(), "segment"))
    >>> curves.get_ylabel()
    'Per cent of accounts that stayed'
    """
    sizes = (table["left"] + table["censored"]).groupby("group").sum().sort_values(ascending=False, kind="stable")
    groups = list(sizes.index[:_MOST_GROUPS])
    if axes is None:
        height = 0.24 * len(groups)
        axes = new_axes((5.2, 3.8 + 2 * height), 2, 1, height_ratios=[3, 0.3 + height], sharex=True)
    curves, below = axes
    last = max((int(_trusted(table.loc[group]).index.max()) for group in groups), default=0) / _MONTH_DAYS
    step = next(size for size in (1, 3, 6, 12, 24, 60, 10_000) if last / size <= 7)
    ticks = np.arange(0, last + 1e-9, step)
    for row, (group, (colour, dash)) in enumerate(zip(groups, _LINES, strict=False)):
        one = _trusted(table.loc[group])
        months = one.index.to_numpy() / _MONTH_DAYS
        low, high = (100 * one[name].to_numpy(float) for name in ("low", "high"))
        style: dict[str, Any] = {"color": colour, "linestyle": dash}
        curves.step(
            months, 100 * one["retention"], where="post", label=f"{name_of(group)} ({number(sizes[group], 0)})", **style
        )
        curves.fill_between(months, low, high, step="post", color=colour, alpha=0.13, linewidth=0)
        for tick in ticks:
            text = number(_at_risk(table.loc[group], tick * _MONTH_DAYS), 0)
            below.text(tick, row, text, ha="center", va="center", fontsize="small", color=colour)
    _frame(curves, below, groups, ticks, last)
    return axes if isinstance(axes, tuple) else tuple(axes)


def _trusted(one: pd.DataFrame) -> pd.DataFrame:
    """Rows up to the last before too few accounts are followed; the first day always."""
    thin = (one["at_risk"].to_numpy() < _LEAST) & (one.index.to_numpy() > 0)
    # argmax gives the first true, and 0 where there is none
    return one.iloc[: int(np.argmax(thin)) if thin.any() else len(one)]


def _at_risk(one: pd.DataFrame, day: float) -> int:
    """Accounts followed at a day: those of the next row, and those that were censored on the way to it."""
    later = one[one.index >= day]
    return int(later["at_risk"].iloc[0]) if len(later) else 0


def _frame(curves: Axes, below: Axes, groups: list[Any], ticks: np.ndarray[Any, Any], last: float) -> None:
    curves.set(ylim=(0, 102), xlim=(-0.02 * last, 1.04 * max(last, 1)), ylabel="Per cent of accounts that stayed")
    curves.grid(axis="y", color="0.92")
    curves.set_axisbelow(True)
    curves.spines[["top", "right"]].set_visible(False)
    curves.tick_params(labelbottom=False)
    if groups:
        # above the curves: names are long, and a curve may lie anywhere
        font = {"family": families(), "size": "small"}
        curves.legend(prop=font, frameon=False, loc="lower left", bbox_to_anchor=(0, 1))
    if not last:
        words = f"no curve: fewer than {_LEAST} accounts are followed"
        curves.text(0.5, 50, words, ha="center", fontsize="small", color=QUIET)
    words = f"Bands are 95\u00a0% intervals; drawn while {_LEAST} are followed"
    curves.set_xlabel(words, fontsize="small")
    # turned round: rows of figures in the order of the legend
    below.set_ylim(max(len(groups), 1) - 0.4, -0.6)
    below.set_yticks(range(len(groups)), [name_of(group, 24) for group in groups], fontsize="small", family=families())
    below.set_xticks(ticks, [number(tick, 0) for tick in ticks])
    below.tick_params(length=0, pad=9)  # the first figures stand on the axis
    below.spines[:].set_visible(False)
    below.set(xlabel="Months since the start; figures: accounts followed")
