"""The demo as a stranger runs it: one run, and everything that is promised of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import csrisk as cr
from csrisk.cli import main


def ran(folder: Path) -> tuple[Path, str]:
    """Folder and words of a demo: of the one that CSRISK_DEMO names, with its words beside it, or of a new one."""
    if given := os.environ.get("CSRISK_DEMO"):
        return Path(given), Path(f"{given}.txt").read_text(encoding="utf-8")
    done = CliRunner().invoke(main, ["demo", "--out", str(folder)])
    assert done.exit_code == 0, done.output
    return folder, done.stdout


@pytest.mark.slow
def test_the_demo_beats_its_baselines_and_finds_the_true_driver(tmp_path: Path) -> None:
    demo, said = ran(tmp_path / "demo")
    for words in ("csrisk model", "health score", "recency alone", "5 accounts", "report.html"):
        assert words in said
    assert (demo / "report.html").stat().st_size > 10_000

    gain = cr.RiskPipeline.load(demo / "model.csrisk").record_.gain
    assert gain is not None
    assert gain.loc["recency", "low"] > 0.1
    assert gain.loc["health score", "difference"] > 0.02

    told = re.search(
        r"True driver first among the goals: \d+\u00a0% \((\d+)\u00a0% to \d+\u00a0%\) of (\d+) truly driven",
        said,
    )
    assert told is not None
    low, accounts = map(int, told.groups())
    assert low > 50
    assert accounts >= 100
