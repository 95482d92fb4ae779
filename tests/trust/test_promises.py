"""SECURITY.md names tests; they are there."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_every_file_and_test_that_is_named_exists() -> None:
    named = re.findall(r"`((?:tests|docs|csrisk)/[\w/.]+?\.(?:py|md))(?:::(\w+))?`", TEXT)
    assert len(named) > 15
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).exists() or (name and f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8"))
    ]
    assert not missing


def test_every_promise_names_what_shows_it() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert len(rows) > 8
    assert [row for row in rows if "`" not in row.rsplit("|", 2)[1]] == []


def test_no_account_is_in_the_model_file(trained: Path) -> None:
    """Neither an id, nor a name, nor an owner of the book stands in any member."""
    accounts = pd.read_parquet(trained / "tables" / "accounts.parquet")
    words = {str(word) for name in ("account_id", "name", "owner") if name in accounts for word in accounts[name]}
    assert len(words) >= len(accounts)
    with zipfile.ZipFile(trained / "model.csrisk") as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert b"tenure_days" in content
    assert [word for word in words if word.encode() in content] == []


def test_number_of_kinds_of_mutants_is_right() -> None:
    from ._mutants import DAMAGES, FORGERIES

    assert f"{len(DAMAGES) + len(FORGERIES)} kinds of damage and forgery" in TEXT


def test_nothing_is_imported_that_unpickles() -> None:
    """No module of csrisk reads pickles, and none evaluates text as code."""
    pattern = re.compile(
        r"\b(pickle\.loads?|joblib\.load|marshal\.loads?|cloudpickle|eval\(|exec\(|allow_pickle=True|yaml\.load)"
    )
    found = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "csrisk").rglob("*.py"))
        if pattern.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
