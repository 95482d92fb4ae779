"""The edge: whatever the user brings becomes a DuckDB view with plain column types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from csrisk.data._engine import DuckDBEngine, _quoted
from csrisk.exceptions import DataContractError

__all__ = ["Source", "is_polars", "open_source"]


@dataclass(frozen=True, slots=True)
class Source:
    """A table as the user brought it, readable by the engine.

    Parameters
    ----------
    view : str
        Name of the view in the engine.
    types : Mapping of str to str
        DuckDB type of each column, under the user's names.
    untyped : bool
        Everything came as text (CSV).
    """

    view: str
    types: Mapping[str, str]
    untyped: bool = False


def open_source(engine: DuckDBEngine, table: str, brought: object) -> Source:
    """Make a table readable by the engine."""
    view = engine.fresh_name(f"source_{table}")
    untyped = False
    if isinstance(brought, str | Path):
        untyped = _open_path(engine, view, table, Path(brought))
    else:
        engine.connection.register(view, _to_arrow(table, brought))
    described = engine.run(f"DESCRIBE {view}")
    return Source(view, {row[0]: row[1] for row in described}, untyped)


def is_polars(brought: object) -> bool:
    """Whether a table is a Polars frame, lazy or not."""
    return type(brought).__module__.split(".")[0] == "polars"


def _open_path(engine: DuckDBEngine, view: str, table: str, path: Path) -> bool:
    if not path.exists():
        raise DataContractError(f"table {table!r}: path={path.name!r} does not exist; check the folder and the name")
    text = str(path).replace("'", "''")
    untyped = path.suffix.lower() in (".csv", ".tsv", ".txt")
    reader = f"read_csv('{text}', all_varchar=true, header=true)" if untyped else f"read_parquet('{text}')"
    engine.run(f"CREATE TEMP VIEW {view} AS SELECT * FROM {reader}")
    return untyped


def _to_arrow(table: str, brought: Any) -> Any:
    if isinstance(brought, pd.DataFrame):
        return _from_pandas(brought)
    if is_polars(brought):
        return (brought.collect() if hasattr(brought, "collect") else brought).to_arrow()
    if hasattr(brought, "to_arrow_reader"):
        return brought.to_arrow_reader()
    if hasattr(brought, "schema") and type(brought).__module__.startswith("pyarrow"):
        return brought
    message = (
        f"table {table!r}: type {type(brought).__name__} cannot be read; "
        "bring a pandas, Polars or Arrow frame, a DuckDB relation, or a path to Parquet or CSV"
    )
    raise DataContractError(message)


def _from_pandas(frame: pd.DataFrame) -> Any:
    """To Arrow, with columns of Python objects written as text so that mixed values survive until they are checked."""
    import pyarrow as pa

    columns = {}
    for name in frame.columns:
        series = frame[name]
        if isinstance(series.dtype, pd.CategoricalDtype):
            series = series.astype(series.cat.categories.dtype)
        if series.dtype == object:
            series = pd.Series([_as_text(value) for value in series], dtype="str")
        columns[str(name)] = pa.Array.from_pandas(series)
    return pa.table(columns)


def _as_text(value: object) -> str | None:
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def quoted(name: str) -> str:
    """A column name as SQL writes it."""
    return _quoted(name)
