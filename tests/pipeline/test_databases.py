"""The command line reads a book where it lies: the scores are those of a folder of Parquet files."""

from __future__ import annotations

import contextlib
import inspect
import json
import secrets
import sqlite3
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from csrisk.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import csrisk as cr
    from csrisk.datasets._saas._make import SaasBook


@pytest.fixture(scope="module")
def folder(small_saas: SaasBook, quick: cr.RiskPipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables as Parquet, a model, and the scores that it gives them."""
    folder = tmp_path_factory.mktemp("book")
    for name, table in small_saas.tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    quick.save(folder / "m.csrisk")
    done = call("score", folder, "--model", folder / "m.csrisk", "--out", folder / "scores.parquet")
    assert done.exit_code == 0, done.output
    return folder


def call(*words: object) -> Result:
    # click 8.1 mixes the streams unless told not to; later releases never do
    apart = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    return CliRunner(**apart).invoke(main, [str(word) for word in words])


def same_scores(folder: Path, source: object, out: Path, *, same_engine: bool) -> None:
    """Another engine may divide to another last bit: numbers agree to 1e-9, and nearly all words that round them."""
    done = call("score", source, "--model", folder / "m.csrisk", "--out", out)
    assert done.exit_code == 0, done.output
    one, other = (pd.read_parquet(path) for path in (folder / "scores.parquet", out))
    if same_engine:
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    else:
        words = ["reason_1", "reason_2", "reason_3"]
        assert (one[words].fillna("") == other[words].fillna("")).to_numpy().mean() > 0.95
        one, other = (table.drop(columns=[*words, "data_hash"]) for table in (one, other))
        pd.testing.assert_frame_equal(one, other, rtol=1e-9, atol=1e-9)


def duckdb_file(path: Path, folder: Path) -> Path:
    import duckdb

    with duckdb.connect(str(path)) as connection:
        for table in folder.glob("*.parquet"):
            connection.execute(f"CREATE TABLE {table.stem} AS SELECT * FROM '{table}'")
    return path


@pytest.mark.parametrize("prefix", ["", "duckdb://"])
def test_a_duckdb_file(prefix: str, folder: Path, tmp_path: Path) -> None:
    path = duckdb_file(tmp_path / "book.duckdb", folder)
    before = path.read_bytes()
    same_scores(folder, f"{prefix}{path}", tmp_path / "s.parquet", same_engine=True)
    untouched = path.read_bytes() == before
    assert untouched
    assert {entry.name for entry in tmp_path.iterdir()} == {"book.duckdb", "s.parquet"}


def test_a_sqlite_file(folder: Path, small_saas: SaasBook, tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for name, table in small_saas.tables.items():
            table.to_sql(name, connection, index=False)
    same_scores(folder, f"sqlite://{path}", tmp_path / "s.parquet", same_engine=True)


@pytest.fixture
def in_postgres(postgres: str, small_saas: SaasBook) -> Iterator[str]:
    """Connection string of a schema that holds the book, and a table of somebody else."""
    import ibis

    from csrisk.data._engines._from_pandas import from_pandas

    schema = f"csrisk_{secrets.token_hex(4)}"
    address, _, query = postgres.partition("?")
    connection = ibis.connect(postgres)
    connection.raw_sql(f"CREATE SCHEMA {schema}").close()
    source = f"{address}/{schema}?{query}"
    try:
        here = ibis.connect(source)
        for name, table in small_saas.tables.items():
            here.create_table(name, from_pandas(table)[0])
        here.raw_sql("CREATE TABLE of_others (x integer)").close()
        here.con.commit()
        here.disconnect()
        yield source
    finally:
        connection.raw_sql(f"DROP SCHEMA {schema} CASCADE").close()
        connection.con.commit()
        connection.disconnect()


@pytest.mark.slow
def test_postgres(folder: Path, in_postgres: str, tmp_path: Path) -> None:
    same_scores(folder, in_postgres, tmp_path / "s.parquet", same_engine=False)
    codes = []
    for source in (folder, in_postgres):
        done = call("check", source, "--set", "model.n_members=2", "--set", "model.min_events=2", "--json")
        assert done.exit_code in (0, 3), done.output
        codes.append([(check["code"], check["status"]) for check in json.loads(done.stdout)])
    assert codes[0] == codes[1]
    assert len(codes[0]) >= 10


def test_an_absent_server_is_one_message_without_its_password(folder: Path) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    done = call("score", "postgres://me:Secret17@127.0.0.1:1/book", "--model", folder / "m.csrisk")
    assert done.exit_code == 1
    assert "error: the postgres database cannot be opened: OperationalError; check host, name and rights" in done.stderr
    assert "Secret17" not in done.output
