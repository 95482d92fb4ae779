"""Rules of the values in a specification; each breach is a ConfigError that names key, value and rule."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from csrisk._days import as_midnight
from csrisk.exceptions import ConfigError, SnapshotError

__all__ = ["LONGEST", "count", "date", "duration", "frequency", "inside", "one_of", "put", "text", "texts", "wrong"]

# ASCII, as \d takes the digits of every script
_DURATION = re.compile(r"(\d{1,6}) ?D", re.ASCII)
LONGEST = 36_500  # days: a century
_SHOWN, _MOST_TEXT = 80, 1_000
# from the root, from a home, or on a drive of Windows
_ELSEWHERE = re.compile(r"[/\\~]|[A-Za-z]:")


def put(spec: object, name: str, value: object) -> None:
    """Set a field of a frozen specification, as `__post_init__` must."""
    object.__setattr__(spec, name, value)  # frozen to everybody else


def wrong(name: str, value: object, rule: str) -> ConfigError:
    """Name key, value and rule."""
    shown = repr(value)
    return ConfigError(f"{name} = {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '...'} must be {rule}")


def text(spec: object, name: str, *, optional: bool = False) -> None:
    """Require text that is not empty."""
    value = getattr(spec, name)
    if optional and value is None:
        return
    if not isinstance(value, str) or not 0 < len(value) <= _MOST_TEXT:
        raise wrong(name, value, f"text of at most {_MOST_TEXT:,} characters")


def inside(table: str, files: str | Sequence[str]) -> None:
    """Require files that lie in the folder of the tables: a specification may come from a stranger's model file."""
    for file in [files] if isinstance(files, str) else files:
        if _ELSEWHERE.match(file) or ".." in re.split(r"[/\\]", file) or "\0" in file:
            raise ConfigError(
                f"tables.{table}: file = {file!r} must be a name inside the folder of the tables, without '..'; hand "
                "over the folder that holds it"
            )


def texts(spec: object, name: str) -> None:
    """Require a list of names, and keep it as a tuple."""
    value = getattr(spec, name)
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(v, str) for v in value):
        raise wrong(name, value, 'a list of names: ["a", "b"]')
    put(spec, name, tuple(value))


def one_of(spec: object, name: str, allowed: Sequence[str]) -> None:
    """Require one of some words, and guess which was meant."""
    value = getattr(spec, name)
    if value not in allowed:
        near = difflib.get_close_matches(str(value), allowed, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise wrong(name, value, f"one of {', '.join(allowed)}{hint}")


def count(spec: object, name: str, least: int, most: int) -> None:
    """Require a whole number of at least and at most so many: a slip of the finger must not keep a machine for days."""
    value = getattr(spec, name)
    if type(value) is not int or not least <= value <= most:  # True is an int to isinstance
        raise wrong(name, value, f"a whole number of at least {least} and at most {most:,}")


def duration(spec: object, name: str, least: int = 0) -> None:
    """Require whole days, at least so many and at most a century of them."""
    value = getattr(spec, name)
    written = _DURATION.fullmatch(value) if isinstance(value, str) else None
    days = int(written[1]) if written else value
    if type(days) is not int or not least <= days <= LONGEST:
        raise wrong(name, value, f'whole days, at least {least} and at most {LONGEST}: "90D" or 90')


def frequency(spec: object, name: str) -> None:
    """Require an offset alias of pandas that goes forward by days at least."""
    import pandas as pd

    value = getattr(spec, name)
    try:
        step = pd.tseries.frequencies.to_offset(value) if isinstance(value, str) else None
        first = pd.Timestamp("2024-01-01")
        forward = step is not None and first + 2 * step >= first + pd.Timedelta(days=1)
    except (ValueError, OverflowError):
        forward = False
    if not forward:
        raise wrong(name, value, 'a pandas offset alias of a day or more: "1MS", "W-MON", "30D"')


def date(name: str, value: object) -> str:
    """Read a date and write it the ISO way."""
    try:
        return as_midnight(value, name).date().isoformat()
    except SnapshotError as error:
        raise wrong(name, value, "a date: 2025-07-01") from error
