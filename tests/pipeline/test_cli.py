"""The command line: exit codes, one clear message for an error, quiet where nobody watches."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from csrisk.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from csrisk.data._simulator import SaasBook

CONFIG = """
[snapshots]
lead = 0
[model]
n_members = 2
min_events = 2
[test]
n_bootstrap = 20
[reference]
rows = 20
[label]
expansion = "none"
"""


@pytest.fixture(scope="module")
def folder(small_saas: SaasBook, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("book")
    for name, table in small_saas.tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    (folder / "c.toml").write_text(CONFIG, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    path = folder / "m.csrisk"
    done = call("train", folder, "--config", folder / "c.toml", "--model", path)
    assert done.exit_code == 0, done.output
    assert "csrisk model" in done.stdout
    assert "recency alone" in done.stdout
    return path


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_help_of_every_command() -> None:
    for words in ([], ["demo"], ["train"], ["check"], ["score"], ["report"]):
        done = call(*words, "--help")
        assert done.exit_code == 0
        assert "Usage:" in done.stdout


def test_score_and_report(folder: Path, model: Path, tmp_path: Path) -> None:
    done = call("score", folder, "--model", model, "--out", tmp_path / "s.parquet")
    assert done.exit_code == 0, done.output
    assert "matter most on" in done.stdout
    scores = pd.read_parquet(tmp_path / "s.parquet")
    told = json.loads(call("score", folder, "--model", model, "--json").stdout)
    assert [row["account_id"] for row in told] == scores["account_id"].tolist()
    for name in ("r.html", "r.md", "r.json", "r.csv"):
        done = call("report", folder, "--model", model, "--out", tmp_path / name)
        assert done.exit_code == 0, done.output
        assert (tmp_path / name).stat().st_size > 0


def test_scoring_twice_gives_the_same_bytes(folder: Path, model: Path, tmp_path: Path) -> None:
    for name in ("one.parquet", "two.parquet"):
        assert call("score", folder, "--model", model, "--out", tmp_path / name).exit_code == 0
    same = (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert same


def test_check_says_its_codes(folder: Path) -> None:
    done = call("check", folder, "--config", folder / "c.toml", "--json")
    checks = json.loads(done.stdout)
    assert done.exit_code == (3 if any(check["status"] == "failed" for check in checks) else 0)
    assert {check["code"][:3] for check in checks} == {"CSR"}


def test_a_failed_check_is_exit_code_3(small_saas: SaasBook, folder: Path, tmp_path: Path) -> None:
    """An attribute that is written after the end of a contract tells the future."""
    tables = dict(small_saas.tables)
    ended = tables["subscriptions"].groupby("account_id")["end_at"].apply(lambda ends: ends.notna().all())
    accounts = tables["accounts"].copy()
    accounts["state"] = accounts["account_id"].map(ended).map({True: "former", False: "customer"})
    tables["accounts"] = accounts
    for name, table in tables.items():
        table.to_parquet(tmp_path / f"{name}.parquet", index=False)
    done = call("check", tmp_path, "--config", folder / "c.toml")
    assert done.exit_code == 3
    assert "account_state" in done.output


ERRORS = [
    (["train", "{empty}", "--model", "{empty}/m.csrisk"], 1, "error: folder '.*' holds no table"),
    (["train", "{folder}", "--config", "{empty}/bad.toml", "--model", "m"], 1, "error: .*did you mean 'horizon'"),
    (["train", "{folder}", "--model", "{empty}/no/m.csrisk"], 1, "error: .*No such file"),
    (["score", "{folder}", "--model", "{empty}/bad.toml"], 1, "error: model file 'bad.toml' is damaged or foreign"),
    (["score", "{folder}", "--model", "{model}", "--as-of", "1999-01-01"], 1, "error: .*1999"),
    (["score", "{folder}", "--model", "{model}", "--sha256", "00"], 1, "error: .*sha256 is .* expected 00"),
    (["score", "{folder}", "--model", "{model}", "--out", "{empty}/s.xlsx"], 1, "must be .parquet or .csv"),
    (["report", "{folder}", "--model", "{model}", "--out", "{empty}/r.pdf"], 1, "suffix='.pdf' must be one of"),
    (["score", "{folder}", "--model", "{model}", "--as-of", "soon"], 2, "'soon' is not a date; write it as 2025-07-01"),
    (["score", "{folder}"], 2, "Missing option '--model'"),
    (["score", "{empty}/absent", "--model", "{model}"], 2, "does not exist"),
    (["trian"], 2, "No such command 'trian'"),
]


@pytest.mark.parametrize(("words", "code", "message"), ERRORS)
def test_errors_are_one_message(
    words: list[str], code: int, message: str, folder: Path, model: Path, tmp_path: Path
) -> None:
    import re

    (tmp_path / "bad.toml").write_text("[snapshots]\nhorzon = 3\n", encoding="utf-8")
    done = call(*(word.format(empty=tmp_path, folder=folder, model=model) for word in words))
    assert done.exit_code == code, done.output
    assert re.search(message, done.stderr)
    assert "Traceback" not in done.output


def test_quiet_in_a_pipe_and_steps_on_a_terminal(folder: Path, model: Path, tmp_path: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "csrisk",
        "score",
        str(folder),
        "--model",
        str(model),
        "--out",
        str(tmp_path / "s.csv"),
    ]
    piped = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "…" not in piped.stdout + piped.stderr
    screen, terminal = pty.openpty()
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=terminal, check=True)
    os.close(terminal)
    shown = os.read(screen, 65536).decode()
    assert "… reading 10 tables" in shown
    assert b"matter most" in done.stdout


@pytest.mark.slow
def test_demo(tmp_path: Path) -> None:
    done = call("demo", "--out", tmp_path / "demo")
    assert done.exit_code == 0, done.output
    for words in ("csrisk model", "health score", "recency alone", "True driver first", "5 accounts", "report.html"):
        assert words in done.stdout
    assert (tmp_path / "demo" / "report.html").stat().st_size > 10_000
