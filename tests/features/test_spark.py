"""The expressions of all families give the same on PySpark as on DuckDB.

`CustomerData` does not take Spark frames yet: the canonical tables are handed to Spark here by a small engine.
"""

from __future__ import annotations

import warnings
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd
import pytest

from csrisk import CustomerData, Snapshots, build_features
from csrisk.exceptions import DataWarning
from csrisk.features import default_builders
from csrisk.features._past import Past
from csrisk.testing import random_tables

pytestmark = pytest.mark.slow
TYPES = {nw.Int64: ("bigint", int), nw.Float64: ("double", float), nw.Boolean: ("boolean", bool)}


@pytest.fixture(scope="module")
def spark():
    sql = pytest.importorskip("pyspark.sql", reason="the extra spark is not installed")
    session = (
        sql.SparkSession.builder.master("local[1]")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


class SparkEngine:
    """What the features ask of an engine."""

    name = "pyspark"

    def __init__(self, session):
        self.session = session

    def frame(self, table, schema):
        """A Spark frame with stated types; missing values of every kind become null."""
        kinds = [TYPES.get(type(kind), TYPES.get(kind, ("string", str))) for kind in schema.values()]
        columns = ", ".join(f"`{name}` {kind}" for name, (kind, _) in zip(schema, kinds, strict=True))
        rows = [
            tuple(None if pd.isna(value) else read(value) for value, (_, read) in zip(row, kinds, strict=True))
            for row in table.astype(object).itertuples(index=False)
        ]
        return nw.from_native(self.session.createDataFrame(rows, columns))

    def materialise(self, frame, sort_by=()):
        native = frame.to_native()
        return nw.from_native((native.orderBy(*sort_by) if sort_by else native).localCheckpoint())

    def from_pandas(self, frame):
        kinds = {"int64": nw.Int64, "float64": nw.Float64}
        return self.frame(frame, {name: kinds.get(str(kind), nw.String) for name, kind in frame.dtypes.items()})

    def collect(self, frame):
        return frame.to_native().toPandas()


class OnSpark:
    """CustomerData whose tables are Spark's."""

    def __init__(self, data, session):
        self.data, self.engine = data, SparkEngine(session)
        self.frames: dict[str, Any] = {}
        for name in data.tables:
            lazy = data.lazy(name)
            self.frames[name] = self.engine.frame(data.engine.collect(lazy), lazy.collect_schema())

    def lazy(self, table):
        return self.frames[table]

    def __getattr__(self, name):
        return getattr(self.data, name)


def test_features_are_the_same_on_spark(spark):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        data = CustomerData(random_tables(1), end="2028-01-01", threads=1)
    dates = pd.to_datetime(["2024-06-01", "2024-12-01"])
    pairs = pd.MultiIndex.from_product([data.accounts, dates], names=["account_id", "as_of"])
    snapshots = Snapshots.of(data, pairs)
    expected = build_features(data, snapshots)
    past = Past(OnSpark(data, spark), snapshots)
    for family in default_builders(data):
        found = family.frame(past)
        pd.testing.assert_frame_equal(found, expected[list(found)], rtol=1e-9, atol=1e-9, check_categorical=False)
