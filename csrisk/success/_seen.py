"""Rows of a table that each snapshot may see, as a pandas frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from csrisk._snapshots import Snapshots, acts, feedback, promises, uses, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    import narwhals.stable.v2 as nw

    from csrisk.data import CustomerData

__all__ = ["at_data_end", "seen"]


_ROWS: dict[str, Callable[[CustomerData], nw.LazyFrame[Any]]] = {
    "advocacy": acts,
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
