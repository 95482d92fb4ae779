"""The matrix of what csrisk is tested against, in one readable file: ``nox -l`` lists it, ``nox`` runs it.

Everyday sessions: ``nox -s tests-3.11 lint types``. The oldest supported release of each dependency stands in OLDEST;
the newest is whatever the index gives.
"""

from __future__ import annotations

from pathlib import Path

import nox

PYTHONS = ("3.11", "3.12", "3.13")

# lower bounds of pyproject.toml, written out so that they are run and not only promised
OLDEST = {
    "click": "8.1.0",
    "duckdb": "1.3.2",
    "jinja2": "3.1.0",
    "joblib": "1.4.0",
    "lazy_loader": "0.4",
    "lightgbm": "4.6.0",
    "matplotlib": "3.9.0",
    "narwhals": "2.10.0",
    "numba": "0.61.0",
    "numpy": "2.0.0",
    "pandas": "2.2.3",
    "polars": "1.20.0",
    "pyarrow": "17.0.0",
    "scikit-learn": "1.6.0",
    "shap": "0.48.0",
    "tomli-w": "1.1.0",
    "tqdm": "4.66.0",
}

# what a user of the installed package writes; mypy must find the annotations (py.typed) and see that they agree
TYPED = """
import csrisk

data: csrisk.CustomerData = csrisk.load_demo()
tables: tuple[str, ...] = data.tables
model: csrisk.ChurnModel = csrisk.ChurnModel(random_state=0)
"""

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests", "lint", "types", "imports"]

PYPROJECT = nox.project.load_toml("pyproject.toml")


def group(name: str) -> list[str]:
    """Give the requirements of a dependency group of pyproject.toml."""
    return nox.project.dependency_groups(PYPROJECT, name)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run every test with the newest releases."""
    session.install("-e", ".", *group("test"))
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session(python="3.11")
def oldest(session: nox.Session) -> None:
    """Run every test with the oldest releases that pyproject.toml allows."""
    session.install("-e", ".", *group("test"), *(f"{name}=={version}" for name, version in OLDEST.items()))
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session(python="3.11")
def no_polars(session: nox.Session) -> None:
    """Run every test without the optional Polars."""
    session.install("-e", ".", *(name for name in group("test") if not name.startswith("polars")))
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session(python="3.11")
def slow(session: nox.Session) -> None:
    """Run the tests that take longer than a few seconds: real data, browser, the moves of other tools."""
    session.install("-e", ".", *group("test"), *group("tools"))
    session.run("pytest", "-m", "slow", *session.posargs)


@nox.session(python="3.11")
def coverage(session: nox.Session) -> None:
    """Print lines and branches that the fast tests do not reach, by file; with ``-- -m ''`` those of all tests."""
    session.install("-e", ".", *group("test"), *group("tools"), "pytest-cov")
    words = ["--cov=csrisk", "--cov-branch", "--cov-report=term-missing:skip-covered"]
    session.run("pytest", *words, *session.posargs)


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(python="3.11")
def types(session: nox.Session) -> None:
    """Check annotations, strictly."""
    session.install("-e", ".", *group("lint"))
    session.run("mypy")


@nox.session(python="3.11")
def imports(session: nox.Session) -> None:
    """Check the layers of the architecture."""
    session.install("-e", ".", *group("lint"))
    session.run("lint-imports")


@nox.session(python="3.11")
def docs(session: nox.Session) -> None:
    """Build the documentation with every warning an error; executes the notebooks."""
    session.install("-e", ".", *group("docs"))
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html", *session.posargs)


@nox.session(python=PYTHONS)
def package(session: nox.Session) -> None:
    """Build sdist and wheel, install the wheel in a fresh environment, import it typed, and try the demo dry."""
    folder = Path(session.create_tmp()).resolve()
    session.run("python", "-m", "pip", "install", "-q", "build", "mypy")
    session.run("python", "-m", "build", "--outdir", str(folder), ".")
    (wheel,) = folder.glob("csrisk-*.whl")  # by its path: an index may know another package of this name
    session.run("python", "-m", "pip", "install", "-q", "--force-reinstall", str(wheel))
    session.run("pip", "check")
    session.chdir(folder)
    Path("typed.py").write_text(TYPED, encoding="utf-8")
    session.run("mypy", "--strict", "typed.py")
    session.run("csrisk", "demo", "--dry-run")


@nox.session(python="3.11")
def workflows(session: nox.Session) -> None:
    """Hold the workflow files, forms and citation against their published schemas, which come with the tool."""
    session.install("check-jsonschema")
    files = sorted(map(str, Path(".github/workflows").glob("*.yml")))
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files)
    forms = [str(path) for path in Path(".github/ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config"]
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-issue-forms", *sorted(forms))
    session.run("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml")
    session.run("check-jsonschema", "--builtin-schema", "vendor.citation-file-format", "CITATION.cff")


@nox.session(python="3.11")
def release(session: nox.Session) -> None:
    """Build sdist and wheel into dist/, check both, and install each in a fresh environment that runs the demo dry.

    Before the tag: pyproject.toml, csrisk/__init__.py and CITATION.cff hold the version of the tag, the topmost section
    of CHANGELOG.md bears it and a date, and .ci/run is green.
    """
    dist = Path("dist").resolve()
    for old in dist.glob("csrisk-*"):
        old.unlink()
    session.install("build", "twine")
    session.run("python", "-m", "build", "--outdir", str(dist), ".")
    built = sorted(dist.glob("csrisk-*"))
    session.run("twine", "check", "--strict", *map(str, built))
    for number, archive in enumerate(built):
        fresh = Path(session.create_tmp()).resolve() / f"fresh{number}"
        session.run("python", "-m", "venv", "--clear", str(fresh))
        session.run(str(fresh / "bin" / "pip"), "install", "-q", str(archive), external=True)
        session.run(str(fresh / "bin" / "csrisk"), "--version", external=True)
        session.run(str(fresh / "bin" / "csrisk"), "demo", "--dry-run", external=True)
