"""A sample of each table of a source, read by the readers that training uses."""

from __future__ import annotations

import os
import re
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csrisk._proposal._matching._looks import Look, look_at
from csrisk._proposal._matching._names import stem, words
from csrisk._text import shown
from csrisk.data._declared import DATABASE_ENDINGS, FOREIGN_ENDINGS, UnreadableError, endings, file_kind
from csrisk.data._reading import FILE_ENDINGS, is_workbook, near_name, read_header, size_of, skipped
from csrisk.exceptions import DataContractError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

__all__ = ["LOOKED_FOR", "Brought", "Seen", "look_into"]

_ROWS = 20_000  # rows looked at of each table
_LARGE = 500_000_000  # bytes above which only the beginning is read
_DEEPEST, _MOST = 3, 400
LOOKED_FOR = "files .csv, .tsv, .txt (also .gz) and .parquet with one header line, and .xlsx, up to three folders deep"


@dataclass(frozen=True)
class Brought:
    """A table as it lies in the source."""

    name: str
    file: str | tuple[str, ...]
    looks: Mapping[str, Look]

    @property
    def stem(self) -> tuple[str, ...]:
        """Words of its name."""
        name = self.name.removesuffix(".gz")
        ending = next((ending for ending in FILE_ENDINGS if name.endswith(ending)), "")
        return stem(name.removesuffix(ending).split("/")[-1])

    @property
    def whole_stem(self) -> tuple[str, ...]:
        """Words of its name and of the folder above it."""
        above = self.name.split("/")[:-1]
        return (*(word for folder in above for word in stem(folder)), *self.stem)

    @property
    def rows(self) -> int:
        """Rows of the sample."""
        return len(next(iter(self.looks.values())).texts) if self.looks else 0

    def bare(self, column: str) -> tuple[str, ...]:
        """Words of a column without the name of its table before them."""
        found = words(column)
        own = set(self.stem)
        while len(found) > 1 and found[0] in own:  # a name that is that of its table keeps its last word
            found = found[1:]
        return found


@dataclass(frozen=True)
class Seen:
    """What lies in a source."""

    tables: tuple[Brought, ...]
    unread: Mapping[str, str] = field(default_factory=dict)
    database: bool = False
    far: bool = False


def look_into(source: str) -> Seen:
    """Read a sample of every table of a folder, a database file or a database behind an address."""
    from csrisk._pipeline._sources import is_database, is_far

    if is_database(source):
        samples = _of_database(source)
        tables = tuple(_brought(name, name, frame) for name, frame in sorted(samples.items()))
        return Seen(tables, {}, database=True, far=is_far(source))
    folder = Path(source)
    if not source.strip() or not folder.is_dir():
        raise DataContractError(
            f"{shown(source, 'the source')} is no folder, no database file and no address{near_name(folder)}"
        )
    unread: dict[str, str] = {}
    found = _read(folder, _groups(folder, unread), unread)
    return Seen(tuple(found), unread)


def _brought(name: str, file: str | tuple[str, ...], frame: pd.DataFrame) -> Brought:
    return Brought(name, file, {str(column): look_at(frame[column], words(str(column))) for column in frame})


def _groups(folder: Path, unread: dict[str, str]) -> dict[str, list[Path]]:
    """Files by the table that they are parts of: neighbours of the same columns whose names differ in digits alone."""
    groups: dict[tuple[Any, ...], list[Path]] = {}
    for path in _files(folder, unread):
        name = path.relative_to(folder).as_posix()
        try:
            header = _header(path)
        except (UnreadableError, OSError) as error:
            unread[name] = str(error) if isinstance(error, UnreadableError) else error.strerror or type(error).__name__
            continue
        places = tuple(part for part in path.relative_to(folder).parts[:-1] if "=" not in part)
        # the header too: files of one pattern with other columns are other tables
        key = (places, re.sub(r"[\d_.-]+", " ", path.name.lower()).strip(), header)
        groups.setdefault(key, []).append(path)
    return {_called(folder, key[0], paths): paths for key, paths in groups.items()}


def _called(folder: Path, places: tuple[str, ...], paths: list[Path]) -> str:
    """Name a group by its file, or the folder that holds nothing else, or its first file."""
    if len(paths) > 1 and places:
        base = folder.joinpath(*places)
        inside = [path for path in base.rglob("*") if path.is_file() and not skipped(path.name)]
        if len(inside) == len(paths):
            return base.relative_to(folder).as_posix()
    return paths[0].relative_to(folder).as_posix()


def _files(folder: Path, unread: dict[str, str]) -> Iterator[Path]:
    count = 0
    # a link may lead out of the folder, or round in a circle
    for top, folders, names in os.walk(folder, followlinks=False):
        # folders such as month=2025-01 are parts of one table and no depth of their own
        depth = len([part for part in Path(top).relative_to(folder).parts if "=" not in part])
        # in place, as os.walk asks; sorted, so that the same folder gives the same proposal on every disk
        folders[:] = sorted(name for name in folders if not skipped(name)) if depth < _DEEPEST else []
        for name in sorted(names):
            path = Path(top, name)
            if skipped(name) or count >= _MOST:
                continue
            if endings(name) in FILE_ENDINGS:
                count += 1
                yield path
            elif endings(name) in (*FOREIGN_ENDINGS, *DATABASE_ENDINGS):
                told = f"{endings(name)} is not read from a folder; {_cure(name)}"
                unread[path.relative_to(folder).as_posix()] = told


def _cure(name: str) -> str:
    """Say what makes a table of a file that is none; JSON lines by a line that leaves ids such as 007 as they are."""
    if endings(name) in DATABASE_ENDINGS:
        return "give it as SOURCE"
    if endings(name) not in (".json", ".jsonl", ".ndjson") or re.search(r"[^\w .()-]", name):
        return "save it as CSV or Parquet"
    turn = f"duckdb.read_json('{name}').write_parquet('{name[: -len(endings(name))]}.parquet')"
    return f'there, python -c "import duckdb; {turn}" makes a table of it'


def _header(path: Path) -> tuple[str, ...]:
    if is_workbook(path):
        return (path.name,)  # each is a table of its own
    kind = file_kind(path)
    if kind != "parquet":
        return read_header(path, packed=kind == "csv.gz").names
    import pyarrow.parquet as pq

    try:
        return tuple(pq.read_schema(path).names)
    except Exception as error:  # whatever a reader throws at damage, its text may quote what it read
        raise UnreadableError("it is a damaged Parquet file; write or copy it again") from error


def _read(folder: Path, groups: Mapping[str, list[Path]], unread: dict[str, str]) -> list[Brought]:
    from csrisk.data._engines import DuckDBEngine

    found = []
    with closing(DuckDBEngine(threads=1, on_disk=False)) as engine:
        for name, paths in sorted(groups.items()):
            target = folder / name if (folder / name).is_dir() else paths
            frame = _sampled(engine, target if len(paths) > 1 else paths[0])
            if isinstance(frame, str):
                unread[name] = frame
            elif frame.empty:
                unread[name] = "it holds no row"
            else:
                many = tuple(path.relative_to(folder).as_posix() for path in paths)
                found.append(_brought(name, many if len(many) > 1 and target is paths else name, frame))
    return found


def _sampled(engine: Any, brought: Any) -> pd.DataFrame | str:
    """Take every so many rows, as many as are looked at, or say why the table cannot be read."""
    from csrisk.data._engines import open_source
    from csrisk.data._findings import Breach
    from csrisk.data._reading import ROW

    opened = open_source(engine, "usage", brought)
    if isinstance(opened, Breach):
        return opened.detail or "it cannot be read"
    try:
        few = f"SELECT * EXCLUDE ({ROW}) FROM {opened.view} LIMIT {_ROWS}"
        if size_of(brought) <= _LARGE:
            # rows from all of the file, as its beginning may be of another time
            step = max(1, -(-engine.run(f"SELECT count(*) FROM {opened.view}")[0][0] // _ROWS))
            few = f"SELECT * EXCLUDE ({ROW}) FROM {opened.view} WHERE {ROW} % {step} = 0"
        return engine.home(few)  # type: ignore[no-any-return]  # the engine is imported late
    except engine.errors as error:
        return opened.why(error)


def _of_database(source: str) -> dict[str, pd.DataFrame]:
    from csrisk._pipeline._sources import duckdb_file, far_database, is_far, located
    from csrisk.data._engines import home
    from csrisk.data._reading import quoted

    if is_far(source):
        _, connection, names = far_database(source.strip())
        return {name: connection.table(name).limit(_ROWS).to_pandas() for name in names}
    path, name, kind = located(source)
    if kind == "sqlite":
        return _of_sqlite(path, name)
    connection, names = duckdb_file(path, name)
    with connection:
        return {
            name: home(connection.sql(f"SELECT * FROM {quoted(name)} LIMIT {_ROWS}").to_arrow_table()) for name in names
        }


def _of_sqlite(path: Path, name: str) -> dict[str, pd.DataFrame]:
    import pandas as pd

    from csrisk._pipeline._sources import sqlite_tables
    from csrisk.data._reading import quoted

    found = {}
    with sqlite_tables(path, name) as book:
        for table in book.names:
            rows = book.connection.execute(f"SELECT * FROM {quoted(table)} LIMIT {_ROWS}")
            columns = [told[0] for told in rows.description]
            found[table] = pd.DataFrame(rows.fetchall(), columns=columns)
    return found
