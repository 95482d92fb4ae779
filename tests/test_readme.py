"""README: two set-up commands, code that runs, and no figure without its command."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


def test_exactly_two_set_up_commands() -> None:
    commands = [line for line in TEXT.splitlines() if line.startswith("python3 -m venv")]
    assert len(commands) == 2
    assert commands[0].endswith("csrisk demo")
    assert "pytest" in commands[1]


def test_the_picture_is_there() -> None:
    pictures = re.findall(r"!\[[^\]]{20,}\]\((.*?)\)", TEXT)
    assert pictures
    assert all((README.parent / picture).is_file() for picture in pictures)


def test_nothing_is_left_to_fill_in() -> None:
    assert not re.findall(r"\b(?:DEMO|OULAD|RETAIL)_[A-Z]+\b|TODO", TEXT)


def test_python_is_short() -> None:
    (block,) = blocks("python")
    lines = [line for line in block.splitlines() if line.strip() and not line.strip().startswith("#")]
    assert len(lines) <= 15


@pytest.mark.slow
def test_python_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", blocks("python")[0]], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "risk.html").read_text(encoding="utf-8")
    assert len(page) > 10_000
    assert "whose days were not handed over" not in page
    assert "15 October 2025" in page, "a lead of 14 days after the first"
