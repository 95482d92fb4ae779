"""The rooms of the package: small folders, and doors between them."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "csrisk"
MOST = 15


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def _package(module: str) -> str:
    """The package that a module belongs to; single files beside the packages are there for all of them."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and (PACKAGE / parts[1]).is_dir() else ""


def _imported(path: Path) -> set[str]:
    """Modules of csrisk that a file imports, wherever in the file, for type checkers too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "csrisk":
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (whole & MODULES.keys()) or {node.module}
    return found


def test_no_folder_holds_more_than_fifteen_modules() -> None:
    counts = {folder: len(list(folder.glob("*.py"))) for folder in PACKAGE.rglob("*") if folder.is_dir()}
    assert {str(folder.relative_to(ROOT)): n for folder, n in counts.items() if n > MOST} == {}


@pytest.mark.parametrize("module", MODULES)
def test_private_files_are_imported_by_their_own_package_alone(module: str) -> None:
    """What another package needs is offered by the `__init__` of the room where it is made."""
    reached = {
        other
        for other in _imported(MODULES[module])
        if other in MODULES
        and _package(other) not in ("", _package(module))
        and MODULES[other].name != "__init__.py"
        and other.rpartition(".")[2].startswith("_")
    }
    assert reached == set()


def test_packages_import_each_other_in_one_direction() -> None:
    """Also in functions and for type checkers alone; files beside the packages stand for themselves."""

    def place(module: str) -> str:
        return ".".join(module.split(".")[:2])

    graph: dict[str, set[str]] = {place(module): set() for module in MODULES}
    for module, path in MODULES.items():
        graph[place(module)] |= {place(other) for other in _imported(path)} - {place(module), "csrisk"}
    # raises CycleError, which names the cycle
    order = list(TopologicalSorter(graph).static_order())
    assert len(order) == len(graph)


def test_the_page_of_the_architecture_shows_every_room() -> None:
    """Each room says in its first line what stands in it, and the page repeats that line."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = [
        path for path in MODULES.values() if path.name == "__init__.py" and path.parent.parent not in (PACKAGE, ROOT)
    ]
    assert rooms
    for path in rooms:
        words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert words is not None
        assert f"| `{path.parent.relative_to(ROOT).as_posix()}` | {words.splitlines()[0]} |" in page
