"""From a DuckDB file or a connection string to CustomerData."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csrisk._pipeline._load import check_names
from csrisk.data import CONTRACT
from csrisk.exceptions import ConfigError, DataContractError

if TYPE_CHECKING:
    from csrisk._pipeline._spec import RiskSpec
    from csrisk.data import CustomerData

__all__ = ["is_database", "open_database"]

_logger = logging.getLogger("csrisk")
_SUFFIXES = (".duckdb", ".ddb", ".db")
_CONNECTION = re.compile(r"[a-z][a-z0-9+_]*://")


def is_database(source: str | Path) -> bool:
    """Whether a source is a DuckDB file or a connection string, not a folder.

    Parameters
    ----------
    source : str or Path
        What the user gave.

    Returns
    -------
    bool
    """
    if isinstance(source, str) and _CONNECTION.match(source):
        return True
    path = Path(source)
    return path.suffix in _SUFFIXES and not path.is_dir()


def open_database(source: str, spec: RiskSpec, *, end: str | None = None) -> CustomerData:
    """Read the tables of the contract from a database, without writing to it.

    Parameters
    ----------
    source : str
        Path of a DuckDB file, or a connection string.
    spec : RiskSpec
        ``file`` of a table is its name in the database, where it is not that of the contract.
    end : str, optional
        First day that was not observed.

    Returns
    -------
    CustomerData

    Raises
    ------
    ConfigError
        If a table of the specification is unknown or missing.
    DataContractError
        If the database cannot be opened or holds no table of the contract.
    """
    check_names(spec)
    if _CONNECTION.match(source) and not source.startswith("duckdb://"):
        return _open_ibis(source, spec, end)
    return _open_duckdb(Path(source.removeprefix("duckdb://")), spec, end)


def _open_duckdb(path: Path, spec: RiskSpec, end: str | None) -> CustomerData:
    import duckdb

    from csrisk.data import CustomerData

    if not path.is_file():
        raise DataContractError(f"DuckDB file {path.name!r} does not exist")
    try:
        connection = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        # the message of the engine may hold a path; its kind says enough
        raise DataContractError(
            f"DuckDB file {path.name!r} cannot be opened: {type(error).__name__}; it is damaged, or open elsewhere for "
            "writing"
        ) from error
    with connection:
        there = {
            str(row[0]) for row in connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
        }
        names = _names(spec, there, path.name)
        _logger.info("reading %s tables", len(names))
        tables = {table: connection.table(name) for table, name in names.items()}
        return CustomerData(tables, columns=_columns(spec), end=end)


def _open_ibis(source: str, spec: RiskSpec, end: str | None) -> CustomerData:
    try:
        import ibis
    except ImportError as error:
        raise ConfigError(
            "a connection string needs Ibis with its backend: pip install 'csrisk[ibis]' 'ibis-framework[postgres]'"
        ) from error

    from csrisk.data import CustomerData

    kind = source.split(":", 1)[0]
    try:
        connection = ibis.connect(source)
        there = set(connection.list_tables())
    except Exception as error:  # each driver has errors of its own, and their text may hold the password
        raise DataContractError(
            f"the {kind} database cannot be opened: {type(error).__name__}; check host, name and rights"
        ) from None
    names = _names(spec, there, f"the {kind} database")
    _logger.info("reading %s tables", len(names))
    tables: dict[str, Any] = {table: connection.table(name) for table, name in names.items()}
    return CustomerData(tables, columns=_columns(spec), end=end)


def _names(spec: RiskSpec, there: set[str], where: str) -> dict[str, str]:
    found = {}
    for table in CONTRACT:
        entry = spec.tables.get(table)
        name = entry.file if entry is not None and entry.file is not None else table
        if not isinstance(name, str):
            raise ConfigError(f"tables.{table}: file must name one table of a database")
        if name in there:
            found[table] = name
        elif entry is not None:
            raise ConfigError(f"tables.{table}: there is no table {name!r} in {where!r}")
    if not found:
        raise DataContractError(
            f"{where!r} holds no table of the contract; known names: {', '.join(CONTRACT)}; or name tables in [tables]"
        )
    return found


def _columns(spec: RiskSpec) -> dict[str, Any]:
    return {table: entry.columns for table, entry in spec.tables.items() if entry.columns}
