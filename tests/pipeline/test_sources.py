"""Sources: databases of any name, addresses that are never repeated, typing errors that make nothing."""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import sqlite3
import traceback
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

import csrisk as cr
from csrisk import RiskSpec
from csrisk._pipeline import open_source
from csrisk._text._shown import masked
from csrisk.cli import main
from csrisk.exceptions import ConfigError, CsriskError, DataContractError

if TYPE_CHECKING:
    from pathlib import Path

USAGE = pd.DataFrame(
    {
        "account_id": ["007", "b", "007", "b"],
        "at": ["2025-01-01", "2025-01-02 10:00:00", "2025-01-03T10:00:00+02:00", "01/06/2025"],
        "quantity": [1, 2.5, None, 4],
    }
)


def call(*words: object) -> Result:
    # click 8.1 mixes the streams unless told not to; later releases never do
    apart = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    return CliRunner(**apart).invoke(main, [str(word) for word in words])


def sqlite_file(path: Path, table: str = "usage", rows: pd.DataFrame = USAGE) -> Path:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows.to_sql(table, connection, index=False)
    return path


def duckdb_file(path: Path, table: str = "usage") -> Path:
    import duckdb

    with duckdb.connect(str(path)) as connection:
        connection.register("brought", USAGE)
        connection.execute(f'CREATE TABLE "{table}" AS SELECT * FROM brought')
    return path


@pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")
def test_tables_of_other_schemas_are_not_those_of_the_file(tmp_path: Path) -> None:
    import duckdb

    path = duckdb_file(tmp_path / "book.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA marts; CREATE TABLE marts.contacts AS SELECT 'x' AS account_id")
    assert open_source(path, RiskSpec()).tables == ("usage",)
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE marts.usage AS FROM usage; DROP TABLE usage")
    with pytest.raises(DataContractError, match=r"all of its 2 tables in schemas other than main; make views of them"):
        open_source(path, RiskSpec())


@pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")
@pytest.mark.parametrize("table", ["usage", "USAGE"])
@pytest.mark.parametrize("name", ["book.db", "book.sqlite3", "book.DB", "book.bin", "book"])
@pytest.mark.parametrize("make", [sqlite_file, duckdb_file])
def test_a_database_is_told_by_its_content_and_its_times_are_read_as_in_files(
    make: Any, name: str, table: str, tmp_path: Path
) -> None:
    path = make(tmp_path / name, table)
    before = sorted(os.listdir(tmp_path)), path.read_bytes()
    there = open_source(path, RiskSpec())
    (tmp_path / "tables").mkdir()
    USAGE.to_csv(tmp_path / "tables" / "usage.csv", index=False)
    here = open_source(tmp_path / "tables", RiskSpec())
    pd.testing.assert_frame_equal(there.frame("usage"), here.frame("usage"))
    assert [(b.code, b.count) for b in there.breaches] == [(b.code, b.count) for b in here.breaches]
    assert sorted(set(os.listdir(tmp_path)) - {"tables"}) == before[0]
    assert path.read_bytes() == before[1]


@pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")
def test_columns_of_sqlite_hold_what_they_like(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE usage (account_id, at, quantity)")
        rows = [(7, "2025-01-01", 1), ("007", "2025-01-02", 2.5), (7.0, "2025-01-03", "3"), (None, None, None)]
        connection.executemany("INSERT INTO usage VALUES (?, ?, ?)", rows)
        connection.commit()
    frame = open_source(f"sqlite://{path}", RiskSpec()).frame("usage")
    assert frame["account_id"].tolist() == ["7", "007", "7"]
    assert frame["quantity"].tolist() == [1, 2.5, 3]


@pytest.mark.parametrize("form", ["{}", "duckdb://{}", "sqlite://{}", "SQLite://{}", "duckdb:{}"])
@pytest.mark.parametrize("name", ["absent.sqlite", "absent.sqlite3", "Absend.SQLite"])
def test_a_typing_error_makes_no_file(form: str, name: str, tmp_path: Path) -> None:
    sqlite_file(tmp_path / "absend.sqlite")
    with pytest.raises(DataContractError, match=r"does not exist, or is no file; did you mean 'absend.sqlite'\?"):
        open_source(form.format(tmp_path / name), RiskSpec())
    assert os.listdir(tmp_path) == ["absend.sqlite"]


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "book.duckdb").write_bytes(b"not one")
    with pytest.raises(DataContractError, match=r"'book.duckdb' is neither a DuckDB nor a SQLite database"):
        open_source(tmp_path / "book.duckdb", RiskSpec())
    path = sqlite_file(tmp_path / "book.db")
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * 4000)
    with pytest.raises(DataContractError, match=r"SQLite file 'book.db' cannot be read: DatabaseError"):
        open_source(path, RiskSpec())
    sqlite_file(tmp_path / "other.db", "things")
    with pytest.raises(DataContractError, match="holds no table of the contract"):
        open_source(tmp_path / "other.db", RiskSpec())


def test_a_missing_driver_is_named_with_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    ibis = pytest.importorskip("ibis", reason="the extra ibis is not installed")

    def missing(address: str) -> None:
        raise ModuleNotFoundError(f"No module named x, {address}")

    monkeypatch.setattr(ibis, "connect", missing)
    with pytest.raises(ConfigError, match=r"needs Ibis with its driver: pip install .* 'ibis-framework\[postgres\]'"):
        open_source("PostgreSQL://bob:s3cr3tPW@host/db", RiskSpec())


SECRET = "s3cr3tPW"
FORMS = [
    f"postgres://bob:{SECRET}@127.0.0.1:1/db",
    f"POSTGRESQL://bob:{SECRET}@127.0.0.1:1/db",
    f" postgres://bob:{SECRET}@127.0.0.1:1/db",
    f"\tPostgres://bob:{SECRET}@127.0.0.1:1/db",
    f"postgres:/bob:{SECRET}@host/db",
    f"postgres:bob:{SECRET}@host/db",
    f"jdbc:postgresql://host/db?user=bob&password={SECRET}",
    f"duckdb://x.duckdb?motherduck_token={SECRET}",
    f"DuckDB:///x.duckdb?token={SECRET}",
    f"duckdb:{SECRET}@x",
    f"md:db?motherduck_token={SECRET}",
    f"MD:{SECRET}",
    f"motherduck:db?token={SECRET}",
    f"sqlite:///x.db?key={SECRET}",
    f"snowflake://bob:{SECRET}@account/db",
    f"s3://key:{SECRET}@bucket/x",
    f"https://host/x?sig={SECRET}",
    f"file:///x?{SECRET}",
    f"host=h user=bob password={SECRET}",
    f"Server=h;Pwd={SECRET}",
    f"bob:{SECRET}@host",
    f"bob@host:{SECRET}",
    f"//bob:{SECRET}@host/db",
    f"postgres%3A%2F%2Fbob%3A{SECRET}%40host",
    f"unknown+driver://bob:{SECRET}@h/d",
    f"x.duckdb?token={SECRET}",
]


@pytest.mark.parametrize("source", FORMS)
def test_no_source_is_repeated(source: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="csrisk")
    model = tmp_path / "m.csrisk"
    model.touch()
    for words in (
        ["check", source, "--dry-run"],
        ["train", source, "--model", model],
        ["score", source, "--model", model],
        ["report", source, "--model", model],
        ["check", "--end", source, "x"],
        ["check", tmp_path, source],
        ["check", tmp_path, "--config", source],
        ["check", tmp_path, "--set", source],
        ["check", tmp_path, "--set", f"model.x={source}"],
        ["check", tmp_path, f"--{source}"],
        ["check", tmp_path, f"--source={source}"],
        ["score", tmp_path, "--model", source],
        ["train", tmp_path, "--model", f"{source}/m.csrisk"],
        [source],
        [f"--{source}"],
    ):
        done = call(*words)
        assert done.exit_code in (1, 2), (words, done.output)
        told = [done.output, done.stderr, str(done.exception)]
        assert not done.exception or isinstance(done.exception, SystemExit), words
        assert SECRET not in " ".join(told), words
    assert SECRET not in caplog.text
    for opened in (cr.CustomerData.from_folder, lambda one: open_source(one, RiskSpec()), cr.RiskPipeline().fit):
        with pytest.raises(CsriskError) as caught:
            opened(source)
        assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert os.listdir(tmp_path) == ["m.csrisk"]


def test_what_is_harmless_is_told() -> None:
    assert "'nowhere' does not exist" in call("check", "data/nowhere").stderr
    assert "No such command 'chekc'" in call("chekc").stderr
    assert masked("it's 2025-07-01 of a/b.csv", ["2025-07-01", "a/b.csv", "--x"]) == "it's 2025-07-01 of a/b.csv"
