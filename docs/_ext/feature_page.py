"""The page of features: the declarations, and beside each the tests that compute it by hand.

``python docs/_ext/feature_page.py`` writes it; a test fails when the page in the repository is another.
"""

from __future__ import annotations

import ast
from pathlib import Path

from csrisk.features import all_builders, feature_reference

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "features.md"
# the fixture that computes features of a book of a few rows that stands in the test file
LOOK = "look"

INTRODUCTION = """# Features

{count} features of all builders, written from their declarations by `docs/_ext/feature_page.py`; those from People on
read optional tables and columns, and are there where these are; OwnLife and Season join where no end of a contract is
recorded, ForecastSpans by name alone. Measures of your own (`[measures.NAME]`) come beside them: the last value, its
change in 90 days and its age. A feature sees nothing but what was dated and known strictly before the snapshot.
Missing evidence is missing, never 0. The direction is what the domain states of the risk of churn; the model is free
to find otherwise, and the explanation says what it found. Windows are parameters of the builders, and names follow
them. The tests named compute the feature by hand; beside them, all features stand under `test_no_future.py` (no
feature knows the future), `test_oracle.py` (a slow, plain computation) and `test_engines.py` (the same on every
engine).
"""


def by_feature(folder: Path = ROOT / "tests" / "features") -> dict[str, tuple[str, ...]]:
    """Name of a feature to the first test of each file that names it beside a hand-made book."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(folder.glob("test_*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        functions = [node for node in body if isinstance(node, ast.FunctionDef) and _arguments(node)]
        by_hand = {LOOK} | {node.name for node in functions if LOOK in _arguments(node)}
        for function in functions:
            if function.name.startswith("test_") and by_hand & _arguments(function):
                for name in _words(function):
                    # the first test of a file computes all features of its family; those below it are special cases
                    found.setdefault(name, {}).setdefault(path.name, f"{path.name}::{function.name}")
    return {name: tuple(tests.values()) for name, tests in found.items()}


def page() -> str:
    """The page as Markdown."""
    count = sum(len(builder.features) for builder in all_builders())
    return f"{INTRODUCTION.format(count=count)}\n{feature_reference(tests=by_feature())}"


def _arguments(function: ast.FunctionDef) -> set[str]:
    return {argument.arg for argument in function.args.args}


def _words(function: ast.FunctionDef) -> set[str]:
    constants = (node.value for node in ast.walk(function) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
