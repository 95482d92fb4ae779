"""What was told on an earlier date, and what happened since: by the risk told, and where it was wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import chi2

from csrisk.exceptions import ConfigError
from csrisk.report._book import describe
from csrisk.report._content import Column, Interval, Table, Told
from csrisk.report._names import clean, pseudonym
from csrisk.report._printing._format import day, number, percent

if TYPE_CHECKING:
    from csrisk.data import CustomerData
    from csrisk.report._book import Book
    from csrisk.report._content import Cell

__all__ = ["make_told", "observed_to_expected"]

_BANDS = (0.0, 0.05, 0.1, 0.2, 0.4)
_LISTED = 10
_HIGH, _LOW = 0.9, 0.5
_COLUMNS = ("churn_probability", "left")


def make_told(
    book: Book,
    data: CustomerData | None,
    told: pd.DataFrame | None,
    told_by: str = "",
    *,
    pseudonymise: bool | str = False,
) -> Told | None:
    """Hold what was told of a past book against what happened."""
    if told is None or told.empty:
        return None
    since = _date(told, book)
    risk = told["churn_probability"].to_numpy(np.float64)
    left = told["left"].to_numpy(bool)
    grew = None
    if "grew" in told and told["grew"].notna().any():
        # growth is told of those who stayed
        grew = told["grew"].astype("boolean").fillna(value=False).to_numpy(bool) & ~left
    names = _names(list(told.index.get_level_values("account_id")), book, data, pseudonymise)
    place = {key: at for at, key in enumerate(book.keys)}
    now = [place.get(key) for key in told.index.get_level_values("account_id")]
    risk_now = [None if at is None else float(book.probability[at]) for at in now]
    ratio = observed_to_expected(int(left.sum()), float(risk.sum()))
    words = "" if ratio is None else f": {_words(ratio)} times as many"
    headline = (
        f"Of {number(len(told), 0)} accounts told on {day(since)}, {number(int(left.sum()), 0)} left where "
        f"{number(float(risk.sum()), 1)} were expected{words}."
    )
    tables = (
        _bands(risk, left, grew),
        _stayers(risk, left, grew, names, risk_now),
        _leavers(risk, left, names),
    )
    return Told(day(since), headline, clean(told_by, longest=400), tuple(table for table in tables if table))


def observed_to_expected(observed: int, expected: float) -> Interval | None:
    """Divide a count by what was expected, with the exact 95 % interval of a Poisson count.

    Each account leaves once at most, so that the interval is rather too wide than too narrow (Garwood 1936, "Fiducial
    limits for the Poisson distribution").
    """
    if expected <= 0:
        return None
    # of no event at all the lower end is 0: chi-squared with 0 degrees of freedom has no quantile
    low = float(chi2.ppf(0.025, 2 * observed)) / 2 if observed else 0.0
    high = float(chi2.ppf(0.975, 2 * (observed + 1))) / 2
    return Interval(observed / expected, low / expected, high / expected)


def _words(ratio: Interval) -> str:
    estimate, low, high = (number(value or 0.0, 2) for value in (ratio.estimate, ratio.low, ratio.high))
    return f"{estimate} (95\u00a0%: {low} to {high})"


def _date(told: pd.DataFrame, book: Book) -> pd.Timestamp:
    missing = [name for name in _COLUMNS if name not in told]
    if missing:
        raise ConfigError(f"told: columns {missing} are missing; it takes {list(_COLUMNS)} and, where known, grew")
    dates = told.index.get_level_values("as_of").unique()
    # not below rather than at or above: a missing date is refused too
    if len(dates) != 1 or not dates[0] < book.as_of:
        raise ConfigError(f"told: its snapshots are of {len(dates)} dates; it takes one date, before that of the book")
    return pd.Timestamp(dates[0])


def _names(keys: list[object], book: Book, data: CustomerData | None, pseudonymise: bool | str) -> list[str]:
    """Name accounts as the report does; one that is not in the book has no place there to be numbered by."""
    known = dict(zip(book.keys, book.names, strict=True))
    if pseudonymise:
        coded = isinstance(pseudonymise, str)
        # numbers are places in the book; codes of a secret need none
        gone = {key: pseudonym(key, 0, pseudonymise) if coded else "not in the book" for key in keys}
    else:
        gone = dict(zip(keys, describe(data, tuple(keys))[0], strict=True))
    return [known.get(key, gone[key]) for key in keys]


def _bands(risk: np.ndarray, left: np.ndarray, grew: np.ndarray | None) -> Table:
    # right: a risk of exactly 5 % is in the band that begins there
    band = np.searchsorted(_BANDS, risk, side="right") - 1
    rows: list[tuple[Cell, ...]] = []
    for at in range(len(_BANDS)):
        inside = band == at
        if inside.any():
            rows.append(_band_row(_band_name(at), inside, risk, left, grew))
    rows.append(_band_row("all", np.ones(len(risk), dtype=bool), risk, left, grew))
    columns = (
        Column("Risk told"),
        Column("Accounts", "integer"),
        Column("Expected to leave", "number", 1),
        Column("Left", "integer"),
        Column("Left, as a multiple of it", "number", 2),
        Column("Stayed", "integer"),
        *(() if grew is None else (Column("Of those, grew", "integer"),)),
    )
    note = (
        "1.00: as many left as told. The range holds the truth in at least 95 % of such books; where it does not hold "
        "1, the risks told there were too low (above 1) or too high (below)."
    )
    return Table("By the risk told", columns, tuple(rows), note)


def _band_name(at: int) -> str:
    if at == 0:
        return f"below {percent(_BANDS[1], 0)}"
    if at == len(_BANDS) - 1:
        return f"from {percent(_BANDS[at], 0)}"
    return f"{number(100 * _BANDS[at], 0)} to {percent(_BANDS[at + 1], 0)}"


def _band_row(
    name: str, inside: np.ndarray, risk: np.ndarray, left: np.ndarray, grew: np.ndarray | None
) -> tuple[Cell, ...]:
    gone, expected = int(left[inside].sum()), float(risk[inside].sum())
    row: tuple[Cell, ...] = (name, int(inside.sum()), expected, gone, observed_to_expected(gone, expected))
    grown = () if grew is None else (int(grew[inside].sum()),)
    return (*row, int(inside.sum()) - gone, *grown)


def _stayers(
    risk: np.ndarray, left: np.ndarray, grew: np.ndarray | None, names: list[str], now: list[float | None]
) -> Table | None:
    limit = float(np.quantile(risk, _HIGH))
    found = np.flatnonzero((risk >= limit) & ~left)
    found = found[np.argsort(-risk[found], kind="stable")]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (names[at], float(risk[at]), now[at], *(() if grew is None else (bool(grew[at]),))) for at in found[:_LISTED]
    )
    if not rows:
        return None
    columns = (
        Column("Account", "name"),
        Column("Risk told", "percent"),
        Column("Risk now", "percent"),
        *(() if grew is None else (Column("Grew"),)),
    )
    high = int((risk >= limit).sum())
    note = (
        f"{number(len(found), 0)} of the {number(high, 0)} accounts told highest (a tenth, from {percent(limit)}) "
        "stayed; the "
        f"first {len(rows)} are listed. A dash: not in the book now."
    )
    return Table("Told high, and stayed", columns, rows, note, folded=True)


def _leavers(risk: np.ndarray, left: np.ndarray, names: list[str]) -> Table | None:
    limit = float(np.quantile(risk, _LOW))
    found = np.flatnonzero((risk < limit) & left)
    found = found[np.argsort(risk[found], kind="stable")]
    rows: tuple[tuple[Cell, ...], ...] = tuple((names[at], float(risk[at])) for at in found[:_LISTED])
    if not rows:
        return None
    columns = (Column("Account", "name"), Column("Risk told", "percent"))
    note = (
        f"{number(len(found), 0)} of {number(int(left.sum()), 0)} accounts that left were told less than the "
        "middle account "
        f"({percent(limit)}); the first {len(rows)} are listed."
    )
    return Table("Told low, and left", columns, rows, note, folded=True)
