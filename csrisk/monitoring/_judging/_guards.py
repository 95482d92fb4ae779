"""What differs from what training saw, said before anybody acts on a score: checks CSM009 to CSM013."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import binom, poisson

from csrisk._text import day, number, percent
from csrisk.checks import Check, Rule
from csrisk.monitoring._judging._drift import goals_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from csrisk.data import CustomerData
    from csrisk.monitoring._judging._tables import TableProfile

__all__ = ["book_guards", "check_columns", "check_date", "check_gaps", "check_levels", "check_rows"]

_RANGE = "range of the months before training, widened; chance below 1 in 10,000"
COLUMNS = Rule(
    "CSM009",
    "Columns without a value any more",
    "columns that had values at training",
    "look at the export of the tables named; features of these columns are missing, and risks are guesses without them",
)
ROWS = Rule(
    "CSM010",
    "Rows and accounts of the tables",
    _RANGE,
    "compare the tables named with their sources: rows loaded twice, in part, or not at all",
)
LEVELS = Rule(
    "CSM011",
    "Level of numbers",
    "three times the range of the months, or the middle 90 percent of the book at training",
    "look at the units of the columns named, such as cents for whole amounts; a real change calls for training again",
)
GAPS = Rule(
    "CSM012",
    "Values that are missing or unknown",
    _RANGE,
    "look at the export of the columns named; a change of their words calls for training again",
)
DATE = Rule(
    "CSM013",
    "Date of the book",
    "what came after a date is known to a model that was trained later",
    "take such scores for a look back, not for a forecast, and never for a test of the model",
)
# small, as every run asks it of each table and measure: honest months must say nothing
_CHANCE = 1e-4
# accounts below which a share is chance, and names that a message has room for
_LEAST, _MOST_SAID = 10, 5
# how far the range of the months is widened; loaded twice is a factor of 2, thousands or cents one of 100 and more
_ROWS_FACTOR, _ACCOUNTS_FACTOR, _LEVEL_FACTOR = 1.5, 2.0, 3.0
# shares: kept below .8 of the least, .2 more gaps or repeats, .3 of rows with new words
_KEPT, _GAP, _UNSEEN = 0.8, 0.2, 0.3
# months below which nobody knows what is usual
_MONTHS, _CHANGES = 3, 6
# the power grows the room where months always varied: .65 ** 1.5 is .52, .8 ** 1.5 is .72 and the factor gives .67
_CHANGE_FACTOR, _CHANGE_POWER = 1.2, 1.5
_MIDDLE = (0.05, 0.95)
# distance between ordinary dates from which a feature ages with the book, and another level is no news
_AGES = 0.3


def book_guards(
    data: CustomerData,
    profile: TableProfile,
    now: pd.DataFrame,
    reference: pd.DataFrame,
    book: pd.DataFrame,
    *,
    accounts: int,
    usual: pd.Series | None = None,
    trained_at: Any = None,
    goals: Mapping[str, str] | None = None,
) -> tuple[Check, ...]:
    """Hold tables and features of a book against what training saw."""
    features = list(goals_of(book.columns, goals))
    as_of = pd.Timestamp(book.index.get_level_values("as_of").max())
    return (
        check_columns(data, profile),
        check_rows(profile, now, accounts, len(book)),
        check_levels(profile, now, reference, book, features, usual, _elapsed(as_of, trained_at)),
        check_gaps(profile, now, reference, book, features),
        check_date(as_of, trained_at),
    )


def check_columns(data: CustomerData, profile: TableProfile) -> Check:
    """Name columns that had values at training and have none now."""
    every = [f"{table}.{name}" for table, names in profile.columns.items() for name in names]
    if not every:
        return COLUMNS.not_applicable("nothing was noted of the tables at training")
    # whether any value is left: an export may keep the column and fill nothing in
    gone = [name for name in every if not data.has(*name.split(".", 1))]
    measure = f"{len(gone)} of {len(every)} columns have no value any more{_listed(gone)}"
    return COLUMNS.judge(bool(gone), measure, "0 columns", gone)


def check_rows(profile: TableProfile, now: pd.DataFrame, before: int, accounts: int) -> Check:
    """Judge how many rows and accounts the tables have in the latest month."""
    rules: dict[str, Callable[..., str | None]] = {"rows": _rows, "kept": _kept, "change": _change, "twice": _twice}
    # left: a table that vanished keeps its row and has no value
    joined = profile.ranges.join(now, how="left")
    said, found = [], []
    # tables that some month had nothing of come in bursts, so their rows of an account vary as they please
    rare = {table for table, _, measure, row in _each(joined) if measure == "accounts" and not row["low"] > 0}
    for table, _, measure, row in _each(joined):
        if measure == "rows" and table in rare:
            continue
        if measure == "accounts":
            # the book may have grown since training, and its rows with it
            words = _accounts(row, accounts / before if before else 1.0)
        else:
            words = rules[measure](row) if measure in rules else None
        if words is not None:
            said.append(f"{table}: {words}")
            found.append(str(table))
    if joined.empty:
        return ROWS.not_applicable("nothing was noted of the tables at training")
    tables = joined.index.get_level_values("table").nunique()
    measure = f"{len(set(found))} of {tables} tables differ{_listed(said)}"
    return ROWS.judge(bool(found), measure, "range of training, widened", dict.fromkeys(found))


def _accounts(row: pd.Series, growth: float) -> str | None:
    """Accounts with rows, where the book has grown or shrunk since."""
    if row["months"] < _MONTHS or np.isnan(row["value"]):
        return None
    low, high = row["low"] * min(growth, 1.0), row["high"] * max(growth, 1.0)
    # bookings of a month or quarter fall into 30 days twice or not at all: what is sometimes none has no usual number
    few = row["value"] * _ACCOUNTS_FACTOR < low and poisson.cdf(row["value"], low) < _CHANCE
    many = (
        row["low"] > 0
        and row["value"] > _ACCOUNTS_FACTOR * high
        and poisson.sf(row["value"] - 1, max(high, 1)) < _CHANCE
    )
    if not (few or many):
        return None
    return f"{number(row['value'], 0)} accounts with rows in 30 days, {_range(row, _whole)} at training"


def _rows(row: pd.Series) -> str | None:
    # not >= rather than <: a table without rows has NaN, and is not judged by this
    if row["months"] < _MONTHS or not row["n"] >= _LEAST:
        return None
    if row["low"] / _ROWS_FACTOR <= row["value"] <= row["high"] * _ROWS_FACTOR:
        return None
    return f"{number(row['value'])} rows of an account in 30 days, {_range(row)} at training"


def _kept(row: pd.Series) -> str | None:
    if row["months"] < _MONTHS or not row["n"] >= _LEAST or row["value"] > _KEPT * row["low"]:
        return None
    # held against the lowest month of training: the loss has to be more than chance makes of that
    if binom.cdf(round(row["value"] * row["n"]), row["n"], row["low"]) >= _CHANCE:
        return None
    share = percent(row["value"], 0)
    return f"{share} of the accounts of the month before have rows again, {_range(row, _whole_percent)} at training"


def _change(row: pd.Series) -> str | None:
    """Rows lost from one month to the next: more than half as much again, in logarithms, as ever before training."""
    if row["months"] < _CHANGES or not row["low"] > 0 or not row["n"] > 0:
        return None
    # n is rows before, so this is rows now; given both, each row is of now with share low / (1 + low)
    now = round(row["value"] * row["n"])
    limit = min(row["low"] / _CHANGE_FACTOR, row["low"] ** _CHANGE_POWER)
    if row["value"] >= limit or binom.cdf(now, now + row["n"], row["low"] / (1 + row["low"])) >= _CHANCE:
        return None
    share = percent(row["value"], 0)
    return (
        f"{share} of the rows that the same accounts had in the month before, {_range(row, _whole_percent)} at training"
    )


def _twice(row: pd.Series) -> str | None:
    # tables may hold honest repeats, so what was twice at training is allowed
    if not row["n"] >= _LEAST or row["value"] <= row["high"] + _GAP:
        return None
    return f"{percent(row['value'], 0)} of the rows are there twice, {percent(row['high'], 0)} at training"


def check_levels(
    profile: TableProfile,
    now: pd.DataFrame,
    reference: pd.DataFrame,
    book: pd.DataFrame,
    features: Iterable[str],
    usual: pd.Series | None = None,
    elapsed: int = 0,
) -> Check:
    """Judge whether numbers are of another size than training saw."""
    levels = profile.ranges.join(now, how="left")
    levels = levels[levels.index.get_level_values("measure") == "level"]
    said = {f"{table}.{name}": words for table, name, _, row in _each(levels) if (words := _level(row))}
    names = [name for name in features if pd.api.types.is_numeric_dtype(book[name].dtype) and name in reference]
    ages = set() if usual is None else set(usual.index[usual >= _AGES])
    for name in names:
        if name not in ages and (words := _feature_level(reference[name], book[name], _slack(name, elapsed))):
            said[name] = words
    if not len(levels) and not names:
        return LEVELS.not_applicable("no number is known of training and now")
    measure = f"{len(said)} of {len(levels) + len(names)} numbers are of another size{_listed(_worded(said))}"
    return LEVELS.judge(bool(said), measure, "range of training", said)


def _level(row: pd.Series) -> str | None:
    # a level around 0 has no ratio
    if not row["n"] >= _LEAST or not row["low"] > 0:
        return None
    if row["low"] / _LEVEL_FACTOR <= row["value"] <= row["high"] * _LEVEL_FACTOR:
        return None
    return f"mean {number(row['value'])} in 30 days, {_range(row)} at training"


def _elapsed(as_of: pd.Timestamp, trained_at: Any) -> int:
    return 0 if trained_at is None else max(0, (as_of - pd.Timestamp(trained_at)).days)


def _slack(name: str, elapsed: int) -> int:
    """Days that a feature may have grown by waiting alone."""
    return elapsed if name.endswith("_days") or name.startswith("days_") else 0


def _feature_level(old: pd.Series, new: pd.Series, slack: int = 0) -> str | None:
    """Half of the accounts lie where one in twenty lay: chance with ten accounts below 1 in 10,000."""
    before, now = (side.to_numpy(dtype=np.float64, na_value=np.nan) for side in (old, new))
    before, now = (side[np.isfinite(side)] for side in (before, now))
    # a feature that most accounts lack has a median of few
    if min(len(before), len(now)) < _LEAST or 2 * len(before) < len(old) or 2 * len(now) < len(new):
        return None
    low, high = np.quantile(before, _MIDDLE)
    middle = float(np.median(now))
    # waiting times grow by a day a day where nothing happens
    if low <= middle <= high + slack:
        return None
    return (
        f"median {number(middle)}, {number(float(np.median(before)))} at training "
        f"(90 % of accounts {number(low)} to {number(high)})"
    )


def check_gaps(
    profile: TableProfile, now: pd.DataFrame, reference: pd.DataFrame, book: pd.DataFrame, features: Iterable[str]
) -> Check:
    """Judge whether more values are missing, or say words that training did not see."""
    # from now: a word that training did not see has no range
    joined = now.join(profile.ranges, how="left")
    kinds = joined.index.get_level_values("measure")
    said = {}
    for table, name, _, row in _each(joined[kinds == "missing"]):
        if row["n"] >= _LEAST and _more(row["value"], row["high"], row["n"]):
            said[f"{table}.{name}"] = (
                f"{percent(row['value'], 0)} missing in 30 days, {percent(row['high'], 0)} at most at training"
            )
    for table, name, _, row in _each(joined[kinds == "unseen"]):
        if row["n"] >= _LEAST and row["value"] > _UNSEEN:
            said[f"{table}.{name}"] = (
                f"{percent(row['value'], 0)} of the rows of 30 days hold a value that training did not see"
            )
    names = [name for name in features if name in reference]
    for name in names:
        old, new = float(reference[name].isna().mean()), float(book[name].isna().mean())
        # the smaller side decides what chance explains
        if len(book) >= _LEAST and _more(new, old, min(len(book), len(reference))):
            said[name] = f"missing for {percent(new, 0)} of accounts, {percent(old, 0)} at training"
    if joined.empty and not names:
        return GAPS.not_applicable("nothing was noted of the tables at training")
    measure = f"{len(said)} columns have more gaps or other words{_listed(_worded(said))}"
    return GAPS.judge(bool(said), measure, f"{number(100 * _GAP, 0)} points more than at training", said)


def _more(now: float, before: float, n: float) -> bool:
    """Whether a share rose by more than a step and more than chance explains, the one before being a sample too."""
    # .05 where there was no gap: nought of a sample does not promise nought; 2: both shares are of samples
    spread = np.sqrt(max(before * (1 - before), 0.05) * 2 / n)
    return bool(now > before + max(_GAP, 4 * spread))


def check_date(as_of: pd.Timestamp, trained_at: Any) -> Check:
    """Judge whether a book is of a time that the model has seen."""
    if trained_at is None:
        return DATE.not_applicable("it was not said when the model learned", "pass trained_at=")
    days = (pd.Timestamp(trained_at) - as_of).days
    words = f"as_of {day(as_of)}, trained with what was known before {day(pd.Timestamp(trained_at))}"
    return DATE.judge(days > 0, f"{words}: {days} days back" if days > 0 else words, "not before the end of training")


def _each(table: pd.DataFrame) -> Iterator[tuple[str, str, str, pd.Series]]:
    """Give table, column, measure and figures of each row."""
    for place, (name, column, measure) in enumerate(table.index):
        yield str(name), str(column), str(measure), table.iloc[place]


def _whole(value: float) -> str:
    return number(value, 0)


def _whole_percent(share: float) -> str:
    return percent(share, 0)


def _range(row: pd.Series, written: Callable[[float], str] = number) -> str:
    low, high = written(row["low"]), written(row["high"])
    return low if low == high else f"{low} to {high}"


def _worded(said: dict[str, str]) -> list[str]:
    return [f"{name}: {words}" for name, words in said.items()]


def _listed(said: list[str]) -> str:
    more = f" and {len(said) - _MOST_SAID} more" if len(said) > _MOST_SAID else ""
    return f": {'; '.join(said[:_MOST_SAID])}{more}" if said else ""
