"""What tables and columns are called elsewhere, as ``words.toml`` declares it in one place."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ACCOUNT_WORDS", "COLUMNS", "ELSEWHERE", "MARKS", "PERSON_WORDS", "TABLES", "VALUES", "Elsewhere"]


class Elsewhere(NamedTuple):
    """What lies beside tables of the contract and is none."""

    names: str
    marks: str
    cure: str
    keys: str = "any"


_TOLD = tomllib.loads(files(__package__).joinpath("words.toml").read_text(encoding="utf-8"))


def _by_column(section: str) -> dict[str, str]:
    return {f"{table}.{name}": line for table, columns in _TOLD[section].items() for name, line in columns.items()}


ACCOUNT_WORDS: str = _TOLD["keys"]["account"]
PERSON_WORDS: str = _TOLD["keys"]["person"]
TABLES: Mapping[str, str] = _TOLD["tables"]
MARKS: Mapping[str, str] = _TOLD["marks"]
COLUMNS: Mapping[str, str] = _by_column("columns")
VALUES: Mapping[str, str] = _by_column("values")
ELSEWHERE: Mapping[str, Elsewhere] = {kind: Elsewhere(**told) for kind, told in _TOLD["elsewhere"].items()}
