"""One way to compute features of small tables, on every engine at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import pytest

from csrisk import CustomerData, Snapshots, build_features

Look = Callable[..., pd.Series]


def _frame(columns: dict[str, Sequence[Any]]) -> pd.DataFrame:
    """Columns to a frame; names that end in at, or are planned_end, are times."""
    frame = pd.DataFrame(columns)
    for name in frame:
        if name in ("at", "planned_end") or str(name).endswith("_at"):
            frame[name] = pd.to_datetime(frame[name], format="ISO8601")
    if "account_id" not in frame and "feature" not in frame.columns[:1]:
        frame.insert(0, "account_id", "a")
    return frame


@pytest.fixture(scope="session")
def look() -> Look:
    """Features of one account at one date: ``look(builder, "2025-04-01", usage={...})``."""

    def look(
        builder: Any, as_of: str, account: str = "a", end: str = "2030-01-01", **tables: dict[str, Sequence[Any]]
    ) -> pd.Series:
        import polars as pl

        frames = {name: _frame(columns) for name, columns in tables.items()}
        pairs = pd.MultiIndex.from_tuples([(account, pd.Timestamp(as_of))], names=["account_id", "as_of"])
        rows = []
        for given in (frames, {name: pl.from_pandas(frame) for name, frame in frames.items()}):
            with warnings.catch_warnings():
                # one account is enough here
                warnings.filterwarnings("ignore", message="(?s).*CSD108")
                warnings.filterwarnings("ignore", message="(?s).*CSD305")
                data = CustomerData(given, end=end, threads=1)
            rows.append(build_features(data, Snapshots.of(data, pairs), [builder]))
        pd.testing.assert_frame_equal(rows[0], rows[1], rtol=1e-9, atol=1e-9)
        return rows[0].astype(object).iloc[0]

    return look
