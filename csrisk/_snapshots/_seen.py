"""Rows of a table that each snapshot may see, as a pandas frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._snapshots._meaning import acts, contacts, feedback, promises
from csrisk._snapshots._slices import visible
from csrisk._snapshots._snapshots import Snapshots
from csrisk._snapshots._use import uses
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    import narwhals.stable.v2 as nw

    from csrisk.data import CustomerData

__all__ = ["at_data_end", "safe_and_happy", "seen"]


# tables of which a row has to be read for its meaning first
_ROWS: dict[str, Callable[[CustomerData], nw.LazyFrame[Any]]] = {
    "advocacy": acts,
    "contacts": contacts,
    "expectations": promises,
    "surveys": feedback,
    "usage": uses,
}


def at_data_end(data: CustomerData, snapshots: Snapshots | None) -> Snapshots:
    """Give the snapshots, or those of the end of the data where none are given."""
    return Snapshots.at(data, data.end) if snapshots is None else snapshots


def seen(
    data: CustomerData, snapshots: Snapshots, table: str, columns: Sequence[str], *, window: int | None = None
) -> pd.DataFrame:
    """Collect the rows of a table that each snapshot may see."""
    wanted = ["snapshot", "age", *columns]
    if not data.has(table) or not len(snapshots):
        return pd.DataFrame({name: pd.Series(dtype="float64") for name in wanted})
    rows = _ROWS[table](data) if table in _ROWS else data.lazy(table)
    rows = visible(snapshots.lazy(data), rows, window=window).select(*wanted)
    # engines give rows in any order
    return data.engine.collect(rows).sort_values(wanted, ignore_index=True)


def safe_and_happy(snapshots: Snapshots, position: pd.Series, risk: pd.Series, happy_from: float) -> np.ndarray:
    """Tell which snapshots are happy, and at risk no more than the median."""
    # below they are combined by position, not by label
    if not (position.index.equals(snapshots.index) and risk.index.equals(snapshots.index)):
        raise ConfigError("position and risk must be on the index of the snapshots; make all three from the same")
    # unknown is not neutral: who cannot be placed is neither happy nor safe
    happy = (position >= happy_from).fillna(value=False).to_numpy(bool)
    return np.asarray(happy & (risk <= risk.median()).fillna(value=False).to_numpy(bool))
