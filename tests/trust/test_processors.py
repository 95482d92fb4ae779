"""The bytes of a trained model do not depend on which kernels the processor makes BLAS choose."""

from __future__ import annotations

import ast
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from csrisk._machine._products import product, solve_two

ROOT = Path(__file__).resolve().parents[2]
TRAIN = """
import hashlib, pathlib, sys, warnings
warnings.simplefilter("ignore")
import csrisk as cr
from csrisk.datasets import make_saas
made = make_saas(90, 18, seed=1).tables
spec = {"snapshots": {"horizon": "90D", "lead": 0}, "test": {"n_bootstrap": 20}, "reference": {"rows": 20},
        "model": {"n_members": 2, "min_events": 2, "num_leaves": 4, "learning_rate": 0.3}}
tables = {name: made[name] for name in ("accounts", "subscriptions", "surveys", "contacts")}
path = pathlib.Path(sys.argv[1])
cr.RiskPipeline(spec).fit(cr.CustomerData(tables)).save(path)
print(hashlib.sha256(path.read_bytes()).hexdigest())
"""


@pytest.mark.parametrize("shapes", [((4,), (4,)), ((3, 4), (4,)), ((4,), (4, 2)), ((3, 4), (4, 2)), ((0, 4), (4, 2))])
def test_product_is_the_product(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    left, right = (np.random.default_rng(0).normal(size=shape) for shape in shapes)
    np.testing.assert_allclose(product(left, right), left @ right, rtol=1e-13, atol=1e-15)
    assert np.shape(product(left, right)) == np.shape(left @ right)


def test_two_equations_are_solved() -> None:
    matrix, right = np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])
    np.testing.assert_allclose(solve_two(matrix, right), [1 / 11, 7 / 11], rtol=1e-15)  # by Cramer's rule
    np.testing.assert_allclose(solve_two(matrix, np.eye(2)) @ matrix, np.eye(2), atol=1e-15)


@pytest.mark.parametrize("package", ["models", "_explain", "evaluation", "_pipeline"])
def test_what_is_stored_goes_through_no_kernel_of_blas(package: str) -> None:
    found = []
    for path in (ROOT / "csrisk" / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = {"dot", "matmul", "inner", "vdot", "tensordot", "solve", "inv", "lstsq"}
            called = isinstance(node, ast.Attribute) and node.attr in names
            optimised = isinstance(node, ast.keyword) and node.arg == "optimize"
            if called or optimised or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)):
                found.append(f"{path.name}:{getattr(node, 'lineno', 0)}")
    assert not found, f"use csrisk._machine._products: {found}"


@pytest.mark.promise("A trained model has the same bytes, whatever the processor, in processes of their own")
@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="other processors have other kernels")
def test_a_trained_model_has_the_same_bytes_for_every_kernel(tmp_path: Path) -> None:
    found = set()
    for kernel in ("Haswell", "Prescott", "Sandybridge"):
        told = {**os.environ, "OPENBLAS_CORETYPE": kernel}
        command = [sys.executable, "-c", TRAIN, str(tmp_path / "model.csrisk")]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=told)
        found.add(done.stdout.strip())
    assert len(found) == 1


@pytest.mark.promise("Threads and forks get the bits of one")
@pytest.mark.slow
def test_12_threads_and_4_forks_on_one_pipeline_give_the_bits_of_one(tmp_path: Path) -> None:
    """Threads share pipeline and data; forks share the pipeline and open the data anew."""
    code = TRAIN.partition("print(")[0] + (
        "import os\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "p, data = cr.RiskPipeline.load(path), cr.CustomerData(tables)\n"
        "def work(data):\n"
        "    why = p.explain(data)\n"
        "    told = why.to_frame().to_csv() + p.score(data, why=why).to_csv()\n"
        "    return hashlib.sha256(told.encode()).hexdigest()\n"
        "want = work(data)\n"
        "with ThreadPoolExecutor(12) as pool:\n"
        "    assert set(pool.map(lambda _: work(data), range(12))) == {want}\n"
        "children = []\n"
        "for _ in range(4):\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        os._exit(0 if work(cr.CustomerData(tables)) == want else 3)\n"
        "    children.append(child)\n"
        "assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4\n"
    )
    if not hasattr(os, "fork"):
        pytest.skip("no fork")
    told = {**os.environ, "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-c", code, str(tmp_path / "model.csrisk")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=told, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_product_with_nothing_is_nothing():
    assert product(np.ones((3, 2)), np.ones((2, 0))).shape == (3, 0)
