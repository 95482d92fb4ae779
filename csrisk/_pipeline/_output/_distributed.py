"""Scores of books that do not fit on one machine: Arrow record batches, and Spark."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csrisk._pipeline._pipeline import RiskPipeline
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

__all__ = ["score_batches", "score_spark"]

_KEYS = ("account_id", "as_of")
_SCORES = ("churn_probability", "expansion_probability")


def score_batches(model: RiskPipeline | str | Path, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Score Arrow record batches of features, one at a time.

    Each batch is scored when it is asked for and forgotten when the next one is, so memory does not grow with the book.

    Parameters
    ----------
    model : RiskPipeline, str or Path
        Fitted pipeline, or the model file that it saved.
    batches : iterable of pyarrow.RecordBatch
        Features as ``build_features(..., out=path)`` writes them: account_id, as_of and the columns of training; others
        are ignored. For a file: ``pyarrow.parquet.ParquetFile(path).iter_batches()``.

    Yields
    ------
    pyarrow.RecordBatch
        account_id and as_of as they came, churn_probability, expansion_probability (null without such a model),
        model_id. The same bits as ``predict_proba`` gives, however rows are cut into batches.

    Raises
    ------
    ConfigError
        If a batch lacks columns; names them.
    ModelFileError
        If the file is damaged, foreign or too new.

    Examples
    --------
    >>> import csrisk as cr
    >>> from csrisk.scale import score_batches
    >>> list(score_batches(cr.RiskPipeline(), []))
    Traceback (most recent call last):
    csrisk.exceptions.ConfigError: pipeline is not fitted; call fit(data) or RiskPipeline.load(path) first
    """
    pipeline = model if isinstance(model, RiskPipeline) else RiskPipeline.load(model)
    if not hasattr(pipeline, "model_id_"):
        raise ConfigError("pipeline is not fitted; call fit(data) or RiskPipeline.load(path) first")
    # a generator made here: what is wrong with the model is said at the call, a batch is scored when asked for
    return (_score(pipeline, batch) for batch in batches)


def score_spark(path: str | Path, frame: Any) -> Any:
    """Score a Spark frame of features where it lives.

    Parameters
    ----------
    path : str or Path
        Model file; its bytes go to the workers, which need csrisk and no access to the file.
    frame : pyspark.sql.DataFrame
        Features with account_id, as_of and the columns of training; others are ignored.

    Returns
    -------
    pyspark.sql.DataFrame
        The columns of `score_batches`, lazily; the same bits as on one machine.

    Raises
    ------
    ConfigError
        If the frame lacks columns; names them.
    ModelFileError
        If the file is damaged, foreign or too new.

    Examples
    --------
    >>> from csrisk.scale import score_spark
    >>> scores = score_spark("book.csrisk", spark.table("features"))  # doctest: +SKIP
    >>> scores.write.parquet("scores")  # doctest: +SKIP
    """
    from pyspark.sql import types as t

    # the bytes travel with the function: workers need no disk in common, and no model is pickled
    content = Path(path).read_bytes()
    model = _unpacked(content)
    needed = [*_KEYS, *_columns(model)]
    # before a job begins, not in the middle of it
    _require(needed, frame.columns)
    # with the types that they came in: ids may be numbers or text
    keys = [frame.schema[key] for key in _KEYS]
    scores = [t.StructField(name, t.DoubleType()) for name in _SCORES]
    schema = t.StructType([*keys, *scores, t.StructField("model_id", t.StringType())])

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return score_batches(_unpacked(content), batches)

    return frame.select(*needed).mapInArrow(score, schema)


@lru_cache(maxsize=4)
def _unpacked(content: bytes) -> RiskPipeline:
    """Load a model from the bytes of its file, once for each process."""
    with tempfile.TemporaryDirectory(prefix="csrisk-model-") as folder:
        path = Path(folder) / "model.csrisk"
        path.write_bytes(content)
        return RiskPipeline.load(path)


def _columns(pipeline: RiskPipeline) -> list[str]:
    """Columns that any model of the pipeline reads."""
    models = [model for model in (pipeline.model_, pipeline.expansion_model_) if model is not None]
    return list(dict.fromkeys(str(name) for model in models for name in model.feature_names_in_))


def _score(pipeline: RiskPipeline, batch: pa.RecordBatch) -> pa.RecordBatch:
    import pyarrow as pa

    names = _columns(pipeline)
    _require([*_KEYS, *names], batch.schema.names)
    keys = [batch.column(batch.schema.get_field_index(key)) for key in _KEYS]
    # without what a pandas elsewhere left in the schema: it would make an index of a feature
    features = pa.Table.from_batches([batch]).select(names).to_pandas(ignore_metadata=True)
    scores = []
    for model in (pipeline.model_, pipeline.expansion_model_):
        if model is None or not len(features):  # partitions may have no row
            scores.append(pa.nulls(len(features), pa.float64()))
        else:
            X = features[list(model.feature_names_in_)]
            scores.append(pa.array(model.predict_proba(X)[:, 1], pa.float64()))
    model_id = pa.array([pipeline.model_id_] * len(features), pa.string())
    return pa.RecordBatch.from_arrays([*keys, *scores, model_id], names=[*_KEYS, *_SCORES, "model_id"])


def _require(needed: list[str], there: list[str]) -> None:
    missing = [name for name in needed if name not in set(there)]
    if missing:
        raise ConfigError(
            f"batches: {len(missing)} of {len(needed)} columns are missing, such as {missing[:5]}; "
            "build the features with the builders of training"
        )
