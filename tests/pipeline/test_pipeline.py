"""RiskPipeline: what it gives adds up, comes back from a file, is the same twice, and speaks clearly when it cannot."""

from __future__ import annotations

import copy
import dataclasses
import json
import random
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, cpu_count, effective_n_jobs

import csrisk as cr
from csrisk._pipeline import write_scores
from csrisk._pipeline._learning._panel import churn_model, panel
from csrisk._pipeline._learning._training import every_core
from csrisk._pipeline._model_files._record import Record
from csrisk._pipeline._model_files._stored import scoring_members
from csrisk.exceptions import ConfigError, LabelError, ModelFileError, SnapshotError
from csrisk.features import declared

if TYPE_CHECKING:
    from pathlib import Path

    from csrisk._explain import Explanation
    from csrisk.data import CustomerData


@pytest.fixture(scope="module")
def quick_spec(quick_spec: dict[str, Any]) -> dict[str, Any]:
    """With the blend of boosters that is the default."""
    return quick_spec | {"model": {"n_members": 2, "min_events": 2}}


@pytest.fixture(scope="module")
def quick(quick_spec: dict[str, Any], small_book: CustomerData) -> cr.RiskPipeline:
    return cr.RiskPipeline(quick_spec).fit(small_book)


@pytest.fixture(scope="module")
def why(quick: cr.RiskPipeline, small_book: CustomerData) -> Explanation:
    return quick.explain(small_book)


@pytest.fixture(scope="module")
def scores(quick: cr.RiskPipeline, small_book: CustomerData, why: Explanation) -> pd.DataFrame:
    return quick.score(small_book, why=why)


@pytest.fixture(scope="module")
def file(quick: cr.RiskPipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "m.csrisk"
    quick.save(path)
    return path


@pytest.mark.promise("The points of the goals and of the reference add up to the probability that is scored")
def test_points_add_up_to_the_probability(scores: pd.DataFrame) -> None:
    points = scores.filter(like="_points").sum(axis=1)
    np.testing.assert_allclose(points, 100 * scores["churn_probability"], atol=1e-9)


def test_priority_is_revenue_at_risk(scores: pd.DataFrame) -> None:
    assert scores["priority"].tolist() == list(range(1, len(scores) + 1))
    np.testing.assert_allclose(scores["mrr_at_risk"], scores["mrr"] * scores["churn_probability"])
    assert (np.diff(scores["mrr_at_risk"]) <= 1e-12).all()
    assert scores["expansion_probability"].between(0, 1).all()


def test_scores_are_for_the_end_of_the_data(scores: pd.DataFrame, small_book: CustomerData) -> None:
    assert scores.index.get_level_values("as_of").unique().tolist() == [small_book.end]


def test_forward_test_names_the_methods(quick: cr.RiskPipeline) -> None:
    evaluation = quick.record_.evaluation()
    assert list(evaluation) == ["model", "health score", "recency"]
    assert {table.loc["n_snapshots", "estimate"] for table in evaluation.values()} == {
        evaluation["model"].loc["n_snapshots", "estimate"]
    }


def test_a_file_gives_the_same_pipeline(
    quick: cr.RiskPipeline, file: Path, small_book: CustomerData, scores: pd.DataFrame, tmp_path: Path
) -> None:
    again = cr.RiskPipeline.load(file)
    assert again.model_id_ == quick.model_id_
    assert again.spec_ == quick.spec_
    pd.testing.assert_frame_equal(again.score(small_book), scores)
    again.save(tmp_path / "again.csrisk")
    assert same_bytes(tmp_path / "again.csrisk", file)
    first = quick.report(tmp_path / "first.html", small_book)
    assert same_bytes(again.report(tmp_path / "second.html", small_book), first)


def test_the_record_survives_json(quick: cr.RiskPipeline) -> None:
    record = quick.record_
    again = Record.from_dict(json.loads(json.dumps(record.to_dict())))
    assert list(again.facts.items()) == list(record.facts.items())
    for name in ("metrics", "gain", "dates", "calibration", "checks"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(record, name))


def same_bytes(one: Path, other: Path) -> bool:
    """Compare without the line-by-line difference that a failing assert on bytes works on for minutes."""
    return one.read_bytes() == other.read_bytes()


def test_loading_runs_no_code_and_needs_no_pickle(file: Path) -> None:
    code = (
        "import pickle, sys\n"
        "def refuse(*args, **kwargs): raise SystemExit('pickle was used')\n"
        "pickle.load = pickle.loads = pickle.Unpickler = refuse\n"
        "import csrisk as cr\n"
        "print(cr.RiskPipeline.load(sys.argv[1]).model_id_)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_model_file_names_no_account(file: Path, small_book: CustomerData) -> None:
    with zipfile.ZipFile(file) as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    names = small_book.frame("accounts")["name"].dropna().tolist()
    assert not [name for name in [*small_book.accounts, *names] if str(name).encode() in content]


def test_any_damage_is_refused_or_harmless(file: Path, quick: cr.RiskPipeline, tmp_path: Path) -> None:
    whole, chance, target = file.read_bytes(), random.Random(1), tmp_path / "mutant.csrisk"
    for _ in range(60):
        mutant = bytearray(whole)
        mutant[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        target.write_bytes(bytes(mutant))
        try:
            assert cr.RiskPipeline.load(target).model_id_ == quick.model_id_
        except ModelFileError:
            continue


def test_members_with_good_hashes_and_bad_content_are_refused(file: Path, tmp_path: Path) -> None:
    """Somebody who can write hashes can write any content: rules come after hashes."""
    from csrisk._pipeline._archive import read_archive, write_archive

    members = read_archive(file)
    told = json.loads(members["churn.json"])
    changes = {
        "churn.json names": {"churn.json": json.dumps({**told, "trees": ["trees/099.txt"]}).encode()},
        "churn.json breaks its rules": {"churn.json": json.dumps({**told, "class": "Popen"}).encode()},
        "breaks the grammar of trees": {told["trees"][0]: b"tree\n"},
        "does not score its golden rows": {
            "arrays/churn_margins.npy": members["arrays/churn_margins.npy"][:-8] + b"\x00" * 8
        },
        "unknown key 'evil'": {"spec.json": b'{"evil": {}}'},
        "no JSON object": {"record.json": b"[]"},
    }
    for message, change in changes.items():
        write_archive(tmp_path / "m.csrisk", {**members, **change})
        with pytest.raises((ModelFileError, ConfigError), match=message):
            cr.RiskPipeline.load(tmp_path / "m.csrisk")


def test_a_report_takes_the_scores_of_its_own_run_alone(
    quick: cr.RiskPipeline, small_book: CustomerData, why: Explanation, scores: pd.DataFrame, tmp_path: Path
) -> None:
    one = quick.report(tmp_path / "one.json", small_book, why=why)
    other = quick.report(tmp_path / "other.json", small_book, why=why, scores=scores)
    same = one.read_bytes() == other.read_bytes()
    assert same
    for wrong in (scores.iloc[1:], scores.assign(churn_probability=scores["churn_probability"] / 2)):
        with pytest.raises(ConfigError, match="are not those of the"):
            quick.report(tmp_path / "two.json", small_book, why=why, scores=wrong)


def test_members_are_trained_on_every_core_unless_the_model_says_how_many() -> None:
    with every_core():
        assert (Parallel(n_jobs=None, prefer="threads").n_jobs, effective_n_jobs(None)) == (-1, cpu_count())
        assert Parallel(n_jobs=1, prefer="threads").n_jobs == 1
    assert Parallel(n_jobs=None, prefer="threads").n_jobs == 1


def test_scores_as_files(scores: pd.DataFrame, tmp_path: Path) -> None:
    write_scores(tmp_path / "s.parquet", scores)
    write_scores(tmp_path / "s.csv", scores)
    back = pd.read_parquet(tmp_path / "s.parquet")
    assert back["churn_probability"].tolist() == scores["churn_probability"].tolist()
    assert list(back.columns) == list(pd.read_csv(tmp_path / "s.csv").columns)
    with pytest.raises(ConfigError, match=r"suffix '.xlsx' must be .parquet or .csv"):
        write_scores(tmp_path / "s.xlsx", scores)


def test_formulas_in_a_csv_are_text(scores: pd.DataFrame, tmp_path: Path) -> None:
    evil = scores.iloc[:1].reset_index().assign(account_id="=cmd|' /C calc'!A0").set_index(["account_id", "as_of"])
    write_scores(tmp_path / "s.csv", evil)
    assert pd.read_csv(tmp_path / "s.csv")["account_id"].tolist() == ["'=cmd|' /C calc'!A0"]


def test_healthiest_reference_has_less_risk(
    quick: cr.RiskPipeline, quick_spec: dict[str, Any], small_book: CustomerData, scores: pd.DataFrame
) -> None:
    spec = {**quick_spec, "reference": {"kind": "healthiest", "rows": 20}}
    other = cr.RiskPipeline(spec).fit(small_book)
    # a second training gives the same trees to the byte
    ours, others = scoring_members(quick), scoring_members(other)
    trees = [name for name in ours if name.startswith("trees")]
    assert trees
    assert {name: others.get(name) == ours[name] for name in trees} == dict.fromkeys(trees, True)
    best = other.score(small_book)
    assert best["reference_points"].iloc[0] < scores["reference_points"].iloc[0]
    pd.testing.assert_series_equal(best["churn_probability"], scores["churn_probability"])


BAD = [
    ({"features": {"exclude": ["tenure_day"]}}, ConfigError, "the first is 'tenure_day'; did you mean 'tenure_days'"),
    ({"features": {"attributes": ["industri"]}}, ConfigError, "'industri' is not a column .* did you mean 'industry'"),
    ({"snapshots": {"horizon": "9000D"}}, LabelError, "none of .* snapshots has a label"),
    ({"snapshots": {"dates": ["1999-01-01"]}}, SnapshotError, "1999"),
    ({"test": {"start": "2035-01-01"}}, SnapshotError, "2035-01-01"),
]


@pytest.mark.parametrize(("spec", "error", "message"), BAD)
def test_what_cannot_be_done_is_said(
    small_book: CustomerData,
    quick_spec: dict[str, Any],
    spec: dict[str, object],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        cr.RiskPipeline({**quick_spec, **spec}).fit(small_book)


def test_unfitted_pipelines_say_so(small_book: CustomerData, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not fitted; call fit"):
        cr.RiskPipeline().score(small_book)
    with pytest.raises(ConfigError, match="not fitted; call fit"):
        cr.RiskPipeline().save(tmp_path / "m.csrisk")


def test_risk_follows_the_directions_that_features_declare(small_book, quick_spec):
    spec = cr.RiskSpec.from_dict({**quick_spec, "features": {"monotone": True}})
    past = panel(spec, small_book)
    X, model = past.X, churn_model(spec, past.X).fit(past.X, past.churn)
    numbers = [f for f in declared(X.columns) if f.direction and X[f.name].notna().any()]
    assert {f.direction for f in numbers} == {-1, 1}
    before = model.predict_proba(X)[:, 1]
    moved = 0
    for feature in numbers:
        raised = X.copy()
        raised[feature.name] += X[feature.name].max() - X[feature.name].min() + 1
        change = model.predict_proba(raised)[:, 1] - before
        assert (change * feature.direction >= -1e-12).all(), feature.name
        moved += bool(change.any())
    assert moved  # a model that no feature moves would pass otherwise


def test_directions_bind_only_where_the_specification_says_so():
    X = pd.DataFrame({"nps_last": [1.0], "mrr": [2.0], "days_since_use": [3.0]})
    assert churn_model(cr.RiskSpec(), X).monotone is None
    bound = cr.RiskSpec.from_dict({"features": {"monotone": True}})
    assert churn_model(bound, X).monotone == {"nps_last": -1, "days_since_use": 1}
    own = cr.RiskSpec.from_dict({"features": {"monotone": True}, "model": {"monotone": {"mrr": -1}}})
    assert churn_model(own, X).monotone == {"mrr": -1}


def test_expansion_is_explained_in_points_and_in_money_that_add_up(quick, small_book, scores, tmp_path) -> None:
    why = quick.explain(small_book, outcome="expansion")
    rows = scores.loc[why.index]
    np.testing.assert_allclose(why.prediction / 100, rows["expansion_probability"], rtol=0, atol=1e-12)
    parts = rows[[f"expansion_{goal}_pp" for goal in ("reference", *why.goals_present)]].sum(axis=1)
    np.testing.assert_allclose(parts, 100 * rows["expansion_probability"], rtol=0, atol=1e-9)
    assert rows["expansion_goal"].dropna().isin([str(goal) for goal in why.goals_present]).all()
    likeliest = rows["expansion_probability"].nlargest(50).index
    assert rows["expansion_reason"].drop(likeliest).isna().all()
    money = quick.explain(small_book, outcome="growth")
    assert money.unit == "amount"
    total = money.reference + money.contributions.sum(axis=1)
    np.testing.assert_allclose(total, quick.amounts_.growth.predict(fitted_features(why)), rtol=0, atol=1e-9)
    report = json.loads(quick.report(tmp_path / "r.json", small_book, why=quick.explain(small_book)).read_text())
    cards = report["growth"]
    assert [card["probability"] for card in cards] == pytest.approx(rows["expansion_probability"].nlargest(10).tolist())
    for card in cards:
        assert card["reference_shown"] + sum(g["shown"] for g in card["goals"]) == pytest.approx(
            card["prediction_shown"], abs=1e-9
        )
        for goal in card["goals"]:
            shown = sum(part["shown"] for part in goal["features"]) + goal["rest_shown"]
            assert shown == pytest.approx(goal["shown"], abs=1e-9)
        amount = card["amount"]
        told = amount["reference_shown"] + sum(shown for *_, shown in amount["goals"])
        assert told == pytest.approx(amount["prediction_shown"], abs=1e-9)
    with pytest.raises(ConfigError, match="outcome='uplift' must be 'churn', 'expansion' or 'growth'"):
        quick.explain(small_book, outcome="uplift")


def test_the_segment_explains_first_where_the_specification_says_so(quick, quick_spec, small_book, why) -> None:
    first = copy.copy(quick)
    reference = dataclasses.replace(quick.spec_.reference, first="account_segment")
    first.spec_ = dataclasses.replace(quick.spec_, reference=reference)
    found = first.explain(small_book)
    assert found.reference_words.startswith(f"{len(quick.reference_):,} snapshots of the training period")
    assert "account_segment first" in found.reference_words
    np.testing.assert_allclose(found.prediction, why.prediction, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.reference + found.contributions.sum(axis=1), found.prediction, rtol=0, atol=1e-9)
    told = first.model_.predict_proba(quick.reference_)[:, 1].mean()
    assert found.reference == pytest.approx(np.full(len(found), 100 * told), abs=1e-9)
    unknown = cr.RiskPipeline({**quick_spec, "reference": {"first": "account_colour"}})
    with pytest.raises(ConfigError, match=r"reference\.first='account_colour': none of the \d+ features has this name"):
        unknown.fit(small_book)


def fitted_features(why: Explanation) -> pd.DataFrame:
    return why.background.values  # noqa: PD011  # a field
