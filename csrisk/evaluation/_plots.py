"""Plots that draw the tables and compute nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from csrisk._drawing import QUIET, SERIES, SMALL, WIDTH, as_money, as_percent, axes_or_new, new_axes, plain
from csrisk._text import day, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from csrisk.evaluation._backtest import Backtest

__all__ = ["plot_backtest", "plot_calibration", "plot_capacity", "plot_cost", "plot_profit"]

_FIRST = SERIES[0]


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
    _in_percent(ax, "xy")
    # risks are often far below 1: a diagonal up to 1 would press the levels into a corner
    top = float(max(table["mean_risk"].max(), table["high"].max()))
    ax.plot([0, top], [0, top], color=QUIET, linewidth=1, linestyle="--", label="as told")
    spread = [table["event_rate"] - table["low"], table["high"] - table["event_rate"]]
    ax.errorbar(
        table["mean_risk"], table["event_rate"], yerr=spread, fmt="o-", color=_FIRST, capsize=3, label="observed"
    )
    return _legend(ax)


def plot_capacity(table: pd.DataFrame | Mapping[str, pd.DataFrame], ax: Axes | None = None) -> Axes:
    """Draw what `capacity_curve` returned.

    Parameters
    ----------
    table : DataFrame, or mapping of str to DataFrame
        Table of `capacity_curve`; or up to four by name, to compare scores with each other.
    ax : matplotlib Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If there are more than four tables.

    Examples
    --------
    >>> from csrisk.evaluation import capacity_curve, plot_capacity
    >>> y, risk = [0, 0, 1, 0, 1, 1] * 20, [0.1, 0.2, 0.4, 0.5, 0.7, 0.9] * 20
    >>> plot_capacity(capacity_curve(y, risk)).get_ylabel()
    'Share of churn found'
    """
    tables = table if isinstance(table, Mapping) else {"by score": table}
    if len(tables) > len(SERIES):
        raise ValueError(f"table={list(tables)}: at most {len(SERIES)} scores can be told apart in one picture")
    ax = _axes(ax, "Share of snapshots looked after", "Share of churn found")
    _in_percent(ax, "xy")
    ax.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle="--", label="at random")
    for (name, one), colour in zip(tables.items(), SERIES, strict=False):
        _curve(ax, one, "capture", label=name, colour=colour)
    return _legend(ax)


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
    _in_percent(ax, "x")
    ax.axhline(0, color=QUIET, linewidth=1)
    _curve(ax, table, "profit", label="by score")
    best = table[table["is_best"]]
    ax.plot(best.index, best["profit"], "o", color=_FIRST, label="best")
    # whole money; profits of a few cents would all read 0
    if np.abs(ax.get_ylim()).max() >= 10:
        ax.yaxis.set_major_formatter(as_money)
    return _legend(ax)


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
    _in_percent(ax, "xy")
    ax.plot(table.index, table["trivial"], color=QUIET, linewidth=1, linestyle="--", label="all or nobody")
    _curve(ax, table, "cost", label="by score")
    yours = table[table["is_yours"]]
    ax.plot(yours.index, yours["cost"], "o", color=_FIRST, label="your costs")
    return _legend(ax)


def plot_backtest(found: Backtest, metric: str = "auc", axes: Sequence[Axes] | None = None) -> tuple[Axes, ...]:
    """Draw how good each training was until the next, and how many churned of those that it expected.

    Parameters
    ----------
    found : Backtest
        What `backtest` returned.
    metric : str, default "auc"
        Column of its tables, for the upper axes.
    axes : sequence of two matplotlib Axes, optional
        Where to draw the metric and observed over expected; a new figure by default.

    Returns
    -------
    tuple of two matplotlib Axes

    Raises
    ------
    ValueError
        If the tables have no such metric.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from csrisk import Snapshots, backtest
    >>> from csrisk.evaluation import Measurement, plot_backtest
    >>> dates = pd.date_range("2025-01-01", periods=6, freq="MS")
    >>> index = pd.MultiIndex.from_product([range(50), dates], names=["account_id", "as_of"])
    >>> past = Snapshots(index, lead=0, horizon=30, end=pd.Timestamp("2025-07-01"))
    >>> X = pd.DataFrame({"idle": np.random.default_rng(0).exponential(size=300)}, index=past.index)
    >>> few, days = Measurement(n_bootstrap=20), ["2025-03-01", "2025-05-01"]
    >>> found = backtest(LogisticRegression(), X, X["idle"] > 1, past, days, measurement=few)
    >>> [ax.get_ylabel() for ax in plot_backtest(found)]
    ['AUC', 'Churned, for each expected']
    """
    table = found.by_date()
    if f"{metric}_low" not in table:
        names = [name for name in table if f"{name}_low" in table]
        raise ValueError(f"metric={metric!r}: a backtest has {names}")
    axes = new_axes((WIDTH, 5.2), 2, sharex=True, height_ratios=(3, 2)) if axes is None else axes
    above, below = axes
    scores = ["model", *[name for name in found.baselines if not _flat(table, name, metric)]]
    dates = table.index.get_level_values("trained_at").unique()
    for at, name in enumerate(scores):
        part = table.xs(name, level="score")
        colour = SERIES[at] if at < len(SERIES) else QUIET
        _marks(above, [part[f"{metric}{end}"] for end in _ENDS], name, colour, at)
    model = table.xs("model", level="score")
    rate = model["mean_risk"]
    # the interval is that of the rate alone: the mean risk was told, it has no error
    _marks(below, [model[f"event_rate{end}"] / rate for end in _ENDS], "model", SERIES[0], 0)
    below.axhline(1, color=QUIET, linewidth=1, linestyle="--")
    _ylabel(above, metric.replace("_", " ").replace("auc", "AUC"))
    _ylabel(below, "Churned, for each expected")
    counts = model[["n_snapshots", "n_events"]].to_numpy()
    words = [f"{day(d)}\n{number(e, 0)} of {number(n, 0)}" for d, (n, e) in zip(model.index, counts, strict=True)]
    below.set_xticks(range(len(dates)), words, rotation=0 if len(dates) <= _MOST_FLAT else 90)
    below.set_xlabel("Trained at; churned of the snapshots until the next training", fontsize=SMALL)
    above.legend(fontsize=SMALL, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    for ax in (above, below):
        plain(ax, "y")
    return axes if isinstance(axes, tuple) else tuple(axes)


_MOST_FLAT = 5  # dates whose words stand beside each other
_ENDS = ("", "_low", "_high")


def _flat(table: pd.DataFrame, name: str, metric: str) -> bool:
    """Whether a baseline says nothing by this metric: one value for all, or none."""
    found = table.xs(name, level="score")
    return bool(found[metric].isna().all() or (name == "base_rate" and metric == "auc"))


def _marks(ax: Axes, bounds: list[pd.Series], name: str, colour: str, at: int) -> None:
    """Draw dots with their ranges by date, each score a little beside the other."""
    middle, low, high = (one.to_numpy(float) for one in bounds)
    place = np.arange(len(middle)) + 0.08 * at
    # matplotlib refuses negative lengths, and an interval need not hold its estimate
    spread = [np.maximum(middle - low, 0), np.maximum(high - middle, 0)]
    label = name.replace("_", " ")
    ax.errorbar(place, middle, yerr=spread, fmt="o-", color=colour, capsize=3, linewidth=1.2, label=label)


def _curve(ax: Axes, table: pd.DataFrame, column: str, label: str | None = None, colour: str = _FIRST) -> None:
    ax.plot(table.index, table[column], color=colour, label=label)
    ax.fill_between(table.index.to_numpy(), table["low"], table["high"], color=colour, alpha=0.2, linewidth=0)


def _axes(ax: Axes | None, x: str, y: str) -> Axes:
    ax = plain(axes_or_new(ax, (5, 4)))
    ax.set_xlabel(x, fontsize=10)
    ax.set_ylabel(y, fontsize=10)
    return ax


def _ylabel(ax: Axes, text: str) -> None:
    ax.set_ylabel(text, fontsize=SMALL)


def _in_percent(ax: Axes, which: str) -> None:
    for name in which:
        axis = ax.xaxis if name == "x" else ax.yaxis
        axis.set_major_formatter(as_percent)


def _legend(ax: Axes) -> Axes:
    ax.legend(frameon=False, fontsize=SMALL)
    return ax
