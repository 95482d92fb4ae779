"""One model, one book, three ways: the same bits from the command line, from Python, and from Spark."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from pyarrow import parquet

import csrisk as cr
from csrisk._pipeline._learning._panel import book, features_of
from csrisk.cli import main
from csrisk.pipeline import open_source
from csrisk.scale import score_batches, score_spark

if TYPE_CHECKING:
    from pathlib import Path

    from csrisk.datasets._saas._make import SaasBook

pytestmark = pytest.mark.promise(
    "The same scores, to the last bit, in Python, on the command line, in batches and on Spark"
)

SCORES = ["churn_probability", "expansion_probability"]


@pytest.fixture(scope="module")
def folder(quick_spec: dict[str, Any], small_saas: SaasBook, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables, model, scores of the command line, and features, each as a file."""
    folder = tmp_path_factory.mktemp("ways")
    for name, table in small_saas.tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    pipeline = cr.RiskPipeline(quick_spec).fit(folder)
    pipeline.save(folder / "m.csrisk")
    data = open_source(folder, pipeline.spec_)
    X = features_of(pipeline.spec_, data, book(pipeline.spec_, data))
    X.reset_index().to_parquet(folder / "X.parquet", index=False)
    words = ["score", str(folder), "--model", str(folder / "m.csrisk"), "--out", str(folder / "scores_cli.parquet")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="module")
def from_cli(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "scores_cli.parquet").set_index("account_id").sort_index()


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    assert one.index.tolist() == other.index.tolist()
    for name in SCORES:
        assert one[name].notna().all()
        np.testing.assert_array_equal(one[name].to_numpy(), other[name].to_numpy())
    assert one["model_id"].tolist() == other["model_id"].tolist()


def test_python(folder: Path, from_cli: pd.DataFrame) -> None:
    scores = cr.RiskPipeline.load(folder / "m.csrisk").score(folder)
    same(scores.droplevel("as_of").sort_index(), from_cli)
    ordered = scores.droplevel("as_of").sort_index()
    assert ordered["data_hash"].tolist() == from_cli["data_hash"].tolist()
    for name in ("churn_low", "churn_high", "expected_mrr_change", "footprint_points", "priority"):
        np.testing.assert_array_equal(ordered[name].to_numpy(), from_cli[name].to_numpy())


def test_record_batches(folder: Path, from_cli: pd.DataFrame) -> None:
    batches = parquet.ParquetFile(folder / "X.parquet").iter_batches(batch_size=7)
    found = pd.concat([batch.to_pandas() for batch in score_batches(folder / "m.csrisk", batches)])
    same(found.set_index("account_id").sort_index(), from_cli)


@pytest.mark.slow
def test_spark(folder: Path, from_cli: pd.DataFrame) -> None:
    pytest.importorskip("pyspark", reason="the extra spark is not installed")
    if shutil.which("java") is None:
        pytest.skip("no Java is installed, which Spark needs")
    from csrisk.testing._engines import spark_session

    session = spark_session()
    found = score_spark(folder / "m.csrisk", session.read.parquet(str(folder / "X.parquet"))).toPandas()
    same(found.set_index("account_id").sort_index(), from_cli)
