"""Which evidence a label is read from, up to which day, and in which window of each snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from csrisk._days import as_days
from csrisk._labelling._outcomes import Ints, Window
from csrisk.exceptions import LabelError

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["Kind", "end_of", "kind_of", "positions", "window_of"]

Kind: TypeAlias = Literal["auto", "contract", "inactivity"]


def kind_of(data: CustomerData, kind: str) -> Literal["contract", "inactivity"]:
    """Tell what churn is read from; refuse what the data hold no evidence for."""
    evidence = {
        "contract": data.has("subscriptions", "end_at") or data.has("accounts", "ended_at"),
        "inactivity": data.has("usage", "at"),
    }
    if kind not in get_args(Kind):
        raise LabelError(f"kind={kind!r} must be one of {list(get_args(Kind))}")
    possible = [name for name, there in evidence.items() if there]
    if (kind == "auto" and not possible) or (kind != "auto" and kind not in possible):
        needed = "an end of subscriptions or accounts for 'contract', usage for 'inactivity'"
        raise LabelError(
            f"kind={kind!r}: the data hold no evidence for it; needed: {needed}; possible here: {possible}"
        )
    chosen = possible[0] if kind == "auto" else kind
    return "contract" if chosen == "contract" else "inactivity"


def end_of(data: CustomerData, snapshots: Snapshots, table: str) -> int:
    """Day from which on a label may use nothing of a table: of the snapshots, or where its observation ends before."""
    if snapshots.end > data.end:
        message = f"snapshots.end={snapshots.end:%Y-%m-%d} lies after data.end={data.end:%Y-%m-%d}"
        raise LabelError(message + "; label snapshots with the data they came from, or with later data")
    return int(as_days(pd.DatetimeIndex([min(snapshots.end, data.ends.get(table, data.end))]))[0])


def positions(data: CustomerData, snapshots: Snapshots) -> tuple[Ints, Ints]:
    """Account code and day of each snapshot."""
    codes = data.accounts.get_indexer(snapshots.accounts).astype(np.int64)
    if (codes < 0).any():
        raise LabelError(f"account_id: {int((codes < 0).sum())} accounts of the snapshots are not in this data")
    account, date = (np.asarray(code) for code in snapshots.index.codes)
    return codes[account], as_days(pd.DatetimeIndex(snapshots.index.levels[1]))[date]


def window_of(data: CustomerData, snapshots: Snapshots, table: str) -> Window:
    """Label windows of the snapshots, with the end and the holes of the table that the label is read from."""
    if snapshots.horizon is None:
        raise LabelError("snapshots.horizon=None: a label needs a window; make the snapshots with horizon='90D'")
    account, cut = positions(data, snapshots)
    end, holes = end_of(data, snapshots, table), data.holes.get(table, ())
    return Window(account, cut, snapshots.lead, snapshots.horizon, end, holes)
