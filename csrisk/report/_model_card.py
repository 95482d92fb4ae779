"""What the model is, what it looks at, and how it did over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk._goals import Goal
from csrisk.evaluation import Backtest
from csrisk.report._content import Column, Interval, Table, Trend
from csrisk.report._names import clean
from csrisk.report._tables import frame_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk.features import Feature
    from csrisk.report._book import Book

__all__ = ["backtest_parts", "features_table", "model_table"]

_METRICS = {"auc": "AUC", "log_loss": "Log loss", "calibration_slope": "Calibration slope"}
_VIEWS = {
    "by_date": "by date of training",
    "by_age": "by age of the model",
    "by_lead": "by lead time",
    "by_segment": "by segment",
}
# by lead and by segment ask for labels or segments, which a backtest does not hold
_WORKED_OUT = ("by_date", "by_age")
_HEADS = {"trained_at": "Trained at", "age": "Age from, days", "lead": "Days ahead", "segment": "Segment"}
_NOTES = {
    "by_age": "How the model did as it grew old: what is lost by not training again.",
    "by_lead": "The same snapshots against churn that begins so many days later: how early the risk is seen.",
}


def model_table(book: Book, window: tuple[int, int] | None) -> Table:
    """Say what the model is for, what it says, and what it must not be used for."""
    sizes = ", ".join(f"{book.sizes[goal]} {Goal(goal).heading.lower()}" for goal in book.points.columns)
    when = "" if window is None else f" between {window[0]} and {sum(window)} days after the date of the book"
    known = "; only what was known before the date" if book.dated else ", as they stand in the table"
    rows = (
        ("What it says", f"The probability that an account churns{when}, and the share of each goal in it."),
        ("What it looks at", f"{sum(book.sizes.values())} features: {sizes}{known}."),
        ("Compared with", clean(book.why.reference_words, longest=400)),
        ("Meant for", "Choosing which customers to talk to first, and about what."),
        ("Not meant for", "Judging people, setting prices or terms for a customer, or showing that an action worked."),
    )
    return Table("What the model is", (Column("Question"), Column("Answer")), rows)


def features_table(declarations: tuple[Feature, ...]) -> Table:
    """List the features that the model looks at, under their goals."""
    order = list(Goal)
    rows = sorted(
        ((clean(f.name), f.goal.heading, f.unit, f.sentence.format(value="…", typical="…")) for f in declarations),
        key=lambda row: [goal.heading for goal in order].index(row[1]),
    )
    columns = (Column("Feature", "code"), Column("Goal"), Column("Unit"), Column("What it says"))
    return Table(f"The {len(rows)} features of the model", columns, tuple(rows))


def backtest_parts(
    backtest: Backtest | pd.DataFrame | Mapping[str, pd.DataFrame] | None,
) -> tuple[tuple[Table, ...], tuple[Trend, ...]]:
    """Arrange a backtest: scores against later outcomes, by date of training, age of the model, and lead time."""
    if backtest is None:
        return (), ()
    if isinstance(backtest, pd.DataFrame):
        caption = "AUC of the model minus that of each baseline" if "difference" in backtest else "Forward backtest"
        return (frame_table(backtest, caption),), ()
    if isinstance(backtest, Backtest):
        backtest = {view: getattr(backtest, view)() for view in _WORKED_OUT}
    others = tuple(frame_table(table, name) for name, table in backtest.items() if name not in _VIEWS)
    views = [(backtest[view], view, words) for view, words in _VIEWS.items() if view in backtest]
    return (
        (*others, *(_view(table, f"Backtest {words}", _NOTES.get(view, "")) for table, view, words in views)),
        tuple(
            _trend(table, f"AUC {words}")
            for table, view, words in views
            # segments have no order, and one group is no course
            if view != "by_segment" and len(table.index.unique(level=0)) > 1
        ),
    )


def _view(table: pd.DataFrame, caption: str, note: str) -> Table:
    """One row by group; the AUC of the model and of each baseline, then what only a probability has."""
    by, scores = str(table.index.names[0]), list(table.index.get_level_values("score").unique())
    # the model stands first; only its probabilities have calibration and loss
    cells = [("auc", score) for score in scores] + [(metric, scores[0]) for metric in list(_METRICS)[1:]]
    columns = (
        Column(_HEADS.get(by, by)),
        *(Column(f"{_METRICS[metric]}, {clean(score).replace('_', ' ')}", "number", 3) for metric, score in cells),
        Column("Events", "integer"),
    )
    rows = []
    for group, part in table.groupby(level=0, sort=True):
        found = part.droplevel(0)
        values = tuple(_estimate(found.loc[score], metric) for metric, score in cells)
        # all scores were measured on the same rows, so one count holds for all
        rows.append((_label(group), *values, int(found["n_events"].iloc[0])))
    return Table(caption, columns, tuple(rows), f"{note} Ranges are 95 % intervals from resampling accounts.".lstrip())


def _trend(table: pd.DataFrame, caption: str) -> Trend:
    wide = table.sort_index()
    groups = list(wide.index.get_level_values(0).unique())
    series = {
        clean(score).replace("_", " "): tuple(_estimate(wide.loc[(group, score)], "auc") for group in groups)
        for score in table.index.get_level_values("score").unique()
    }
    return Trend(caption, tuple(_label(group) for group in groups), tuple(series.items()))


def _estimate(row: Mapping[str, Any] | pd.Series, metric: str) -> Interval | None:
    estimate, low, high = (row[name] for name in (metric, f"{metric}_low", f"{metric}_high"))
    return None if pd.isna(estimate) else Interval(float(estimate), _bound(low), _bound(high))


def _bound(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _label(group: Any) -> str:
    return str(group.date()) if isinstance(group, pd.Timestamp) else clean(group)
