"""In a container that lacks a folder, a locale or assertions, the scores are the same or one error says why."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import csrisk as cr
from csrisk.exceptions import ConfigError

ROOT = Path(__file__).resolve().parents[2]
NO_CACHE = "import numba.core.caching as c; c.FunctionCache._impl_class._locator_classes = []\n"
SCORE = """
import hashlib, sys, warnings
import csrisk as cr
from csrisk.datasets import make_saas
data = cr.CustomerData(make_saas(60, 15, seed=1).tables)
pipeline = cr.RiskPipeline.load(sys.argv[1])
print(hashlib.sha256(pipeline.score(data).to_csv().encode()).hexdigest())
"""


def _score(model: Path, *options: str, before: str = "", without: str = "", **told: str) -> tuple[str, str]:
    environment = {name: value for name, value in {**os.environ, **told}.items() if name != without}
    command = [sys.executable, *options, "-c", before + SCORE, str(model)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
    return done.stdout, done.stderr


@pytest.mark.slow
def test_scores_are_the_same_in_every_container(trained: Path) -> None:
    model = trained / "model.csrisk"
    want, _ = _score(model)
    found, told = _score(model, "-O", before=NO_CACHE, without="HOME", LC_ALL="C")
    assert found == want
    assert told.count("numba finds no folder that it may write") == 1


def test_nothing_is_checked_by_an_assertion() -> None:
    """``python -O`` drops them."""
    found = [
        f"{path.name}:{node.lineno}"
        for path in (ROOT / "csrisk").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert)
    ]
    assert not found


def test_no_place_for_scratch_files_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(ConfigError, match=r"no scratch folder can be made .* set TMPDIR to a writable folder"):
        cr.load_demo()
