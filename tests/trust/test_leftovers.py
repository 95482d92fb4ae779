"""What a killed process leaves behind is swept; what is in use, or somebody else's, is not touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from csrisk import CustomerData
from csrisk._atomic import atomic_path, write_atomically
from csrisk._machine import _leftovers
from csrisk._machine._leftovers import hold, scratch_folder, sweep

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="flock")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    _leftovers._sweep_folders.cache_clear()
    return tmp_path


def killed(code: str, place: Path) -> subprocess.Popen[str]:
    """A process that runs until it says so, and is then killed with SIGKILL."""
    ending = "print('ready', flush=True); import time; time.sleep(600)"
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code) + ending],
        env={**os.environ, "TMPDIR": str(place)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_scratch_of_a_killed_process_is_swept_and_that_of_a_living_one_kept(place: Path) -> None:
    code = """
        from csrisk._machine._leftovers import scratch_folder
        folder, held = scratch_folder()
        (folder / "book.duckdb").write_bytes(bytes(1000))
    """
    process = killed(code, place)
    left = [path for path in place.iterdir() if path.name.startswith("csrisk-run-")]
    assert len(left) == 1
    own, held = scratch_folder()
    assert left[0].exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    _leftovers._sweep_folders.cache_clear()
    another, held_too = scratch_folder()
    assert not left[0].exists()
    assert own.exists()
    assert another.exists()
    os.close(held)
    os.close(held_too)


def test_a_link_is_not_followed(place: Path) -> None:
    precious = place / "precious"
    precious.mkdir()
    (precious / "in-use").touch()
    (place / "csrisk-run-evil").symlink_to(precious)
    _, held = scratch_folder()
    assert (precious / "in-use").exists()
    os.close(held)


def test_engine_removes_its_folder(place: Path) -> None:
    usage = pd.DataFrame({"account_id": ["a", "b"], "at": ["2025-01-01", "2025-01-02"]})
    data = CustomerData({"usage": usage})
    assert len(list(place.glob("csrisk-*"))) == 1
    data.close()
    assert not list(place.glob("csrisk-*"))


def test_part_of_a_killed_process_is_swept_and_that_of_a_living_one_kept(place: Path) -> None:
    target = place / "scores.parquet"
    code = f"""
        from csrisk._atomic import atomic_path
        context = atomic_path({str(target)!r})
        context.__enter__().write_bytes(b"half")
    """
    process = killed(code, place)
    parts = list(place.glob(".scores.parquet.*.part"))
    assert len(parts) == 1
    write_atomically(target, b"whole")
    assert parts[0].exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    write_atomically(target, b"again")
    assert [path.name for path in place.iterdir()] == ["scores.parquet"]
    assert target.read_bytes() == b"again"


def test_a_part_that_was_swept_before_it_was_held_is_made_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from csrisk import _atomic

    turns = iter([None, 1])
    monkeypatch.setattr(_atomic, "hold", lambda path: hold(path) if next(turns) else None)
    with atomic_path(place / "x.txt") as part:
        part.write_bytes(b"x")
    assert (place / "x.txt").read_bytes() == b"x"


def test_without_locks_age_decides(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_leftovers, "fcntl", None)
    old, new = place / "old", place / "new"
    for path in (old, new):
        path.touch()
        sweep(path)
        assert path.exists()
    os.utime(old, (1, 1))
    sweep(old)
    sweep(new)
    assert (old.exists(), new.exists()) == (False, True)
    handle = hold(new)
    assert handle is not None
    os.close(handle)
    assert hold(old) is None
