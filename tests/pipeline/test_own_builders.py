"""Builders that a specification names reach training, scores, explanation, report, monitoring and model file."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk._pipeline._model_files._model_file import write_json
from csrisk._pipeline._model_files._stored import restore, scoring_members
from csrisk._pipeline._settings._declared import own_declarations
from csrisk._pipeline._settings._spec import BuilderSpec
from csrisk.exceptions import ConfigError, CsriskWarning, ModelFileError
from csrisk.features import Feature, UsageDepth, attached

if TYPE_CHECKING:
    from pathlib import Path

    from csrisk.data import CustomerData

_MODULE = '''
import pandas as pd
from csrisk.features import Feature

class Cases:
    """Contacts known before each snapshot."""

    features = (Feature("cases_so_far", "churn", "cases", "{value} opened so far; typical is {typical}.", 1),)

    def build(self, data, snapshots):
        rows = data.frame("contacts")[["account_id", "opened_at"]]
        pairs = snapshots.index.to_frame(index=False).reset_index(names="row")
        seen = pairs.merge(rows, on="account_id")
        counts = seen[seen["opened_at"] < seen["as_of"]].groupby("row").size()
        values = counts.reindex(range(len(pairs)), fill_value=0).to_numpy(dtype=float)
        return pd.DataFrame({"cases_so_far": values}, index=snapshots.index)
'''


@dataclass(frozen=True)
class Longer:
    """The length of the names of segments, times something."""

    factor: int = 1

    @property
    def features(self) -> tuple[Feature, ...]:
        return (Feature("segment_letters", "context", "letters", "Its segment has {value}"),)

    def build(self, data: CustomerData, snapshots: cr.Snapshots) -> pd.DataFrame:
        segments = data.frame("accounts").set_index("account_id")["segment"]
        accounts = snapshots.index.get_level_values("account_id")
        values = self.factor * segments.reindex(accounts).astype(str).str.len().to_numpy(dtype=float)
        return pd.DataFrame({"segment_letters": values}, index=snapshots.index)


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A module of the user with a builder, on the path while these tests run."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "acme_features.py").write_text(_MODULE)
    sys.path.insert(0, str(folder))
    yield "acme_features"
    sys.path.remove(str(folder))
    sys.modules.pop("acme_features", None)


@pytest.fixture(scope="module")
def spec(quick_spec: dict[str, Any], module: str) -> dict[str, Any]:
    builders = [
        {"family": "UsageDepth", "options": {"windows": [14, 60]}},
        f"{module}:Cases",
        Longer(2),
    ]
    return {**quick_spec, "features": {"builders": builders}}


@pytest.fixture(scope="module")
def fitted(spec: dict[str, Any], small_book: CustomerData) -> cr.RiskPipeline:
    return cr.RiskPipeline(spec).fit(small_book)


def test_they_reach_everything(fitted: cr.RiskPipeline, small_book: CustomerData, tmp_path: Path) -> None:
    names = set(fitted.model_.feature_names_in_)
    assert {"events_14d", "events_60d", "cases_so_far", "segment_letters"} <= names
    assert "events_30d" not in names
    fitted.save(tmp_path / "m.csrisk")
    again = cr.RiskPipeline.load(tmp_path / "m.csrisk", builders=["acme_features:Cases", Longer(2)])
    assert again.spec_ == fitted.spec_
    assert again.model_id_ == fitted.model_id_
    why = again.explain(small_book)
    told = {feature.name: feature for feature in why.declarations}
    assert [str(told[name].goal) for name in ("events_14d", "cases_so_far", "segment_letters")] == [
        "footprint",
        "churn",
        "context",
    ]
    assert told["cases_so_far"].describe(3.0, 1.0) == "3 cases opened so far; typical is 1 cases."
    pd.testing.assert_frame_equal(again.score(small_book, why=why), fitted.score(small_book))
    again.report(tmp_path / "r.json", small_book, why=why)
    assert "cases_so_far" in (tmp_path / "r.json").read_text(encoding="utf-8")
    drift = again.monitor(small_book, why=why).drift
    assert drift.loc["cases_so_far", "goal"] == "churn"
    assert drift.loc["events_14d", "goal"] == "footprint"


def test_a_model_file_runs_no_code(
    fitted: cr.RiskPipeline, small_book: CustomerData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted.save(tmp_path / "m.csrisk")

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} was imported")

    monkeypatch.setattr("csrisk._pipeline._settings._spec_builders.importlib.import_module", refuse)
    alone = cr.RiskPipeline.load(tmp_path / "m.csrisk")
    with pytest.raises(ConfigError, match=r"RiskPipeline\.load\(path, builders=\['acme_features:Cases'\]\)"):
        alone.explain(small_book)
    # from features alone it predicts, and their declarations are known
    assert {"cases_so_far", "segment_letters"} <= set(own_declarations(alone.spec_))
    with pytest.raises(ConfigError, match="neither holds nor runs code"):
        cr.RiskPipeline(alone.spec_).fit(small_book)


def test_builders_are_those_of_the_training(fitted: cr.RiskPipeline, tmp_path: Path) -> None:
    fitted.save(tmp_path / "m.csrisk")

    class Other:
        features = (Feature("cases_so_far", "advocacy", "cases", "{value}"),)

        def build(self, data: CustomerData, snapshots: cr.Snapshots) -> pd.DataFrame:
            raise NotImplementedError

    with pytest.raises(ConfigError, match="the model has no builder"):
        cr.RiskPipeline.load(tmp_path / "m.csrisk", builders=[Other()])
    with pytest.raises(ConfigError, match=r"other options than the one of the training, \{'factor': 2\}"):
        cr.RiskPipeline.load(tmp_path / "m.csrisk", builders=[Longer(3)])


def test_a_model_file_without_declarations_is_refused(fitted: cr.RiskPipeline) -> None:
    members = scoring_members(fitted)
    features = replace(fitted.spec_.features, builders=(BuilderSpec(path="os:getcwd"),))
    members["spec.json"] = write_json(replace(fitted.spec_, features=features).to_dict())
    with pytest.raises(ModelFileError, match="declares no feature, and nothing is imported"):
        restore(cr.RiskPipeline, members)


def test_a_specification_with_builders_is_a_small_file() -> None:
    text = """
[features]
builders = [{ family = "UsageDepth", options = { windows = [14, 60] } }, "acme_features:Cases", "OwnLife"]
"""
    read = cr.RiskSpec.from_toml(text)
    assert cr.RiskSpec.from_toml(read.to_toml()) == read
    assert read.features.builders[0] == BuilderSpec("UsageDepth", options={"windows": (14, 60)})
    by_object = cr.RiskSpec.from_dict({"features": {"builders": [UsageDepth(windows=(14, 60))]}})
    assert by_object.features.builders[0] == read.features.builders[0]


@pytest.mark.parametrize(
    ("builders", "match"),
    [
        ("UsageDepth", r"builders = 'UsageDepth' must be a list"),
        (["UsageDeep"], r"unknown family 'UsageDeep'; did you mean 'UsageDepth'"),
        (["UsageDepth", {"family": "UsageDepth"}], "UsageDepth is named twice"),
        ([{"family": "UsageDepth", "options": {"weeks": [1]}}], r"UsageDepth cannot be made with \['weeks'\]"),
        ([{"family": "UsageDepth", "options": {"windows": [0]}}], r"must be whole numbers of days, at least 1"),
        ([{"family": "UsageDepth", "options": {"windows": [40_000]}}], r"must be at most 36,500"),
        ([{"family": "UsageDepth", "options": {"windows": {"a": 1}}}], r"must be a number, a text"),
        ([{"familie": "UsageDepth"}], r"unknown key 'familie'"),
        ([{}], "either a family of csrisk or the path"),
        (["../acme:x"], r"must be an import path"),
        ([Longer], r"must be a builder"),
        ([{"path": "a:b", "declares": [{"name": "x", "goal": "churn"}]}], "lacks one of name, goal, unit"),
        (
            [{"path": "a:b", "declares": [{"name": "x", "goal": "churn", "unit": "score", "sentence": "{value.a}"}]}],
            "plainly",
        ),
    ],
)
def test_what_breaks_a_rule_is_said(builders: Any, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        cr.RiskSpec.from_dict({"features": {"builders": builders}})


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("acme_nowhere:Cases", "cannot be imported; install it, or put its folder on PYTHONPATH"),
        ("acme_features:Nothing", "has no 'Nothing'"),
        ("acme_features:pd.NA", "cannot be made|gives no builder"),
        ("acme_features:pd.DataFrame", "gives no builder"),
    ],
)
@pytest.mark.usefixtures("module")
def test_an_import_that_fails_is_said(path: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        BuilderSpec(path=path).make()


def test_declarations_travel_with_the_frame(small_book: CustomerData, tmp_path: Path) -> None:
    past = cr.Snapshots.at(small_book, [small_book.end - pd.Timedelta(days=days) for days in (150, 120)])
    builders = [UsageDepth(windows=(14, 60)), Longer()]
    X = cr.build_features(small_book, past, builders)
    names = {feature.name for feature in attached(X)}
    assert {"events_14d", "segment_letters"} <= names
    assert "days_since_use" not in names  # its name tells it
    assert not attached(cr.build_features(small_book, past, [cr.features.Advocacy()]))
    X.to_parquet(tmp_path / "x.parquet")
    written = cr.build_features(small_book, past, builders, out=tmp_path / "y.parquet")
    for frame in (X[X["events_14d"] >= 0], pd.read_parquet(tmp_path / "x.parquet"), pd.read_parquet(written)):
        assert attached(frame) == attached(X)
    y = pd.Series(np.arange(len(X)) % 3 == 0, index=X.index)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CsriskWarning)
        model = cr.ChurnModel(n_members=2, min_events=2, blend=False, random_state=0).fit(X, y)
    why = cr.explain(model, X.iloc[:3], n_reference=8)
    assert {feature.name: str(feature.goal) for feature in why.declarations}["segment_letters"] == "context"
    # what is said beside them goes before them, and needs to say no more
    again = cr.explain(model, X.iloc[:3], n_reference=8, declarations={"segment_letters": "footprint"})
    assert {feature.name: str(feature.goal) for feature in again.declarations}["segment_letters"] == "footprint"
    # a frame of another library has lost them
    told = cr.monitor(X, X.assign(churn_probability=0.1))
    assert told.drift.empty or "segment_letters" in told.drift.index
