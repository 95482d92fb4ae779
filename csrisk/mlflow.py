"""MLflow flavour: log, load and serve a fitted pipeline; its file holds no pickle, and neither does the MLflow model.

``pip install 'csrisk[mlflow]'``. The model can be loaded as what it is (`load_model`), or as a plain function from
features to predictions (``mlflow.pyfunc.load_model``), with a signature that names every feature.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import csrisk
from csrisk.exceptions import ConfigError, ModelFileError

if TYPE_CHECKING:
    import pandas as pd

    from csrisk._pipeline import RiskPipeline

__all__ = ["FLAVOR", "load_model", "log_model", "save_model"]

FLAVOR = "csrisk"
_FILE = "model.csrisk"
_EXAMPLES = 5


def log_model(pipeline: RiskPipeline, name: str = "csrisk", **options: Any) -> Any:
    """Log a fitted pipeline in the active run of MLflow, or in a new one.

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

    return Model.log(artifact_path=None, name=name, flavor=sys.modules[__name__], pipeline=pipeline, **options)


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
        Default names every feature as double or string, and every prediction.
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
        return self.pipeline.predict(model_input).reset_index(drop=True)


def _load_pyfunc(path: str) -> _Predictor:
    from csrisk._pipeline import RiskPipeline

    place = Path(path)
    return _Predictor(RiskPipeline.load(place / _FILE if place.is_dir() else place))


def _signature(pipeline: RiskPipeline) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    kinds = {str(c.name): "string" if c.kind == "category" else "double" for c in pipeline.model_.columns_}
    told = pipeline.predict(_example(pipeline)).columns
    return ModelSignature(
        Schema([ColSpec(kind, name) for name, kind in kinds.items()]),
        Schema([ColSpec("double", name) for name in told]),
    )


def _example(pipeline: RiskPipeline) -> pd.DataFrame:
    values = pipeline.baseline_.values  # noqa: PD011  # the field of a dataclass
    rows = values[list(pipeline.model_.feature_names_in_)].iloc[:_EXAMPLES].reset_index(drop=True)
    text = {str(c.name): object for c in pipeline.model_.columns_ if c.kind == "category"}
    return rows.astype(text)


def _require() -> None:
    try:
        import mlflow  # noqa: F401  # only whether it is there
    except ImportError as error:
        raise ConfigError("MLflow is not installed; pip install 'csrisk[mlflow]'") from error
