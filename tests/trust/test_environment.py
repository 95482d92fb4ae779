"""What surrounds a run does not change it: time zone, clock, hash seed, forks, joblib."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
import zoneinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
import pytest

import csrisk as cr

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.promise("Time zone, clock, hash seed and locale change nothing")

ROOT = Path(__file__).parents[2]
ZONES = ("UTC", "Asia/Kolkata", "America/New_York", "Pacific/Kiritimati")


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Set the time zone of this process."""

    def put(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield put
    monkeypatch.undo()
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows has no tzset")
def test_time_zone_of_the_machine_moves_no_event(zone: Any) -> None:
    """Naive texts, naive stamps, aware stamps and offsets, each an hour before midnight UTC."""
    late = pd.to_datetime(["2025-01-01 23:00", "2025-01-02 23:00"])
    forms = {
        "text": ["2025-01-01 23:00", "2025-01-02 23:00"],
        "offset": ["2025-01-02T04:30:00+05:30", "2025-01-03T04:30:00+05:30"],
        "stamp": late,
        "aware": late.tz_localize("UTC").tz_convert(zoneinfo.ZoneInfo("America/New_York")),
    }
    found = set()
    for name in ZONES:
        zone(name)
        for at in forms.values():
            data = cr.CustomerData({"usage": pd.DataFrame({"account_id": ["a", "b"], "at": at})}, threads=1)
            found.add((str(data.end), tuple(data.frame("usage")["at"].astype("str"))))
    assert found == {("2025-01-03 00:00:00", ("2025-01-01 23:00:00", "2025-01-02 23:00:00"))}


@pytest.mark.slow
def test_same_scores_under_any_zone_hash_seed_and_locale(trained: Path, tmp_path: Path) -> None:
    """The whole way from files to scores, in processes of their own."""
    code = (
        "import sys; from pathlib import Path; from csrisk import RiskPipeline; from tests.trust._victims import Work;"
    )
    code += "m, t, o = map(Path, sys.argv[1:]); work = Work(RiskPipeline.load(m), t, o); work.save(); work.score()"
    found = []
    for number, (name, seed, words) in enumerate((("UTC", "0", "C.UTF-8"), ("Pacific/Kiritimati", "4711", "C"))):
        out = tmp_path / str(number)
        out.mkdir()
        subprocess.run(
            [
                sys.executable,
                "-W",
                "ignore",
                "-c",
                code,
                str(trained / "model.csrisk"),
                str(trained / "tables"),
                str(out),
            ],
            cwd=ROOT,
            env={**os.environ, "TZ": name, "PYTHONHASHSEED": seed, "LC_ALL": words},
            check=True,
        )
        found.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()})
    assert found[0] == found[1]
    assert len(found[0]) == 2


def test_clock_is_not_in_the_model_file(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = cr.RiskPipeline.load(trained / "model.csrisk")
    found = set()
    for now in (0.0, 4.0e9):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        pipeline.save(tmp_path / "m.csrisk")
        found.add((tmp_path / "m.csrisk").read_bytes())
    assert found == {(trained / "model.csrisk").read_bytes()}


def _book() -> tuple[pd.DataFrame, pd.Series]:
    values = np.random.default_rng(0).normal(size=(600, 4))
    X = pd.DataFrame(values, columns=["a", "b", "c", "d"])
    return X, X["a"] + X["b"] > 0.5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_forked_worker_predicts_and_does_not_hang(n_jobs: int | None) -> None:
    """OpenMP of the parent is at work before the fork; without care the child waits for ever for its threads."""
    X, y = _book()
    model = cr.ChurnModel(2, random_state=0, n_jobs=n_jobs).fit(X, y)
    before = model.predict_proba(X)
    model.boosters_[0].predict(X.to_numpy(), num_threads=2)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(model.predict_proba(X), before) else 3)
    deadline = time.monotonic() + 60
    ended, status = 0, -1
    while not ended and time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.02)
    if not ended:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert (ended, status) == (child, 0)


def test_joblib_keeps_a_model_and_the_page_warns_of_it(tmp_path: Path) -> None:
    X, y = _book()
    model = cr.ChurnModel(2, random_state=0).fit(X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    again = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    page = " ".join((ROOT / "docs" / "model_file.md").read_text(encoding="utf-8").split())
    assert "joblib.load` runs whatever code the file asks for" in page
