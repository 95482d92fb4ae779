"""Whatever happens while csrisk writes, each file is complete or as it was.

kill -9, a full disk, a read-only folder, two processes at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import csrisk as cr
from csrisk._atomic import write_atomically

from ._victims import Work

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals and fork"),
    pytest.mark.promise("A file that csrisk writes is complete or as it was, after a kill and with a full disk"),
]

ROOT = Path(__file__).parents[2]
FILES = {"save": "model.csrisk", "score": "scores.parquet", "write": "scores.parquet"}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass
class Place:
    trained: Path
    folder: Path
    whole: dict[str, str]

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def scratch(self) -> Path:
        return self.folder / "scratch"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "TMPDIR": str(self.scratch), "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

    def command(self) -> list[str]:
        return [str(path) for path in (self.trained / "model.csrisk", self.trained / "tables", self.out)]


@dataclass
class Victims:
    process: subprocess.Popen[str]
    seconds: dict[str, float]

    def kill(self, what: str, share: float) -> int:
        """Kill a process after a share of the time that the work took when it was measured."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(f"{what} {share * self.seconds[what]:.4f}", file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())


@pytest.fixture(scope="module")
def place(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A model, its tables as files, and the hashes of what must come out."""
    folder = tmp_path_factory.mktemp("kills")
    for name in ("out", "scratch", "whole"):
        (folder / name).mkdir()
    pipeline = cr.RiskPipeline.load(trained / "model.csrisk")
    whole = Work(pipeline, trained / "tables", folder / "whole")
    whole.save()
    whole.score()
    return Place(trained, folder, {path.name: digest(path) for path in (folder / "whole").iterdir()})


@pytest.fixture
def victims(place: Place) -> Iterator[Victims]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.trust._victims", *place.command()],
        cwd=ROOT,
        env=place.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield Victims(process, json.loads(process.stdout.readline()))
    process.kill()
    process.wait()


def kill(victims: Victims, place: Place, what: str, times: int) -> Counter[str]:
    """Kill at random points; after each the files must be complete or absent. Give how often there was what."""
    chance, found = random.Random(times), Counter[str]()
    for turn in range(times):
        if turn % 2:
            for path in place.out.iterdir():
                path.unlink()
        assert victims.kill(what, chance.uniform(0.0, 2.0)) == signal.SIGKILL
        path = place.out / FILES[what]
        assert not path.exists() or digest(path) == place.whole[path.name]
        found["complete" if path.exists() else "absent"] += 1
        found["parts"] += any(path.name.endswith(".part") for path in place.out.iterdir())
        found["scratch"] += any(place.scratch.iterdir())
    return found


RUN = """
import sys
from pathlib import Path
from csrisk import RiskPipeline
from tests.trust._victims import Work
model, tables, out = map(Path, sys.argv[1:])
work = Work(RiskPipeline.load(model), tables, out)
for _ in range({times}):
    work.save()
    work.score()
"""


def start(place: Place, times: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-W", "ignore", "-c", RUN.format(times=times), *place.command()]
    return subprocess.Popen(command, cwd=ROOT, env=place.environment)


@pytest.mark.slow
def test_kills(place: Place, victims: Victims) -> None:
    """CSRISK_KILLS=200 asks for more of them: 80 in saving, 100 in writing scores, 20 in scoring."""
    times = int(os.environ.get("CSRISK_KILLS", "20"))
    shares = {"save": 0.4, "write": 0.5, "score": 0.1}
    found = {what: kill(victims, place, what, round(times * share)) for what, share in shares.items()}
    print({what: dict(counts) for what, counts in found.items()})
    written = found["save"] + found["write"]
    assert written["complete"]
    assert written["absent"]
    assert written["parts"]  # the kills met the write itself
    assert found["score"]["scratch"]  # the engine was at work
    # the next run leaves whole files and nothing else
    assert start(place, 1).wait() == 0
    assert {path.name: digest(path) for path in place.out.iterdir()} == place.whole
    assert not [path.name for path in place.scratch.iterdir() if path.name.startswith("csrisk-run-")]


@pytest.mark.slow
def test_two_processes_score_into_one_folder(place: Place) -> None:
    both = [start(place, 3) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert {path.name: digest(path) for path in place.out.iterdir()} == place.whole


def test_full_disk_leaves_what_was_there(place: Place, tmp_path: Path) -> None:
    """A limit on the size of files ends a write in the middle, as a full disk does."""
    pipeline = cr.RiskPipeline.load(place.trained / "model.csrisk")
    target, size = tmp_path / "model.csrisk", (place.trained / "model.csrisk").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for before in (None, b"old"):
        for limit in (0, 1, size // 2, size - 1):
            if before is not None:
                target.write_bytes(before)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
            try:
                with pytest.raises(OSError, match="File too large"):
                    pipeline.save(target)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == (
                {"model.csrisk": before} if before else {}
            )
    pipeline.save(target)
    assert digest(target) == place.whole["model.csrisk"]


def test_read_only_folder_is_an_error_and_nothing_else() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        user = os.geteuid()
        if user == 0:  # root may write everywhere, nobody may not
            os.seteuid(65534)
        try:
            with pytest.raises(PermissionError, match="Permission denied"):
                write_atomically(Path(folder) / "model.csrisk", b"x")
        finally:
            os.seteuid(user)
        assert not list(Path(folder).iterdir())
        Path(folder).chmod(0o755)
