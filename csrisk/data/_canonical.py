"""SQL that brings the columns of a source into canonical form."""

from __future__ import annotations

from csrisk.data._contract import Column, Table
from csrisk.data._source import Source, quoted

__all__ = ["canonical_select", "id_text", "microseconds"]

_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_TRUE = "('true', 't', 'yes', 'y', '1', '1.0')"
_FALSE = "('false', 'f', 'no', 'n', '0', '0.0')"
_OFFSET = r"\d{2}:\d{2}.*([+-])(\d{2}):?(\d{2})?$"


def id_text(column: str, kind: str) -> str:
    """An id as text: 7, 7.0 and "7" are the same id; an empty text is none."""
    name = quoted(column)
    if kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL"):
        whole = f"isfinite({name}::DOUBLE) AND {name}::DOUBLE = floor({name}::DOUBLE)"
        return (
            f"CASE WHEN isnan({name}::DOUBLE) THEN NULL WHEN {whole} THEN CAST(CAST({name} AS HUGEINT) AS VARCHAR) "
            f"ELSE CAST({name} AS VARCHAR) END"
        )
    return f"nullif(CAST({name} AS VARCHAR), '')"


def microseconds(column: str, kind: str) -> str:
    """A time as microseconds since 1970-01-01 UTC; null where it cannot be read."""
    name = quoted(column)
    if kind != "VARCHAR":
        return f"epoch_us({name})"
    text = f"trim({name})"
    sign, hours, minutes = (f"regexp_extract({text}, '{_OFFSET}', {group})" for group in (1, 2, 3))
    shift = (
        f"(CASE {sign} WHEN '+' THEN 1 WHEN '-' THEN -1 ELSE 0 END "
        f"* (coalesce(try_cast({hours} AS BIGINT), 0) * 3600 + coalesce(try_cast({minutes} AS BIGINT), 0) * 60) * 1000000)"
    )
    # DuckDB reads an offset in text and then forgets it
    return f"(epoch_us(try_cast({text} AS TIMESTAMP)) - {shift})"


def canonical_select(table: Table, source: Source, mapping: dict[str, str]) -> str:
    """The SELECT that turns a source into the canonical table (account coded through the enum type book_accounts)."""
    parts = []
    if table.has_account:
        account = id_text(mapping["account_id"], source.types[mapping["account_id"]])
        parts.append(f"CAST(enum_code(try_cast({account} AS book_accounts)) AS BIGINT) AS account")
    for column in table.columns:
        if column.name != "account_id":
            parts.extend(_column(column, source, mapping))
    if table.name == "accounts":
        known = {mapping[name] for name in table.names if name in mapping}
        for extra, kind in source.types.items():
            if extra not in known and extra not in table.names:
                parts.extend(_attribute(extra, kind))
    inner = f"SELECT {', '.join(parts)} FROM {source.view}"
    if not table.has_account:
        return inner
    time = table.time or "started_at"
    known_day = f"greatest({time}_day, coalesce(known_at_day, {time}_day))"
    return f"SELECT account, {time}_day AS day, {known_day} AS known, * EXCLUDE (account) FROM ({inner})"


def _column(column: Column, source: Source, mapping: dict[str, str]) -> list[str]:
    if column.name not in mapping:
        return _absent(column)
    name = mapping[column.name]
    return _read(column, name, source.types[name])


def _absent(column: Column) -> list[str]:
    if column.kind == "time":
        return [f"CAST(NULL AS BIGINT) AS {column.name}_{grain}" for grain in ("day", "second")]
    kind = {"number": "DOUBLE", "bool": "BOOLEAN"}.get(column.kind, "VARCHAR")
    value = "NULL" if column.default is None else str(column.default)
    return [f"CAST({value} AS {kind}) AS {quoted(column.name)}"]


def _read(column: Column, name: str, kind: str) -> list[str]:
    if column.kind == "time":
        micros = microseconds(name, kind)
        return [
            f"CAST(floor({micros} / CAST({size} AS DOUBLE)) AS BIGINT) AS {quoted(f'{column.name}_{grain}')}"
            for grain, size in (("day", 86_400_000_000), ("second", 1_000_000))
        ]
    if column.kind == "number":
        number = f"try_cast({quoted(name)} AS DOUBLE)"
        finite = f"CASE WHEN isfinite({number}) THEN {number} END"
        value = finite if column.default is None else f"coalesce({finite}, CAST({column.default} AS DOUBLE))"
    elif column.kind == "bool":
        text = f"lower(trim(CAST({quoted(name)} AS VARCHAR)))"
        value = f"CASE WHEN {text} IN {_TRUE} THEN true WHEN {text} IN {_FALSE} THEN false END"
    elif column.kind == "id":
        value = id_text(name, kind)
    else:
        value = f"nullif(CAST({quoted(name)} AS VARCHAR), '')"
    return [f"{value} AS {quoted(column.name)}"]


def _attribute(name: str, kind: str) -> list[str]:
    if kind.startswith(("TIMESTAMP", "DATE")):
        return _read(Column(name, "time", ""), name, kind)
    if kind in _WHOLE or kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL"):
        return _read(Column(name, "number", "", low=None), name, kind)
    return _read(Column(name, "bool" if kind == "BOOLEAN" else "category", ""), name, kind)
