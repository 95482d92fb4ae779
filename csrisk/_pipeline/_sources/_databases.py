"""From a database file or an address to CustomerData; nothing is written, no file is made, no address is repeated."""

from __future__ import annotations

import logging
import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csrisk._machine import scratch_folder
from csrisk._pipeline._load import check_names, require_queries
from csrisk._pipeline._sources._sqlite import sqlite_tables
from csrisk._text import is_address, scheme, shown
from csrisk.data import CONTRACT
from csrisk.data._declared import DATABASE_ENDINGS, database_kind
from csrisk.data._query import SEALED, far_table, refused, tables_of, write_answer
from csrisk.data._reading import near_name
from csrisk.exceptions import ConfigError, DataContractError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from csrisk._pipeline._settings._spec import RiskSpec
    from csrisk.data import CustomerData

__all__ = ["duckdb_file", "far_database", "is_database", "is_far", "located", "open_database"]

_logger = logging.getLogger("csrisk")
_PREFIX = re.compile(r"\s*(duckdb|sqlite):(//)?", re.IGNORECASE)
# scheme of an address, and the extra of Ibis that brings its driver
_DRIVERS = {
    **{name: name for name in ("athena", "bigquery", "clickhouse", "databricks", "druid", "exasol", "impala", "mssql")},
    **{name: name for name in ("mysql", "oracle", "postgres", "risingwave", "snowflake", "trino")},
    "postgresql": "postgres",
    "redshift": "postgres",
}


def is_database(source: str | Path) -> bool:
    """Whether a source is a database file or an address, not a folder."""
    path = Path(source)
    try:
        if path.is_file():
            return path.suffix.lower() in DATABASE_ENDINGS or bool(database_kind(path))
        return not path.exists() and (is_address(source) or path.suffix.lower() in DATABASE_ENDINGS)
    except (OSError, ValueError):  # a path that no file system takes: too long, or with a zero byte
        return is_address(source)


def is_far(source: str) -> bool:
    """Whether a database is behind an address, and not in a file."""
    return is_address(source) and not Path(source).exists() and not _PREFIX.match(source)


def open_database(source: str, spec: RiskSpec, *, end: str | None = None) -> CustomerData:
    """Read the tables of the contract from a database, without writing to it."""
    check_names(spec)
    require_queries(spec)
    if is_far(source):
        return _open_ibis(source.strip(), spec, end)
    path, name, kind = located(source)
    return (_open_duckdb if kind == "duckdb" else _open_sqlite)(path, name, spec, end)


def located(source: str) -> tuple[Path, str, str]:
    """Find the file of a database: its path, how messages call it, and whether it is ``duckdb`` or ``sqlite``."""
    path = Path(source) if Path(source).exists() else Path(_PREFIX.sub("", source).strip())
    name = shown(path, "the database")
    if not path.is_file():
        # an engine would make an empty database of a typing error
        raise DataContractError(f"database file {name} does not exist, or is no file{near_name(path)}")
    kind = database_kind(path)
    if not kind:
        raise DataContractError(f"{name} is neither a DuckDB nor a SQLite database by its first bytes")
    return path, name, kind


def _open_duckdb(path: Path, name: str, spec: RiskSpec, end: str | None) -> CustomerData:
    from csrisk.data import CustomerData

    connection, there = duckdb_file(path, name, sealed=bool(spec.queries))
    folder, held = scratch_folder()
    try:
        with connection:
            names = _names(spec, there, name)
            _logger.info("reading %s tables", len(names))
            tables: dict[str, Any] = {table: connection.table(f'"{name}"') for table, name in names.items()}
            for table, query in spec.queries.items():
                with _of(table):
                    _require_known(tables_of(query), there)
                    tables[table] = write_answer(connection, query, folder / f"{table}.parquet")
            return CustomerData(tables, **spec.reading(end))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        # the lock goes last: a folder that nobody holds may be swept
        os.close(held)


@contextmanager
def _of(table: str) -> Iterator[None]:
    """Say which table a query was to make."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"tables.{table}: {error}") from error


def _require_known(names: Iterable[str], there: Iterable[str]) -> None:
    """Refuse a query that reads what is no table of the database."""
    known = {name.casefold() for name in there}
    for name in names:
        if name.casefold() not in known:
            raise refused(f"FROM {name[:60]!r}: the database shows no table of this name")


def duckdb_file(path: Path, name: str, *, sealed: bool = False) -> tuple[Any, list[str]]:
    """Open a DuckDB file for reading, sealed where queries of users are run, and name its tables."""
    import duckdb

    try:
        connection = duckdb.connect(str(path), read_only=True, config=dict(SEALED) if sealed else {})
    except duckdb.Error as error:
        # the message of the engine may hold a path; its kind says enough
        raise DataContractError(
            f"DuckDB file {name} cannot be opened: {type(error).__name__}; it is damaged, of a newer DuckDB, or open "
            "elsewhere for writing"
        ) from None
    # a plain name means the schema that the connection looks into
    rows = connection.execute(
        "SELECT table_name, table_schema = current_schema() FROM information_schema.tables"
        " WHERE table_catalog = current_database()"
    ).fetchall()
    there = [str(name) for name, is_here in rows if is_here]
    if rows and not there:
        connection.close()
        raise DataContractError(
            f"{name} keeps all of its {len(rows)} tables in schemas other than main; make views of them in main: "
            "CREATE VIEW usage AS SELECT * FROM the_schema.usage"
        )
    return connection, there


def _open_sqlite(path: Path, name: str, spec: RiskSpec, end: str | None) -> CustomerData:
    from csrisk.data import CustomerData

    with sqlite_tables(path, name) as book:
        names = _names(spec, book.names, name)
        _logger.info("reading %s tables", len(names))
        tables = {table: book.written(name) for table, name in names.items()}
        for table, query in spec.queries.items():
            with _of(table):
                tables[table] = book.answered(table, query)
        return CustomerData(tables, **spec.reading(end))


def _open_ibis(source: str, spec: RiskSpec, end: str | None) -> CustomerData:
    kind, connection, there = far_database(source)
    from csrisk.data import CustomerData

    names = _names(spec, there, f"the {kind} database")
    _logger.info("reading %s tables", len(names))
    tables: dict[str, Any] = {table: connection.table(name) for table, name in names.items()}
    for table, query in spec.queries.items():
        with _of(table):
            tables[table] = far_table(connection, query, there)
    return CustomerData(tables, **spec.reading(end))


def far_database(source: str) -> tuple[str, Any, list[str]]:
    """Connect to the database behind an address: its kind, the connection of Ibis, and the names of its tables."""
    kind = scheme(source)
    if kind in ("md", "motherduck"):
        raise ConfigError(
            "MotherDuck needs an extension of DuckDB, and csrisk fetches none: attach it in Python and hand over its "
            "tables as DuckDB relations"
        )
    if kind not in _DRIVERS or not source[len(kind) :].startswith("://"):
        raise ConfigError(
            "the source is an address of no known kind; give a folder, a database file, or "
            f"<kind>://host/database with one of {', '.join(sorted(_DRIVERS))}"
        )
    return kind, *_connected(kind, source)


def _connected(kind: str, source: str) -> tuple[Any, list[str]]:
    try:
        import ibis

        connection = ibis.connect(kind + source[len(kind) :])  # the rest as typed: passwords have capitals
        return connection, list(connection.list_tables())
    except (ImportError, AttributeError):  # Ibis has no attribute for a kind whose driver is missing
        raise ConfigError(
            f"an address {kind}:// needs Ibis with its driver: pip install 'csrisk[ibis]' "
            f"'ibis-framework[{_DRIVERS[kind]}]'"
        ) from None
    except Exception as error:  # each driver has errors of its own, and their text may hold the password
        raise DataContractError(
            f"the {kind} database cannot be opened: {type(error).__name__}; check host, name and rights"
        ) from None


def _names(spec: RiskSpec, there: Iterable[str], where: str) -> dict[str, str]:
    """Table of the contract to name in the database; upper and lower case are alike where that is no question."""
    folded: dict[str, list[str]] = {}
    for name in there:
        folded.setdefault(name.casefold(), []).append(name)
    found = {}
    for table in CONTRACT:
        entry = spec.tables.get(table)
        if entry is not None and entry.query:
            continue
        wanted = entry.file if entry is not None and entry.file is not None else table
        if not isinstance(wanted, str):
            raise ConfigError(f"tables.{table}: file must name one table of a database")
        alike = folded.get(wanted.casefold(), [])
        if wanted in alike or len(alike) == 1:
            found[table] = wanted if wanted in alike else alike[0]
        elif alike:
            raise ConfigError(f"tables.{table}: {len(alike)} tables of {where} are called so; say which with file =")
        elif entry is not None:
            raise ConfigError(f"tables.{table}: there is no table {wanted!r} in {where}")
    if not found and not spec.queries:
        raise DataContractError(
            f"{where} holds no table of the contract; known names: {', '.join(CONTRACT)}; or name tables in [tables]"
        )
    return found
