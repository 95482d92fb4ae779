"""What a column of the contract is read from: a column of the user as it is, one that needs a cure, or a constant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import isfinite
from typing import TYPE_CHECKING, Any

from csrisk.data._reading._readers import read_moment
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from csrisk.data._declared._declaration import Column

__all__ = ["MONEY", "UNITS", "Given", "givens_of", "misfit"]

UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}  # microseconds
DATES = ("day first", "month first")
# amounts of a table, each in the currency of its row
MONEY = {
    "subscriptions": ("mrr", "list_price"),
    "usage": ("value",),
    "finance": ("revenue", "cost_to_serve"),
    "invoices": ("amount",),
}
_MOST = 100  # entries of a table of words or rates; each is a branch in the expression of the engine
_LONGEST = 1_000
_SPAN = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*-\s*(-?\d+(?:\.\d+)?)\s+to\s+(-?\d+(?:\.\d+)?)\s*-\s*(-?\d+(?:\.\d+)?)\s*")
_PARTS = {"unit": "time", "dates": "time", "factor": "number", "scale": "number", "leading_number": "number"}


@dataclass(frozen=True, slots=True)
class Given:
    """What a column of the contract is read from."""

    name: str
    constant: str | float | bool | None = None
    unit: str = ""
    dates: str = ""
    # a fraction, so that 1/12 can be said and stays what it is
    factor: Fraction = Fraction(1)
    scale: tuple[float, ...] = ()
    leading_number: bool = False
    # in lower case, with what it means
    words: tuple[tuple[str, Any], ...] = ()
    # a currency in upper case, and what one unit of it is worth in the one whose rate is 1
    rates: tuple[tuple[str, float], ...] = ()
    preset: str = ""

    @property
    def is_constant(self) -> bool:
        """Whether no column of the user is read."""
        return not self.name


def givens_of(columns: Mapping[str, Any]) -> dict[str, Given]:
    """Read what is said of the columns of a table; raises ConfigError at what cannot be meant."""
    return {str(name): _given(str(name), told) for name, told in columns.items()}


def misfit(column: Column, given: Given) -> str:
    """Say why a cure does not fit the kind of a column; empty where it does."""
    for part, kind in _PARTS.items():
        # what was not said has its default
        if column.kind != kind and getattr(given, part) != getattr(Given(""), part):
            return f"{part} is for a {kind}, and {column.name} is {_a(column.kind)}"
    if given.rates and column.name != "currency":
        return "rates are for the column currency"
    if given.constant is not None:
        return _misfit_constant(column, given.constant)
    for _, meaning in given.words:
        if not _fits(column, meaning) or column.kind == "time":
            return f"words mean {meaning!r}, and {column.name} is {_a(column.kind)}"
    return ""


def _misfit_constant(column: Column, value: object) -> str:
    if column.name == "account_id":
        return "an account is told by its id, no constant"
    return "" if _fits(column, value) else f"constant = {value!r}, and {column.name} is {_a(column.kind)}"


def _fits(column: Column, value: object) -> bool:
    if column.kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if column.kind == "bool":
        return isinstance(value, bool)
    return isinstance(value, str) and (column.kind != "time" or read_moment(value) is not None)


def _a(kind: str) -> str:
    return {"bool": "yes or no", "id": "an id", "text": "text"}.get(kind, f"a {kind}")


def _given(column: str, told: object) -> Given:
    if isinstance(told, str):
        return Given(told)
    if not isinstance(told, Mapping) or not told:
        raise ConfigError(f"{column} = {told!r} must be a name, or a table such as {{ name = 'price', factor = 0.01 }}")
    for key in told:
        if key not in _READ:
            near = difflib.get_close_matches(str(key), list(_READ), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(_READ)}"
            raise ConfigError(f"{column}: unknown key {key!r}; {hint}")
    if "constant" in told and len(told) > 1:
        raise ConfigError(
            f"{column}: a constant stands alone, beside no {', '.join(k for k in told if k != 'constant')}"
        )
    if "unit" in told and "dates" in told:
        raise ConfigError(f"{column}: unit is for numbers, dates for text; keep one of the two")
    read = {key: _READ[key](f"{column}.{key}", value) for key, value in told.items()}
    return Given(**{"name": "" if "constant" in told else column} | read)


def _wrong(where: str, value: object, rule: str) -> ConfigError:
    shown = repr(value)
    return ConfigError(f"{where} = {shown if len(shown) <= 80 else shown[:80] + '...'} must be {rule}")


def _text(where: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
        raise _wrong(where, value, f"text of at most {_LONGEST:,} characters")
    return value


def _constant(where: str, value: object) -> str | float | bool:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool) or (isinstance(value, int | float) and isfinite(value)):
        return value
    return _text(where, value)


def _one_of(*allowed: str) -> Any:
    def read(where: str, value: object) -> str:
        if value not in allowed:
            raise _wrong(where, value, f"one of {', '.join(map(repr, allowed))}")
        return str(value)

    return read


def _factor(where: str, value: object) -> Fraction:
    try:
        # by its text: the float 0.01 is not one hundredth
        factor = Fraction(str(value).replace(" ", "")) if isinstance(value, str | int | float) else Fraction(0)
    except (ValueError, ZeroDivisionError):
        factor = Fraction(0)
    if isinstance(value, bool) or not 1e-12 <= abs(factor) <= 1e12:
        raise _wrong(where, value, 'a number that is not 0, or a fraction: 0.01 or "1/12"')
    return factor


def _scale(where: str, value: object) -> tuple[float, ...]:
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    ends = tuple(map(float, found.groups())) if found else (0.0, 0.0, 0.0, 0.0)
    if not (ends[0] < ends[1] and ends[2] < ends[3]):
        raise _wrong(where, value, 'the scale of the column and that of the contract: "0-100 to 0-10"')
    return ends


def _yes(where: str, value: object) -> bool:
    if value is not True:
        raise _wrong(where, value, "true, or left out")
    return True


def _words(where: str, value: object) -> tuple[tuple[str, Any], ...]:
    pairs = _pairs(where, value)
    words = tuple((key.strip().lower(), _constant(f"{where}.{key}", meaning)) for key, meaning in pairs)
    if len({key for key, _ in words}) < len(words):
        raise _wrong(where, value, "a table in which no word stands twice, upper and lower case alike")
    return words


def _rates(where: str, value: object) -> tuple[tuple[str, float], ...]:
    rates = tuple((key.strip().upper(), rate) for key, rate in _pairs(where, value))
    # type and not isinstance, as true is a whole number to Python
    real = all(type(rate) in (int, float) and isfinite(rate) and rate > 0 for _, rate in rates)
    if not real or sum(rate == 1 for _, rate in rates) != 1 or len({key for key, _ in rates}) < len(rates):
        raise _wrong(where, value, "a table of currencies and their rates, one of them 1: { EUR = 1, USD = 0.92 }")
    return tuple((key, float(rate)) for key, rate in rates)


def _pairs(where: str, value: object) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping) or not 0 < len(value) <= _MOST:
        raise _wrong(where, value, f"a table of at most {_MOST} entries")
    return [(str(key), one) for key, one in value.items()]


_READ: dict[str, Any] = {
    "name": _text,
    "constant": _constant,
    "unit": _one_of(*UNITS),
    "dates": _one_of(*DATES),
    "factor": _factor,
    "scale": _scale,
    "leading_number": _yes,
    "words": _words,
    "rates": _rates,
    "preset": _text,
}
