"""The MLflow flavour: what comes back gives the same bits, through its own loader and as a plain function."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk._pipeline._panel import book, features_of
from csrisk.exceptions import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.data import CustomerData

mlflow = pytest.importorskip("mlflow", reason="needs the extra mlflow")
pytest.importorskip("mlflow.pyfunc")

from csrisk import mlflow as flavour  # noqa: E402  # after the question whether MLflow is there


@pytest.fixture(scope="module")
def logged(quick: cr.RiskPipeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A model logged in a store of files, as a person without a server has it."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        mlflow.set_tracking_uri((folder / "mlruns").as_uri())
        with mlflow.start_run():
            info = flavour.log_model(quick)
        yield str(info.model_uri)
        mlflow.set_tracking_uri(None)


@pytest.fixture(scope="module")
def features(quick: cr.RiskPipeline, small_book: CustomerData) -> pd.DataFrame:
    return features_of(quick.spec_, small_book, book(quick.spec_, small_book))


def test_the_pipeline_comes_back(logged: str, quick: cr.RiskPipeline, small_book: CustomerData) -> None:
    again = flavour.load_model(logged)
    assert again.model_id_ == quick.model_id_
    pd.testing.assert_frame_equal(again.score(small_book), quick.score(small_book), check_exact=True)


def test_the_plain_function_gives_the_same_bits(logged: str, quick: cr.RiskPipeline, features: pd.DataFrame) -> None:
    plain = features.reset_index(drop=True)
    for name in features.select_dtypes("category"):
        plain[name] = plain[name].astype(object).where(plain[name].notna(), None)
    told = mlflow.pyfunc.load_model(logged).predict(plain)
    expected = quick.predict(features).reset_index(drop=True)
    assert told["churn_probability"].notna().all()
    for name in expected:
        np.testing.assert_array_equal(told[name].to_numpy(), expected[name].to_numpy())


def test_signature_and_example(logged: str, quick: cr.RiskPipeline) -> None:
    model = mlflow.pyfunc.load_model(logged)
    assert model.metadata.signature.inputs.input_names() == list(quick.model_.feature_names_in_)
    assert model.metadata.signature.outputs.input_names()[0] == "churn_probability"
    assert len(model.predict(model.input_example)) == 5


def test_nothing_in_it_is_a_pickle(logged: str) -> None:
    folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=logged))
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert [path.name for path in files if path.suffix == ".csrisk"] == ["model.csrisk"]
    assert not [path.name for path in files if path.suffix in (".pkl", ".pickle", ".joblib")]
    assert not [path.name for path in files if b"\x80\x04\x95" in path.read_bytes()]


def test_another_file_in_its_place_is_refused(quick: cr.RiskPipeline, tmp_path: Path) -> None:
    flavour.save_model(quick, tmp_path / "model")
    file = tmp_path / "model" / "data" / "model.csrisk"
    file.write_bytes(file.read_bytes() + b"\x00")
    with pytest.raises(ModelFileError, match=r"sha256 is .* expected"):
        flavour.load_model(str(tmp_path / "model"))


def test_models_of_others_are_refused(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text(json.dumps({"flavors": {"other": {}}}), encoding="utf-8")
    with pytest.raises(ModelFileError, match="no flavour of csrisk"):
        flavour.load_model(str(tmp_path))
