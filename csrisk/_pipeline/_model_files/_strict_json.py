"""JSON of a model file, read strictly: bounded before it is parsed, no key twice, numbers that are finite."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

__all__ = ["MAX_TEXT", "MAX_VALUES", "difference", "number", "read_object"]

MAX_TEXT = 8 * 2**20
MAX_VALUES = 400_000  # an empty list takes 56 bytes of memory, and two of text
_SHOWN = 60
_DIGITS = 18  # more would not come back from float64 or int64


def read_object(content: bytes) -> dict[str, Any]:
    """Read a JSON object strictly."""
    # counted in the bytes, as parsing takes the memory: there is at most one value more than there are such signs
    if len(content) > MAX_TEXT or sum(map(content.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise ValueError(f"more than {MAX_TEXT} bytes or {MAX_VALUES} values")
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_number,
            parse_int=_whole,
            parse_float=_real,
        )
        if b"\\" in content:  # an escape can write half of a character, which no text can hold
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


def number(value: Any) -> float:
    """Take a number, and neither a truth value nor text that looks like one."""
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError("no finite number")
    return float(value)


def difference(told: Any, read: Any, where: str = "") -> str | None:
    """Say in words where values differ, None where they do not."""
    shown = repr(where if len(where) < _SHOWN else f"{where[:_SHOWN]}...")
    if isinstance(told, dict) and isinstance(read, dict):
        for key in [*read, *told]:  # what is missing is named before what is unknown
            path = f"{where}.{key}" if where else str(key)
            if key not in told or key not in read:
                return f"{path[:_SHOWN]!r} {'is missing' if key not in told else 'is not known'}"
            if found := difference(told[key], read[key], path):
                return found
        return None
    if isinstance(told, list) and isinstance(read, list) and len(told) == len(read):
        pairs = enumerate(zip(told, read, strict=True))
        return next(filter(None, (difference(a, b, f"{where}[{place}]") for place, (a, b) in pairs)), None)
    numbers = {type(told), type(read)} <= {int, float}  # 1 and 1.0 are one number of JSON
    # True == 1 in Python
    same = told == read and (numbers or type(told) is type(read))
    return None if same else f"{shown} is not what was read of it"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _whole(text: str) -> int:
    # before int, whose time grows with the square of the digits
    if len(text.lstrip("-")) > _DIGITS:
        raise ValueError(f"a whole number of more than {_DIGITS} digits")
    return int(text)


def _real(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):  # 1e999 is inf
        raise ValueError("a number that is not finite")
    return value
