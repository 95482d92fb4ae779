"""From a folder of files to CustomerData, as the specification says."""

from __future__ import annotations

import difflib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from csrisk._pipeline._settings._rules import inside
from csrisk._text import shown
from csrisk.data import CONTRACT
from csrisk.data._query import answered
from csrisk.data._reading import find_tables, near_name
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from csrisk._pipeline._settings._spec import RiskSpec
    from csrisk.data import CustomerData
    from csrisk.data._query import Answers
    from csrisk.data._reading import FolderTables

__all__ = ["check_names", "open_folder", "open_source", "require_queries"]

_logger = logging.getLogger("csrisk")


def open_source(source: str | Path, spec: RiskSpec, *, end: str | None = None) -> CustomerData:
    r"""Read the tables of a folder, a DuckDB file, or a database behind a connection string.

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

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from csrisk.pipeline import RiskSpec, open_source
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "logins.csv").write_text("account_id,day\na,2025-01-01\nb,2025-01-02\n")
    >>> spec = RiskSpec.from_dict({"tables": {"usage": {"file": "logins.csv", "columns": {"at": "day"}}}})
    >>> open_source(folder, spec).tables
    ('usage',)
    """
    # imported late, as databases need the checks of this module
    from csrisk._pipeline._sources._databases import is_database, open_database

    if is_database(source):
        return open_database(str(source), spec, end=end)
    return open_folder(source, spec, end=end)


def open_folder(folder: str | Path, spec: RiskSpec, *, end: str | None = None) -> CustomerData:
    """Read the tables of a folder."""
    from csrisk.data import CustomerData

    check_names(spec)
    require_queries(spec)
    with answered(Path(folder), spec.queries) as answers:
        tables = _tables(folder, spec, answers)
        _logger.info("reading %s tables", len(tables))
        return CustomerData(tables, **spec.reading(end))


def _tables(folder: str | Path, spec: RiskSpec, answers: Answers) -> FolderTables:
    """Find the files of each table."""
    named = {table: _named(Path(folder), table, entry.file) for table, entry in spec.tables.items() if entry.file}
    tables = find_tables(folder, named, answers)
    absent = [table for table in spec.tables if table not in tables]
    # a file that is there and cannot be read is a fatal breach, and its own reason is the better one
    if absent and not any(breach.fatal for breach in tables.breaches):
        raise ConfigError(
            f"tables.{absent[0]}: no {absent[0]}.parquet, {absent[0]}.csv or folder of parts in the folder "
            f"{shown(folder, 'that was given')}"
        )
    return tables


def require_queries(spec: RiskSpec) -> None:
    """Refuse a specification whose queries stayed with the one that a model was trained with."""
    for table, entry in spec.tables.items():
        if entry.query == "":
            raise ConfigError(
                f"tables.{table}: the table is made by a query, and a model file holds none, as no SQL of strangers is "
                "to run: give --config, or in Python hand over CustomerData.from_folder(folder, queries=...)"
            )


def _named(folder: Path, table: str, files: str | Sequence[str]) -> str | Sequence[str]:
    """Give the files that a specification names, if they are there."""
    # before the disk is asked: names from the model file of a stranger must not feel their way around
    inside(table, files)
    for file in [files] if isinstance(files, str) else files:
        if folder.is_dir() and not (folder / file).exists() and not next(folder.glob(file), None):
            where = shown(folder, "that was given")
            near = near_name(folder / file)
            raise ConfigError(f"tables.{table}: file = {file!r} is not in the folder {where}{near}")
    return files


def check_names(spec: RiskSpec) -> None:
    """Refuse a specification that names a table which the contract does not know."""
    for table in spec.tables:
        if table not in CONTRACT:
            near = difflib.get_close_matches(table, list(CONTRACT), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known tables: {', '.join(CONTRACT)}"
            raise ConfigError(f"tables: unknown table {table!r}; {hint}")
