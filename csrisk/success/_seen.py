"""Rows of a table that each snapshot may see, as a pandas frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._snapshots import Snapshots, acts, contacts, feedback, promises, uses, visible
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    import narwhals.stable.v2 as nw

    from csrisk.data import CustomerData

__all__ = ["at_data_end", "safe_and_happy", "seen"]


_ROWS: dict[str, Callable[[CustomerData], nw.LazyFrame[Any]]] = {
    "advocacy": acts,
    "contacts": contacts,
    "expectations": promises,
    "surveys": feedback,
    "usage": uses,
}


def at_data_end(data: CustomerData, snapshots: Snapshots | None) -> Snapshots:
    """Give the snapshots, or those of the end of the data where none are given.

    Parameters
    ----------
    data : CustomerData
        The tables.
    snapshots : Snapshots, optional
        Who is seen when.

    Returns
    -------
    Snapshots
    """
    return Snapshots.at(data, data.end) if snapshots is None else snapshots


def seen(
    data: CustomerData, snapshots: Snapshots, table: str, columns: Sequence[str], *, window: int | None = None
) -> pd.DataFrame:
    """Collect the rows of a table that each snapshot may see.

    Parameters
    ----------
    data : CustomerData
        The tables.
    snapshots : Snapshots
        Who is seen when.
    table : str
        Name of the table; of usage, rows of quantity 0 are left out.
    columns : sequence of str
        Canonical columns wanted, times as ``<name>_day`` or ``<name>_second``; also ``sign`` of advocacy, ``asked`` of
        surveys, and ``closed_at_day`` of surveys and expectations.
    window : int, optional
        Days to look back.

    Returns
    -------
    pandas.DataFrame
        Columns snapshot (position in ``snapshots.index``), age and those asked for, sorted; without rows where the
        table is missing.
    """
    wanted = ["snapshot", "age", *columns]
    if not data.has(table) or not len(snapshots):
        return pd.DataFrame({name: pd.Series(dtype="float64") for name in wanted})
    rows = _ROWS[table](data) if table in _ROWS else data.lazy(table)
    rows = visible(snapshots.lazy(data), rows, window=window).select(*wanted)
    return data.engine.collect(rows).sort_values(wanted, ignore_index=True)


def safe_and_happy(snapshots: Snapshots, position: pd.Series, risk: pd.Series, happy_from: float) -> np.ndarray:
    """Tell which snapshots are happy, and at risk no more than the median.

    Parameters
    ----------
    snapshots : Snapshots
        Who is seen when.
    position, risk : pandas.Series
        Happiness and probability of churn on the index of the snapshots.
    happy_from : float
        Position from which a customer counts as happy.

    Returns
    -------
    ndarray of bool

    Raises
    ------
    ConfigError
        If position or risk are not on the index of the snapshots.
    """
    if not (position.index.equals(snapshots.index) and risk.index.equals(snapshots.index)):
        raise ConfigError("position and risk must be on the index of the snapshots; make all three from the same")
    happy = (position >= happy_from).fillna(value=False).to_numpy(bool)
    return np.asarray(happy & (risk <= risk.median()).fillna(value=False).to_numpy(bool))
