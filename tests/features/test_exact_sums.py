"""Sums of floats come out with the same bits in whatever order threads add them."""

from __future__ import annotations

import math

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csrisk import CustomerData, Snapshots, build_features
from csrisk.data._engines import MONEY as DECIMALS
from csrisk.data._engines import exact
from csrisk.features import UsageDepth

MONEY = st.floats(-1e9, 1e9).map(lambda value: round(value, 4))


def total(values: list[float | None], scale: float = 1e11) -> float:
    frame = nw.from_native(pl.DataFrame({"x": values}, schema={"x": pl.Float64}).lazy())
    return float(frame.select(exact(nw.col("x"), scale).alias("x")).collect()["x"][0])


@settings(deadline=None)
@given(st.lists(MONEY | st.none(), max_size=30), st.randoms())
def test_exact_sum_is_the_sum_and_has_no_order(values: list[float | None], random) -> None:
    found = total(values)
    assert found == pytest.approx(math.fsum(v for v in values if v is not None), abs=len(values) * 5e-12, rel=1e-15)
    random.shuffle(values)
    assert total(values) == found


@settings(deadline=None)
@given(st.integers(1, 10**9), st.lists(st.integers(0, 10**9), max_size=5))
def test_equal_sums_of_cents_are_equal_numbers(cents: int, parts: list[int]) -> None:
    split = [*parts, cents - sum(parts)]
    whole = total([cents / 100], DECIMALS)
    assert total([part / 100 for part in split], DECIMALS) == whole == pytest.approx(cents / 100, rel=1e-15)


def test_exact_sum_takes_what_no_money_reaches() -> None:
    assert total([1e300, 2.5, 2.0**43]) == pytest.approx(1e300)
    assert total([2.0**60, None, 0.25]) == 2.0**60 + 0.25
    assert total([]) == total([None]) == 0


def test_features_have_the_same_bits_for_any_number_of_threads() -> None:
    rng = np.random.default_rng(0)
    n = 400_000  # several row groups of the embedded engine, so that threads share the work
    usage = pd.DataFrame(
        {
            "account_id": rng.choice(["a", "b", "c"], n),
            "at": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 20, n), "D"),
            "user_id": "u",
            "feature": "f",
            "value": rng.lognormal(3, 2, n),
        }
    )
    frames = []
    for threads in (1, 4):
        data = CustomerData({"usage": usage}, end="2024-01-21", threads=threads)
        frames.append(build_features(data, Snapshots.at(data, ["2024-01-20"]), [UsageDepth()]))
    assert frames[0]["spend_30d"].notna().all()
    pd.testing.assert_frame_equal(*frames, check_exact=True)
