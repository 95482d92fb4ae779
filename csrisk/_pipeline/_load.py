"""From a folder of files to CustomerData, as the specification says."""

from __future__ import annotations

import difflib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from csrisk._pipeline._rules import inside
from csrisk.data import CONTRACT
from csrisk.exceptions import ConfigError, DataContractError

if TYPE_CHECKING:
    from csrisk._pipeline._spec import RiskSpec
    from csrisk.data import CustomerData

__all__ = ["check_names", "open_folder", "open_source"]

_logger = logging.getLogger("csrisk")
_SUFFIXES = (".parquet", ".csv")


def open_source(source: str | Path, spec: RiskSpec, *, end: str | None = None) -> CustomerData:
    """Read the tables of a folder, a DuckDB file, or a database behind a connection string.

    Parameters
    ----------
    source : str or Path
        A folder; a file that ends in ``.duckdb``, ``.ddb`` or ``.db``; or a string such as ``postgres://host/name``,
        which Ibis opens.
    spec : RiskSpec
        Names of tables and columns.
    end : str, optional
        First day that was not observed; default is the day after the last event.

    Returns
    -------
    CustomerData

    Raises
    ------
    ConfigError
        If a table of the specification is unknown or missing.
    DataContractError
        If there is no table, or the tables break the contract.
    """
    from csrisk._pipeline._databases import is_database, open_database

    if is_database(source):
        return open_database(str(source), spec, end=end)
    return open_folder(source, spec, end=end)


def open_folder(folder: str | Path, spec: RiskSpec, *, end: str | None = None) -> CustomerData:
    """Read the tables of a folder.

    Parameters
    ----------
    folder : str or Path
        Holds ``<table>.parquet`` or ``<table>.csv``, or the files that the specification names.
    spec : RiskSpec
        File names and column names.
    end : str, optional
        First day that was not observed; None means the day after the last event.

    Returns
    -------
    CustomerData

    Raises
    ------
    ConfigError
        If a table of the specification is unknown, or its file is missing.
    DataContractError
        If there is no table, or the tables break the contract.
    """
    from csrisk.data import CustomerData

    folder = Path(folder)
    if not folder.is_dir():
        raise DataContractError(f"folder {folder.name!r} does not exist or is not a folder")
    check_names(spec)
    paths = {table: path for table in CONTRACT if (path := _find(folder, table, spec)) is not None}
    if not paths:
        names = ", ".join(f"{table}.parquet" for table in CONTRACT)
        raise DataContractError(
            f"folder {folder.name!r} holds no table; known names: {names}; or name files in [tables]"
        )
    _logger.info("reading %s tables", len(paths))
    columns = {table: entry.columns for table, entry in spec.tables.items() if entry.columns}
    return CustomerData(paths, columns=columns, end=end)


def check_names(spec: RiskSpec) -> None:
    """Refuse a specification that names a table which the contract does not know.

    Parameters
    ----------
    spec : RiskSpec
        With tables.

    Raises
    ------
    ConfigError
        At the first such table, with the nearest known name.
    """
    for table in spec.tables:
        if table not in CONTRACT:
            near = difflib.get_close_matches(table, list(CONTRACT), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known tables: {', '.join(CONTRACT)}"
            raise ConfigError(f"tables: unknown table {table!r}; {hint}")


def _find(folder: Path, table: str, spec: RiskSpec) -> Path | None:
    entry = spec.tables.get(table)
    if entry is not None and entry.file is not None:
        inside(table, entry.file)
        path = folder / entry.file
        if not path.is_file():
            raise ConfigError(f"tables.{table}: file = {entry.file!r} is not in the folder {folder.name!r}")
        return path
    found = [path for suffix in _SUFFIXES if (path := folder / f"{table}{suffix}").is_file()]
    if len(found) > 1:
        raise ConfigError(f"tables.{table}: both {table}.parquet and {table}.csv are there; say which with file = ...")
    if entry is not None and not found:
        raise ConfigError(f"tables.{table}: no {table}.parquet or {table}.csv in the folder {folder.name!r}")
    return found[0] if found else None
