"""Features rebuilt from tables that end at the snapshot: what changes knew the future."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._days import as_midnight
from csrisk._text import day
from csrisk.checks._association import is_number
from csrisk.checks._check import Check, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["check_rebuilt"]

REBUILT = Rule(
    "CSR013",
    "Features that change when later rows are taken away",
    "a feature of the past is the same to the last digit whatever happens afterwards",
    "let the builder see rows through csrisk's visible() only; csrisk.testing.check_builder finds the row that it used",
    leakage=True,
)


def check_rebuilt(
    X: pd.DataFrame,
    data: CustomerData,
    snapshots: Snapshots,
    build: Callable[[CustomerData, Snapshots], pd.DataFrame] | None = None,
    *,
    date: Any = None,
) -> Check:
    """Compute the features of one date again, from tables without any row dated or known on or after it.

    Parameters
    ----------
    X : pandas.DataFrame
        Features of the snapshots; columns that `build` does not give are not compared.
    data : CustomerData
        The tables behind X.
    snapshots : Snapshots
        The snapshots of X.
    build : callable, optional
        From data and snapshots to features; default `build_features`.
    date : date-like, optional
        One of the dates of the snapshots; default the one in the middle.

    Returns
    -------
    Check

    Examples
    --------
    >>> import csrisk as cr
    >>> from csrisk.checks import check_rebuilt
    >>> data = cr.datasets.make_saas(40, 12, seed=1).data()
    >>> past = cr.Snapshots.every(data, "MS", horizon="90D")
    >>> check_rebuilt(cr.build_features(data, past), data, past).status
    'passed'
    """
    from csrisk.features import build_features

    dates = snapshots.as_of.sort_values().unique()
    # in the middle there are rows before it, which make features, and rows after it, which must not
    chosen = as_midnight(dates[len(dates) // 2] if date is None else date, "date")
    with warnings.catch_warnings():
        # whatever is odd in the tables was said when they were loaded
        warnings.simplefilter("ignore")
        earlier = _until(data, chosen)
        # an account whose first row comes later is not in these tables
        known = snapshots.index.get_level_values("account_id").isin(earlier.accounts)
        rows = snapshots[(snapshots.as_of == chosen).to_numpy() & known & snapshots.index.isin(X.index)]
        again = (build or build_features)(earlier, type(rows).of(earlier, rows.index))
    names = [name for name in again.columns if name in X.columns]
    before = X.loc[again.index]
    changed = [name for name in names if not _same(before[name], again[name])]
    measure = f"{len(changed)} of {len(names)} features of {len(again)} snapshots at {day(chosen)} change"
    listed = f"{measure}: {', '.join(changed[:5])}" if changed else measure
    return REBUILT.judge(bool(changed), listed, "0", changed)


def _until(data: CustomerData, date: pd.Timestamp) -> CustomerData:
    """Tables as they were known at the start of a day."""
    from csrisk.data import CONTRACT

    tables = {}
    for name in data.tables:
        frame, contract = data.frame(name), CONTRACT[name]
        if contract.has_account:
            hidden = pd.Series(False, index=frame.index)
            # contracts and accounts are known from their beginning: known_at hides their end alone
            whole = contract.begins is None or data.known_at.get(name) == "entered"
            for time in (contract.time or "started_at", *(("known_at",) if whole else ())):
                hidden |= frame[time] >= date
            frame = frame[~hidden].copy()
            told = ~(frame["known_at"] >= date)
            for time in contract.second_times:
                if time not in ("planned_end", "due_at", "started_at"):
                    at_once = time == contract.begins or contract[time].announced
                    frame[time] = frame[time].where((frame[time] < date) & (told | at_once))
            frame = frame.drop(columns="status", errors="ignore")  # of the export; it was read when the rows came
            frame["known_at"] = frame["known_at"].where(told)
        if len(frame):
            tables[name] = frame
    return type(data)(tables, end=date, known_at=data.known_at)


def _same(old: pd.Series, new: pd.Series) -> bool:
    if not (old.isna() == new.isna()).all():
        return False
    there = old.notna()
    if is_number(old) and is_number(new):
        left, right = old[there].to_numpy(dtype=np.float64), new[there].to_numpy(dtype=np.float64)
        return bool(np.allclose(left, right, rtol=1e-9, atol=1e-9))
    # as text: categories of other tables have other codes
    return bool((old[there].astype(str) == new[there].astype(str)).all())
