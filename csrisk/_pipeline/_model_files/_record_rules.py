"""Kinds of what the record of a training holds; checked when a model file is loaded, so that nothing fails later."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

from csrisk.data import CONTRACT

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

__all__ = ["MAX_CELLS", "check_facts", "check_table"]

MAX_CELLS = 100_000
_MAX_WORDS = 2_000


def _words(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_WORDS


def _day(value: Any) -> bool:
    # there and back, as fromisoformat reads 2025-W01-1, too
    return isinstance(value, str) and len(value) == 10 and dt.date.fromisoformat(value).isoformat() == value


def _count(value: Any) -> bool:
    return type(value) is int and value >= 0  # True is an int to isinstance


def _tables(value: Any) -> bool:
    return (
        isinstance(value, list) and all(map(_words, value)) and len({*value}) == len(value) and {*value} <= {*CONTRACT}
    )


_NEEDED: dict[str, Callable[[Any], bool]] = {
    "learned from": _words,
    "first and last snapshot": _words,
    "churned": _words,
    "label": _words,
    "end of the data": _day,
    "trained at": _day,
    "tables": _tables,
    "features": _count,
}
_FURTHER: dict[str, Callable[[Any], bool]] = {
    "stopped before": _words,
    "stood still": _words,
    "tested on": _words,
    "tested model learned from": _words,
}


class _Layout(NamedTuple):
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    further: bool = False  # whether more columns of numbers may follow


_INTERVAL = ("estimate", "low", "high")
_LAYOUTS = {
    "metrics": _Layout(("method", "metric"), _INTERVAL),
    "gain": _Layout(("baseline",), ("difference", "low", "high")),
    "dates": _Layout((), ("trained_at", "n_snapshots", "n_events", "auc", "auc_low", "auc_high", "lift_at_10")),
    "calibration": _Layout(
        ("level",), ("mean_risk", "event_rate", "low", "high", "n_snapshots", "n_events"), further=True
    ),
    "checks": _Layout(("code",), ("name", "status", "measure", "threshold", "source", "next_step", "found")),
    "ages": _Layout(("age", "score"), ("auc", "n_snapshots", "n_events"), further=True),
    "leads": _Layout(("lead", "score"), ("auc", "n_snapshots", "n_events"), further=True),
}
_TEXTS = {"method", "metric", "baseline", "trained_at", "code", "score", *_LAYOUTS["checks"].columns}
_STATUS = {"passed", "failed", "not applicable"}
_TOLD = ("auc", "n_snapshots", "n_accounts", "n_events")  # of the model itself, by every command that prints the test


def check_facts(facts: Any) -> None:
    """Require every fact, of its kind, and no other."""
    if not isinstance(facts, dict):
        raise ValueError("facts are no object")
    for name in [*facts, *_NEEDED]:
        rule = {**_NEEDED, **_FURTHER}.get(name)
        if rule is None or name not in facts or not rule(facts[name]):
            state = "unknown" if rule is None else "missing" if name not in facts else "of another kind"
            raise ValueError(f"facts: {name[:_MAX_WORDS]!r} is {state}")


def check_table(name: str, table: pd.DataFrame | None) -> None:
    """Require columns and kinds of a table."""
    if table is None:
        return
    layout = _LAYOUTS[name]
    there = tuple(key for key in table.index.names if key is not None)
    missing = [column for column in layout.columns if column not in table]
    more = [column for column in table if column not in layout.columns]
    if there != layout.keys or missing or (more and not layout.further):
        raise ValueError(f"{name}: other columns than it has")
    if there and not table.index.is_unique:
        raise ValueError(f"{name}: a row is there twice")
    flat = table.reset_index() if there else table
    for column in flat:
        if not all(_fits(value, str(column)) for value in flat[column].tolist()):
            raise ValueError(f"{name}: {str(column)[:50]!r} holds values of another kind")
    if name == "metrics" and not all(("model", metric) in table.index for metric in _TOLD):
        raise ValueError("metrics: the model is not told")


def _fits(value: Any, column: str) -> bool:
    if column in _TEXTS:
        return _words(value) and (column != "status" or value in _STATUS)
    return type(value) in (int, float)
