"""Scores of record batches and of Spark are those of one machine, bit for bit."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import csrisk as cr
from csrisk._pipeline._learning._panel import book, features_of
from csrisk.exceptions import ConfigError
from csrisk.scale import score_batches, score_spark

KEYS = ("account_id", "as_of")


@pytest.fixture(scope="module")
def fitted(small_book, quick, tmp_path_factory):
    """A pipeline, its model file, and the features of a book in a Parquet file of small row groups."""
    data, pipeline = small_book, quick
    folder = tmp_path_factory.mktemp("scale")
    pipeline.save(folder / "model.csrisk")
    X = features_of(pipeline.spec_, data, book(pipeline.spec_, data))
    pq.write_table(pa.Table.from_pandas(X), folder / "book.parquet", row_group_size=97)
    return pipeline, data, X, folder


def probabilities(batches):
    table = pa.Table.from_batches(list(batches))
    return table.to_pandas().set_index(list(KEYS))


def test_batches_of_any_size_give_the_bits_of_predict_proba(fitted):
    pipeline, data, X, folder = fitted
    expected = pipeline.model_.predict_proba(X)[:, 1]
    expansion = pipeline.expansion_model_.predict_proba(X)[:, 1]
    for size in (1, 97, 10_000):
        file = pq.ParquetFile(folder / "book.parquet")
        rows = list(file.iter_batches(batch_size=size))[:20]
        found = probabilities(score_batches(folder / "model.csrisk", rows))
        n = len(found)
        assert n == min(len(X), 20 * size)
        assert found["churn_probability"].to_numpy().tobytes() == expected[:n].tobytes()
        assert found["expansion_probability"].to_numpy().tobytes() == expansion[:n].tobytes()
        assert found.index.get_level_values(0).tolist() == X.index.get_level_values(0).tolist()[:n]
        assert set(found["model_id"]) == {pipeline.model_id_}
    table = pipeline.score(data).reindex(X.index)
    np.testing.assert_allclose(found["churn_probability"], table["churn_probability"], rtol=1e-12)


def test_batches_are_scored_when_asked_for(fitted):
    pipeline, _, _, folder = fitted
    taken = []

    def endless():
        batch = next(pq.ParquetFile(folder / "book.parquet").iter_batches(batch_size=10))
        while True:
            taken.append(1)
            yield batch

    scored = score_batches(pipeline, endless())
    assert not taken
    next(scored), next(scored)
    assert len(taken) == 2


def test_empty_batches_missing_values_and_other_columns(fitted):
    pipeline, _, X, folder = fitted
    batch = next(pq.ParquetFile(folder / "book.parquet").iter_batches(batch_size=20))
    assert next(score_batches(pipeline, [batch.slice(0, 0)])).num_rows == 0
    nothing = pa.RecordBatch.from_arrays(
        [*(batch.column(key) for key in KEYS), *(pa.nulls(20, batch.schema.field(name).type) for name in X)],
        names=["account_id", "as_of", *X],
    )
    found = probabilities(score_batches(pipeline, [nothing.append_column("more", pa.array(range(20)))]))
    assert len(set(found["churn_probability"])) == 1


def test_missing_columns_are_named(fitted):
    pipeline, _, _, folder = fitted
    batch = next(pq.ParquetFile(folder / "book.parquet").iter_batches(batch_size=20)).drop_columns(["mrr"])
    with pytest.raises(ConfigError, match=r"batches: 1 of \d+ columns are missing, such as \['mrr'\]; build"):
        next(score_batches(pipeline, [batch]))
    with pytest.raises(ConfigError, match="pipeline is not fitted"):
        score_batches(cr.RiskPipeline(), [])


@pytest.mark.slow
def test_spark_gives_the_bits_of_one_machine(fitted):
    pytest.importorskip("pyspark", reason="the extra spark is not installed")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("no Java is installed, which Spark needs")
    from csrisk.testing._engines import spark_session

    pipeline, _, X, folder = fitted
    session = spark_session()
    flat = X.reset_index()
    for name in flat.columns[[isinstance(kind, pd.CategoricalDtype) for kind in flat.dtypes]]:
        flat[name] = flat[name].astype(object).where(flat[name].notna(), None)
    frame = session.createDataFrame(pa.Table.from_pandas(flat, preserve_index=False)).repartition(3)
    scored = score_spark(folder / "model.csrisk", frame)
    found = scored.toArrow().to_pandas().set_index("account_id").reindex(X.index.get_level_values(0))
    expected = pipeline.model_.predict_proba(X)[:, 1]
    assert found["churn_probability"].to_numpy().tobytes() == expected.tobytes()
    expansion = pipeline.expansion_model_.predict_proba(X)[:, 1]
    assert found["expansion_probability"].to_numpy().tobytes() == expansion.tobytes()
    with pytest.raises(ConfigError, match=r"batches: 1 of \d+ columns are missing, such as \['mrr'\]"):
        score_spark(folder / "model.csrisk", frame.drop("mrr"))
