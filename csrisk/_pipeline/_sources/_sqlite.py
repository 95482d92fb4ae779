"""Tables of a SQLite file, streamed into Parquet: SQLite keeps times as text, and they are read as in files."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from csrisk._machine import scratch_folder
from csrisk.data._query import LITE, SECONDS, refused, require_text
from csrisk.data._reading import repeated
from csrisk.exceptions import DataContractError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["SqliteTables", "sqlite_tables"]

_BATCH = 100_000
_CLOCK = re.compile(r"'now'|\b(date|time|datetime|julianday|unixepoch)\s*\(\s*\)", re.IGNORECASE)
_STEPS = 10_000  # of the machine of SQLite between two looks at the clock


@dataclass(frozen=True)
class SqliteTables:
    """Tables and views of an open SQLite file."""

    connection: sqlite3.Connection
    folder: Path
    names: tuple[str, ...]

    def written(self, name: str) -> Path:
        """Write a table as Parquet, each column in the one type that holds all of its values."""
        quoted = '"' + name.replace('"', '""') + '"'
        # 1 marks hidden columns of virtual tables, which are no data; generated columns (2 and 3) are
        columns = [row[1] for row in self.connection.execute(f"PRAGMA table_xinfo({quoted})") if row[6] != 1]
        # a file is called by number, as the name of a table may hold any sign
        return self._write(quoted, columns, self.folder / f"{self.names.index(name)}.parquet")

    def answered(self, table: str, query: str, seconds: float = SECONDS) -> Path:
        """Write what a query of a user gives; SQLite itself says of each step whether it is allowed."""
        text = require_text(query).strip().rstrip(";")
        if _CLOCK.search(text):
            raise refused("it asks the clock", "write the date, so that each run gives the same rows")
        late = time.monotonic() + seconds
        self.connection.set_authorizer(_allows)
        self.connection.set_progress_handler(lambda: time.monotonic() > late, _STEPS)
        try:
            columns = [column[0] for column in self.connection.execute(text).description]
            if again := repeated(columns):
                raise refused(
                    f"its result has more than one column called {', '.join(again)[:80]}", "name them with AS"
                )
            # on a line of its own, or a comment at the end of the query would swallow the bracket
            return self._write(f"({text}\n)", columns, self.folder / f"query_{table}.parquet")
        except (sqlite3.Error, sqlite3.Warning, TypeError) as error:
            if time.monotonic() > late:
                raise refused(f"it was stopped after its limit of {seconds:g} seconds", "narrow it") from None
            raise refused(_reason(error)) from None
        finally:
            # for the query alone: tables are read with steps that it may not take
            self.connection.set_authorizer(None)
            self.connection.set_progress_handler(None, 0)

    def _write(self, quoted: str, columns: list[str], path: Path) -> Path:
        import pyarrow as pa
        import pyarrow.parquet as pq

        selected = ", ".join('"' + column.replace('"', '""') + '"' for column in columns)
        kinds = [self._kind(quoted, column) for column in columns]
        schema = pa.schema(list(zip(columns, kinds, strict=True)))
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
        # a declared type binds no value of SQLite, so the values are asked
        found = {row[0] for row in self.connection.execute(f"SELECT DISTINCT typeof({name}) FROM {table}")} - {"null"}
        if found == {"integer"}:
            return pa.int64()
        if found and found <= {"integer", "real"}:
            return pa.float64()
        return pa.binary() if found == {"blob"} else pa.string()


def _allows(action: int, one: str | None, other: str | None, _database: str | None, _view: str | None) -> int:
    """Whether a step of a query is reading a table of the file, or a function of the list."""
    if action == sqlite3.SQLITE_FUNCTION:
        allowed = str(other).lower() in LITE
    elif action == sqlite3.SQLITE_READ:
        allowed = not str(one).lower().startswith(("sqlite_", "pragma_"))  # the schema and the settings
    else:
        allowed = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE)
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _reason(error: Exception) -> str:
    """Say what SQLite says of names and words, never of values."""
    if isinstance(error, TypeError):
        return "it gives no rows"
    words = str(error)
    plain = re.match(
        r"no such|near |not authorized|access to|You can only|ambiguous|incomplete|wrong number|unrec", words
    )
    return words[:120] if plain else f"SQLite says {type(error).__name__}"


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
        return value.decode("utf-8", errors="backslashreplace")  # two ids never become one
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)  # 1 and 1.0 are one id


@contextmanager
def sqlite_tables(path: Path, name: str) -> Iterator[SqliteTables]:
    """Open a SQLite file for reading; what is written is removed at the end."""
    folder, held = scratch_folder()
    try:
        # an address, as mode=ro makes no empty file of a typing error; as_uri quotes a ? in the name
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            listed = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
            yield SqliteTables(connection, folder, tuple(str(row[0]) for row in listed))
    except sqlite3.Error as error:
        # its message may quote a value that is no text
        raise DataContractError(f"SQLite file {name} cannot be read: {type(error).__name__}; is it damaged?") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)
