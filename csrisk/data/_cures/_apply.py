"""Cures as expressions over what was read, the same on every engine."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw

from csrisk.data._cures._given import MONEY, UNITS
from csrisk.data._declared._declaration import DTYPES
from csrisk.data._engines._rules import bad, raw
from csrisk.data._reading._readers import read_moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk.data._cures._given import Given
    from csrisk.data._declared._declaration import Column, Table

__all__ = ["RATED", "cured", "unrated", "worded"]

RATED = "bad__rate"  # read column: whether an amount is in a currency without a rate
_MOST = 9e18  # microseconds that a whole number of 64 bits holds


def worded(name: str) -> str:
    """Read column of the text that words are looked up in."""
    return f"words__{name}"


def cured(read: nw.LazyFrame[Any], table: Table, columns: Mapping[Column, Given]) -> nw.LazyFrame[Any]:
    """Put the values that were meant in the place of those that were read."""
    there = frozenset(read.collect_schema().names())
    made: dict[str, nw.Expr] = {}
    for column, given in columns.items():
        made |= _column(column, given, there)
    # after all others, as a rate is for amounts that are in their unit already
    for given in (given for column, given in columns.items() if column.name == "currency" and given.rates):
        made |= _rated(table, given, made, there)
    if not made:
        return read
    helpers = [name for name in there if name.startswith(worded(""))]
    return read.with_columns(*(value.alias(name) for name, value in made.items())).drop(*helpers)


def unrated(read: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Give the currencies in which amounts are that have no rate."""
    return read.filter(nw.col(RATED)).select("currency")


def _column(column: Column, given: Given, there: frozenset[str]) -> dict[str, nw.Expr]:
    if given.constant is not None:
        return {column.name: _literal(column, given.constant)}
    made: dict[str, nw.Expr] = {}
    if given.words:
        made |= _meanings(column, given, there)
    value = made.get(column.name, nw.col(column.name))
    if given.unit:
        made |= _moments(column, value, UNITS[given.unit], there)
    if given.factor != 1:
        # two exact steps: the float of 1/12 is rounded before it is used
        made[column.name] = value = value * given.factor.numerator / given.factor.denominator
    if given.scale:
        low, high, first, last = given.scale
        made[column.name] = (value - low) * (last - first) / (high - low) + first
    return made


def _literal(column: Column, value: Any) -> nw.Expr:
    if column.kind == "time":
        value = read_moment(value)
    known = {one.casefold(): one for one in column.values}
    if isinstance(value, str):
        value = known.get(value.strip().casefold(), value)
    return nw.lit(float(value) if column.kind == "number" else value).cast(DTYPES[column.kind])


def _meanings(column: Column, given: Given, there: frozenset[str]) -> dict[str, nw.Expr]:
    """Look words up; what is none of them stays, or cannot be read as it could not before."""
    name = column.name
    # a missing value is the empty word, which may be declared as any other
    told = nw.col(worded(name)).str.strip_chars().str.to_lowercase().fill_null("")
    value = nw.col(name) if name in there else nw.lit(None).cast(DTYPES[column.kind])
    for word, meaning in given.words:
        value = nw.when(told == word).then(_literal(column, meaning)).otherwise(value)
    made = {name: value}
    found = told.is_in([word for word, _ in given.words])
    if bad(name) in there:
        made[bad(name)] = nw.col(bad(name)) & ~found
    elif name not in there:
        made |= {bad(name): ~found & (told != ""), raw(name): nw.col(worded(name))}
    return made


def _moments(column: Column, value: nw.Expr, unit: int, there: frozenset[str]) -> dict[str, nw.Expr]:
    name, moment = column.name, value * float(unit)
    held = moment.abs() < _MOST
    broken = ~value.is_null() & ~held
    return {
        name: nw.when(held).then(moment.round(0)).cast(nw.Int64),
        bad(name): nw.col(bad(name)) | broken if bad(name) in there else broken,
        raw(name): nw.col(raw(name)) if raw(name) in there else value.cast(nw.String),
    }


def _rated(table: Table, given: Given, made: dict[str, nw.Expr], there: frozenset[str]) -> dict[str, nw.Expr]:
    currency = made.get("currency", nw.col("currency"))
    told = currency.str.strip_chars().str.to_uppercase()
    rate: Any = nw.lit(None).cast(nw.Float64)
    for name, value in given.rates:
        rate = nw.when(told == name).then(nw.lit(value).cast(nw.Float64)).otherwise(rate)
    base = next(name for name, value in given.rates if value == 1)
    amounts = {
        name: made.get(name, nw.col(name)) for name in MONEY.get(table.name, ()) if name in there or name in made
    }
    rated = {name: value * rate for name, value in amounts.items()}
    # what was converted is in the base now; the rest keeps its name for the message
    rated["currency"] = nw.when(~rate.is_null()).then(nw.lit(base)).otherwise(currency)
    some = reduce(or_, [~value.is_null() for value in amounts.values()], nw.lit(False))
    # a row without an amount needs no rate
    return rated | {RATED: rate.is_null() & some}
