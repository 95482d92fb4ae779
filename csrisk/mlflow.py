"""MLflow flavour: log, load and serve a fitted pipeline; its file holds no pickle, and neither does the MLflow model.

``pip install 'csrisk[mlflow]'``. The model can be loaded as what it is (`load_model`), or as a plain function from
features to predictions (``mlflow.pyfunc.load_model``), with a signature that names every feature.
"""

from __future__ import annotations

import platform
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import csrisk
from csrisk.exceptions import ConfigError, ModelFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from csrisk._pipeline import RiskPipeline

__all__ = ["FLAVOR", "load_model", "log_model", "save_model"]

FLAVOR = "csrisk"
_FILE = "model.csrisk"
_EXAMPLES = 5
_BATCH, _LONGEST = 100, 500  # of parameters, as a tracking server takes them
_ENDS = {"estimate": "", "low": "_low", "high": "_high"}
_PACKAGES = ("lightgbm", "numpy", "pandas", "scikit-learn")


def log_model(pipeline: RiskPipeline, name: str = "csrisk", **options: Any) -> Any:
    """Log a fitted pipeline in the active run of MLflow, or in a new one.

    The run carries the specification as parameters (``csrisk.snapshots.horizon``, ...), the forward test as metrics
    (``csrisk.auc``, ``csrisk.auc_low``, ``csrisk.gain_over_recency``, ...), and as tags the model id and the versions
    that trained it. With a `name` other than "csrisk" that stands in their place, so that a run may hold several
    models.

    Parameters
    ----------
    pipeline : RiskPipeline
        Fitted.
    name : str, default "csrisk"
        Name of the logged model.
    **options
        As for ``mlflow.models.Model.log``: ``registered_model_name``, ``tags``, ``metadata``, ``pip_requirements``, ...

    Returns
    -------
    mlflow.models.model.ModelInfo
        Its ``model_uri`` is what `load_model` takes.

    Raises
    ------
    ConfigError
        If MLflow is not installed, or the pipeline is not fitted.
    """
    _require()
    from mlflow.models import Model

    # MLflow calls save_model of the module that it is given as the flavour
    told = Model.log(artifact_path=None, name=name, flavor=sys.modules[__name__], pipeline=pipeline, **options)
    if told.run_id:
        _tell(pipeline, told.run_id, name)
    return told


def save_model(
    pipeline: RiskPipeline,
    path: str | Path,
    mlflow_model: Any = None,
    signature: Any = None,
    input_example: pd.DataFrame | None = None,
    pip_requirements: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Write a fitted pipeline as an MLflow model into a folder.

    Parameters
    ----------
    pipeline : RiskPipeline
        Fitted.
    path : path
        New folder.
    mlflow_model : mlflow.models.Model, optional
        Model that the flavour is added to.
    signature : mlflow.models.ModelSignature, optional
        Default names every feature and every prediction. Features are of any type, as what `build_features` gives is:
        categories, integers, booleans and text; the model itself says which kind each one is, and refuses another one.
    input_example : pandas.DataFrame, optional
        Features; default is made of the values that monitoring keeps, column by column, so that a row is nobody.
    pip_requirements : list of str, optional
        Default is this version of csrisk.
    metadata : dict, optional
        Kept with the model.

    Raises
    ------
    ConfigError
        If MLflow is not installed, or the pipeline is not fitted.
    """
    _require()
    import mlflow.pyfunc
    from mlflow.models import Model

    # MLflow copies the file into the model, so that this one may go
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / _FILE
        sha256 = pipeline.save(file)
        model = Model() if mlflow_model is None else mlflow_model
        model.add_flavor(
            FLAVOR,
            data=f"data/{_FILE}",
            sha256=sha256,
            model_id=pipeline.model_id_,
            csrisk_version=csrisk.__version__,
        )
        mlflow.pyfunc.save_model(
            str(path),
            loader_module=__name__,
            data_path=str(file),
            mlflow_model=model,
            signature=_signature(pipeline) if signature is None else signature,
            input_example=_example(pipeline) if input_example is None else input_example,
            pip_requirements=pip_requirements or [f"csrisk=={csrisk.__version__}"],
            metadata=metadata,
        )


def load_model(model_uri: str) -> RiskPipeline:
    """Load a pipeline that was logged or saved; its file must have the hash that was written down with it.

    Parameters
    ----------
    model_uri : str
        Such as ``runs:/<run id>/csrisk``, ``models:/<name>/<version>`` or a folder.

    Returns
    -------
    RiskPipeline

    Raises
    ------
    ConfigError
        If MLflow is not installed.
    ModelFileError
        If it is no model of csrisk, or its file is not the one that was logged.
    """
    _require()
    import mlflow.artifacts
    from mlflow.models import Model

    from csrisk._pipeline import RiskPipeline

    folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=str(model_uri)))
    flavor = Model.load(str(folder)).flavors.get(FLAVOR)
    if flavor is None:
        raise ModelFileError("the MLflow model has no flavour of csrisk; log it with csrisk.mlflow.log_model")
    return RiskPipeline.load(folder / "data" / _FILE, expected_sha256=str(flavor["sha256"]))


class _Predictor:
    """What ``mlflow.pyfunc`` calls."""

    def __init__(self, pipeline: RiskPipeline) -> None:
        self.pipeline = pipeline

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002  # the signature is MLflow's
        return self.pipeline.predict(_features(self.pipeline, model_input)).reset_index(drop=True)


def _features(pipeline: RiskPipeline, given: pd.DataFrame) -> pd.DataFrame:
    """Bring columns into the order of the model; what held no value in training may be left out, as it is not read.

    MLflow serves JSON, in which a number, a truth value and nothing can stand in one column: such columns arrive as
    objects, and the encoder of the model reads them as what they are.
    """
    idle = {str(column.name): np.nan for column in pipeline.model_.columns_ if column.kind == "empty"}
    there = given.assign(**{name: value for name, value in idle.items() if name not in given})
    names = [str(name) for name in pipeline.model_.feature_names_in_]
    return there[[name for name in names if name in there]]


def _load_pyfunc(path: str) -> _Predictor:
    from csrisk._pipeline import RiskPipeline

    place = Path(path)
    return _Predictor(RiskPipeline.load(place / _FILE if place.is_dir() else place))


def _signature(pipeline: RiskPipeline) -> Any:
    """Name every feature; MLflow's own types would refuse what `build_features` gives (int64, categories, booleans)."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, schema

    any_type: Any = schema.AnyType  # MLflow does not annotate it
    told = pipeline.predict(_example(pipeline)).columns
    # none is required of MLflow, whose message about a missing one prints the rows; the model's own names the columns
    return ModelSignature(
        Schema([ColSpec(any_type(), str(name), required=False) for name in pipeline.model_.feature_names_in_]),
        Schema([ColSpec("double", name, required=name == "churn_probability") for name in told]),
    )


def _example(pipeline: RiskPipeline) -> pd.DataFrame:
    values = pipeline.baseline_.values  # noqa: PD011  # the field of a dataclass
    rows = values[list(pipeline.model_.feature_names_in_)].iloc[:_EXAMPLES].reset_index(drop=True)
    text = {str(c.name): object for c in pipeline.model_.columns_ if c.kind == "category"}
    return rows.astype(text)


def _tell(pipeline: RiskPipeline, run_id: str, name: str) -> None:
    """Write parameters, metrics and versions into a run."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag

    now = int(time.time() * 1000)
    client = MlflowClient()
    metrics = [Metric(f"{name}.{key}", value, now, 0) for key, value in _metrics(pipeline).items()]
    params = [Param(f"{name}.{key}", value) for key, value in _params(pipeline.spec_.to_dict())]
    tags = [RunTag(f"{name}.{key}", value) for key, value in _versions(pipeline).items()]
    for first in range(0, len(params), _BATCH):
        client.log_batch(run_id, params=params[first : first + _BATCH])
    client.log_batch(run_id, metrics=metrics, tags=tags)


def _params(section: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _params(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", str(value)[:_LONGEST]


def _metrics(pipeline: RiskPipeline) -> dict[str, float]:
    """Give the forward test of the model with its intervals, and what it gains over each baseline."""
    record = pipeline.record_
    found: dict[str, float] = {}
    for metric, row in record.evaluation().get("model", pd.DataFrame()).iterrows():
        found |= {f"{metric}{end}": row[column] for column, end in _ENDS.items()}
    if record.gain is not None:
        for baseline, row in record.gain.iterrows():
            key = f"gain_over_{str(baseline).replace(' ', '_')}"
            found |= {
                f"{key}{end}": row[column] for column, end in {**_ENDS, "difference": ""}.items() if column in row
            }
    found["features"] = pipeline.model_.n_features_in_
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}


def _versions(pipeline: RiskPipeline) -> dict[str, str]:
    facts = pipeline.record_.facts
    packages = {f"version.{package}": version(package) for package in _PACKAGES}
    told = {
        "model_id": pipeline.model_id_,
        "trained_at": str(facts["trained at"]),
        "tables": ", ".join(facts["tables"]),
    }
    return {**told, "version.csrisk": csrisk.__version__, "version.python": platform.python_version(), **packages}


def _require() -> None:
    try:
        import mlflow  # noqa: F401  # only whether it is there
    except ImportError as error:
        raise ConfigError("MLflow is not installed; pip install 'csrisk[mlflow]'") from error
