"""Which rows of a user's table count: those with some values, or without."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import reduce
from math import isfinite
from operator import and_, or_
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals.stable.v2 as nw

from csrisk.data._engines._staging import number, tally
from csrisk.data._findings._breach import Breach, did_you_mean
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from csrisk.data._engines._engine import Engine
    from csrisk.data._engines._planning import Brought

__all__ = ["Filtered", "filtered", "require_where", "spelt"]

_MOST = 100
_TRUE, _FALSE = ("true", "t", "yes", "y", "on", "1"), ("false", "f", "no", "n", "off", "0")


class Condition(NamedTuple):
    """Which values of a column count."""

    column: str
    values: tuple[str | float | bool, ...]
    without: bool


class Filtered(NamedTuple):
    """The rows that count, and what is said of the others."""

    brought: Brought
    breaches: list[Breach]


def require_where(where: object) -> list[Condition]:
    """Read which rows count; raises ConfigError at what cannot be meant."""
    if not isinstance(where, Mapping):
        raise ConfigError(f"where = {str(where)[:80]!r} must be a table: where = {{ status = ['active'] }}")
    return [_condition(str(column), told) for column, told in where.items()]


def _condition(column: str, told: object) -> Condition:
    without = isinstance(told, Mapping)
    if isinstance(told, Mapping):
        if set(told) != {"not"}:
            raise ConfigError(
                f"where.{column}: known key is 'not', as in {{ not = ['trial'] }}; found {list(told)[:5]}"
            )
        told = told["not"]
    values: list[Any] = list(told) if isinstance(told, Sequence) and not isinstance(told, str) else [told]
    plain = all(isinstance(v, str | bool) or (isinstance(v, int | float) and isfinite(v)) for v in values)
    if not plain or not 0 < len(values) <= _MOST:
        raise ConfigError(
            f'where.{column} must be a value or a list of at most {_MOST}: text, numbers, true, false, or "" for none'
        )
    return Condition(column, tuple(values), without)


def spelt(name: str, names: Sequence[str]) -> str | None:
    """Find a name, upper and lower case alike where that is no question: warehouses shout."""
    if name in names:
        return name
    alike = [one for one in names if one.casefold() == name.casefold()]
    return alike[0] if len(alike) == 1 else None


def filtered(engine: Engine, table: str, brought: Brought, conditions: Sequence[Condition]) -> Filtered:
    """Leave out the rows that do not count, and say how many."""
    rows = brought.rows()
    types = dict(rows.collect_schema())
    kept: list[nw.Expr] = []
    hits: dict[str, nw.Expr] = {}
    breaches: list[Breach] = []
    for place, condition in enumerate(conditions):
        name = spelt(condition.column, list(brought.types))
        if name is None:
            detail = f"where names {condition.column!r}; {did_you_mean(condition.column, brought.types)}"
            breaches.append(Breach("CSD025", table, condition.column, detail=detail))
            continue
        found = [_is(nw.col(name), types[name], value) for value in condition.values]
        if any(one is None for one in found):
            kind = 'times, and can be asked for "" alone' if types[name].is_temporal() else str(types[name])
            breaches.append(Breach("CSD025", table, name, detail=f"where.{condition.column}: the values are {kind}"))
            continue
        # missing is none of the values; as null it would be left out under `not`, too
        told = [one.fill_null(False) for one in found if one is not None]
        hits |= {f"n_{place}_{i}": one for i, one in enumerate(told)}
        any_of = reduce(or_, told)
        kept.append(~any_of if condition.without else any_of)
    if breaches:
        return Filtered(brought, breaches)
    keeps = reduce(and_, kept)
    # one query for all counts, as each reads the whole table
    tallies = [tally(one).alias(name) for name, one in {"kept": keeps, **hits}.items()]
    row = engine.collect(rows.select(number().alias("rows"), *tallies)).iloc[0].fillna(0)
    counts = {str(name): int(value) for name, value in row.items()}
    return Filtered(brought.only(keeps), _said(table, conditions, counts))


def _said(table: str, conditions: Sequence[Condition], counts: Mapping[str, int]) -> list[Breach]:
    n_rows, n_kept, breaches = counts["rows"], counts["kept"], []
    for place, condition in enumerate(conditions):
        idle = [str(i + 1) for i in range(len(condition.values)) if n_rows and not counts[f"n_{place}_{i}"]]
        if idle:
            # by their place: what is filtered may be the ids of customers
            of = f"entry {', '.join(idle)} of the {len(condition.values)} of where.{condition.column}"
            breaches.append(Breach("CSD026", table, condition.column, len(idle), detail=of))
    if n_rows and not n_kept:
        breaches.append(
            Breach("CSD024", table, count=n_rows, detail=f"of {n_rows}, so that none is left", effect="refused")
        )
    elif n_kept < n_rows:
        names = ", ".join(condition.column for condition in conditions)
        breaches.append(Breach("CSD024", table, names, n_rows - n_kept, detail=f"of {n_rows}"))
    return breaches


def _is(column: nw.Expr, dtype: Any, value: str | float | bool) -> nw.Expr | None:
    """Whether a column has a value; None where its type cannot."""
    if value == "" or (isinstance(value, str) and not value.strip()):
        blank = column.is_null()
        return blank | (column.cast(nw.String).str.strip_chars() == "") if _is_text(dtype) else blank
    if _is_text(dtype):
        return column.cast(nw.String).str.strip_chars().str.to_lowercase().is_in(_spellings(value))
    if dtype == nw.Boolean:
        meant = _truth(value)
        return None if meant is None else column if meant else ~column
    if dtype.is_numeric():
        number = _number(value)
        return None if number is None else column.cast(nw.Float64) == number
    return None


def _is_text(dtype: Any) -> bool:
    return dtype in (nw.String, nw.Categorical) or isinstance(dtype, nw.Enum)


def _spellings(value: str | float | bool) -> list[str]:
    if isinstance(value, str):
        told = value.strip().lower()
        # a whole number may be written with .0, a code such as 007 may not
        return [told, f"{told}.0"] if re.fullmatch(r"-?(0|[1-9]\d*)", told) else [told]
    if isinstance(value, bool):
        return list(_TRUE if value else _FALSE)
    return sorted({str(value), f"{value:g}", str(float(value))})


def _truth(value: str | float | bool) -> bool | None:
    told = str(value).strip().lower()
    return True if told in (*_TRUE, "1.0") else False if told in (*_FALSE, "0.0") else None


def _number(value: str | float | bool) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None
