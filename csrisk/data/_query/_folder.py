"""Queries over the files of a folder."""

from __future__ import annotations

import glob
import os
import re
import shutil
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from csrisk._machine import scratch_folder
from csrisk._text import scheme
from csrisk.data._declared._contract import CONTRACT
from csrisk.data._declared._kinds import TABLE_ENDINGS, UnreadableError, endings
from csrisk.data._engines._source import open_source
from csrisk.data._findings._breach import Breach, did_you_mean
from csrisk.data._query._allowed import refused, tables_of
from csrisk.data._query._sealed import SEALED, SECONDS, write_answer
from csrisk.data._reading._one_table import plain_kinds
from csrisk.data._reading._parts import find_parts, near_name, skipped
from csrisk.data._reading._readers import ROW, quoted, trimmed
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from csrisk.data._engines._engine import DuckDBEngine

__all__ = ["Answers", "answered"]

_ELSEWHERE = re.compile(r"[/\\~]|[A-Za-z]:")
# text that is read as a type and written again as it was: no leading zero, no sign, no zone is lost
_TYPES = {
    # 18 digits fit into 64 bits, whatever they are
    "BIGINT": r"0|-?[1-9]\d{0,17}",
    # 15 digits come back from a float as they were
    "DOUBLE": r"-?(0|[1-9]\d{0,9})([.]\d{1,5})?",
    "BOOLEAN": "(?i)true|false",
    "DATE": r"\d{4}-\d{2}-\d{2}",
    "TIMESTAMP": r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}([.]\d{1,6})?)?)?",
}


class Answers(NamedTuple):
    """What queries gave."""

    paths: dict[str, Path]
    files: frozenset[str]


@contextmanager
def answered(
    folder: Path, queries: Mapping[str, str], *, memory_limit: str | None = None, seconds: float = SECONDS
) -> Iterator[Answers]:
    """Run queries over the files of a folder; what they gave lies in a scratch folder until the block ends."""
    if not queries or not folder.is_dir():
        yield Answers({}, frozenset())
        return
    scratch, held = scratch_folder()
    try:
        paths, heads = {}, set()
        for table, query in queries.items():
            if table not in CONTRACT:
                raise ConfigError(f"queries: unknown table {str(table)[:40]!r}; {did_you_mean(str(table), CONTRACT)}")
            try:
                files = {name: _found(folder, name) for name in tables_of(query)}
                paths[table] = _answer(scratch, table, query, files, memory_limit, seconds)
            except ConfigError as error:
                raise ConfigError(f"tables.{table}: {error}") from error
            hits = [Path(hit).relative_to(folder).parts for path in files.values() for hit in _hits(path)]
            heads |= {parts[0] for parts in hits if parts}
        yield Answers(paths, frozenset(heads))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        os.close(held)


def _answer(
    scratch: Path, table: str, query: str, files: Mapping[str, Path], memory_limit: str | None, seconds: float
) -> Path:
    import duckdb

    from csrisk.data._engines._engine import DuckDBEngine

    # files are copied into a database first: the connection that runs the query can open no file
    book = scratch / f"{table}.duckdb"
    with closing(DuckDBEngine(memory_limit)) as engine:
        engine.run(f"ATTACH '{str(book).replace(chr(39), chr(39) * 2)}' AS asked")
        for name, path in files.items():
            _bring(engine, table, name, path)
        engine.run("DETACH asked")
        # the same for the query, where none was said
        limit = engine.run("SELECT current_setting('memory_limit')")[0][0]
    config = {**SEALED, "memory_limit": limit, "temp_directory": str(scratch / "spill")}
    with duckdb.connect(str(book), read_only=True, config=config) as connection:
        return write_answer(connection, query, scratch / f"{table}.parquet", seconds)


def _bring(engine: DuckDBEngine, table: str, name: str, path: Path) -> None:
    """Copy a file into the database that the query sees, under the name that it uses."""
    import duckdb

    source = open_source(engine, table, path)
    if isinstance(source, Breach):
        raise ConfigError(f"query: {name!r} cannot be read: {source.detail or source.found}")
    columns = [quoted(column) for column in source.types]
    try:
        if source.untyped:
            columns = _typed(engine, source.view, list(source.types))
        engine.run(
            f"CREATE TABLE asked.{quoted(name)} AS SELECT {', '.join(columns)} FROM {source.view} ORDER BY {ROW}"
        )
    except duckdb.Error as error:
        raise ConfigError(f"query: {name!r} cannot be read: {source.why(error)}") from None


def _typed(engine: DuckDBEngine, view: str, names: list[str]) -> list[str]:
    """Give columns of text the type that all of their values plainly have; anything else stays text."""
    words = {name: f"nullif({trimmed(quoted(name))}, '')" for name in names}
    kinds = plain_kinds(engine, view, _TYPES, words, {"DOUBLE": _same_forms})
    return [
        f"CAST({word} AS {kinds[name]}) AS {quoted(name)}" if name in kinds else quoted(name)
        for name, word in words.items()
    ]


def _same_forms(word: str) -> str:
    """Whether decimals are written such that no two texts are one number, as the versions 1.1 and 1.10 would be."""
    point = f"bool_and(contains({word}, '.'))"
    return (
        f"bool_and(NOT regexp_full_match({word}, '.*[.]\\d*0')) "
        f"OR ({point} AND bool_and(NOT regexp_full_match({word}, '.*[.]\\d+0'))) "
        f"OR ({point} AND count(DISTINCT length({word}) - strpos({word}, '.')) = 1)"
    )


def _found(folder: Path, name: str) -> Path:
    """Find the file, folder of parts or pattern that a query names, within the folder and nowhere else."""
    if scheme(name) or _ELSEWHERE.match(name) or ".." in re.split(r"[/\\]", name) or "\0" in name:
        raise refused(f"FROM {name!r} is not in the folder", "name a file of the folder, such as 'plans.csv'")
    path = folder / name
    if not path.exists() and not glob.has_magic(name):
        path = _by_stem(folder, name)
    try:
        parts = find_parts(path)
    except UnreadableError as error:
        raise refused(f"FROM {name!r} cannot be read: {error}", "name a table of the folder") from None
    home = folder.resolve()
    if not all(part.path.resolve().is_relative_to(home) for part in parts.files):
        raise refused(f"FROM {name!r} leads out of the folder by a link", "copy the file into the folder")
    return path


def _by_stem(folder: Path, name: str) -> Path:
    def stem(file: str) -> str:
        return file.lower().removesuffix(".gz").removesuffix(endings(file))

    names = sorted(file for file in os.listdir(folder) if not skipped(file) and endings(file) in TABLE_ENDINGS)
    alike = [file for file in names if stem(file) == name.lower()]
    if len(alike) == 1:
        return folder / alike[0]
    told = (
        f"{len(alike)} files are called so"
        if alike
        else f"no file of the folder is called so{near_name(folder / name)}"
    )
    raise refused(f"FROM {name!r}: {told}", "name a file of the folder, such as 'plans.csv'")


def _hits(path: Path) -> list[str]:
    return [str(path)] if path.exists() else glob.glob(str(path), recursive=True)
