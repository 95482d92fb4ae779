"""Tables in files: Parquet and CSV, one file or many, as one view of the engine."""

from __future__ import annotations

import glob
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from csrisk.data._declared._contract import CONTRACT
from csrisk.data._declared._kinds import UnreadableError
from csrisk.data._findings._breach import Breach
from csrisk.data._reading._csv import Header, csv_reason, line_told, read_header, require_whole
from csrisk.data._reading._part_types import Columns, unify
from csrisk.data._reading._parts import Parts, find_parts
from csrisk.data._reading._readers import ROW, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from csrisk.data._engines._engine import DuckDBEngine
    from csrisk.data._reading._parts import Part

__all__ = ["Source", "open_path", "repeated", "twice", "types_of", "why_unreadable"]

_FILE = "csrisk__file"


@dataclass(frozen=True, slots=True)
class Source:
    """A table as the user brought it, readable by the engine."""

    view: str
    types: Mapping[str, str]
    untyped: bool = False
    mixed: frozenset[str] = field(default_factory=frozenset)
    parts: Parts | None = None
    notes: tuple[Breach, ...] = ()

    def why(self, error: Exception) -> str:
        """Say why the engine could not read it, without a word of what it holds."""
        return why_unreadable(self.parts, error)


def open_path(engine: DuckDBEngine, view: str, table: str, brought: Any) -> Source | Breach:
    """Make a view over files."""
    parts = find_parts(brought)
    notes = []
    if parts.unused:
        names = ", ".join(sorted({repr(name[:80]) for name in parts.unused})[:5])
        notes.append(Breach("CSD021", table, count=len(parts.unused), detail=f"among its parts: {names}"))
    if not parts.parquet:
        headers = _headers(parts)
        if again := _repeated(table, parts, headers):
            return again
        sql, columns = _csv_sql(parts, headers), Columns.of([header.names for header in headers])
    else:
        sql, columns = _parquet_sql(engine, parts)
    engine.run(f"CREATE TEMP VIEW {view} AS {sql}")
    if columns.missing:
        among = f"{columns.lacking} of {len(parts.files)} parts lack them; their rows count as missing there"
        notes.append(Breach("CSD023", table, ", ".join(columns.missing), len(columns.missing), detail=among))
    return Source(view, types_of(engine, view), not parts.parquet, columns.mixed, parts, tuple(notes))


def types_of(engine: DuckDBEngine, view: str) -> dict[str, str]:
    """Type in the engine of each column of the user."""
    return {row[0]: row[1] for row in engine.run(f"DESCRIBE {view}") if row[0] != ROW}


def why_unreadable(parts: Parts | None, error: Exception) -> str:
    """Say why the engine gave up, on files where there are any."""
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "memory ran out; raise memory_limit="
    for place, part in enumerate(parts.files if parts else ()):
        try:
            if part.kind == "parquet":
                reason = _parquet_damage(part)
            else:
                reason = csv_reason(part.path, read_header(part.path, packed=part.kind == "csv.gz"))
        except (UnreadableError, OSError) as found:
            reason = str(found) if isinstance(found, UnreadableError) else found.strerror or type(found).__name__
        if parts and reason:
            return parts.where(place) + reason
    return line_told(error) or f"the engine says {type(error).__name__}"


def repeated(names: list[str]) -> list[str]:
    """Names that occur more than once, upper and lower case alike."""
    folded = [name.casefold() for name in names]
    return sorted({name for name, key in zip(names, folded, strict=True) if folded.count(key) > 1})


def twice(table: str, names: list[str]) -> Breach | None:
    """Say which names occur more than once."""
    again = repeated(names)
    return Breach("CSD005", table, ", ".join(again), count=len(again)) if again else None


def _parquet_damage(part: Part) -> str:
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(part.path)
        # damage may lie in any group, and shows when it is read
        for group in range(file.num_row_groups):
            file.read_row_group(group)
    except Exception:  # whatever a reader throws at damage, its text may quote what it read
        return "it is a damaged Parquet file; write or copy it again"
    return ""


def _headers(parts: Parts) -> list[Header]:
    headers = []
    for place, part in enumerate(parts.files):
        try:
            headers.append(read_header(part.path, packed=part.kind == "csv.gz"))
            if headers[-1].packed:
                require_whole(part.path)
        except UnreadableError as error:
            raise UnreadableError(parts.where(place) + str(error)) from error
    return headers


def _repeated(table: str, parts: Parts, headers: Sequence[Header]) -> Breach | None:
    for place, header in enumerate(headers):
        if again := repeated(list(header.names)):
            known = {name.casefold() for name in header.names} & {name.casefold() for name in CONTRACT[table].names}
            # without one known name the line may be the first of the data, whose cells are not repeated
            shown = ", ".join(again) if known else ""
            detail = parts.where(place) + ("" if known else "is the first line a header?")
            return Breach("CSD005", table, shown, count=len(again), detail=detail.removesuffix(": "))
    return None


def _csv_sql(parts: Parts, headers: Sequence[Header]) -> str:
    """Write the SELECT over CSV files; neighbours with the same header are read together."""
    selects = []
    values = _values_sql(parts)
    named = f", filename = '{_FILE}'" if values else ""
    for header, run in itertools.groupby(zip(headers, parts.files, strict=True), key=lambda pair: pair[0]):
        # ids and times are read as text: guessing would lose leading zeros, and take NA for missing
        columns = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in header.names)
        packing = "gzip" if header.packed else "none"
        # told, since a line break inside a heading or cell would be taken for it
        ending = {"\n": ", new_line = '\\n'", "\r\n": ", new_line = '\\r\\n'"}.get(header.ending, "")
        options = (
            f"auto_detect = false, header = true, delim = {_text(header.separator)}, quote = '\"', escape = '\"', "
            f"skip = {header.skip}, compression = '{packing}', columns = {{{columns}}}{named}{ending}"
        )
        taken = ", ".join([*map(quoted, header.names), *_added(values, header.names)])
        selects.append(f"SELECT {taken} FROM read_csv({_list(part for _, part in run)}, {options})")
    return f"SELECT *, row_number() OVER () - 1 AS {ROW} FROM ({' UNION ALL BY NAME '.join(selects)})"


def _parquet_sql(engine: DuckDBEngine, parts: Parts) -> tuple[str, Columns]:
    """Write the SELECT over Parquet files; those of the same columns and types are read together."""
    groups = _alike(engine, parts)
    # folders tell partitions below, as text: the engine would guess types, and take 007 for 7
    options = f"hive_partitioning = false, file_row_number = true, filename = '{_FILE}'"
    types = []
    for group in groups:
        found = engine.run(f"DESCRIBE SELECT * FROM read_parquet({_list(group[:1])}, hive_partitioning = false)")
        types.append({str(row[0]): str(row[1]) for row in found})
    columns = unify(types, [[parts.files.index(part) for part in group] for group in groups], parts)
    values, before, selects = _values_sql(parts), _before(engine, parts), []
    for group, own in zip(groups, types, strict=True):
        taken = ", ".join([*columns.select(own), *_added(values, own), f"file_row_number + {before} AS {ROW}"])
        selects.append(f"SELECT {taken} FROM read_parquet({_list(group)}, {options})")
    return " UNION ALL BY NAME ".join(selects), columns


def _alike(engine: DuckDBEngine, parts: Parts) -> list[list[Part]]:
    """Group the files by their columns and types."""
    if len(parts.files) == 1:
        return [list(parts.files)]
    schemas: dict[str, list[tuple[Any, ...]]] = {}
    told = "file_name, name, type, CAST(logical_type AS VARCHAR), CAST(converted_type AS VARCHAR), num_children"
    for row in engine.run(f"SELECT {told}, precision, scale FROM parquet_schema({_list(parts.files)})"):
        schemas.setdefault(row[0], []).append(row[1:])
    groups: dict[object, list[Part]] = {}
    for part in parts.files:
        groups.setdefault(tuple(schemas.get(str(part.path), [(str(part.path),)])), []).append(part)
    return list(groups.values())


def _before(engine: DuckDBEngine, parts: Parts) -> str:
    """Write SQL for the number of rows in the files before that of a row."""
    if len(parts.files) == 1:
        return "0"
    counts = dict(engine.run(f"SELECT file_name, num_rows FROM parquet_file_metadata({_list(parts.files)})"))
    # one sum more than files, the last being that of all
    sums = itertools.accumulate((counts[str(part.path)] for part in parts.files), initial=0)
    cases = [f"WHEN {_text(str(part.path))} THEN {before}" for part, before in zip(parts.files, sums, strict=False)]
    return f"CASE {_FILE} {' '.join(cases)} END"


def _values_sql(parts: Parts) -> dict[str, str]:
    """Write SQL for each column that the names of folders tell."""
    keys = dict.fromkeys(key for part in parts.files for key in part.values)
    sql = {}
    for key in keys:
        told = {str(part.path): part.values.get(key) for part in parts.files}
        cases = [f"WHEN {_text(path)} THEN {_text(value)}" for path, value in told.items() if value is not None]
        sql[key] = f"CASE {_FILE} {' '.join(cases)} END" if cases else "CAST(NULL AS VARCHAR)"
    return sql


def _added(values: dict[str, str], own: Iterable[str]) -> list[str]:
    """Columns told by folders that a file does not hold itself."""
    there = {name.casefold() for name in own}
    return [f"{sql} AS {quoted(key)}" for key, sql in values.items() if key.casefold() not in there]


def _list(parts: Iterable[Part]) -> str:
    # the engine takes a path for a pattern, so that [1] in a name would be one
    return f"[{', '.join(_text(glob.escape(str(part.path))) for part in parts)}]"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
