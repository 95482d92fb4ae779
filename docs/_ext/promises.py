"""The page of promises: what is promised, as the tests say it that hold it.

A promise is written once, at its test: ``@pytest.mark.promise("...")``, or in ``pytestmark`` for a whole file. Files
are parsed and not imported, so that the docs build without what tests need.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).resolve().parents[2] / "tests"
OPENING = """Made from the tests themselves: a promise is a mark at the test that holds it, and what a file of tests
shows is the first line of that file. "Slow" tests are left out by `pytest` and run by `.ci/run`. What is promised of
files, secrets and strangers' input has a table of its own in `SECURITY.md`, {doc}`/trust` lists the answers to bad
input, and {doc}`/articles` leads from ideas to tests."""


class Held(NamedTuple):
    """A promise and one test of it; `test` is empty where the whole file holds it."""

    promise: str
    file: str
    test: str
    slow: bool


def files() -> list[Path]:
    """Files of tests, those of the root last."""
    return sorted(TESTS.rglob("test_*.py"), key=lambda path: (path.parent == TESTS, path))


def held(path: Path) -> Iterator[Held]:
    """Promises in a file, in its order."""
    tree, name = ast.parse(path.read_text(encoding="utf-8")), path.relative_to(TESTS.parent).as_posix()
    whole = [node.value for node in tree.body if isinstance(node, ast.Assign) and _assigns_marks(node)]
    slow = _is_slow(whole)
    yield from (Held(words, name, "", slow) for words in _promises(whole))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            marks = node.decorator_list
            yield from (Held(words, name, node.name, slow or _is_slow(marks)) for words in _promises(marks))


def _assigns_marks(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)


def _promises(marks: list[ast.expr]) -> Iterator[str]:
    """Texts of calls that end with ``mark.promise``; anything but one text is an error."""
    for call in (node for mark in marks for node in ast.walk(mark) if isinstance(node, ast.Call)):
        if ast.unparse(call.func).endswith("mark.promise"):
            yield ast.literal_eval(call.args[0])


def _is_slow(marks: list[ast.expr]) -> bool:
    """Tell whether all of it is slow; a mark within a parameter makes that case slow alone."""
    parts = [part for mark in marks for part in (mark.elts if isinstance(mark, ast.List) else [mark])]
    return any(ast.unparse(part).endswith("mark.slow") for part in parts)


def opening_line(path: Path) -> str:
    """First line of the docstring of a file; empty where there is none."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def page() -> str:
    """Promises with their tests, then every file of tests with what it shows."""
    by_promise: dict[str, list[Held]] = {}
    for one in (one for path in files() for one in held(path)):
        by_promise.setdefault(one.promise, []).append(one)
    lines = ["# Promises and their tests", "", OPENING, "", "| promise | held by |", "|---|---|"]
    lines += [f"| {promise} | {', '.join(map(_place, ones))} |" for promise, ones in by_promise.items()]
    room = None
    for path in files():
        if path.parent != room:
            room = path.parent
            lines += ["", f"## {_heading(room)}", "", "| file | what it shows |", "|---|---|"]
        lines.append(f"| `{path.name}` | {_cell(opening_line(path))} |")
    return "\n".join(lines) + "\n"


def _place(one: Held) -> str:
    return f"`{one.file}{'::' if one.test else ''}{one.test}`{' (slow)' if one.slow else ''}"


def _heading(room: Path) -> str:
    return f"`{room.relative_to(TESTS.parent).as_posix()}`"


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("``", "`")
