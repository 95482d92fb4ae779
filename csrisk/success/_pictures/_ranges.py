"""Pictures of estimates with their ranges: a dot and a bar for each row of a table."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._drawing import QUIET, SERIES, SMALL, WIDTH, as_percent, as_points, axes_or_new, plain
from csrisk._text import day, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

__all__ = ["plot_campaign", "plot_ledger", "plot_migration", "plot_traps", "plot_uplift", "plot_what_sets_apart"]

_LETTERS, _TALLEST = 32, 12.0  # of one line of a name; inches
_FEW = 4  # dates whose words stand beside each other
_NO_PLACE = ("unknown", "gone")


def plot_migration(moves: pd.DataFrame, ax: Axes | None = None, *, most: int = 8) -> Axes:
    """Draw the most frequent moves between quadrants, with the share of those that were there.

    Parameters
    ----------
    moves : pandas.DataFrame
        As `quadrant_migration` gives it, of one date.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    most : int, default 8
        How many moves.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import plot_migration, quadrant_migration
    >>> index = pd.MultiIndex.from_product([["a"], pd.to_datetime(["2025-01-01", "2025-04-01"])])
    >>> index = index.set_names(["account_id", "as_of"])
    >>> moves = quadrant_migration(pd.DataFrame({"quadrant": ["success", "let go or recover"]}, index=index))
    >>> plot_migration(moves).get_yticklabels()[0].get_text()
    'success → let go or recover (1)'
    """
    before, after = moves["before"].astype(str), moves["after"].astype(str)
    moved = (before != after) & ~before.isin(_NO_PLACE) & ~after.isin(_NO_PLACE)
    shown = moves[moved].nlargest(most, "accounts")
    names = [
        f"{a} → {b} ({number(n, 0)})" for a, b, n in shown[["before", "after", "accounts"]].itertuples(index=False)
    ]
    return _shares(ax, shown, "share", names, "Share of those that were there before")


def plot_traps(summary: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how many accounts are in each trap, of those with enough evidence to tell.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `trap_summary` gives it.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import csrisk as cr
    >>> from csrisk.success import plot_traps, relationship_traps, trap_summary
    >>> data = cr.load_demo()
    >>> found = relationship_traps(data, cr.Snapshots.at(data, "2025-10-01"))
    >>> plot_traps(trap_summary(found)).get_xlabel()
    'Share of the accounts with enough evidence'
    """
    known = summary.dropna(subset="share")
    columns = ["measure", "threshold", "accounts", "of"]
    rows = known[columns].to_numpy()
    names = [
        f"{what}: {number(limit)} or more ({number(n, 0)}\u00a0of\u00a0{number(of, 0)})" for what, limit, n, of in rows
    ]
    return _shares(ax, known, "share", names, "Share of the accounts with enough evidence")


def plot_what_sets_apart(apart: pd.DataFrame, ax: Axes | None = None, *, most: int = 10) -> Axes:
    """Draw what stands out of the best: how often one of them has more of it than one of the others.

    Parameters
    ----------
    apart : pandas.DataFrame
        As `what_sets_apart` gives it; drop the rows first that should not be seen.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    most : int, default 10
        How many features, the clearest first.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import plot_what_sets_apart
    >>> row = {"chance": 0.8, "low": 0.7, "high": 0.9, "n_best": 20, "n_other": 80, "stands_out": True}
    >>> plot_what_sets_apart(pd.DataFrame(row, index=["seats_90d"])).get_yticklabels()[0].get_text()
    'seats, 90 days'
    """
    shown = apart[apart["stands_out"].astype(bool)].head(most)
    names = [_in_words(str(name)) for name in shown.index]
    n_best, n_other = (int(apart[name].max()) if len(apart) else 0 for name in ("n_best", "n_other"))
    words = f"Chance that one of the best ({number(n_best, 0)}) has more\nthan one of the others ({number(n_other, 0)})"
    return _shares(ax, shown, "chance", names, words, line=0.5)


def plot_uplift(quality: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw what a treatment was worth: points of churn that the treated have less than those left alone.

    Parameters
    ----------
    quality : pandas.DataFrame
        As `evaluate_uplift` gives it.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import numpy as np
    >>> from csrisk.success import evaluate_uplift, plot_uplift
    >>> chance = np.random.default_rng(0)
    >>> treated, score = chance.random(400) < 0.5, chance.random(400)
    >>> churned = chance.random(400) < 0.3 - 0.2 * treated
    >>> ax = plot_uplift(evaluate_uplift(score, churned, treated, n_bootstrap=50))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['the first by score', 'all']
    """
    shown = 100 * quality.loc[["effect", "saved_at_capacity"], ["estimate", "low", "high"]]
    n_treated, n_other = quality.loc[["n_treated", "n_other"], "estimate"]
    words = f"Points of churn less: {number(n_treated, 0)} treated against {number(n_other, 0)} left alone"
    ax = _dots(ax, shown, "estimate", ["all", "the first by score"], words, 0.0)
    ax.xaxis.set_major_formatter(as_points)
    return ax


def plot_campaign(effect: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw what a campaign was worth: points of churn less than among the held out, for each planned and each contact.

    Parameters
    ----------
    effect : pandas.DataFrame
        As `evaluate_campaign` gives it. What is not known (no contact was written down) is left out.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import plot_campaign
    >>> effect = pd.DataFrame(
    ...     {"estimate": [0.1, None, 80, 20], "low": [0.02, None, None, None], "high": [0.18, None, None, None]},
    ...     index=["kept", "kept_per_contact", "n_contact", "n_holdout"],
    ... )
    >>> plot_campaign(effect).get_xlabel()
    'Points of churn less: 80 planned against 20 held out'
    """
    words = {"kept": "each planned", "kept_per_contact": "each contacted"}
    shown = 100 * effect.loc[list(words), ["estimate", "low", "high"]].dropna()
    n_contact, n_holdout = effect.loc[["n_contact", "n_holdout"], "estimate"]
    label = f"Points of churn less: {number(n_contact, 0)} planned against {number(n_holdout, 0)} held out"
    ax = _dots(ax, shown, "estimate", [words[str(name)] for name in shown.index], label, 0.0)
    ax.xaxis.set_major_formatter(as_points)
    return ax


def plot_ledger(ledger: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw which share of the asked answered, and which share of the answers was settled, date by date.

    Parameters
    ----------
    ledger : pandas.DataFrame
        As ``feedback_ledger(..., by="book")`` gives it for one date or several.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import feedback_ledger, plot_ledger
    >>> ledger = feedback_ledger(make_saas(60, 12, seed=1).data(), by="book")
    >>> [text.get_text() for text in plot_ledger(ledger).get_legend().get_texts()]
    ['answered, of those asked', 'acted upon or declined, of the answers']
    """
    ax = plain(axes_or_new(ax, (WIDTH, 3.4)), "y")
    place = np.arange(len(ledger))
    columns = {"response_rate": "answered, of those asked", "closed_share": "acted upon or declined, of the answers"}
    for at, (name, words) in enumerate(columns.items()):
        middle, low, high = (ledger[f"{name}{end}"].to_numpy(float) for end in ("", "_low", "_high"))
        spread = [middle - low, high - middle]
        # side by side, so that one interval does not hide the other
        ax.errorbar(place + 0.06 * at, middle, yerr=spread, color=SERIES[at], marker="o", capsize=3, label=words)
    dates = pd.DatetimeIndex(ledger.index.get_level_values("as_of"))
    names = [f"to {day(date)}\n{number(n, 0)} asked" for date, n in zip(dates, ledger["asked"], strict=True)]
    ax.set_xticks(place, names, rotation=0 if len(names) <= _FEW else 90)
    ax.set(ylim=(0, 1.02), xlim=(-0.5, max(len(ledger), 1) - 0.5))
    ax.yaxis.set_major_formatter(as_percent)
    ax.legend(fontsize=SMALL, frameon=False, loc="lower left", bbox_to_anchor=(0, 1))
    return ax


def _shares(
    ax: Axes | None, table: pd.DataFrame, middle: str, names: Sequence[str], words: str, line: float | None = None
) -> Axes:
    ax = _dots(ax, table, middle, names, words, line)
    ax.set_xlim(0, 1)
    ax.xaxis.set_major_formatter(as_percent)
    return ax


def _dots(
    ax: Axes | None, table: pd.DataFrame, middle: str, names: Sequence[str], words: str, line: float | None
) -> Axes:
    """Draw one row for each line of a table: the estimate as a dot, its 95 % range as a bar."""
    told = ["\n".join(textwrap.wrap(name, _LETTERS)) for name in names][::-1]
    lines = sum(max(2, 1 + name.count("\n")) for name in told)
    ax = plain(axes_or_new(ax, (WIDTH, min(_TALLEST, 1.1 + 0.17 * max(lines, 2)))), "x")
    rows, place = table[::-1], np.arange(len(told))
    ax.hlines(place, rows["low"], rows["high"], color=SERIES[0], linewidth=2.5, alpha=0.6)
    ax.scatter(rows[middle], place, color=SERIES[0], s=36, zorder=3, clip_on=False)
    if line is not None:
        ax.axvline(line, color=QUIET, linewidth=1, linestyle="--")
    ax.set_yticks(place, told)
    ax.tick_params(axis="y", pad=7)  # a dot at nothing stands on the axis
    ax.set_ylim(-0.6, max(len(told), 1) - 0.4)
    ax.set_xlabel(words, fontsize=SMALL)
    if not told:
        ax.text(0.5, 0.5, "none", transform=ax.transAxes, ha="center", fontsize=SMALL, color=QUIET)
    return ax


def _in_words(name: str) -> str:
    """Name a feature without underscores, its window behind a comma."""
    stem, _, last = name.rpartition("_")
    window = last[:-1] if last.endswith("d") and last[:-1].isdigit() else ""
    return f"{stem.replace('_', ' ')}, {window} days" if stem and window else name.replace("_", " ")
