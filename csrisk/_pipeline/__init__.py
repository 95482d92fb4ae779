"""From tables to scores and report: the specification of a run, the pipeline, and the model file."""

from csrisk._pipeline._learning._flat_table import read_flat_table, train_flat_table
from csrisk._pipeline._learning._plan import plan_book, plan_training
from csrisk._pipeline._load import open_folder, open_source
from csrisk._pipeline._output._files import write_table, write_text
from csrisk._pipeline._output._history import read_scores
from csrisk._pipeline._output._past import Past
from csrisk._pipeline._output._scores import write_scores
from csrisk._pipeline._pipeline import RiskPipeline
from csrisk._pipeline._settings._spec import RiskSpec
from csrisk._pipeline._settings._spec_builders import with_own

__all__ = [
    "Past",
    "RiskPipeline",
    "RiskSpec",
    "open_folder",
    "open_source",
    "plan_book",
    "plan_training",
    "read_flat_table",
    "read_scores",
    "train_flat_table",
    "write_scores",
    "write_table",
    "with_own",
    "write_text",
]
