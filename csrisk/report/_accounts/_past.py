"""The risk of each account over the past months, and the goals that it came from then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk.exceptions import ConfigError, ExplanationError
from csrisk.report._content import Past

if TYPE_CHECKING:
    from csrisk.report._book import Book

__all__ = ["GOALS_SHOWN", "make_pasts"]

GOALS_SHOWN = 25
_DATES = 12
_RISK = "churn_probability"


def make_pasts(
    book: Book, history: pd.DataFrame | None, count: int
) -> tuple[tuple[pd.Timestamp, ...], tuple[Past | None, ...]]:
    """Follow the first accounts of a book over the last twelve earlier dates, and up to the book."""
    nothing: tuple[Past | None, ...] = (None,) * count
    if history is None:
        return (), nothing
    if not book.dated:
        raise ExplanationError("history=...: the explained rows have no dates, so no score is earlier than they are")
    _check(history)
    # the book itself comes last, as it tells its own risk, and from the explanation
    earlier = history[history.index.get_level_values("as_of") < book.as_of]
    dates = earlier.index.get_level_values("as_of").unique().sort_values()[-_DATES:]
    if not len(dates):
        return (), nothing
    keys = list(book.keys[:count])
    # scores tell risks from 0 to 1, the book in per cent
    risks = np.column_stack([100 * _wide(earlier, _RISK, keys, dates), book.prediction[:count]])
    # goals only where cards have room to draw them
    first = keys[:GOALS_SHOWN]
    goals = {
        str(goal): np.column_stack(
            [_wide(earlier, f"{goal}_points", first, dates), book.points[goal].to_numpy(np.float64)[: len(first)]]
        )
        for goal in book.points.columns
        if f"{goal}_points" in earlier
    }
    pasts = tuple(
        Past(
            risks=_known(row),
            goals=tuple((goal, _known(values[at])) for goal, values in goals.items() if _told(values[at]))
            if at < len(first)
            else (),
        )
        if _told(row)
        else None
        for at, row in enumerate(risks)
    )
    return (*map(pd.Timestamp, dates), book.as_of), pasts


def _check(history: pd.DataFrame) -> None:
    if not {"account_id", "as_of"} <= set(history.index.names) or _RISK not in history:
        raise ConfigError(f"history: it takes {_RISK} on (account_id, as_of), as `score` and `read_scores` give it")
    twice = int(history.index.duplicated().sum())
    if twice:
        raise ConfigError(f"history: {twice} of {len(history)} snapshots are told twice; keep one score of each")
    wrong = int((~history[_RISK].between(0, 1)).sum())
    if wrong:
        raise ConfigError(f"history: {wrong} of {len(history)} risks are missing or not between 0 and 1")


def _wide(table: pd.DataFrame, name: str, keys: list[object], dates: pd.Index) -> np.ndarray:
    """One row for each account, one column for each date, NaN where nothing is told."""
    return table[name].unstack("as_of").reindex(index=keys, columns=dates).to_numpy(np.float64)  # noqa: PD010


def _told(row: np.ndarray) -> bool:
    """Whether anything is known before the book itself."""
    return bool(np.isfinite(row[:-1]).any())


def _known(row: np.ndarray) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(value) else float(value) for value in row)
