"""The MLflow flavour: what comes back gives the same bits, through its own loader and as a plain function."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk._pipeline._learning._panel import book, features_of
from csrisk.exceptions import ModelFileError, ScoringWarning

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
def loaded(logged: str) -> Any:
    return mlflow.pyfunc.load_model(logged)


@pytest.fixture(scope="module")
def features(quick: cr.RiskPipeline, small_book: CustomerData) -> pd.DataFrame:
    return features_of(quick.spec_, small_book, book(quick.spec_, small_book))


def test_the_pipeline_comes_back(logged: str, quick: cr.RiskPipeline, small_book: CustomerData) -> None:
    again = flavour.load_model(logged)
    assert again.model_id_ == quick.model_id_
    pd.testing.assert_frame_equal(again.score(small_book), quick.score(small_book), check_exact=True)


FORMS: dict[str, Any] = {
    "as build_features gives it": lambda X: X,
    "without its index": lambda X: X.reset_index(drop=True),
    "columns in another order, and one more": lambda X: X[X.columns[::-1]].assign(more="x"),
    "text in place of categories": lambda X: X.astype(dict.fromkeys(X.select_dtypes("category"), object)),
    "objects": lambda X: X.astype(object),
    "objects with None": lambda X: X.astype(object).where(X.notna(), None),
    "nullable types": lambda X: X.convert_dtypes(),
    "Float64": lambda X: X.astype(dict.fromkeys(X.select_dtypes("number"), "Float64")),
    "int64 where whole": lambda X: X.astype(dict.fromkeys(whole(X), "int64")),
    "Int64 where whole": lambda X: X.astype(dict.fromkeys(whole(X), "Int64")),
    "bool where 0 or 1": lambda X: X.astype({name: bool for name in whole(X) if X[name].isin([0, 1]).all()}),
    "without what held no value": lambda X: X.drop(columns=[name for name in X if X[name].isna().all()]),
}


def whole(X: pd.DataFrame) -> list[str]:
    return [name for name in X.select_dtypes("number") if X[name].notna().all() and (X[name] % 1 == 0).all()]


@pytest.mark.parametrize("form", FORMS)
def test_the_plain_function_gives_the_same_bits(
    loaded: Any, quick: cr.RiskPipeline, features: pd.DataFrame, form: str
) -> None:
    given = FORMS[form](features)
    held = [name for name in quick.model_.columns_ if name.kind == "empty"]
    if form == "without what held no value":
        given = given.reindex(columns=[c for c in features if c in given or c not in {str(e.name) for e in held}])
    told, expected = loaded.predict(given), quick.predict(features).reset_index(drop=True)
    assert told["churn_probability"].notna().all()
    pd.testing.assert_frame_equal(told, expected, check_exact=True)


def test_new_categories_are_said_and_scored_as_missing(
    loaded: Any, quick: cr.RiskPipeline, features: pd.DataFrame
) -> None:
    name = features.select_dtypes("category").columns[0]
    other, missing = features.assign(**{name: "never seen"}), features.assign(**{name: None})
    with pytest.warns(ScoringWarning, match=f"unseen in training are scored as missing .*{name}.: {len(features)} of"):
        told = loaded.predict(other)
    expected = quick.predict(missing).reset_index(drop=True)
    pd.testing.assert_frame_equal(told, expected, check_exact=True)


def test_what_is_missing_or_of_another_kind_is_refused(loaded: Any, features: pd.DataFrame) -> None:
    number = features.select_dtypes("number").dropna(axis="columns").columns[0]
    with pytest.raises(ValueError, match=number) as refused:
        loaded.predict(features.drop(columns=number))
    accounts = features.index.get_level_values("account_id")
    assert not [account for account in accounts if str(account) in str(refused.value)]
    with pytest.raises(Exception, match=f"column '{number}': holds values of kind 'category' now and 'number'"):
        loaded.predict(features.assign(**{number: "seven"}))


@pytest.mark.parametrize("orient", ["split", "records"])
@pytest.mark.parametrize("missing", ["null", "NaN"])
def test_what_a_server_reads_from_json_gives_the_same_bits(
    loaded: Any, quick: cr.RiskPipeline, features: pd.DataFrame, orient: str, missing: str
) -> None:
    """The words that ``mlflow models serve`` takes, through its own reader."""
    server = pytest.importorskip("mlflow.pyfunc.scoring_server", reason="needs the server of MLflow")
    told = json.loads(features.reset_index(drop=True).to_json(orient=orient, double_precision=15))
    if missing == "NaN" and orient == "split":
        told["data"] = [[float("nan") if value is None else value for value in row] for row in told["data"]]
    exact = json.loads(json.dumps({f"dataframe_{orient}": told}))
    frame = server.infer_and_parse_data(exact, loaded.metadata.get_input_schema())
    answer = loaded.predict(frame)
    # pandas writes fifteen decimals, so the bits are those of what was written
    written = pd.DataFrame(told) if orient == "records" else pd.DataFrame(**told)
    expected = quick.predict(written[list(features)]).reset_index(drop=True)
    pd.testing.assert_frame_equal(answer, expected, check_exact=True)
    np.testing.assert_allclose(answer["churn_probability"], quick.predict(features)["churn_probability"], rtol=1e-6)


@pytest.fixture(scope="module")
def served(loaded: Any) -> Iterator[str]:
    """The application that ``mlflow models serve`` starts, on a port of this machine."""
    server = pytest.importorskip("mlflow.pyfunc.scoring_server", reason="needs the server of MLflow")
    uvicorn = pytest.importorskip("uvicorn", reason="needs a server of ASGI")
    running = uvicorn.Server(uvicorn.Config(server.init(loaded), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    until = time.monotonic() + 60
    while not running.started and time.monotonic() < until:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}/invocations"
    running.should_exit = True
    thread.join(60)


def posted(url: str, body: str) -> Any:
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["predictions"]


@pytest.mark.parametrize("orient", ["split", "records"])
def test_a_server_answers(served: str, quick: cr.RiskPipeline, features: pd.DataFrame, orient: str) -> None:
    rows = features.reset_index(drop=True).head(7)
    told = pd.DataFrame(posted(served, f'{{"dataframe_{orient}": {rows.to_json(orient=orient, double_precision=15)}}}'))
    expected = quick.predict(features).head(7)
    assert list(told) == list(expected)
    np.testing.assert_allclose(told["churn_probability"], expected["churn_probability"], rtol=1e-6)
    with pytest.raises(urllib.error.HTTPError, match="400"):
        posted(served, '{"dataframe_records": [{}]}')


def test_signature_and_example(loaded: Any, quick: cr.RiskPipeline) -> None:
    signature = loaded.metadata.signature
    assert signature.inputs.input_names() == list(quick.model_.feature_names_in_)
    assert not [column.name for column in signature.inputs.inputs if column.required]
    assert signature.outputs.input_names()[0] == "churn_probability"
    assert len(loaded.predict(loaded.input_example)) == 5


def test_a_run_carries_parameters_metrics_and_versions(logged: str, quick: cr.RiskPipeline) -> None:
    run = mlflow.get_run(mlflow.models.get_model_info(logged).run_id).data
    assert run.params["csrisk.snapshots.horizon"] == "90D"
    assert run.params["csrisk.model.n_members"] == "2"
    assert run.metrics["csrisk.auc"] == pytest.approx(quick.record_.evaluation()["model"].loc["auc", "estimate"])
    assert run.metrics["csrisk.auc_low"] <= run.metrics["csrisk.auc"] <= run.metrics["csrisk.auc_high"]
    assert run.metrics["csrisk.gain_over_recency"] == pytest.approx(quick.record_.gain.loc["recency", "difference"])
    assert run.tags["csrisk.model_id"] == quick.model_id_
    assert run.tags["csrisk.version.csrisk"] == cr.__version__
    assert {"csrisk.version.lightgbm", "csrisk.version.python", "csrisk.trained_at", "csrisk.tables"} <= set(run.tags)


def test_two_models_in_one_run(logged: str, quick: cr.RiskPipeline) -> None:
    with mlflow.start_run() as run:
        for name in ("spring", "autumn"):
            flavour.log_model(quick, name)
    told = mlflow.get_run(run.info.run_id).data
    assert told.params["spring.snapshots.horizon"] == told.params["autumn.snapshots.horizon"] == "90D"


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
