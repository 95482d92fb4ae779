"""The page of promises is true: what it names is collected, marked and said as it stands there."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def pages() -> Any:
    spec = importlib.util.spec_from_file_location("promises", ROOT / "docs" / "_ext" / "promises.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rows(pages: Any) -> list[Any]:
    return [one for path in pages.files() for one in pages.held(path)]


def test_what_is_promised_is_marked(rows: list[Any]) -> None:
    assert len({one.promise for one in rows}) >= 30
    assert [one for one in rows if not one.promise.strip() or one.promise[-1] == "." or "\n" in one.promise] == []
    assert all(one.test.startswith("test_") for one in rows if one.test)


def test_page_and_pytest_see_the_same_marks(rows: list[Any], request: pytest.FixtureRequest) -> None:
    """Of the files that this run collected: every mark stands on the page, and each fast row is a test of it."""
    seen: dict[tuple[str, str], set[str]] = {}
    for item in request.session.items:
        file = item.path.relative_to(ROOT).as_posix()
        seen.setdefault((file, getattr(item, "originalname", item.name)), set()).update(
            mark.args[0] for mark in item.iter_markers("promise")
        )
    listed = {(one.file, one.test): one.promise for one in rows}
    for (file, test), promises in seen.items():
        told = {one.promise for one in rows if one.file == file and one.test in ("", test)}
        assert promises == told, f"{file}::{test}"
    whole = not any("::" in word for word in request.config.args) and not request.config.option.keyword
    files = {file for file, _ in seen} if whole else set()
    fast = {(one.file, one.test) for one in rows if not one.slow and one.test and one.file in files}
    if request.config.option.markexpr == "not slow":
        assert fast <= set(seen), sorted(fast - set(seen))
    assert listed


def test_every_file_of_tests_says_what_it_shows(pages: Any) -> None:
    lines = {path.name: pages.opening_line(path) for path in pages.files()}
    assert [name for name, line in lines.items() if not line.endswith((".", "?"))] == []


def test_page_holds_every_promise_and_every_file_once(pages: Any, rows: list[Any]) -> None:
    lines = pages.page().splitlines()
    for promise in {one.promise for one in rows}:
        (line,) = [line for line in lines if line.startswith(f"| {promise} |")]
        for one in rows:
            if one.promise == promise:
                assert one.file in line
                assert one.test in line
    assert sum(line.startswith("| `test_") for line in lines) == len(pages.files())


def test_promises_of_the_architecture_are_there(rows: list[Any]) -> None:
    """What docs/architecture.md leaves to the page is not lost."""
    for file in (
        "tests/features/test_no_future.py",
        "tests/features/test_engines.py",
        "tests/pipeline/test_scores_by_engine.py",
        "tests/data/test_same_rules.py",
        "tests/data/test_declaration.py",
        "tests/explain/test_properties.py",
        "tests/pipeline/test_one_truth.py",
        "tests/data/test_queries.py",
        "tests/data/test_cures.py",
        "tests/trust/test_mutants.py",
        "tests/pipeline/test_model_bounds.py",
    ):
        assert any(one.file == file for one in rows), file
