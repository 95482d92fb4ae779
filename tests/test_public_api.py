"""What csrisk shows to the world, what it imports to do so, and the layers inside."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import csrisk
from csrisk.data._engines._engine import _POLARS as POLARS

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("lightgbm", "shap", "duckdb", "polars", "matplotlib", "jinja2", "numba", "tqdm", "click", "pydantic", "torch")


def test_all_lists_what_is_there() -> None:
    assert len(set(csrisk.__all__)) == len(csrisk.__all__) <= 25
    assert not [name for name in csrisk.__all__ if not hasattr(csrisk, name)]


def test_all_lists_everything_public() -> None:
    public = {name for name, value in vars(csrisk).items() if not name.startswith("_") and not inspect.ismodule(value)}
    assert public <= set(csrisk.__all__)


@pytest.mark.parametrize("name", csrisk.__all__)
def test_every_public_name_has_a_numpydoc_docstring(name: str) -> None:
    value = getattr(csrisk, name)
    text = inspect.getdoc(value) or ""
    assert len(text.splitlines()) > 2, f"{name} has no docstring worth the name"
    if inspect.isfunction(value) and inspect.signature(value).parameters:
        assert "Parameters\n------" in text
    if not name.endswith(("Error", "Warning")):
        assert "Examples\n------" in text, f"{name} shows no example"


def test_import_is_light() -> None:
    every = "[getattr(csrisk, name) for name in csrisk.__all__]"
    code = f"import sys, csrisk; {every}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def public_rooms() -> list[str]:
    """Packages and modules without an underscore; the command line is a program, and MLflow an extra."""
    inside = (path for path in Path(csrisk.__file__).parent.iterdir() if path.suffix in ("", ".py"))
    return sorted({path.stem for path in inside if not path.name.startswith("_")} - {"cli", "mlflow"})


def test_public_packages_are_there_without_an_import_of_their_own() -> None:
    assert sorted(csrisk._ROOMS) == public_rooms()
    assert [getattr(csrisk, room).__name__ for room in csrisk._ROOMS] == [f"csrisk.{room}" for room in csrisk._ROOMS]


@pytest.mark.slow
@pytest.mark.parametrize("room", public_rooms())
def test_a_public_package_imports_first_of_all(room: str) -> None:
    done = subprocess.run([sys.executable, "-c", f"import csrisk.{room}"], capture_output=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_command_line_says_what_it_can_without_pandas() -> None:
    code = (
        "import sys\nfrom csrisk.cli import main\nfor words in (['--help'], ['--version'], ['train', '--help']):\n"
        "    main(words, standalone_mode=False)\nheavy = {'numpy', 'pandas', 'sklearn', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


def test_import_prints_nothing_and_warns_of_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import csrisk"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_layers_hold() -> None:
    contracts = pytest.importorskip("importlinter.cli", reason="the import contract needs the lint group")
    assert contracts.lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


def test_types_are_shipped() -> None:
    assert (Path(csrisk.__file__).parent / "py.typed").exists()


def test_the_oldest_versions_run_are_the_lower_bounds_promised() -> None:
    """`nox -s oldest` installs the very releases that pyproject.toml names, where it is not a tool for tests."""
    (stated,) = (
        ast.literal_eval(node.value)
        for node in ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "OLDEST"
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    polars = project["optional-dependencies"]["polars"]
    bounds = dict(entry.split(">=") for entry in [*project["dependencies"], *polars])
    assert bounds["polars"] == ".".join(map(str, POLARS))
    assert stated.keys() == bounds.keys()
    for name, version in stated.items():
        assert version.split(".")[: bounds[name].count(".") + 1] == bounds[name].split("."), name


@pytest.mark.parametrize("name", ["SaasBook", "SaasTruth", "load_demo", "make_saas"])
def test_names_that_moved_to_datasets_say_so(name: str) -> None:
    with pytest.warns(DeprecationWarning, match=rf"csrisk\.data\.{name} moved to csrisk\.datasets\.{name}") as seen:
        assert getattr(csrisk.data, name) is getattr(csrisk.datasets, name)
    assert seen[0].filename == __file__  # it blames the caller's line
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        csrisk.data.nothing  # noqa: B018 - asked for only to be refused


# what needs a fitted model, a session of Spark or a builder of one's own to be shown; its guide shows it
def test_names_of_the_public_packages_have_an_example() -> None:
    """Derived from their `__all__`, so that a new name cannot come without one."""
    shown = {name: getattr(csrisk, room) for room in public_rooms() for name in getattr(csrisk, room).__all__}
    things = {name: getattr(room, name) for name, room in shown.items()}
    docs = {name: inspect.getdoc(one) or "" for name, one in things.items() if inspect.isroutine(one) or is_kind(one)}
    assert len(docs) > 150
    assert {name for name, text in docs.items() if not runs_something(name, text)} == set()


def runs_something(name: str, text: str) -> bool:
    """Whether the examples of a docstring are there and run; Spark alone may be shown without it."""
    lines = [line for line in text.partition("Examples\n------")[2].splitlines() if line.lstrip().startswith(">>>")]
    return bool(lines) and (name == "score_spark" or not any("+SKIP" in line for line in lines))


def is_kind(one: object) -> bool:
    """Whether it is a class of objects, and no error or warning."""
    return inspect.isclass(one) and not issubclass(one, Exception)
