"""A forked worker (gunicorn --preload, Celery, multiprocessing) does all that its parent does, and waits for nobody."""

from __future__ import annotations

import ast
import copy
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import csrisk as cr

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
PARALLEL = """
import os, sys
os.environ["OMP_NUM_THREADS"] = "2"  # as on any machine with cores; OpenMP reads it when it is loaded
sys.path.insert(0, {folder!r})
import test_forked
test_forked.work_after_fork(*{names!r})
"""


def test_one_module_alone_knows_lightgbm() -> None:
    """A second door would be one without care for threads and forks; docstrings may show LightGBM's own models."""
    found = set()
    for path in (ROOT / "csrisk").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == "lightgbm" for name in names):
                found.add(path.relative_to(ROOT).as_posix())
    assert found == {"csrisk/models/_boosting/_lightgbm.py"}


def _book() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(400, 2)), columns=["use", "calls"]).assign(tier=rng.choice(["a", "b"], 400))
    return X, pd.Series(rng.random(400) < 1 / (1 + np.exp(-X["use"])))


def _explain(model: cr.ChurnModel, X: pd.DataFrame) -> np.ndarray:
    goals = {"use": "footprint", "calls": "churn", "tier": "churn"}
    return np.asarray(cr.explain(model, X.iloc[:5], reference=X, declarations=goals).goals())


def _train(model: cr.ChurnModel, X: pd.DataFrame) -> np.ndarray:
    return np.asarray(cr.ChurnModel(2, blend=False).fit(X, _book()[1]).predict_proba(X))


WORK: dict[str, Callable[[cr.ChurnModel, pd.DataFrame], np.ndarray]] = {
    "predict": lambda model, X: np.asarray(model.predict_proba(X)),
    "explain": _explain,
    "pickle": lambda model, X: np.asarray(pickle.loads(pickle.dumps(model)).predict_proba(X)),
    "copy": lambda model, X: np.asarray(copy.deepcopy(model).predict_proba(X)),
    "train": _train,
    "LightGBM itself": lambda model, X: np.asarray(model.boosters_[0].predict(model.encode(X))),
}


def work_after_fork(*names: str) -> None:
    """For each work put OpenMP to work, fork, and compare what the child gets; the exit code tells."""
    X, y = _book()
    model = cr.ChurnModel(2, blend=False).fit(X, y)
    problems = [found for name in names if (found := _problem(name, model, X))]
    sys.exit("; ".join(problems) or 0)


def _problem(name: str, model: cr.ChurnModel, X: pd.DataFrame) -> str:
    want = WORK[name](model, X)
    model.boosters_[0].predict(model.encode(X), num_threads=2)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(WORK[name](model, X), want) else 3)
    deadline = time.monotonic() + 60
    ended, status = 0, -1
    while not ended and time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.02)
    if not ended:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return "" if ended and status == 0 else f"{name}: child {'ended with ' + str(status) if ended else 'hangs'}"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.parametrize(
    "names", [["explain"], pytest.param([name for name in WORK if name != "explain"], marks=pytest.mark.slow)]
)
def test_a_forked_worker_gives_the_bits_of_its_parent(names: list[str]) -> None:
    code = PARALLEL.format(folder=str(Path(__file__).parent), names=names)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
