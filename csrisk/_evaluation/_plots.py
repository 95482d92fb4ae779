"""Plots that draw the tables and compute nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csrisk._figure import axes_or_new

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["plot_calibration", "plot_capacity", "plot_cost", "plot_profit"]

_BLUE, _GREY = "#1f5a8a", "#777777"


def plot_calibration(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw what `calibration_curve` returned.

    Parameters
    ----------
    table : DataFrame
        Table of `calibration_curve`.
    ax : matplotlib Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from csrisk.evaluation import calibration_curve, plot_calibration
    >>> y, risk = [0, 0, 1, 0, 1, 1] * 20, [0.1, 0.2, 0.4, 0.5, 0.7, 0.9] * 20
    >>> plot_calibration(calibration_curve(y, risk)).get_xlabel()
    'Risk told'
    """
    ax = _axes(ax, "Risk told", "Share that churned")
    top = float(max(table["mean_risk"].max(), table["high"].max()))
    ax.plot([0, top], [0, top], color=_GREY, linewidth=1, linestyle="--", label="as told")
    spread = [table["event_rate"] - table["low"], table["high"] - table["event_rate"]]
    ax.errorbar(
        table["mean_risk"], table["event_rate"], yerr=spread, fmt="o-", color=_BLUE, capsize=3, label="observed"
    )
    ax.legend(frameon=False)
    return ax


def plot_capacity(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw what `capacity_curve` returned.

    Parameters
    ----------
    table : DataFrame
        Table of `capacity_curve`.
    ax : matplotlib Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from csrisk.evaluation import capacity_curve, plot_capacity
    >>> y, risk = [0, 0, 1, 0, 1, 1] * 20, [0.1, 0.2, 0.4, 0.5, 0.7, 0.9] * 20
    >>> plot_capacity(capacity_curve(y, risk)).get_ylabel()
    'Share of churn found'
    """
    ax = _axes(ax, "Share of snapshots looked after", "Share of churn found")
    ax.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="--", label="at random")
    _curve(ax, table, "capture", label="by score")
    ax.legend(frameon=False)
    return ax


def plot_profit(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw what `profit_curve` returned.

    Parameters
    ----------
    table : DataFrame
        Table of `profit_curve`.
    ax : matplotlib Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from csrisk.evaluation import plot_profit, profit_curve
    >>> y, risk = [0, 0, 1, 0, 1, 1] * 20, [0.1, 0.2, 0.4, 0.5, 0.7, 0.9] * 20
    >>> plot_profit(profit_curve(y, risk, value=900, cost=50, save_rate=0.3)).get_ylabel()
    'Profit for each snapshot'
    """
    ax = _axes(ax, "Share of snapshots looked after", "Profit for each snapshot")
    ax.axhline(0, color=_GREY, linewidth=1)
    _curve(ax, table, "profit")
    best = table[table["is_best"]]
    ax.plot(best.index, best["profit"], "o", color=_BLUE)
    return ax


def plot_cost(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw what `cost_curve` returned.

    Parameters
    ----------
    table : DataFrame
        Table of `cost_curve`.
    ax : matplotlib Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from csrisk.evaluation import cost_curve, plot_cost
    >>> y, risk = [0, 0, 1, 0, 1, 1] * 20, [0.1, 0.2, 0.4, 0.5, 0.7, 0.9] * 20
    >>> plot_cost(cost_curve(y, risk, miss_cost=900, contact_cost=50)).get_ylabel()
    'Expected cost, share of the worst'
    """
    ax = _axes(ax, "Share of missed churners in the worst cost", "Expected cost, share of the worst")
    ax.plot(table.index, table["trivial"], color=_GREY, linewidth=1, linestyle="--", label="all or nobody")
    _curve(ax, table, "cost", label="by score")
    yours = table[table["is_yours"]]
    ax.plot(yours.index, yours["cost"], "o", color=_BLUE, label="your costs")
    ax.legend(frameon=False)
    return ax


def _curve(ax: Axes, table: pd.DataFrame, column: str, label: str | None = None) -> None:
    ax.plot(table.index, table[column], color=_BLUE, label=label)
    ax.fill_between(table.index.to_numpy(), table["low"], table["high"], color=_BLUE, alpha=0.2, linewidth=0)


def _axes(ax: Axes | None, x: str, y: str) -> Axes:
    ax = axes_or_new(ax, (5, 4))
    ax.set(xlabel=x, ylabel=y)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
