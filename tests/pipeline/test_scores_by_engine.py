"""The same tables give the same scores on every engine: to the last bit, as features are sums that no engine bends."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.report._book import book_features
from csrisk.testing import on_engine

if TYPE_CHECKING:
    from csrisk.datasets._saas._make import SaasBook

ENGINES = ["handed over", "polars", "ibis-duckdb", "ibis-sqlite", pytest.param("pyspark", marks=pytest.mark.slow)]


def tables_of(book: SaasBook) -> dict[str, pd.DataFrame]:
    """A tenth of the events, as SQLite takes its time; fractions of use and of money among them."""
    tables = {name: table.copy() for name, table in book.tables.items()}
    tables["usage"] = tables["usage"].iloc[::10].reset_index(drop=True)
    return tables


@pytest.fixture(scope="module")
def embedded(quick: cr.RiskPipeline, small_saas: SaasBook) -> tuple[pd.DataFrame, pd.DataFrame]:
    return scored(quick, tables_of(small_saas))


def scored(
    pipeline: cr.RiskPipeline, tables: dict[str, object], threads: int | None = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a tenth of the use is less than the training saw
        data = cr.CustomerData(tables, end="2026-01-01", threads=threads)
        # one explanation for both: Spark takes minutes for its features
        why = pipeline.explain(data)
        return book_features(why), pipeline.score(data, why=why)


@pytest.mark.promise("The same scores, to the last bit, on every engine")
@pytest.mark.parametrize("engine", ENGINES)
def test_scores_are_those_of_the_embedded_engine(quick, small_saas, embedded, engine):
    tables = tables_of(small_saas)
    # without a bound Polars takes the rows over once the embedded engine has read them
    given, threads = (tables, None) if engine == "handed over" else (on_engine(tables, engine), 1)
    X, scores = scored(quick, given, threads)
    want, expected = embedded
    for name in want.select_dtypes("number"):
        np.testing.assert_array_equal(X[name].to_numpy(), want[name].to_numpy(), err_msg=name)
    numbers = expected.select_dtypes("number").columns
    pd.testing.assert_frame_equal(scores[numbers], expected[numbers], check_exact=True)
    pd.testing.assert_series_equal(scores["reason_1"], expected["reason_1"])
