"""The demo as a stranger runs it: one run, and everything that is promised of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import csrisk as cr
from csrisk.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_the_demo_beats_its_baselines_and_finds_the_true_driver(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["demo", "--out", str(tmp_path / "demo")])
    assert done.exit_code == 0, done.output
    for words in ("csrisk model", "health score", "recency alone", "5 accounts", "report.html"):
        assert words in done.stdout
    assert (tmp_path / "demo" / "report.html").stat().st_size > 10_000

    gain = cr.RiskPipeline.load(tmp_path / "demo" / "model.csrisk").record_.gain
    assert gain is not None
    assert gain.loc["recency", "low"] > 0.1
    assert gain.loc["health score", "difference"] > 0.02

    told = re.search(
        r"True driver first among the goals: \d+ % \((\d+) % to \d+ %\) of (\d+) truly driven", done.stdout
    )
    assert told is not None
    low, accounts = map(int, told.groups())
    assert low > 50
    assert accounts >= 100
