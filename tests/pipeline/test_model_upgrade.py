"""Files of earlier releases load and score as they did; what this release does not read says what it needs."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

import csrisk as cr
from csrisk._pipeline._archive import SCHEMA
from csrisk.exceptions import ConfigError, DataContractError, ModelFileError

from ._model_files import RELEASES, Members, packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EARLIER = sorted(RELEASES.glob("*.csrisk"))


@pytest.fixture(scope="module")
def current(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of this release: what was loaded from an earlier one and saved again."""
    path = tmp_path_factory.mktemp("current") / "m.csrisk"
    cr.RiskPipeline.load(RELEASES / "schema_1.csrisk").save(path)
    return path


def edited(path: Path, name: str, edit: Callable[[Any], object]) -> Members:
    members = unpacked(path)
    told = json.loads(members[name])
    edit(told)
    return {**members, name: json.dumps(told).encode()}


@pytest.mark.promise("A model file of an earlier release scores as it did")
@pytest.mark.parametrize("file", EARLIER, ids=lambda path: path.stem)
def test_a_file_of_an_earlier_release_scores_as_it_did(file: Path, tmp_path: Path) -> None:
    told = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    assert hashlib.sha256(file.read_bytes()).hexdigest() == told["sha256"], (
        "the file of a release is never written anew"
    )
    loaded = cr.RiskPipeline.load(file)
    scores = loaded.predict(loaded.reference_)
    for name, expected in told["predictions"].items():
        found = [None if value != value else float(value).hex() for value in scores[name][::10]]
        assert found == expected, name
    loaded.save(tmp_path / "now.csrisk")
    again = cr.RiskPipeline.load(tmp_path / "now.csrisk")
    assert again.model_id_ == loaded.model_id_
    assert json.loads(unpacked(tmp_path / "now.csrisk")["manifest.json"])["schema"] == SCHEMA


def test_every_earlier_schema_has_its_file() -> None:
    assert [path.stem for path in EARLIER] == [f"schema_{n}" for n in range(1, SCHEMA)]


def test_a_file_tells_release_and_schema(current: Path) -> None:
    manifest = json.loads(unpacked(current)["manifest.json"])
    assert (manifest["schema"], manifest["csrisk"]) == (SCHEMA, cr.__version__)


MANIFESTS = [
    (
        {"schema": SCHEMA + 1, "csrisk": "7.1.0"},
        r"written by csrisk 7\.1\.0 \(schema 3\), .* needs csrisk 7\.1\.0 or later",
    ),
    (
        {"schema": 999, "csrisk": None},
        r"written by an unknown release of csrisk \(schema 999\), .* needs a later csrisk",
    ),
    ({"schema": 0}, r"written by csrisk .* \(schema 0\), needs schema 1 to 2"),
    ({"csrisk": None}, r"an unknown release of csrisk \(schema 2\), needs to tell the release"),
    ({"csrisk": "x" * 99}, r"an unknown release of csrisk \(schema 2\), needs to tell the release"),
    ({"csrisk": 3}, r"an unknown release of csrisk \(schema 2\), needs to tell the release"),
    ({"schema": True}, "tells no schema"),
    ({"schema": "2"}, "tells no schema"),
    ({"schema": 2.0}, "tells no schema"),
    ({"schema": None}, "tells no schema"),
    ({"schema": -1}, "tells no schema"),
    ({"more": 1}, "its manifest is not that of a csrisk model"),
    ({"members": []}, "its manifest is not that of a csrisk model"),
]


@pytest.mark.parametrize(("told", "message"), MANIFESTS)
def test_what_is_not_read_says_what_it_needs(current: Path, told: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=message):
        cr.RiskPipeline.load(packed(unpacked(current), tmp_path / "m.csrisk", **told))


def drop(*path: str) -> Callable[[Any], object]:
    def edit(told: Any) -> None:
        for key in path[:-1]:
            told = told[key]
        del told[path[-1]]

    return edit


def put(value: Any, *path: str) -> Callable[[Any], object]:
    def edit(told: Any) -> None:
        for key in path[:-1]:
            told = told[key]
        told[path[-1]] = value

    return edit


LOST = [
    ("spec.json", "monitor"),
    ("spec.json", "monitor", "limit"),
    ("spec.json", "snapshots", "look_back"),
    ("spec.json", "label", "grace"),
    ("spec.json", "model", "random_state"),
    ("spec.json", "report", "title"),
    ("record.json", "metrics"),
    ("record.json", "facts"),
    ("record.json", "facts", "tables"),
    ("record.json", "facts", "trained at"),
    ("churn.json", "params", "n_jobs"),
    ("churn.json", "params"),
    ("churn.json", "counts", "n_events_"),
    ("churn.json", "shares"),
    ("churn.json", "calibration"),
    ("growth.json", "bias"),
    ("amounts.json", "growth"),
    ("baseline.json", "usual"),
    ("baseline.json", "accounts"),
]


@pytest.mark.parametrize("path", LOST, ids=".".join)
@pytest.mark.parametrize("schema", [1, SCHEMA])
def test_a_key_that_was_lost_is_missed(current: Path, path: tuple[str, ...], schema: int, tmp_path: Path) -> None:
    file = current if schema == SCHEMA else RELEASES / "schema_1.csrisk"
    members = edited(file, path[0], drop(*path[1:]))
    with pytest.raises(ModelFileError, match=rf"written by csrisk .* \(schema {schema}\), needs"):
        cr.RiskPipeline.load(packed(members, tmp_path / "m.csrisk"))


@pytest.mark.parametrize("path", [path[:-1] for path in LOST if len(path) > 1], ids=".".join)
def test_a_key_of_another_release_is_not_passed_over(current: Path, path: tuple[str, ...], tmp_path: Path) -> None:
    members = edited(current, path[0], put(1, *path[1:], "of_later"))
    with pytest.raises(ModelFileError, match=r"written by csrisk 8\.0\.0 \(schema 2\), needs csrisk 8\.0\.0 or later"):
        cr.RiskPipeline.load(packed(members, tmp_path / "m.csrisk", csrisk="8.0.0"))


COLUMNS = [("number", ["a"]), ("category", []), ("category", ["a", "a"]), ("category", [None])]
KINDS: list[tuple[Any, ...]] = [
    *[
        ("record.json", "facts", "tables", value)
        for value in (5, True, {"a": 1}, [["x"]], "abc", None, ["no such"], [1])
    ],
    ("record.json", "facts", "tables", ["accounts", "accounts"]),
    *[("record.json", "facts", "trained at", value) for value in (5, None, "", "yesterday", "2025-13-01", [])],
    *[("record.json", "facts", "features", value) for value in (-1, "7", 1.5, True)],
    ("record.json", "facts", 5),
    ("record.json", "facts", "churned", "x" * 3000),
    *[("record.json", "metrics", value) for value in (5, "x", [], {}, {"index": [], "columns": {}, "order": []})],
    ("record.json", "metrics", "columns", "estimate", ["x"] * 39),
    ("record.json", "metrics", "columns", "low", [1.0]),
    ("record.json", "metrics", "order", ["estimate"]),
    ("record.json", "metrics", "index", ["method"]),
    ("record.json", "metrics", "index", ["no such", "metric"]),
    ("record.json", "checks", "columns", "status", [1] * 13),
    ("record.json", "checks", "columns", "name", [[]] * 13),
    ("record.json", "calibration", "columns", "level", ["a"]),
    ("churn.json", "trees", ["trees/000.txt"] * 100_000),
    ("churn.json", "trees", ["trees/000.txt", "trees/000.txt"]),
    ("churn.json", "trees", []),
    ("churn.json", "trees", "trees/000.txt"),
    ("churn.json", "trees", 7),
    ("churn.json", "calibration", [True, 0.0]),
    ("churn.json", "calibration", ["1", 0.0]),
    ("churn.json", "counts", "n_events_", "21"),
    ("churn.json", "counts", "n_events_", True),
    ("churn.json", "shares", []),
    ("churn.json", "class", "AmountModel"),
    ("churn.json", "columns", []),
    ("churn.json", "columns", 0, "kind", "date"),
    ("churn.json", "columns", 0, "name", 5),
    ("churn.json", "columns", 0, "categories", [[]]),
    *[("churn.json", "columns", 0, {"name": "x", "kind": kind, "categories": v}) for kind, v in COLUMNS],
    ("churn.json", "params", "n_jobs", 10**9),
    ("growth.json", "bias", "1"),
    ("amounts.json", "shrinkage", -1.0),
    ("amounts.json", "shrinkage", True),
    ("band.json", "slope", 1.0),
    ("baseline.json", "as_of", 5),
    ("baseline.json", "as_of", "2026-01-01T07:00:00"),
    ("baseline.json", "accounts", "65"),
    ("baseline.json", "accounts", 1),
    ("baseline.json", "accounts", -1),
    ("baseline.json", "scores", []),
    ("baseline.json", "scores", {}),
    ("baseline.json", "usual", []),
    ("baseline.json", "usual", {"a": "x"}),
    ("spec.json", "snapshots", 5),
    ("spec.json", "snapshots", "lead", None),
    ("spec.json", "monitor", "alpha", 7),
    ("spec.json", "tables", []),
]


@pytest.mark.parametrize("case", KINDS, ids=lambda case: f"{'.'.join(map(str, case[:-1]))}={str(case[-1])[:30]}")
def test_values_of_another_kind_are_refused_at_loading(current: Path, case: tuple[Any, ...], tmp_path: Path) -> None:
    members = edited(current, case[0], put(case[-1], *case[1:-1]))
    with pytest.raises(ModelFileError, match=r"model file 'm\.csrisk'.*written by csrisk"):
        cr.RiskPipeline.load(packed(members, tmp_path / "m.csrisk"))


def test_whatever_scoring_obeys_is_in_the_id(current: Path, tmp_path: Path) -> None:
    """Facts and tables of the record too: fewer required tables, another date, another test."""
    honest = cr.RiskPipeline.load(current)
    edits: list[tuple[Any, ...]] = [
        ("record.json", "facts", "tables", ["accounts"]),
        ("record.json", "facts", "tables", []),
        ("record.json", "facts", "trained at", "2026-01-02"),
        ("record.json", "metrics", None),
        ("spec.json", "monitor", "limit", 0.2),
        ("spec.json", "label", "grace", "31D"),
        ("baseline.json", "accounts", 66),
    ]
    ids = {honest.model_id_}
    for case in edits:
        members = edited(current, case[0], put(case[-1], *case[1:-1]))
        ids.add(cr.RiskPipeline.load(packed(members, tmp_path / "m.csrisk")).model_id_)
    assert len(ids) == len(edits) + 1
    with pytest.raises(DataContractError, match="had rows when the model was trained"):
        honest.record_.require_tables(["accounts"])
    reordered = unpacked(current)
    again = json.dumps(json.loads(reordered["record.json"])).encode()
    same = cr.RiskPipeline.load(packed({**reordered, "record.json": again}, tmp_path / "m.csrisk"))
    assert same.model_id_ == honest.model_id_, "blanks between the words of JSON are no other model"


ELSEWHERE = [
    "/etc/accounts.parquet",
    "../accounts.parquet",
    "a/../../accounts.parquet",
    "..",
    "\\\\host\\share\\accounts.parquet",
    "a\\..\\..\\accounts.parquet",
    "C:\\accounts.parquet",
    "~/accounts.parquet",
    "accounts.parquet\x00",
]


@pytest.mark.parametrize("file", ELSEWHERE)
def test_a_model_file_names_no_other_files(current: Path, file: str, tmp_path: Path) -> None:
    members = edited(current, "spec.json", put({"accounts": {"file": file}}, "tables"))
    with pytest.raises(ModelFileError, match="must be a name inside the folder of the tables"):
        cr.RiskPipeline.load(packed(members, tmp_path / "m.csrisk"))
    spec = cr.RiskSpec.from_dict({"tables": {"accounts": {"file": file}}})
    with pytest.raises(ConfigError, match="must be a name inside the folder of the tables"):
        cr.RiskPipeline(spec).check(tmp_path)


def test_a_folder_within_the_folder_is_no_other_place(tmp_path: Path) -> None:
    spec = cr.RiskSpec.from_dict({"tables": {"accounts": {"file": "part/..accounts.parquet"}}})
    with pytest.raises(ConfigError, match="is not in the folder"):
        cr.RiskPipeline(spec).check(tmp_path)
