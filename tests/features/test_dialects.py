"""Every expression that any builder or check sends to a database compiles for warehouses, without a connection."""

from __future__ import annotations

import warnings
from collections import Counter

import pandas as pd
import pytest

from csrisk import CustomerData, Snapshots, build_features, label_churn
from csrisk.data._engines._native_engines import IbisEngine
from csrisk.exceptions import DataWarning
from csrisk.features import default_builders
from csrisk.testing import on_engine, random_tables

pytestmark = pytest.mark.slow
DIALECTS = ("snowflake", "bigquery", "postgres")


def test_all_expressions_compile_for_warehouses(monkeypatch):
    ibis = pytest.importorskip("ibis", reason="the extra ibis is not installed")
    sqlglot = pytest.importorskip("sqlglot")
    compiled, seconds = Counter(), Counter()

    def compile_first(method):
        def run(self, frame, *more, **named):
            expression = frame.to_native().unbind()
            for dialect in DIALECTS:
                sql = str(ibis.to_sql(expression, dialect=dialect, pretty=False))
                # what was written is a query of that dialect
                assert sqlglot.parse_one(sql, dialect=dialect).find(sqlglot.exp.Select)
                compiled[dialect] += 1
                seconds[dialect] += "UNIX_SECONDS" in sql or "epoch" in sql.lower()
            return method(self, frame, *more, **named)

        return run

    for name in ("materialise", "collect"):
        monkeypatch.setattr(IbisEngine, name, compile_first(getattr(IbisEngine, name)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # the books are odd on purpose
        data = CustomerData(on_engine(random_tables(5, n_accounts=3), "ibis-duckdb"), end="2026-01-01")
    loading = compiled["snowflake"]
    with data:
        pairs = pd.MultiIndex.from_product([data.accounts, [pd.Timestamp("2025-01-01")]], names=["account_id", "as_of"])
        snapshots = Snapshots.of(data, pairs, horizon="90D")
        for family in default_builders(data):
            before = compiled["snowflake"]
            build_features(data, snapshots, [family])
            assert compiled["snowflake"] > before, type(family).__name__
        label_churn(data, snapshots)
    assert len(set(compiled.values())) == 1
    assert loading >= 20
    assert compiled["snowflake"] >= 100
    # times of the user become seconds in each dialect
    assert all(seconds[dialect] for dialect in DIALECTS)
