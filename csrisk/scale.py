"""Past one machine: scores of record batches and in Spark, and training on a Parquet file larger than memory."""

from csrisk._pipeline._output import score_batches, score_spark
from csrisk.models._boosting import fit_parquet

__all__ = ["fit_parquet", "score_batches", "score_spark"]
