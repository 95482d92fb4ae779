"""One table by itself, read as those of a portfolio are: the same files, separators and reasons."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from csrisk._text import MISSING_WORDS
from csrisk.data._engines._engine import DuckDBEngine
from csrisk.data._engines._source import open_source
from csrisk.data._findings._breach import Breach
from csrisk.data._reading._readers import ROW, quoted, trimmed
from csrisk.exceptions import DataContractError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd

    from csrisk.data._engines._source import Source

__all__ = ["plain_kinds", "read_one_table"]

# a number with leading zeros is an id, which they belong to
_FORMS = {
    "BIGINT": r"-?(0|[1-9]\d{0,17})",
    "DOUBLE": r"[-+]?((0|[1-9]\d*)([.]\d*)?|[.]\d+)([eE][-+]?\d+)?",
    "BOOLEAN": "(?i)true|false",
}
_GAPS: dict[str, Any] = {"Int64": "float64", "boolean": object}  # as pandas has them where a value is missing


def read_one_table(path: Path) -> pd.DataFrame:
    """Read a file of CSV or Parquet whose columns csrisk has no names for."""
    with closing(DuckDBEngine(on_disk=False)) as engine:
        source = open_source(engine, "accounts", path)
        if isinstance(source, Breach):
            raise DataContractError(str(source), (source,))
        try:
            frame = engine.home(f"SELECT {', '.join(_columns(engine, source))} FROM {source.view} ORDER BY {ROW}")
        except engine.errors as error:
            breach = Breach("CSD006", detail=source.why(error))
            raise DataContractError(str(breach), (breach,)) from None
    gaps = {name: _GAPS[str(kind)] for name, kind in frame.dtypes.items() if str(kind) in _GAPS}
    return frame.astype(gaps)


def _columns(engine: DuckDBEngine, source: Source) -> list[str]:
    if not source.untyped:
        return [quoted(name) for name in source.types]
    words = {name: _word(trimmed(quoted(name))) for name in source.types}
    kinds = plain_kinds(engine, source.view, _FORMS, words)
    return [f"CAST({word} AS {kinds.get(name, 'VARCHAR')}) AS {quoted(name)}" for name, word in words.items()]


def _word(text: str) -> str:
    return f"CASE WHEN lower({text}) NOT IN {MISSING_WORDS} THEN {text} END"


def plain_kinds(
    engine: DuckDBEngine,
    view: str,
    forms: Mapping[str, str],
    words: Mapping[str, str],
    whole: Mapping[str, Callable[[str], str]] | None = None,
) -> dict[str, str]:
    """Find the first type, by the form of its text, that all values of a column plainly have; none where it is text."""
    tests, asked = [], []
    for name, word in words.items():
        for kind, form in forms.items():
            fits = f"regexp_full_match({word}, '{form}') AND try_cast({word} AS {kind}) IS NOT NULL"
            also = f" AND ({whole[kind](word)})" if whole and kind in whole else ""
            # of no values bool_and is null
            tests.append(f"coalesce(bool_and({fits}) FILTER ({word} IS NOT NULL){also}, false)")
            asked.append((name, kind))
    row = engine.run(f"SELECT {', '.join(tests)} FROM {view}")[0] if tests else ()
    kinds: dict[str, str] = {}
    for (name, kind), fits in zip(asked, row, strict=True):
        if fits:
            # forms stand from narrow to wide, so the first that fits stays
            kinds.setdefault(name, kind)
    return kinds
