"""Large frames go through a file of the scratch folder; that changes neither rows nor breaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from csrisk import CustomerData
from csrisk.data._engines import _source

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def usage() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "account_id": ["a", "b", " ", "a", None],
            "at": ["2024-03-01", "2024-03-02 10:00", "2024-03-03", "not a day", "2024-03-04"],
            "user_id": ["u", "", None, "v", "w"],
            "feature": pd.Categorical(["x", "y", "x", "x", "y"]),
            "quantity": [1.5, -2.0, float("nan"), 4.0, 1.0],
        }
    )


@pytest.mark.parametrize("kind", [lambda f: f, pa.Table.from_pandas, pl.from_pandas], ids=["pandas", "arrow", "polars"])
def test_a_large_frame_gives_the_same_rows_and_breaches(
    usage: pd.DataFrame, kind: Callable[[pd.DataFrame], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    to_file = _source._written
    monkeypatch.setattr(_source, "_written", lambda *given: written.append(given[1]) or to_file(*given))
    with pytest.warns(match="breaches of the table contract"):
        small = CustomerData({"usage": kind(usage)})
    assert not written
    monkeypatch.setattr(_source, "_LARGE_ROWS", 2)
    with pytest.warns(match="breaches of the table contract"):
        large = CustomerData({"usage": kind(usage)})
    assert len(written) == 1
    assert small.breaches == large.breaches
    assert len(small.breaches) >= 3
    pd.testing.assert_frame_equal(small.rejected, large.rejected)
    pd.testing.assert_frame_equal(small.frame("usage"), large.frame("usage"))
