"""What is remembered of a training: facts and tables, without a row of any customer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk._pipeline._model_files._record_rules import MAX_CELLS, check_facts, check_table
from csrisk.exceptions import DataContractError, ModelFileError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Record"]


@dataclass(frozen=True)
class Record:
    """Facts and tables of a training."""

    facts: dict[str, Any] = field(default_factory=dict)
    metrics: pd.DataFrame | None = None
    gain: pd.DataFrame | None = None
    dates: pd.DataFrame | None = None
    calibration: pd.DataFrame | None = None
    checks: pd.DataFrame | None = None
    ages: pd.DataFrame | None = None
    leads: pd.DataFrame | None = None

    def evaluation(self) -> dict[str, pd.DataFrame]:
        """One table of metrics for each method, the model first; empty without a forward test."""
        if self.metrics is None:
            return {}
        methods = self.metrics.index.get_level_values("method").unique()
        return {str(method): self.metrics.loc[method] for method in methods}

    def backtest(self) -> dict[str, pd.DataFrame]:
        """Tables of the forward test by training, by age of the model and by lead, as a report takes them."""
        tables = {"Forward backtest by training": self.dates, "by_age": self.ages, "by_lead": self.leads}
        return {name: table for name, table in tables.items() if table is not None}

    def require_tables(self, tables: Iterable[str]) -> None:
        """Refuse a book without a table of the training: its features would all be missing, and the scores wrong."""
        absent = [name for name in self.facts.get("tables", ()) if name not in set(tables)]
        if absent:
            raise DataContractError(
                f"tables {absent} had rows when the model was trained and have none now; bring them, or train a model "
                "without them"
            )

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        tables = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name != "facts"}
        return {"facts": self.facts, **{name: None if t is None else _plain(t) for name, t in tables.items()}}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Record:
        """Read what `to_dict` gave."""
        names = [entry.name for entry in fields(cls) if entry.name != "facts"]
        try:
            check_facts(values["facts"])
            tables = {name: None if values[name] is None else _frame(values[name]) for name in names}
            for name, table in tables.items():
                check_table(name, table)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # the rules raise a plain ValueError; words of pandas may repeat values
            reason = str(error)[:100] if type(error) is ValueError else type(error).__name__
            raise ModelFileError(f"model file: the record of the training breaks its rules: {reason}") from error
        return cls(dict(values["facts"]), **tables)


def _plain(table: pd.DataFrame) -> dict[str, Any]:
    flat = table.reset_index() if any(name is not None for name in table.index.names) else table
    keys = [name for name in table.index.names if name is not None]
    columns = {str(name): [_cell(value) for value in flat[name].tolist()] for name in flat.columns}
    return {"index": keys, "columns": columns, "order": list(columns)}


def _cell(value: Any) -> Any:
    # JSON has neither NaN nor infinity
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)


def _frame(values: dict[str, Any]) -> pd.DataFrame:
    columns, order, index = values["columns"], values["order"], values["index"]
    if (
        not all(type(name) is str for name in (*order, *index))
        or list(columns) != order
        or len(set(order)) < len(order)
    ):
        raise ValueError("columns of a table")
    if not set(index) <= set(order) or len(set(index)) < len(index):
        raise ValueError("index of a table")
    if sum(map(len, columns.values())) > MAX_CELLS:  # before a frame is made of them
        raise ValueError(f"a table of more than {MAX_CELLS} cells")
    frame = pd.DataFrame({name: columns[name] for name in order})
    for name in frame.columns:
        # null makes objects of numbers; as float64 the table is the one that was written
        if frame[name].isna().all() or pd.api.types.infer_dtype(frame[name], skipna=True) in (
            "floating",
            "mixed-integer-float",
        ):
            frame[name] = frame[name].astype("float64")
    return frame.set_index(index) if index else frame
