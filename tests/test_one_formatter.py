"""One module writes numbers, per cents, money and dates for people; no other room formats them by hand."""

from __future__ import annotations

import ast
import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import csrisk

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(csrisk.__file__).parent
ROOMS = (
    "_drawing", "_explain", "_pipeline/_output", "checks", "cli", "evaluation", "features/_declaration.py",
    "monitoring", "report", "success",
)  # fmt: skip
# file: format, and why it is none of the formatter's; errors and log lines repeat what is typed, in any file
ALLOWED = {
    "cli/_use.py": {"%Y-%m-%d": "stands in the name of a file and in JSON"},
    "cli/_logging.py": {".1f": "lines of a log", "%Y-%m-%dT%H:%M:%SZ": "lines of a log"},
    "cli/_options.py": {"%Y-%m-%d": "facts of a log line", "isoformat": "as it would be typed"},
    "_pipeline/_output/_scores.py": {"%Y-%m-%d": "facts of a log line"},
    "_explain/_answers/_tables.py": {"isoformat": "values of JSON"},
    "features/_declaration.py": {" %": "sentences are values of files, in which people search with a plain blank"},
    "monitoring/_monitor.py": {"%Y-%m-%d": "a value of JSON"},
    "report/_printing/_html.py": {"03d": "names of files", ".6g": "what a script sorts by"},
    "report/_printing/_json.py": {"04x": "escapes of JSON"},
    "report/_printing/_svg.py": {".0f": "coordinates", ".1f": "coordinates", "g": "coordinates in style"},
    "report/_success/_svg.py": {".1f": "coordinates"},
}
ALIGNED = re.compile(r"[<>^]?\d*")  # where it stands, not how it is written
CALLS = {"strftime", "isoformat", "format_float_positional"}


def _repeats(node: ast.AST) -> bool:
    """Whether what stands inside is an error or a log line."""
    if isinstance(node, ast.Raise):
        return True
    name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
    return name.startswith(("_logger.", "warnings.warn")) or name.endswith(("Error", "Warning"))


def _specs(text: str) -> list[str]:
    return re.findall(r"\{[^{}:]*:([^{}]+)\}", text)


def _of_text(node: ast.JoinedStr) -> Iterator[str]:
    for part, after in itertools.pairwise([*node.values, ast.Constant("")]):
        if isinstance(part, ast.FormattedValue):
            if part.format_spec is not None:
                yield ast.unparse(part.format_spec)[2:-1]
            if isinstance(after, ast.Constant) and re.match(r"[ \u00a0]%", str(after.value)):
                yield " %"


def _of_call(node: ast.Call) -> Iterator[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in CALLS:
        words = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and "%" in str(arg.value)]
        yield words[0] if words else name
    elif name == "format" and isinstance(node.func, ast.Attribute):
        yield from _specs(ast.unparse(node.func.value))
    elif name.endswith("_formatter"):
        yield from (spec for arg in node.args for spec in _specs(ast.unparse(arg)))
    elif name == "format" and len(node.args) == 2:
        yield ast.unparse(node.args[1])


def _found(node: ast.AST) -> Iterator[tuple[int, str]]:
    if _repeats(node):
        return
    if isinstance(node, ast.JoinedStr):
        yield from ((node.lineno, spec) for spec in _of_text(node))
    elif isinstance(node, ast.Call):
        yield from ((node.lineno, spec) for spec in _of_call(node))
    for child in ast.iter_child_nodes(node):
        yield from _found(child)


def by_hand(source: str) -> list[tuple[int, str]]:
    """Give the line and the format of each figure that is written by hand."""
    return [(line, spec) for line, spec in _found(ast.parse(source)) if not ALIGNED.fullmatch(spec)]


def _files() -> list[Path]:
    places = [PACKAGE / room for room in ROOMS]
    return [file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*.py")))]


@pytest.mark.promise("One module writes the numbers, per cents, money and dates that people read")
def test_rooms_that_speak_to_people_leave_figures_to_the_formatter():
    used: set[tuple[str, str]] = set()
    wrong = []
    for file in _files():
        name = file.relative_to(PACKAGE).as_posix()
        for line, spec in by_hand(file.read_text(encoding="utf-8")):
            if spec in ALLOWED.get(name, {}):
                used.add((name, spec))
            else:
                wrong.append(f"{name}:{line}: {spec}")
    assert not wrong
    # a reason that nothing needs any more is taken out
    assert used == {(name, spec) for name, specs in ALLOWED.items() for spec in specs}


@pytest.mark.parametrize(
    ("source", "spec"),
    [
        ('f"{x:,.0f} a month"', ",.0f"),
        ('f"{100 * x:.1f} %"', ".1f"),
        ('f"{x} %"', " %"),
        ('f"{x:.{n}f}"', ".{n}f"),
        ('f"{d:%Y-%m-%d}"', "%Y-%m-%d"),
        ('d.strftime("%d %B")', "%d %B"),
        ('format(x, ",")', "','"),
        ('"{:.2f}".format(x)', ".2f"),
        ('say(f"{x:.0%}")', ".0%"),
        ('axis.set_major_formatter("{x:,.0f}")', ",.0f"),
    ],
)
def test_what_is_written_by_hand_is_found(source, spec):
    assert spec in [found for _, found in by_hand(source)]


@pytest.mark.parametrize(
    "source", ['raise ValueError(f"x={x:g}")', '_logger.info("%s", f"{x:,}")', 'f"{words:>6} of {x}"', 'f"{number(x)}"']
)
def test_errors_log_lines_and_places_are_left_alone(source):
    assert not by_hand(source)
