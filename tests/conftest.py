from __future__ import annotations

import gc
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.data import CustomerData
    from csrisk.datasets._saas._make import SaasBook


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Deal neighbours to one worker: the default deals the tests of a file to several, and each trains its models."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.getvalue("dist") == "load" else None


def pytest_collection_finish() -> None:
    """Collect garbage seldom: what the many tests and libraries hold is walked through each time, in vain."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session")
def small_saas() -> SaasBook:
    """A small simulated book with its truth."""
    from csrisk.datasets import make_saas

    return make_saas(80, 18, seed=1)


@pytest.fixture(scope="session")
def small_book(small_saas: SaasBook) -> CustomerData:
    """The tables of `small_saas`, checked."""
    return small_saas.data()


@pytest.fixture(scope="session")
def demo() -> CustomerData:
    """The bundled book."""
    from csrisk.datasets import load_demo

    return load_demo()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A server of our own on a socket in a scratch folder; a server named in the environment is used as it is."""
    if "CSRISK_TEST_POSTGRES" in os.environ:
        yield os.environ["CSRISK_TEST_POSTGRES"]
        return
    tools = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [Path(shutil.which("initdb") or "/none").parent]
    initdb, control = tools[-1] / "initdb", tools[-1] / "pg_ctl"
    if not initdb.exists() or not control.exists():
        pytest.skip("no PostgreSQL server is installed, and CSRISK_TEST_POSTGRES names none")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    folder = Path(tempfile.mkdtemp(prefix="csrisk-pg-"))
    # the server refuses to run as root
    other = ["setpriv", "--reuid=nobody", "--clear-groups"] if os.geteuid() == 0 else []
    if other:
        shutil.chown(folder, "nobody")
    run: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    subprocess.run([*other, initdb, "-D", folder / "data", "-A", "trust", "-U", "csrisk", "--no-sync"], **run)
    subprocess.run([*other, control, "-D", folder / "data", "-o", options, "-w", "start"], **run)
    yield f"postgres://csrisk@/postgres?host={folder}"
    subprocess.run([*other, control, "-D", folder / "data", "-m", "immediate", "stop"], **run)
    shutil.rmtree(folder, ignore_errors=True)
