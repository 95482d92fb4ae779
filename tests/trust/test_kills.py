"""Whatever happens while csrisk writes, each file is complete or as it was.

kill -9, a full disk, a read-only folder, two processes at once.
"""

from __future__ import annotations

import hashlib
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

from . import _victims

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and fork")

ROOT = Path(__file__).parents[2]
FILES = {"save": ("model.csrisk",), "score": ("scores.parquet", "report.html")}


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
    save: float
    score: float

    def kill(self, what: str, share: float) -> int:
        """Kill a process after a share of the time that the work took when it was measured."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(f"{what} {share * getattr(self, what):.4f}", file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())


@pytest.fixture(scope="module")
def place(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A model, its tables as files, and the hashes of what must come out."""
    folder = tmp_path_factory.mktemp("kills")
    for name in ("out", "scratch", "whole"):
        (folder / name).mkdir()
    pipeline = cr.RiskPipeline.load(trained / "model.csrisk")
    _victims.save(pipeline, folder / "whole")
    _victims.score(pipeline, trained / "tables", folder / "whole")
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
    seconds = [float(part) for part in process.stdout.readline().split()]
    yield Victims(process, *seconds)
    process.kill()
    process.wait()


def kill(victims: Victims, place: Place, what: str, times: int) -> Counter[str]:
    """Kill at random points; after each the files must be complete or absent. Give how often there was what."""
    chance, found = random.Random(times), Counter[str]()
    for turn in range(times):
        if turn % 2:
            for path in place.out.iterdir():
                path.unlink()
        assert victims.kill(what, chance.uniform(0.0, 1.5)) == signal.SIGKILL
        for name in FILES[what]:
            path = place.out / name
            assert not path.exists() or digest(path) == place.whole[name]
            found["complete" if path.exists() else "absent"] += 1
        found["parts"] += any(path.name.endswith(".part") for path in place.out.iterdir())
        found["scratch"] += any(place.scratch.iterdir())
    return found


def swept(place: Place) -> None:
    """The next run leaves whole files and nothing else."""
    code = (
        "import sys; from tests.trust import _victims as v; from csrisk import RiskPipeline; from pathlib import Path;"
    )
    code += "m, t, o = map(Path, sys.argv[1:]); p = RiskPipeline.load(m); v.save(p, o); v.score(p, t, o)"
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *place.command()], cwd=ROOT, env=place.environment, check=True
    )
    assert {path.name: digest(path) for path in place.out.iterdir()} == place.whole
    assert not [path.name for path in place.scratch.iterdir() if path.name.startswith("csrisk-run-")]


@pytest.mark.slow
def test_kills(place: Place, victims: Victims) -> None:
    """CSRISK_KILLS=200 asks for more of them."""
    times = int(os.environ.get("CSRISK_KILLS", "24"))
    saves = kill(victims, place, "save", times // 2)
    scores = kill(victims, place, "score", times - times // 2)
    print(dict(saves), dict(scores))
    assert saves["complete"]
    assert scores["scratch"]  # the kills met the engine at work
    swept(place)


@pytest.mark.slow
def test_two_processes_score_into_one_folder(place: Place) -> None:
    code = (
        "import sys; from tests.trust import _victims as v; from csrisk import RiskPipeline; from pathlib import Path;"
    )
    code += "m, t, o = map(Path, sys.argv[1:]); p = RiskPipeline.load(m); "
    code += "[(v.save(p, o), v.score(p, t, o)) for _ in range(3)]"
    command = [sys.executable, "-W", "ignore", "-c", code, *place.command()]
    both = [subprocess.Popen(command, cwd=ROOT, env=place.environment) for _ in range(2)]
    assert [process.wait(timeout=600) for process in both] == [0, 0]
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
