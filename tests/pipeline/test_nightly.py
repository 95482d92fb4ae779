"""The nightly example: twelve months unattended, each decision as the rule has it, and steps that a retry completes."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "nightly"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    for name in ("nightly", "simulate", "luigi_nightly"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def told(state: Path, step: str) -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((state / step).glob("*.json"))}


def files(state: Path) -> list[int]:
    return [len(list((state / step).iterdir())) for step in ("scores", "monitoring", "decisions", "reports")]


def full_disk(night: Any) -> Path:
    raise OSError(28, "No space left on device")


@pytest.mark.slow
def test_twelve_months_unattended(example: None, tmp_path: Path) -> None:
    import simulate

    codes = simulate.main(tmp_path)
    state = tmp_path / "state"
    decisions, found = told(state, "decisions"), told(state, "monitoring")
    assert len(codes) == len(decisions) == 12
    assert 1 not in codes
    scores = [pd.read_parquet(path) for path in sorted((state / "scores").glob("*.parquet"))]
    assert files(state) == [12] * 4
    # the months before anything breaks are calm
    assert [decisions[f"2025-0{month}-01"]["decision"] for month in (1, 2, 3)] == ["keep"] * 3
    # tracking records more from April on: the first alarm waits, the second retrains, and the new model takes over
    drifting = [date for date, one in found.items() if {"CSM001", "CSM002"} & set(one["failed"])]
    assert drifting[0] >= "2025-05-01"
    assert "for the first time: wait" in decisions[drifting[0]]["reason"]
    retrained = [date for date, one in decisions.items() if one["decision"] == "retrain"]
    assert retrained
    assert all("took over" in decisions[date]["reason"] for date in retrained)
    models = [frame["model_id"].iloc[0] for frame in scores]
    assert len(set(models)) == 1 + len([date for date in retrained if date < "2025-12-01"])
    # while the feed of usage stands still nothing is learned, and somebody is told
    for date in ("2025-09-01", "2025-10-01"):
        assert decisions[date]["decision"] == "hold"
        assert "CSM007" in found[date]["failed"]
    assert [date for date, code in zip(decisions, codes, strict=True) if code == 3] == [
        date for date, one in decisions.items() if one["decision"] == "hold"
    ]
    # the log says each decision and why
    log = (state / "nightly.log").read_text(encoding="utf-8")
    for date, one in decisions.items():
        assert f"{date} decision: {one['decision']}, because {one['reason']}" in log
    # outcomes arrive after sixty days: what January was told is held against what came, though so few prove nothing
    assert "realised" not in found["2025-02-01"]["performance"][0]
    rates = {row["metric"]: row for row in found["2025-04-01"]["performance"]}
    assert 0 <= rates["event_rate"]["realised"] < 0.5
    assert "events among the labels that arrived; 20 are needed" in found["2025-04-01"]["checks"][3]["measure"]


def small_night(tmp_path: Path) -> list[str]:
    import simulate

    from csrisk.datasets import make_saas

    simulate.extract(make_saas(80, 18, seed=1).tables, pd.Timestamp("2025-12-01"), tmp_path / "tables")
    config = tmp_path / "c.toml"
    config.write_text(simulate.CONFIG.replace("[model]", "[model]\nmin_events = 2"), encoding="utf-8")
    return [str(tmp_path / "tables"), str(tmp_path / "state"), "--as-of", "2025-12-01", "--config", str(config)]


@pytest.mark.slow
def test_a_broken_night_is_completed_and_a_repeated_one_changes_nothing(example: None, tmp_path: Path) -> None:
    import nightly

    words = small_night(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nightly.Night, "report", full_disk)
        assert nightly.main(words) == 1
    state = tmp_path / "state"
    scores = (state / "scores" / "2025-12-01.parquet").stat()
    assert not (state / "decisions" / "2025-12-01.json").exists()
    assert nightly.main(words) in (0, 3)
    assert (state / "scores" / "2025-12-01.parquet").stat().st_mtime_ns == scores.st_mtime_ns
    before = {path: path.stat().st_mtime_ns for path in state.rglob("*") if path.is_file() and path.suffix != ".log"}
    nightly.main(words)
    assert before == {path: path.stat().st_mtime_ns for path in before}


@pytest.mark.slow
def test_the_flow_of_the_engine_runs_the_same_steps(example: None, tmp_path: Path) -> None:
    luigi = pytest.importorskip("luigi", reason="needs Luigi")
    import luigi_nightly

    words = small_night(tmp_path)
    task = luigi_nightly.Nightly(source=words[0], state=words[1], as_of="2025-12-01", config=words[-1])
    assert luigi.build([task], local_scheduler=True, log_level="ERROR")
    assert task.complete()
    state = tmp_path / "state"
    assert files(state) == [1] * 4


VERDICTS = [
    (["CSM007", "CSM001"], [], "hold"),
    (["CSM008"], [], "hold"),
    (["CSM011", "CSM002"], ["CSM002"], "hold"),
    (["CSM013", "CSM003"], [], "hold"),
    (["CSM003"], [], "retrain"),
    (["CSM006", "CSM002"], [], "retrain"),
    (["CSM001"], [], "keep"),
    (["CSM001"], ["CSM002"], "retrain"),
    (["CSM005"], ["CSM007"], "keep"),
    ([], ["CSM001"], "keep"),
]


@pytest.mark.parametrize(("tonight", "before", "decision"), VERDICTS)
def test_the_rule(example: None, tmp_path: Path, tonight: list[str], before: list[str], decision: str) -> None:
    import nightly

    night = nightly.Night("", tmp_path, "2025-07-01")
    for date, failed in (("2025-06-01", before), ("2025-07-01", tonight)):
        nightly.write_json(tmp_path / "monitoring" / f"{date}.json", {"failed": failed, "model": "m"})
    assert night.verdict()[0] == decision
    nightly.write_json(tmp_path / "monitoring" / "2025-06-01.json", {"failed": before, "model": "another"})
    if decision == "retrain" and not {"CSM003", "CSM006"} & set(tonight):
        assert night.verdict()[0] == "keep", "drift against the model before last says nothing of this one"


def test_what_an_extract_holds_was_known_by_then(example: None, tmp_path: Path) -> None:
    import simulate

    from csrisk.datasets import make_saas

    night = pd.Timestamp("2025-06-01")
    simulate.extract(make_saas(60, 12, seed=1).tables, night, tmp_path)
    usage, contacts = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("usage", "contacts"))
    assert (pd.to_datetime(usage["at"]) < night).all()
    assert (pd.to_datetime(contacts["resolved_at"]).dropna() < night).all()
    assert (pd.to_datetime(usage["known_at"]).dropna() < night).all()


def test_the_script_says_what_it_wants() -> None:
    with pytest.raises(SystemExit) as done:
        runpy.run_path(str(EXAMPLE / "nightly.py"), run_name="nothing")["main"]([])
    assert done.value.code == 2
