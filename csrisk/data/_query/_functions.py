"""Functions that a query may use; they are declared in ``functions.toml``."""

from __future__ import annotations

import tomllib
from importlib.resources import files

__all__ = ["CHANGING", "FUNCTIONS", "LITE", "TABLE_FUNCTIONS", "TELLING"]

_LISTS = {
    name: frozenset(words)
    for name, words in tomllib.loads(files(__package__).joinpath("functions.toml").read_text(encoding="utf-8")).items()
}
FUNCTIONS = _LISTS["common"] | _LISTS["operators"] | _LISTS["duckdb"]
LITE = _LISTS["common"] | _LISTS["sqlite"]
TABLE_FUNCTIONS = _LISTS["tables"]
CHANGING = _LISTS["changing"]
TELLING = _LISTS["telling"]
