"""Tables of a SQLite file, streamed into Parquet: SQLite keeps times as text, and they are read as in files."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from csrisk._leftovers import scratch_folder
from csrisk.exceptions import DataContractError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["SqliteTables", "sqlite_tables"]

_BATCH = 100_000


@dataclass(frozen=True)
class SqliteTables:
    """Tables and views of an open SQLite file.

    Parameters
    ----------
    connection : sqlite3.Connection
        Opened for reading alone.
    folder : Path
        Where tables are written.
    names : tuple of str
        Of tables and views.
    """

    connection: sqlite3.Connection
    folder: Path
    names: tuple[str, ...]

    def written(self, name: str) -> Path:
        """Write a table as Parquet, each column in the one type that holds all of its values."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        quoted = '"' + name.replace('"', '""') + '"'
        columns = [row[1] for row in self.connection.execute(f"PRAGMA table_xinfo({quoted})") if row[6] != 1]
        selected = ", ".join('"' + column.replace('"', '""') + '"' for column in columns)
        kinds = [self._kind(quoted, column) for column in columns]
        schema = pa.schema(list(zip(columns, kinds, strict=True)))
        path = self.folder / f"{self.names.index(name)}.parquet"
        with pq.ParquetWriter(path, schema) as writer:
            rows = self.connection.execute(f"SELECT {selected} FROM {quoted}")
            while batch := rows.fetchmany(_BATCH):
                values = zip(*batch, strict=True)
                arrays = [pa.array(map(_as(kind), one), kind) for kind, one in zip(kinds, values, strict=True)]
                writer.write_table(pa.table(arrays, schema=schema))
        return path

    def _kind(self, table: str, column: str) -> Any:
        import pyarrow as pa

        name = '"' + column.replace('"', '""') + '"'
        found = {row[0] for row in self.connection.execute(f"SELECT DISTINCT typeof({name}) FROM {table}")} - {"null"}
        if found == {"integer"}:
            return pa.int64()
        if found and found <= {"integer", "real"}:
            return pa.float64()
        return pa.binary() if found == {"blob"} else pa.string()


def _as(kind: Any) -> Any:
    """How a value becomes one of a type; in SQLite each row may hold another."""
    return _text if str(kind) == "string" else _number if str(kind) == "double" else _same


def _same(value: object) -> object:
    return value


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


@contextmanager
def sqlite_tables(path: Path, name: str) -> Iterator[SqliteTables]:
    """Open a SQLite file for reading; what is written is removed at the end.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        How messages call it.

    Yields
    ------
    SqliteTables

    Raises
    ------
    DataContractError
        If it cannot be read.
    """
    folder, held = scratch_folder()
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            listed = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
            yield SqliteTables(connection, folder, tuple(str(row[0]) for row in listed))
    except sqlite3.Error as error:
        # its message may quote a value that is no text
        raise DataContractError(f"SQLite file {name} cannot be read: {type(error).__name__}; is it damaged?") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)
