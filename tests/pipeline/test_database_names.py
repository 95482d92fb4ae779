"""Names of tables in a database, paths that are none, and values that only SQLite holds side by side."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from csrisk._pipeline._load import open_source
from csrisk._pipeline._settings._spec import RiskSpec
from csrisk._pipeline._settings._spec_features import MeasureSpec
from csrisk._pipeline._sources._databases import is_database
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

USE = """create table use(who, at, what); create table accounts(account_id);
insert into use values ('x', '2025-01-01', 'login'), (x'ff', '2025-01-02', 'login'), (x'fe', '2025-01-03', 7.0)"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "book.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(USE)
    connection.close()
    return path


def spec(**entry: Any) -> RiskSpec:
    return RiskSpec.from_dict({"tables": {"usage": entry}})


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"file": "nope"}, r"tables\.usage: there is no table 'nope' in 'book\.sqlite'"),
        ({"file": ["use", "accounts"]}, r"tables\.usage: file must name one table of a database"),
        ({"query": "-- nothing"}, r"query refused: it gives no rows"),
        ({"query": ""}, r"no SQL of strangers is to run: give --config"),
    ],
)
def test_names_that_lead_nowhere(database: Path, entry: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        open_source(database, spec(**entry))


def test_ids_of_bytes_stay_apart(database: Path) -> None:
    data = open_source(database, spec(query="select who account_id, at, what feature from use"))
    assert list(data.accounts) == sorted(["x", "\\xff", "\\xfe"])
    assert list(data.frame("usage")["feature"]) == ["login", "login", "7"]


@pytest.mark.parametrize(
    ("source", "found"), [("a\0b", False), ("x" * 5000, False), ("postgres://h/" + "x" * 5000, True)]
)
def test_paths_that_no_file_system_takes(source: str, found: bool) -> None:
    assert is_database(source) is found


@pytest.mark.parametrize("direction", [2, 5, -3, True, 1.0])
def test_a_direction_is_one_of_three(direction: Any) -> None:
    with pytest.raises(ConfigError, match=r"direction = .* must be -1, 0 or 1"):
        MeasureSpec("churn", direction=direction)
